//! One connection, as suppaftp and the session share it.
//!
//! suppaftp reads replies and writes commands; it cannot see whether the server sent something
//! before a command, it keeps no TLS error, it logs passwords, and it asks for more than a login
//! needs once TLS is on (PBSZ, PROT). So it gets our stream: a [`Guard`] in front of the socket,
//! which turns from clear text to TLS in place (RFC 4217 section 4) when the session requests it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use suppaftp::FtpResult;
use suppaftp::tokio::{AsyncTlsConnector, TokioTlsStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::guard::Guard;
use crate::clock::Instant;
use crate::error::BackendError;
use crate::refusal::{RefusalTexts, Sent, Words};
use crate::transport::{TlsClient, TlsSummary};

/// suppaftp reads a greeting before it hands out the connection.
///
/// It gets this one, and the server's own is read afterwards like any other reply, when TLS is
/// already on where it must be.
const FAKE_GREETING: &[u8] = b"220 connected\r\n";

/// One connection.
///
/// Clones share it: suppaftp has one, the session another.
#[derive(Clone)]
pub(super) struct SharedSocket {
    socket: Arc<TcpStream>,
    guard: Arc<Mutex<Guard>>,
}

impl SharedSocket {
    fn new(socket: TcpStream) -> Self {
        let socket = Arc::new(socket);
        let mut guard = Guard::new(Box::new(Socket(Arc::clone(&socket))));
        guard.line.extend_from_slice(FAKE_GREETING);
        Self { socket, guard: Arc::new(Mutex::new(guard)) }
    }

    /// Checks that everything the server sent has been read, and nothing has arrived since.
    ///
    /// # Errors
    /// [`ProtocolViolation::Unasked`](super::guard::ProtocolViolation::Unasked) when there is
    /// something, an end-of-file error when the server hung up.
    pub(super) async fn is_quiet(&self) -> io::Result<()> {
        // Unconstrained: a task that has used up its share of time would see nothing although data
        // has arrived.
        let look = std::future::poll_fn(|cx| Poll::Ready(self.lock().is_quiet(cx)));
        tokio::task::unconstrained(look).await
    }

    /// What the words of the last reply mean; see [`Guard::take_words`].
    pub(super) fn take_words(&self, taught: &RefusalTexts, sent: Sent<'_>) -> Words {
        self.lock().take_words(taught, sent)
    }

    /// The next command is replaced by this one.
    ///
    /// # Security
    /// The verb and the argument are joined in memory that is wiped after they are sent.
    pub(super) fn replace_next(&self, verb: &str, argument: &str) {
        let mut line = Zeroizing::new(Vec::with_capacity(verb.len() + argument.len() + 3));
        line.extend_from_slice(verb.as_bytes());
        line.push(b' ');
        line.extend_from_slice(argument.as_bytes());
        line.extend_from_slice(b"\r\n");
        self.lock().instead = Some(line);
    }

    /// Turns to TLS.
    ///
    /// Everything from here on is encrypted.
    ///
    /// # Errors
    /// What [`TlsClient::handshake`] says.
    pub(super) async fn encrypt(
        &self,
        tls: &TlsClient,
        deadline: Instant,
    ) -> Result<TlsSummary, BackendError> {
        let stream = tls.handshake(Socket(Arc::clone(&self.socket)), deadline).await?;
        let summary = TlsClient::summary(&stream);
        self.lock().stream = Box::new(stream);
        Ok(summary)
    }

    fn lock(&self) -> MutexGuard<'_, Guard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSocket").finish_non_exhaustive()
    }
}

impl AsyncRead for SharedSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_read(cx, buf)
    }
}

impl AsyncWrite for SharedSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, line: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().poll_write(cx, line)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_shutdown(cx)
    }
}

impl TokioTlsStream for SharedSocket {
    type InnerStream = Self;

    fn tcp_stream(self) -> FtpResult<TcpStream> {
        Err(suppaftp::FtpError::SecureError("the socket is shared".to_owned()))
    }

    fn get_ref(&self) -> &TcpStream {
        &self.socket
    }

    fn mut_ref(&mut self) -> &mut Self {
        self
    }
}

/// Wraps the connection of suppaftp in a [`SharedSocket`], with a clone for the session.
#[derive(Clone, Debug, Default)]
pub(super) struct SocketConnector(Arc<OnceLock<SharedSocket>>);

impl SocketConnector {
    /// The wire, once suppaftp is connected.
    pub(super) fn wire(&self) -> Option<SharedSocket> {
        self.0.get().cloned()
    }
}

#[async_trait]
impl AsyncTlsConnector for SocketConnector {
    type Stream = SharedSocket;

    async fn connect(&self, _domain: &str, stream: TcpStream) -> FtpResult<SharedSocket> {
        // A stream that refuses the option still works, only slower.
        let _ = stream.set_nodelay(true);
        Ok(self.0.get_or_init(|| SharedSocket::new(stream)).clone())
    }
}

/// A socket that two owners can use.
///
/// TLS over it, and [`SharedSocket`], which must be able to show it.
#[derive(Clone, Debug)]
struct Socket(Arc<TcpStream>);

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buf.initialize_unfilled()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result.map(|count| buf.advance(count))),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Dropping the last owner closes the socket; half of it closed is of no use here.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
