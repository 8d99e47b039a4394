//! The servers that run on this store, and what each reported last.
//!
//! What is in the memory of a process can be seen by no other one, so each writes a row every few
//! seconds.

use std::time::Duration;

use crate::domain::{AccountsError, Timestamp};
use crate::store::engine::{Row, sql};
use crate::store::handle::table;

/// How often a server should report.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

/// An instance without a report for this long counts as stopped.
pub const STALE_AFTER: Duration = Duration::from_secs(35);

/// The report of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// Its own name for itself, another one after each start.
    pub id: String,
    /// When it was started.
    pub started: Timestamp,
    /// When it reported this.
    pub reported: Timestamp,
    /// The status, as JSON.
    pub status: String,
}

table! {
    /// Running servers; see the [module](self).
    Instances, InstancesMut
}

impl InstancesMut<'_> {
    /// Stores what a server reports, and forgets those that have been silent for a day.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn report(self, id: &str, started: Timestamp, status: &str) -> Result<(), AccountsError> {
        let now = self.0.now();
        let mut change = self.0.change().await?;
        let put = sql(
            "INSERT INTO server_instances (id, started_at, reported_at, status) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (id) DO UPDATE SET reported_at = excluded.reported_at, status = excluded.status",
        );
        change.execute(put.bind(id).bind(started.millis()).bind(now.millis()).bind(status)).await?;
        let day = Duration::from_secs(24 * 60 * 60);
        change
            .execute(
                sql("DELETE FROM server_instances WHERE reported_at < $1").bind(now.before(day).millis()),
            )
            .await?;
        change.commit().await
    }

    /// A server ends.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn unregister(self, id: &str) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        change.execute(sql("DELETE FROM server_instances WHERE id = $1").bind(id)).await?;
        change.commit().await
    }
}

impl Instances<'_> {
    /// The servers that have reported within [`STALE_AFTER`], by when they were started.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn running(self) -> Result<Vec<Instance>, AccountsError> {
        let query =
            sql("SELECT id, started_at, reported_at, status FROM server_instances WHERE reported_at >= $1 \
                         ORDER BY started_at, id");
        let rows = self.0.db().rows(query.bind(self.0.now().before(STALE_AFTER).millis())).await?;
        let server = |row: &Row| {
            Ok(Instance {
                id: row.text(0)?,
                started: Timestamp::from_millis(row.int(1)?),
                reported: Timestamp::from_millis(row.int(2)?),
                status: row.text(3)?,
            })
        };
        rows.iter().map(server).collect()
    }
}
