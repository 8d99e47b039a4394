//! Sign-in against a mail server.
//!
//! Speaks IMAP4rev1 (RFC 3501) or IMAP4rev2 (RFC 9051), no further than to the answer to one login:
//! no mailbox is opened and nothing is read. The connection is closed after the answer; LOGOUT
//! would add a round trip to every sign-in and bring nothing.
//!
//! # Settings
//! | setting | default | meaning |
//! |---|---|---|
//! | `host`, `port` | required, 143 (993 with `tls = "implicit"`) | the server |
//! | `tls` | `"explicit"` | `"explicit"`: STARTTLS, required; `"implicit"`: TLS from the first byte (RFC 8314); `"none"`: clear text, to this machine or with consent |
//! | `ca_file`, `server_name` | system's trust store, host | trusted authorities, and the expected name |
//! | `connect_timeout`, `timeout` | 3 s, 20 s | for reaching the server, for the whole attempt |
//! | `refusal_texts` | none | replies that are refusals at this server |
//! | `forward_source` | false | send the address of the user in `ID` before the credentials |
//!
//! The name goes to the server as the resolver's [rules](crate::NameRules) say, the password as
//! typed.
//!
//! # How the password travels
//! The first of these that the server offers. There is no second try by another one.
//!
//! | the server offers | what is done |
//! |---|---|
//! | `AUTH=PLAIN`, `SASL-IR` | `AUTHENTICATE PLAIN` in one line (RFC 4616, RFC 4959) |
//! | `AUTH=PLAIN` | `AUTHENTICATE PLAIN`, continuation, credentials |
//! | `AUTH=LOGIN` | `AUTHENTICATE LOGIN`, name and password after a continuation each |
//! | none of these | `LOGIN`: printable ASCII in quotes; other characters, and what makes the line longer than 1000 octets, in a literal |
//! | `LITERAL+` or `LITERAL-`, with `LOGIN` | the literal goes out at once (RFC 7888), else after a continuation |
//! | `LOGINDISABLED` in clear text | nothing is sent, misconfigured |
//! | `LOGINDISABLED` under TLS | as above, without the command `LOGIN` |
//!
//! # What an answer means
//! | answer | outcome |
//! |---|---|
//! | `OK` with our tag, after the password | accepted |
//! | `NO [AUTHENTICATIONFAILED]`, `NO [AUTHORIZATIONFAILED]` | rejected: wrong name or password |
//! | `NO [EXPIRED]` | rejected: password expired |
//! | `NO [CONTACTADMIN]`, `NO [NOPERM]` | rejected: account disabled (asked again each time) |
//! | `NO [PRIVACYREQUIRED]` | misconfigured |
//! | `NO` with another code of RFC 5530 (`UNAVAILABLE`, `LIMIT`, …) | unavailable |
//! | `NO` without a code, with `ALERT` or an unknown one: words that are recognised as a refusal | rejected, for the reason they name |
//! | the same: words that are recognised as an outage | unavailable |
//! | the same: other words | unavailable, not recognised, counts as a guess; see the module `refusal` |
//! | `NO` before the password was sent | unavailable: the mechanism was refused, not the user |
//! | `BYE`, end of the connection, no answer in time | unavailable; after the password was sent, limits at this backend count it |
//! | `BAD`, `PREAUTH`, anything out of turn, too long or not IMAP | protocol; after the password it counts as a guess |
//!
//! # Security
//! Everything the server says passes a guard (`guard/mod.rs`) before it is parsed. The password is
//! written once, in one piece, from a buffer that is wiped; it reaches no log. Of the server's
//! words only a [`ServerText`](crate::ServerText) does.

mod class;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod guard;
pub(crate) mod mailbox;
mod reply;
mod sasl;
#[cfg(any(test, feature = "fuzzing"))]
mod script;
mod session;
mod settings;

pub use class::ImapClass;
pub use settings::ImapSettings;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::{Instant, later, now};
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
use crate::refusal::Sent;
use crate::transport::{Duplex, PreparedConnections, TlsClient, TlsMode, dial, sooner, within};
use crate::verdict::{Identity, Verdict};

use reply::{Capabilities, LoginDecision, Method};
use session::{ImapLogin, Judged, Session};

/// What a login that times out at a Dovecot most likely met.
const DOVECOT_PENALTY: &str = "the server greets as Dovecot, which delays all logins from an address after failed ones, by up to 15 s (auth \
     penalty); see \"Dovecot delays logins\" in docs/troubleshooting.md";

/// A mail server that is asked over IMAP.
///
/// See the [module](self) for what it is asked and what its answers mean.
#[derive(Debug)]
pub struct ImapBackend {
    server: Arc<ImapServer>,
    warm: PreparedConnections<Session<Box<dyn Duplex>>>,
}

/// How the server is reached.
#[derive(Debug)]
struct ImapServer {
    settings: ImapSettings,
    /// `None` in clear text, which needs no trust store.
    tls: Option<TlsClient>,
}

impl ImapBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when the settings cannot
    /// be used: passwords in clear text to another machine without consent, certificates that
    /// cannot be read, an invalid server name.
    pub fn new(settings: ImapSettings) -> Result<Self, BackendError> {
        settings.endpoint.check_plaintext()?;
        let tls = TlsClient::if_encrypted(&settings.endpoint)?;
        let warm = PreparedConnections::new(settings.warm);
        Ok(Self { server: Arc::new(ImapServer { settings, tls }), warm })
    }

    async fn sign_in(&self, attempt: &Attempt<'_>, deadline: Instant) -> Result<Judged, BackendError> {
        let mut session = match self.prepared().await {
            Some(session) => session,
            None => self.server.open(deadline, None).await?,
        };
        let ImapSettings { endpoint, refusal_texts: taught, .. } = &self.server.settings;
        let offered = within(deadline, Phase::Greeting, session.capabilities()).await?;
        let encrypted = endpoint.tls() != TlsMode::None;
        let method = Method::choose(&offered, encrypted)?;
        if let Some(source) = self.server.source_to_forward(&offered, attempt.source) {
            within(deadline, Phase::Greeting, session.identify(source)).await?;
        }
        let is_dovecot = session.is_dovecot();
        let sent = Sent::of(attempt);
        let login = session.login(ImapLogin { method, sent, taught, encrypted });
        let judged = within(deadline, Phase::Login, login).await.map_err(|error| {
            if error.is_timeout() && is_dovecot { error.with_hint(DOVECOT_PENALTY) } else { error }
        })?;
        self.warm.refill(|| Arc::clone(&self.server).prepare());
        Ok(judged)
    }

    /// A prepared connection on which the server still waits.
    async fn prepared(&self) -> Option<Session<Box<dyn Duplex>>> {
        while let Some(mut session) = self.warm.take() {
            if session.is_waiting().await {
                return Some(session);
            }
        }
        None
    }
}

impl ImapServer {
    /// The address of the user, if the server is to know it.
    ///
    /// Only where no one else can read it.
    fn source_to_forward(&self, offered: &Capabilities, source: Option<IpAddr>) -> Option<IpAddr> {
        let ImapSettings { endpoint, forward_source, .. } = &self.settings;
        let is_private = endpoint.tls() != TlsMode::None || endpoint.is_loopback();
        source.filter(|_| *forward_source && is_private && offered.has("ID"))
    }

    /// Opens a connection, encrypts it as configured, and waits until the server is ready.
    ///
    /// What is learned about the server meanwhile goes into `found`.
    async fn open(
        &self,
        deadline: Instant,
        found: Option<&mut Probe>,
    ) -> Result<Session<Box<dyn Duplex>>, BackendError> {
        let endpoint = &self.settings.endpoint;
        let soon = sooner(endpoint.connect_timeout(), deadline);
        let stream = dial(endpoint, soon).await?;
        let peer = stream.peer_addr().ok();
        let (stream, soon, before) = match endpoint.tls() {
            TlsMode::None => {
                if let Some(probe) = found {
                    *probe = Probe::of(peer);
                }
                let stream: Box<dyn Duplex> = Box::new(stream);
                return greeted(stream, deadline).await;
            }
            TlsMode::Implicit => (stream, soon, None),
            TlsMode::Explicit => {
                let session = greeted(stream, deadline).await?;
                let (stream, before) = within(deadline, Phase::Tls, session.agree_on_tls()).await?;
                // The greeting may have taken its time: that is not the handshake's.
                (stream, sooner(endpoint.connect_timeout(), deadline), Some(before))
            }
        };
        let Some(tls) = &self.tls else {
            return Err(BackendError::misconfigured(Phase::Tls, "no certificates were loaded"));
        };
        let stream = tls.handshake(stream, soon).await?;
        if let Some(probe) = found {
            *probe = Probe::of(peer).with_tls(Some(TlsClient::summary(&stream)));
        }
        let stream: Box<dyn Duplex> = Box::new(stream);
        match before {
            None => greeted(stream, deadline).await,
            Some(before) => Ok(Session::resumed(stream, before)),
        }
    }

    /// Everything that can be done before there is a name and a password.
    async fn prepare(self: Arc<Self>) -> Result<Session<Box<dyn Duplex>>, BackendError> {
        let deadline = self.deadline(later(now(), self.settings.endpoint.timeout()));
        let mut session = self.open(deadline, None).await?;
        within(deadline, Phase::Greeting, session.capabilities()).await?;
        Ok(session)
    }

    async fn look(&self, deadline: Instant) -> Result<Probe, BackendError> {
        let mut probe = Probe::default();
        let mut session = self.open(deadline, Some(&mut probe)).await?;
        let offered = within(deadline, Phase::Greeting, session.capabilities()).await?;
        Ok(probe.with_capabilities(offered.into_names()))
    }

    /// No attempt takes longer than the settings allow.
    fn deadline(&self, attempt_deadline: Instant) -> Instant {
        sooner(self.settings.endpoint.timeout(), attempt_deadline)
    }
}

async fn greeted<S: Duplex>(stream: S, deadline: Instant) -> Result<Session<S>, BackendError> {
    within(deadline, Phase::Greeting, Session::greeted(stream)).await
}

impl fmt::Display for ImapBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ImapSettings { id, endpoint, .. } = &self.server.settings;
        write!(f, "imap({id} at {endpoint})")
    }
}

#[async_trait]
impl UserBackend for ImapBackend {
    fn id(&self) -> &BackendId {
        &self.server.settings.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let deadline = self.server.deadline(attempt.deadline);
        let Judged { decision, message } = self.sign_in(attempt, deadline).await?;
        if let Some(message) = message {
            attempt.set_message(message);
        }
        Ok(match decision {
            LoginDecision::Yes => Verdict::Accepted(Identity::of(attempt.name)),
            LoginDecision::No(rejection) => Verdict::Rejected(rejection),
        })
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.server.look(self.server.deadline(deadline)).await
    }
}
