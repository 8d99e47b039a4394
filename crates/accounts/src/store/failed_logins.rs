//! Failed sign-ins by place, kept for the throttles of all servers: so that a restart forgets nothing, one process knows what
//! another has seen, and an administrator can look and forgive.
//!
//! The throttle itself lives in the memory of each server; nothing here is on the way of a sign-in. A server writes what it has
//! seen every second, in one transaction ([`FailedLogins::record`]), and reads what the others have ([`FailedLogins::of_others`]). Rows
//! are deleted when they no longer count, and there are never more than [`MAX_FAILED_LOGINS`].
//!
//! Forgiving is heard before the next attempt: it deletes the rows and raises the
//! [epoch](crate::CredentialEpoch) in one transaction. A server that had failures of before still to write finds the
//! epoch changed inside its own transaction, and looks again first.

use std::time::Duration;

use user_backend::brute_force::SourceNet;

use crate::domain::{AccountsError, Action, CredentialEpoch, Timestamp};
use crate::store::credential_epoch;
use crate::store::engine::{Row, sql};
use crate::store::handle::table;
use crate::store::rights::Right;

/// How many failures are kept at most, the newest.
pub const MAX_FAILED_LOGINS: i64 = 100_000;

/// How far back a reader looks for rows that were committed late: on PostgreSQL a smaller key may appear after a larger one.
const LATE_COMMITS: i64 = 1_000;

/// How many rows are read at a time.
const PAGE: i64 = 10_000;

/// A failed sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedLogin {
    /// Its number: larger ones were begun to be written later.
    pub key: i64,
    /// From where.
    pub source: SourceNet,
    /// When.
    pub at: Timestamp,
}

table! {
    /// Failed sign-ins; see the [module](self).
    FailedLogins, FailedLoginsMut
}

impl FailedLoginsMut<'_> {
    /// Writes what a server has seen, and deletes what is older than `keep`. Tells whether it was written: it is not when the
    /// epoch is no longer `seen`, because these very failures may have been forgiven.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn record(
        self,
        server: &str,
        seen: CredentialEpoch,
        failures: &[(SourceNet, Timestamp)],
        keep: Duration,
    ) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        if credential_epoch::locked(&mut change).await? != seen {
            return Ok(false);
        }
        for (place, at) in failures {
            let put = sql("INSERT INTO failures (place, at, server) VALUES ($1, $2, $3)");
            change.execute(put.bind(place.to_string()).bind(at.millis()).bind(server)).await?;
        }
        let old = sql("DELETE FROM failures WHERE at < $1");
        change.execute(old.bind(self.0.now().before(keep).millis())).await?;
        let surplus = sql("DELETE FROM failures WHERE key <= (SELECT MAX(key) FROM failures) - $1");
        change.execute(surplus.bind(MAX_FAILED_LOGINS)).await?;
        change.commit().await?;
        Ok(true)
    }
}

impl FailedLogins<'_> {
    /// What other servers have seen since `not_before`, oldest first: at most 10,000 failures with keys above `after`, and
    /// again some that were there the last time. Their keys tell them apart.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of_others(
        self,
        server: &str,
        after: i64,
        not_before: Timestamp,
    ) -> Result<Vec<FailedLogin>, AccountsError> {
        let query = sql("SELECT key, place, at FROM failures WHERE key > $1 AND server <> $2 AND at >= $3 \
                         ORDER BY key LIMIT $4");
        let query =
            query.bind(after.saturating_sub(LATE_COMMITS)).bind(server).bind(not_before.millis()).bind(PAGE);
        let rows = self.0.db().rows(query).await?;
        let failure = |row: &Row| {
            let place: String = row.text(1)?;
            Ok(FailedLogin {
                key: row.int(0)?,
                source: source(&place)?,
                at: Timestamp::from_millis(row.int(2)?),
            })
        };
        rows.iter().map(failure).collect()
    }

    /// When sign-ins from a source failed since `not_before`, oldest first; for a wide network, those from all sources in it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of(self, source: SourceNet, not_before: Timestamp) -> Result<Vec<Timestamp>, AccountsError> {
        // Written are the narrowest networks.
        let query = match source.prefix() {
            64.. => sql("SELECT at, place FROM failures WHERE place = $1 AND at >= $2 ORDER BY at")
                .bind(source.to_string())
                .bind(not_before.millis()),
            _ => sql("SELECT at, place FROM failures WHERE at >= $1 ORDER BY at").bind(not_before.millis()),
        };
        let mut at = Vec::new();
        for row in self.0.db().rows(query).await? {
            if source.contains(self::source(&row.text(1)?)?) {
                at.push(Timestamp::from_millis(row.int(0)?));
            }
        }
        Ok(at)
    }
}

impl FailedLoginsMut<'_> {
    /// Resets a source: every server forgets its failures before the next attempt that begins after this has returned. Returns
    /// how many failures were stored.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn reset(self, place: SourceNet) -> Result<u64, AccountsError> {
        let text = place.to_string();
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        let generation = credential_epoch::next(&mut change).await?;
        let gone = change.execute(sql("DELETE FROM failures WHERE place = $1").bind(text.as_str())).await?;
        let note = sql("INSERT INTO forgiven_places (generation, place) VALUES ($1, $2)");
        change.execute(note.bind(generation.number()).bind(text.as_str())).await?;
        change.note(Action::PlaceForgiven, &text, None).await?;
        change.commit().await?;
        Ok(gone)
    }
}

impl FailedLogins<'_> {
    /// The places that were forgiven after one epoch, up to another.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn resets_between(
        self,
        after: CredentialEpoch,
        up_to: CredentialEpoch,
    ) -> Result<Vec<SourceNet>, AccountsError> {
        let query =
            sql("SELECT DISTINCT place FROM forgiven_places WHERE generation > $1 AND generation <= $2");
        let rows = self.0.db().rows(query.bind(after.number()).bind(up_to.number())).await?;
        rows.iter().map(|row| source(&row.text(0)?)).collect()
    }
}

/// A place as it is written down.
pub(crate) fn source(place: &str) -> Result<SourceNet, AccountsError> {
    place.parse().map_err(|_| AccountsError::unreadable("a failed sign-in comes from nowhere"))
}
