//! One connection to an XMPP server.
//!
//! [`reply`](super::reply) decides what answers mean.
//!
//! RFC 6120 sections 4 (streams), 5 (STARTTLS), 6 (SASL); XEP-0368 (TLS from the first byte).

use std::io;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::channel_binding;
use super::reply::{BindingData, Features, Mechanism, SASL, Stage, TLS, judge_failure, unexpected, words_of};
use super::scram::{Binding, Exchange, Hash, ScramError, ServerSignature};
use super::xml::{Element, ProtocolViolation, STREAMS, XmlStream, escaped};
use crate::backend::Probe;
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::refusal::{Login, Refused};
use crate::sasl::{self, encoded};
use crate::secret::random_hex;
use crate::transport::{
    Duplex, Endpoint, PromptSocket, TlsClient, TlsMode, TlsSummary, broken, sooner, within,
};

/// An open stream, encrypted where it must be, whose features are known.
pub(super) struct Session {
    stream: XmlStream<Box<dyn Duplex>>,
    deadline: Instant,
    features: Features,
    binding: BindingData,
    peer: Option<SocketAddr>,
    tls: Option<TlsSummary>,
}

impl Session {
    /// Connects, encrypts and opens a stream to the virtual host.
    ///
    /// # Errors
    /// A [`BackendError`] in the phase that failed.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: Option<&TlsClient>,
        virtual_host: &str,
        deadline: Instant,
    ) -> Result<Self, BackendError> {
        let mut socket = PromptSocket::dial(endpoint, deadline).await?;
        let peer = socket.get_ref().peer_addr().ok();
        if endpoint.tls() == TlsMode::Explicit {
            let mut stream = XmlStream::new(socket);
            let features = begin(&mut stream, virtual_host, deadline).await?;
            if !features.starttls {
                let text = "the server offers no STARTTLS; it may want tls = \"implicit\" on port 5223";
                return Err(BackendError::misconfigured(Phase::Tls, text));
            }
            let answer = ask(&mut stream, Stage::StartTls, &start_tls(), deadline).await?;
            if !answer.is(TLS, "proceed") {
                return Err(refused_tls(&answer));
            }
            socket = stream.into_stream().await.map_err(|error| explain(Stage::StartTls, &error))?;
        }
        let (stream, binding, summary): (Box<dyn Duplex>, _, _) = match (endpoint.tls(), tls) {
            (TlsMode::None, _) => (Box::new(socket), BindingData::default(), None),
            (_, None) => {
                return Err(BackendError::misconfigured(Phase::Tls, "no certificates were loaded"));
            }
            (_, Some(tls)) => {
                let stream = tls.handshake(socket, sooner(endpoint.connect_timeout(), deadline)).await?;
                let binding = channel_binding::of(&stream);
                let summary = TlsClient::summary(&stream);
                (Box::new(stream), binding, Some(summary))
            }
        };
        let mut stream = XmlStream::new(stream);
        // RFC 6120 section 5.4.3.3: what was offered in clear text is forgotten.
        let features = begin(&mut stream, virtual_host, deadline).await?;
        Ok(Self { stream, deadline, features, binding, peer, tls: summary })
    }

    /// Presents the name and the password, once.
    ///
    /// `Ok(Ok(()))` is the verified yes.
    ///
    /// # Errors
    /// A [`BackendError`] when the server neither accepted nor rejected it.
    pub(super) async fn sign_in(mut self, login: Login<'_>) -> Result<Result<(), Refused>, BackendError> {
        let mechanism = self.features.mechanism(&self.binding, self.tls.is_some())?;
        let begin = format!("<auth xmlns='{SASL}' mechanism='{}'>", mechanism.name());
        match mechanism {
            Mechanism::Plain => {
                let auth = sasl::plain(&[begin.as_bytes()], login.sent.name, login.sent.password, b"</auth>");
                match self.present(Stage::Password, &auth, login).await? {
                    Ok(answer) if answer.is(SASL, "success") => Ok(Ok(())),
                    Ok(answer) => Err(unexpected(Stage::Password, &answer)),
                    Err(refused) => Ok(Err(refused)),
                }
            }
            Mechanism::Scram(hash, binding) => self.scram(&begin, hash, binding, login).await,
        }
    }

    async fn scram(
        &mut self,
        begin: &str,
        hash: Hash,
        binding: Binding,
        login: Login<'_>,
    ) -> Result<Result<(), Refused>, BackendError> {
        let nonce =
            random_hex::<16>().map_err(|error| BackendError::unavailable(Phase::Login, error.to_string()))?;
        let exchange = Exchange::begin(hash, binding, login.sent.name, nonce);
        let auth = encoded(&[begin.as_bytes()], exchange.first().as_bytes(), b"</auth>");
        let challenge = match self.present(Stage::Name, &auth, login).await? {
            Ok(answer) => data(Stage::Name, &answer, "challenge")?,
            Err(refused) => return Ok(Err(refused)),
        };
        let answer = async {
            let answer = exchange.answer(&challenge, login.sent.password).await;
            answer.map_err(|error| broken_scram(Stage::Name, error))
        };
        let (last, signature) = within(self.deadline, Phase::Login, answer).await?;
        let answer = match self.present(Stage::Password, &response(last.as_bytes()), login).await? {
            Ok(answer) => answer,
            Err(refused) => return Ok(Err(refused)),
        };
        if answer.is(SASL, "success") {
            return verified(&signature, &data(Stage::Password, &answer, "success")?).map(Ok);
        }
        // Some servers send the signature before their success, as RFC 3920 had it.
        verified(&signature, &data(Stage::Password, &answer, "challenge")?)?;
        match self.present(Stage::Password, &response(b""), login).await? {
            Ok(answer) if answer.is(SASL, "success") => Ok(Ok(())),
            Ok(answer) => Err(unexpected(Stage::Password, &answer)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// Sends something and reads the answer, or the refusal in its place.
    async fn present(
        &mut self,
        stage: Stage,
        bytes: &[u8],
        login: Login<'_>,
    ) -> Result<Result<Element, Refused>, BackendError> {
        let answer = ask(&mut self.stream, stage, bytes, self.deadline).await;
        let answer = answer.map_err(|error| match stage {
            // The server may have compared the password before the connection ended.
            Stage::Password => stage.counted(error).without_answer(),
            _ => error,
        })?;
        if !answer.is(SASL, "failure") {
            return Ok(Ok(answer));
        }
        let words = words_of(&answer).judge(login.taught, login.sent);
        let rejection = judge_failure(stage, &answer, &words)?;
        Ok(Err((rejection, words.message)))
    }

    /// The result of the probe.
    pub(super) fn into_probe(self) -> Probe {
        Probe::of(self.peer).with_tls(self.tls).with_capabilities(self.features.names())
    }
}

fn start_tls() -> Vec<u8> {
    format!("<starttls xmlns='{TLS}'/>").into_bytes()
}

fn response(message: &[u8]) -> Zeroizing<Vec<u8>> {
    encoded(&[format!("<response xmlns='{SASL}'>").as_bytes()], message, b"</response>")
}

/// The server's signature proves that the accepting server knows the password.
fn verified(signature: &ServerSignature, message: &str) -> Result<(), BackendError> {
    signature.verify(message).map_err(|error| broken_scram(Stage::Password, error))
}

fn broken_scram(stage: Stage, error: ScramError) -> BackendError {
    stage.counted(BackendError::protocol(Phase::Login, error.to_string()))
}

/// The message in an element of SASL, which must be this one.
fn data(stage: Stage, element: &Element, name: &str) -> Result<Zeroizing<String>, BackendError> {
    if !element.is(SASL, name) {
        return Err(unexpected(stage, element));
    }
    let bytes = STANDARD.decode(element.text.trim()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(Zeroizing::new);
    text.ok_or_else(|| broken_scram(stage, ScramError::Malformed))
}

/// Opens a stream and reads the features of the server.
async fn begin<S: Duplex>(
    stream: &mut XmlStream<S>,
    virtual_host: &str,
    deadline: Instant,
) -> Result<Features, BackendError> {
    let stage = Stage::Stream;
    let open = format!(
        "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xml:lang='en' xmlns='jabber:client' \
         xmlns:stream='{STREAMS}'>",
        escaped(virtual_host)
    );
    let features = within(deadline, stage.phase(), async {
        stream.send(open.as_bytes()).await.map_err(|error| explain(stage, &error))?;
        let header = stream.header().await.map_err(|error| explain(stage, &error))?;
        if !header.is(STREAMS, "stream") {
            return Err(unexpected(stage, &header));
        }
        let features = stream.element().await.map_err(|error| explain(stage, &error))?;
        // RFC 6120 section 4.7.5: without a version there are no features.
        let is_new = header.attribute("version").is_some_and(|version| version.starts_with("1."));
        if !features.is(STREAMS, "features") || !is_new {
            return Err(unexpected(stage, &features));
        }
        Ok(features)
    })
    .await?;
    Ok(Features::of(&features))
}

/// Sends something and reads the next element.
async fn ask<S: Duplex>(
    stream: &mut XmlStream<S>,
    stage: Stage,
    bytes: &[u8],
    deadline: Instant,
) -> Result<Element, BackendError> {
    within(deadline, stage.phase(), async {
        stream.send(bytes).await.map_err(|error| explain(stage, &error))?;
        stream.element().await.map_err(|error| explain(stage, &error))
    })
    .await
}

/// RFC 6120 section 5.4.2.2: a failure says no more than that.
fn refused_tls(answer: &Element) -> BackendError {
    if answer.is(TLS, "failure") {
        return BackendError::unavailable(Phase::Tls, "the server cannot encrypt now");
    }
    unexpected(Stage::StartTls, answer)
}

fn explain(stage: Stage, error: &io::Error) -> BackendError {
    let violation = error.get_ref().and_then(|inner| inner.downcast_ref::<ProtocolViolation>());
    match violation {
        Some(violation) => BackendError::protocol(stage.phase(), violation.to_string()),
        None => broken(stage.phase(), error),
    }
}
