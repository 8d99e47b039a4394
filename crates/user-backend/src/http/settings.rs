//! Settings of an HTTP backend.

use crate::identity::BackendId;
use crate::refusal::RefusalTexts;
use crate::transport::Endpoint;

/// How the name and the password are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpAuth {
    /// HTTP Basic (RFC 7617).
    #[default]
    Basic,
    /// HTTP Digest (RFC 7616).
    Digest,
    /// A POST with a body like that of an HTML form.
    Form,
    /// A POST with a JSON object.
    Json,
}

impl HttpAuth {
    /// The words for it in configurations.
    pub(super) const WORDS: [(&str, Self); 4] =
        [("basic", Self::Basic), ("digest", Self::Digest), ("form", Self::Form), ("json", Self::Json)];

    /// Whether the name and the password are in the body.
    pub(super) fn is_post(self) -> bool {
        matches!(self, Self::Form | Self::Json)
    }

    /// The scheme of `WWW-Authenticate`, for those that have one.
    pub(super) fn scheme(self) -> Option<&'static str> {
        match self {
            Self::Basic => Some("Basic"),
            Self::Digest => Some("Digest"),
            Self::Form | Self::Json => None,
        }
    }
}

/// The settings of one [`HttpBackend`](super::HttpBackend).
#[derive(Clone, Debug)]
pub struct HttpSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) path: String,
    pub(super) auth: HttpAuth,
    pub(super) method: Option<&'static str>,
    pub(super) name_field: String,
    pub(super) password_field: String,
    pub(super) accept: Option<u16>,
    pub(super) refuse: Option<u16>,
    pub(super) allows_md5: bool,
    pub(super) refusal_texts: RefusalTexts,
}

impl HttpSettings {
    /// The port in clear text (RFC 9110 section 4.2.1).
    pub const DEFAULT_PORT: u16 = 80;

    /// The port for TLS (RFC 9110 section 4.2.2).
    pub const DEFAULT_TLS_PORT: u16 = 443;

    /// The path when nothing else is set.
    pub(super) const DEFAULT_PATH: &'static str = "/";

    /// The field with the name, when nothing else is set.
    pub(super) const DEFAULT_NAME_FIELD: &'static str = "username";

    /// The field with the password, when nothing else is set.
    pub(super) const DEFAULT_PASSWORD_FIELD: &'static str = "password";

    /// A server at `endpoint` that asks for HTTP Basic at the path `/`.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self {
            id,
            endpoint,
            path: Self::DEFAULT_PATH.to_owned(),
            auth: HttpAuth::Basic,
            method: None,
            name_field: Self::DEFAULT_NAME_FIELD.to_owned(),
            password_field: Self::DEFAULT_PASSWORD_FIELD.to_owned(),
            accept: None,
            refuse: None,
            allows_md5: false,
            refusal_texts: RefusalTexts::default(),
        }
    }

    /// Sets the path, with a query if there is one (default `/`).
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets how the name and the password are sent (default [`HttpAuth::Basic`]).
    #[must_use]
    pub fn with_auth(mut self, auth: HttpAuth) -> Self {
        self.auth = auth;
        self
    }

    /// Sets the method of Basic and Digest requests (default `HEAD`).
    #[must_use]
    pub fn with_method(mut self, method: &'static str) -> Self {
        self.method = Some(method);
        self
    }

    /// Sets the names of the two fields in the body (default `username` and `password`).
    #[must_use]
    pub fn with_fields(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.name_field = name.into();
        self.password_field = password.into();
        self
    }

    /// Sets the only status that accepts (default: 200, 204 and 207).
    #[must_use]
    pub fn with_accept(mut self, status: u16) -> Self {
        self.accept = Some(status);
        self
    }

    /// Sets a status that refuses, beside those that do anyway (default: none).
    #[must_use]
    pub fn with_refuse(mut self, status: u16) -> Self {
        self.refuse = Some(status);
        self
    }

    /// Allows Digest with MD5, for servers without a better algorithm.
    ///
    /// Default: SHA-256 or SHA-512/256 is required.
    #[must_use]
    pub fn with_md5_consent(mut self, consent: bool) -> Self {
        self.allows_md5 = consent;
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
