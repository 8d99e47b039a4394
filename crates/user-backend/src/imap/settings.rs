//! What one IMAP backend needs to know.

use crate::identity::BackendId;
use crate::transport::Endpoint;

/// The settings of one [`ImapBackend`](super::ImapBackend).
#[derive(Clone, Debug)]
pub struct ImapSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) warm: usize,
}

impl ImapSettings {
    /// The port for STARTTLS and for clear text (RFC 9051 section 2.1).
    pub const DEFAULT_PORT: u16 = 143;

    /// The port for TLS from the first byte (RFC 8314 section 3.2).
    pub const DEFAULT_TLS_PORT: u16 = 993;

    /// A server at `endpoint`.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self { id, endpoint, warm: 0 }
    }

    /// Sets how many connections are prepared ahead, for the next logins (default 0: none).
    ///
    /// They are opened, encrypted and greeted after a login was answered, and closed after 30 seconds without a login;
    /// each serves one login. They count beside those of the logins under way.
    #[must_use]
    pub fn with_warm(mut self, connections: usize) -> Self {
        self.warm = connections;
        self
    }
}
