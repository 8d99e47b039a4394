//! People, groups, applications and local passwords in one store.
//!
//! The store is a SQLite file, with nothing to set up, or a PostgreSQL database. Everything that belongs together is
//! written in one transaction; what was acknowledged survives a power cut; what was not left nothing behind.
//!
//! ```
//! use accounts::{Accounts, GroupId, NewUser, StoreSettings, UserFilter, UserId};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("accounts.db");
//! let accounts = Accounts::open(&StoreSettings::sqlite(path)).await?;
//! let staff = GroupId::parse("staff")?;
//! accounts.groups().create(&staff, Some("Staff")).await?;
//!
//! let frank = UserId::parse("Frank")?;
//! accounts.users().create(NewUser::new(frank.clone()).email("frank@example.com").group(staff)).await?;
//!
//! let page = accounts.users().page(&UserFilter::new().search("EXAMPLE").limit(25)).await?;
//! assert_eq!(page.items[0].id.as_str(), "Frank");
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms
//! | room | what lives there |
//! |---|---|
//! | [`Accounts::users`] | create, find, list, change, disable, delete |
//! | [`Accounts::groups`] | groups, members, sub-admins |
//! | [`Accounts::outbox`] | mails to be sent |
//! | [`Accounts::passwords`] | hashes of local passwords |
//! | [`Accounts::app_passwords`], [`Accounts::sessions`], [`Accounts::reset_tokens`] | app passwords, sessions, tokens that set a new password |
//! | [`Accounts::pins`] | who owns whom; [`Accounts::pin_store`] for the resolver |
//! | [`Accounts::snapshot`] | what a server asks at every call |
//! | [`Accounts::apps`], [`Accounts::preferences`] | apps, their configuration, what users set for themselves |
//! | [`Accounts::credential_epoch`] | how processes notice that credentials ended elsewhere |
//! | [`Accounts::failed_logins`], [`Accounts::instances`] | failed sign-ins by place, and the servers that run |
//! | [`Accounts::audit`] | who did what to whom |
//!
//! # Several processes
//! Any number of processes may open the same store. What one has written, the others read; [`InvalidationWatcher`] tells how they
//! forget in time what they remember.

#![forbid(unsafe_code)]

mod config;
mod domain;
mod service;
mod store;

use std::sync::Arc;

pub use domain::clock::{Clock, SKEW, Timestamp};
pub use domain::error::AccountsError;
pub use domain::id::{ADMIN_GROUP, GroupId, LOCAL_BACKEND, NewIdError, UserId};
pub use domain::random::NoRandomness;
pub use domain::token::{Token, TokenHash};
pub use domain::user_filter::{Page, UserFilter};
pub use service::app_catalogue::{
    AppCatalogue, AppFeature, AppInfo, AppNotSwitchable, EXTERNAL_APP, InstalledApp, ManifestElement,
};
pub use service::local_password::policy::{POLICY_APP, PolicyError};
pub use service::local_password::{
    AppPasswordPolicy, CheckedPassword, HashError, HashPool, HashSettings, HashSettingsError, Hasher,
    HasherError, LegacySalt, LocalBackend, LocalPassword, LocalPasswords, MAX_LOCAL_PASSWORD_BYTES, NoRules,
    PasswordHash, PasswordMatch, PasswordRules, PasswordTooLong, Person, PolicyRules, PoolError, SetError,
    UnknownHash,
};
pub use service::mail::{
    DeliveryReport, EmailMessage, EmailMessageError, MailSettings, MailSettingsError, MailTransport,
    MailWorker, PasswordChangedMail, ResetLinkMail, SendError, SmtpTransport, WelcomeMail,
};
pub use service::password_reset::{
    BadToken, BaseUrl, LinkError, LostPassword, PasswordReset, RESET_PATH, RedeemError, RequestError,
    ResetSettings, ResetSettingsError,
};
pub use service::provisioning::NewUser;
pub use store::app_passwords::AppPassword;
pub use store::audit::{Action, Actor, AuditLine};
pub use store::credential_epoch::{Changes, CredentialEpoch, InvalidationWatcher};
pub use store::failed_logins::{FailedLogin, MAX_FAILED_LOGINS};
pub use store::groups::{Group, GroupFilter};
pub use store::instances::{HEARTBEAT_INTERVAL, Instance, STALE_AFTER};
pub use store::passwords::{MAX_HISTORY, StoredCredential, StoredHash};
pub use store::pins::{Pin, StoredPins};
pub use store::preferences::Preference;
pub use store::rate_limits::RateLimit;
pub use store::reset_tokens::ResetToken;
pub use store::sessions::Session;
pub use store::settings::StoreSettings;
pub use store::snapshot::Snapshot;
pub use store::users::{
    Details, Permissions, Profile, ProfileEntry, ProfileField, ProfileScope, Quota, User, UserChange,
    UserPages, mail_address,
};

use service::mail::Outbox;
use store::app_passwords::AppPasswords;
use store::apps::Apps;
use store::audit::Audit;
use store::credential_epoch::CredentialEpochs;
use store::engine::Db;
use store::failed_logins::FailedLogins;
use store::groups::Groups;
use store::instances::Instances;
use store::passwords::Passwords;
use store::pins::Pins;
use store::preferences::Preferences;
use store::reset_tokens::ResetTokens;
use store::sessions::Sessions;
use store::snapshot::Batcher;
use store::users::Users;

/// The open store. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub struct Accounts {
    inner: Arc<Inner>,
    actor: Arc<Actor>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    batcher: Batcher,
}

impl Accounts {
    /// Opens the store, creates it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// - [`AccountsError::Unavailable`]: the file or the server cannot be reached, or not written in time.
    /// - [`AccountsError::Unreadable`]: the file is no SQLite database, or damaged.
    /// - [`AccountsError::Foreign`]: it is another program's database.
    /// - [`AccountsError::NewerSchema`]: a newer version of this program made it.
    /// - [`AccountsError::ReadOnly`]: it cannot be written.
    pub async fn open(settings: &StoreSettings) -> Result<Self, AccountsError> {
        match Self::with(settings, true).await {
            Ok(None) => Err(AccountsError::unreadable("the tables are not there")),
            Ok(Some(accounts)) => Ok(accounts),
            Err(error) => Err(error),
        }
    }

    /// The same, but makes nothing where there is nothing: no file, no tables in an empty database.
    ///
    /// # Errors
    /// As [`Accounts::open`].
    pub async fn open_existing(settings: &StoreSettings) -> Result<Option<Self>, AccountsError> {
        if settings.path().is_some_and(|path| !path.exists()) {
            return Ok(None);
        }
        Self::with(settings, false).await
    }

    async fn with(settings: &StoreSettings, fill: bool) -> Result<Option<Self>, AccountsError> {
        let db = Db::open(settings).await?;
        let clock = settings.clock().clone();
        match store::schema::migrate(&db, clock.now(), fill).await {
            Ok(true) => {
                let inner = Inner { db, clock, batcher: Batcher::default() };
                Ok(Some(Self { inner: Arc::new(inner), actor: Arc::new(Actor::system()) }))
            }
            nothing => {
                db.close().await;
                nothing.map(|_| None)
            }
        }
    }

    /// The same store, used on somebody's behalf: the audit log names them.
    #[must_use]
    pub fn on_behalf_of(&self, actor: Actor) -> Self {
        Self { inner: Arc::clone(&self.inner), actor: Arc::new(actor) }
    }

    /// Users.
    pub const fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// Groups, members, sub-admins.
    pub const fn groups(&self) -> Groups<'_> {
        Groups(self)
    }

    /// Hashes of local passwords.
    pub const fn passwords(&self) -> Passwords<'_> {
        Passwords(self)
    }

    /// App passwords.
    pub const fn app_passwords(&self) -> AppPasswords<'_> {
        AppPasswords(self)
    }

    /// Sessions.
    pub const fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// Tokens that set a new password.
    pub const fn reset_tokens(&self) -> ResetTokens<'_> {
        ResetTokens(self)
    }

    /// Who owns whom.
    pub const fn pins(&self) -> Pins<'_> {
        Pins(self)
    }

    /// The pins as a resolver takes them: `Resolver::builder().pins(accounts.pin_store())`.
    pub fn pin_store(&self) -> Arc<StoredPins> {
        Arc::new(StoredPins(self.clone()))
    }

    /// Apps and their configuration.
    pub const fn apps(&self) -> Apps<'_> {
        Apps(self)
    }

    /// What users set for themselves.
    pub const fn preferences(&self) -> Preferences<'_> {
        Preferences(self)
    }

    /// How processes notice that credentials ended elsewhere.
    pub const fn credential_epoch(&self) -> CredentialEpochs<'_> {
        CredentialEpochs(self)
    }

    /// Failed sign-ins by place.
    pub const fn failed_logins(&self) -> FailedLogins<'_> {
        FailedLogins(self)
    }

    /// The servers that run on this store.
    pub const fn instances(&self) -> Instances<'_> {
        Instances(self)
    }

    /// Who did what to whom.
    pub const fn audit(&self) -> Audit<'_> {
        Audit(self)
    }

    /// Mails to be sent.
    pub const fn outbox(&self) -> Outbox<'_> {
        Outbox(self)
    }

    /// Closes all connections of all clones and waits until that is done.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }

    pub(crate) fn batcher(&self) -> &Batcher {
        &self.inner.batcher
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// The programs in the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
