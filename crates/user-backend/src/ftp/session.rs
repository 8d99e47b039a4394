//! One dialogue with a server, from the open connection to the reply to PASS.
//!
//! [`reply`](super::reply) says what replies mean.
//!
//! RFC 959 section 5.4 (the dialogue), RFC 4217 section 4 (AUTH TLS). PBSZ and PROT (RFC 4217
//! section 8, 9) protect data connections, which are not used, so they are not sent, and a server
//! that would refuse them works, too.

use std::io;
use std::net::SocketAddr;

use suppaftp::FtpError;
use suppaftp::tokio::ImplAsyncFtpStream;
use suppaftp::types::{FtpResult, ReplyTooLarge};

use super::guard::ProtocolViolation;
use super::reply::{Next, Stage, judge, not_ftp};
use super::shared_socket::{SharedSocket, SocketConnector};
use crate::backend::Probe;
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::refusal::{Login, RefusalTexts, Refused, Sent, Words};
use crate::transport::{Endpoint, TlsClient, TlsMode, TlsSummary, cannot_connect, dial_with, sooner, within};

/// What the library sends, and logs, in place of the name.
///
/// See [`SharedSocket::replace_next`].
const USER: &str = "USER ********";

/// What the library sends, and logs, in place of the password.
const PASS: &str = "PASS ********";

/// A greeted server, encrypted where it must be, that waits for a name.
pub(super) struct Session {
    ftp: ImplAsyncFtpStream<SharedSocket>,
    wire: SharedSocket,
    peer: SocketAddr,
    deadline: Instant,
    tls: Option<TlsSummary>,
    granted: Vec<&'static str>,
}

impl Session {
    /// Connects, encrypts and reads the greeting.
    ///
    /// Every later step has the same deadline.
    ///
    /// # Errors
    /// A [`BackendError`] in the phase that failed.
    ///
    /// # Cancellation
    /// Safe: the connection is closed.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: Option<&TlsClient>,
        deadline: Instant,
    ) -> Result<Self, BackendError> {
        let (ftp, wire, peer) = dial_with(endpoint, deadline, connect).await?;
        let mut session = Self { ftp, wire, peer, deadline, tls: None, granted: Vec::new() };
        let encrypt_by = || sooner(endpoint.connect_timeout(), deadline);
        match (endpoint.tls(), tls) {
            (TlsMode::None, _) => session.greeting().await?,
            (TlsMode::Implicit, Some(tls)) => {
                session.tls = Some(session.wire.encrypt(tls, encrypt_by()).await?);
                session.greeting().await?;
            }
            (TlsMode::Explicit, Some(tls)) => {
                session.greeting().await?;
                session.command(Stage::Auth, "AUTH TLS", None).await?.0.proceed(Stage::Auth)?;
                // Clear text after the 234 would be read as if it came over TLS.
                session.quiet(Stage::Auth).await?;
                session.tls = Some(session.wire.encrypt(tls, encrypt_by()).await?);
                session.granted.push("AUTH TLS");
            }
            (TlsMode::Implicit | TlsMode::Explicit, None) => {
                return Err(BackendError::misconfigured(
                    Phase::Tls,
                    "TLS is asked for, and no certificates were loaded",
                ));
            }
        }
        Ok(session)
    }

    /// Whether the server still waits for us, and has sent nothing since its last reply.
    pub(super) async fn is_waiting(&self) -> bool {
        self.wire.is_quiet().await.is_ok()
    }

    /// Sets another deadline for the steps to come.
    pub(super) fn until(mut self, deadline: Instant) -> Self {
        self.deadline = deadline;
        self
    }

    /// Presents the name.
    ///
    /// `Ok(Ok(_))`: the server asks for the password.
    ///
    /// # Errors
    /// A [`BackendError`] when the server neither does that nor refuses the name.
    pub(super) async fn name(mut self, login: Login<'_>) -> Result<Result<Self, Refused>, BackendError> {
        self.wire.replace_next("USER", login.sent.name);
        match self.command(Stage::User, USER, Some(login)).await? {
            (Next::Rejected(rejection), words) => Ok(Err((rejection, words.message))),
            (next, _) => next.proceed(Stage::User).map(|()| Ok(self)),
        }
    }

    /// Presents the password, after [`name`](Self::name).
    ///
    /// `Ok(Ok(()))` is the verified yes.
    ///
    /// There is no QUIT: waiting for its reply costs a round trip and brings nothing. The
    /// connection is closed instead.
    ///
    /// # Errors
    /// A [`BackendError`] when the server neither accepted nor rejected the password.
    ///
    /// # Security
    /// The password is written once, and only after the server asked for it by 331.
    pub(super) async fn password(mut self, login: Login<'_>) -> Result<Result<(), Refused>, BackendError> {
        self.wire.replace_next("PASS", login.sent.password);
        match self.command(Stage::Pass, PASS, Some(login)).await? {
            (Next::Rejected(rejection), words) => Ok(Err((rejection, words.message))),
            (next, _) => next.proceed(Stage::Pass).map(Ok),
        }
    }

    /// The result of the probe.
    pub(super) fn into_probe(self) -> Probe {
        let capabilities = std::iter::once("220").chain(self.granted).map(str::to_owned);
        Probe::of(Some(self.peer)).with_tls(self.tls).with_capabilities(capabilities)
    }

    async fn greeting(&mut self) -> Result<(), BackendError> {
        let deadline = self.deadline;
        let read = async {
            loop {
                let answer = self.ftp.read_response_in(&[]).await;
                let body = body(Stage::Greeting, answer)?;
                match judge(Stage::Greeting, &body, self.tls.is_some(), &self.words(None))? {
                    Next::Wait => {}
                    next => return next.proceed(Stage::Greeting),
                }
            }
        };
        within(deadline, Phase::Greeting, read).await
    }

    async fn command(
        &mut self,
        stage: Stage,
        line: &str,
        login: Option<Login<'_>>,
    ) -> Result<(Next, Words), BackendError> {
        let encrypted = self.tls.is_some();
        self.quiet(stage).await?;
        within(self.deadline, stage.phase(), async {
            let body =
                body(stage, self.ftp.custom_command(line, &[]).await).map_err(|error| match stage {
                    // The server may have compared the password before the connection ended.
                    Stage::Pass => error.without_answer(),
                    _ => error,
                })?;
            let words = self.words(login);
            Ok((judge(stage, &body, encrypted, &words)?, words))
        })
        .await
    }

    /// The words of the last reply.
    ///
    /// Before a login they do not matter.
    fn words(&self, login: Option<Login<'_>>) -> Words {
        match login {
            Some(Login { sent, taught }) => self.wire.take_words(taught, sent),
            None => self.wire.take_words(&RefusalTexts::default(), Sent { name: "", password: "" }),
        }
    }

    async fn quiet(&self, stage: Stage) -> Result<(), BackendError> {
        self.wire.is_quiet().await.map_err(|error| broken(stage, error))
    }
}

async fn connect(
    address: SocketAddr,
) -> Result<(ImplAsyncFtpStream<SharedSocket>, SharedSocket, SocketAddr), BackendError> {
    let wiring = SocketConnector::default();
    // The only way to give suppaftp another stream. With this connector it is not implicit TLS
    // yet.
    match ImplAsyncFtpStream::connect_secure_implicit(address, wiring.clone(), "").await {
        Ok(ftp) => wiring
            .wire()
            .map(|wire| (ftp, wire, address))
            .ok_or_else(|| BackendError::protocol(Phase::Connect, "the library opened no connection")),
        Err(FtpError::ConnectionError(error)) => Err(cannot_connect(address, error)),
        Err(error) => {
            Err(BackendError::protocol(Phase::Connect, "the library opened no connection").with_source(error))
        }
    }
}

/// The bytes of a reply.
///
/// The library expects no code at all, because it does not know all of them.
fn body(stage: Stage, answer: FtpResult<suppaftp::types::Response>) -> Result<Vec<u8>, BackendError> {
    match answer {
        Ok(response) | Err(FtpError::UnexpectedResponse(response)) => Ok(response.body),
        Err(FtpError::ConnectionError(error)) => Err(broken(stage, error)),
        Err(_) => Err(not_ftp(stage)),
    }
}

/// Maps a broken connection.
fn broken(stage: Stage, error: io::Error) -> BackendError {
    let phase = stage.phase();
    if let Some(inner) = error.get_ref() {
        let violation = inner.downcast_ref::<ProtocolViolation>().copied();
        if let Some(violation) =
            violation.or_else(|| inner.is::<ReplyTooLarge>().then_some(ProtocolViolation::TooLong))
        {
            let error = BackendError::protocol(phase, violation.to_string());
            // What was sent instead of a reply may be how this server refuses.
            let is_answer = stage == Stage::Pass && violation != ProtocolViolation::Unasked;
            return if is_answer { error.counting_as_guess() } else { error };
        }
    }
    if let Some(error) = TlsClient::explain_broken(phase, &error) {
        return error;
    }
    let detail = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        kind => format!("the connection broke: {kind}"),
    };
    BackendError::unavailable(phase, detail).with_source(error)
}
