//! The failed logins that the rate limit has counted and the store does not have yet.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accounts::{Clock, Timestamp};
use user_backend::brute_force::{Certainty, FailedLoginObserver, SourceNet};

/// How many failures may wait to be written. One place can add ten in half an hour.
const MAX_WAITING: usize = 10_000;

/// Failures that are still to be written, and those of others that are known.
#[derive(Debug)]
pub(crate) struct FailedLoginLog {
    pub(super) id: String,
    pub(super) started: Timestamp,
    pub(super) clock: Clock,
    waiting: Mutex<Waiting>,
    pub(super) synced: tokio::sync::Mutex<Synced>,
}

#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Each with its number.
    pub(super) failures: VecDeque<(u64, SourceNet, Timestamp)>,
    next: u64,
}

/// Failures seen by other servers.
#[derive(Debug, Default)]
pub(super) struct Synced {
    pub(super) newest: i64,
    pub(super) known: HashSet<i64>,
}

impl FailedLoginLog {
    pub(crate) fn new() -> Self {
        let clock = Clock::system();
        let started = clock.now();
        Self {
            id: format!("{}:{}:{}", host(), std::process::id(), started.millis()),
            started,
            clock,
            waiting: Mutex::default(),
            synced: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A server that has just been started has heard of nothing, whatever its name was before.
    pub(super) fn age(&self, at: Timestamp) -> Duration {
        // A clock that was set back makes a failure as young as can be.
        let millis = self.clock.now().millis().saturating_sub(at.millis()).max(0);
        Duration::from_millis(u64::try_from(millis).unwrap_or_default())
    }
}

impl FailedLoginObserver for FailedLoginLog {
    fn source_failed(&self, place: SourceNet, certainty: Certainty) {
        // The store keeps wrong passwords only: counted as one of those elsewhere, an outage would look like them.
        if certainty != Certainty::Wrong {
            return;
        }
        let at = self.clock.now();
        let mut waiting = self.waiting();
        // A flood while the store cannot be written: what is known in memory counts on.
        if waiting.failures.len() < MAX_WAITING {
            let number = waiting.next;
            waiting.next += 1;
            waiting.failures.push_back((number, place, at));
        }
    }

    fn source_reset(&self, place: SourceNet) {
        self.waiting().failures.retain(|(_, other, _)| *other != place);
    }
}

/// The host name.
pub(super) fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok());
    name.map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "here".to_owned())
}
