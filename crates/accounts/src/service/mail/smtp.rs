//! Delivers mail by SMTP (RFC 5321): lettre over this crate's connections and TLS.
//!
//! The connection, the certificate check and STARTTLS (RFC 3207) are those of the password
//! backends, so that trust is set and errors read the same everywhere. lettre would read on in what
//! arrived before the encryption began; here nothing may have arrived.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use user_backend::clock::{Instant, later, now};
use user_backend::transport::{TlsClient, TlsMode, dial, within};
use user_backend::{BackendError, Phase};

use crate::service::mail::message::EmailMessage;
use crate::service::mail::settings::MailSettings;
use crate::service::mail::transport::{MailTransport, SendError};

/// Maximum size of a server's replies to one mail.
const MOST_BYTES: usize = 16 * 1024;

/// Longest line before TLS (RFC 5321, section 4.5.3.1.5, allows 512 bytes).
const MOST_LINE: usize = 1024;

/// Most lines of one reply before TLS.
const MOST_LINES: usize = 100;

/// A mail server.
#[derive(Debug)]
pub struct SmtpTransport {
    settings: MailSettings,
    tls: Option<TlsClient>,
}

impl SmtpTransport {
    /// Loads what the settings trust.
    ///
    /// Reads files: once, at start.
    ///
    /// # Errors
    /// A misconfigured [`BackendError`] when the certificates cannot be read.
    pub fn new(settings: MailSettings) -> Result<Self, BackendError> {
        let tls = TlsClient::if_encrypted(&settings.endpoint)?;
        Ok(Self { settings, tls })
    }

    /// Opens a connection that is as encrypted as the settings say, ready for lettre.
    async fn connect(&self, deadline: Instant) -> Result<LineSocket, BackendError> {
        let endpoint = &self.settings.endpoint;
        let mut stream = dial(endpoint, deadline).await?;
        let peer = stream.peer_addr().map_err(ended)?;
        let Some(tls) = &self.tls else {
            return Ok(LineSocket::new(Box::new(stream), peer, &[]));
        };
        let mut greeting = Vec::new();
        if endpoint.tls() == TlsMode::Explicit {
            let work = start_tls(&mut stream, &self.settings.hello_name);
            greeting = within(deadline, Phase::Greeting, work).await?;
        }
        let stream = tls.handshake(stream, deadline).await?;
        Ok(LineSocket::new(Box::new(stream), peer, &greeting))
    }

    async fn hand_over(&self, message: &EmailMessage, deadline: Instant) -> Result<(), SendError> {
        let (envelope, text) =
            message.write(&self.settings.from).map_err(|error| SendError::Refused(error.to_string()))?;
        let wire =
            self.connect(deadline).await.map_err(|fault| SendError::Later(fault.detail().to_owned()))?;
        let hello = ClientId::Domain(self.settings.hello_name.clone());
        let connected = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello).await;
        let mut server = connected.map_err(|error| not_now("greeting", &error))?;
        if let Some((username, password)) = &self.settings.login {
            let login = Credentials::new(username.clone(), password.as_str().to_owned());
            server.auth(DEFAULT_MECHANISMS, &login).await.map_err(|error| not_now("login", &error))?;
        }
        if !is_ascii(&envelope) && !server.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(SendError::Refused("the server takes no international addresses".to_owned()));
        }
        match converse(&mut server, &envelope, &text).await {
            Ok(()) => {}
            Err(error) if is_final(&error) => return Err(SendError::Refused(code_of(&error))),
            Err(error) => return Err(not_now("sending", &error)),
        }
        // The mail is theirs now; whether they say goodbye changes nothing.
        let _: Result<_, _> = server.quit().await;
        Ok(())
    }
}

#[async_trait]
impl MailTransport for SmtpTransport {
    async fn send(&self, message: &EmailMessage, deadline: Instant) -> Result<(), SendError> {
        let deadline = deadline.min(later(now(), self.settings.endpoint.timeout()));
        match tokio::time::timeout_at(deadline, self.hand_over(message, deadline)).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::Later("no answer in time".to_owned())),
        }
    }
}

/// One mail.
///
/// Not lettre's own `send`: that waits for a goodbye after a refusal, and who never says goodbye
/// would turn a refusal into an outage.
async fn converse(
    server: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    text: &[u8],
) -> Result<(), smtp::Error> {
    let mut options = Vec::new();
    if !is_ascii(envelope) {
        options.push(MailParameter::SmtpUtfEight);
    }
    server.command(Mail::new(envelope.from().cloned(), options)).await?;
    for to in envelope.to() {
        server.command(Rcpt::new(to.clone(), Vec::new())).await?;
    }
    server.command(Data).await?;
    server.message(text).await?;
    Ok(())
}

fn is_ascii(envelope: &Envelope) -> bool {
    envelope.from().into_iter().chain(envelope.to()).all(|address| address.to_string().is_ascii())
}

/// Whether the server will never take this mail.
///
/// Codes 53x are about our login, which an operator may mend.
fn is_final(error: &smtp::Error) -> bool {
    let about_login = error.status().is_some_and(|code| code.to_string().starts_with("53"));
    (error.is_permanent() && !about_login) || error.is_client()
}

fn not_now(step: &str, error: &smtp::Error) -> SendError {
    SendError::Later(format!("{step}: {}", code_of(error)))
}

/// The failure, without the server's text.
fn code_of(error: &smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("reply {code}"),
        None if error.is_client() => "the server cannot do what this mail needs".to_owned(),
        None if error.is_response() => "the server gave no proper answer".to_owned(),
        None => "the connection ended".to_owned(),
    }
}

/// Reads the greeting, asks for TLS and returns the greeting.
///
/// Nothing but the reply to STARTTLS may have arrived by then.
async fn start_tls(stream: &mut TcpStream, hello_name: &str) -> Result<Vec<u8>, BackendError> {
    let greeting = reply(stream, 220).await?;
    stream.write_all(format!("EHLO {hello_name}\r\n").as_bytes()).await.map_err(ended)?;
    let offers = reply(stream, 250).await?;
    let offered = offers
        .split(|byte| *byte == b'\n')
        .any(|line| line.get(4..).is_some_and(|word| word.trim_ascii().eq_ignore_ascii_case(b"STARTTLS")));
    if !offered {
        return Err(BackendError::unavailable(
            Phase::Tls,
            "the server does not offer STARTTLS, or an attacker removed it",
        ));
    }
    stream.write_all(b"STARTTLS\r\n").await.map_err(ended)?;
    reply(stream, 220).await?;
    Ok(greeting)
}

/// One reply of one or more lines.
///
/// Bytes that follow it are not read: a peer that sent some is found out by the handshake.
async fn reply(stream: &mut TcpStream, expected: u16) -> Result<Vec<u8>, BackendError> {
    let mut text = Vec::new();
    for _ in 0..MOST_LINES {
        let begin = text.len();
        while text.last() != Some(&b'\n') || text.len() == begin {
            if text.len() - begin > MOST_LINE {
                return Err(odd());
            }
            text.push(stream.read_u8().await.map_err(ended)?);
        }
        let line = text.get(begin..).unwrap_or_default();
        let code =
            line.get(..3).and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| code.parse().ok());
        let code: u16 = code.ok_or_else(odd)?;
        if code != expected {
            return Err(BackendError::unavailable(Phase::Greeting, format!("reply {code:03}")));
        }
        match line.get(3) {
            Some(b'-') => {}
            Some(b' ' | b'\r' | b'\n') => return Ok(text),
            _ => return Err(odd()),
        }
    }
    Err(odd())
}

fn odd() -> BackendError {
    BackendError::protocol(Phase::Greeting, "the server does not speak SMTP")
}

fn ended(error: io::Error) -> BackendError {
    BackendError::unavailable(Phase::Greeting, format!("the connection ended: {}", error.kind()))
}

/// The stream for lettre: data from before TLS, then the connection, up to a limit.
struct LineSocket {
    stream: Box<dyn Stream>,
    peer: SocketAddr,
    greeting: io::Cursor<Vec<u8>>,
    left: usize,
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

impl LineSocket {
    fn new(stream: Box<dyn Stream>, peer: SocketAddr, greeting: &[u8]) -> Self {
        Self { stream, peer, greeting: io::Cursor::new(greeting.to_vec()), left: MOST_BYTES }
    }
}

impl std::fmt::Debug for LineSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineSocket").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl AsyncTokioStream for LineSocket {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for LineSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.greeting).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        match self.left.checked_sub(buf.filled().len() - before) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::Error::other("the server says too much"))),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
