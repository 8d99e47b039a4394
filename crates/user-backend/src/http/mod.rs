//! Signing in against web servers: HTTP Basic, Digest, WebDAV, a custom form or JSON.
//!
//! # How a login is decided
//! One request with the name and the password; Digest needs one without them before it, for the
//! challenge. hyper speaks HTTP/1.1 over this crate's connection. No redirect is followed, no
//! cookie is kept, no proxy of the environment is used. The connection is closed as soon as the
//! answer is there.
//!
//! Choose an address that asks for a password: a page that is open to all says yes to every
//! password. The canary finds such a page, and no yes of it counts; Digest and the probe find it
//! at the first request.
//!
//! # Arguments
//! As the `user_backends` array of the PHP app has them (classes `WebDavAuth` and `BasicAuth`):
//!
//! | position | meaning | here |
//! |---|---|---|
//! | 1 | address | `https`: [`TlsMode::Implicit`], `http`: [`TlsMode::None`]; host, port and path |
//! | 2 | `'basic'` (default) or `'digest'` | [`HttpAuth`] |
//!
//! # Example of an entry
//! ```
//! use user_backend::config::{Format, Loader};
//!
//! let text = r#"
//!     [[user_backends]]
//!     class = "http"
//!     host = "cloud.example.com"
//!     path = "/remote.php/webdav/"
//! "#;
//! let config = Loader::new().parse(text, Format::Toml, "user-backend.toml")?;
//! assert_eq!(config.build_backends()?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Verdicts
//! | response | outcome |
//! |---|---|
//! | 200, 204, 207; or the one status that `accept` names | **accepted** |
//! | 401 with `stale=true` | unavailable |
//! | any other 2xx, 4xx or 5xx with words of `refusal_texts` | **rejected** |
//! | the status that `refuse` names | **rejected** |
//! | 401 with a challenge of our scheme; to a form or JSON: 401 without a challenge | **rejected**: wrong name or password, unless the words say more |
//! | any other 401 | unavailable, not recognised, counts as a guess |
//! | 400, 403, 409, 422, words that are recognised as a refusal | **rejected** |
//! | 400, 403, 409, 422, words that are recognised as an outage | unavailable |
//! | 400, 403, 409, 422, other words | unavailable, not recognised, counts as a guess |
//! | another 2xx beside `accept` | by its words, as 403 |
//! | another 2xx | misconfigured |
//! | 3xx | misconfigured: nothing is sent to where it points |
//! | 408, 421, 423, 425, 429, 451 | unavailable |
//! | other 4xx | misconfigured |
//! | 5xx | unavailable |
//! | the request without a password (Digest): 2xx | misconfigured: no password is required |
//! | a challenge with MD5 only, without `allow_md5` | misconfigured; no password is used |
//!
//! 403 alone is not a refusal: Apache returns it to addresses that `Require ip` excludes, and
//! firewalls say it to anyone.
//!
//! # Security
//! - A name with a colon cannot be sent by Basic and is ambiguous in Digest (RFC 7617 section 2):
//!   it is refused before any I/O.
//! - At most 128 KiB are read from a connection, 16 KiB of headers and 16 KiB of a page.
//! - Digest proves the password without sending it; to someone who can read along, MD5 makes it
//!   cheap to guess. It is used with consent only. SHA-256 and SHA-512/256 are preferred where a
//!   server offers several.
//!
//! # Specifications
//! RFC 9110 sections 11 and 15, RFC 9112, RFC 7617 (Basic), RFC 7616 (Digest), RFC 4918 (WebDAV).

mod class;
mod credentials;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod reply;
mod session;
mod settings;

pub use class::HttpClass;
pub use settings::{HttpAuth, HttpSettings};

use std::fmt;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
use crate::refusal::{Refused, Sent, verdict};
use crate::transport::{TlsClient, TlsMode};
use crate::verdict::{Rejection, Verdict};

use reply::{Rules, judge, needs_words};
use session::{PartialRequest, Session};

/// A web server whose users sign in.
///
/// # Example
/// ```no_run
/// use user_backend::http::{HttpBackend, HttpSettings};
/// use user_backend::transport::{Endpoint, TlsMode};
/// use user_backend::BackendId;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = Endpoint::new("cloud.example.com", 443, TlsMode::Implicit);
/// let id = BackendId::parse("cloud")?;
/// let settings = HttpSettings::new(id, endpoint).with_path("/remote.php/webdav/");
/// let backend = HttpBackend::new(settings)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HttpBackend {
    settings: HttpSettings,
    tls: Option<TlsClient>,
}

impl HttpBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when passwords would
    /// cross the network in clear text without consent, when the certificates or the path cannot
    /// be used, or with [`TlsMode::Explicit`], which HTTP has not.
    pub fn new(settings: HttpSettings) -> Result<Self, BackendError> {
        let endpoint = &settings.endpoint;
        endpoint.check_plaintext()?;
        if class::path(&settings.path).is_err() {
            return Err(BackendError::misconfigured(Phase::Connect, "the path cannot be requested"));
        }
        if endpoint.tls() == TlsMode::Explicit {
            let text = "HTTP has no tls = \"explicit\"; \"implicit\" is what https does";
            return Err(BackendError::misconfigured(Phase::Tls, text));
        }
        let tls = TlsClient::if_encrypted(endpoint)?;
        Ok(Self { settings, tls })
    }

    /// Whether a name can be sent like this.
    fn can_send(auth: HttpAuth, name: &str) -> bool {
        auth.is_post() || !name.contains(':')
    }

    async fn open(&self, deadline: Instant) -> Result<Session, BackendError> {
        Session::open(&self.settings.endpoint, self.tls.as_ref(), deadline).await
    }

    /// The request, still without a name and a password.
    fn question(&self) -> PartialRequest<'_> {
        let method = match self.settings.auth.is_post() {
            true => "POST",
            false => self.settings.method.unwrap_or("HEAD"),
        };
        PartialRequest { method, path: &self.settings.path, authorization: None, body: None }
    }

    async fn sign_in(&self, sent: Sent<'_>, deadline: Instant) -> Result<Result<(), Refused>, BackendError> {
        let HttpSettings { auth, accept, refuse, refusal_texts, .. } = &self.settings;
        let rules = Rules { auth: *auth, accept: *accept, refuse: *refuse };
        let mut session = self.open(deadline).await?;
        let mut question = self.question();
        match auth {
            HttpAuth::Basic => question.authorization = Some(credentials::basic(sent)?),
            HttpAuth::Digest => {
                let (challenge, _) = session.ask(self.question(), |_| true).await?;
                let mut digest = credentials::digest_challenge(&challenge, self.settings.allows_md5)?;
                if !session.is_reusable().await {
                    session = self.open(deadline).await?;
                }
                let (method, path) = (question.method, question.path);
                question.authorization = Some(credentials::digest(&mut digest, sent, method, path)?);
            }
            HttpAuth::Form => question.body = Some(credentials::form(&self.settings, sent)),
            HttpAuth::Json => question.body = Some(credentials::json(&self.settings, sent)?),
        }
        let (response, mut body) = session.ask(question, |status| needs_words(rules, status)).await?;
        let words = body.judge(refusal_texts, sent);
        Ok(match judge(rules, &response, &words)? {
            None => Ok(()),
            Some(rejection) => Err((rejection, words.message)),
        })
    }
}

impl fmt::Display for HttpBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http({} at {})", self.settings.id, self.settings.endpoint)
    }
}

#[async_trait]
impl UserBackend for HttpBackend {
    fn id(&self) -> &BackendId {
        &self.settings.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        if !Self::can_send(self.settings.auth, attempt.upstream_name) {
            return Ok(Verdict::Rejected(Rejection::PolicyDenied));
        }
        let deadline = self.settings.endpoint.deadline(attempt.deadline)?;
        Ok(verdict(attempt, self.sign_in(Sent::of(attempt), deadline).await?))
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        let mut session = self.open(self.settings.endpoint.deadline(deadline)?).await?;
        let method = if self.settings.auth.is_post() { "HEAD" } else { self.question().method };
        let (response, _) = session.ask(PartialRequest { method, ..self.question() }, |_| true).await?;
        if !self.settings.auth.is_post() && (200..=299).contains(&response.status) {
            return Err(credentials::open_to_all(response.status));
        }
        let schemes = response.challenges().map(|challenge| challenge.scheme.to_owned());
        let schemes: Vec<String> = schemes.filter(|scheme| scheme.len() <= 20).collect();
        let capabilities = std::iter::once(response.status.to_string()).chain(schemes);
        Ok(Probe::of(session.peer).with_tls(session.tls.take()).with_capabilities(capabilities))
    }
}
