//! What the server is made of: settings, accounts, the resolver, the rules for passwords.

mod ledger;
mod refusal;
mod reload;
mod session;
mod sign_in;
mod tokens;

pub use reload::Reread;
pub use session::{Browser, NewSession, SignedIn};
pub use sign_in::SignIn;

use std::sync::{Arc, PoisonError, RwLock};

use accounts::apps::Catalogue;
use accounts::mail::{Postman, Smtp};
use accounts::password::{Hasher, LocalBackend, LocalPasswords, PasswordRules, Person};
use accounts::reset::{BaseUrl, LostPassword, PasswordReset};
use accounts::{Accounts, AccountsError, Follower, LOCAL_BACKEND, User, UserId};
use arc_swap::ArcSwap;
use thiserror::Error;
use user_backend::config::{Config, ConfigErrors, Network};
use user_backend::{BackendId, BuildError, DomainRules, Policy, Resolver, ResolverBuilder, UserBackend};

use crate::policy::Rules;
use crate::settings::ServerSettings;
use ledger::Ledger;
use reload::Told;
use tokens::WithTokens;
pub(crate) use tokens::looks_like_one;

/// Everything that requests share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// What the operator says, as it was read last.
    told: ArcSwap<Told>,
    product: String,
    accounts: Accounts,
    /// All backends.
    resolver: Resolver,
    /// The local one alone, for when the others are switched off.
    local_only: Resolver,
    /// The ids of the others.
    external: RwLock<Vec<BackendId>>,
    local: (Arc<dyn UserBackend>, Policy),
    passwords: LocalPasswords,
    resets: PasswordReset,
    rules: Arc<Rules>,
    apps: Catalogue,
    /// Forgets what ended in other processes.
    follower: Follower,
    ledger: Arc<Ledger>,
}

/// The server cannot be put together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store.
    #[error("the accounts: {0}")]
    Accounts(#[from] AccountsError),
    /// The backends.
    #[error("the backends: {0}")]
    Build(#[from] BuildError),
    /// The configuration.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// The mail server.
    #[error("mail: {0}")]
    Mail(String),
    /// The settings were not read from a file and nobody said where the store is.
    #[error("nobody said where the accounts are")]
    NoStore,
    /// The password rules.
    #[error(transparent)]
    Policy(#[from] accounts::PolicyError),
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    Randomness,
}

impl App {
    /// Opens the accounts and makes the backends. Reads certificates; opens no connection to a backend.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(settings: ServerSettings, config: &Config) -> Result<Self, StartError> {
        let store = settings.store.clone().ok_or(StartError::NoStore)?;
        let accounts = Accounts::open(&store).await?;
        let rules = Arc::new(Rules::new(&settings.name)?);
        rules.refresh(&accounts).await?;
        let hasher = Hasher::new(settings.passwords).map_err(|_| StartError::Randomness)?;
        let passwords = LocalPasswords::new(accounts.clone(), hasher.clone(), Arc::clone(&rules) as _)
            .with_notices(settings.mail.is_some())
            .with_app_passwords(settings.app_passwords_on_new_password);
        let resets = resets(&settings, &accounts, &passwords);
        let local = LocalBackend::new(accounts.clone(), hasher, Arc::clone(&rules) as _)
            .map_err(|_| StartError::Randomness)?;
        // The backend would rather remember by itself, because other processes change passwords too. Here the resolver may: what
        // ended elsewhere is forgotten before every sign-in, and a right password in its memory is never slowed down by
        // somebody's wrong ones.
        let usual = Policy::default();
        let mut policy = local.policy();
        policy.cache_accepted = usual.cache_accepted;
        policy.cache_rejected = usual.cache_rejected;
        let local: Arc<dyn UserBackend> = Arc::new(WithTokens::new(Arc::new(local), accounts.clone()));
        let local = (local, policy);
        let ledger = Arc::new(Ledger::new());
        let (all, external) = chain(&local, &accounts, config)?;
        let log = || Arc::clone(&ledger) as _;
        let resolver = all.failure_log(log()).build()?;
        let local_only = local_chain(&local, &accounts, config).failure_log(log()).build()?;
        let follower = Follower::start(accounts.clone(), [resolver.clone(), local_only.clone()]).await?;
        let apps = Catalogue::new(settings.apps_directory.as_deref());
        let inner = Inner {
            resolver,
            local_only,
            product: settings.name.clone(),
            told: ArcSwap::from_pointee(Told::new(settings, config)),
            accounts,
            external: RwLock::new(external),
            local,
            passwords,
            resets,
            rules,
            apps,
            follower,
            ledger,
        };
        let app = Self { inner: Arc::new(inner) };
        // A restart forgives nobody.
        app.balance(true).await?;
        Ok(app)
    }

    /// The settings, as they were read last.
    pub fn settings(&self) -> Arc<ServerSettings> {
        Arc::clone(&self.inner.told.load().settings)
    }

    /// What the server is called.
    pub fn product(&self) -> &str {
        &self.inner.product
    }

    /// Whose word about where somebody sits is taken.
    pub fn trusted_proxies(&self) -> Arc<[Network]> {
        Arc::clone(&self.inner.told.load().trusted_proxies)
    }

    /// The accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }

    /// The resolver of all backends.
    pub fn resolver(&self) -> &Resolver {
        &self.inner.resolver
    }

    fn resolvers(&self) -> [&Resolver; 2] {
        [&self.inner.resolver, &self.inner.local_only]
    }

    /// Sets local passwords.
    pub fn passwords(&self) -> &LocalPasswords {
        &self.inner.passwords
    }

    /// Lost passwords. Without a mail server nobody gets a link, and `lost_password_link` counts as `disabled`.
    pub fn resets(&self) -> &PasswordReset {
        &self.inner.resets
    }

    /// The rules for passwords, as the store says them now.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn rules(&self) -> Result<&Rules, AccountsError> {
        self.inner.rules.refresh(&self.inner.accounts).await?;
        Ok(&self.inner.rules)
    }

    /// The rules for passwords, as they were known last.
    pub fn known_rules(&self) -> &Rules {
        &self.inner.rules
    }

    /// What the rules say about a password that cannot be one.
    pub async fn broken_rules(&self, password: &str, user: &User) -> Option<String> {
        let (app, password, user) = (self.clone(), password.to_owned(), user.clone());
        let check = move || app.known_rules().check(&password, &Person::of(&user)).err();
        tokio::task::spawn_blocking(check).await.ok().flatten()
    }

    /// The apps.
    pub fn apps(&self) -> &Catalogue {
        &self.inner.apps
    }

    /// The backend of that id, if there is one: `local` or one of the configuration.
    pub fn backend(&self, id: &str) -> Option<BackendId> {
        let local = BackendId::parse(LOCAL_BACKEND).ok();
        let external = self.inner.external.read().unwrap_or_else(PoisonError::into_inner);
        local.iter().chain(external.iter()).find(|found| found.as_str() == id).cloned()
    }

    /// Whether there are other backends than the local one.
    pub fn has_external(&self) -> bool {
        !self.inner.external.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Marks all app passwords of a user for a remote wipe: none of them opens anything any more.
    ///
    /// # Errors
    /// When the store could not do it.
    pub async fn wipe_tokens(&self, accounts: &Accounts, id: &UserId) -> Result<(), AccountsError> {
        accounts.tokens().wipe(id).await.map(drop)
    }

    /// Greets a new user by mail: writes down that it is wanted, for the [postman](Self::postman) to take. Who never signed in
    /// and has their password kept here gets a link to choose one.
    ///
    /// # Errors
    /// [`NoMail`]: there is no mail server, or it could not be written down.
    pub async fn send_welcome(&self, accounts: &Accounts, user: &User) -> Result<(), NoMail> {
        if self.settings().mail.is_none() {
            tracing::warn!(user = ?user.id, "no mail server is set up, so nobody was greeted");
            return Err(NoMail);
        }
        let with_link = user.is_local() && user.last_login.is_none();
        accounts.mails().welcome(&user.id, with_link).await.map_err(|error| {
            tracing::warn!(user = ?user.id, %error, "nobody was greeted");
            NoMail
        })
    }

    /// Who takes mails to the mail server, if there is one.
    ///
    /// # Errors
    /// [`StartError::Mail`]
    pub fn postman(&self) -> Result<Option<Postman>, StartError> {
        let Some(mail) = self.settings().mail.clone() else { return Ok(None) };
        let wrong = |error: &dyn std::error::Error| StartError::Mail(error.to_string());
        // The texts of faults name who is to blame.
        let id = BackendId::parse("mail").map_err(|error| wrong(&error))?;
        let courier = Smtp::new(mail).map_err(|fault| wrong(&fault.with_backend(&id)))?;
        let base = BaseUrl::parse(&self.settings().public_url()).map_err(|error| wrong(&error))?;
        let accounts = self.accounts().clone();
        let settings = self.settings();
        Ok(Some(Postman::new(accounts, Arc::new(courier), base, settings.name.as_str(), &settings.reset)))
    }
}

/// Lost passwords by these settings. Links that nobody can mail are not offered.
fn resets(settings: &ServerSettings, accounts: &Accounts, passwords: &LocalPasswords) -> PasswordReset {
    let mut reset = settings.reset.clone();
    if settings.mail.is_none() && reset.lost_password_link().is_mail() {
        tracing::warn!(
            "no [mail] is set up: people who lost their password are offered no way to set a new one"
        );
        reset = reset.with_lost_password_link(LostPassword::Disabled);
    }
    PasswordReset::new(accounts.clone(), passwords.clone(), reset)
}

/// A chain of the local backend alone.
fn local_chain(
    local: &(Arc<dyn UserBackend>, Policy),
    accounts: &Accounts,
    config: &Config,
) -> ResolverBuilder {
    let (backend, policy) = local;
    Resolver::builder()
        .deadline(config.resolver().deadline)
        .cache_bounds(config.resolver().cache)
        .throttle(config.resolver().throttle)
        .lock(config.resolver().lock)
        .pins(accounts.pin_store())
        .link(Arc::clone(backend), policy.clone(), DomainRules::none())
}

/// The local backend, and behind it those of the configuration, each behind the app passwords of its people.
fn chain(
    local: &(Arc<dyn UserBackend>, Policy),
    accounts: &Accounts,
    config: &Config,
) -> Result<(ResolverBuilder, Vec<BackendId>), ConfigErrors> {
    let mut ids = Vec::new();
    let all = local_chain(local, accounts, config);
    // Compared by their entries: what says the same stays as it is when the configuration is read again.
    let all = all.with_config_inside(config, |backend| {
        ids.push(backend.id().clone());
        Arc::new(WithTokens::new(backend, accounts.clone()))
    })?;
    Ok((all, ids))
}

/// No mail could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no mail server is set up")]
pub struct NoMail;
