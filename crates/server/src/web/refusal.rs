//! Messages for refused sign-ins.

use std::time::Duration;

use axum::http::StatusCode;
use user_backend::Outcome;
use user_backend::brute_force::GuessLimit;

use super::format::wait;
use super::page_request::PageRequest;
use super::templates::Notice;

/// Status, notice and `Retry-After`.
///
/// `status` and `wrong` are used for a wrong password.
pub(super) fn refusal(
    request: &PageRequest,
    outcome: &Outcome,
    status: StatusCode,
    wrong: impl FnOnce() -> Notice,
) -> (StatusCode, Notice, Option<Duration>) {
    match outcome {
        Outcome::Throttled { limit, retry_after } => {
            let why = match limit {
                GuessLimit::PerSource => request.t("too-many-source"),
                GuessLimit::PerBackend => request.t("too-many-backend"),
                // One text for both: see `GuessLimit::text`.
                _ => request.t("too-many-user"),
            };
            let wait = wait(request.language(), *retry_after);
            let text = format!("{why} {}", request.t_with("try-again-in", &[("wait", wait.into())]));
            (StatusCode::TOO_MANY_REQUESTS, Notice::bad(text), Some(*retry_after))
        }
        Outcome::Unavailable { retry_after } => {
            let text = request.t("unavailable");
            (StatusCode::SERVICE_UNAVAILABLE, Notice::bad(text), Some(*retry_after))
        }
        // Accepted without an account here, or for an account of another backend.
        Outcome::Refused(_) | Outcome::Authenticated(_) => (status, wrong(), None),
    }
}
