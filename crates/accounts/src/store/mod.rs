//! Everything that is SQL: one file for each table, and [`Accounts`], which opens them.

pub(crate) mod address_confirmations;
pub(crate) mod app_passwords;
pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod backend_failures;
pub(crate) mod batching;
pub(crate) mod change;
pub(crate) mod credential_epoch;
pub(crate) mod credential_events;
pub(crate) mod credentials_end;
pub(crate) mod engine;
pub(crate) mod failed_logins;
pub(crate) mod groups;
pub(crate) mod handle;
pub(crate) mod instances;
pub(crate) mod login_flows;
pub(crate) mod outbox;
pub(crate) mod passwords;
pub(crate) mod pins;
pub(crate) mod preferences;
pub(crate) mod proven_credentials;
pub(crate) mod rate_limits;
pub(crate) mod reset_tokens;
pub(crate) mod rights;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod server_secrets;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod snapshot;
pub(crate) mod users;
pub(crate) mod valkey_generation;

use std::ops::Deref;
use std::sync::Arc;

use user_backend::CanonicalName;

use crate::domain::{AccountsError, Actor, Timestamp};
use crate::store::app_passwords::{AppPasswords, AppPasswordsMut};
use crate::store::apps::{Apps, AppsMut};
use crate::store::audit::{Audit, AuditMut};
use crate::store::backend_failures::StoredBudget;
use crate::store::credential_epoch::{CredentialEpochs, CredentialEpochsMut};
use crate::store::engine::SqlDialect;
use crate::store::failed_logins::{FailedLogins, FailedLoginsMut};
use crate::store::groups::{Groups, GroupsMut};
use crate::store::handle::{ActingStore, Store};
use crate::store::instances::{Instances, InstancesMut};
use crate::store::login_flows::{LoginFlows, LoginFlowsMut};
use crate::store::outbox::{Outbox, OutboxMut};
use crate::store::passwords::{Passwords, PasswordsMut};
use crate::store::pins::{Pins, PinsMut, StoredPins};
use crate::store::preferences::{Preferences, PreferencesMut};
use crate::store::proven_credentials::StoredProven;
use crate::store::reset_tokens::{ResetTokens, ResetTokensMut};
use crate::store::sessions::{Sessions, SessionsMut};
use crate::store::settings::StoreSettings;
use crate::store::snapshot::Snapshot;
use crate::store::users::repository::{Users, UsersMut};

/// The open store, which reads.
///
/// Cheap to clone; clones share the connections.
///
/// Changes need an actor: [`Accounts::on_behalf_of`] a user, or [`Accounts::as_system`].
///
/// ```compile_fail
/// # async fn change(accounts: accounts::Accounts, frank: accounts::UserId) {
/// accounts.users().delete(&frank).await; // on whose behalf?
/// # }
/// ```
///
/// ```
/// # async fn change(accounts: accounts::Accounts, frank: accounts::UserId) {
/// accounts.as_system().users().delete(&frank).await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Accounts {
    store: Store,
    notices: bool,
}

/// The open store, which reads and changes on behalf of an actor.
///
/// Cheap to clone.
///
/// The audit log names the actor, and the rights of a user are checked in the transaction of each
/// change, together with the credential that the user signed in with. Everything that [`Accounts`]
/// reads can be read here too.
#[derive(Clone, Debug)]
pub struct ActingAccounts {
    accounts: Accounts,
    store: ActingStore,
}

impl Accounts {
    /// Opens the store, creates it if it is missing, and updates its schema.
    ///
    /// # Errors
    /// - [`AccountsError::Unavailable`]: the file or the server cannot be reached, or not written
    ///   in time.
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

    /// The same, but makes nothing where there is nothing.
    ///
    /// No file, no tables in an empty database.
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
        let db = engine::open(settings).await?;
        let clock = settings.clock().clone();
        match schema::migrate(&db, clock.now(), fill).await {
            Ok(true) => Ok(Some(Self { store: Store::new(db, clock), notices: false })),
            nothing => {
                db.close().await;
                nothing.map(|_| None)
            }
        }
    }

    /// The same store; users are notified by mail when their credentials end.
    ///
    /// Only where mail is set up: a worker has to empty the queue.
    #[must_use]
    pub fn with_notices(&self, notices: bool) -> Self {
        Self { store: self.store.clone(), notices }
    }

    /// The same store, to change something on behalf of this actor.
    pub fn on_behalf_of(&self, actor: Actor) -> ActingAccounts {
        ActingAccounts { accounts: self.clone(), store: self.store.on_behalf_of(actor, self.notices) }
    }

    /// The same store, to do what the program itself does.
    ///
    /// Background work, and what no user asks for. It may do everything.
    pub fn as_system(&self) -> ActingAccounts {
        self.on_behalf_of(Actor::system())
    }

    /// Users.
    pub const fn users(&self) -> Users<'_> {
        Users(&self.store)
    }

    /// Groups, members, sub-admins.
    pub const fn groups(&self) -> Groups<'_> {
        Groups(&self.store)
    }

    /// Hashes of local passwords.
    pub const fn passwords(&self) -> Passwords<'_> {
        Passwords(&self.store)
    }

    /// App passwords.
    pub const fn app_passwords(&self) -> AppPasswords<'_> {
        AppPasswords(&self.store)
    }

    /// Devices that wait for their owner to sign in with a browser.
    pub const fn login_flows(&self) -> LoginFlows<'_> {
        LoginFlows(&self.store)
    }

    /// Sessions.
    pub const fn sessions(&self) -> Sessions<'_> {
        Sessions(&self.store)
    }

    /// Tokens that set a new password.
    pub const fn reset_tokens(&self) -> ResetTokens<'_> {
        ResetTokens(&self.store)
    }

    /// Pins.
    pub const fn pins(&self) -> Pins<'_> {
        Pins(&self.store)
    }

    /// The pins as a resolver takes them: `Resolver::builder().pins(accounts.pin_store())`.
    pub fn pin_store(&self) -> Arc<StoredPins> {
        Arc::new(StoredPins(self.as_system().store))
    }

    /// Proven credentials as a resolver takes them.
    ///
    /// `Resolver::builder().proven(accounts.proven_store(), key)`.
    pub fn proven_store(&self) -> Arc<StoredProven> {
        Arc::new(StoredProven(self.as_system().store))
    }

    /// Failed logins at backends as a resolver takes them, for several servers on one store.
    ///
    /// `None` on SQLite, which is for one server: it counts in memory.
    pub fn shared_budget(&self) -> Option<Arc<StoredBudget>> {
        match self.store.db().kind() {
            SqlDialect::Postgres => Some(Arc::new(StoredBudget(self.as_system().store))),
            SqlDialect::Sqlite => None,
        }
    }

    /// Apps and their configuration.
    pub const fn apps(&self) -> Apps<'_> {
        Apps(&self.store)
    }

    /// Preferences of users.
    pub const fn preferences(&self) -> Preferences<'_> {
        Preferences(&self.store)
    }

    /// How processes notice that credentials ended elsewhere.
    pub const fn credential_epoch(&self) -> CredentialEpochs<'_> {
        CredentialEpochs(&self.store)
    }

    /// Failed sign-ins by place.
    pub const fn failed_logins(&self) -> FailedLogins<'_> {
        FailedLogins(&self.store)
    }

    /// The servers that run on this store.
    pub const fn instances(&self) -> Instances<'_> {
        Instances(&self.store)
    }

    /// The audit log.
    pub const fn audit(&self) -> Audit<'_> {
        Audit(&self.store)
    }

    /// Mails to be sent.
    pub const fn outbox(&self) -> Outbox<'_> {
        Outbox(&self.store)
    }

    /// Closes all connections of all clones and waits until that is done.
    pub async fn close(&self) {
        self.store.db().close().await;
    }

    /// The epoch, the apps, and everything about the user of that name: what is true now.
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] and others when the store cannot be read: no one may be let
    /// in then.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn snapshot(&self, name: Option<&CanonicalName>) -> Result<Snapshot, AccountsError> {
        self.store.batcher().ask(self.store.db(), name).await
    }

    /// A number that changes with every commit of any process, if it costs next to nothing.
    ///
    /// As long as it is the same, nothing was written, and it never comes back. `None` on
    /// PostgreSQL: it would have to be asked.
    pub fn version(&self) -> Option<i64> {
        self.store.db().version()
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The time by the clock of this store, which also decides about expiry.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }
}

impl Deref for ActingAccounts {
    type Target = Accounts;

    fn deref(&self) -> &Accounts {
        &self.accounts
    }
}

impl From<ActingAccounts> for Accounts {
    /// The same store, to read.
    fn from(acting: ActingAccounts) -> Self {
        acting.accounts
    }
}

/// The tables of [`Accounts`], each with its changes.
impl ActingAccounts {
    /// The same; see [`Accounts::with_notices`].
    #[must_use]
    pub fn with_notices(&self, notices: bool) -> Self {
        self.accounts.with_notices(notices).on_behalf_of(self.store.actor().clone())
    }

    /// The table of [`Accounts::users`], with its changes.
    pub fn users(&self) -> UsersMut<'_> {
        UsersMut::new(&self.store)
    }

    /// The table of [`Accounts::groups`], with its changes.
    pub fn groups(&self) -> GroupsMut<'_> {
        GroupsMut::new(&self.store)
    }

    /// The table of [`Accounts::passwords`], with its changes.
    pub fn passwords(&self) -> PasswordsMut<'_> {
        PasswordsMut::new(&self.store)
    }

    /// The table of [`Accounts::app_passwords`], with its changes.
    pub fn app_passwords(&self) -> AppPasswordsMut<'_> {
        AppPasswordsMut::new(&self.store)
    }

    /// The table of [`Accounts::login_flows`], with its changes.
    pub fn login_flows(&self) -> LoginFlowsMut<'_> {
        LoginFlowsMut::new(&self.store)
    }

    /// The table of [`Accounts::sessions`], with its changes.
    pub fn sessions(&self) -> SessionsMut<'_> {
        SessionsMut::new(&self.store)
    }

    /// The table of [`Accounts::reset_tokens`], with its changes.
    pub fn reset_tokens(&self) -> ResetTokensMut<'_> {
        ResetTokensMut::new(&self.store)
    }

    /// The table of [`Accounts::pins`], with its changes.
    pub fn pins(&self) -> PinsMut<'_> {
        PinsMut::new(&self.store)
    }

    /// The table of [`Accounts::apps`], with its changes.
    pub fn apps(&self) -> AppsMut<'_> {
        AppsMut::new(&self.store)
    }

    /// The table of [`Accounts::preferences`], with its changes.
    pub fn preferences(&self) -> PreferencesMut<'_> {
        PreferencesMut::new(&self.store)
    }

    /// The table of [`Accounts::credential_epoch`], with its changes.
    pub fn credential_epoch(&self) -> CredentialEpochsMut<'_> {
        CredentialEpochsMut::new(&self.store)
    }

    /// The table of [`Accounts::failed_logins`], with its changes.
    pub fn failed_logins(&self) -> FailedLoginsMut<'_> {
        FailedLoginsMut::new(&self.store)
    }

    /// The table of [`Accounts::instances`], with its changes.
    pub fn instances(&self) -> InstancesMut<'_> {
        InstancesMut::new(&self.store)
    }

    /// The table of [`Accounts::audit`], with its changes.
    pub fn audit(&self) -> AuditMut<'_> {
        AuditMut::new(&self.store)
    }

    /// The table of [`Accounts::outbox`], with its changes.
    pub fn outbox(&self) -> OutboxMut<'_> {
        OutboxMut::new(&self.store)
    }

    pub(crate) const fn store(&self) -> &ActingStore {
        &self.store
    }
}
