//! Maps HTTP responses to decisions, in pure functions.
//!
//! Every row can be tested without a server.
//!
//! RFC 9110 section 11 (authentication) and 15 (status codes), RFC 7616 section 3.3 (`stale`), RFC
//! 6585 section 4 (429).

use http_auth::{ChallengeRef, parse_challenges};

use super::settings::HttpAuth;
use crate::error::{BackendError, Phase};
use crate::refusal::{ReplyClass, Words};
use crate::verdict::Rejection;

/// Statuses that accept, unless the settings name one.
const ACCEPTED: [u16; 3] = [200, 204, 207];

/// What is read of a response.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    pub(super) status: u16,
    /// The values of `WWW-Authenticate`, one for each header.
    pub(super) challenges: Vec<String>,
}

impl Response {
    /// Each challenge that can be read.
    ///
    /// What cannot be read is no challenge.
    pub(super) fn challenges(&self) -> impl Iterator<Item = ChallengeRef<'_>> {
        self.challenges.iter().filter_map(|value| parse_challenges(value).ok()).flatten()
    }

    /// The challenges of one scheme.
    fn of_scheme<'a>(&'a self, scheme: &'a str) -> impl Iterator<Item = ChallengeRef<'a>> {
        self.challenges().filter(move |challenge| challenge.scheme.eq_ignore_ascii_case(scheme))
    }

    /// Whether the password was not judged because the nonce had expired (`stale`).
    fn is_stale(&self) -> bool {
        let is_true = |challenge: ChallengeRef<'_>| {
            let mut params = challenge.params.into_iter();
            params.any(|(name, value)| {
                name.eq_ignore_ascii_case("stale") && value.to_unescaped().eq_ignore_ascii_case("true")
            })
        };
        self.of_scheme("Digest").any(is_true)
    }
}

/// What the settings say about statuses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) auth: HttpAuth,
    pub(super) accept: Option<u16>,
    pub(super) refuse: Option<u16>,
}

/// Whether the words of the body decide.
pub(super) fn needs_words(rules: Rules, status: u16) -> bool {
    !is_accepted(rules, status) && (200..=599).contains(&status)
}

fn is_accepted(rules: Rules, status: u16) -> bool {
    match rules.accept {
        Some(accept) => status == accept,
        None => ACCEPTED.contains(&status),
    }
}

/// Whether a status says that the server cannot answer now.
pub(super) fn is_outage(status: u16) -> bool {
    matches!(status, 408 | 421 | 423 | 425 | 429 | 451 | 500..=599)
}

/// Judges the response to a request with a name and a password.
///
/// `Ok(None)` is the yes.
///
/// # Errors
/// A [`BackendError`] for everything that is neither a yes nor a recognised no. One that is no
/// outage counts as a guess.
pub(super) fn judge(
    rules: Rules,
    response: &Response,
    words: &Words,
) -> Result<Option<Rejection>, BackendError> {
    judge_status(rules, response, words).map_err(BackendError::counting_unless_outage)
}

fn judge_status(rules: Rules, response: &Response, words: &Words) -> Result<Option<Rejection>, BackendError> {
    let status = response.status;
    let shown = format!("status {status}");
    let unavailable = |text: &str| Err(BackendError::outage(Phase::Login, text, &shown, &words.text));
    let misconfigured =
        |text: &str| Err(BackendError::misconfigured(Phase::Login, format!("{text} ({shown})")));
    let not_recognised = || Err(BackendError::not_recognised(&shown, words.text.clone()).learnable());
    if is_accepted(rules, status) {
        return Ok(None);
    }
    // Whatever else the settings say about this status.
    if status == 401 && response.is_stale() {
        return unavailable("the server did not judge: its nonce had expired");
    }
    if words.is_taught
        && let (200..=299 | 400..=599, ReplyClass::Refusal(rejection)) = (status, words.class)
    {
        return Ok(Some(rejection));
    }
    if rules.refuse == Some(status) {
        return Ok(Some(match words.class {
            ReplyClass::Refusal(rejection) => rejection,
            _ => Rejection::BadCredentials,
        }));
    }
    match (status, words.class) {
        (401, class) => {
            // The challenge is what makes a 401 a refusal of these credentials: without it, or
            // with that of another scheme, another credential is required first. An application
            // that is sent a form has none.
            let is_ours = match rules.auth.scheme() {
                Some(scheme) => response.of_scheme(scheme).next().is_some(),
                None => response.challenges.is_empty(),
            };
            match class {
                ReplyClass::Refusal(rejection) if is_ours => Ok(Some(rejection)),
                ReplyClass::Outage if !is_ours || rules.auth.is_post() => {
                    unavailable("the server did not judge the login")
                }
                _ if is_ours => Ok(Some(Rejection::BadCredentials)),
                _ => not_recognised(),
            }
        }
        (400 | 403 | 409 | 422, ReplyClass::Refusal(rejection)) => Ok(Some(rejection)),
        (400 | 403 | 409 | 422, ReplyClass::Outage) => unavailable("the server did not judge the login"),
        (400 | 403 | 409 | 422, ReplyClass::Unknown) => not_recognised(),
        // The status that accepts was named, so another one may be how this server refuses.
        (200..=299, ReplyClass::Refusal(rejection)) if rules.accept.is_some() => Ok(Some(rejection)),
        (200..=299, ReplyClass::Unknown) if rules.accept.is_some() => not_recognised(),
        (200..=299, _) => misconfigured("the server did not say whether it accepts"),
        (300..=399, _) => misconfigured(
            "the server redirects, and no password follows; set the address that it redirects to",
        ),
        _ if is_outage(status) => unavailable("the server cannot answer now"),
        (407, _) => misconfigured("a proxy in front of the server wants a login of its own"),
        (404 | 410, _) => misconfigured("there is nothing at this path"),
        (405, _) => misconfigured("the server does not allow this method at this path"),
        (400..=499, _) => misconfigured("the server does not take this request"),
        _ => {
            Err(BackendError::protocol(Phase::Login, format!("the server broke the rules of HTTP ({shown})")))
        }
    }
}

#[cfg(test)]
mod tests;
