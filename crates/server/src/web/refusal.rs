//! What a page says about a sign-in that was not accepted.

use std::time::Duration;

use axum::http::StatusCode;
use user_backend::Outcome;

use super::page_request::seconds;
use super::templates::Notice;

/// Status, notice, and how long to wait. `status` and `wrong` are those for a wrong password.
pub(super) fn refusal(
    outcome: &Outcome,
    status: StatusCode,
    wrong: impl FnOnce() -> Notice,
) -> (StatusCode, Notice, Option<Duration>) {
    match outcome {
        Outcome::Throttled { retry_after } => {
            let wait = seconds(*retry_after);
            let text = format!(
                "Too many attempts failed. Wait {wait} s and try again; your password was not looked at."
            );
            (StatusCode::TOO_MANY_REQUESTS, Notice::bad(text), Some(*retry_after))
        }
        Outcome::Unavailable { retry_after } => {
            let text = "Passwords cannot be checked at the moment. Yours may well be right: try again in a few minutes.";
            (StatusCode::SERVICE_UNAVAILABLE, Notice::bad(text), Some(*retry_after))
        }
        // A yes without an account, or for another one, is none.
        Outcome::Refused(_) | Outcome::Authenticated(_) => (status, wrong(), None),
    }
}
