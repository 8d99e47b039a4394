//! Signing in against FTP servers.
//!
//! # How a login is decided
//! One connection, at most three commands: `AUTH TLS` where TLS is explicit, `USER`, `PASS`. There
//! is no data connection (no PASV, EPSV, PORT), no listing, and no `QUIT`: the connection is closed
//! as soon as the answer is there. `USER` and `PASS` are sent and judged one by one, and the server
//! may not have sent anything before either. The crate suppaftp reads the replies; the guard
//! sits between it and the socket and does TLS, so that the library sees neither the name nor the
//! password, and so that a certificate error says what is wrong with the certificate.
//!
//! # Arguments
//! As the `user_backends` array of the PHP app has them (class `\OCA\UserExternal\FTP`, earlier
//! `OC_User_FTP`):
//!
//! | position | meaning | here |
//! |---|---|---|
//! | 1 | host, or `host:port` | [`Endpoint::new`](crate::transport::Endpoint::new); port 21, for implicit TLS 990 |
//! | 2 | secure, default false | true: [`TlsMode::Explicit`](crate::transport::TlsMode::Explicit), false: [`TlsMode::None`](crate::transport::TlsMode::None) |
//!
//! Implicit TLS, timeouts, trust and name rules are set by name only.
//!
//! # Verdicts
//! A code means what it means only at its place; everything not named here breaks the protocol.
//!
//! | answers | reply | outcome |
//! |---|---|---|
//! | the connection | 220 | go on |
//! | | 120 | wait for the next reply |
//! | | any 4yz, 5yz | unavailable |
//! | AUTH TLS | 234, and nothing after it | handshake |
//! | | 4yz | unavailable |
//! | | 334, 5yz | misconfigured; nothing else is sent |
//! | USER | 331 | go on |
//! | | 230, 232 | misconfigured: no password was checked |
//! | | 332 | misconfigured: ACCT is not supported |
//! | | 430, 530, 550 under TLS | **rejected**: unknown user; unavailable if the words say so |
//! | | 430, 530, 550 in clear text | **rejected** if the words say so; else 430 unavailable, 530 and 550 misconfigured: TLS may be required |
//! | | other 4yz | unavailable (pure-ftpd says 421 where it requires TLS) |
//! | | 522, 533 to 537 | misconfigured: TLS required |
//! | PASS, after 331 | 230 | **accepted** |
//! | | 430 | **rejected**; unavailable if the words say so |
//! | | 5yz, words that are recognised as a refusal | **rejected**: wrong name or password, unless they say more |
//! | | 5yz, words that are recognised as an outage | unavailable |
//! | | 5yz, other words | unavailable, not recognised, counts as a guess; see the module `refusal` |
//! | | 202, 232 | misconfigured: no password was checked |
//! | | 332 | misconfigured: ACCT is not supported |
//! | | 4yz | unavailable |
//! | | 522, 533 to 537 | misconfigured |
//!
//! `500 OOPS: cannot change directory` to PASS is how vsftpd answers a user whose home folder is
//! missing. The account exists and cannot be used: rejected as disabled, not remembered and not
//! counted as a wrong password. Other `500` replies to PASS are not recognised. Neither affects
//! other users.
//!
//! The last line of a reply may lack its space and its text. Before the greeting up to 8 lines
//! without a code are skipped. Any other deviation from RFC 959 section 4.2 ends the attempt at
//! once.
//!
//! Servers delay the answer to a wrong password, vsftpd by 2 to 3 seconds, pure-ftpd by up to 6: a
//! timeout below 10 seconds turns wrong passwords into outages.
//!
//! # Security
//! - A name for which the server asks no password proves nothing: 230 to USER is refused, and
//!   `anonymous` and `ftp` (RFC 1635) are refused before any I/O in any letter case, even when the
//!   list of denied names leaves them out. Further names that a server aliases to its anonymous
//!   account (`UserAlias` of proftpd) look like any other to a client: deny them by the setting.
//! - Names and passwords are sent as UTF-8, byte for byte. UTF-8 has no byte 0xFF, so nothing can
//!   be taken for a Telnet command (RFC 959 section 5.3.1, RFC 2640 section 3.1); line ends and NUL
//!   cannot be in a [`LoginName`](crate::LoginName) or a [`Password`](crate::Password).
//! - The first and the last line of a reply must carry the same code, and no line between may look
//!   like a last line (in a greeting, not like a last line of this reply).
//!
//! # Specifications
//! RFC 959 sections 4.2 (replies) and 5.4 (dialogues), RFC 1635 (anonymous), RFC 2228 section 3
//! (AUTH), RFC 4217 section 4 (AUTH TLS). Implicit TLS is in no RFC; port 990 is registered for it.

mod class;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod guard;
mod reply;
mod session;
mod settings;
mod shared_socket;

pub use class::FtpClass;
pub use settings::FtpSettings;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::{Instant, later, now};
use crate::error::BackendError;
use crate::identity::BackendId;
use crate::refusal::{Login, Refused, Sent, verdict};
use crate::transport::{PreparedConnections, TlsClient};
use crate::verdict::{Rejection, Verdict};

use session::Session;

/// User names for which FTP servers accept any password (RFC 1635).
///
/// They are never asked, whatever the settings say.
const PASSWORDLESS: [&str; 2] = ["anonymous", "ftp"];

/// An FTP server whose users sign in.
///
/// Make one and keep it: it holds the TLS sessions to resume, which halves the price of a
/// handshake.
///
/// # Example
/// ```no_run
/// use user_backend::ftp::{FtpBackend, FtpSettings};
/// use user_backend::transport::{Endpoint, TlsMode};
/// use user_backend::BackendId;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = Endpoint::new("files.example.com", 21, TlsMode::Explicit);
/// let backend = FtpBackend::new(FtpSettings::new(BackendId::parse("files")?, endpoint))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FtpBackend {
    server: Arc<FtpServer>,
    warm: PreparedConnections<Session>,
}

/// How the server is reached.
#[derive(Debug)]
struct FtpServer {
    settings: FtpSettings,
    tls: Option<TlsClient>,
}

impl FtpBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when passwords would cross
    /// the network in clear text without consent, or when the certificates or the server name
    /// cannot be used.
    pub fn new(settings: FtpSettings) -> Result<Self, BackendError> {
        let endpoint = &settings.endpoint;
        endpoint.check_plaintext()?;
        let tls = TlsClient::if_encrypted(endpoint)?;
        let warm = PreparedConnections::new(settings.warm);
        Ok(Self { server: Arc::new(FtpServer { settings, tls }), warm })
    }

    async fn sign_in(
        &self,
        login: Login<'_>,
        deadline: Instant,
    ) -> Result<Result<(), Refused>, BackendError> {
        let deadline = self.server.settings.endpoint.deadline(deadline)?;
        let named = match self.named(login, deadline).await {
            Some(named) => named,
            None => self.server.open(deadline).await?.name(login).await?,
        };
        let answer = match named {
            Ok(session) => session.password(login).await?,
            Err(refused) => Err(refused),
        };
        self.warm.refill(|| Arc::clone(&self.server).prepare());
        Ok(answer)
    }

    /// What the server says to the name on a prepared connection.
    ///
    /// One that fails on the way there is as good as none: no password was sent on it.
    async fn named(&self, login: Login<'_>, deadline: Instant) -> Option<Result<Session, Refused>> {
        while let Some(session) = self.warm.take() {
            if session.is_waiting().await
                && let Ok(named) = session.until(deadline).name(login).await
            {
                return Some(named);
            }
        }
        None
    }
}

impl FtpServer {
    async fn open(&self, deadline: Instant) -> Result<Session, BackendError> {
        Session::open(&self.settings.endpoint, self.tls.as_ref(), deadline).await
    }

    /// Everything that can be done before there is a name and a password.
    async fn prepare(self: Arc<Self>) -> Result<Session, BackendError> {
        let endpoint = &self.settings.endpoint;
        self.open(endpoint.deadline(later(now(), endpoint.timeout()))?).await
    }
}

impl fmt::Display for FtpBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FtpSettings { id, endpoint, .. } = &self.server.settings;
        write!(f, "ftp({id} at {endpoint})")
    }
}

#[async_trait]
impl UserBackend for FtpBackend {
    fn id(&self) -> &BackendId {
        &self.server.settings.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let upstream = attempt.upstream_name;
        if PASSWORDLESS.iter().any(|name| upstream.eq_ignore_ascii_case(name)) {
            return Ok(Verdict::Rejected(Rejection::PolicyDenied));
        }
        let taught = &self.server.settings.refusal_texts;
        let login = Login { sent: Sent::of(attempt), taught };
        Ok(verdict(attempt, self.sign_in(login, attempt.deadline).await?))
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        let deadline = self.server.settings.endpoint.deadline(deadline)?;
        Ok(self.server.open(deadline).await?.into_probe())
    }
}
