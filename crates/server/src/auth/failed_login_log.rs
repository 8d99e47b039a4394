//! What the limits on guessing have counted and the store does not have yet.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accounts::{Clock, LoginEvent, Timestamp};
use user_backend::brute_force::{Certainty, FailedLoginObserver, SourceHash, SourceNet, UserHash};

/// How many events may wait to be written.
///
/// One place can add ten failures in half an hour, each with one or two names.
const MAX_WAITING: usize = 30_000;

/// Events that are still to be written, and those of others that are known.
#[derive(Debug)]
pub(crate) struct FailedLoginLog {
    pub(super) id: String,
    pub(super) started: Timestamp,
    pub(super) clock: Clock,
    waiting: Mutex<PendingEvents>,
    pub(super) synced: tokio::sync::Mutex<Synced>,
}

#[derive(Debug, Default)]
pub(super) struct PendingEvents {
    /// Each with its number.
    pub(super) events: VecDeque<(u64, LoginEvent, Timestamp)>,
    next: u64,
}

/// Events seen by other servers.
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

    pub(super) fn waiting(&self) -> MutexGuard<'_, PendingEvents> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since `at`, by the clock of this log.
    pub(super) fn age(&self, at: Timestamp) -> Duration {
        at.until(self.clock.now())
    }

    fn note(&self, event: LoginEvent, at: Timestamp) {
        let mut waiting = self.waiting();
        // A flood while the store cannot be written: what is known in memory counts on.
        if waiting.events.len() < MAX_WAITING {
            let number = waiting.next;
            waiting.next += 1;
            waiting.events.push_back((number, event, at));
        }
    }

    /// Earlier failures of a user are cleared, on all servers.
    ///
    /// `source`: only those from this network.
    fn end(&self, user: UserHash, source: Option<SourceHash>, event: LoginEvent, at: Timestamp) {
        let is_ended = |event: &LoginEvent| match event {
            LoginEvent::UserFailed(other, from) => {
                *other == user && source.is_none_or(|source| source == *from)
            }
            _ => false,
        };
        self.waiting().events.retain(|(_, other, then)| !is_ended(other) || *then > at);
        self.note(event, at);
    }
}

impl FailedLoginObserver for FailedLoginLog {
    fn source_failed(&self, place: SourceNet, certainty: Certainty) {
        self.note(LoginEvent::SourceFailed(place, certainty), self.clock.now());
    }

    fn source_reset(&self, place: SourceNet) {
        let is_of_place =
            |event: &LoginEvent| matches!(event, LoginEvent::SourceFailed(other, _) if *other == place);
        self.waiting().events.retain(|(_, event, _)| !is_of_place(event));
    }

    fn user_failed(&self, user: UserHash, source: SourceHash) {
        self.note(LoginEvent::UserFailed(user, source), self.clock.now());
    }

    fn user_signed_in(&self, user: UserHash, source: SourceHash) {
        self.end(user, Some(source), LoginEvent::UserSignedIn(user, source), self.clock.now());
    }

    fn user_reset(&self, user: UserHash, age: Duration) {
        self.end(user, None, LoginEvent::UserReset(user), self.clock.now().before(age));
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
