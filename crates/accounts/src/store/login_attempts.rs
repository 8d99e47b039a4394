//! Consecutive wrong local passwords, where the policy limits them (`maximumLoginAttempts`).
//!
//! In the store and not in memory, so that the limit holds across processes and restarts. An attempt is counted before it is
//! made, in one statement, so no burst slips through; a right password deletes the count, and so does everything that ends
//! credentials: a new password, `occ cache:flush NAME`. Unknown names are counted like others: what is
//! written must not reveal who exists.

use std::time::Duration;

use user_backend::CanonicalName;

use crate::domain::AccountsError;
use crate::store::change::Change;
use crate::store::engine::sql;
use crate::store::handle::ActingStore;

/// How long "the rest of the day" is at most: a count starts again this long after its first attempt.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many names are counted at most, the newest.
const MOST: i64 = 100_000;

/// Consecutive failures; see the [module](self).
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoginAttempts<'a>(pub(crate) &'a ActingStore);

impl LoginAttempts<'_> {
    /// Counts an attempt that is about to be made, and returns whether it may be: there were not yet `most` in a row.
    pub(crate) async fn begin(self, name: &CanonicalName, most: u32) -> Result<bool, AccountsError> {
        let (now, most) = (self.0.now(), i64::from(most));
        let mut change = self.0.change().await?;
        let count = sql("INSERT INTO login_failures (name, failures, first_at) VALUES ($1, 1, $2) \
                         ON CONFLICT (name) DO UPDATE SET \
                         failures = CASE WHEN login_failures.first_at <= $3 OR login_failures.first_at > $2 THEN 1 \
                             WHEN login_failures.failures > $4 THEN login_failures.failures \
                             ELSE login_failures.failures + 1 END, \
                         first_at = CASE WHEN login_failures.first_at <= $3 OR login_failures.first_at > $2 THEN $2 \
                             ELSE login_failures.first_at END \
                         RETURNING failures");
        let count = count.bind(name.as_str()).bind(now.millis()).bind(now.before(DAY).millis()).bind(most);
        let row = change.row(count).await?;
        let failures = row.map(|row| row.int(0)).transpose()?.unwrap_or(1);
        let old = sql("DELETE FROM login_failures WHERE first_at <= $1");
        change.execute(old.bind(now.before(DAY).millis())).await?;
        let surplus =
            sql("DELETE FROM login_failures WHERE key <= (SELECT MAX(key) FROM login_failures) - $1");
        change.execute(surplus.bind(MOST)).await?;
        change.commit().await?;
        Ok(failures <= most)
    }

    /// The attempt was no guess: it failed for another reason, or the password was right and something else was not.
    pub(crate) async fn cancel(self, name: &CanonicalName) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        let less = sql("UPDATE login_failures SET failures = failures - 1 WHERE name = $1 AND failures > 0");
        change.execute(less.bind(name.as_str())).await?;
        change.commit().await
    }

    /// The password was right.
    pub(crate) async fn forget(self, name: &CanonicalName) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        forget(&mut change, name).await?;
        change.commit().await
    }

    /// Whether this is the only administrator who may sign in.
    pub(crate) async fn is_last_admin(self, name: &CanonicalName) -> Result<bool, AccountsError> {
        let query = sql("SELECT COUNT(*) FROM users JOIN members ON members.user_key = users.key \
                         WHERE members.group_key = 1 AND users.enabled AND users.name = $1 AND NOT EXISTS ( \
                             SELECT 1 FROM members AS others JOIN users AS people ON people.key = others.user_key \
                             WHERE others.group_key = 1 AND people.enabled AND people.name <> $1)");
        let row = self.0.db().row(query.bind(name.as_str())).await?;
        Ok(row.map(|row| row.int(0)).transpose()? == Some(1))
    }
}

/// Deletes a count, in the caller's transaction.
pub(crate) async fn forget(change: &mut Change<'_>, name: &CanonicalName) -> Result<(), AccountsError> {
    change.execute(sql("DELETE FROM login_failures WHERE name = $1").bind(name.as_str())).await.map(drop)
}
