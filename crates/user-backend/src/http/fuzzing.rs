//! For fuzzing: what one response means.

use super::reply::{Response, Rules, judge};
use super::settings::HttpAuth;
use crate::error::BackendError;
use crate::refusal::{RefusalTexts, ReplyText, Sent};

/// Judges a response to Basic, Digest, a form or JSON: whether it accepts or refuses.
///
/// `auth` is 0 to 3; more counts as JSON.
///
/// # Errors
/// The response decides nothing.
pub fn response(auth: u8, status: u16, challenge: &str, page: &[u8]) -> Result<bool, BackendError> {
    let auth = match auth {
        0 => HttpAuth::Basic,
        1 => HttpAuth::Digest,
        2 => HttpAuth::Form,
        _ => HttpAuth::Json,
    };
    let mut text = ReplyText::default();
    text.add(page);
    let words = text.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
    let response = Response { status, challenges: vec![challenge.to_owned()] };
    let rules = Rules { auth, accept: None, refuse: None };
    judge(rules, &response, &words).map(|rejection| rejection.is_none())
}
