//! For fuzzing: one reply, one stream.

use std::future::poll_fn;
use std::io::Cursor;

use tokio::io::{ReadBuf, join, sink};

use super::guard::Guard;
use super::reply::{Next, Stage, judge};
use crate::error::BackendError;
use crate::refusal::{RefusalTexts, ReplyClass, ReplyText, Sent, Words};

/// What is done after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// The stage is passed; after the last one the password is verified.
    Proceed,
    /// Another reply follows.
    Wait,
    /// The server refused.
    Rejected,
}

/// Judges a whole reply to the connection, AUTH TLS, USER or PASS.
///
/// `stage` is 0 to 3; more counts as PASS.
///
/// # Errors
/// The reply decides nothing.
pub fn reply(stage: u8, body: &[u8], encrypted: bool) -> Result<NextStep, BackendError> {
    let stage = match stage {
        0 => Stage::Greeting,
        1 => Stage::Auth,
        2 => Stage::User,
        _ => Stage::Pass,
    };
    judge(stage, body, encrypted, &words(body)).map(|next| match next {
        Next::Proceed => NextStep::Proceed,
        Next::Wait => NextStep::Wait,
        Next::Rejected(_) => NextStep::Rejected,
    })
}

/// The words of a reply, as the guard keeps them.
fn words(body: &[u8]) -> Words {
    let mut text = ReplyText::default();
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let has_code = line.get(..3).is_some_and(|code| code.iter().all(u8::is_ascii_digit));
        text.add(if has_code { line.get(4..).unwrap_or_default() } else { line });
    }
    text.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" })
}

/// What the words of a reply mean: a refusal, an outage, or neither.
pub fn meaning(body: &[u8]) -> Option<NextStep> {
    match words(body).class {
        ReplyClass::Refusal(_) => Some(NextStep::Rejected),
        ReplyClass::Outage => Some(NextStep::Wait),
        ReplyClass::Unknown => None,
    }
}

/// What the guard returns of a stream in reads of this size, until it ends or fails.
pub async fn guarded(stream: Vec<u8>, size: usize) -> Vec<Vec<u8>> {
    let mut guard = Guard::new(Box::new(join(Cursor::new(stream), sink())));
    let mut reads = Vec::new();
    loop {
        let mut piece = vec![0; size.max(1)];
        let mut buffer = ReadBuf::new(&mut piece);
        let read = poll_fn(|cx| guard.poll_read(cx, &mut buffer)).await;
        if read.is_err() || buffer.filled().is_empty() {
            return reads;
        }
        reads.push(buffer.filled().to_vec());
    }
}
