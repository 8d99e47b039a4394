//! Explains requests whose head cannot be read.
//!
//! The HTTP library answers them by itself, with a status and nothing else: a person who copied a
//! command from a page with typographic quotes sees an empty line. This wrapper of a connection
//! replaces that answer with one that says what to do.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::state::AppState;
use crate::warnings::WarningKind;

/// The first byte of a connection that speaks TLS.
const TLS_HANDSHAKE: u8 = 22;

/// Wraps the connections of another acceptor.
#[derive(Clone, Debug)]
pub(crate) struct ExplainUnreadable<A> {
    inner: A,
    app: AppState,
}

impl<A> ExplainUnreadable<A> {
    pub(crate) fn new(inner: A, app: AppState) -> Self {
        Self { inner, app }
    }
}

impl<A, I, S> Accept<I, S> for ExplainUnreadable<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
    I: Send + 'static,
    S: Send + 'static,
{
    type Stream = Explained<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let (accepted, app) = (self.inner.accept(stream, service), self.app.clone());
        Box::pin(async move {
            let (stream, service) = accepted.await?;
            Ok((Explained { stream, app, first: None, replaced: None }, service))
        })
    }
}

/// A connection on which an empty refusal of the HTTP library becomes one with a text.
#[derive(Debug)]
pub(crate) struct Explained<S> {
    stream: S,
    app: AppState,
    /// The first byte that the client sent.
    first: Option<u8>,
    replaced: Option<Replacement>,
}

/// What is written in place of something else.
#[derive(Debug)]
struct Replacement {
    bytes: Vec<u8>,
    written: usize,
    /// How many bytes were reported as written to the library.
    instead_of: usize,
}

impl<S> Explained<S> {
    fn replacement(&self, bytes: &[u8]) -> Option<Replacement> {
        let text = explanation(bytes, self.first)?;
        if self.first == Some(TLS_HANDSHAKE) {
            self.app.warn_about(
                WarningKind::Protocol,
                format_args!(
                    "a client spoke HTTPS at this port, which speaks HTTP: its address begins with http://, or set \
                     tls_cert and tls_key in [server], or let a proxy speak HTTPS"
                ),
            );
        }
        Some(Replacement { bytes: text, written: 0, instead_of: bytes.len() })
    }
}

/// The response that replaces one of the HTTP library; `None` for this server's own.
///
/// Those of this server all have a request id.
fn explanation(bytes: &[u8], first: Option<u8>) -> Option<Vec<u8>> {
    const REASONS: [(&str, &str, &str); 3] = [
        ("HTTP/1.1 400 ", "the head of the request cannot be read", QUOTES),
        (
            "HTTP/1.1 414 ",
            "the address of the request is too long",
            "send parameters in the body; with curl: -d",
        ),
        ("HTTP/1.1 431 ", "the head of the request is too long", "at most 16 KiB and 100 headers are taken"),
    ];
    let (_, message, hint) = REASONS.iter().find(|(status, ..)| bytes.starts_with(status.as_bytes()))?;
    let written = std::str::from_utf8(bytes).ok()?;
    let head = written.to_ascii_lowercase();
    let is_empty = head.ends_with("\r\n\r\n") && head.contains("\r\ncontent-length: 0\r\n");
    if !is_empty || head.contains("\r\nx-request-id: ") {
        return None;
    }
    let (message, hint) = match first {
        Some(TLS_HANDSHAKE) => ("this port speaks HTTP, not HTTPS", "type http:// instead of https://"),
        _ => (*message, *hint),
    };
    let status = written.lines().next().and_then(|line| line.get("HTTP/1.1 ".len()..)).unwrap_or_default();
    let body = serde_json::json!({ "message": message, "hint": hint }).to_string() + "\n";
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json; charset=utf-8\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    Some(text.into_bytes())
}

/// The usual cause.
const QUOTES: &str = "a header may stand in typographic quotes, as web pages and word processors make them; type plain ones: \
                      -H 'OCS-APIRequest: true'";

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if self.first.is_none() {
            self.first = buffer.filled().get(before).copied();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.replaced.is_none() {
            this.replaced = this.replacement(bytes);
        }
        let Some(replacement) = &mut this.replaced else {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        };
        while let Some(rest) = replacement.bytes.get(replacement.written..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut this.stream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            replacement.written += written;
        }
        let length = replacement.instead_of;
        this.replaced = None;
        Poll::Ready(Ok(length))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next())
            && (self.replaced.is_some() || only.starts_with(b"HTTP/1.1 4"))
        {
            return self.poll_write(context, only);
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    fn text(bytes: &[u8], first: u8) -> Option<String> {
        explanation(bytes, Some(first)).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn only_empty_refusals_of_the_library_are_replaced() {
        assert!(text(EMPTY, b'G').unwrap().contains("plain ones"));
        assert!(text(EMPTY, TLS_HANDSHAKE).unwrap().contains("type http://"));
        for ours in [
            &b"HTTP/1.1 400 Bad Request\r\nx-request-id: abc\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 ",
            b"",
        ] {
            assert_eq!(text(ours, b'G'), None);
        }
    }

    #[test]
    fn replacement_says_how_long_it_is() {
        let text = text(EMPTY, b'G').unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    }
}
