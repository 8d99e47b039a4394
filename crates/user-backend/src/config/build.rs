//! From entries to backends.

use std::sync::Arc;

use super::class::{Kind, Registry};
use super::entry::Entry;
use super::error::{ConfigError, ConfigErrors, Place, Problem};
use super::{Config, Origin};
use crate::backend::UserBackend;
use crate::error::BackendError;
use crate::identity::DomainRules;
use crate::resolver::Policy;

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
                    links.push((backend, entry.policy.clone(), entry.names.domain().clone()));
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
        let place = Place::entry("user_backends", origin.index);
        ConfigError::new(Arc::clone(&self.file), Some(origin.at), place, problem)
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
        _ => standard(entry).map_err(|error| Problem::new(error.detail(), "settings that can be used"))?,
    }
}

/// Makes a backend of ours, or says that this program has none of that class.
fn standard(entry: &Entry) -> Result<Result<Arc<dyn UserBackend>, Problem>, BackendError> {
    let missing =
        || Problem::new(format!("class `{}`", entry.class), "a class that this program was built with");
    let Some(endpoint) = entry.endpoint.clone() else { return Ok(Err(missing())) };
    let (id, names) = (entry.id.clone(), entry.names.clone());
    match &entry.settings {
        #[cfg(feature = "imap")]
        super::ClassSettings::Imap => {
            let settings = crate::imap::ImapSettings::new(id, endpoint).with_names(names);
            Ok(Ok(Arc::new(crate::imap::ImapBackend::new(settings)?)))
        }
        #[cfg(feature = "ftp")]
        super::ClassSettings::Ftp => {
            let settings = crate::ftp::FtpSettings::new(id, endpoint).with_names(names);
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
