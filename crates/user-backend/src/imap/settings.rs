//! What one IMAP backend needs to know.

use crate::identity::BackendId;
use crate::refusal::RefusalTexts;
use crate::transport::Endpoint;

/// The settings of one [`ImapBackend`](super::ImapBackend).
#[derive(Clone, Debug)]
pub struct ImapSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) warm: usize,
    pub(super) refusal_texts: RefusalTexts,
    pub(super) forward_source: bool,
}

impl ImapSettings {
    /// The port for STARTTLS and for clear text (RFC 9051 section 2.1).
    pub const DEFAULT_PORT: u16 = 143;

    /// The port for TLS from the first byte (RFC 8314 section 3.2).
    pub const DEFAULT_TLS_PORT: u16 = 993;

    /// A server at `endpoint`.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self { id, endpoint, warm: 0, refusal_texts: RefusalTexts::default(), forward_source: false }
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

    /// Sends the client's address to the server before the credentials (default: no).
    ///
    /// The command is `ID ("x-originating-ip" "...")` (RFC 2971). It is sent over TLS or to this
    /// machine only, and only if the server lists `ID`.
    ///
    /// Dovecot trusts it from the addresses in its `login_trusted_networks`, and counts failed
    /// logins for that address then.
    #[must_use]
    pub fn with_forward_source(mut self, forward: bool) -> Self {
        self.forward_source = forward;
        self
    }
}
