//! Users: find, change, disable, delete.

use std::sync::Arc;
use std::time::Duration;

use user_backend::{BackendId, CanonicalName};

use crate::domain::{
    AccountsError, Action, BANNED, Details, EmailAddress, Permissions, User, UserId, last_used,
};
use crate::store::change::{Change, LockedUser};
use crate::store::credential_epoch;
use crate::store::engine::{Db, Query, each, sql};
use crate::store::handle::table;
use crate::store::pins;
use crate::store::rate_limits::{self, RateLimit};
use crate::store::rights::Right;
use crate::store::users::addresses;
use crate::store::users::row::{UserKey, columns};

table! {
    /// The table of users.
    Users, UsersMut
}

impl Users<'_> {
    /// The user with this id in any spelling, if any.
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] and others when the store cannot be read.
    pub async fn find(self, id: &UserId) -> Result<Option<User>, AccountsError> {
        let row = self.0.db().row(by_name(id.name())).await?;
        row.map(|row| User::read(&row)).transpose()
    }

    /// Those of these users who exist, in no order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_all(self, ids: impl IntoIterator<Item = &UserId>) -> Result<Vec<User>, AccountsError> {
        let names: Vec<&str> = ids.into_iter().map(|id| id.name().as_str()).collect();
        let names = serde_json::to_string(&names)
            .map_err(|_| AccountsError::unreadable("a list cannot be written"))?;
        let query = each(
            concat!("SELECT ", columns!(), "FROM users WHERE name IN (SELECT value FROM json_each($1))"),
            concat!(
                "SELECT ",
                columns!(),
                "FROM users WHERE name IN (SELECT jsonb_array_elements_text($1::jsonb))"
            ),
        );
        self.0.db().rows(query.bind(names)).await?.iter().map(User::read).collect()
    }

    /// The user of that id in any spelling.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if it does not exist.
    pub async fn get(self, id: &UserId) -> Result<User, AccountsError> {
        self.find(id).await?.ok_or_else(|| AccountsError::missing("user", id.as_str()))
    }

    /// The user, whether they are an administrator, and the groups they administer.
    ///
    /// What a server asks at every call.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] when there is no such user.
    pub async fn permissions(self, id: &UserId) -> Result<Permissions, AccountsError> {
        let look = self.0.batcher().ask(self.0.db(), Some(id.name())).await?;
        look.permissions().ok_or_else(|| AccountsError::missing("user", id.as_str()))
    }

    /// The administrator who may sign in, if there is only one: no other could end a lock.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn only_administrator(self) -> Result<Option<UserId>, AccountsError> {
        let query = sql("SELECT users.id FROM users JOIN members ON members.user_key = users.key \
                         WHERE members.group_key = 1 AND users.enabled LIMIT 2");
        match self.0.db().rows(query).await?.as_slice() {
            [only] => UserId::parse(&only.text(0)?)
                .map(Some)
                .map_err(|_| AccountsError::unreadable("an administrator without an id")),
            _ => Ok(None),
        }
    }

    /// The user whose confirmed mail address this is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn owner_of_address(self, address: &EmailAddress) -> Result<Option<User>, AccountsError> {
        let query = sql(concat!("SELECT ", columns!(), "FROM users WHERE confirmed_key = $1"));
        let row = self.0.db().row(query.bind(address.canonical().as_ref())).await?;
        row.map(|row| User::read(&row)).transpose()
    }

    /// The users with this phone number, spelled exactly so.
    ///
    /// # Errors
    /// When the store cannot be read.
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
        let look = self.0.batcher().ask(self.0.db(), Some(id.name())).await?;
        let details = look.details.ok_or_else(|| AccountsError::missing("user", id.as_str()))?;
        Ok(Arc::unwrap_or_clone(details))
    }
}

impl UsersMut<'_> {
    /// Takes the confirmation from the mail address of a user, which stays, unconfirmed.
    ///
    /// Returns whether it was confirmed. `why` goes to the audit log.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`].
    pub async fn unconfirm_address(self, id: &UserId, why: &str) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(id, Right::AdminAccess).await?;
        let was_confirmed = addresses::withdraw(&mut change, &locked, why).await?;
        change.commit().await?;
        Ok(was_confirmed)
    }

    /// Enables or disables a user; returns whether that changed anything.
    ///
    /// Disabling ends the user's sessions and everything remembered of them (see
    /// [`crate::CredentialEpoch`]).
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::LastAdmin`].
    pub async fn set_enabled(self, id: &UserId, enabled: bool) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(id, Right::OverAccess).await?;
        if locked.user.enabled == enabled {
            return Ok(false);
        }
        change
            .execute(sql("UPDATE users SET enabled = $2 WHERE key = $1").bind(locked.key.0).bind(enabled))
            .await?;
        credential_epoch::end_credentials(&mut change, &locked).await?;
        let action = if enabled { Action::UserEnabled } else { Action::UserDisabled };
        change.note(action, locked.name(), None).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Deletes a user with everything that belongs to them, the pin too; returns who it was.
    ///
    /// A user whose password another backend checks gets a new account at the next sign-in.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::LastAdmin`].
    pub async fn delete(self, id: &UserId) -> Result<User, AccountsError> {
        self.remove(id, false).await
    }

    /// Deletes a user and bans the name.
    ///
    /// No backend signs it in, and no account can have it, until [`Self::unban`]. For
    /// administrators.
    ///
    /// # Errors
    /// Those of [`Self::delete`].
    pub async fn delete_and_ban(self, id: &UserId) -> Result<User, AccountsError> {
        self.remove(id, true).await
    }

    async fn remove(self, id: &UserId, ban: bool) -> Result<User, AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key, user } = change.lock_target(id, Right::OverAccess).await?;
        if ban {
            change.require(Right::Admin).await?;
        }
        let name = user.id.name();
        change.execute(sql("DELETE FROM users WHERE key = $1").bind(key.0)).await?;
        change.execute(sql("DELETE FROM pins WHERE name = $1").bind(name.as_str())).await?;
        credential_epoch::bump(&mut change, name).await?;
        change.note(Action::UserDeleted, name.as_str(), Some(user.backend.as_str())).await?;
        if ban {
            pins::claim(&mut change, name, BANNED, None).await?;
            change.note(Action::UserBanned, name.as_str(), None).await?;
        }
        change.commit().await?;
        Ok(user)
    }

    /// Lifts the ban of a name; returns whether it was banned.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn unban(self, id: &UserId) -> Result<bool, AccountsError> {
        let (mut change, name) = (self.0.change().await?, id.name());
        change.require(Right::Admin).await?;
        let unban = sql("DELETE FROM pins WHERE name = $1 AND backend = $2").bind(name.as_str()).bind(BANNED);
        if change.execute(unban).await? == 0 {
            return Ok(false);
        }
        // What was refused because of the ban is not remembered.
        credential_epoch::bump(&mut change, name).await?;
        change.note(Action::UserUnbanned, name.as_str(), None).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Counts phone numbers that a user looks up, at most [`PHONE_SEARCHES`].
    ///
    /// The inner `Err` has the time until they are allowed again, and nothing was counted.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn count_phone_searches(
        self,
        user: &UserId,
        numbers: u32,
    ) -> Result<Result<(), Duration>, AccountsError> {
        let (mut change, subject) = (self.0.change().await?, user.name().as_str());
        let counted =
            rate_limits::acquire_several(&mut change, PHONE_SEARCHES, "phone.user", subject, numbers).await?;
        rate_limits::purge_expired(&mut change).await?;
        change.commit().await?;
        Ok(counted)
    }

    /// Writes down that a user, as read before, signed in now with the password.
    ///
    /// At most once a minute. It voids the user's reset link, at once.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`].
    pub async fn signed_in(self, details: &Details) -> Result<(), AccountsError> {
        let Details { user, has_reset_link, .. } = details;
        let name = user.id.name().as_str();
        let due = last_used::is_due(user.last_login, self.0.now());
        if !due && !has_reset_link {
            return Ok(());
        }
        let mut change = self.0.change().await?;
        if due {
            note_login(&mut change, user).await?;
        }
        // A user who knows the password needs no reset any more; a link that someone else requested
        // ends here.
        let voided = sql("DELETE FROM resets WHERE user_key = (SELECT key FROM users WHERE name = $1)");
        change.execute(voided.bind(name)).await?;
        change.commit().await
    }

    /// Records a sign-in without the password; at most once a minute.
    ///
    /// A reset link stays: a device that polls does not keep its owner from setting a new password.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`].
    pub async fn signed_in_without_password(self, user: &User) -> Result<(), AccountsError> {
        if !last_used::is_due(user.last_login, self.0.now()) {
            return Ok(());
        }
        let mut change = self.0.change().await?;
        note_login(&mut change, user).await?;
        change.commit().await
    }
}

impl Users<'_> {
    /// Users of each backend: (backend, users, disabled).
    ///
    /// `disabled` of the `users` are disabled.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn report(self) -> Result<Vec<(BackendId, u64, u64)>, AccountsError> {
        let query = sql("SELECT backend, COUNT(*), COUNT(CASE WHEN NOT enabled THEN 1 END) FROM users \
                         GROUP BY backend ORDER BY backend");
        let rows = self.0.db().rows(query).await?;
        rows.iter()
            .map(|row| {
                let backend = BackendId::parse(&row.text(0)?)
                    .map_err(|_| AccountsError::unreadable("a user's backend has no valid id"))?;
                Ok((backend, row.count(1)?, row.count(2)?))
            })
            .collect()
    }
}

/// How many phone numbers one user may look up.
///
/// Enough for a large address book, and too few to try out blocks of numbers.
pub const PHONE_SEARCHES: RateLimit = RateLimit { max: 1000, window: Duration::from_secs(24 * 60 * 60) };

/// Writes down that a user signed in now.
async fn note_login(change: &mut Change<'_>, user: &User) -> Result<(), AccountsError> {
    let note =
        sql("UPDATE users SET last_login = $2, first_login = COALESCE(first_login, $2) WHERE name = $1");
    let now = change.now().millis();
    if change.execute(note.bind(user.id.name().as_str()).bind(now)).await? == 0 {
        return Err(AccountsError::missing("user", user.id.as_str()));
    }
    Ok(())
}

fn by_name(name: &CanonicalName) -> Query {
    sql(concat!("SELECT ", columns!(), "FROM users WHERE name = $1")).bind(name.as_str())
}

/// The user by key, in a transaction.
pub(crate) async fn read(change: &mut Change<'_>, key: UserKey) -> Result<User, AccountsError> {
    let query = sql(concat!("SELECT ", columns!(), "FROM users WHERE key = $1"));
    let row = change.row(query.bind(key.0)).await?;
    User::read(&row.ok_or_else(|| AccountsError::missing("user", "of that key"))?)
}

/// The key of a user, if there is one.
pub(crate) async fn find_key(db: &Db, id: &UserId) -> Result<UserKey, AccountsError> {
    let row = db.row(sql("SELECT key FROM users WHERE name = $1").bind(id.name().as_str())).await?;
    let row = row.ok_or_else(|| AccountsError::missing("user", id.as_str()))?;
    row.int(0).map(UserKey)
}
