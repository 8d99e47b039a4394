//! How a decision came about, as data: every backend, what it said or why it was not asked, and the rule that ended it.
//!
//! A trace never holds a password. What a server said beyond its reply codes is in it only as a
//! [`ServerText`](crate::ServerText). It is for operators, not for the user who signs in: it shows which backends exist and
//! which of them know a name.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::error::{BackendError, FailureKind, Phase};
use crate::identity::BackendId;
use crate::refusal::ServerText;
use crate::verdict::{Rejection, Verdict};

/// The target of lines that an auditor wants.
pub(super) const AUDIT: &str = "user_backend::audit";

/// How a decision came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// One step per backend, in the order of the array.
    pub steps: Vec<Step>,
    /// The rule that ended it.
    pub ended_by: Rule,
    /// What the rule has to add, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whole milliseconds from the question to the answer.
    pub ms: u64,
}

/// One backend's part in a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// The backend.
    pub backend: BackendId,
    /// What it said.
    pub verdict: Said,
    /// How far a failed attempt came.
    pub phase: Option<Phase>,
    /// Whole milliseconds spent on it.
    pub ms: u64,
    /// The reason in words: of a rejection, of a failure, or why it was not asked.
    pub reason: Option<Cow<'static, str>>,
    /// What the server says: to its user, or in an answer that is not recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_text: Option<ServerText>,
    /// Limits on guessing count the answer, although it is no verdict.
    #[serde(skip)]
    pub(super) counts_as_guess: bool,
}

/// What a backend said, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Said {
    /// Yes.
    Accepted,
    /// No.
    Rejected,
    /// The name is of another domain.
    NotMine,
    /// It could not be asked.
    Unavailable,
    /// It cannot be asked with these settings.
    Misconfigured,
    /// It does not speak its protocol.
    Protocol,
    /// It was not asked.
    Skipped,
}

impl Said {
    /// What was said in one lower-case word, as JSON and metrics show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::NotMine => "not_mine",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
            Self::Protocol => "protocol",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::NotMine => "not mine",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
            Self::Protocol => "broke the protocol",
            Self::Skipped => "not asked",
        })
    }
}

/// The rule that ended a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// The name or the password cannot be anybody's: nobody was asked.
    InvalidInput,
    /// The same name and password were accepted a short while ago.
    CachedAcceptance,
    /// The same name and password were refused a short while ago.
    CachedRefusal,
    /// A backend accepted.
    Accepted,
    /// The backend cannot be asked, and it accepted the same name and password some time ago (`max_stale`).
    Grace,
    /// A backend rejected, and its `on_reject` is `stop`.
    RejectionStops,
    /// Every backend was asked and nobody accepted.
    NobodyAccepted,
    /// No backend is there for names like this, or the settings deny it: nobody was asked.
    NobodyAsked,
    /// A backend could not be asked, and its `on_unavailable` is `stop`: he might be its user.
    OutageStops,
    /// Nobody accepted, and somebody who might have could not be asked.
    OutageUndecided,
    /// Too many failed sign-ins from one address: nobody was asked.
    SourceThrottled,
    /// Too many failed sign-ins at one person: nobody was asked.
    UserLocked,
    /// A backend was not asked, to keep the account from being locked there.
    BudgetSpent,
    /// The name belongs to a backend that is not configured any more.
    OwnerMissing,
    /// A backend accepted a name that belongs to another one.
    NotTheOwner,
    /// Nobody knows whose the name is: the store of pins failed.
    PinsUnavailable,
    /// The account was changed while the check was under way.
    Invalidated,
    /// There was no time left, or too much was going on.
    Overload,
}

impl Rule {
    /// The rule in one lower-case word, as JSON and metrics show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::CachedAcceptance => "cached_acceptance",
            Self::CachedRefusal => "cached_refusal",
            Self::Accepted => "accepted",
            Self::Grace => "grace",
            Self::RejectionStops => "rejection_stops",
            Self::NobodyAccepted => "nobody_accepted",
            Self::NobodyAsked => "nobody_asked",
            Self::OutageStops => "outage_stops",
            Self::OutageUndecided => "outage_undecided",
            Self::SourceThrottled => "source_throttled",
            Self::UserLocked => "user_locked",
            Self::BudgetSpent => "budget_spent",
            Self::OwnerMissing => "owner_missing",
            Self::NotTheOwner => "not_the_owner",
            Self::PinsUnavailable => "pins_unavailable",
            Self::Invalidated => "invalidated",
            Self::Overload => "overload",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidInput => "this cannot be anybody's name and password, so nobody was asked",
            Self::CachedAcceptance => "the same name and password were accepted a short while ago",
            Self::CachedRefusal => "the same name and password were refused a short while ago",
            Self::Accepted => "the first backend that accepts decides",
            Self::Grace => "its backend cannot be asked, and accepted the same name and password before (max_stale)",
            Self::RejectionStops => "a rejection by this backend is final (on_reject = \"stop\")",
            Self::NobodyAccepted => "every backend was asked and nobody accepted",
            Self::NobodyAsked => "no backend is there for this name, or the settings deny it: nobody was asked",
            Self::OutageStops => {
                "a backend that might own this user could not be asked, so nobody else may admit him (on_unavailable = \"stop\")"
            }
            Self::OutageUndecided => "nobody accepted, and a backend that might have could not be asked",
            Self::SourceThrottled => "there were too many failed sign-ins from this address, so nobody was asked",
            Self::UserLocked => "there were too many failed sign-ins of this user, from wherever, so nobody was asked",
            Self::BudgetSpent => "too many wrong passwords for this user; wait, or sign in with the password that worked before",
            Self::OwnerMissing => "this name belongs to a backend that is not configured (any more); rebind it",
            Self::NotTheOwner => "a backend accepted a name that belongs to another one, which counts for nothing",
            Self::PinsUnavailable => "nobody knows whose this name is",
            Self::Invalidated => "the account was changed while the check was under way",
            Self::Overload => "no answer in time, or too many attempts under way",
        })
    }
}

impl Step {
    pub(super) fn of(backend: &BackendId, answer: &Result<Verdict, BackendError>, ms: u64) -> Self {
        let (verdict, phase, reason) = match answer {
            Ok(Verdict::Accepted(_)) => (Said::Accepted, None, None),
            Ok(Verdict::Rejected(rejection)) => (Said::Rejected, None, Some(rejection.as_text().into())),
            Ok(Verdict::NotMine) => (Said::NotMine, None, Some("the name belongs to another domain".into())),
            Err(error) => {
                let said = match error.failure_kind() {
                    FailureKind::Unavailable => Said::Unavailable,
                    FailureKind::Misconfigured => Said::Misconfigured,
                    FailureKind::Protocol => Said::Protocol,
                };
                (said, Some(error.phase()), Some(error.detail().to_owned().into()))
            }
        };
        let error = answer.as_ref().err();
        let server_text = error.and_then(BackendError::server_text).filter(|text| !text.is_empty()).cloned();
        let counts_as_guess = error.is_some_and(BackendError::counts_as_guess);
        Self { backend: backend.clone(), verdict, phase, ms, reason, server_text, counts_as_guess }
    }

    /// The same with what the server says to its user.
    pub(super) fn with_message(mut self, message: Option<ServerText>) -> Self {
        self.server_text = self.server_text.or(message);
        self
    }

    /// Whether the backend could not be reached. A name that does not exist counts: a machine without a network knows none.
    pub(super) fn is_silence(&self) -> bool {
        match self.verdict {
            Said::Unavailable => true,
            Said::Misconfigured => self.phase == Some(Phase::Resolve),
            _ => false,
        }
    }

    pub(super) fn skipped(backend: &BackendId, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            backend: backend.clone(),
            verdict: Said::Skipped,
            phase: None,
            ms: 0,
            reason: Some(reason.into()),
            server_text: None,
            counts_as_guess: false,
        }
    }

    /// The attempt was restricted to another backend.
    pub(super) fn excluded(backend: &BackendId) -> Self {
        Self::skipped(backend, "the attempt was restricted to another backend")
    }

    #[inline(always)]
    pub(super) fn remembered(backend: &BackendId, verdict: Said) -> Self {
        Self {
            backend: backend.clone(),
            verdict,
            phase: None,
            ms: 0,
            reason: Some("from the cache".into()),
            server_text: None,
            counts_as_guess: false,
        }
    }
}

impl Trace {
    pub(super) fn new(ended_by: Rule) -> Self {
        Self { steps: Vec::new(), ended_by, note: None, ms: 0 }
    }

    /// Whether a server was sent the password and gave an answer that is not recognised.
    pub(super) fn counts_as_guess(&self) -> bool {
        self.steps.iter().any(|step| step.counts_as_guess)
    }

    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// The trace told to a person: one line per backend, then the rule that ended it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.steps.iter().map(|step| step.backend.as_str().len()).max().unwrap_or_default();
        for (number, step) in self.steps.iter().enumerate() {
            write!(f, "{}. {:width$}  {}", number + 1, step.backend.as_str(), step.verdict)?;
            if let Some(phase) = step.phase {
                write!(f, " during {phase}")?;
            }
            if let Some(reason) = &step.reason {
                write!(f, ": {reason}")?;
            }
            if let Some(text) = &step.server_text {
                write!(f, "; the server says: {:?}", text.as_str())?;
            }
            if step.verdict != Said::Skipped {
                write!(f, " ({} ms)", step.ms)?;
            }
            writeln!(f)?;
        }
        write!(f, "=> {}", self.ended_by)?;
        if let Some(note) = &self.note {
            write!(f, ": {note}")?;
        }
        write!(f, " ({} ms in all)", self.ms)
    }
}

/// Of several rejections the one that tells most: an account that exists and is locked beats "unknown here".
pub(super) fn more_telling(one: Option<Rejection>, other: Rejection) -> Rejection {
    let weight = |rejection: Rejection| match rejection {
        Rejection::PolicyDenied => 0,
        Rejection::UnknownUser => 1,
        Rejection::BadCredentials => 2,
        Rejection::CredentialsExpired => 3,
        Rejection::AccountDisabled => 4,
        Rejection::AccountLocked => 5,
    };
    one.filter(|one| weight(*one) >= weight(other)).unwrap_or(other)
}
