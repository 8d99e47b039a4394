//! Where hashes of local passwords are kept. How they are made and compared is another room's matter.

use std::fmt;

use crate::Accounts;
use crate::domain::clock::Timestamp;
use crate::domain::error::AccountsError;
use crate::domain::id::UserId;
use crate::store::audit::{self, Action};
use crate::store::engine::{Tx, fault, sql};
use crate::store::users::{self, Key};

/// A password's hash as it is stored, in whatever format. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredHash(String);

impl StoredHash {
    /// Takes what a hasher made.
    pub fn new(hash: impl Into<String>) -> Self {
        Self(hash.into())
    }

    /// The hash as text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHash(..)")
    }
}

/// What is kept of a user's password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredCredential {
    /// The hash.
    pub hash: StoredHash,
    /// When the password (not its hash) changed last.
    pub changed: Timestamp,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// The user, in the chosen spelling.
    pub id: UserId,
}

/// The room of password hashes.
#[derive(Clone, Copy, Debug)]
pub struct Passwords<'a>(pub(crate) &'a Accounts);

/// Hashes beyond this many are forgotten when a password changes.
pub const MAX_HISTORY: u32 = 24;

impl Passwords<'_> {
    /// What is kept of a local user's password; `None` when there is no such user, or none with a password here.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn find(self, id: &UserId) -> Result<Option<StoredCredential>, AccountsError> {
        let query = sql(
            "SELECT passwords.hash, passwords.changed_at, users.enabled, users.id, users.name FROM users \
                         JOIN passwords ON passwords.user_key = users.key WHERE users.name = $1",
        );
        let Some(row) = self.0.db().row(query.bind(id.name().as_str())).await? else { return Ok(None) };
        Ok(Some(StoredCredential {
            hash: StoredHash(row.text(0).map_err(fault)?),
            changed: Timestamp::from_millis(row.int(1).map_err(fault)?),
            enabled: row.bool(2).map_err(fault)?,
            id: UserId::stored(&row.text(3).map_err(fault)?, &row.text(4).map_err(fault)?)?,
        }))
    }

    /// Sets a local user's password: the old one ends, with all sessions and resets, when this returns.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::Invalid`] when another backend checks this user's password (a local
    /// password would shadow it).
    pub async fn set(self, id: &UserId, hash: &StoredHash) -> Result<(), AccountsError> {
        let mut tx = self.0.db().begin().await?;
        change(&mut tx, self.0, id, hash).await?;
        tx.commit().await
    }

    /// Replaces the hash of the same password by a better one. Nothing ends.
    ///
    /// # Errors
    /// [`AccountsError::Stale`] when the hash is no longer `old`: the password changed meanwhile.
    pub async fn rehash(self, id: &UserId, old: &StoredHash, new: &StoredHash) -> Result<(), AccountsError> {
        let swap = sql("UPDATE passwords SET hash = $3 WHERE hash = $2 \
                        AND user_key = (SELECT key FROM users WHERE name = $1)");
        let mut tx = self.0.db().begin().await?;
        let swap = swap.bind(id.name().as_str()).bind(old.expose()).bind(new.expose());
        if tx.execute(swap).await? == 0 {
            return Err(AccountsError::Stale { what: "password" });
        }
        // The history would keep the weaker hash of the same password otherwise.
        let swap = sql("UPDATE password_history SET hash = $3 WHERE hash = $2 \
                        AND user_key = (SELECT key FROM users WHERE name = $1)");
        let swap = swap.bind(id.name().as_str()).bind(old.expose()).bind(new.expose());
        tx.execute(swap).await?;
        tx.commit().await
    }

    /// The latest hashes of a user, the present one first, at most `limit` and [`MAX_HISTORY`].
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn history(self, id: &UserId, limit: u32) -> Result<Vec<StoredHash>, AccountsError> {
        let query = sql(
            "SELECT hash FROM password_history WHERE user_key = (SELECT key FROM users WHERE name = $1) \
                         ORDER BY key DESC LIMIT $2",
        );
        let limit = i64::from(limit.min(MAX_HISTORY));
        let rows = self.0.db().rows(query.bind(id.name().as_str()).bind(limit)).await?;
        rows.iter().map(|row| row.text(0).map(StoredHash).map_err(fault)).collect()
    }
}

/// The hash that was put into the history last, in the caller's transaction.
pub(crate) async fn latest(tx: &mut Tx, key: Key) -> Result<Option<StoredHash>, AccountsError> {
    let query = sql("SELECT hash FROM password_history WHERE user_key = $1 ORDER BY key DESC LIMIT 1");
    let row = tx.row(query.bind(key.0)).await?;
    row.map(|row| row.text(0).map(StoredHash).map_err(fault)).transpose()
}

/// Sets a password in the caller's transaction and ends what the old one opened.
pub(crate) async fn change(
    tx: &mut Tx,
    accounts: &Accounts,
    id: &UserId,
    hash: &StoredHash,
) -> Result<(), AccountsError> {
    let (key, user) = users::lock(tx, id).await?;
    if !user.is_local() {
        let found = format!("a user of the backend {}", user.backend);
        return Err(AccountsError::invalid("password", found, "a local user"));
    }
    put(tx, key, hash, accounts.now()).await?;
    users::end_credentials(tx, accounts, key, &user.id).await?;
    audit::note(tx, accounts, Action::PasswordChanged, user.id.name().as_str(), None).await
}

/// Writes a hash and its place in the history.
pub(crate) async fn put(
    tx: &mut Tx,
    key: Key,
    hash: &StoredHash,
    now: Timestamp,
) -> Result<(), AccountsError> {
    first(tx, key, hash, now).await?;
    let trim = sql("DELETE FROM password_history WHERE user_key = $1 AND key NOT IN \
                    (SELECT key FROM password_history WHERE user_key = $1 ORDER BY key DESC LIMIT $2)");
    tx.execute(trim.bind(key.0).bind(i64::from(MAX_HISTORY))).await.map(drop)
}

/// The same for somebody who had no password before.
pub(crate) async fn first(
    tx: &mut Tx,
    key: Key,
    hash: &StoredHash,
    now: Timestamp,
) -> Result<(), AccountsError> {
    let put = sql("INSERT INTO passwords (user_key, hash, changed_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_key) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at");
    tx.execute(put.bind(key.0).bind(hash.expose()).bind(now.millis())).await?;
    let keep = sql("INSERT INTO password_history (user_key, hash, at) VALUES ($1, $2, $3)");
    tx.execute(keep.bind(key.0).bind(hash.expose()).bind(now.millis())).await.map(drop)
}
