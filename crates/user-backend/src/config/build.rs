//! From entries to backends.

use std::sync::Arc;

use thiserror::Error;

use super::class::{Kind, Registry};
use super::entry::Entry;
use super::error::{ConfigError, ConfigErrors, Place, Problem};
use super::{BACKENDS, Config, Origin};
use crate::backend::UserBackend;
use crate::error::BackendError;
use crate::identity::DomainRules;
use crate::resolver::{BuildError, Policy, Resolver, ResolverBuilder};

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
        let (mut links, mut errors) = (Vec::new(), Vec::new());
        for (entry, origin) in self.entries.iter().zip(&self.origins) {
            match build(entry, registry) {
                Ok(backend) => {
                    links.push((backend, entry.policy.clone(), domain_of(entry)));
                }
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
}

impl ResolverBuilder {
    /// Adds the backends of a configuration behind those already there, and takes over its settings of the resolver.
    ///
    /// # Errors
    /// See [`Config::build_backends`].
    pub fn with_config(self, config: &Config, registry: &Registry) -> Result<Self, ConfigErrors> {
        let settings = config.resolver();
        let builder =
            self.deadline(settings.deadline).cache_bounds(settings.cache).throttle(settings.throttle);
        let links = config.build_backends(registry)?;
        Ok(links
            .into_iter()
            .fold(builder, |builder, (backend, policy, domain)| builder.link(backend, policy, domain)))
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
