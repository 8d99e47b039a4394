//! What one IMAP backend needs to know.

use crate::identity::{BackendId, NameRules};
use crate::transport::Endpoint;

/// The settings of one [`ImapBackend`](super::ImapBackend).
#[derive(Clone, Debug)]
pub struct ImapSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) names: NameRules,
}

impl ImapSettings {
    /// The port for STARTTLS and for clear text (RFC 9051 section 2.1).
    pub const DEFAULT_PORT: u16 = 143;

    /// The port for TLS from the first byte (RFC 8314 section 3.2).
    pub const DEFAULT_TLS_PORT: u16 = 993;

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
