//! Sign-in against a mail server: who can open the mailbox is who they say they are.
//!
//! The server is spoken to in IMAP4rev1 (RFC 3501) or IMAP4rev2 (RFC 9051), no further than to the answer to one login:
//! no mailbox is opened and nothing is read. The connection is closed after the answer; a polite LOGOUT would add a round
//! trip to every sign-in and tell nobody anything.
//!
//! # Settings
//! | setting | default | meaning |
//! |---|---|---|
//! | `host`, `port` | required, 143 (993 with `tls = "implicit"`) | the server |
//! | `tls` | `"explicit"` | `"explicit"`: STARTTLS, required; `"implicit"`: TLS from the first byte (RFC 8314); `"none"`: clear text, to this machine or with consent |
//! | `ca_file`, `server_name` | system's trust store, host | whose certificates are trusted, and for which name |
//! | `connect_timeout`, `timeout` | 3 s, 15 s | for reaching the server, for the whole attempt |
//!
//! The name goes to the server as the resolver's [rules](crate::NameRules) say, the password as typed.
//!
//! # How the password travels
//! | the server offers | what is done |
//! |---|---|
//! | `AUTH=PLAIN`, `SASL-IR` | `AUTHENTICATE PLAIN` in one line (RFC 4616, RFC 4959) |
//! | `AUTH=PLAIN` | `AUTHENTICATE PLAIN`, continuation, credentials |
//! | neither | `LOGIN` with quoting: printable ASCII only, lines of at most 1000 octets |
//! | `LOGINDISABLED` in clear text, or without `AUTH=PLAIN` | nothing is sent, misconfigured |
//!
//! # What an answer means
//! | answer | outcome |
//! |---|---|
//! | `OK` with our tag, after the password | accepted |
//! | `NO` without a code, `AUTHENTICATIONFAILED`, `AUTHORIZATIONFAILED` | rejected: wrong name or password |
//! | `NO [EXPIRED]` | rejected: password expired |
//! | `NO [CONTACTADMIN]`, `NO [NOPERM]` | rejected: account disabled (asked again each time) |
//! | `NO [PRIVACYREQUIRED]` | misconfigured |
//! | `NO` with any other code (`UNAVAILABLE`, `LIMIT`, `ALERT`, …) | unavailable |
//! | `NO` without a code, in the Cyrus SASL library's words for a failure of its own, or beginning with words such as `temporary` or `server unavailable` | unavailable |
//! | `NO` before the password was sent | unavailable: the mechanism was refused, not the person |
//! | `BYE`, end of the connection, no answer in time | unavailable |
//! | `BAD`, `PREAUTH`, anything out of turn, too long or not IMAP | protocol |
//! | a password too long for `LOGIN` | rejected: not allowed (nothing was sent) |
//!
//! # Security
//! Everything the server says passes a guard (`guard/mod.rs`) before anybody parses it. The password is written once, in one
//! piece, from a buffer that is wiped; neither it nor the server's words reach a log.

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
use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::{Instant, later, now};
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
use crate::secret::Password;
use crate::transport::{TlsClient, TlsMode, Warm, dial, sooner, within};
use crate::verdict::{Identity, Verdict};

use reply::{Decision, Method};
use session::{Session, Wire};

/// A mail server that is asked over IMAP. See the [module](self) for what it is asked and what its answers mean.
#[derive(Debug)]
pub struct ImapBackend {
    server: Arc<Server>,
    warm: Warm<Session<Box<dyn Wire>>>,
}

/// How the server is reached.
#[derive(Debug)]
struct Server {
    settings: ImapSettings,
    /// `None` in clear text, which needs no trust store.
    tls: Option<TlsClient>,
}

impl ImapBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when the settings cannot be used: passwords in clear text to another machine
    /// without consent, certificates that cannot be read, a server name that is none.
    pub fn new(settings: ImapSettings) -> Result<Self, BackendError> {
        let encrypts = settings.endpoint.tls() != TlsMode::None;
        let usable = settings.endpoint.check_plaintext();
        match usable.and_then(|()| encrypts.then(|| TlsClient::new(&settings.endpoint)).transpose()) {
            Ok(tls) => {
                let warm = Warm::new(settings.warm);
                Ok(Self { server: Arc::new(Server { settings, tls }), warm })
            }
            Err(fault) => Err(fault),
        }
    }

    async fn sign_in(
        &self,
        name: &str,
        password: &Password,
        deadline: Instant,
    ) -> Result<Decision, BackendError> {
        let mut session = match self.prepared().await {
            Some(session) => session,
            None => self.server.open(deadline, None).await?,
        };
        let offered = within(deadline, Phase::Greeting, session.capabilities()).await?;
        let encrypted = self.server.settings.endpoint.tls() != TlsMode::None;
        let method = Method::choose(&offered, encrypted)?;
        let decision = within(deadline, Phase::Login, session.login(method, name, password.expose())).await?;
        self.warm.refill(|| Arc::clone(&self.server).prepare());
        Ok(decision)
    }

    /// A prepared connection on which the server still waits.
    async fn prepared(&self) -> Option<Session<Box<dyn Wire>>> {
        while let Some(mut session) = self.warm.take() {
            if session.is_waiting().await {
                return Some(session);
            }
        }
        None
    }
}

impl Server {
    /// Opens a connection, encrypts it as the settings ask and waits until the server is ready. What is learned about the
    /// server by the way goes into `found`.
    async fn open(
        &self,
        deadline: Instant,
        found: Option<&mut Probe>,
    ) -> Result<Session<Box<dyn Wire>>, BackendError> {
        let endpoint = &self.settings.endpoint;
        let soon = sooner(endpoint.connect_timeout(), deadline);
        let stream = dial(endpoint, soon).await?;
        let peer = stream.peer_addr().ok();
        let (stream, soon, heard) = match endpoint.tls() {
            TlsMode::None => {
                if let Some(probe) = found {
                    *probe = Probe::of(peer);
                }
                let stream: Box<dyn Wire> = Box::new(stream);
                return greeted(stream, deadline).await;
            }
            TlsMode::Implicit => (stream, soon, None),
            TlsMode::Explicit => {
                let session = greeted(stream, deadline).await?;
                let (stream, total) = within(deadline, Phase::Tls, session.agree_on_tls()).await?;
                // The greeting may have taken its time: that is not the handshake's.
                (stream, sooner(endpoint.connect_timeout(), deadline), Some(total))
            }
        };
        let Some(tls) = &self.tls else {
            return Err(BackendError::misconfigured(Phase::Tls, "no certificates were loaded"));
        };
        let stream = tls.handshake(stream, soon).await?;
        if let Some(probe) = found {
            *probe = Probe::of(peer).with_tls(Some(TlsClient::summary(&stream)));
        }
        let stream: Box<dyn Wire> = Box::new(stream);
        match heard {
            None => greeted(stream, deadline).await,
            Some(total) => Ok(Session::resumed(stream, total)),
        }
    }

    /// Everything that can be done before there is a name and a password.
    async fn prepare(self: Arc<Self>) -> Result<Session<Box<dyn Wire>>, BackendError> {
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

    /// No attempt takes longer than the settings allow, whoever asks.
    fn deadline(&self, asked: Instant) -> Instant {
        sooner(self.settings.endpoint.timeout(), asked)
    }
}

async fn greeted<S: Wire>(stream: S, deadline: Instant) -> Result<Session<S>, BackendError> {
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
        Ok(match self.sign_in(attempt.upstream_name, attempt.password, deadline).await? {
            Decision::Yes => Verdict::Accepted(Identity::of(attempt.name)),
            Decision::No(rejection) => Verdict::Rejected(rejection),
        })
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.server.look(self.server.deadline(deadline)).await
    }
}
