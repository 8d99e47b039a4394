//! Checks a server without a real password: it responds, and refuses unknown users.

use std::sync::Arc;

use serde::Serialize;

use super::names::NameRules;
use crate::backend::{Attempt, UserBackend};
use crate::clock::Instant;
use crate::error::BackendError;
use crate::identity::LoginName;
use crate::refusal::{OwnWords, ServerText, told_to_canary};
use crate::secret::{Password, random_hex};
use crate::verdict::{Rejection, Verdict};

/// What became of a canary: a user who does not exist, with a random password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Canary {
    /// The backend refused it, as it should.
    Refused,
    /// The backend answered two of them in the same words, which are not on our lists.
    ///
    /// These words are a refusal from now on; `{name}` is the name.
    RefusedInOwnWords(String),
    /// The backend accepted it: guest mapping, anonymous logins, or it accepts any login.
    #[serde(rename = "accepts_anybody")]
    AcceptsAnyLogin,
    /// The refusal is not recognised and cannot be learned; with its text.
    ///
    /// It reads neither like a refusal nor like an outage. The text is what can be shown of it.
    NotRecognised(String),
    /// The backend could not be asked; why, in words.
    Unknown(String),
    /// The backend cannot be asked with these settings; why, in words.
    Misconfigured(String),
    /// The policy says not to.
    NotAsked,
}

/// Presents a random user with a random password to a backend.
///
/// One failed login upstream, or two if the answer to the first is not recognised. So: at start, on
/// reload, on demand and before a yes that follows an outage or a long time, never per login.
///
/// # Cancellation
/// Safe; the server may still count a failed login.
pub async fn canary(backend: &dyn UserBackend, names: &NameRules, deadline: Instant) -> Canary {
    (&run_canary(backend, names, deadline, &Lesson::default()).await).into()
}

/// What a canary may conclude from an answer that is not recognised.
#[derive(Clone, Debug)]
pub(crate) struct Lesson {
    /// The words with which the server refused earlier canaries.
    pub(crate) known: Option<Arc<OwnWords>>,
    /// Whether other words may be learned.
    pub(crate) may_learn: bool,
}

impl Default for Lesson {
    /// Nothing is known, and everything may be learned.
    fn default() -> Self {
        Self { known: None, may_learn: true }
    }
}

/// How a canary ended.
#[derive(Debug)]
pub(crate) enum CanaryResult {
    /// Refused; with the server's own words if they had to be learned.
    Refused(Option<Arc<OwnWords>>),
    Accepted,
    /// The backend was not asked, and never will be.
    Skipped(&'static str),
    Unreachable(BackendError),
    /// Answered, and the answer is not recognised.
    NotRecognised(BackendError),
}

impl From<&CanaryResult> for Canary {
    fn from(result: &CanaryResult) -> Self {
        match result {
            CanaryResult::Refused(None) => Self::Refused,
            CanaryResult::Refused(Some(words)) => Self::RefusedInOwnWords(words.shown()),
            CanaryResult::Accepted => Self::AcceptsAnyLogin,
            CanaryResult::Skipped(why) => Self::Unknown((*why).to_owned()),
            CanaryResult::NotRecognised(error) => Self::NotRecognised(no_refusal(error)),
            CanaryResult::Unreachable(error) if error.outage_text().is_some() => {
                Self::Unknown(no_refusal(error))
            }
            CanaryResult::Unreachable(error) if error.is_transient() => Self::Unknown(error.to_string()),
            CanaryResult::Unreachable(error) => Self::Misconfigured(error.to_string()),
        }
    }
}

/// The report of an answer that is no refusal, with the setting that makes it one.
///
/// It is not recognised, or reads like an outage.
pub(crate) fn no_refusal(error: &BackendError) -> String {
    let detail = error.detail();
    match error
        .server_text()
        .or_else(|| error.outage_text())
        .map(ServerText::as_str)
        .filter(|text| !text.is_empty())
    {
        Some(words) => {
            let teach = words.replace(['\\', '"'], "*");
            format!(
                "{detail}: {words:?}; if this is how it refuses a wrong password, set refusal_texts = [\"{teach}\"]"
            )
        }
        None => format!("{detail}, without words that can be shown; see refusal_texts in the documentation"),
    }
}

const RULES_REFUSE: &str = "the rules refuse the name, so the server was not asked";

/// The same, for those who draw conclusions.
pub(crate) async fn run_canary(
    backend: &dyn UserBackend,
    names: &NameRules,
    deadline: Instant,
    lesson: &Lesson,
) -> CanaryResult {
    let first = match present(backend, names, deadline).await {
        Ok(first) => first,
        Err(result) => return result,
    };
    if let Some(known) = lesson.known.as_ref().filter(|known| known.are_in(&first.sent, &first.error)) {
        return CanaryResult::Refused(Some(Arc::clone(known)));
    }
    if !lesson.may_learn || !first.error.is_learnable() {
        return CanaryResult::NotRecognised(first.error);
    }
    // The same words for another user who does not exist are this server's way to refuse.
    match present(backend, names, deadline).await {
        Ok(second) => match OwnWords::of_both(first.replied(), second.replied()) {
            Some(words) => CanaryResult::Refused(Some(Arc::new(words))),
            None => CanaryResult::NotRecognised(first.error),
        },
        Err(result) => result,
    }
}

/// A canary whose answer is not recognised.
struct UnrecognisedAnswer {
    sent: String,
    error: BackendError,
}

impl UnrecognisedAnswer {
    fn replied(&self) -> (&str, &BackendError) {
        (&self.sent, &self.error)
    }
}

/// Presents one canary.
///
/// `Ok` is an answer that is not recognised.
async fn present(
    backend: &dyn UserBackend,
    names: &NameRules,
    deadline: Instant,
) -> Result<UnrecognisedAnswer, CanaryResult> {
    let (Ok(name), Ok(password)) = (random_hex::<6>(), random_hex::<16>()) else {
        return Err(CanaryResult::Skipped("the operating system gave no random bytes"));
    };
    let name = match names.domain().domain() {
        Some(domain) => format!("canary-{name}@{domain}"),
        None => format!("canary-{name}"),
    };
    let (Ok(name), Ok(password)) = (LoginName::parse(&name), Password::parse(password)) else {
        return Err(CanaryResult::Skipped("the domain leaves no room for a name"));
    };
    let Ok((upstream, _)) = names.ask(&name) else { return Err(CanaryResult::Skipped(RULES_REFUSE)) };
    let attempt = Attempt::new(&name, &password, deadline).with_upstream_name(&upstream);
    match backend.authenticate(&attempt).await {
        Ok(Verdict::Accepted(_)) => Err(CanaryResult::Accepted),
        Ok(Verdict::NotMine | Verdict::Rejected(Rejection::PolicyDenied)) => {
            Err(CanaryResult::Skipped(RULES_REFUSE))
        }
        Ok(Verdict::Rejected(_)) => Err(CanaryResult::Refused(None)),
        Err(error) => {
            let mut error = error.with_backend(backend.id());
            if let Some(text) = error.outage_text().map(|text| told_to_canary(text, &upstream)) {
                error = error.with_outage_text(text);
            }
            match error.server_text().map(|text| told_to_canary(text, &upstream)) {
                Some(text) => {
                    Ok(UnrecognisedAnswer { sent: upstream.clone(), error: error.with_server_text(text) })
                }
                None => Err(CanaryResult::Unreachable(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::now;
    use crate::memory::StaticBackend;

    #[tokio::test]
    async fn canary_is_refused_by_an_honest_backend_only() {
        let soon = now() + Duration::from_secs(5);
        let honest = StaticBackend::new("honest").unwrap();
        assert_eq!(canary(&honest, &NameRules::new(), soon).await, Canary::Refused);
        let dead = StaticBackend::new("dead").unwrap().unavailable();
        assert!(matches!(canary(&dead, &NameRules::new(), soon).await, Canary::Unknown(_)));
    }
}
