//! From entries to backends.

use std::sync::Arc;

use thiserror::Error;

use super::class::{Kind, Registry};
use super::entry::Entry;
use super::{BACKENDS, Config, Origin};
use crate::backend::UserBackend;
use crate::document::error::{ConfigError, ConfigErrors, Place, Problem};
use crate::error::BackendError;
use crate::identity::DomainRules;
use crate::resolver::{BuildError, Part, Policy, Reloaded, Resolver, ResolverBuilder};
use crate::transport::{Endpoint, Trust};

/// A backend, how the resolver treats it, and the domain rules it applies.
pub type Link = (Arc<dyn UserBackend>, Policy, DomainRules);

impl Config {
    /// Makes the backends, in the order of the array. Reads certificates; opens no connection.
    ///
    /// The registry should be the one the configuration was loaded with.
    ///
    /// # Errors
    /// [`ConfigErrors`] with one error for each backend that cannot be made: a `ca_file` that cannot be read, or a
    /// class that this registry does not have.
    pub fn build_backends(&self, registry: &Registry) -> Result<Vec<Link>, ConfigErrors> {
        let parts = self.parts(registry)?;
        Ok(parts.into_iter().map(|Part { backend, policy, domain, .. }| (backend, policy, domain)).collect())
    }

    fn parts(&self, registry: &Registry) -> Result<Vec<Part>, ConfigErrors> {
        let (mut links, mut errors) = (Vec::new(), Vec::new());
        for (entry, origin) in self.entries.iter().zip(&self.origins) {
            // Looked at before the file is read for good: should it be changed in between, the next reload sees that.
            let settings = Made::of(entry);
            match build(entry, registry) {
                Ok(backend) => links.push(Part {
                    backend,
                    policy: entry.policy.clone(),
                    domain: domain_of(entry),
                    settings: Arc::new(settings),
                }),
                Err(problem) => errors.push(self.error(origin, problem)),
            }
        }
        match ConfigErrors::of(errors) {
            Some(errors) => Err(errors),
            None => Ok(links),
        }
    }

    fn error(&self, origin: &Origin, problem: Problem) -> ConfigError {
        let mut place = Place::entry(BACKENDS, origin.index);
        if problem.found.starts_with("ca_file") {
            place = place.field("ca_file");
        }
        self.error_at(origin, place, problem)
    }

    pub(super) fn error_at(&self, origin: &Origin, place: Place, problem: Problem) -> ConfigError {
        ConfigError::new(Arc::clone(&self.file), Some(origin.at), place, problem)
    }
}

impl Resolver {
    /// Makes a resolver of a configuration with the classes of this crate: the backends in the order of the array, with
    /// their policies, and the settings of the resolver. Reads certificates; opens no connection.
    ///
    /// To add something by hand (a store of pins, classes of your own), begin with [`ResolverBuilder::with_config`].
    ///
    /// # Errors
    /// [`FromConfigError`] when a backend cannot be made of its entry, or the system has no randomness.
    pub fn from_config(config: &Config) -> Result<Self, FromConfigError> {
        Ok(Self::builder().with_config(config, &Registry::standard())?.build()?)
    }

    /// Puts a configuration in the place of the one there is, with the classes of this crate: see [`Self::replace`]. The
    /// backends of entries that say the same, down to the contents of their `ca_file`, stay as they are. Those without an `id`
    /// of their own are known by class and host, so that another host is another backend, and nobody of the old one's
    /// people is given to it.
    ///
    /// With classes of your own: `resolver.replace(Resolver::builder().with_config(config, &registry)?)`.
    ///
    /// # Errors
    /// [`FromConfigError`] with everything that is wrong. Nothing is changed then.
    ///
    /// # Cancellation
    /// Safe, as [`Self::replace`].
    pub async fn reload(&self, config: &Config) -> Result<Reloaded, FromConfigError> {
        Ok(self.replace(Self::builder().with_config(config, &Registry::standard())?).await?)
    }
}

impl ResolverBuilder {
    /// Adds the backends of a configuration behind those already there, and takes over its settings of the resolver.
    ///
    /// # Errors
    /// See [`Config::build_backends`].
    pub fn with_config(self, config: &Config, registry: &Registry) -> Result<Self, ConfigErrors> {
        self.with_config_inside(config, registry, |backend| backend)
    }

    /// As [`Self::with_config`], with each backend inside something of the caller's own: a decorator that is a backend of the
    /// same id.
    ///
    /// At a [reload](Resolver::replace) the entries are compared and not the decorators, so `around` must make the same of the
    /// same backend each time.
    ///
    /// # Errors
    /// See [`Config::build_backends`].
    pub fn with_config_inside(
        self,
        config: &Config,
        registry: &Registry,
        mut around: impl FnMut(Arc<dyn UserBackend>) -> Arc<dyn UserBackend>,
    ) -> Result<Self, ConfigErrors> {
        let settings = config.resolver();
        let builder = self.deadline(settings.deadline).cache_bounds(settings.cache);
        let builder = builder.throttle(settings.throttle).lock(settings.lock);
        let parts = config.parts(registry)?.into_iter();
        let parts = parts.map(|part| Part { backend: around(Arc::clone(&part.backend)), ..part });
        Ok(parts.fold(builder, Self::part))
    }
}

/// Why no resolver could be made of a configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FromConfigError {
    /// A backend cannot be made of its entry.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The backends cannot work together, or the system has no randomness.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// What a backend was made of. The same again makes the same backend.
#[derive(Debug, PartialEq)]
struct Made {
    entry: Entry,
    /// A digest of the certificates: they are renewed under the same name.
    certificates: Option<[u8; 32]>,
}

impl Made {
    fn of(entry: &Entry) -> Self {
        let certificates = match entry.endpoint.as_ref().map(Endpoint::trust) {
            // A file that cannot be read makes no backend, so it is never compared.
            Some(Trust::CaFile(file)) => std::fs::read(file).ok().map(|text| blake3::hash(&text).into()),
            _ => None,
        };
        Self { entry: entry.clone(), certificates }
    }
}

fn build(entry: &Entry, registry: &Registry) -> Result<Arc<dyn UserBackend>, Problem> {
    let class = registry.find(&entry.class)?;
    match class.kind() {
        Kind::Custom(factory) => factory(entry).map_err(|error| {
            Problem::new(
                format!("an entry that class `{}` cannot use: {error}", entry.class),
                "one that it can",
            )
        }),
        _ => standard(entry).map_err(|error| {
            let expected = if error.detail().starts_with("ca_file") {
                "a readable PEM file with certificates"
            } else {
                "settings that can be used"
            };
            Problem::new(error.detail(), expected)
        })?,
    }
}

/// What the resolver knows about an entry's names: the same as the backend does.
fn domain_of(entry: &Entry) -> DomainRules {
    let bare_only = matches!(entry.settings, super::ClassSettings::Smb { .. });
    entry.names.domain().clone().bare_names_only(bare_only)
}

/// Makes a backend of ours, or says that this program has none of that class.
fn standard(entry: &Entry) -> Result<Result<Arc<dyn UserBackend>, Problem>, BackendError> {
    let missing =
        || Problem::new(format!("class `{}`", entry.class), "a class that this program was built with");
    let Some(endpoint) = entry.endpoint.clone() else { return Ok(Err(missing())) };
    let (id, names) = (entry.id.clone(), entry.names.clone());
    #[cfg(any(feature = "imap", feature = "ftp"))]
    let warm = entry.policy.warm;
    match &entry.settings {
        #[cfg(feature = "imap")]
        super::ClassSettings::Imap => {
            let settings = crate::imap::ImapSettings::new(id, endpoint).with_names(names).with_warm(warm);
            Ok(Ok(Arc::new(crate::imap::ImapBackend::new(settings)?)))
        }
        #[cfg(feature = "ftp")]
        super::ClassSettings::Ftp => {
            let settings = crate::ftp::FtpSettings::new(id, endpoint).with_names(names).with_warm(warm);
            Ok(Ok(Arc::new(crate::ftp::FtpBackend::new(settings)?)))
        }
        #[cfg(any(feature = "smb", feature = "smb-native"))]
        super::ClassSettings::Smb { share, workgroup, engine } => {
            let mut settings =
                crate::smb::SmbSettings::new(id, endpoint).with_names(names).with_engine((*engine).into());
            if let Some(share) = share {
                settings = settings.with_share(share);
            }
            if let Some(workgroup) = workgroup {
                settings = settings.with_workgroup(workgroup);
            }
            Ok(Ok(Arc::new(crate::smb::SmbBackend::new(settings)?)))
        }
        _ => {
            drop((id, names, endpoint));
            Ok(Err(missing()))
        }
    }
}

#[cfg(any(feature = "smb", feature = "smb-native"))]
impl From<super::Engine> for crate::smb::SmbEngine {
    fn from(engine: super::Engine) -> Self {
        match engine {
            super::Engine::Pavao => Self::Pavao,
            super::Engine::Native => Self::Native,
        }
    }
}
