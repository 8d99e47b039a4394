//! Signing in against XMPP servers: Prosody, ejabberd, Openfire.
//!
//! # How a login is decided
//! One connection: a stream to the virtual host, STARTTLS where the settings ask for it, and SASL
//! (RFC 6120 section 6). No resource is bound, no one becomes present, and the connection is closed
//! as soon as the answer is there.
//!
//! The mechanism is the first of these that the server offers:
//! 1. SCRAM-SHA-256 and then SCRAM-SHA-1, with channel binding where both sides have it
//!    (`tls-exporter`, `tls-server-end-point`; XEP-0440). The password is not sent, and the server
//!    has to prove that it knows it.
//! 2. PLAIN.
//!
//! # Example of an entry
//! ```
//! use user_backend::config::{Format, Loader};
//!
//! let text = r#"
//!     [[user_backends]]
//!     class = "xmpp"
//!     host = "xmpp.example.com"
//!     virtual_host = "example.com"   # the part after the @ of an address
//! "#;
//! let config = Loader::new().parse(text, Format::Toml, "user-backend.toml")?;
//! assert_eq!(config.build_backends()?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Arguments
//! The PHP app's class `\OCA\UserExternal\XMPP` reads the database of Prosody. Its six arguments are
//! refused, with the line to write instead.
//!
//! # Names
//! The server is sent the part before the `@`: of an address of the virtual host, or of a name without
//! a domain.
//!
//! # Verdicts
//! | answers | what | outcome |
//! |---|---|---|
//! | the stream | features | go on |
//! | | no STARTTLS in them, with `tls = "explicit"` | misconfigured; nothing else is sent |
//! | | no mechanism of ours in them | misconfigured; no password is sent |
//! | | the errors `host-unknown`, `host-gone` | misconfigured |
//! | STARTTLS | `proceed`, and nothing after it | handshake |
//! | | `failure` | unavailable |
//! | PLAIN | `success` | **accepted** |
//! | SCRAM, the name | `challenge` | the proof |
//! | | `failure not-authorized` | **rejected**: unknown user |
//! | | `success` | breaks the protocol |
//! | | a nonce that is not ours, fewer than 4096 or more than a million rounds | breaks the protocol |
//! | SCRAM, the proof | `success` with the server's signature | **accepted** |
//! | | `challenge` with the signature, then `success` | **accepted** |
//! | | `success` without it, or with another one | breaks the protocol |
//! | the password | `failure not-authorized` | **rejected**, unless its words are an outage |
//! | | `failure credentials-expired` | **rejected**: password expired |
//! | | `failure account-disabled` | **rejected**: disabled |
//! | | `failure temporary-auth-failure`, `aborted` | unavailable |
//! | | `failure encryption-required`, `invalid-mechanism`, `mechanism-too-weak` | misconfigured |
//! | | `failure` of another kind | by its words, or not recognised, which counts as a guess |
//! | any | an error of the stream | unavailable, or breaks the protocol if it is about our XML |
//! | any | anything else | breaks the protocol |
//!
//! # Security
//! - After a refusal no second mechanism is tried, and after a failed proof of the server the
//!   password is not sent by PLAIN.
//! - What the server sends before it is asked is an error, with STARTTLS above all.
//! - Comments, processing instructions, document types and entities are errors (RFC 6120 section
//!   11.1). Elements nest 8 deep, connections have 64 KiB.
//! - The crates for HMAC and SHA keep copies of keys that they do not wipe.
//!
//! # Specifications
//! RFC 6120 (XMPP), RFC 7590 (TLS), RFC 5802 and RFC 7677 (SCRAM), RFC 9266 and RFC 5929 (channel
//! binding), RFC 4616 (PLAIN), XEP-0368 (implicit TLS), XEP-0440.

mod channel_binding;
mod class;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod reply;
mod scram;
mod session;
mod settings;
mod xml;

pub use class::XmppClass;
pub use settings::XmppSettings;

use std::fmt;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::BackendError;
use crate::identity::BackendId;
use crate::refusal::{Login, Sent, verdict};
use crate::resolver::names::DomainRules;
use crate::transport::TlsClient;
use crate::verdict::{Rejection, Verdict};

use session::Session;

/// An XMPP server whose users sign in.
///
/// Make one and keep it: it holds the TLS sessions to resume, which halves the price of a
/// handshake.
///
/// # Example
/// ```no_run
/// use user_backend::transport::{Endpoint, TlsMode};
/// use user_backend::xmpp::{XmppBackend, XmppSettings};
/// use user_backend::BackendId;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = Endpoint::new("xmpp.example.com", 5222, TlsMode::Explicit);
/// let settings = XmppSettings::new(BackendId::parse("chat")?, endpoint).with_virtual_host("example.com");
/// let backend = XmppBackend::new(settings)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct XmppBackend {
    settings: XmppSettings,
    tls: Option<TlsClient>,
}

impl XmppBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when passwords would cross
    /// the network in clear text without consent, or when the certificates or the server name
    /// cannot be used.
    pub fn new(mut settings: XmppSettings) -> Result<Self, BackendError> {
        settings.endpoint.check_plaintext()?;
        if let Some(domain) = &settings.virtual_host
            && !settings.endpoint.has_server_name()
        {
            settings.endpoint = settings.endpoint.clone().with_server_name(domain);
        }
        let tls = TlsClient::if_encrypted(&settings.endpoint)?;
        Ok(Self { settings, tls })
    }

    async fn open(&self, attempt_deadline: Instant) -> Result<Session, BackendError> {
        let XmppSettings { endpoint, .. } = &self.settings;
        let (host, deadline) = (self.settings.virtual_host(), endpoint.deadline(attempt_deadline)?);
        Session::open(endpoint, self.tls.as_ref(), host, deadline).await
    }
}

/// What the server knows a user by: the part of an address of this virtual host before its `@`.
///
/// `None` for an address of another one, and for what cannot be that part (RFC 7622 section 3.3.1).
fn localpart<'n>(name: &'n str, virtual_host: &str) -> Option<&'n str> {
    let local = match name.split_once('@') {
        Some((local, domain)) if is_same_domain(virtual_host, domain) => local,
        Some(_) => return None,
        None => name,
    };
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || "\"&'/:<>@".contains(c);
    (!local.is_empty() && !local.contains(is_forbidden)).then_some(local)
}

/// Compares domains in any letter case, in Unicode or as A-labels.
fn is_same_domain(one: &str, other: &str) -> bool {
    DomainRules::for_domain(one).is_ok_and(|rules| rules.has_domain(other))
}

impl fmt::Display for XmppBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "xmpp({} at {})", self.settings.id, self.settings.endpoint)
    }
}

#[async_trait]
impl UserBackend for XmppBackend {
    fn id(&self) -> &BackendId {
        &self.settings.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let Some(name) = localpart(attempt.upstream_name, self.settings.virtual_host()) else {
            return Ok(Verdict::Rejected(Rejection::PolicyDenied));
        };
        let taught = &self.settings.refusal_texts;
        let login = Login { sent: Sent { name, ..Sent::of(attempt) }, taught };
        Ok(verdict(attempt, self.open(attempt.deadline).await?.sign_in(login).await?))
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        Ok(self.open(deadline).await?.into_probe())
    }
}
