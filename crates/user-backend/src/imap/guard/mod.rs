//! A guard between the server and the parser.
//!
//! What gets past it is short, harmless and expected.
//!
//! Nothing that a server sends before the sign-in is decided can be trusted. A parser of the whole
//! protocol (RFC 9051) has far more than a sign-in needs, and each of those things has been
//! used to exhaust its memory or its stack, to make it panic, or to make it take an answer that was
//! sent before the question. So the guard
//!
//! - reads lines of at most [`MAX_LINE`] bytes, ended by CRLF, and at most [`MAX_TOTAL`] bytes per
//!   connection;
//! - passes status responses, capability lists, the continuation we wait for, and the answer that
//!   carries the tag of the command under way, each rewritten by [`line`]; other untagged lines are
//!   dropped, anything else is a [`ProtocolViolation`];
//! - refuses literals, even on lines that are dropped;
//! - keeps the words of an answer that is not OK, and hands out what they mean and a
//!   [`ServerText`](crate::ServerText);
//! - hands out exactly one line per read, so that the parser never reads ahead and "nothing is
//!   pending" means it;
//! - lets nothing be written but by [`Guard::send`], after it has made sure that the server is
//!   waiting for us.
//!
//! ```text
//! Greeting --greeting--> Idle --begin--> Command --tagged answer--> Idle
//!     any state --BYE, end of stream, violation--> Dead
//! ```

mod line;
mod violation;

pub(super) use line::{UNLISTED, known_code};
pub(super) use violation::ProtocolViolation;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::task::coop::unconstrained;
use zeroize::Zeroizing;

use line::{RawLine, ServerLine, Status};

use crate::refusal::{RefusalTexts, ReplyText, Sent, Words};

/// Longest line that is read, without its end.
pub(super) const MAX_LINE: usize = 8 * 1024;

/// Most bytes that are read from one server in one attempt.
pub(super) const MAX_TOTAL: usize = 64 * 1024;

/// Bytes asked from the connection at a time.
const CHUNK: usize = 2 * 1024;

/// State of the dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Idle,
    Command { tag: Box<[u8]>, continuation: Continuation },
    Dead,
}

/// Whether `+` may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Continuation {
    /// Not in this command, or not any more.
    None,
    /// The server must say it before it says yes.
    Awaited,
    /// The server has sent it; it is our turn.
    Granted,
}

/// What is known of a connection before it is encrypted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    /// How many bytes the server has sent.
    pub(super) total: usize,
    /// See [`Guard::is_dovecot`].
    pub(super) is_dovecot: bool,
}

/// The guarded stream.
///
/// See the [module](self).
pub(super) struct Guard<S> {
    inner: S,
    state: State,
    /// Bytes of the server that no line was made of yet.
    raw: Vec<u8>,
    /// The one line being handed out, and how much of it is.
    out: Vec<u8>,
    handed: usize,
    total: usize,
    added_rev1: bool,
    /// The words of the last answer that was not OK.
    answer: ReplyText,
    /// The words of an alert that came before it.
    alert: ReplyText,
    is_dovecot: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// Guards a connection on which the server speaks first.
    pub(super) fn new(inner: S) -> Self {
        Self {
            inner,
            state: State::Greeting,
            raw: Vec::new(),
            out: Vec::new(),
            handed: 0,
            total: 0,
            added_rev1: false,
            answer: ReplyText::default(),
            alert: ReplyText::default(),
            is_dovecot: false,
        }
    }

    /// Guards a connection that has just been encrypted.
    ///
    /// There is no second greeting, and the bytes read before count.
    pub(super) fn resumed(inner: S, before: Before) -> Self {
        let Before { total, is_dovecot } = before;
        Self { state: State::Idle, total, is_dovecot, ..Self::new(inner) }
    }

    /// What is kept of this connection when it is encrypted.
    pub(super) fn before(&self) -> Before {
        Before { total: self.total, is_dovecot: self.is_dovecot }
    }

    /// Whether the server greeted as Dovecot, which delays logins after failed ones.
    pub(super) fn is_dovecot(&self) -> bool {
        self.is_dovecot
    }

    /// What the words of the last answer mean, and what of them may be shown.
    ///
    /// Forgets them.
    ///
    /// Words that the server marked for the user (`[ALERT]`, RFC 9051 section 7.1) may have come
    /// before the answer.
    pub(super) fn take_words(&mut self, taught: &RefusalTexts, sent: Sent<'_>) -> Words {
        let mut words = self.answer.judge(taught, sent);
        if words.message.is_none() && !self.alert.is_empty() {
            words.message = self.alert.judge(taught, sent).message;
        }
        self.alert.clear();
        words
    }

    /// Whether `IMAP4rev1` was added to the last list of capabilities by this guard.
    pub(super) fn added_rev1(&self) -> bool {
        self.added_rev1
    }

    /// Begins a command.
    ///
    /// `continuation` says whether the server has to say `+` before it may say yes.
    ///
    /// Untagged lines that are waiting are dropped.
    ///
    /// # Errors
    /// When anything else is waiting: an answer cannot come before its question.
    pub(super) async fn begin(&mut self, tag: &str, continuation: bool) -> io::Result<()> {
        if self.state != State::Idle {
            return Err(self.fail(ProtocolViolation::OutOfStep));
        }
        self.drain(ProtocolViolation::EarlyReply).await?;
        let continuation = if continuation { Continuation::Awaited } else { Continuation::None };
        self.state = State::Command { tag: tag.as_bytes().into(), continuation };
        self.answer.clear();
        self.alert.clear();
        Ok(())
    }

    /// Takes the turn that a continuation gave us.
    ///
    /// To be called right before the name or the password is sent. `another` says whether the
    /// server has to say `+` once more before it may say yes.
    ///
    /// # Errors
    /// When the answer is there already.
    pub(super) async fn take_turn(&mut self, another: bool) -> io::Result<()> {
        let State::Command { continuation: Continuation::Granted, .. } = &self.state else {
            return Err(self.fail(ProtocolViolation::OutOfStep));
        };
        self.drain(ProtocolViolation::EarlyYes).await?;
        if let State::Command { continuation, .. } = &mut self.state {
            *continuation = if another { Continuation::Awaited } else { Continuation::None };
        }
        Ok(())
    }

    /// Writes everything in one go.
    ///
    /// # Errors
    /// When the connection is broken, or no command was begun.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !matches!(self.state, State::Command { .. }) {
            return Err(self.fail(ProtocolViolation::OutOfStep));
        }
        self.inner.write_all(bytes).await?;
        self.inner.flush().await
    }

    /// Gives the connection back for encryption.
    ///
    /// # Errors
    /// If anything was sent after the last answer: it would be read as if it came over TLS (RFC
    /// 9051 section 6.2.1).
    pub(super) async fn into_silent_inner(mut self) -> io::Result<S> {
        if self.state != State::Idle {
            return Err(self.fail(ProtocolViolation::OutOfStep));
        }
        let spoke = self.has_leftovers()
            || unconstrained(poll_fn(|cx| match self.poll_fill(cx) {
                Poll::Pending => Poll::Ready(Ok(false)),
                Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Poll::Ready(Ok(_)) => Poll::Ready(Ok(true)),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            }))
            .await?;
        if spoke {
            return Err(self.fail(ProtocolViolation::Injected));
        }
        Ok(self.inner)
    }

    /// Whether the server waits for us and has sent nothing since.
    ///
    /// To be asked before a connection that was prepared earlier is used: a server that has grown
    /// tired of waiting says goodbye or closes.
    pub(super) async fn is_silent(&mut self) -> bool {
        if self.state != State::Idle || self.has_leftovers() {
            return false;
        }
        unconstrained(poll_fn(|cx| Poll::Ready(self.poll_fill(cx).is_pending()))).await
    }

    /// Drops the untagged lines that have arrived and refuses anything else.
    ///
    /// This sees only what the runtime already knows, so it is a second line of defence; the first
    /// is the random tag. It runs outside the task's budget: an exhausted budget must not look like
    /// silence.
    async fn drain(&mut self, violation: ProtocolViolation) -> io::Result<()> {
        if self.handed < self.out.len() {
            return Err(self.fail(ProtocolViolation::OutOfStep));
        }
        unconstrained(poll_fn(|cx| Poll::Ready(self.poll_drain(cx, violation)))).await
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, violation: ProtocolViolation) -> io::Result<()> {
        loop {
            while let Some(line) = self.take_line()? {
                match ServerLine::parse(line.text(), None) {
                    Ok(ServerLine::Status { status: Status::Bye, .. }) => return Err(self.end()),
                    Ok(ServerLine::Status { status: Status::Preauth, .. }) => {
                        return Err(self.fail(ProtocolViolation::Preauth));
                    }
                    Ok(ServerLine::Continue) => return Err(self.fail(ProtocolViolation::OddContinuation)),
                    Ok(ServerLine::Status { .. } | ServerLine::Capability { .. } | ServerLine::Other) => {}
                    Err(ProtocolViolation::Literal) => return Err(self.fail(ProtocolViolation::Literal)),
                    Ok(ServerLine::Tagged { .. }) | Err(_) => return Err(self.fail(violation)),
                }
            }
            match self.poll_fill(cx) {
                Poll::Ready(Ok(0)) => return Err(self.end()),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        // The beginning of an untagged line may wait for its end. Nothing else may.
        if self.raw.starts_with(b"* ") || b"* ".starts_with(&self.raw) {
            return Ok(());
        }
        Err(self.fail(violation))
    }

    fn has_leftovers(&self) -> bool {
        !self.raw.is_empty() || self.handed < self.out.len()
    }

    fn fail(&mut self, violation: ProtocolViolation) -> io::Error {
        self.die();
        violation.into()
    }

    /// The server has ended the dialogue.
    fn end(&mut self) -> io::Error {
        self.die();
        io::ErrorKind::UnexpectedEof.into()
    }

    /// Nothing read before may be handed out after this.
    fn die(&mut self) {
        self.state = State::Dead;
        self.raw.clear();
        self.out.clear();
        self.handed = 0;
    }

    /// Reads what is there, at most up to the cap.
    ///
    /// `Ready(0)` is the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [0; CHUNK];
        // One byte beyond the cap, to know that there is one.
        let room = MAX_TOTAL.saturating_add(1).saturating_sub(self.total).clamp(1, CHUNK);
        let mut buffer = ReadBuf::new(chunk.get_mut(..room).unwrap_or_default());
        if let Err(error) = ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer)) {
            self.die();
            return Poll::Ready(Err(error));
        }
        let filled = buffer.filled();
        self.total = self.total.saturating_add(filled.len());
        if self.total > MAX_TOTAL {
            return Poll::Ready(Err(self.fail(ProtocolViolation::TooMuch)));
        }
        self.raw.extend_from_slice(filled);
        Poll::Ready(Ok(filled.len()))
    }

    /// Takes the next whole line out of the raw bytes, without its end.
    fn take_line(&mut self) -> io::Result<Option<RawLine>> {
        let end = self.raw.iter().position(|byte| *byte == b'\n');
        if end.unwrap_or(self.raw.len()) > MAX_LINE + 1 {
            return Err(self.fail(ProtocolViolation::LineTooLong));
        }
        let Some(end) = end else { return Ok(None) };
        let mut line: Zeroizing<Vec<u8>> = Zeroizing::new(self.raw.drain(..=end).collect());
        line.pop();
        if line.pop() != Some(b'\r') {
            return Err(self.fail(ProtocolViolation::BareLineFeed));
        }
        Ok(Some(RawLine::new(line)))
    }

    /// Judges one line.
    ///
    /// `out` then holds what may pass of it, which is nothing when it is dropped.
    fn judge(&mut self, raw: &RawLine) -> Result<(), ProtocolViolation> {
        let tag = match &self.state {
            State::Command { tag, .. } => Some(tag.as_ref()),
            _ => None,
        };
        let line = ServerLine::parse(raw.text(), tag);
        let is_greeting = self.state == State::Greeting;
        if is_greeting {
            let Ok(ServerLine::Status { status: Status::Ok | Status::Preauth | Status::Bye, .. }) = line
            else {
                return Err(match line {
                    Err(ProtocolViolation::Literal) => ProtocolViolation::Literal,
                    _ => ProtocolViolation::NoGreeting,
                });
            };
        }
        match line? {
            ServerLine::Continue => {
                let State::Command { continuation, .. } = &mut self.state else {
                    return Err(ProtocolViolation::OddContinuation);
                };
                if *continuation != Continuation::Awaited {
                    return Err(ProtocolViolation::OddContinuation);
                }
                *continuation = Continuation::Granted;
                // PLAIN and LOGIN have no challenge, so its content does not matter.
                self.out.extend_from_slice(b"+ \r\n");
            }
            ServerLine::Status { status, text } => {
                self.state = match (std::mem::replace(&mut self.state, State::Dead), status) {
                    (_, Status::Bye) => State::Dead,
                    (State::Greeting, _) => State::Idle,
                    (_, Status::Preauth) => return Err(ProtocolViolation::Preauth),
                    (state, _) => state,
                };
                let text_as_it_came = raw.end_as_it_came(text.len());
                if is_greeting {
                    self.is_dovecot = line::names_dovecot(text_as_it_came);
                } else if line::is_alert(text_as_it_came) && self.alert.is_empty() {
                    line::keep_words(&mut self.alert, text_as_it_came);
                }
                let added = line::write_status(&mut self.out, b"*", status, text);
                self.added_rev1 = added.unwrap_or(self.added_rev1);
            }
            ServerLine::Capability { names } => {
                self.added_rev1 = line::write_capability(&mut self.out, names);
            }
            ServerLine::Other => {}
            ServerLine::Tagged { status, text } => {
                let State::Command { tag, continuation } = std::mem::replace(&mut self.state, State::Idle)
                else {
                    return Err(ProtocolViolation::EarlyReply);
                };
                if status == Status::Ok && continuation != Continuation::None {
                    return Err(ProtocolViolation::EarlyYes);
                }
                if status != Status::Ok {
                    line::keep_words(&mut self.answer, raw.end_as_it_came(text.len()));
                }
                line::write_answer(&mut self.out, &tag, status, text);
            }
        }
        Ok(())
    }
}

/// Hands out one line per call, in pieces when the caller's buffer is smaller.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(rest) = this.out.get(this.handed..).filter(|rest| !rest.is_empty()) {
                let piece = rest.get(..buffer.remaining()).unwrap_or(rest);
                buffer.put_slice(piece);
                this.handed += piece.len();
                return Poll::Ready(Ok(()));
            }
            // Before anything else is read: a line that was dropped or handed out must never be
            // handed out again.
            this.out.clear();
            this.handed = 0;
            if this.state == State::Dead {
                return Poll::Ready(Ok(()));
            }
            if let Some(line) = this.take_line()? {
                if let Err(violation) = this.judge(&line) {
                    return Poll::Ready(Err(this.fail(violation)));
                }
                continue;
            }
            if ready!(this.poll_fill(cx))? == 0 {
                let cut = !this.raw.is_empty();
                let error = this.end();
                return Poll::Ready(if cut { Err(error) } else { Ok(()) });
            }
        }
    }
}

/// The parser after the guard sends nothing: commands go through [`Guard::send`].
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(ProtocolViolation::OutOfStep.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Shows no bytes: they are the server's words, and the stream beneath may show keys.
impl<S> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("state", &self.state)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
