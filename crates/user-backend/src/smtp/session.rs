//! One connection to a submission server.
//!
//! [`reply`](super::reply) decides what replies mean.
//!
//! RFC 6409 (submission), RFC 8314 (implicit TLS), RFC 3207 (STARTTLS), RFC 4954 (AUTH).

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::dialogue::Dialogue;
use super::reply::{Mechanism, Next, Offer, ProtocolViolation, Stage, judge};
use crate::backend::Probe;
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::refusal::{Login, RefusalTexts, Refused, Sent, Words};
use crate::sasl;
use crate::transport::{
    Duplex, Endpoint, PromptSocket, TlsClient, TlsMode, TlsSummary, broken, encrypt, within,
};

/// Longest line of AUTH with the credentials in it (RFC 5321 section 4.5.3.1.4).
///
/// What does not fit goes on a line of its own, which may be longer (RFC 4954 section 4).
const MAX_COMMAND: usize = 512;

/// An open connection, encrypted where it must be, that has been greeted.
pub(super) struct Session {
    dialogue: Dialogue<Box<dyn Duplex>>,
    deadline: Instant,
    offer: Offer,
    peer: Option<SocketAddr>,
    tls: Option<TlsSummary>,
}

impl Session {
    /// Connects, encrypts and says EHLO.
    ///
    /// # Errors
    /// A [`BackendError`] in the phase that failed.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: Option<&TlsClient>,
        deadline: Instant,
    ) -> Result<Self, BackendError> {
        let socket = PromptSocket::dial(endpoint, deadline).await?;
        let peer = socket.get_ref().peer_addr().ok();
        let ehlo = ehlo(&socket);
        let (stream, summary): (Box<dyn Duplex>, _) = match (endpoint.tls(), tls) {
            (TlsMode::None, _) => (Box::new(socket), None),
            (_, None) => {
                return Err(BackendError::misconfigured(Phase::Tls, "no certificates were loaded"));
            }
            (TlsMode::Implicit, Some(tls)) => {
                let (stream, summary) = encrypt(tls, socket, endpoint, deadline).await?;
                (stream, Some(summary))
            }
            (TlsMode::Explicit, Some(tls)) => {
                let socket = start_tls(Dialogue::new(socket), &ehlo, deadline).await?;
                let (stream, summary) = encrypt(tls, socket, endpoint, deadline).await?;
                (stream, Some(summary))
            }
        };
        let mut dialogue = Dialogue::new(stream);
        if endpoint.tls() != TlsMode::Explicit {
            answer(&mut dialogue, Stage::Greeting, deadline).await?;
        }
        // RFC 3207 section 4.2: what was offered in clear text is forgotten.
        let offer = say_hello(&mut dialogue, &ehlo, deadline).await?;
        Ok(Self { dialogue, deadline, offer, peer, tls: summary })
    }

    /// Presents the name and the password, once.
    ///
    /// `Ok(Ok(()))` is the verified yes. There is no QUIT: waiting for its reply costs a round trip
    /// and brings nothing. The connection is closed instead.
    ///
    /// # Errors
    /// A [`BackendError`] when the server neither accepted nor rejected it.
    pub(super) async fn sign_in(mut self, login: Login<'_>) -> Result<Result<(), Refused>, BackendError> {
        let Sent { name, password } = login.sent;
        match self.offer.mechanism(self.tls.is_some())? {
            Mechanism::Plain => {
                let line = sasl::plain(&[b"AUTH PLAIN "], name, password, b"\r\n");
                if line.len() <= MAX_COMMAND {
                    return self.present(Stage::Password, &line, login).await;
                }
                if let Err(refused) = self.present(Stage::Auth, b"AUTH PLAIN\r\n", login).await? {
                    return Ok(Err(refused));
                }
                self.present(Stage::Password, &sasl::plain(&[], name, password, b"\r\n"), login).await
            }
            Mechanism::Login => {
                let [name, password] = sasl::login_in_turns(name, password);
                let turns: [(Stage, &[u8]); 3] =
                    [(Stage::Auth, b"AUTH LOGIN\r\n"), (Stage::Name, &name), (Stage::Password, &password)];
                for (stage, line) in turns {
                    if let Err(refused) = self.present(stage, line, login).await? {
                        return Ok(Err(refused));
                    }
                }
                Ok(Ok(()))
            }
        }
    }

    /// Sends a line and judges the reply.
    async fn present(
        &mut self,
        stage: Stage,
        line: &[u8],
        login: Login<'_>,
    ) -> Result<Result<(), Refused>, BackendError> {
        let encrypted = self.tls.is_some();
        let dialogue = &mut self.dialogue;
        within(self.deadline, stage.phase(), async {
            dialogue.send(line).await.map_err(|error| explain(stage, &error))?;
            let mut reply = dialogue.reply().await.map_err(|error| {
                let error = explain(stage, &error);
                match stage {
                    // The server may have compared the password before the connection ended.
                    Stage::Password => error.counting_unless_outage().without_answer(),
                    _ => error,
                }
            })?;
            let words = reply.text.judge(login.taught, login.sent);
            Ok(match judge(stage, &reply, encrypted, &words)? {
                Next::Proceed => Ok(()),
                Next::Rejected(rejection) => Err((rejection, words.message)),
            })
        })
        .await
    }

    /// The result of the probe.
    pub(super) fn into_probe(self) -> Probe {
        Probe::of(self.peer).with_tls(self.tls).with_capabilities(self.offer.names())
    }
}

/// EHLO with our address: this machine may have no name that the server could check (RFC 5321
/// section 4.1.3).
fn ehlo(socket: &PromptSocket) -> Vec<u8> {
    let literal = match socket.get_ref().local_addr().map(|address| address.ip().to_canonical()) {
        Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        Ok(IpAddr::V4(address)) => format!("[{address}]"),
        Err(_) => "[127.0.0.1]".to_owned(),
    };
    format!("EHLO {literal}\r\n").into_bytes()
}

/// Asks for TLS on an open connection.
async fn start_tls(
    mut dialogue: Dialogue<PromptSocket>,
    ehlo: &[u8],
    deadline: Instant,
) -> Result<PromptSocket, BackendError> {
    answer(&mut dialogue, Stage::Greeting, deadline).await?;
    if !say_hello(&mut dialogue, ehlo, deadline).await?.starttls {
        return Err(BackendError::misconfigured(
            Phase::Tls,
            "the server offers no STARTTLS; it may want tls = \"implicit\" on port 465",
        ));
    }
    send(&mut dialogue, Stage::StartTls, b"STARTTLS\r\n", deadline).await?;
    answer(&mut dialogue, Stage::StartTls, deadline).await?;
    dialogue.into_stream().await.map_err(|error| explain(Stage::StartTls, &error))
}

async fn say_hello<S: Duplex>(
    dialogue: &mut Dialogue<S>,
    ehlo: &[u8],
    deadline: Instant,
) -> Result<Offer, BackendError> {
    send(dialogue, Stage::Ehlo, ehlo, deadline).await?;
    answer(dialogue, Stage::Ehlo, deadline).await
}

async fn send<S: Duplex>(
    dialogue: &mut Dialogue<S>,
    stage: Stage,
    line: &[u8],
    deadline: Instant,
) -> Result<(), BackendError> {
    let send = async { dialogue.send(line).await.map_err(|error| explain(stage, &error)) };
    within(deadline, stage.phase(), send).await
}

/// Insists that a stage before the credentials is passed.
async fn answer<S: Duplex>(
    dialogue: &mut Dialogue<S>,
    stage: Stage,
    deadline: Instant,
) -> Result<Offer, BackendError> {
    let read = async { dialogue.reply().await.map_err(|error| explain(stage, &error)) };
    let mut reply = within(deadline, stage.phase(), read).await?;
    let words: Words = reply.text.judge(&RefusalTexts::default(), Sent { name: "", password: "" });
    match judge(stage, &reply, false, &words)? {
        Next::Proceed => Ok(reply.offer()),
        Next::Rejected(_) => Err(BackendError::protocol(stage.phase(), "the server broke the rules of SMTP")),
    }
}

fn explain(stage: Stage, error: &io::Error) -> BackendError {
    let violation = error.get_ref().and_then(|inner| inner.downcast_ref::<ProtocolViolation>());
    match violation {
        Some(violation) => BackendError::protocol(stage.phase(), violation.to_string()),
        None => broken(stage.phase(), error),
    }
}
