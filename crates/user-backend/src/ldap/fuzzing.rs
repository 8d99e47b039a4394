//! For fuzzing: what one answer to a bind means, and filters.

use rasn_ldap::ProtocolOp;

use super::filter::{FilterTemplate, Subject};
use super::{message, reply};
use crate::error::BackendError;
use crate::refusal::{RefusalTexts, ReplyText, Sent};

/// Judges a message as a bind response: accepted, refused, or `None` for others.
///
/// # Errors
/// The answer decides nothing.
pub fn bind_answer(bytes: &[u8]) -> Option<Result<bool, BackendError>> {
    let ProtocolOp::BindResponse(answer) = message::parse(bytes)?.protocol_op else { return None };
    let mut text = ReplyText::default();
    text.add(answer.diagnostic_message.as_bytes());
    let words = text.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
    let judged = reply::judge(answer.result_code, &answer.diagnostic_message, &words);
    Some(judged.map(|rejection| rejection.is_none()))
}

/// The message that a filter for this name makes, if the text is a filter.
pub fn filter(text: &str, name: &str) -> Option<Vec<u8>> {
    let filter = FilterTemplate::parse(text).ok()?.fill(Subject { name, dn: "" });
    rasn::ber::encode(&filter).ok()
}
