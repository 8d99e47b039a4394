//! The guard between suppaftp and a server, over any stream.
//!
//! - Replies come one line at a time, so that anything the server sent early is still here when the
//!   next command is due.
//! - No more than [`MAX_BYTES`] are read from one connection, and of each line nothing but the code
//!   is handed out: servers have been seen to repeat passwords, and the library logs what it reads.
//! - The words of a reply are kept apart; what leaves the guard is what they mean and a
//!   [`ServerText`](crate::ServerText).
//! - A reply ends at the line with the code it began with (RFC 959 section 4.2). What is no reply
//!   fails at once. Some deviations of real servers are corrected: a last line without text and
//!   space, and, before the greeting, lines without a code.
//! - A secret command takes the place of the library's, so that the library never holds a password
//!   and cannot log it.
//! - What was written is flushed before anything is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

use crate::refusal::{RefusalTexts, ReplyText, Sent, Words};
use crate::transport::Duplex;

/// Most bytes of replies that are read from one connection.
///
/// Login dialogues have a few hundred; long banners a few thousand.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// Most lines without a code that may come before the greeting.
const MAX_NOISE: usize = 8;

/// How other protocols begin.
///
/// Their servers wait for us after that, so nothing better will come.
const OTHER_PROTOCOLS: [&[u8]; 6] = [b"SSH-", b"HTTP/", b"* ", b"+", b"-ERR", b"<"];

/// Why a stream cannot be read or written any more, inside an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum ProtocolViolation {
    /// The server sent a reply without a command.
    #[error("the server spoke before it was asked")]
    Unasked,
    /// The server sent more than [`MAX_BYTES`].
    #[error("the server says more than {MAX_BYTES} bytes")]
    TooLong,
    /// The server sent something that is not a reply.
    #[error("the server does not speak FTP")]
    NotAReply,
}

impl From<ProtocolViolation> for io::Error {
    fn from(violation: ProtocolViolation) -> Self {
        Self::new(io::ErrorKind::InvalidData, violation)
    }
}

/// The guard; see the module documentation.
pub(super) struct Guard {
    pub(super) stream: Box<dyn Duplex>,
    /// Read from the stream, no line yet.
    held: Zeroizing<Vec<u8>>,
    /// What of the current line is handed out, and how much of it already is.
    pub(super) line: Vec<u8>,
    handed: usize,
    /// The code of a reply of several lines that has not ended.
    open: Option<[u8; 3]>,
    /// The server's greeting has not come yet, and this many lines without a code did.
    noise: Option<usize>,
    /// The words of the last reply.
    words_of_reply: ReplyText,
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
            held: Zeroizing::default(),
            line: Vec::new(),
            handed: 0,
            open: None,
            noise: Some(0),
            words_of_reply: ReplyText::default(),
            left: MAX_BYTES,
            instead: None,
            sending: None,
            flushed: true,
        }
    }

    pub(super) fn is_quiet(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.held.is_empty() || self.handed < self.line.len() {
            return Err(ProtocolViolation::Unasked.into());
        }
        match self.poll_fill(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) if self.held.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(Ok(())) => Err(ProtocolViolation::Unasked.into()),
        }
    }

    /// Reads once.
    ///
    /// Nothing is held afterwards when the stream has ended.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 1024];
        let mut buf = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
        self.left = self.left.checked_sub(buf.filled().len()).ok_or(ProtocolViolation::TooLong)?;
        self.held.extend_from_slice(buf.filled());
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // suppaftp never flushes, and TLS may hold a record back.
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        loop {
            if let Some(rest) = self.line.get(self.handed..).filter(|rest| !rest.is_empty()) {
                let piece = rest.get(..buf.remaining()).unwrap_or(rest);
                buf.put_slice(piece);
                self.handed += piece.len();
                return Poll::Ready(Ok(()));
            }
            self.line.clear();
            self.handed = 0;
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Zeroizing<Vec<u8>> = Zeroizing::new(self.held.drain(..=end).collect());
                self.judge(&line)?;
                continue;
            }
            let before = self.held.len();
            ready!(self.poll_fill(cx))?;
            if self.held.len() == before {
                // The end. A partial line is passed on unchanged, so that the library sees that it
                // is not a line.
                let rest = std::mem::take(&mut *self.held);
                self.line.extend(rest.iter().enumerate().map(|(column, byte)| masked(column, *byte)));
                if self.line.is_empty() {
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    /// Judges one line.
    ///
    /// `self.line` then holds what may be read of it, which is nothing when it is skipped.
    fn judge(&mut self, line: &[u8]) -> Result<(), ProtocolViolation> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match (self.open, ReplyLine::parse(text)) {
            (None, ReplyLine::Last(code, words)) => {
                self.words_of_reply.clear();
                self.end(code, words);
            }
            (None, ReplyLine::More(code, words)) => {
                self.words_of_reply.clear();
                self.keep(code, words);
                self.open = Some(code);
                self.hand_out(&code, b'-', words.len());
            }
            (None, ReplyLine::Text) => self.skip(text)?,
            (Some(open), ReplyLine::Last(code, words)) if open == code => self.end(code, words),
            // Only in a banner: in an answer it might be another answer.
            (Some(_), ReplyLine::Last(..)) if self.noise.is_none() && text.len() > 3 => {
                return Err(ProtocolViolation::NotAReply);
            }
            (Some(open), line) => {
                self.keep(
                    open,
                    match line {
                        ReplyLine::More(code, words) if code == open => words,
                        _ => text,
                    },
                );
                self.line.resize(text.len(), b'.');
                self.line.extend_from_slice(b"\r\n");
            }
        }
        Ok(())
    }

    /// The last line of a reply.
    ///
    /// The library waits for more if nothing follows the code.
    fn end(&mut self, code: [u8; 3], words: &[u8]) {
        self.keep(code, words);
        self.open = None;
        // 1yz: another greeting follows.
        if code.first() != Some(&b'1') {
            self.noise = None;
        }
        self.hand_out(&code, b' ', words.len().max(1));
    }

    /// Keeps the words of a refusal; those of other replies decide nothing.
    fn keep(&mut self, code: [u8; 3], words: &[u8]) {
        if matches!(code, [b'4' | b'5', ..]) {
            self.words_of_reply.add(words);
        }
    }

    fn hand_out(&mut self, code: &[u8; 3], mark: u8, length: usize) {
        self.line.extend_from_slice(code);
        self.line.push(mark);
        self.line.resize(4 + length, b'.');
        self.line.extend_from_slice(b"\r\n");
    }

    /// Skips a line without a code, as some servers send before their greeting.
    fn skip(&mut self, text: &[u8]) -> Result<(), ProtocolViolation> {
        let Some(skipped) = &mut self.noise else { return Err(ProtocolViolation::NotAReply) };
        let is_other = OTHER_PROTOCOLS.iter().any(|other| text.starts_with(other));
        let is_odd = text.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
        // A damaged reply is not taken for noise.
        let first = String::from_utf8_lossy(text).trim_start().chars().next();
        if is_other || is_odd || first.is_some_and(char::is_numeric) || *skipped == MAX_NOISE {
            return Err(ProtocolViolation::NotAReply);
        }
        *skipped += 1;
        Ok(())
    }

    /// What the words of the last reply mean, and what of them may be shown.
    ///
    /// Forgets them.
    pub(super) fn take_words(&mut self, taught: &RefusalTexts, sent: Sent<'_>) -> Words {
        self.words_of_reply.judge(taught, sent)
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, line: &[u8]) -> Poll<io::Result<usize>> {
        let instead = &mut self.instead;
        let (bytes, sent) = self
            .sending
            .get_or_insert_with(|| (instead.take().unwrap_or_else(|| Zeroizing::new(line.to_vec())), 0));
        // Whatever comes after a command answers it.
        self.noise = None;
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

/// One line of a reply.
#[derive(Clone, Copy)]
enum ReplyLine<'a> {
    /// The code, a space, and a text; or the code alone.
    Last([u8; 3], &'a [u8]),
    /// The code, `-`, and a text.
    More([u8; 3], &'a [u8]),
    Text,
}

impl<'a> ReplyLine<'a> {
    fn parse(text: &'a [u8]) -> Self {
        let Some((code @ [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'], rest)) = text.split_first_chunk() else {
            return Self::Text;
        };
        match rest.split_first() {
            None => Self::Last(*code, &[]),
            Some((b' ', words)) => Self::Last(*code, words),
            Some((b'-', words)) => Self::More(*code, words),
            Some(_) => Self::Text,
        }
    }
}

/// What is passed on for a byte of a partial line.
///
/// The code, the mark after it and line ends; everything else becomes dots.
fn masked(column: usize, byte: u8) -> u8 {
    match (column, byte) {
        (_, b'\r' | b'\n') | (0..=2, b'0'..=b'9') | (3, b' ' | b'-') => byte,
        _ => b'.',
    }
}

#[cfg(test)]
mod tests;
