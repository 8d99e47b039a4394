//! Streams for protocol libraries: any transport, and an end to what is read.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Endpoint, TlsClient, TlsSummary, dial, sooner};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};

/// A stream in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// The server sent more than a login dialogue can have; inside an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the server sends more than {0} bytes")]
pub(crate) struct TooManyBytes(usize);

/// A stream with a limit of bytes to read.
pub(crate) struct BoundedStream<S = Box<dyn Duplex>> {
    inner: S,
    limit: usize,
    left: usize,
}

impl<S> BoundedStream<S> {
    pub(crate) fn new(inner: S, limit: usize) -> Self {
        Self { inner, limit, left: limit }
    }

    pub(crate) fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: AsyncRead + Unpin> BoundedStream<S> {
    /// Whether nothing has arrived that is not read yet; a byte that has is lost.
    ///
    /// # Errors
    /// An end-of-file error when the peer hung up, or that of the connection.
    ///
    /// # Security
    /// Ask before each command and before TLS: bytes that came unasked would be taken for the
    /// answer, or for something that the server said under TLS.
    pub(crate) async fn is_quiet(&mut self) -> io::Result<bool> {
        let look = std::future::poll_fn(|context| {
            let mut bytes = [0; 1];
            let mut buffer = ReadBuf::new(&mut bytes);
            Poll::Ready(match Pin::new(&mut *self).poll_read(context, &mut buffer) {
                Poll::Pending => Ok(true),
                Poll::Ready(Err(error)) => Err(error),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
                Poll::Ready(Ok(())) => Ok(false),
            })
        });
        // Unconstrained: a task that has used up its share of time would see nothing although data
        // has arrived.
        tokio::task::unconstrained(look).await
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let count = buffer.filled().len().saturating_sub(before);
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::Error::other(TooManyBytes(self.limit)))),
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// An open connection, encrypted from the first byte if there is a TLS client.
pub(crate) struct Opened {
    pub(crate) stream: Box<dyn Duplex>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) tls: Option<TlsSummary>,
}

/// Connects, and encrypts at once if `tls` is given.
///
/// # Errors
/// A [`BackendError`] of the phase that failed.
pub(crate) async fn open(
    endpoint: &Endpoint,
    tls: Option<&TlsClient>,
    deadline: Instant,
) -> Result<Opened, BackendError> {
    let socket = dial(endpoint, deadline).await?;
    let peer = socket.peer_addr().ok();
    let Some(tls) = tls else { return Ok(Opened { stream: Box::new(socket), peer, tls: None }) };
    let (stream, summary) = encrypt(tls, socket, endpoint, deadline).await?;
    Ok(Opened { stream, peer, tls: Some(summary) })
}

/// Encrypts a connection on which the server agreed to it.
///
/// # Errors
/// What [`TlsClient::handshake`] says.
pub(crate) async fn encrypt(
    tls: &TlsClient,
    socket: impl Duplex + 'static,
    endpoint: &Endpoint,
    deadline: Instant,
) -> Result<(Box<dyn Duplex>, TlsSummary), BackendError> {
    let stream = tls.handshake(socket, sooner(endpoint.connect_timeout(), deadline)).await?;
    let summary = TlsClient::summary(&stream);
    Ok((Box::new(stream), summary))
}

/// Maps a connection that broke in the middle of a dialogue.
pub(crate) fn broken(phase: Phase, error: &io::Error) -> BackendError {
    if let Some(flood) = error.get_ref().and_then(|inner| inner.downcast_ref::<TooManyBytes>()) {
        return BackendError::protocol(phase, flood.to_string());
    }
    if let Some(error) = TlsClient::explain_broken(phase, error) {
        return error;
    }
    let detail = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        kind => format!("the connection broke: {kind}"),
    };
    BackendError::unavailable(phase, detail)
}
