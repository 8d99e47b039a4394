//! Signing in against mail servers that take mail from their users (submission).
//!
//! # How a login is decided
//! One connection: EHLO, STARTTLS where the settings ask for it, and AUTH (RFC 4954), by PLAIN, or by
//! LOGIN where a server has no PLAIN. No mail is begun, and the connection is closed as soon as the
//! answer is there.
//!
//! # Example of an entry
//! ```
//! use user_backend::config::{Format, Loader};
//!
//! let text = r#"
//!     [[user_backends]]
//!     class = "smtp"
//!     host = "mail.example.com"
//!     domain = "example.com"
//!     add_domain = true
//! "#;
//! let config = Loader::new().parse(text, Format::Toml, "user-backend.toml")?;
//! assert_eq!(config.build_backends()?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Verdicts
//! | answers | reply | outcome |
//! |---|---|---|
//! | the connection | 220 | go on |
//! | | 4yz, 5yz | unavailable |
//! | EHLO | 250 | go on |
//! | | 4yz, 521, 55z | unavailable |
//! | | any other 5yz | misconfigured |
//! | | no `STARTTLS` in it, with `tls = "explicit"` | misconfigured; nothing else is sent |
//! | | neither `AUTH PLAIN` nor `AUTH LOGIN` in it | misconfigured; no password is sent |
//! | STARTTLS | 220, and nothing after it | handshake |
//! | | 4yz | unavailable |
//! | | 5yz | misconfigured; nothing else is sent |
//! | AUTH | 334 | the name, or the credentials |
//! | | 235 | misconfigured: nothing is proven |
//! | | 4yz | unavailable |
//! | | 5yz | misconfigured |
//! | the name (LOGIN) | 334 | the password |
//! | | 235 | misconfigured: nothing is proven |
//! | | 5yz that refuses, as below | **rejected**: unknown user |
//! | the password | 235 | **accepted** |
//! | | 535 | **rejected**, unless its words are an outage; the reason by its words |
//! | | 5yz with 5.7.13 | **rejected**: disabled |
//! | | 535 with 5.7.9 to 5.7.12 or 5.7.14, and 534, 550 and others | by the words: **rejected**, unavailable, or as below |
//! | | 502, 504, 523, 524, 534, 538 | misconfigured: another way to sign in is wanted |
//! | | 523, 524, 530, 538 in clear text | misconfigured: TLS is wanted |
//! | | 4yz | unavailable |
//! | | any other 5yz | not recognised, which counts as a guess |
//! | any | another code, several codes in one reply, no reply at all | breaks the protocol |
//! | any | 2yz with an enhanced code that is not 2.y.z | breaks the protocol |
//!
//! # Security
//! - After a refusal no second mechanism is tried: the password is sent once.
//! - What the server sends before it is asked is an error: with STARTTLS, it could have been put
//!   there by someone on the way (CVE-2011-0411).
//! - What was offered before TLS is forgotten.
//! - Lines have at most 4 KiB, replies 100 lines, connections 64 KiB.
//!
//! # Specifications
//! RFC 5321 (SMTP), RFC 6409 (submission), RFC 8314 (TLS), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC
//! 4616 (PLAIN).

mod class;
mod dialogue;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod reply;
mod session;
mod settings;

pub use class::SmtpClass;
pub use settings::SmtpSettings;

use std::fmt;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::BackendError;
use crate::identity::BackendId;
use crate::refusal::{Login, Sent, verdict};
use crate::transport::TlsClient;
use crate::verdict::Verdict;

use session::Session;

/// A mail server whose users sign in to send mail.
///
/// Make one and keep it: it holds the TLS sessions to resume, which halves the price of a
/// handshake.
///
/// # Example
/// ```no_run
/// use user_backend::smtp::{SmtpBackend, SmtpSettings};
/// use user_backend::transport::{Endpoint, TlsMode};
/// use user_backend::BackendId;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = Endpoint::new("mail.example.com", 587, TlsMode::Explicit);
/// let backend = SmtpBackend::new(SmtpSettings::new(BackendId::parse("mail")?, endpoint))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SmtpBackend {
    settings: SmtpSettings,
    tls: Option<TlsClient>,
}

impl SmtpBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when passwords would cross
    /// the network in clear text without consent, or when the certificates or the server name
    /// cannot be used.
    pub fn new(settings: SmtpSettings) -> Result<Self, BackendError> {
        let endpoint = &settings.endpoint;
        endpoint.check_plaintext()?;
        let tls = TlsClient::if_encrypted(endpoint)?;
        Ok(Self { settings, tls })
    }

    async fn open(&self, attempt_deadline: Instant) -> Result<Session, BackendError> {
        let endpoint = &self.settings.endpoint;
        Session::open(endpoint, self.tls.as_ref(), endpoint.deadline(attempt_deadline)?).await
    }
}

impl fmt::Display for SmtpBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "smtp({} at {})", self.settings.id, self.settings.endpoint)
    }
}

#[async_trait]
impl UserBackend for SmtpBackend {
    fn id(&self) -> &BackendId {
        &self.settings.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let taught = &self.settings.refusal_texts;
        let login = Login { sent: Sent::of(attempt), taught };
        Ok(verdict(attempt, self.open(attempt.deadline).await?.sign_in(login).await?))
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        Ok(self.open(deadline).await?.into_probe())
    }
}
