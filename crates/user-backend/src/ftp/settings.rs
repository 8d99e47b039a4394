//! Settings of an FTP backend.

use crate::identity::BackendId;
use crate::refusal::RefusalTexts;
use crate::transport::Endpoint;

/// The settings of one [`FtpBackend`](super::FtpBackend).
#[derive(Clone, Debug)]
pub struct FtpSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) warm: usize,
    pub(super) refusal_texts: RefusalTexts,
}

impl FtpSettings {
    /// The port for `AUTH TLS` and for clear text (RFC 959 section 8).
    pub const DEFAULT_PORT: u16 = 21;

    /// The port for TLS from the first byte.
    pub const DEFAULT_TLS_PORT: u16 = 990;

    /// A server at `endpoint`.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self { id, endpoint, warm: 0, refusal_texts: RefusalTexts::default() }
    }

    /// Sets how many connections are prepared ahead, for the next logins (default 0: none).
    ///
    /// They are opened, encrypted and greeted after a login was answered, and closed after 30
    /// unused seconds; each serves one login. They count beside those of the logins under way.
    #[must_use]
    pub fn with_warm(mut self, connections: usize) -> Self {
        self.warm = connections;
        self
    }

    /// Sets texts of refusals, in addition to those that are recognised anyway.
    ///
    /// Default: none.
    #[must_use]
    pub fn with_refusal_texts(mut self, texts: RefusalTexts) -> Self {
        self.refusal_texts = texts;
        self
    }
}
