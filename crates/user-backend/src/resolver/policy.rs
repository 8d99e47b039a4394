//! How the resolver treats one backend.
//!
//! What an operator sets per entry beside the server's address.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::brute_force::AttemptLimit;
/// Earlier name of [`AttemptLimit`].
pub use crate::brute_force::AttemptLimit as Budget;

/// How long one attempt may take when nothing else is set.
pub(super) const DEFAULT_DEADLINE: Duration = Duration::from_secs(25);

/// What a rejection means for later backends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnReject {
    /// The next backend is asked.
    ///
    /// The default.
    #[default]
    Continue,
    /// The answer is no.
    Stop,
}

/// What an outage of this backend means for later ones, if the name has no known owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnUnavailable {
    /// The answer is "unavailable".
    ///
    /// The user may belong to this backend, so no other may accept them. The default.
    #[default]
    Stop,
    /// Later backends may admit him.
    Continue,
}

/// How the resolver treats one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendPolicy {
    /// What a rejection means for later backends (default: they are asked).
    pub on_reject: OnReject,
    /// What an outage means for later backends (default: they are not asked).
    pub on_unavailable: OnUnavailable,
    /// Whether long-running processes run the canary at start (default: yes).
    ///
    /// It proves that the backend refuses a random user.
    pub canary: bool,
    /// How long an accepted outcome is remembered (default 5 minutes; zero: not at all).
    pub cache_accepted: Duration,
    /// How long rejected credentials are remembered (default 30 seconds; zero: not at all).
    pub cache_rejected: Duration,
    /// The maximum age of a yes during an outage of the backend (default: it is invalid).
    pub max_stale: Option<Duration>,
    /// How many failed logins of one user may reach the backend (default 4 in 15 minutes).
    pub budget: AttemptLimit,
    /// The maximum of failed logins of all users at the backend (default: not limited).
    ///
    /// A quarter is reserved for users whose password was right the last time.
    pub budget_all: Option<AttemptLimit>,
    /// How many attempts may be under way at the backend at once (default 16).
    pub max_concurrent: usize,
    /// How many connections are prepared after a login, for the next ones (default: 0).
    ///
    /// `smb` has no such pool.
    pub warm: usize,
}

impl Default for BackendPolicy {
    fn default() -> Self {
        Self {
            on_reject: OnReject::default(),
            on_unavailable: OnUnavailable::default(),
            canary: true,
            cache_accepted: Duration::from_secs(5 * 60),
            cache_rejected: Duration::from_secs(30),
            max_stale: None,
            budget: AttemptLimit::default(),
            budget_all: None,
            max_concurrent: 16,
            warm: 0,
        }
    }
}
