//! Outcomes of an attempt.

use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::trace::Trace;
use crate::brute_force::GuessLimit;
use crate::cache::epochs::Epoch;
use crate::verdict::{Authenticated, Rejection};

/// An answer, and when its check began.
pub(super) type Landed = (Answer, Epoch);

/// The outcome of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// A backend accepted the user.
    Authenticated(Authenticated),
    /// Everybody who might know this person was asked, and the answer is no.
    Refused(Rejection),
    /// Too many attempts: a backend that might know the user was not asked.
    Throttled {
        /// The limit that was reached. Its text is for callers.
        limit: GuessLimit,
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// No backend that might know the user could decide. Not a wrong password.
    Unavailable {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
}

impl Outcome {
    /// The outcome in one lower-case word, as JSON, metrics and exit codes name it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Authenticated(_) => "authenticated",
            Self::Refused(_) => "refused",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

/// An outcome, and how it came about.
///
/// Serialises as `{"outcome", "user", "backend", "reason", "trace"}` and a few words more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The outcome.
    pub outcome: Outcome,
    /// How it came about: for operators, not for the person who signs in.
    pub trace: Trace,
}

impl Answer {
    /// The proof of sign-in, if there is one.
    pub fn authenticated(&self) -> Option<&Authenticated> {
        match &self.outcome {
            Outcome::Authenticated(proof) => Some(proof),
            _ => None,
        }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let proof = self.authenticated();
        let (reason, retry_after) = match &self.outcome {
            Outcome::Authenticated(_) => (None, None),
            Outcome::Refused(rejection) => (Some(rejection.as_str()), None),
            Outcome::Throttled { retry_after, .. } => (Some("throttled"), Some(retry_after.as_secs())),
            Outcome::Unavailable { retry_after } => (Some("unavailable"), Some(retry_after.as_secs())),
        };
        let mut answer = serializer.serialize_struct("Answer", 9)?;
        answer.serialize_field("outcome", self.outcome.as_str())?;
        answer.serialize_field("user", &proof.map(Authenticated::name))?;
        answer.serialize_field("backend", &proof.map(Authenticated::backend))?;
        answer
            .serialize_field("groups", &proof.map(|proof| proof.identity().groups().collect::<Vec<_>>()))?;
        answer.serialize_field("reason", &reason)?;
        answer.serialize_field("retry_after", &retry_after)?;
        answer.serialize_field("ended_by", &self.trace.ended_by)?;
        answer.serialize_field("ms", &self.trace.ms)?;
        answer.serialize_field("trace", &self.trace.steps)?;
        answer.end()
    }
}
