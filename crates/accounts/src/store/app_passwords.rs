//! App passwords of devices, and service tokens for automation.
//!
//! Named, revocable one by one.

use std::fmt;
use std::net::IpAddr;

use crate::domain::{
    AccountsError, Action, ServiceToken, SourceNetworks, Timestamp, Token, TokenHash, TokenScopes, User,
    UserId, last_used,
};
use crate::store::change::{Change, LockedUser};
use crate::store::credential_epoch;
use crate::store::engine::{Row, each, sql};
use crate::store::handle::table;
use crate::store::outbox::{self, MailKind};
use crate::store::rights::Right;
use crate::store::users::repository::find_key;
use crate::store::users::row::{USER_COLUMNS, columns};

/// Most app passwords and service tokens of one user together.
pub const MAX_APP_PASSWORDS: u64 = 100;

/// An app password, or a service token; the token itself is not kept.
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
    /// From which address it was used last.
    pub last_used_from: Option<IpAddr>,
    /// What a service token may do; `None` for the app password of a device.
    pub service: Option<ServiceToken>,
}

/// Why an app password or a service token that exists is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// The account of its owner is disabled.
    Disabled,
    /// Its last day has passed.
    Expired,
    /// It does not work from this address.
    Network,
    /// The device that holds it is to be wiped.
    Wiped,
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "the account of its owner is disabled",
            Self::Expired => "it has expired",
            Self::Network => "it does not work from this address",
            Self::Wiped => "its device is to be wiped",
        })
    }
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
                last_used_from: row.text_or_null(at + 6)?.and_then(|from| from.parse().ok()),
                service: ServiceToken::stored(
                    row.text_or_null(at + 7)?.as_deref(),
                    row.text_or_null(at + 8)?.as_deref(),
                )?,
            })
        };
        read()
    }

    /// Why it is not accepted from there at that moment; `None` when it is.
    ///
    /// Checked on every use, also for remembered ones: time and addresses change without a new
    /// epoch.
    pub fn refusal(&self, owner: &User, from: Option<IpAddr>, now: Timestamp) -> Option<TokenRefusal> {
        if self.wipe {
            Some(TokenRefusal::Wiped)
        } else if self.expires.is_some_and(|expires| expires <= now) {
            Some(TokenRefusal::Expired)
        } else if !owner.enabled {
            Some(TokenRefusal::Disabled)
        } else if !self.service.as_ref().is_none_or(|service| service.networks.allow(from)) {
            Some(TokenRefusal::Network)
        } else {
            None
        }
    }
}

macro_rules! token_columns {
    () => {
        "app_passwords.key, app_passwords.name, app_passwords.created_at, app_passwords.last_used, \
         app_passwords.expires_at, app_passwords.wipe_requested, app_passwords.last_used_from, app_passwords.scopes, \
         app_passwords.networks "
    };
}

table! {
    /// App passwords.
    ///
    /// One that ends does so on a date, by the clock of the machine, whenever it was made.
    ///
    /// # Security
    /// A trigger of the database raises the [epoch](crate::CredentialEpoch) whenever one is changed
    /// or deleted; only `last_used` and `last_used_from` change without that. So every cache of app
    /// passwords forgets it, without more code here.
    AppPasswords, AppPasswordsMut
}

impl AppPasswordsMut<'_> {
    /// Makes the app password of a device.
    ///
    /// The token is shown now and never again.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user. [`AccountsError::Invalid`]: the name, or that the user has
    /// [`MAX_APP_PASSWORDS`].
    pub async fn create(
        self,
        user: &UserId,
        name: &str,
        expires: Option<Timestamp>,
    ) -> Result<(Token, AppPassword), AccountsError> {
        self.insert(user, name, None, expires).await
    }

    /// Makes a service token, which acts as its owner.
    ///
    /// The token is shown now and never again. A user makes them for oneself only, and as an
    /// administrator; the command line makes them for every user.
    ///
    /// # Security
    /// It never has more rights than its owner has at that moment. It ends when its owner is
    /// deleted, disabled, leaves the group `admin` or administers a group no longer, and wherever
    /// the owner's app passwords end.
    ///
    /// # Errors
    /// Those of [`Self::create`], and [`AccountsError::Invalid`]: a scope that only an
    /// administrator's token can have, or an owner who is disabled.
    pub async fn create_service_token(
        self,
        owner: &UserId,
        name: &str,
        scopes: TokenScopes,
        networks: SourceNetworks,
        expires: Option<Timestamp>,
    ) -> Result<(Token, AppPassword), AccountsError> {
        self.insert(owner, name, Some(ServiceToken { scopes, networks }), expires).await
    }

    async fn insert(
        self,
        owner: &UserId,
        name: &str,
        service: Option<ServiceToken>,
        expires: Option<Timestamp>,
    ) -> Result<(Token, AppPassword), AccountsError> {
        let mut change = self.0.change().await?;
        let made = insert(&mut change, owner, name, service, expires).await?;
        change.commit().await?;
        Ok(made)
    }
}

/// Makes an app password or a service token in a change.
pub(crate) async fn insert(
    change: &mut Change<'_>,
    owner: &UserId,
    name: &str,
    service: Option<ServiceToken>,
    expires: Option<Timestamp>,
) -> Result<(Token, AppPassword), AccountsError> {
    let name = name.trim();
    if name.is_empty() || name.len() > 255 || name.contains(char::is_control) {
        return Err(AccountsError::invalid_text(
            "name of an app password",
            name,
            "1 to 255 bytes on one line",
        ));
    }
    let (token, now) = (Token::random()?, change.now());
    let right = if service.is_some() { Right::AdminOneself } else { Right::Oneself };
    let locked = change.lock_target(owner, right).await?;
    if let Some(service) = &service {
        check_owner(change, &locked, service).await?;
    }
    check_room(change, &locked).await?;
    let (scopes, networks) = match &service {
        Some(service) => (Some(service.scopes.to_string()), Some(service.networks.to_string())),
        None => (None, None),
    };
    let insert =
        sql("INSERT INTO app_passwords (user_key, name, token, created_at, expires_at, scopes, networks) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING key")
        .bind(locked.key.0)
        .bind(name)
        .bind(token.hash().bytes())
        .bind(now.millis())
        .bind(expires.map(Timestamp::millis))
        .bind(scopes.as_deref())
        .bind(networks.as_deref());
    let row = change.row(insert).await?;
    let key = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
    let (action, detail) = match &service {
        None => (Action::AppPasswordAdded, name.to_owned()),
        Some(service) => (Action::ServiceTokenAdded, format!("{name} ({service})")),
    };
    change.note(action, locked.name(), Some(&detail)).await?;
    // An attacker who knows the password could stay in the account that way, so the owner is
    // notified.
    if let (true, Some(address)) = (change.notices(), locked.user.confirmed_email.as_deref()) {
        outbox::put(change, MailKind::AppPasswordAdded, locked.name(), Some(address)).await?;
    }
    let made = AppPassword {
        key,
        name: name.to_owned(),
        created: now,
        last_used: None,
        expires,
        wipe: false,
        last_used_from: None,
        service,
    };
    Ok((token, made))
}

impl AppPasswords<'_> {
    /// The app password or service token of this hash, with its owner, even if unusable.
    ///
    /// Check [`AppPassword::refusal`]. One query.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(self, token: &TokenHash) -> Result<Option<(User, AppPassword)>, AccountsError> {
        let query = sql(concat!(
            "SELECT ",
            columns!(),
            ", ",
            token_columns!(),
            "FROM app_passwords JOIN users ON users.key = app_passwords.user_key WHERE token = $1"
        ));
        let row = self.0.db().row(query.bind(token.bytes())).await?;
        row.map(|row| Ok((User::read(&row)?, AppPassword::read(&row, USER_COLUMNS)?))).transpose()
    }

    /// Whether this was an app password or a service token that has ended.
    ///
    /// By whatever: revoked, replaced by a new one, expired, or deleted with its owner. The last
    /// 200 of each user are known, for 90 days at least.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_ended(self, token: &TokenHash) -> Result<bool, AccountsError> {
        let query = sql("SELECT 1 FROM ended_app_passwords WHERE token = $1").bind(token.bytes());
        Ok(self.0.db().row(query).await?.is_some())
    }

    /// The owner of this app password.
    ///
    /// `None` if it does not exist, has ended, or its owner is disabled.
    ///
    /// # Security
    /// A service token is never found here: a caller that does not know scopes would give it all
    /// rights of its owner.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn owner(self, token: &TokenHash) -> Result<Option<(User, AppPassword)>, AccountsError> {
        let found = self.find(token).await?;
        let now = self.0.now();
        // A wiped one is found, so that callers can refuse it by name.
        Ok(found.filter(|(user, found)| {
            found.service.is_none() && user.enabled && found.expires.is_none_or(|expires| expires > now)
        }))
    }
}

impl AppPasswordsMut<'_> {
    /// Writes down that an app password was used, and from where; at most once a minute.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn used(self, token: &AppPassword, from: Option<IpAddr>) -> Result<(), AccountsError> {
        let now = self.0.now();
        if !last_used::is_due(token.last_used, now) {
            return Ok(());
        }
        let mut change = self.0.change().await?;
        let used = sql("UPDATE app_passwords SET last_used = $2, last_used_from = $3 WHERE key = $1")
            .bind(token.key)
            .bind(now.millis())
            .bind(from.map(|from| from.to_canonical().to_string()).as_deref());
        change.execute(used).await?;
        change.commit().await
    }
}

impl AppPasswords<'_> {
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
}

impl AppPasswordsMut<'_> {
    /// Revokes one app password of a user.
    ///
    /// When this returns, proofs made with it are invalid.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user, or an app password of that number that is theirs.
    pub async fn revoke(self, user: &UserId, key: i64) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key: user_key, user } = change.lock_target(user, Right::Access).await?;
        let delete = sql("DELETE FROM app_passwords WHERE user_key = $1 AND key = $2 RETURNING name, scopes");
        let row = change.row(delete.bind(user_key.0).bind(key)).await?;
        let row = row.ok_or_else(|| AccountsError::missing("app password", &key.to_string()))?;
        let name = row.text(0)?;
        let action = match row.text_or_null(1)? {
            Some(_) => Action::ServiceTokenRevoked,
            None => Action::AppPasswordRevoked,
        };
        change.note(action, user.id.name().as_str(), Some(&name)).await?;
        change.commit().await
    }

    /// Revokes all app passwords of a user; returns how many there were.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn revoke_all(self, user: &UserId) -> Result<u64, AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(user, Right::Access).await?;
        let ended = revoke_all(&mut change, &locked).await?;
        if ended == 0 {
            return Ok(0);
        }
        change.commit().await?;
        Ok(ended)
    }

    /// Replaces the token of an app password in one transaction.
    ///
    /// Everything else about it stays. Proofs made with the old token are invalid when this
    /// returns.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user, or an app password of theirs with this token that is valid and not marked for
    /// a wipe.
    pub async fn rotate(self, user: &UserId, old: &TokenHash) -> Result<Token, AccountsError> {
        let token = Token::random()?;
        let mut change = self.0.change().await?;
        let LockedUser { key: user_key, user } = change.lock_target(user, Right::Oneself).await?;
        let replace = sql(
            "UPDATE app_passwords SET token = $3 WHERE user_key = $1 AND token = $2 AND NOT wipe_requested \
                           AND (expires_at IS NULL OR expires_at > $4) RETURNING name",
        )
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

    /// Marks all devices with an app password of a user for wiping, and ends the sessions.
    ///
    /// Returns the number of devices. None of the app passwords signs in any more, or can be
    /// rotated, when this returns.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn wipe(self, user: &UserId) -> Result<u64, AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(user, Right::OverAccess).await?;
        let marked = change.execute(
            sql("UPDATE app_passwords SET wipe_requested = TRUE WHERE user_key = $1").bind(locked.key.0),
        );
        let marked = marked.await?;
        credential_epoch::end_credentials(&mut change, &locked).await?;
        change.note(Action::WipeOrdered, locked.name(), None).await?;
        change.commit().await?;
        Ok(marked)
    }
}

/// Refuses a service token that its owner cannot have.
///
/// An administrator's scopes need an administrator; all others are only ever a part of what the
/// owner may do.
async fn check_owner(
    change: &mut Change<'_>,
    owner: &LockedUser,
    service: &ServiceToken,
) -> Result<(), AccountsError> {
    if !owner.user.enabled {
        return Err(AccountsError::invalid("owner of a service token", owner.name(), "an enabled user"));
    }
    let Some(scope) = service.scopes.calls().find(|scope| scope.needs_admin()) else { return Ok(()) };
    // The row is kept until this has ended, so that a demotion that comes at the same time finds
    // the new token.
    let admin = each(
        "SELECT 1 FROM members WHERE group_key = 1 AND user_key = $1",
        "SELECT 1 FROM members WHERE group_key = 1 AND user_key = $1 FOR SHARE",
    );
    if change.row(admin.bind(owner.key.0)).await?.is_none() {
        let found = format!("{scope} for {}", owner.name());
        return Err(AccountsError::invalid("scope", found, "an owner in the group admin for admin and apps"));
    }
    Ok(())
}

/// Refuses one more than [`MAX_APP_PASSWORDS`]; those that have expired make room.
pub(crate) async fn check_room(change: &mut Change<'_>, locked: &LockedUser) -> Result<(), AccountsError> {
    let expired = sql("DELETE FROM app_passwords WHERE user_key = $1 AND expires_at <= $2")
        .bind(locked.key.0)
        .bind(change.now().millis());
    change.execute(expired).await?;
    let count = sql("SELECT COUNT(*) FROM app_passwords WHERE user_key = $1").bind(locked.key.0);
    let found = change.row(count).await?.map(|row| row.count(0)).transpose()?.unwrap_or_default();
    if found >= MAX_APP_PASSWORDS {
        return Err(AccountsError::invalid(
            "app passwords of this user",
            found.to_string(),
            "fewer than 100 before another is made; revoke one",
        ));
    }
    Ok(())
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

/// The longest name that [`client_name`] gives, in bytes.
const LONGEST_CLIENT_NAME: usize = 120;

/// A name for the app password of a program, from its user agent.
///
/// What the program calls itself, in one line of limited length.
pub fn client_name(agent: &str) -> String {
    let mut name = String::new();
    for word in agent.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()) {
        if name.len() + word.len() >= LONGEST_CLIENT_NAME {
            break;
        }
        name = if name.is_empty() { word.to_owned() } else { format!("{name} {word}") };
    }
    if name.is_empty() { "unknown program".to_owned() } else { name }
}
