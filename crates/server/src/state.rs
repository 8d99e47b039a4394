//! Shared state of all requests: settings, accounts, the resolver, password rules.

use std::fmt::Arguments;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use accounts::AppCatalogue;
use accounts::{Accounts, AccountsError, FirstSignIn, InvalidationWatcher, LOCAL_BACKEND, User};
use accounts::{AddressConfirmation, PasswordKeeper, PasswordKeeperLookup, PasswordReset};
use accounts::{LocalPasswordService, PasswordRules, Person, SetError};
use arc_swap::ArcSwap;
use user_backend::clock::{later, now};
use user_backend::config::{ClassRegistry, Config, Entry, InvalidConfig, Network};
use user_backend::resolver::names::Admit;
use user_backend::{BackendId, BackendPolicy, NameRules, Resolver, UserBackend};

use crate::auth::app_password_memory::AppPasswordMemory;
use crate::auth::csrf;
use crate::auth::failed_login_log::FailedLoginLog;
use crate::auth::unknown_names::UnknownNames;
use crate::page_assets::PageAssets;
use crate::password_rules::Rules;
use crate::request_body::BodyBudget;
use crate::settings::ServerSettings;
use crate::valkey::ValkeyBudget;
use crate::warnings::{Warned, WarningKind};

/// How long rules for passwords may take where nothing is changed.
pub(crate) const RULES_TIME: Duration = Duration::from_secs(10);

/// Everything that requests share.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    /// The settings, as last loaded.
    pub(crate) live: ArcSwap<LiveSettings>,
    /// The classes of backends that the configuration may name.
    pub(crate) classes: ClassRegistry,
    pub(crate) product: String,
    pub(crate) accounts: Accounts,
    pub(crate) resolver: Resolver,
    /// The others.
    pub(crate) external: RwLock<Vec<ExternalBackend>>,
    /// The local backend, and how the resolver treats it.
    pub(crate) local: (Arc<dyn UserBackend>, BackendPolicy),
    pub(crate) passwords: LocalPasswordService,
    pub(crate) resets: PasswordReset,
    pub(crate) rules: Arc<Rules>,
    pub(crate) apps: AppCatalogue,
    pub(crate) app_passwords: AppPasswordMemory,
    pub(crate) bodies: BodyBudget,
    pub(crate) request_tokens: csrf::Key,
    pub(crate) warned: Warned,
    pub(crate) unknown_names: UnknownNames,
    /// Forgets what ended in other processes.
    pub(crate) follower: InvalidationWatcher,
    pub(crate) failed_logins: Arc<FailedLoginLog>,
    /// Counts failed logins at backends, if it is configured.
    pub(crate) valkey: Option<Arc<ValkeyBudget>>,
}

/// A backend of the configuration, and how users see it.
#[derive(Debug)]
pub(crate) struct ExternalBackend {
    id: BackendId,
    keeper: PasswordKeeper,
    names: NameRules,
    first: FirstSignIn,
}

impl ExternalBackend {
    pub(crate) fn of(entry: &Entry, config: &Config) -> Result<Self, InvalidConfig> {
        let (name, help_url) = (entry.display_name().to_owned(), entry.help_url().map(str::to_owned));
        Ok(Self {
            id: entry.id().clone(),
            keeper: PasswordKeeper { name, help_url },
            names: entry.names().clone(),
            first: FirstSignIn::of(entry, config)?,
        })
    }
}

/// The settings as they were read last.
#[derive(Debug)]
pub(crate) struct LiveSettings {
    pub(crate) settings: Arc<ServerSettings>,
    pub(crate) trusted_proxies: Arc<[Network]>,
    pub(crate) page_assets: Arc<PageAssets>,
    /// The configuration without its secrets.
    pub(crate) shown: Arc<serde_json::Value>,
}

impl LiveSettings {
    pub(crate) fn new(settings: ServerSettings, config: &Config) -> Self {
        let trusted_proxies = config.resolver().trusted_proxies.clone().into();
        let page_assets = Arc::new(PageAssets::new(&settings.pages));
        let shown = accounts::shown_config(config, false).unwrap_or_default().into();
        Self { settings: Arc::new(settings), trusted_proxies, page_assets, shown }
    }
}

impl AppState {
    /// The settings, as they were read last.
    pub fn settings(&self) -> Arc<ServerSettings> {
        Arc::clone(&self.inner.live.load().settings)
    }

    /// The classes of backends that the configuration may name.
    pub fn classes(&self) -> &ClassRegistry {
        &self.inner.classes
    }

    /// The configuration as it was read last, without its secrets.
    pub(crate) fn shown_config(&self) -> Arc<serde_json::Value> {
        Arc::clone(&self.inner.live.load().shown)
    }

    /// What the pages look like.
    pub(crate) fn page_assets(&self) -> Arc<PageAssets> {
        Arc::clone(&self.inner.live.load().page_assets)
    }

    /// Name of the service.
    pub fn product(&self) -> &str {
        &self.inner.product
    }

    /// Proxies whose forwarding headers are trusted.
    pub fn trusted_proxies(&self) -> Arc<[Network]> {
        Arc::clone(&self.inner.live.load().trusted_proxies)
    }

    /// The accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }

    /// The resolver of all backends.
    pub fn resolver(&self) -> &Resolver {
        &self.inner.resolver
    }

    /// Sets local passwords.
    pub fn passwords(&self) -> &LocalPasswordService {
        &self.inner.passwords
    }

    /// Password resets.
    ///
    /// Without a mail server no links are sent, and `lost_password_link` counts as `disabled`.
    pub fn resets(&self) -> &PasswordReset {
        &self.inner.resets
    }

    /// The rules for passwords, as the store says them now.
    ///
    /// The resolver learns how many wrong ones in a row lock a user.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn rules(&self) -> Result<&Rules, AccountsError> {
        // In this order: what is committed after the version was read is under another version.
        let version = self.accounts().version();
        if self.inner.rules.are_of(version) {
            return Ok(&self.inner.rules);
        }
        self.inner.rules.refresh(&self.inner.accounts).await?;
        let max = self.inner.rules.maximum_login_attempts();
        // Only an administrator can end a lock, so the last one is never locked by the rule.
        let exempt = match max {
            Some(_) => self.inner.accounts.users().only_administrator().await?,
            None => None,
        };
        self.resolver().set_max_failures_in_a_row(max, exempt.map(|id| id.name().clone()));
        self.inner.rules.are_now_of(version);
        Ok(&self.inner.rules)
    }

    /// The rules for passwords, as they were known last.
    pub fn known_rules(&self) -> &Rules {
        &self.inner.rules
    }

    /// The message for an impossible password.
    pub async fn broken_rules(&self, password: &str, user: &User) -> Option<String> {
        let deadline = later(now(), RULES_TIME);
        match self.passwords().check(Person::of(user), password, deadline).await {
            Err(SetError::Refused(why)) => Some(why),
            _ => None,
        }
    }

    /// The apps.
    pub fn apps(&self) -> &AppCatalogue {
        &self.inner.apps
    }

    /// Limits of request bodies.
    pub fn bodies(&self) -> &BodyBudget {
        &self.inner.bodies
    }

    /// The key of the request tokens of pages.
    pub fn request_tokens(&self) -> &csrf::Key {
        &self.inner.request_tokens
    }

    /// Writes a warning, unless one of its kind was written a moment ago.
    pub fn warn_about(&self, kind: WarningKind, text: Arguments<'_>) {
        self.inner.warned.warn(kind, text);
    }

    /// The backend of that id, if there is one: `local` or one of the configuration.
    pub fn backend(&self, id: &str) -> Option<BackendId> {
        let local = BackendId::parse(LOCAL_BACKEND).ok();
        let external = self.inner.external.read().unwrap_or_else(PoisonError::into_inner);
        let external = external.iter().map(|backend| &backend.id);
        local.iter().chain(external).find(|found| found.as_str() == id).cloned()
    }

    /// What users of a backend get at their first sign-in.
    pub(crate) fn first_sign_in(&self, backend: &BackendId) -> FirstSignIn {
        let external = self.inner.external.read().unwrap_or_else(PoisonError::into_inner);
        let found = external.iter().find(|found| found.id == *backend);
        found.map(|found| found.first.clone()).unwrap_or_default()
    }

    /// Whether a backend admits the members of a group only.
    pub(crate) fn admits_by_group(&self, backend: &BackendId) -> bool {
        let external = self.inner.external.read().unwrap_or_else(PoisonError::into_inner);
        let found = external.iter().find(|found| found.id == *backend);
        found.is_some_and(|found| matches!(found.names.admit(), Admit::Group(_)))
    }

    /// Whether the backend of an account that is there is configured and still admits it.
    pub(crate) fn admits(&self, user: &User, is_member: impl FnOnce(&str) -> bool) -> bool {
        let external = self.inner.external.read().unwrap_or_else(PoisonError::into_inner);
        let found = external.iter().find(|found| found.id == user.backend);
        found.is_some_and(|found| found.names.admits(user.id.name(), true, is_member))
    }

    /// Confirms mail addresses.
    pub fn address_confirmation(&self) -> AddressConfirmation {
        AddressConfirmation::new(self.inner.accounts.clone())
    }
}

impl PasswordKeeperLookup for AppState {
    fn keeper(&self, backend: &BackendId) -> Option<PasswordKeeper> {
        let external = self.inner.external.read().unwrap_or_else(PoisonError::into_inner);
        external.iter().find(|found| found.id == *backend).map(|found| found.keeper.clone())
    }
}
