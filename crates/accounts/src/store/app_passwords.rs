//! App passwords: made by a user or an admin for one device or program, named, revocable one by one.

use crate::domain::{AccountsError, Action, Timestamp, Token, TokenHash, User, UserId, last_used};
use crate::store::change::{Change, LockedUser};
use crate::store::credential_epoch;
use crate::store::engine::{Row, sql};
use crate::store::handle::Store;
use crate::store::rights::Right;
use crate::store::users::repository::find_key;
use crate::store::users::row::columns;

/// An app password; the token itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppPassword {
    /// Its number, for listing and revoking.
    pub key: i64,
    /// The name its owner gave it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was used last.
    pub last_used: Option<Timestamp>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Whether the device that holds it is to be wiped.
    pub wipe: bool,
}

impl AppPassword {
    fn read(row: &Row, at: usize) -> Result<Self, AccountsError> {
        let read = || {
            Ok(Self {
                key: row.int(at)?,
                name: row.text(at + 1)?,
                created: Timestamp::from_millis(row.int(at + 2)?),
                last_used: row.int_or_null(at + 3)?.map(Timestamp::from_millis),
                expires: row.int_or_null(at + 4)?.map(Timestamp::from_millis),
                wipe: row.bool(at + 5)?,
            })
        };
        read()
    }
}

macro_rules! token_columns {
    () => {
        "app_passwords.key, app_passwords.name, app_passwords.created_at, app_passwords.last_used, \
         app_passwords.expires_at, app_passwords.wipe "
    };
}

/// App passwords. One that ends does so on a date, by the clock of the machine, whenever it was made.
///
/// # Security
/// A trigger of the database raises the [epoch](crate::CredentialEpoch) whenever one is changed or deleted; only
/// `last_used` changes without that. So whatever remembers an app password forgets it, and nothing here has to care.
#[derive(Clone, Copy, Debug)]
pub struct AppPasswords<'a>(pub(crate) &'a Store);

impl AppPasswords<'_> {
    /// Makes an app password. The token is shown now and never again.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user. [`AccountsError::Invalid`]: the name.
    pub async fn create(
        self,
        user: &UserId,
        name: &str,
        expires: Option<Timestamp>,
    ) -> Result<(Token, AppPassword), AccountsError> {
        let name = name.trim();
        if name.is_empty() || name.len() > 255 || name.contains(char::is_control) {
            return Err(AccountsError::invalid(
                "name of an app password",
                name,
                "1 to 255 bytes on one line",
            ));
        }
        let (token, now) = (Token::random()?, self.0.now());
        let mut change = self.0.change().await?;
        let LockedUser { key: user_key, user } = change.lock_target(user, Right::Oneself).await?;
        let insert = sql("INSERT INTO app_passwords (user_key, name, token, created_at, expires_at) \
                          VALUES ($1, $2, $3, $4, $5) RETURNING key")
        .bind(user_key.0)
        .bind(name)
        .bind(token.hash().bytes())
        .bind(now.millis())
        .bind(expires.map(Timestamp::millis));
        let row = change.row(insert).await?;
        let key = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
        change.note(Action::AppPasswordAdded, user.id.name().as_str(), Some(name)).await?;
        change.commit().await?;
        let made =
            AppPassword { key, name: name.to_owned(), created: now, last_used: None, expires, wipe: false };
        Ok((token, made))
    }

    /// Whose app password this is; `None` when there is none, it has ended, or its owner is disabled.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn owner(self, token: &TokenHash) -> Result<Option<(User, AppPassword)>, AccountsError> {
        let now = self.0.now();
        let query = sql(concat!(
            "SELECT ",
            columns!(),
            ", ",
            token_columns!(),
            "FROM app_passwords JOIN users ON users.key = app_passwords.user_key WHERE token = $1 \
             AND users.enabled AND (expires_at IS NULL OR expires_at > $2)"
        ));
        let row = self.0.db().row(query.bind(token.bytes()).bind(now.millis())).await?;
        row.map(|row| Ok((User::read(&row)?, AppPassword::read(&row, 13)?))).transpose()
    }

    /// Writes down that an app password was used; at most once a minute.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn used(self, token: &AppPassword) -> Result<(), AccountsError> {
        let now = self.0.now();
        if !last_used::is_due(token.last_used, now) {
            return Ok(());
        }
        let mut change = self.0.change().await?;
        let used = sql("UPDATE app_passwords SET last_used = $2 WHERE key = $1");
        change.execute(used.bind(token.key).bind(now.millis())).await?;
        change.commit().await
    }

    /// A user's app passwords, oldest first.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn list(self, user: &UserId) -> Result<Vec<AppPassword>, AccountsError> {
        let key = find_key(self.0.db(), user).await?;
        let query =
            sql(concat!("SELECT ", token_columns!(), "FROM app_passwords WHERE user_key = $1 ORDER BY key"));
        let rows = self.0.db().rows(query.bind(key.0)).await?;
        rows.iter().map(|row| AppPassword::read(row, 0)).collect()
    }

    /// Revokes one app password of a user; what was proved with it counts no more when this returns.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user, or an app password of that number that is theirs.
    pub async fn revoke(self, user: &UserId, key: i64) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key: user_key, user } = change.lock_target(user, Right::OneselfOrOver).await?;
        let delete = sql("DELETE FROM app_passwords WHERE user_key = $1 AND key = $2 RETURNING name");
        let row = change.row(delete.bind(user_key.0).bind(key)).await?;
        let row = row.ok_or_else(|| AccountsError::missing("app password", &key.to_string()))?;
        let name = row.text(0)?;
        change.note(Action::AppPasswordRevoked, user.id.name().as_str(), Some(&name)).await?;
        change.commit().await
    }

    /// Revokes all app passwords of a user; returns how many there were.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn revoke_all(self, user: &UserId) -> Result<u64, AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(user, Right::OneselfOrOver).await?;
        let ended = revoke_all(&mut change, &locked).await?;
        if ended == 0 {
            return Ok(0);
        }
        change.commit().await?;
        Ok(ended)
    }

    /// Replaces the token of an app password in one transaction; everything else about it stays. What was proved with the
    /// old token counts no more when this returns.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user, or an app password of theirs with this token that is valid and not marked for
    /// a wipe.
    pub async fn rotate(self, user: &UserId, old: &TokenHash) -> Result<Token, AccountsError> {
        let token = Token::random()?;
        let mut change = self.0.change().await?;
        let LockedUser { key: user_key, user } = change.lock_target(user, Right::Oneself).await?;
        let replace =
            sql("UPDATE app_passwords SET token = $3 WHERE user_key = $1 AND token = $2 AND NOT wipe \
                           AND (expires_at IS NULL OR expires_at > $4) RETURNING name")
            .bind(user_key.0)
            .bind(old.bytes())
            .bind(token.hash().bytes())
            .bind(self.0.now().millis());
        let row = change.row(replace).await?;
        let row = row.ok_or_else(|| AccountsError::missing("app password", "that is in use"))?;
        let name = row.text(0)?;
        change.note(Action::AppPasswordRotated, user.id.name().as_str(), Some(&name)).await?;
        change.commit().await?;
        Ok(token)
    }

    /// Marks all devices of a user that hold an app password for wiping and ends the user's sessions; returns how many
    /// devices there are. None of the app passwords signs in any more, or can be rotated, when this returns.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn wipe(self, user: &UserId) -> Result<u64, AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(user, Right::Over).await?;
        let marked = change
            .execute(sql("UPDATE app_passwords SET wipe = TRUE WHERE user_key = $1").bind(locked.key.0));
        let marked = marked.await?;
        credential_epoch::end_credentials(&mut change, &locked).await?;
        change.note(Action::WipeOrdered, locked.name(), None).await?;
        change.commit().await?;
        Ok(marked)
    }
}

/// Revokes all app passwords of a user; the caller ends what was proved with them.
pub(crate) async fn revoke_all(change: &mut Change<'_>, locked: &LockedUser) -> Result<u64, AccountsError> {
    let revoke = sql("DELETE FROM app_passwords WHERE user_key = $1").bind(locked.key.0);
    let ended = change.execute(revoke).await?;
    if ended > 0 {
        change.note(Action::AppPasswordRevoked, locked.name(), Some("all")).await?;
    }
    Ok(ended)
}
