//! For fuzzing: what a stream of lines means as the answer to a password.

use super::reply::{Next, Reply, Stage, judge};
use crate::error::BackendError;
use crate::refusal::{RefusalTexts, Sent};

/// Reads one reply from the lines and judges it as the answer to a password: whether it accepts or
/// refuses; `None` if it is no whole reply.
///
/// # Errors
/// The answer decides nothing.
pub fn answer(bytes: &[u8], encrypted: bool) -> Option<Result<bool, BackendError>> {
    let mut reply = Reply::default();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    loop {
        let line = lines.next()?.strip_suffix(b"\n")?;
        if reply.take(line.strip_suffix(b"\r").unwrap_or(line)).ok()? {
            break;
        }
    }
    let words = reply.text.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
    Some(judge(Stage::Password, &reply, encrypted, &words).map(|next| next == Next::Proceed))
}

/// Whether a reply to EHLO offers STARTTLS, PLAIN and LOGIN; `None` if it is no whole reply.
pub fn offer(bytes: &[u8]) -> Option<[bool; 3]> {
    let mut reply = Reply::default();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    loop {
        let line = lines.next()?.strip_suffix(b"\n")?;
        if reply.take(line.strip_suffix(b"\r").unwrap_or(line)).ok()? {
            break;
        }
    }
    let offer = reply.offer();
    Some([offer.starttls, offer.plain, offer.login])
}
