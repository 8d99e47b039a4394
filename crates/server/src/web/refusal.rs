//! Messages for refused sign-ins.

use std::time::Duration;

use axum::http::StatusCode;
use user_backend::Outcome;

use super::page_request::seconds;
use super::templates::Notice;

/// Status, notice and `Retry-After`. `status` and `wrong` are used for a wrong password.
pub(super) fn refusal(
    outcome: &Outcome,
    status: StatusCode,
    wrong: impl FnOnce() -> Notice,
) -> (StatusCode, Notice, Option<Duration>) {
    match outcome {
        Outcome::Throttled { limit, retry_after } => {
            let wait = seconds(*retry_after);
            let text =
                format!("There were {limit}. Try again in {wait} seconds. Your password may well be right.");
            (StatusCode::TOO_MANY_REQUESTS, Notice::bad(text), Some(*retry_after))
        }
        Outcome::Unavailable { retry_after } => {
            let text =
                "Passwords cannot be checked right now. Yours may well be right. Try again in a few minutes.";
            (StatusCode::SERVICE_UNAVAILABLE, Notice::bad(text), Some(*retry_after))
        }
        // Accepted without an account here, or for an account of another backend.
        Outcome::Refused(_) | Outcome::Authenticated(_) => (status, wrong(), None),
    }
}
