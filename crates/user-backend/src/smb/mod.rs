//! The Smb backend.

mod settings;

pub use settings::{SmbEngine, SmbSettings};

use std::fmt;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::{BackendError, Fault, Phase};
use crate::identity::BackendId;
use crate::verdict::Verdict;

/// The Smb backend.
#[derive(Debug)]
pub struct SmbBackend {
    settings: SmbSettings,
}

impl SmbBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`BackendError::Misconfigured`] when the settings cannot be used.
    pub fn new(settings: SmbSettings) -> Result<Self, BackendError> {
        // checked by the engine
        Ok(Self { settings })
    }
}

impl fmt::Display for SmbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "smb({} at {})", self.settings.id, self.settings.endpoint)
    }
}

#[async_trait]
impl UserBackend for SmbBackend {
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
