//! For fuzzing: one reply, one stream.

use std::future::poll_fn;
use std::io::Cursor;

use tokio::io::{ReadBuf, join, sink};

use super::guard::Guard;
use super::reply::{Next, Stage, judge};
use crate::error::BackendError;

/// What is done after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The stage is passed; after the last one the password is verified.
    Proceed,
    /// Another reply follows.
    Wait,
    /// The server said no.
    Rejected,
}

/// Judges a whole reply to the connection, AUTH TLS, USER or PASS (0 to 3; more counts as PASS).
///
/// # Errors
/// The reply decides nothing.
pub fn reply(stage: u8, body: &[u8], encrypted: bool) -> Result<Step, BackendError> {
    let stage = match stage {
        0 => Stage::Greeting,
        1 => Stage::Auth,
        2 => Stage::User,
        _ => Stage::Pass,
    };
    judge(stage, body, encrypted).map(|next| match next {
        Next::Proceed => Step::Proceed,
        Next::Wait => Step::Wait,
        Next::Rejected(_) => Step::Rejected,
    })
}

/// What the guard hands out of a stream, in reads of this size, until it ends or is refused.
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
