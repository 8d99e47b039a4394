//! Puts the server together: accounts, backends, rules.

use std::sync::{Arc, RwLock};

use accounts::AppCatalogue;
use accounts::{Accounts, AccountsError, InvalidationWatcher};
use accounts::{Hasher, LocalBackend, LocalPasswordService};
use accounts::{LostPassword, PasswordReset};
use arc_swap::ArcSwap;
use thiserror::Error;
use user_backend::brute_force::{SharedBudget, UserHashKey};
use user_backend::config::{Config, InvalidConfig};
use user_backend::resolver::ProvenKey;
use user_backend::{
    BackendError, BackendPolicy, BuildError, DomainRules, Resolver, ResolverBuilder, UserBackend,
};

use crate::auth::app_password_memory::AppPasswordMemory;
use crate::auth::csrf;
use crate::auth::failed_login_log::FailedLoginLog;
use crate::auth::proven_key;
use crate::auth::unknown_names::UnknownNames;
use crate::password_rules::Rules;
use crate::request_body::BodyBudget;
use crate::settings::ServerSettings;
use crate::state::{AppState, ExternalBackend, Inner, LiveSettings};
use crate::valkey::ValkeyBudget;
use crate::warnings::Warned;

/// The server cannot be started.
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
    Config(#[from] InvalidConfig),
    /// The mail server.
    #[error("mail: {0}")]
    Mail(String),
    /// The settings were not read from a file and do not name the store.
    #[error("missing [store] configuration")]
    NoStore,
    /// The password rules.
    #[error(transparent)]
    Policy(#[from] accounts::PolicyError),
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// The authorities for the certificate of Valkey.
    #[error("[valkey]: {0}")]
    Valkey(#[source] BackendError),
}

impl AppState {
    /// Opens the accounts and makes the backends.
    ///
    /// Reads certificates; opens no connection to a backend.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(settings: ServerSettings, config: &Config) -> Result<Self, StartError> {
        let store = settings.store.clone().ok_or(StartError::NoStore)?;
        let accounts = Accounts::open(&store).await?.with_notices(settings.mail.is_some());
        let rules = Arc::new(Rules::new(&settings.name)?);
        rules.refresh(&accounts).await?;
        let hasher = Hasher::new(settings.passwords).map_err(|_| StartError::Randomness)?;
        let passwords = LocalPasswordService::new(accounts.clone(), hasher.clone(), Arc::clone(&rules) as _)
            .with_app_passwords(settings.app_passwords_on_new_password);
        let resets = resets(&settings, &accounts, &passwords);
        let local = LocalBackend::new(accounts.clone(), hasher, Arc::clone(&rules) as _)
            .map_err(|_| StartError::Randomness)?;
        // The resolver remembers, because what ended in other processes is forgotten before every
        // sign-in. A right password in its memory is never slowed down by wrong ones.
        let usual = BackendPolicy::default();
        let mut policy = local.policy();
        policy.cache_accepted = usual.cache_accepted;
        policy.cache_rejected = usual.cache_rejected;
        let local: (Arc<dyn UserBackend>, BackendPolicy) = (Arc::new(local), policy);
        let failed_logins = Arc::new(FailedLoginLog::new());
        let (all, external) = chain(&local, &accounts, config)?;
        // Names are hashed with the key that is not in the database, if there is one.
        let proven_key = proven_key::find(&settings);
        let user_key = match &proven_key {
            Some(key) => key.clone(),
            None => accounts.secret("failed sign-ins").await?,
        };
        let mut all = all.user_hashes(UserHashKey::new(user_key.clone()));
        if let Some(key) = proven_key {
            all = all.proven(accounts.proven_store(), ProvenKey::new(key));
        }
        let mut valkey = None;
        if let Some(budget) = accounts.shared_budget() {
            let mut counts: Arc<dyn SharedBudget> = Arc::clone(&budget) as _;
            if let Some(settings) = settings.valkey.clone() {
                let site = accounts.secret("name in Valkey").await?;
                let budget = ValkeyBudget::start(budget, settings, &site).map_err(StartError::Valkey)?;
                counts = Arc::clone(&budget) as _;
                valkey = Some(budget);
            }
            all = all.shared_budget(counts, UserHashKey::new(user_key));
        }
        let resolver = all.failure_log(Arc::clone(&failed_logins) as _).build()?;
        let follower = InvalidationWatcher::start(accounts.clone(), [resolver.clone()]).await?;
        let request_tokens = csrf::Key::new(accounts.secret("request token").await?);
        let apps = AppCatalogue::new(settings.apps_directory.as_deref());
        let inner = Inner {
            resolver,
            classes: config.registry().clone(),
            product: settings.name.clone(),
            live: ArcSwap::from_pointee(LiveSettings::new(settings, config)),
            accounts,
            external: RwLock::new(external),
            local,
            passwords,
            resets,
            rules,
            apps,
            app_passwords: AppPasswordMemory::default(),
            bodies: BodyBudget::default(),
            request_tokens,
            warned: Warned::default(),
            unknown_names: UnknownNames::default(),
            follower,
            failed_logins,
            valkey,
        };
        let app = Self { inner: Arc::new(inner) };
        // Failed sign-ins survive a restart.
        app.rules().await?;
        app.recall_failed_logins().await?;
        Ok(app)
    }
}

/// Password resets by these settings.
///
/// Links are offered only if they can be mailed.
fn resets(settings: &ServerSettings, accounts: &Accounts, passwords: &LocalPasswordService) -> PasswordReset {
    let mut reset = settings.reset.clone();
    if settings.mail.is_none() && reset.lost_password_link().is_mail() {
        tracing::warn!("no [mail] is configured: users cannot reset a lost password");
        reset = reset.with_lost_password_link(LostPassword::Disabled);
    }
    PasswordReset::new(accounts.clone(), passwords.clone(), reset)
}

/// The local backend and after it those of the configuration.
pub(crate) fn chain(
    local: &(Arc<dyn UserBackend>, BackendPolicy),
    accounts: &Accounts,
    config: &Config,
) -> Result<(ResolverBuilder, Vec<ExternalBackend>), InvalidConfig> {
    let (backend, policy) = local;
    let all = Resolver::builder().pins(accounts.pin_store()).backend_with(
        Arc::clone(backend),
        policy.clone(),
        DomainRules::none(),
    );
    // Compared by their entries: what says the same stays as it is when the configuration is read
    // again.
    let all = all.with_config_inside(config, |backend| backend)?;
    let external = config.entries().iter().map(|entry| ExternalBackend::of(entry, config));
    Ok((all, external.collect::<Result<_, _>>()?))
}
