//! A socket that acknowledges at once.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{Endpoint, dial};
use crate::clock::Instant;
use crate::error::BackendError;

/// A connection to a server that may write one answer in several parts.
///
/// Postfix and Prosody do that and leave Nagle's algorithm on: the second part is sent when the
/// first one is acknowledged, which Linux delays by 40 ms. It forgets `TCP_QUICKACK` with the next
/// write, so the option is set whenever an answer is waited for.
#[derive(Debug)]
pub(crate) struct PromptSocket(TcpStream);

impl PromptSocket {
    /// Connects as [`dial`] does.
    ///
    /// # Errors
    /// Those of [`dial`].
    pub(crate) async fn dial(endpoint: &Endpoint, deadline: Instant) -> Result<Self, BackendError> {
        dial(endpoint, deadline).await.map(Self)
    }

    /// The connection.
    pub(crate) fn get_ref(&self) -> &TcpStream {
        &self.0
    }

    fn acknowledge(&self) {
        // A stream that refuses the option still works, only slower.
        #[cfg(target_os = "linux")]
        let _ = self.0.set_quickack(true);
    }
}

impl AsyncRead for PromptSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        if read.is_pending() {
            self.acknowledge();
        }
        read
    }
}

impl AsyncWrite for PromptSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    /// TLS writes several records at once.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::now;
    use crate::transport::TlsMode;

    #[tokio::test]
    async fn waiting_for_an_answer_acknowledges_at_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port(), TlsMode::None);
        let mut socket = PromptSocket::dial(&endpoint, now() + Duration::from_secs(5)).await.unwrap();
        assert!(socket.is_write_vectored(), "records of TLS would go out one by one");
        // As after a write.
        socket.get_ref().set_quickack(false).unwrap();
        let mut bytes = [0; 1];
        let read = std::future::poll_fn(|context| {
            let read = Pin::new(&mut socket).poll_read(context, &mut ReadBuf::new(&mut bytes));
            Poll::Ready(read.is_pending())
        });
        assert!(read.await);
        assert!(socket.get_ref().quickack().unwrap());
    }
}
