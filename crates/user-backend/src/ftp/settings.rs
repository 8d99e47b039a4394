//! What one FTP backend needs to know.

use crate::identity::{BackendId, NameRules};
use crate::transport::Endpoint;

/// The settings of one [`FtpBackend`](super::FtpBackend).
#[derive(Clone, Debug)]
pub struct FtpSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) names: NameRules,
}

impl FtpSettings {
    /// A server at `endpoint`, with the default name rules.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self { id, endpoint, names: NameRules::default() }
    }

    /// Sets the name rules.
    #[must_use]
    pub fn with_names(mut self, names: NameRules) -> Self {
        self.names = names;
        self
    }
}
