//! The hashes of local passwords.
//!
//! How they are made and compared: `service/local_password`.

use crate::domain::{AccountsError, Action, StoredHash, Timestamp, UserId};
use crate::store::change::{Change, LockedUser};
use crate::store::credential_epoch;
use crate::store::credentials_end::{CredentialEnd, end_all};
use crate::store::engine::sql;
use crate::store::handle::table;
use crate::store::rights::Right;
use crate::store::users::row::UserKey;

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

table! {
    /// The hashes of local passwords.
    Passwords, PasswordsMut
}

/// Hashes beyond this many are forgotten when a password changes.
pub const MAX_HISTORY: u32 = 24;

impl Passwords<'_> {
    /// What is kept of a local user's password.
    ///
    /// `None` when there is no such user, or none with a password here.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(self, id: &UserId) -> Result<Option<StoredCredential>, AccountsError> {
        let query = sql(
            "SELECT passwords.hash, passwords.changed_at, users.enabled, users.id, users.name FROM users \
                         JOIN passwords ON passwords.user_key = users.key WHERE users.name = $1",
        );
        let Some(row) = self.0.db().row(query.bind(id.name().as_str())).await? else { return Ok(None) };
        Ok(Some(StoredCredential {
            hash: StoredHash::new(row.text(0)?),
            changed: Timestamp::from_millis(row.int(1)?),
            enabled: row.bool(2)?,
            id: UserId::stored(&row.text(3)?, &row.text(4)?)?,
        }))
    }
}

impl PasswordsMut<'_> {
    /// Sets a local user's password.
    ///
    /// When this returns, the old one is invalid, and all sessions and resets have ended.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::Invalid`] when another backend checks this
    /// user's password (a local password would shadow it).
    pub async fn set(self, id: &UserId, hash: &StoredHash) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(id, Right::Access).await?;
        let by = SetBy::actor(&change, &locked);
        change_password(&mut change, &locked, hash, by).await?;
        change.commit().await
    }

    /// Replaces the hash of the same password by a better one.
    ///
    /// Nothing ends.
    ///
    /// # Errors
    /// [`AccountsError::Stale`] when the hash is no longer `old`: the password changed meanwhile.
    pub async fn rehash(self, id: &UserId, old: &StoredHash, new: &StoredHash) -> Result<(), AccountsError> {
        let swap = sql("UPDATE passwords SET hash = $3 WHERE hash = $2 \
                        AND user_key = (SELECT key FROM users WHERE name = $1)");
        let mut change = self.0.change().await?;
        let swap = swap.bind(id.name().as_str()).bind(old.expose()).bind(new.expose());
        if change.execute(swap).await? == 0 {
            return Err(AccountsError::Stale { what: "password" });
        }
        // The history would keep the weaker hash of the same password otherwise.
        let swap = sql("UPDATE password_history SET hash = $3 WHERE hash = $2 \
                        AND user_key = (SELECT key FROM users WHERE name = $1)");
        let swap = swap.bind(id.name().as_str()).bind(old.expose()).bind(new.expose());
        change.execute(swap).await?;
        change.commit().await
    }
}

impl Passwords<'_> {
    /// The latest hashes of a user, current first.
    ///
    /// At most `limit` and [`MAX_HISTORY`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn history(self, id: &UserId, limit: u32) -> Result<Vec<StoredHash>, AccountsError> {
        let query = sql(
            "SELECT hash FROM password_history WHERE user_key = (SELECT key FROM users WHERE name = $1) \
                         ORDER BY key DESC LIMIT $2",
        );
        let limit = i64::from(limit.min(MAX_HISTORY));
        let rows = self.0.db().rows(query.bind(id.name().as_str()).bind(limit)).await?;
        rows.iter().map(|row| row.text(0).map(StoredHash::new)).collect()
    }
}

/// The hash that was put into the history last, in the caller's transaction.
pub(crate) async fn latest(
    change: &mut Change<'_>,
    key: UserKey,
) -> Result<Option<StoredHash>, AccountsError> {
    let query = sql("SELECT hash FROM password_history WHERE user_key = $1 ORDER BY key DESC LIMIT 1");
    let row = change.row(query.bind(key.0)).await?;
    row.map(|row| row.text(0).map(StoredHash::new)).transpose()
}

/// Who sets a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetBy {
    /// The user, who is signed in.
    Owner,
    /// Someone else.
    Other,
    /// The reader of a link that was mailed to the user.
    ResetLink,
}

impl SetBy {
    /// The actor of the change.
    pub(crate) fn actor(change: &Change<'_>, locked: &LockedUser) -> Self {
        if change.actor().is(&locked.user.id) { Self::Owner } else { Self::Other }
    }
}

/// Sets a password in the caller's transaction and ends what the old one opened.
///
/// Sessions and reset links, and, unless the owner sets it, app passwords. The caller has checked
/// the actor's right.
pub(crate) async fn change_password(
    change: &mut Change<'_>,
    locked: &LockedUser,
    hash: &StoredHash,
    by: SetBy,
) -> Result<(), AccountsError> {
    if !locked.user.is_local() {
        let found = format!("a user of the backend {}", locked.user.backend);
        return Err(AccountsError::invalid("password", found, "a local user"));
    }
    put(change, locked.key, hash).await?;
    match by {
        SetBy::Owner => credential_epoch::end_credentials(change, locked).await?,
        SetBy::Other => end_all(change, locked, CredentialEnd::PasswordSetByOther).await?,
        SetBy::ResetLink => end_all(change, locked, CredentialEnd::PasswordReset).await?,
    }
    change.note(Action::PasswordChanged, locked.name(), None).await
}

/// Writes a hash and its place in the history.
pub(crate) async fn put(
    change: &mut Change<'_>,
    key: UserKey,
    hash: &StoredHash,
) -> Result<(), AccountsError> {
    first(change, key, hash).await?;
    let trim = sql("DELETE FROM password_history WHERE user_key = $1 AND key NOT IN \
                    (SELECT key FROM password_history WHERE user_key = $1 ORDER BY key DESC LIMIT $2)");
    change.execute(trim.bind(key.0).bind(i64::from(MAX_HISTORY))).await.map(drop)
}

/// The same for a user who had no password before.
pub(crate) async fn first(
    change: &mut Change<'_>,
    key: UserKey,
    hash: &StoredHash,
) -> Result<(), AccountsError> {
    let now = change.now();
    let put = sql("INSERT INTO passwords (user_key, hash, changed_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_key) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at");
    change.execute(put.bind(key.0).bind(hash.expose()).bind(now.millis())).await?;
    let keep = sql("INSERT INTO password_history (user_key, hash, at) VALUES ($1, $2, $3)");
    change.execute(keep.bind(key.0).bind(hash.expose()).bind(now.millis())).await.map(drop)
}
