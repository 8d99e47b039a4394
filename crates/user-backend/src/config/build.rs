//! From entries to backends.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::{BACKENDS, Config, Origin, ResolverSettings};
use crate::backend::UserBackend;
use crate::class::Entry;
use crate::document::by_serde::member;
use crate::document::error::{ConfigError, InvalidConfig, Problem, SettingLocation};
use crate::document::tree::Position;
use crate::error::BackendError;
use crate::file_permissions;
use crate::identity::{BackendId, LoginName};
use crate::resolver::names::NameRules;
use crate::resolver::{
    BackendPolicy, BackendReload, BackendSpec, BuildError, Decorator, Resolver, ResolverBuilder, Tuning,
};
use crate::transport::{Endpoint, ServerTrust};
use crate::verdict::{Identity, Verdict};

/// A backend that was built from an entry, with what the resolver applies to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConfiguredBackend {
    /// The backend.
    pub backend: Arc<dyn UserBackend>,
    /// How the resolver treats it.
    pub policy: BackendPolicy,
    /// The rules about names.
    pub names: NameRules,
}

impl Config {
    /// Makes the backends, in the order of the array.
    ///
    /// Reads certificates; opens no connection.
    ///
    /// # Errors
    /// [`InvalidConfig`] with one error for each backend that cannot be made: a `ca_file` that
    /// cannot be read, or what a class of yours refuses.
    pub fn build_backends(&self) -> Result<Vec<ConfiguredBackend>, InvalidConfig> {
        let public =
            |BackendSpec { backend, policy, names, .. }| ConfiguredBackend { backend, policy, names };
        Ok(self.parts()?.into_iter().map(public).collect())
    }

    /// How an entry of this configuration maps a login name that is not an account's id.
    ///
    /// Returns the name that is sent to its server, and its identity. Contacts no server.
    ///
    /// # Errors
    /// The verdict that needs no server, such as [`Verdict::NotMine`] for a name of another domain.
    pub fn ask(&self, entry: &Entry, login: &LoginName) -> Result<(String, Identity), Verdict> {
        let (upstream, identity) = entry.names.ask(login)?;
        self.check_name(entry, &upstream).map(|()| (upstream, identity))
    }

    /// The name that the server of an entry is sent for an account with this id.
    ///
    /// Contacts no server.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_account(&self, entry: &Entry, id: &LoginName) -> Result<String, Verdict> {
        let upstream = entry.names.ask_account(id)?;
        self.check_name(entry, &upstream).map(|()| upstream)
    }

    fn check_name(&self, entry: &Entry, upstream: &str) -> Result<(), Verdict> {
        let class = self.registry.find(entry.class).ok();
        class.and_then(|class| class.refuses_name(entry, upstream)).map_or(Ok(()), Err)
    }

    fn parts(&self) -> Result<Vec<BackendSpec>, InvalidConfig> {
        let (mut slots, mut errors) = (Vec::new(), Vec::new());
        for (entry, origin) in self.entries.iter().zip(&self.origins) {
            // Taken before the file is read: if it changes in between, the next reload sees that.
            let files =
                self.registry.find(entry.class).map_or_else(|_| Vec::new(), |class| class.files(entry));
            let settings = Made::of(entry, &files);
            match self.build(entry) {
                Ok(backend) => slots.push(BackendSpec {
                    backend,
                    policy: entry.policy.clone(),
                    names: entry.names.clone(),
                    settings: Arc::new(settings),
                }),
                Err(problem) => errors.push(self.error(origin, problem)),
            }
        }
        match InvalidConfig::of(errors) {
            Some(errors) => Err(errors),
            None => Ok(slots),
        }
    }

    fn tuning(&self) -> Tuning {
        let ResolverSettings { deadline, cache, throttle, lock, trusted_proxies: _ } = self.resolver;
        Tuning { deadline: Some(deadline), bounds: Some(cache), throttle: Some(throttle), lock: Some(lock) }
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, Problem> {
        let class = self.registry.find(entry.class)?;
        class.build(entry).map_err(|error| match error.downcast::<Problem>() {
            Ok(problem) => *problem,
            Err(error) => match error.downcast_ref::<BackendError>() {
                Some(error) if error.detail().starts_with("ca_file") => {
                    Problem::new(error.detail(), "a readable PEM file with certificates")
                }
                Some(error) => Problem::new(error.detail(), "settings that can be used"),
                None => Problem::new(
                    format!("an entry that class `{}` cannot use: {error}", entry.class),
                    "one that it can",
                ),
            },
        })
    }

    fn error(&self, origin: &Origin, problem: Problem) -> ConfigError {
        let mut place = SettingLocation::entry(BACKENDS, origin.index);
        if problem.found.starts_with("ca_file") {
            place = place.field("ca_file");
        }
        self.error_at(origin, place, problem)
    }

    /// An error of yours about a field of one entry, with its place in the file.
    ///
    /// For what the library hands on to you, such as [`Entry::first_sign_in`]. `field` may lead to
    /// a value inside, such as `on_first_sign_in.quota`.
    pub fn entry_error(
        &self,
        id: &BackendId,
        field: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> InvalidConfig {
        let problem = Problem::new(found, expected);
        let origin = self.entries.iter().zip(&self.origins).find(|(entry, _)| entry.id == *id);
        InvalidConfig::from(match origin {
            Some((_, origin)) => {
                self.error_at(origin, SettingLocation::entry(BACKENDS, origin.index).field(field), problem)
            }
            None => {
                ConfigError::new(self.files.name(None), None, SettingLocation::section(BACKENDS), problem)
            }
        })
    }

    /// An error about a place in an entry, at the value itself if it is in the file.
    pub(super) fn error_at(&self, origin: &Origin, place: SettingLocation, problem: Problem) -> ConfigError {
        let at = self.position_in(origin, place.field.as_deref()).unwrap_or(origin.at);
        ConfigError::new(self.files.name(Some(at)), Some(at), place, problem)
    }

    /// The position of a field such as `on_first_sign_in.quota` or `arguments[0]`.
    fn position_in(&self, origin: &Origin, field: Option<&str>) -> Option<Position> {
        let section = self.sections.iter().find(|section| section.name == BACKENDS)?;
        let mut node = *section.node.value.elements()?.get(origin.index)?;
        for part in field?.split('.') {
            let (name, nth) = part.trim_end_matches(']').split_once('[').unwrap_or((part, ""));
            node = member(node, name)?;
            if let Ok(nth) = nth.parse::<usize>() {
                node = node.value.elements()?.get(nth).copied()?;
            }
        }
        Some(node.at)
    }
}

impl Resolver {
    /// Makes a resolver of a configuration.
    ///
    /// The backends in the order of the array, with their policies, and the settings of the
    /// resolver. Reads certificates; opens no connection.
    ///
    /// To add something by hand (such as a store of pins), begin with
    /// [`ResolverBuilder::with_config`].
    ///
    /// # Errors
    /// [`FromConfigError`] when a backend cannot be made of its entry, or the system has no
    /// randomness.
    pub fn from_config(config: &Config) -> Result<Self, FromConfigError> {
        Ok(Self::builder().with_config(config)?.build()?)
    }

    /// Puts a configuration in the place of the one there is: see [`Self::replace`].
    ///
    /// What was added or set [by hand](ResolverBuilder) stays: backends, the place of the
    /// configured ones among them, their decorators, limits.
    ///
    /// The backends of entries that say the same, down to the contents of their `ca_file`, stay as
    /// they are. Those without an `id` of their own are known by class and host, so that another
    /// host is another backend, and no user of the old one is given to it.
    ///
    /// # Errors
    /// [`FromConfigError`] with everything that is wrong. Nothing is changed then.
    ///
    /// # Cancellation
    /// Safe, as [`Self::replace`].
    pub async fn reload(&self, config: &Config) -> Result<BackendReload, FromConfigError> {
        Ok(self.replace(self.reconfigured(config.parts()?, config.tuning())).await?)
    }
}

impl ResolverBuilder {
    /// Appends the backends of a configuration, and applies its resolver settings.
    ///
    /// Settings made by hand stay.
    ///
    /// # Errors
    /// See [`Config::build_backends`].
    pub fn with_config(self, config: &Config) -> Result<Self, InvalidConfig> {
        self.with_config_inside(config, |backend| backend)
    }

    /// As [`Self::with_config`], with each backend inside something of the caller's own.
    ///
    /// A decorator that is a backend of the same id.
    ///
    /// At a [reload](Resolver::reload) it is applied again. The entries are compared and not the
    /// decorators, so `around` must make the same of the same backend each time.
    ///
    /// # Errors
    /// See [`Config::build_backends`].
    pub fn with_config_inside(
        self,
        config: &Config,
        around: impl Fn(Arc<dyn UserBackend>) -> Arc<dyn UserBackend> + Send + Sync + 'static,
    ) -> Result<Self, InvalidConfig> {
        Ok(self.configured(config.parts()?, config.tuning(), Decorator::new(around)))
    }
}

/// Why no resolver could be made of a configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FromConfigError {
    /// A backend cannot be made of its entry.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The backends cannot work together, or the system has no randomness.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The source of a backend.
///
/// Equal sources make equal backends.
#[derive(Debug, PartialEq)]
struct Made {
    entry: Entry,
    /// Digests of the certificates and of the files of the class.
    ///
    /// They are renewed under the same name.
    files: Vec<Option<[u8; 32]>>,
}

impl Made {
    fn of(entry: &Entry, files: &[PathBuf]) -> Self {
        let certificates = match entry.endpoint.as_ref().map(Endpoint::trust) {
            Some(ServerTrust::CaFile(file)) => Some(file),
            _ => None,
        };
        // Certificates that cannot be read make no backend, so they are never compared.
        let digest = |file: &PathBuf| {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(file_permissions::open(file).ok()?).ok()?;
            Some(hasher.finalize().into())
        };
        Self { entry: entry.clone(), files: certificates.into_iter().chain(files).map(digest).collect() }
    }
}
