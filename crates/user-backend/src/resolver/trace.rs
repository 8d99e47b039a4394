//! The trace of a decision: the outcome at every backend, and the reason that ended it.
//!
//! A trace never holds a password. What a server sent beyond its reply codes is in it only as a
//! [`ServerText`](crate::ServerText). It is for operators, not for the user who signs in: it shows
//! which backends exist and which of them know a name.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::brute_force::GuessLimit;
use crate::error::{BackendError, FailureKind, Phase};
use crate::identity::BackendId;
use crate::refusal::ServerText;
use crate::verdict::{Rejection, Verdict};

/// The target of log lines for auditors.
pub(super) const AUDIT: &str = "user_backend::audit";

/// How a decision came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// One step per backend, in the order of the array.
    pub steps: Vec<TraceStep>,
    /// The rule that ended it.
    pub ended_by: EndReason,
    /// Additional text of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whole milliseconds from the question to the answer.
    pub ms: u64,
}

/// One backend's part in a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TraceStep {
    /// The backend.
    pub backend: BackendId,
    /// The result.
    pub verdict: StepOutcome,
    /// How far a failed attempt came.
    pub phase: Option<Phase>,
    /// Whole milliseconds spent on it.
    pub ms: u64,
    /// The reason in words: of a rejection, of a failure, or why it was not asked.
    pub reason: Option<Cow<'static, str>>,
    /// What the server says: to its user, or in an answer that is not recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_text: Option<ServerText>,
}

/// The result of one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StepOutcome {
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

impl StepOutcome {
    /// The result in one lower-case word, as in JSON and metrics.
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

impl Serialize for StepOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for StepOutcome {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The name or the password is invalid: no backend was asked.
    InvalidInput,
    /// The same name and password were accepted a short while ago.
    CachedAcceptance,
    /// The same name and password were refused a short while ago.
    CachedRefusal,
    /// A backend accepted.
    Accepted,
    /// The backend is unavailable, and accepted the same credentials earlier (`max_stale`).
    Grace,
    /// A backend rejected, and its `on_reject` is `stop`.
    RejectionStops,
    /// Every backend was asked and none accepted.
    NotAccepted,
    /// No backend is responsible for the name, or the settings deny it: none was asked.
    NotAttempted,
    /// A possible owner is unavailable, and its `on_unavailable` is `stop`.
    OutageStops,
    /// No backend accepted, and one that might have could not be asked.
    OutageUndecided,
    /// Too many failed sign-ins from one address: no backend was asked.
    SourceThrottled,
    /// Too many failed sign-ins of one user: no backend was asked.
    UserLocked,
    /// A backend was not asked, to keep the account from being locked there.
    BudgetSpent,
    /// A backend was not asked, to keep it from banning this program's address.
    BackendBudgetSpent,
    /// The name belongs to a backend that is not configured any more.
    OwnerMissing,
    /// A backend accepted a name that belongs to another one.
    NotTheOwner,
    /// The owner of the name is unknown: the store of pins failed.
    PinsUnavailable,
    /// The failed logins at other servers are unknown: the shared record failed.
    LimitsUnavailable,
    /// The account was changed while the check was under way.
    Invalidated,
    /// There was no time left, or too much was going on.
    Overload,
}

impl EndReason {
    /// The rule in one lower-case word, as JSON and metrics show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::CachedAcceptance => "cached_acceptance",
            Self::CachedRefusal => "cached_refusal",
            Self::Accepted => "accepted",
            Self::Grace => "grace",
            Self::RejectionStops => "rejection_stops",
            Self::NotAccepted => "nobody_accepted",
            Self::NotAttempted => "nobody_asked",
            Self::OutageStops => "outage_stops",
            Self::OutageUndecided => "outage_undecided",
            Self::SourceThrottled => "source_throttled",
            Self::UserLocked => "user_locked",
            Self::BudgetSpent => "budget_spent",
            Self::BackendBudgetSpent => "backend_budget_spent",
            Self::OwnerMissing => "owner_missing",
            Self::NotTheOwner => "not_the_owner",
            Self::PinsUnavailable => "pins_unavailable",
            Self::LimitsUnavailable => "limits_unavailable",
            Self::Invalidated => "invalidated",
            Self::Overload => "overload",
        }
    }
}

impl From<GuessLimit> for EndReason {
    fn from(limit: GuessLimit) -> Self {
        match limit {
            GuessLimit::PerSource => Self::SourceThrottled,
            GuessLimit::PerUser => Self::UserLocked,
            GuessLimit::PerBackendUser => Self::BudgetSpent,
            GuessLimit::PerBackend => Self::BackendBudgetSpent,
        }
    }
}

impl Serialize for EndReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidInput => "name or password cannot be valid, so no backend was asked",
            Self::CachedAcceptance => "the same name and password were accepted a short while ago",
            Self::CachedRefusal => "the same name and password were refused a short while ago",
            Self::Accepted => "the first backend that accepts decides",
            Self::Grace => "its backend cannot be asked, and accepted the same name and password before (max_stale)",
            Self::RejectionStops => "a rejection by this backend is final (on_reject = \"stop\")",
            Self::NotAccepted => "every backend was asked and none accepted",
            Self::NotAttempted => "no backend is responsible for this name, or the settings deny it: none was asked",
            Self::OutageStops => {
                "a backend that might own this user could not be asked, so no other backend may accept them (on_unavailable = \"stop\")"
            }
            Self::OutageUndecided => "no backend accepted, and one that might have could not be asked",
            Self::SourceThrottled => "too many failed sign-ins from this address, so no backend was asked",
            Self::UserLocked => "too many failed sign-ins of this user, from any address, so no backend was asked",
            Self::BudgetSpent => "too many wrong passwords for this user; wait, or sign in with the password that worked before",
            Self::BackendBudgetSpent => "too many wrong passwords at this backend; wait, or sign in with the password that worked before",
            Self::OwnerMissing => "this name belongs to a backend that is no longer configured; rebind it",
            Self::NotTheOwner => "a backend accepted a name that belongs to another one; this is ignored",
            Self::PinsUnavailable => "the owner of this name is unknown",
            Self::LimitsUnavailable => "the failed logins at other servers are unknown",
            Self::Invalidated => "the account was changed during the sign-in",
            Self::Overload => "no answer in time, or too many concurrent attempts",
        })
    }
}

impl TraceStep {
    pub(super) fn of(backend: &BackendId, answer: &Result<Verdict, BackendError>, ms: u64) -> Self {
        let (verdict, phase, reason) = match answer {
            Ok(Verdict::Accepted(_)) => (StepOutcome::Accepted, None, None),
            Ok(Verdict::Rejected(rejection)) => {
                (StepOutcome::Rejected, None, Some(rejection.as_text().into()))
            }
            Ok(Verdict::NotMine) => {
                (StepOutcome::NotMine, None, Some("the name belongs to another domain".into()))
            }
            Err(error) => {
                let outcome = match error.failure_kind() {
                    FailureKind::Unavailable => StepOutcome::Unavailable,
                    FailureKind::Misconfigured => StepOutcome::Misconfigured,
                    FailureKind::Protocol => StepOutcome::Protocol,
                };
                (outcome, Some(error.phase()), Some(error.detail().to_owned().into()))
            }
        };
        let error = answer.as_ref().err();
        let server_text = error.and_then(BackendError::server_text).filter(|text| !text.is_empty()).cloned();
        Self { backend: backend.clone(), verdict, phase, ms, reason, server_text }
    }

    /// The same with what the server says to its user.
    pub(super) fn with_message(mut self, message: Option<ServerText>) -> Self {
        self.server_text = self.server_text.or(message);
        self
    }

    /// The same for a user who has the right password and is not admitted.
    pub(super) fn not_admitted(mut self) -> Self {
        self.reason = Some("not admitted by the setting `admit`; refused like a wrong password".into());
        self
    }

    /// Whether the backend could not be reached.
    ///
    /// A name that does not exist counts: a machine without a network knows none.
    pub(super) fn is_silence(&self) -> bool {
        match self.verdict {
            StepOutcome::Unavailable => true,
            StepOutcome::Misconfigured => self.phase == Some(Phase::Resolve),
            _ => false,
        }
    }

    pub(super) fn skipped(backend: &BackendId, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            backend: backend.clone(),
            verdict: StepOutcome::Skipped,
            phase: None,
            ms: 0,
            reason: Some(reason.into()),
            server_text: None,
        }
    }

    /// The attempt was restricted to another backend.
    pub(super) fn excluded(backend: &BackendId) -> Self {
        Self::skipped(backend, "the attempt was restricted to another backend")
    }

    #[inline(always)]
    pub(super) fn remembered(backend: &BackendId, verdict: StepOutcome) -> Self {
        Self {
            backend: backend.clone(),
            verdict,
            phase: None,
            ms: 0,
            reason: Some("from the cache".into()),
            server_text: None,
        }
    }
}

impl Trace {
    pub(super) fn new(ended_by: EndReason) -> Self {
        Self { steps: Vec::new(), ended_by, note: None, ms: 0 }
    }

    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// The trace as text: one line per backend, then the rule that ended it.
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
            if step.verdict != StepOutcome::Skipped {
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

/// Of several rejections the most informative.
///
/// An account that exists and is locked beats "unknown here".
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
