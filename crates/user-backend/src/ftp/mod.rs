//! The Ftp backend.

mod settings;

pub use settings::FtpSettings;

use std::fmt;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::{BackendError, Fault, Phase};
use crate::identity::BackendId;
use crate::verdict::Verdict;

/// The Ftp backend.
#[derive(Debug)]
pub struct FtpBackend {
    settings: FtpSettings,
}

impl FtpBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`BackendError::Misconfigured`] when the settings cannot be used.
    pub fn new(settings: FtpSettings) -> Result<Self, BackendError> {
        settings.endpoint.check_plaintext().map_err(|fault| fault.of(&settings.id))?;
        Ok(Self { settings })
    }
}

impl fmt::Display for FtpBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ftp({} at {})", self.settings.id, self.settings.endpoint)
    }
}

#[async_trait]
impl UserBackend for FtpBackend {
    fn id(&self) -> &BackendId {
        &self.settings.id
    }

    async fn authenticate(&self, _attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        Err(Fault::misconfigured(Phase::Login, "not built yet").of(self.id()))
    }

    async fn probe(&self, _deadline: Instant) -> Result<Probe, BackendError> {
        Err(Fault::misconfigured(Phase::Login, "not built yet").of(self.id()))
    }
}
