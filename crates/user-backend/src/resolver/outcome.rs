//! Outcomes of an attempt.

use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::trace::Trace;
use crate::brute_force::GuessLimit;
use crate::cache::epochs::Epoch;
use crate::verdict::{Authenticated, Rejection};

/// An answer, and when its check began.
pub(super) type FlightResult = (TracedOutcome, Epoch);

/// The outcome of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// A backend accepted the user.
    Authenticated(Authenticated),
    /// Every backend that might know this user was asked, and the answer is no.
    Refused(Rejection),
    /// Too many attempts: a backend that might know the user was not asked.
    Throttled {
        /// The limit that was reached.
        ///
        /// Its text is for callers.
        limit: GuessLimit,
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// No backend that might know the user could decide.
    ///
    /// Not a wrong password.
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

    /// The HTTP status of an answer with this outcome: 200, 401, 429 or 503.
    ///
    /// Every refusal is 401, whatever its reason: a status of its own for disabled accounts would
    /// show who has one. An outage is 503, so that no client takes it for a wrong password. A 401
    /// needs a header `WWW-Authenticate`, 429 and 503 should have `Retry-After` with
    /// [`Self::retry_after`], and none of them may be cached (`Cache-Control: no-store`).
    ///
    /// ```
    /// # use std::time::Duration;
    /// use user_backend::{Outcome, Rejection};
    ///
    /// assert_eq!(Outcome::Refused(Rejection::BadCredentials).status(), 401);
    /// let outage = Outcome::Unavailable { retry_after: Duration::from_millis(1_500) };
    /// assert_eq!((outage.status(), outage.retry_after_seconds()), (503, Some(2)));
    /// ```
    #[doc(alias = "http")]
    pub fn status(&self) -> u16 {
        match self {
            Self::Authenticated(_) => 200,
            Self::Refused(_) => 401,
            Self::Throttled { .. } => 429,
            Self::Unavailable { .. } => 503,
        }
    }

    /// When it makes sense to try again, for outcomes that are not a decision.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Authenticated(_) | Self::Refused(_) => None,
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after } => Some(*retry_after),
        }
    }

    /// The value of the header `Retry-After` (RFC 9110, section 10.2.3).
    ///
    /// Whole seconds, rounded up, at least one.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after()
            .map(|time| time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1))
    }

    /// The proof of sign-in, or the outcome as an error.
    ///
    /// # Errors
    /// [`NotAuthenticated`]: the outcome, if it is not a sign-in.
    pub fn into_result(self) -> Result<Authenticated, NotAuthenticated> {
        match self {
            Self::Authenticated(proof) => Ok(proof),
            Self::Refused(rejection) => Err(NotAuthenticated::Refused(rejection)),
            Self::Throttled { retry_after, limit } => Err(NotAuthenticated::Throttled { retry_after, limit }),
            Self::Unavailable { retry_after } => Err(NotAuthenticated::Unavailable { retry_after }),
        }
    }
}

/// Why an attempt is no sign-in.
///
/// An [`Outcome`] that is not [`Outcome::Authenticated`], as an error.
///
/// The texts are for logs. What the person who signs in may read is the program's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAuthenticated {
    /// See [`Outcome::Refused`].
    #[error("refused: {0}")]
    Refused(Rejection),
    /// See [`Outcome::Throttled`].
    #[error("{}", limit.text())]
    Throttled {
        /// When it makes sense to try again.
        retry_after: Duration,
        /// The limit that was reached.
        limit: GuessLimit,
    },
    /// See [`Outcome::Unavailable`].
    #[error("no backend that may know the user can be reached")]
    Unavailable {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
}

impl From<NotAuthenticated> for Outcome {
    fn from(error: NotAuthenticated) -> Self {
        match error {
            NotAuthenticated::Refused(rejection) => Self::Refused(rejection),
            NotAuthenticated::Throttled { retry_after, limit } => Self::Throttled { retry_after, limit },
            NotAuthenticated::Unavailable { retry_after } => Self::Unavailable { retry_after },
        }
    }
}

/// An outcome, and how it came about.
///
/// Serialises as `{"outcome", "user", "backend", "reason", "trace"}` and a few words more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TracedOutcome {
    /// The outcome.
    pub outcome: Outcome,
    /// How it came about: for operators, not for the person who signs in.
    pub trace: Trace,
}

impl TracedOutcome {
    /// The proof of sign-in, if there is one.
    pub fn authenticated(&self) -> Option<&Authenticated> {
        match &self.outcome {
            Outcome::Authenticated(proof) => Some(proof),
            _ => None,
        }
    }

    /// The proof of sign-in, or the outcome as an error: see [`Outcome::into_result`].
    ///
    /// # Errors
    /// [`NotAuthenticated`].
    pub fn into_result(self) -> Result<Authenticated, NotAuthenticated> {
        self.outcome.into_result()
    }
}

impl Serialize for TracedOutcome {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_retry_after_follow_from_the_outcome() {
        let after = Duration::from_millis;
        for (outcome, status, seconds) in [
            (Outcome::Refused(Rejection::BadCredentials), 401, None),
            (Outcome::Refused(Rejection::AccountDisabled), 401, None),
            (Outcome::Throttled { limit: GuessLimit::PerSource, retry_after: after(0) }, 429, Some(1)),
            (Outcome::Throttled { limit: GuessLimit::PerSource, retry_after: after(5_000) }, 429, Some(5)),
            (Outcome::Unavailable { retry_after: after(5_001) }, 503, Some(6)),
            (Outcome::Unavailable { retry_after: Duration::MAX }, 503, Some(u64::MAX)),
        ] {
            assert_eq!((outcome.status(), outcome.retry_after_seconds()), (status, seconds), "{outcome:?}");
            let error = outcome.clone().into_result().unwrap_err();
            assert_eq!(Outcome::from(error), outcome);
        }
    }
}
