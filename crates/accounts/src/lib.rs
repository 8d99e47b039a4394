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
//! | [`Accounts::mails`] | mails to be sent |
//! | [`Accounts::passwords`] | hashes of local passwords |
//! | [`Accounts::tokens`], [`Accounts::sessions`], [`Accounts::resets`] | app passwords, sessions, tokens that set a new password |
//! | [`Accounts::pins`] | who owns whom; [`Accounts::pin_store`] for the resolver |
//! | [`Accounts::look`] | what a server asks at every call |
//! | [`Accounts::apps`], [`Accounts::preferences`] | apps, their configuration, what users set for themselves |
//! | [`Accounts::generations`] | how processes notice that credentials ended elsewhere |
//! | [`Accounts::failures`], [`Accounts::servers`] | failed sign-ins by place, and the servers that run |
//! | [`Accounts::audit`] | who did what to whom |
//! | [`ServerSettings`] | the settings of an installation, as the server and the command line read them |
//!
//! # Several processes
//! Any number of processes may open the same store. What one has written, the others read; [`generation`] tells how they
//! forget in time what they remember.

#![forbid(unsafe_code)]

pub mod apps;
mod attempts;
pub mod audit;
pub mod clock;
pub mod desk;
mod engine;
mod error;
pub mod failures;
pub mod generation;
pub mod groups;
mod id;
pub mod mail;
pub mod password;
pub mod passwords;
pub mod pins;
pub mod policy;
pub mod preferences;
mod random;
pub mod reset;
pub mod resets;
mod schema;
mod section;
mod server_settings;
pub mod servers;
pub mod sessions;
mod settings;
mod token;
pub mod tokens;
pub mod turns;
pub mod users;

use std::sync::Arc;

pub use audit::Actor;
pub use clock::{Clock, SKEW, Timestamp};
pub use desk::Look;
pub use error::AccountsError;
pub use generation::{Changes, Follower, Generation};
pub use groups::{Group, GroupFilter};
pub use id::{ADMIN_GROUP, GroupId, LOCAL_BACKEND, NewIdError, UserId};
pub use passwords::StoredHash;
pub use pins::{Pin, StoredPins};
pub use policy::{POLICY_APP, PolicyError};
pub use random::NoRandomness;
pub use resets::Reset;
pub use server_settings::{MayAdd, SectionDigests, ServerSettings};
pub use sessions::Session;
pub use settings::StoreSettings;
pub use token::{Token, TokenHash};
pub use tokens::AppPassword;
pub use users::{
    Details, Field, NewUser, Page, Profile, Quota, Scope, Standing, User, UserChange, UserFilter,
};

use apps::Apps;
use audit::Audit;
use desk::Desk;
use engine::{Db, fault, sql};
use failures::Failures;
use generation::Generations;
use groups::Groups;
use mail::Mails;
use passwords::Passwords;
use pins::Pins;
use preferences::Preferences;
use resets::Resets;
use servers::Servers;
use sessions::Sessions;
use tokens::Tokens;
use users::Users;
use zeroize::Zeroizing;

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
    desk: Desk,
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
        match schema::migrate(&db, clock.now(), fill).await {
            Ok(true) => {
                let inner = Inner { db, clock, desk: Desk::default() };
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
    pub const fn tokens(&self) -> Tokens<'_> {
        Tokens(self)
    }

    /// Sessions.
    pub const fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// Tokens that set a new password.
    pub const fn resets(&self) -> Resets<'_> {
        Resets(self)
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
    pub const fn generations(&self) -> Generations<'_> {
        Generations(self)
    }

    /// Failed sign-ins by place.
    pub const fn failures(&self) -> Failures<'_> {
        Failures(self)
    }

    /// The servers that run on this store.
    pub const fn servers(&self) -> Servers<'_> {
        Servers(self)
    }

    /// Who did what to whom.
    pub const fn audit(&self) -> Audit<'_> {
        Audit(self)
    }

    /// Mails to be sent.
    pub const fn mails(&self) -> Mails<'_> {
        Mails(self)
    }

    /// A secret of the servers of this store, by its name: 32 random bytes, made when they are asked for first. All processes
    /// get the same.
    ///
    /// # Errors
    /// When the store cannot say, or there is no randomness to make one of.
    ///
    /// # Security
    /// Whoever reads the database knows it. It is not for what must withstand that.
    pub async fn secret(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, AccountsError> {
        let found = sql("SELECT value FROM server_secrets WHERE name = $1").bind(name);
        let mut row = self.db().row(found.clone()).await?;
        if row.is_none() {
            let new = random::random::<32>()
                .map_err(|_| AccountsError::unavailable("the system gave no random bytes"))?;
            let mut tx = self.db().begin().await?;
            let insert =
                sql("INSERT INTO server_secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING");
            tx.execute(insert.bind(name).bind(&*new)).await?;
            row = tx.row(found).await?;
            tx.commit().await?;
        }
        let value = row.map(|row| row.bytes(0)).transpose().map_err(fault)?.map(Zeroizing::new);
        let value = value.and_then(|value| <[u8; 32]>::try_from(value.as_slice()).ok());
        value.map(Zeroizing::new).ok_or_else(|| AccountsError::unreadable("a secret has another length"))
    }

    /// Closes all connections of all clones and waits until that is done.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.inner.desk
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
