//! The guard between suppaftp and a server, over any stream.
//!
//! - Replies come one line at a time, so that whatever the server sent ahead is still here when the next command is due.
//! - No more than [`MAX_BYTES`] are read from one connection, and of each line nothing but the code is handed out: servers
//!   have been seen to repeat passwords, and the library logs what it reads.
//! - A secret command takes the place of the library's, so that the library never holds a password and cannot log it.
//! - What was written is flushed before anything is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

/// Most bytes of replies that are read from one connection. Login dialogues have a few hundred; long banners a few
/// thousand.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// Why a stream cannot be read or written any more, inside an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Trouble {
    /// The server said something that answers no command.
    #[error("the server spoke before it was asked")]
    Unasked,
    /// The server said more than [`MAX_BYTES`].
    #[error("the server says more than {MAX_BYTES} bytes")]
    TooLong,
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        Self::new(io::ErrorKind::InvalidData, trouble)
    }
}

/// A stream that a guard can wrap.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// The guard; see the module documentation.
pub(super) struct Guard {
    pub(super) stream: Box<dyn Duplex>,
    /// Read from the stream, not handed out yet.
    pub(super) held: Vec<u8>,
    /// How much of the current line is handed out.
    column: usize,
    /// Bytes that may still be read.
    left: usize,
    /// The command to send in place of the next one.
    pub(super) instead: Option<Zeroizing<Vec<u8>>>,
    /// The command that is being sent, and how much of it is out.
    sending: Option<(Zeroizing<Vec<u8>>, usize)>,
    flushed: bool,
}

impl Guard {
    pub(super) fn new(stream: Box<dyn Duplex>) -> Self {
        Self {
            stream,
            held: Vec::new(),
            column: 0,
            left: MAX_BYTES,
            instead: None,
            sending: None,
            flushed: true,
        }
    }

    pub(super) fn is_quiet(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.held.is_empty() {
            return Err(Trouble::Unasked.into());
        }
        match self.poll_fill(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) if self.held.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(Ok(())) => Err(Trouble::Unasked.into()),
        }
    }

    /// Reads once. Nothing is held afterwards when the stream has ended.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 1024];
        let mut buf = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
        self.left = self.left.checked_sub(buf.filled().len()).ok_or(Trouble::TooLong)?;
        self.held.extend_from_slice(buf.filled());
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // suppaftp never flushes, and TLS may hold a record back.
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        if self.held.is_empty() {
            ready!(self.poll_fill(cx))?;
        }
        let line = self.held.iter().position(|byte| *byte == b'\n').map_or(self.held.len(), |end| end + 1);
        for byte in self.held.drain(..line.min(buf.remaining())) {
            buf.put_slice(&[masked(self.column, byte)]);
            self.column = if byte == b'\n' { 0 } else { self.column + 1 };
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, line: &[u8]) -> Poll<io::Result<usize>> {
        let instead = &mut self.instead;
        let (bytes, sent) = self
            .sending
            .get_or_insert_with(|| (instead.take().unwrap_or_else(|| Zeroizing::new(line.to_vec())), 0));
        while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
            self.flushed = false;
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *sent += count,
            }
        }
        self.sending = None;
        Poll::Ready(Ok(line.len()))
    }
}

/// What is handed out for a byte of a reply: the code, the mark behind it and line ends pass, all else becomes dots.
fn masked(column: usize, byte: u8) -> u8 {
    match (column, byte) {
        (_, b'\r' | b'\n') | (0..=2, b'0'..=b'9') | (3, b' ' | b'-') => byte,
        _ => b'.',
    }
}

#[cfg(test)]
mod tests;
