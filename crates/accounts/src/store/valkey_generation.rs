//! Since when the site counts in the Valkey that it has now.
//!
//! Valkey may forget what it counted: it was restarted, emptied, or replaced. Its servers notice by
//! a marker that they wrote there and by its own name for its process. With another of either a new
//! generation begins, and Valkey grants nothing until the generation is older than the window of
//! the limit: by then, what was forgotten would not count any more.

use std::time::Duration;

use crate::domain::AccountsError;
use crate::store::backend_failures::StoredBudget;
use crate::store::engine::sql;

impl StoredBudget {
    /// Confirms that the site still counts in this generation, and returns the age of it.
    ///
    /// From now on PostgreSQL grants only its share of each limit, until no server has confirmed a
    /// generation for the window of the limit and a minute. `None`: it is not the current
    /// generation.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn renew_generation(
        &self,
        marker: &str,
        process: &str,
    ) -> Result<Option<Duration>, AccountsError> {
        let renew = sql("UPDATE valkey_generation SET used_at = greatest(used_at, now_ms) \
             FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms) AS clock \
             WHERE marker = $1 AND process = $2 RETURNING now_ms - since");
        let row = self.0.db().row(renew.bind(marker).bind(process)).await?;
        let age = row.map(|row| row.int(0)).transpose()?;
        Ok(age.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or_default())))
    }

    /// Begins a new generation.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn begin_generation(&self, marker: &str, process: &str) -> Result<(), AccountsError> {
        let begin = sql("INSERT INTO valkey_generation AS kept (id, marker, process, since, used_at) \
             SELECT 1, $1, $2, now_ms, now_ms \
             FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms) AS clock \
             ON CONFLICT (id) DO UPDATE SET marker = EXCLUDED.marker, process = EXCLUDED.process, \
             since = greatest(kept.used_at, EXCLUDED.since), used_at = greatest(kept.used_at, EXCLUDED.used_at)");
        self.0.db().row(begin.bind(marker).bind(process)).await.map(drop)
    }
}
