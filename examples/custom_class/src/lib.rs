//! A class of a third party: sign-in against a POP3 server (RFC 1939, RFC 2595).
//!
//! It has its own field, default ports, positional arguments and TLS, and is used by a resolver and
//! by an `occ` that know it beside the classes of `user-backend`. Nothing of `user-backend` was
//! changed for it.
//!
//! ```toml
//! [[user_backends]]
//! class = "pop3"
//! host = "pop.example.com"
//! tls = "implicit"
//! coded_refusals = true
//! ```
#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use user_backend::class::{
    Arguments, Class, Entry, EntryError, FieldSpec, Located, NamedFields, PositionalTls, TransportSpec,
};
use user_backend::transport::{Endpoint, TlsClient, TlsMode, dial, within};
use user_backend::{
    Attempt, BackendError, BackendId, Identity, Instant, Phase, Probe, Rejection, UserBackend, Verdict,
};

/// Longest reply line, with its line end (RFC 2449 section 4).
const MAX_LINE: u64 = 512;

/// The class `pop3`: everything that the configuration needs to know about it.
#[derive(Clone, Copy, Debug)]
pub struct Pop3Class;

impl Class for Pop3Class {
    fn name(&self) -> &'static str {
        "pop3"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        const FIELDS: &[FieldSpec] = &[FieldSpec::boolean(
            "coded_refusals",
            "whether only a refusal with the code [AUTH] counts, and any other -ERR is an outage",
        )];
        FIELDS
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new().host_required().default_port(110).default_tls_port(995)
    }

    /// host, secure = false
    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        let named = arguments.named(&["host", "secure"])?;
        let host = named.host("a host");
        let tls = match named.boolean(1) {
            Some(Located { value: true, field }) => PositionalTls::Mode(TlsMode::Implicit, field),
            Some(Located { value: false, field }) => {
                PositionalTls::Plaintext { instead: named.line_with(&field, "true"), field }
            }
            None => PositionalTls::Unset,
        };
        Some(NamedFields { host: Some(host?), tls, ..NamedFields::default() })
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let endpoint = entry.server()?.clone();
        endpoint.check_plaintext()?;
        let tls = match endpoint.tls() {
            TlsMode::None => None,
            _ => Some(TlsClient::new(&endpoint)?),
        };
        let coded_refusals = entry.field("coded_refusals").unwrap_or_default();
        Ok(Arc::new(Pop3 { id: entry.id().clone(), endpoint, tls, coded_refusals }))
    }
}

/// A POP3 server that is asked with `USER` and `PASS`.
#[derive(Debug)]
struct Pop3 {
    id: BackendId,
    endpoint: Endpoint,
    tls: Option<TlsClient>,
    coded_refusals: bool,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Session = BufReader<Box<dyn Stream>>;

impl Pop3 {
    /// Connects, encrypts as the settings ask, and waits until the server is ready.
    async fn open(&self, deadline: Instant) -> Result<Session, BackendError> {
        let mut stream = dial(&self.endpoint, deadline).await?;
        let Some(tls) = &self.tls else { return greeted(Box::new(stream)).await };
        if self.endpoint.tls() == TlsMode::Explicit {
            let mut plain = BufReader::new(&mut stream);
            expect_ok(&reply(&mut plain, Phase::Greeting).await?, Phase::Greeting)?;
            send(&mut plain, Phase::Tls, &["STLS"]).await?;
            if !is_ok(&reply(&mut plain, Phase::Tls).await?) {
                return Err(BackendError::misconfigured(Phase::Tls, "the server refuses STLS"));
            }
            if !plain.buffer().is_empty() {
                return Err(BackendError::protocol(Phase::Tls, "clear text after the answer to STLS"));
            }
            return Ok(BufReader::new(Box::new(tls.handshake(stream, deadline).await?)));
        }
        greeted(Box::new(tls.handshake(stream, deadline).await?)).await
    }

    async fn sign_in(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let mut session = self.open(attempt.deadline).await?;
        send(&mut session, Phase::Login, &["USER ", attempt.upstream_name]).await?;
        if !is_ok(&reply(&mut session, Phase::Login).await?) {
            return Err(BackendError::unavailable(Phase::Login, "the server refuses USER"));
        }
        send(&mut session, Phase::Login, &["PASS ", attempt.password.expose()]).await?;
        let answer = reply(&mut session, Phase::Login).await?;
        if is_ok(&answer) {
            return Ok(Verdict::Accepted(Identity::of(attempt.name)));
        }
        // Codes of RFC 2449 and RFC 3206.
        match answer.strip_prefix("-ERR").map(str::trim_start) {
            Some(text) if text.starts_with("[AUTH]") => Ok(Verdict::Rejected(Rejection::BadCredentials)),
            Some(text) if !text.starts_with('[') && !self.coded_refusals => {
                Ok(Verdict::Rejected(Rejection::BadCredentials))
            }
            Some(_) => Err(BackendError::unavailable(Phase::Login, "-ERR without the code [AUTH]")),
            None => Err(not_pop3(Phase::Login)),
        }
    }

    /// An attempt takes at most as long as the settings allow.
    async fn in_time<T>(
        &self,
        deadline: Instant,
        phase: Phase,
        work: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        let own = Instant::now() + self.endpoint.timeout();
        within(deadline.min(own), phase, work).await
    }
}

async fn greeted(stream: Box<dyn Stream>) -> Result<Session, BackendError> {
    let mut session = BufReader::new(stream);
    expect_ok(&reply(&mut session, Phase::Greeting).await?, Phase::Greeting)?;
    Ok(session)
}

/// One line.
///
/// Its text stays here: servers have been seen to repeat passwords.
async fn reply(stream: &mut (impl AsyncBufRead + Unpin), phase: Phase) -> Result<String, BackendError> {
    let mut line = String::new();
    let read = stream.take(MAX_LINE).read_line(&mut line).await;
    match read {
        Ok(_) if line.ends_with('\n') => Ok(line),
        Ok(_) => Err(BackendError::unavailable(phase, "the connection ended, or a line is too long")),
        Err(error) => Err(BackendError::unavailable(phase, "the connection ended").with_source(error)),
    }
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    phase: Phase,
    words: &[&str],
) -> Result<(), BackendError> {
    let ended = |error| BackendError::unavailable(phase, "the connection ended").with_source(error);
    for word in words {
        stream.write_all(word.as_bytes()).await.map_err(ended)?;
    }
    stream.write_all(b"\r\n").await.map_err(ended)?;
    stream.flush().await.map_err(ended)
}

fn is_ok(line: &str) -> bool {
    line.starts_with("+OK")
}

fn expect_ok(line: &str, phase: Phase) -> Result<(), BackendError> {
    match line {
        line if is_ok(line) => Ok(()),
        line if line.starts_with("-ERR") => Err(BackendError::unavailable(phase, "the server is not ready")),
        _ => Err(not_pop3(phase)),
    }
}

fn not_pop3(phase: Phase) -> BackendError {
    BackendError::protocol(phase, "the server does not speak POP3")
}

impl fmt::Display for Pop3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pop3({} at {})", self.id, self.endpoint)
    }
}

#[async_trait]
impl UserBackend for Pop3 {
    fn id(&self) -> &BackendId {
        &self.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        self.in_time(attempt.deadline, Phase::Login, self.sign_in(attempt)).await
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.in_time(deadline, Phase::Greeting, self.open(deadline)).await?;
        Ok(Probe::of(None))
    }
}
