//! Settings of an XMPP backend.

use crate::identity::BackendId;
use crate::refusal::RefusalTexts;
use crate::transport::Endpoint;

/// The settings of one [`XmppBackend`](super::XmppBackend).
#[derive(Clone, Debug)]
pub struct XmppSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) virtual_host: Option<String>,
    pub(super) refusal_texts: RefusalTexts,
}

impl XmppSettings {
    /// The port for STARTTLS and for clear text (RFC 6120 section 3.2.1).
    pub const DEFAULT_PORT: u16 = 5222;

    /// The port for TLS from the first byte (XEP-0368).
    pub const DEFAULT_TLS_PORT: u16 = 5223;

    /// A server at `endpoint`.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self { id, endpoint, virtual_host: None, refusal_texts: RefusalTexts::default() }
    }

    /// Sets the domain of the accounts (default: the host of the endpoint).
    ///
    /// The certificate must be for this domain (RFC 6120 section 13.7.1.2), unless the endpoint has
    /// a server name of its own.
    #[must_use]
    pub fn with_virtual_host(mut self, domain: impl Into<String>) -> Self {
        self.virtual_host = Some(domain.into());
        self
    }

    /// The domain of the accounts.
    pub(super) fn virtual_host(&self) -> &str {
        self.virtual_host.as_deref().unwrap_or_else(|| self.endpoint.host())
    }

    /// Sets which words refuse, beside those that are recognised anyway (default: none).
    #[must_use]
    pub fn with_refusal_texts(mut self, texts: RefusalTexts) -> Self {
        self.refusal_texts = texts;
        self
    }
}
