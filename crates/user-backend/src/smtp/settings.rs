//! Settings of an SMTP backend.

use crate::identity::BackendId;
use crate::refusal::RefusalTexts;
use crate::transport::Endpoint;

/// The settings of one [`SmtpBackend`](super::SmtpBackend).
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) refusal_texts: RefusalTexts,
}

impl SmtpSettings {
    /// The port of submission, for STARTTLS and for clear text (RFC 6409 section 3.1).
    pub const DEFAULT_PORT: u16 = 587;

    /// The port for TLS from the first byte (RFC 8314 section 3.3).
    pub const DEFAULT_TLS_PORT: u16 = 465;

    /// A server at `endpoint`.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self { id, endpoint, refusal_texts: RefusalTexts::default() }
    }

    /// Sets which replies are refusals, beside those that are recognised anyway (default: none).
    #[must_use]
    pub fn with_refusal_texts(mut self, texts: RefusalTexts) -> Self {
        self.refusal_texts = texts;
        self
    }
}
