//! Brute-force protection: limits on guesses per source, per user and per backend.
//!
//! | limit | counts per | default |
//! |---|---|---|
//! | [`per_source`] | network of the source: IPv4 address; IPv6 /64, /56 and /48 | 10 in 30 minutes |
//! | [`per_user`] | name, from any source and at any backend, whether there is such a user or not | 4 in 15 minutes, 100 in a row |
//! | `per_backend_user` | backend and user | 4 in 15 minutes |
//! | `per_backend` | backend | off |
//!
//! The resolver applies them in this order. Credentials that were accepted last from the same
//! network are exempt. What one answer of a backend costs is decided in one place (`cost`). For
//! operators: `docs/brute-force-protection.md`.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use user_backend::brute_force::{AttemptLimit, Lockout};
//! use user_backend::resolver::names::DomainRules;
//! use user_backend::{BackendPolicy, Resolver, StaticBackend};
//!
//! let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
//! let mut policy = BackendPolicy::default();
//! policy.budget = AttemptLimit::new(3, Duration::from_secs(30 * 60));
//! let mut lock = Lockout::default();
//! lock.failures = 50;
//! let resolver = Resolver::builder()
//!     .backend_with(Arc::new(people), policy, DomainRules::none())
//!     .lock(Some(lock))
//!     .build()?;
//! # let _ = resolver;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounded_table;
mod failures_in_a_row;
pub(crate) mod known_credentials;
pub(crate) mod per_backend;
pub(crate) mod per_backend_user;
pub mod per_source;
pub mod per_user;
mod report_exchange;
pub(crate) mod shared_budget;
mod source_hash;
mod window;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::error::{BackendError, Phase};
use crate::verdict::{Rejection, Verdict};

pub(crate) use per_backend::BackendLimiter;
pub(crate) use per_backend_user::UpstreamLimiter;
pub(crate) use per_source::SourceRateLimiter;
pub use per_source::{SourceNet, SourceRateLimit};
pub use per_user::Lockout;
pub(crate) use per_user::UserLimiter;
pub use report_exchange::{InvalidUserHash, UserHash, UserHashKey};
pub use shared_budget::{BudgetEntry, BudgetReply, BudgetResult, SharedBudget, SharedBudgetError};
pub use source_hash::SourceHash;
pub use window::{AttemptLimit, Certainty};
pub(crate) use window::{GuessKey, Reached};

/// The longest delay that an attempt waits for.
///
/// Longer ones are refused, with the time to come back.
pub(crate) const MAX_INLINE_WAIT: Duration = Duration::from_secs(5);

/// A limit on guessing that refused an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GuessLimit {
    /// On attempts from one network.
    PerSource,
    /// On attempts with one name, at all backends together.
    PerUser,
    /// On attempts with one name at one backend.
    PerBackendUser,
    /// On failed logins of all users at one backend.
    PerBackend,
}

impl GuessLimit {
    /// What callers may read: there were "too many sign-in attempts with this user name".
    ///
    /// # Security
    /// The limits per user, and per backend and user, have the same text: which of them is reached
    /// first may depend on where the name is known, and the text must not reveal that.
    pub const fn text(self) -> &'static str {
        match self {
            Self::PerSource => "too many sign-in attempts from this network address",
            Self::PerUser | Self::PerBackendUser => "too many sign-in attempts with this user name",
            Self::PerBackend => "too many failed sign-ins at the server that checks this password",
        }
    }
}

impl fmt::Display for GuessLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Receives failures that count, for other processes and for the time after a restart.
///
/// All of it is called while a caller waits for an answer, so an implementation should only take a
/// note.
pub trait FailedLoginObserver: fmt::Debug + Send + Sync + 'static {
    /// A sign-in from this source failed, or its answer is not recognised.
    fn source_failed(&self, source: SourceNet, certainty: Certainty);

    /// The record of this source was cleared: earlier failures do not count.
    fn source_reset(&self, source: SourceNet);

    /// A sign-in with this name failed just now, whether there is such a user or not.
    ///
    /// It came from this network. Only if there is a key for [hashes of names](crate::resolver::ResolverBuilder::user_hashes).
    fn user_failed(&self, _user: UserHash, _source: SourceHash) {}

    /// This user signed in with a password and had failures before from the same network.
    ///
    /// These are cleared.
    fn user_signed_in(&self, _user: UserHash, _source: SourceHash) {}

    /// The record of this user was cleared that long ago: earlier failures do not count.
    fn user_reset(&self, _user: UserHash, _age: Duration) {}
}

/// What one answer of a backend costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// The password is right.
    Right,
    /// It is wrong.
    Wrong,
    /// The backend does not know the user.
    ///
    /// A guess for source and user, and nothing that could lock an account there.
    UnknownUser,
    /// The backend may have seen the password, and did not answer.
    ///
    /// Not in time, or the connection ended.
    Silent,
    /// The backend has seen the password, but its answer is not recognised.
    ///
    /// It counts as a guess.
    Unrecognised,
    /// The backend answered the login with an outage.
    ///
    /// A server that answers wrong passwords like this could otherwise be guessed at without a
    /// limit. It has a wider one of its own.
    Outage,
    /// No one has seen the password, or it says nothing about guesses.
    Nothing,
}

/// The cost of an answer at the limits: the only place that decides this.
///
/// `Unrecognised` keeps the answer an outage and counts as a guess per source, per user and per
/// backend and user.
pub(crate) fn cost(answer: &Result<Verdict, BackendError>) -> Cost {
    match answer {
        Ok(Verdict::Accepted(_)) => Cost::Right,
        Ok(Verdict::Rejected(rejection)) => match rejection {
            // The next guess at a locked account is as good as the last.
            Rejection::BadCredentials | Rejection::AccountLocked => Cost::Wrong,
            Rejection::UnknownUser => Cost::UnknownUser,
            _ => Cost::Nothing,
        },
        Ok(Verdict::NotMine) => Cost::Nothing,
        Err(error) if error.counts_as_guess() => Cost::Unrecognised,
        Err(error) if error.is_unanswered() => Cost::Silent,
        Err(error) if error.phase() == Phase::Login => Cost::Outage,
        Err(_) => Cost::Nothing,
    }
}

/// Whether a final refusal is a failed guess.
pub(crate) fn counts(rejection: Rejection) -> bool {
    matches!(cost(&Ok(Verdict::Rejected(rejection))), Cost::Wrong | Cost::UnknownUser)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of them is reached first may depend on where the name is known.
    #[test]
    fn limits_of_a_user_have_one_text_and_others_differ() {
        let [source, user, backend_user, backend] =
            [GuessLimit::PerSource, GuessLimit::PerUser, GuessLimit::PerBackendUser, GuessLimit::PerBackend]
                .map(GuessLimit::text);
        assert_eq!(user, backend_user);
        assert!(source != user && backend != user && source != backend);
    }
}
