//! Commands and replies over one connection.
//!
//! Nothing is sent before the last reply was read whole, and nothing that came unasked is taken for
//! an answer. Lines and replies are bounded.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use super::reply::{ProtocolViolation, Reply};
use crate::transport::{BoundedStream, Duplex};

/// Most bytes that are read from one connection.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// Longest line, with its line end.
///
/// RFC 5321 section 4.5.3.1.5 allows 512 octets.
const MAX_LINE: usize = 4096;

/// A connection that speaks SMTP.
pub(super) struct Dialogue<S> {
    stream: BoundedStream<S>,
    /// Read, and no line yet.
    held: Zeroizing<Vec<u8>>,
}

impl<S: Duplex> Dialogue<S> {
    pub(super) fn new(stream: S) -> Self {
        let held = Zeroizing::new(Vec::with_capacity(2 * MAX_LINE));
        Self { stream: BoundedStream::new(stream, MAX_BYTES), held }
    }

    /// Reads one reply.
    ///
    /// # Errors
    /// The connection ends or breaks, or there is a [`ProtocolViolation`] in the error.
    pub(super) async fn reply(&mut self) -> io::Result<Reply> {
        let mut reply = Reply::default();
        loop {
            let Some(end) = self.held.iter().position(|byte| *byte == b'\n') else {
                self.fill().await?;
                continue;
            };
            let line: Zeroizing<Vec<u8>> = Zeroizing::new(self.held.drain(..=end).collect());
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if reply.take(text).map_err(violation)? {
                return Ok(reply);
            }
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.held.len() >= MAX_LINE {
            return Err(violation(ProtocolViolation::TooLong));
        }
        let mut bytes = Zeroizing::new([0; 1024]);
        let count = self.stream.read(bytes.as_mut_slice()).await?;
        match bytes.get(..count) {
            Some(read) if !read.is_empty() => self.held.extend_from_slice(read),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }

    /// Sends a line, after a check that the server waits for it.
    ///
    /// # Errors
    /// As [`quiet`](Self::quiet), or the connection breaks.
    pub(super) async fn send(&mut self, line: &[u8]) -> io::Result<()> {
        self.quiet().await?;
        self.stream.write_all(line).await?;
        self.stream.flush().await
    }

    /// Checks that all which the server sent has been read, and that nothing has arrived since.
    ///
    /// # Errors
    /// [`ProtocolViolation::Unasked`] when there is something, an end-of-file error when the server
    /// hung up.
    pub(super) async fn quiet(&mut self) -> io::Result<()> {
        if self.held.is_empty() && self.stream.is_quiet().await? {
            return Ok(());
        }
        Err(violation(ProtocolViolation::Unasked))
    }

    /// The stream beneath, for TLS.
    ///
    /// # Errors
    /// As [`quiet`](Self::quiet): what came in clear text would be taken for something that the
    /// server said under TLS.
    pub(super) async fn into_stream(mut self) -> io::Result<S> {
        self.quiet().await?;
        Ok(self.stream.into_inner())
    }
}

fn violation(violation: ProtocolViolation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}
