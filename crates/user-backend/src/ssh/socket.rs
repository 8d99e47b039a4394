//! The socket below russh.
//!
//! It bounds what is read, knows whether the server answered, and can be closed from outside.
//!
//! russh runs a connection in a task of its own, which continues when no caller waits for it any
//! more, and hands out answers without saying what they answer. Both are fixed here.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Most bytes that a server may send in a whole login.
///
/// A key exchange takes about 3 KiB; the rest is for banners.
pub(super) const MAX_RECEIVED: usize = 64 * 1024;

#[derive(Debug, Default)]
struct Counts {
    received: AtomicUsize,
    has_asked: AtomicBool,
    is_answered: AtomicBool,
    /// Something had arrived, and was not read, when the question left.
    is_early: AtomicBool,
}

/// One connection.
#[derive(Debug)]
pub(super) struct BoundedSocket {
    stream: TcpStream,
    counts: Arc<Counts>,
    is_closed: oneshot::Receiver<()>,
    is_over: bool,
}

/// The other end of it: dropping this closes the connection, even while russh holds it.
#[derive(Debug)]
pub(super) struct SocketControl {
    counts: Arc<Counts>,
    _close: oneshot::Sender<()>,
}

impl BoundedSocket {
    pub(super) fn new(stream: TcpStream) -> (Self, SocketControl) {
        let counts = Arc::<Counts>::default();
        let (close, is_closed) = oneshot::channel();
        let control = SocketControl { counts: Arc::clone(&counts), _close: close };
        (Self { stream, counts, is_closed, is_over: false }, control)
    }

    fn check_open(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        // Must not be polled again once it is over.
        if !self.is_over {
            self.is_over = pin!(&mut self.is_closed).poll(cx).is_ready();
        }
        if self.is_over { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Whether something has arrived that is not read yet.
    fn has_unread(&self, cx: &mut Context<'_>) -> bool {
        let look = poll_fn(|cx| {
            let mut byte = [0; 1];
            let peeked = self.stream.poll_peek(cx, &mut ReadBuf::new(&mut byte));
            Poll::Ready(matches!(peeked, Poll::Ready(Ok(1..))))
        });
        // Unconstrained: a task that has used up its share of time would see nothing.
        matches!(pin!(tokio::task::unconstrained(look)).poll(cx), Poll::Ready(true))
    }
}

impl SocketControl {
    /// Notes that the next thing to be sent is a question.
    pub(super) fn ask(&self) {
        self.counts.is_answered.store(false, Ordering::SeqCst);
        self.counts.is_early.store(false, Ordering::SeqCst);
        self.counts.has_asked.store(false, Ordering::SeqCst);
    }

    /// Whether something was received after the question was sent, and nothing waited before.
    ///
    /// If not, the apparent answer was sent before the request.
    pub(super) fn is_answered(&self) -> bool {
        self.counts.is_answered.load(Ordering::SeqCst) && !self.counts.is_early.load(Ordering::SeqCst)
    }

    /// Whether the server has sent more than [`MAX_RECEIVED`].
    pub(super) fn is_flooded(&self) -> bool {
        self.counts.received.load(Ordering::SeqCst) > MAX_RECEIVED
    }
}

impl AsyncRead for BoundedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_open(cx)?;
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let count = buf.filled().len().saturating_sub(before);
        if count > 0 {
            if self.counts.has_asked.load(Ordering::SeqCst) {
                self.counts.is_answered.store(true, Ordering::SeqCst);
            }
            if self.counts.received.fetch_add(count, Ordering::SeqCst) + count > MAX_RECEIVED {
                // A read that fails hands out nothing.
                buf.set_filled(before);
                return Poll::Ready(Err(io::Error::other("too many bytes")));
            }
        }
        read
    }
}

impl AsyncWrite for BoundedSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_open(cx)?;
        // russh reads packet by packet, so an early answer may still be in the system's buffer.
        if !self.counts.has_asked.load(Ordering::SeqCst) && self.has_unread(cx) {
            self.counts.is_early.store(true, Ordering::SeqCst);
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if matches!(written, Poll::Ready(Ok(count)) if count > 0) {
            self.counts.has_asked.store(true, Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn connected() -> (BoundedSocket, SocketControl, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, control) = BoundedSocket::new(client);
        (socket, control, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn data_before_the_request_is_no_response() {
        let (mut socket, control, mut server) = connected().await;
        // Two answers to one question: russh keeps the second one for the next question.
        socket.write_all(b"none").await.unwrap();
        server.write_all(b"failure, success").await.unwrap();
        socket.read_exact(&mut [0; 16]).await.unwrap();
        assert!(control.is_answered());
        control.ask();
        assert!(!control.is_answered());
        // One that comes before the question leaves.
        server.write_all(b"success").await.unwrap();
        socket.read_exact(&mut [0; 7]).await.unwrap();
        socket.write_all(b"password").await.unwrap();
        assert!(!control.is_answered());
        server.write_all(b"failure").await.unwrap();
        socket.read_exact(&mut [0; 7]).await.unwrap();
        assert!(control.is_answered());
        // One that has arrived and is read after the question left.
        server.write_all(b"question, success").await.unwrap();
        socket.read_exact(&mut [0; 8]).await.unwrap();
        control.ask();
        socket.write_all(b"password").await.unwrap();
        socket.read_exact(&mut [0; 9]).await.unwrap();
        assert!(!control.is_answered());
    }

    #[tokio::test]
    async fn dropped_control_ends_reading_and_writing() {
        let (mut socket, control, server) = connected().await;
        let reader = tokio::spawn(async move {
            let read = socket.read_u8().await.map_err(|error| error.kind());
            (read, socket.write_all(b"more").await.map_err(|error| error.kind()))
        });
        tokio::task::yield_now().await;
        drop(control);
        let aborted = io::ErrorKind::ConnectionAborted;
        assert_eq!(reader.await.unwrap(), (Err(aborted), Err(aborted)));
        drop(server);
    }

    #[tokio::test]
    async fn bytes_beyond_a_login_are_an_error() {
        let (mut socket, control, mut server) = connected().await;
        let flood = tokio::spawn(async move { server.write_all(&[b'x'; MAX_RECEIVED + 1]).await });
        let mut received = Vec::new();
        assert!(socket.read_to_end(&mut received).await.is_err());
        assert!(control.is_flooded());
        drop(socket);
        let _ = flood.await;
    }
}
