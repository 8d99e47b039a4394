//! Users: create, find, list, change, disable, delete.

pub(crate) mod changes;
mod list;
pub(crate) mod packed;
pub(crate) mod profile;
pub(crate) mod record;
mod select;

pub use changes::UserChange;
pub use list::UserPages;
pub use profile::{Profile, ProfileEntry, ProfileField, ProfileScope, mail_address};
pub use record::{Permissions, Quota, User};

use std::sync::Arc;
use std::time::Duration;

use user_backend::{BackendId, CanonicalName};

use crate::Accounts;
use crate::domain::clock::Timestamp;
use crate::domain::error::AccountsError;
use crate::domain::id::{GroupId, UserId};
use crate::store::audit::{self, Action};
use crate::store::credential_epoch;
use crate::store::engine::{Db, Query, Tx, each, fault, sql};
use record::columns;
pub(crate) use record::columns as user_columns;
pub(crate) use select::contains;

/// A user's key in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) i64);

/// The room of users.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a>(pub(crate) &'a Accounts);

/// A user with everything that is told about them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Details {
    /// The user.
    pub user: User,
    /// What the user tells.
    pub profile: Profile,
    /// The groups that the user is a member of, by id.
    pub groups: Vec<GroupId>,
    /// The groups that the user administers, by id.
    pub subadmin_of: Vec<GroupId>,
}

impl Users<'_> {
    /// The user of that id in any spelling, if there is one.
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] and others that say that the store could not tell.
    pub async fn find(self, id: &UserId) -> Result<Option<User>, AccountsError> {
        let row = self.0.db().row(by_name(id.name())).await?;
        row.map(|row| User::read(&row)).transpose()
    }

    /// The user of that id in any spelling.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] when there is none.
    pub async fn get(self, id: &UserId) -> Result<User, AccountsError> {
        self.find(id).await?.ok_or_else(|| AccountsError::missing("user", id.as_str()))
    }

    /// The user, whether they are an administrator, and the groups they administer: what a server asks at every call.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] when there is no such user.
    pub async fn permissions(self, id: &UserId) -> Result<Permissions, AccountsError> {
        let look = self.0.snapshot(Some(id.name())).await?;
        look.permissions().ok_or_else(|| AccountsError::missing("user", id.as_str()))
    }

    /// The enabled users with this primary mail address.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn by_email(self, address: &str) -> Result<Vec<User>, AccountsError> {
        let query = sql(concat!(
            "SELECT ",
            columns!(),
            "FROM users WHERE email = $1 AND enabled ORDER BY name LIMIT 100"
        ));
        let rows = self.0.db().rows(query.bind(address.trim().to_lowercase())).await?;
        rows.iter().map(User::read).collect()
    }

    /// The users with this phone number, spelled exactly so.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn by_phone(self, number: &str) -> Result<Vec<User>, AccountsError> {
        let query = sql(concat!(
            "SELECT ",
            columns!(),
            "FROM users WHERE key IN (SELECT user_key FROM profile WHERE field = 'phone' AND value = $1) \
             ORDER BY name LIMIT 100"
        ));
        let rows = self.0.db().rows(query.bind(number)).await?;
        rows.iter().map(User::read).collect()
    }

    /// The user with profile and groups.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] when there is no such user.
    pub async fn details(self, id: &UserId) -> Result<Details, AccountsError> {
        let look = self.0.snapshot(Some(id.name())).await?;
        let details = look.details.ok_or_else(|| AccountsError::missing("user", id.as_str()))?;
        Ok(Arc::unwrap_or_clone(details))
    }

    /// Enables or disables a user; tells whether that changed anything.
    ///
    /// Disabling ends the user's sessions and everything remembered of them (see [`crate::CredentialEpoch`]).
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::LastAdmin`].
    pub async fn set_enabled(self, id: &UserId, enabled: bool) -> Result<bool, AccountsError> {
        let mut tx = self.0.db().begin().await?;
        let (key, user) = lock(&mut tx, id).await?;
        if user.enabled == enabled {
            return Ok(false);
        }
        tx.execute(sql("UPDATE users SET enabled = $2 WHERE key = $1").bind(key.0).bind(enabled)).await?;
        end_credentials(&mut tx, self.0, key, &user.id).await?;
        let action = if enabled { Action::UserEnabled } else { Action::UserDisabled };
        audit::note(&mut tx, self.0, action, user.id.name().as_str(), None).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Deletes a user with everything that belongs to them, the pin too; tells who it was.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::LastAdmin`].
    pub async fn delete(self, id: &UserId) -> Result<User, AccountsError> {
        let mut tx = self.0.db().begin().await?;
        let (key, user) = lock(&mut tx, id).await?;
        let name = user.id.name();
        tx.execute(sql("DELETE FROM users WHERE key = $1").bind(key.0)).await?;
        tx.execute(sql("DELETE FROM pins WHERE name = $1").bind(name.as_str())).await?;
        credential_epoch::bump(&mut tx, name, self.0.now()).await?;
        audit::note(&mut tx, self.0, Action::UserDeleted, name.as_str(), Some(user.backend.as_str())).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Notes that the user signed in now. A sign-in less than a minute after the last is not written down.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`].
    pub async fn signed_in(self, id: &UserId) -> Result<(), AccountsError> {
        let (name, now) = (id.name().as_str(), self.0.now());
        let missing = || AccountsError::missing("user", id.as_str());
        let known =
            sql("SELECT last_login, EXISTS (SELECT 1 FROM resets WHERE user_key = users.key) FROM users \
                         WHERE name = $1");
        let row = self.0.db().row(known.bind(name)).await?.ok_or_else(missing)?;
        let last = row.int_or_null(0).map_err(fault)?.map(Timestamp::from_millis);
        let fresh = last.is_some_and(|last| last <= now && last.after(LOGIN_GRAIN) > now);
        if fresh && !row.bool(1).map_err(fault)? {
            return Ok(());
        }
        let note =
            sql("UPDATE users SET last_login = $2, first_login = COALESCE(first_login, $2) WHERE name = $1");
        let mut tx = self.0.db().begin().await?;
        if tx.execute(note.bind(name).bind(now.millis())).await? == 0 {
            return Err(missing());
        }
        // A person who can sign in needs no reset any more (a link that somebody else asked for dies here).
        let voided = sql("DELETE FROM resets WHERE user_key = (SELECT key FROM users WHERE name = $1)");
        tx.execute(voided.bind(name)).await?;
        tx.commit().await
    }

    /// How many users each backend has, and how many of them are disabled: (backend, users, disabled).
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn report(self) -> Result<Vec<(BackendId, u64, u64)>, AccountsError> {
        let query = sql("SELECT backend, COUNT(*), COUNT(CASE WHEN NOT enabled THEN 1 END) FROM users \
                         GROUP BY backend ORDER BY backend");
        let rows = self.0.db().rows(query).await?;
        rows.iter()
            .map(|row| {
                let backend = BackendId::parse(&row.text(0).map_err(fault)?)
                    .map_err(|_| AccountsError::unreadable("a user's backend has no valid id"))?;
                Ok((backend, count(row.int(1).map_err(fault)?), count(row.int(2).map_err(fault)?)))
            })
            .collect()
    }
}

/// `last_login` is exact to this much, so that a client that signs in with every request does not write with every request.
const LOGIN_GRAIN: Duration = Duration::from_secs(60);

/// A count as the store tells it.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn by_name(name: &CanonicalName) -> Query {
    sql(concat!("SELECT ", columns!(), "FROM users WHERE name = $1")).bind(name.as_str())
}

/// The user by key, in a transaction.
async fn read(tx: &mut Tx, key: Key) -> Result<User, AccountsError> {
    let query = sql(concat!("SELECT ", columns!(), "FROM users WHERE key = $1"));
    let row = tx.row(query.bind(key.0)).await?;
    User::read(&row.ok_or_else(|| AccountsError::missing("user", "of that key"))?)
}

/// The key of a user, if there is one.
pub(crate) async fn find_key(db: &Db, id: &UserId) -> Result<Key, AccountsError> {
    let row = db.row(sql("SELECT key FROM users WHERE name = $1").bind(id.name().as_str())).await?;
    let row = row.ok_or_else(|| AccountsError::missing("user", id.as_str()))?;
    row.int(0).map(Key).map_err(fault)
}

/// The user, whom nobody else changes before this transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: &UserId) -> Result<(Key, User), AccountsError> {
    let query = each(
        concat!("SELECT ", columns!(), ", key FROM users WHERE name = $1"),
        concat!("SELECT ", columns!(), ", key FROM users WHERE name = $1 FOR UPDATE"),
    );
    let row = tx.row(query.bind(id.name().as_str())).await?;
    let row = row.ok_or_else(|| AccountsError::missing("user", id.as_str()))?;
    Ok((Key(row.int(13).map_err(fault)?), User::read(&row)?))
}

/// Ends the user's sessions and resets, and what anybody remembers of their credentials, in the caller's transaction.
pub(crate) async fn end_credentials(
    tx: &mut Tx,
    accounts: &Accounts,
    key: Key,
    id: &UserId,
) -> Result<(), AccountsError> {
    tx.execute(sql("DELETE FROM sessions WHERE user_key = $1").bind(key.0)).await?;
    tx.execute(sql("DELETE FROM resets WHERE user_key = $1").bind(key.0)).await?;
    let generation = credential_epoch::bump(tx, id.name(), accounts.now()).await?;
    changes::stamp(tx, key, generation).await
}
