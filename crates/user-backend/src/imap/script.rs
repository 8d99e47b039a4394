//! For tests: a scripted server in memory, which can be cut into pieces at any byte.

// Fuzzing uses a part of it; a broken test bench may stop the test.
#![allow(clippy::unwrap_used)]
#![cfg_attr(not(test), allow(dead_code))]

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reply::{LoginDecision, Method};
use super::session::{ImapLogin, Judged, Session};
use crate::error::{BackendError, Phase};
use crate::refusal::{RefusalTexts, Sent};
use crate::transport::within;

pub(super) const NAME: &str = "alice";
pub(super) const PASSWORD: &str = "Wonderland-1";
/// NUL alice NUL Wonderland-1
pub(super) const CREDENTIALS: &str = "AGFsaWNlAFdvbmRlcmxhbmQtMQ==";
/// Wonderland-1
pub(super) const ENCODED_PASSWORD: &str = "V29uZGVybGFuZC0x";

/// `G` and 16 bytes in hexadecimal.
const TAG_LENGTH: usize = 33;

/// One step of a script.
#[derive(Clone, Debug)]
pub(super) enum ScriptStep {
    /// Sends this; `{tag}` is the tag of the last line received.
    Say(Vec<u8>),
    /// Waits for one more line.
    Receive,
}

pub(super) fn say(text: impl AsRef<[u8]>) -> ScriptStep {
    ScriptStep::Say(text.as_ref().to_vec())
}

/// A server in memory.
#[derive(Debug)]
pub(super) struct ScriptedServer {
    steps: VecDeque<ScriptStep>,
    /// Says nothing at the end of the script instead of hanging up.
    pub(super) hangs: bool,
    /// Lets every other read find nothing.
    pub(super) stutters: bool,
    /// Makes a pause before this byte.
    pub(super) split_at: Option<usize>,
    /// Disconnects before this byte.
    pub(super) cut_at: Option<usize>,
    /// Says another value for this byte.
    pub(super) flip: Option<(usize, u8)>,
    stuttered: bool,
    paused: bool,
    record: Arc<Mutex<Record>>,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) sent: Vec<u8>,
    pub(super) received: Vec<u8>,
    pub(super) writes: usize,
    /// How much the server had sent when the credentials were written.
    pub(super) sent_before_credentials: Option<usize>,
    /// How often they were.
    pub(super) times_written: usize,
    read: usize,
    tag: Vec<u8>,
}

impl Record {
    pub(super) fn received_text(&self) -> String {
        String::from_utf8(self.received.clone()).unwrap()
    }

    pub(super) fn got_credentials(&self) -> bool {
        self.sent_before_credentials.is_some()
    }

    /// Whether a complete tagged OK was sent after the credentials were written.
    ///
    /// This is found without the guard.
    pub(super) fn sent_yes(&self) -> bool {
        self.answered("ok")
    }

    /// The same for NO.
    #[cfg(feature = "fuzzing")]
    pub(super) fn sent_no(&self) -> bool {
        self.answered("no")
    }

    /// Whether the last line sent was the answer to the last command.
    #[cfg(feature = "fuzzing")]
    pub(super) fn ends_with_the_answer(&self) -> bool {
        let last = self.sent.split_inclusive(|byte| *byte == b'\n').next_back().unwrap_or_default();
        last.strip_prefix(self.tag.as_slice()).is_some_and(|rest| rest.ends_with(b"\n"))
    }

    fn answered(&self, word: &str) -> bool {
        let Some(before) = self.sent_before_credentials else { return false };
        let yes = [self.tag.as_slice(), b" ", word.as_bytes()].concat().to_ascii_lowercase();
        self.sent[before..].split_inclusive(|byte| *byte == b'\n').any(|line| {
            let Some(line) = line.strip_suffix(b"\r\n") else { return false };
            let line = line.to_ascii_lowercase();
            line.strip_prefix(yes.as_slice()).is_some_and(|rest| rest.is_empty() || rest[0] == b' ')
        })
    }
}

impl ScriptedServer {
    pub(super) fn new(steps: impl IntoIterator<Item = ScriptStep>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            hangs: false,
            stutters: false,
            split_at: None,
            cut_at: None,
            flip: None,
            stuttered: false,
            paused: false,
            record: Arc::default(),
        }
    }

    pub(super) fn hanging(mut self) -> Self {
        self.hangs = true;
        self
    }

    pub(super) fn stuttering(mut self) -> Self {
        self.stutters = true;
        self
    }

    pub(super) fn record(&self) -> Arc<Mutex<Record>> {
        Arc::clone(&self.record)
    }

    /// Signs in over a connection that counts as encrypted, and returns the result.
    pub(super) async fn sign_in(self) -> (Result<LoginDecision, BackendError>, Arc<Mutex<Record>>) {
        let (judged, record) = self.log_in(NAME, PASSWORD, &RefusalTexts::default()).await;
        (judged.map(|judged| judged.decision), record)
    }

    /// The same with this name and password, at a server that was taught these texts.
    pub(super) async fn log_in(
        self,
        name: &str,
        password: &str,
        taught: &RefusalTexts,
    ) -> (Result<Judged, BackendError>, Arc<Mutex<Record>>) {
        let record = self.record();
        let deadline = crate::clock::now() + Duration::from_secs(15);
        let outcome = within(deadline, Phase::Login, async {
            let mut session = Session::greeted(self).await?;
            let method = Method::choose(&session.capabilities().await?, true)?;
            session.login(ImapLogin { method, sent: Sent { name, password }, taught, encrypted: true }).await
        });
        (outcome.await, record)
    }
}

impl AsyncRead for ScriptedServer {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.stutters && !std::mem::replace(&mut this.stuttered, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.stuttered = false;
        let mut record = this.record.lock().unwrap();
        loop {
            if this.cut_at == Some(record.sent.len()) {
                return Poll::Ready(Ok(()));
            }
            match this.steps.front_mut() {
                Some(ScriptStep::Say(text)) if text.is_empty() => {
                    this.steps.pop_front();
                }
                Some(ScriptStep::Say(text)) => {
                    let at = record.sent.len();
                    if this.split_at == Some(at) && !std::mem::replace(&mut this.paused, true) {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    fill(text, &record.tag);
                    let mut count = text.len().min(buffer.remaining());
                    for stop in [this.split_at, this.cut_at].into_iter().flatten().filter(|stop| *stop > at) {
                        count = count.min(stop - at);
                    }
                    let mut piece: Vec<u8> = text.drain(..count).collect();
                    if let Some((flip, value)) = this.flip
                        && let Some(byte) = flip.checked_sub(at).and_then(|at| piece.get_mut(at))
                    {
                        *byte = value;
                    }
                    buffer.put_slice(&piece);
                    record.sent.extend_from_slice(&piece);
                    return Poll::Ready(Ok(()));
                }
                Some(ScriptStep::Receive) => {
                    let Record { received, read, tag, .. } = &mut *record;
                    let unread = &received[*read..];
                    let Some(end) = unread.iter().position(|byte| *byte == b'\n') else {
                        return Poll::Pending;
                    };
                    let line = &unread[..=end];
                    // A line without a tag is a literal, or a turn of AUTHENTICATE.
                    let first = line.split(|byte| *byte == b' ').next().unwrap();
                    if first.len() == TAG_LENGTH && line.len() > TAG_LENGTH {
                        *tag = first.to_vec();
                    }
                    *read += end + 1;
                    this.steps.pop_front();
                }
                None if this.hangs => return Poll::Pending,
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Puts the tag in, once the text's turn has come.
fn fill(text: &mut Vec<u8>, tag: &[u8]) {
    while let Some(at) = text.windows(5).position(|window| window == b"{tag}") {
        text.splice(at..at + 5, tag.iter().copied());
    }
}

impl AsyncWrite for ScriptedServer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut record = self.record.lock().unwrap();
        let text = String::from_utf8_lossy(bytes);
        if [CREDENTIALS, ENCODED_PASSWORD, PASSWORD].iter().any(|secret| text.contains(secret)) {
            record.sent_before_credentials = Some(record.sent.len());
            record.times_written += 1;
        }
        record.received.extend_from_slice(bytes);
        record.writes += 1;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
