//! Failed logins within a time.
//!
//! What the limits per user, and per backend and user, count with.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use super::source_hash::SourceHash;
use crate::clock::Instant;
use crate::secret::OutcomeKey;

/// Assumed duration of attempts in progress.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// A maximum number of failed logins in a time window.
///
/// ```
/// use std::time::Duration;
/// use user_backend::BackendPolicy;
/// use user_backend::brute_force::AttemptLimit;
///
/// let mut policy = BackendPolicy::default();
/// policy.budget = AttemptLimit::new(3, Duration::from_secs(30 * 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct AttemptLimit {
    /// This many failures …
    pub failures: u32,
    /// … in this time.
    pub per: Duration,
}

impl Default for AttemptLimit {
    /// 4 failures in 15 minutes: below the lockout threshold of every common server.
    fn default() -> Self {
        Self { failures: 4, per: Duration::from_secs(15 * 60) }
    }
}

impl AttemptLimit {
    /// At most this many failures in this time.
    pub const fn new(failures: u32, per: Duration) -> Self {
        Self { failures, per }
    }

    /// The stricter of two: fewer failures, or the longer time for as many.
    pub(crate) fn stricter(self, other: Self) -> Self {
        let by = |limit: &Self| (limit.failures, std::cmp::Reverse(limit.per));
        if by(&other) < by(&self) { other } else { self }
    }

    fn max(self) -> usize {
        usize::try_from(self.failures).unwrap_or(usize::MAX)
    }
}

impl std::fmt::Display for AttemptLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.per.as_secs();
        match seconds.is_multiple_of(60) {
            true => write!(f, "{} in {} min", self.failures, seconds / 60),
            false => write!(f, "{} in {seconds} s", self.failures),
        }
    }
}

/// What the limits know credentials by.
///
/// Refused ones are the same from everywhere. Those without an answer are the same only from one
/// network: otherwise, what the owner tried during an outage would be the one guess from elsewhere
/// that a reached limit lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GuessKey {
    /// The name and the password.
    pub(crate) credentials: OutcomeKey,
    /// The name, the password and the network of the source.
    pub(crate) from_network: OutcomeKey,
    /// The network of the source.
    pub(crate) source: SourceHash,
}

/// What is known about a password that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// A backend refused it.
    Wrong,
    /// A backend may have seen it and did not judge it.
    Unanswered,
}

/// A limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// By wrong passwords: until this time is over.
    ByFailures(Duration),
    /// Only because of attempts without an answer.
    ///
    /// They are under way, or a backend did not decide. An outage must not look like a wrong
    /// password, so this is reported as unavailable.
    ByUnanswered,
}

/// The failures that still count, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<FailedAttempt>);

#[derive(Clone, Copy, Debug)]
struct FailedAttempt {
    at: Instant,
    /// What was tried; `None` when another process saw it.
    ///
    /// The credentials if they are wrong, and with the network as long as that is not known.
    key: Option<OutcomeKey>,
    source: SourceHash,
    certainty: Certainty,
}

impl Window {
    /// Whether one more attempt with these credentials may be made while `under_way` others are.
    ///
    /// The same wrong password that comes again and again may use half of the limit. The rest is
    /// for the user who owns the device with the old password. A password that got no answer does
    /// not block itself.
    ///
    /// # Errors
    /// [`Reached`]
    pub(super) fn check(
        &mut self,
        limit: AttemptLimit,
        key: &GuessKey,
        under_way: usize,
        at: Instant,
    ) -> Result<(), Reached> {
        self.expire(limit, at);
        let max = limit.max();
        if self.0.len().saturating_add(under_way) < max / 2 {
            return Ok(());
        }
        let max = self.limit_for(limit, key).max();
        let is_wrong = |failure: &&FailedAttempt| failure.certainty == Certainty::Wrong;
        let others =
            |failure: &&FailedAttempt| is_wrong(failure) || failure.key.as_ref() != Some(&key.from_network);
        if self.0.iter().filter(others).count().saturating_add(under_way) < max {
            return Ok(());
        }
        let wrong = self.0.iter().filter(is_wrong).count();
        let Some(surplus) = wrong.checked_sub(max) else { return Err(Reached::ByUnanswered) };
        // This number must expire before there is room for one more.
        let last = self.0.iter().filter(is_wrong).nth(surplus).map_or(at, |failure| failure.at);
        Err(Reached::ByFailures(limit.per.saturating_sub(at.saturating_duration_since(last))))
    }

    /// The limit for these credentials: half of it if they were refused within the time.
    pub(super) fn limit_for(&self, limit: AttemptLimit, key: &GuessKey) -> AttemptLimit {
        let failures = if self.has_refused(key) { limit.failures / 2 } else { limit.failures };
        AttemptLimit { failures, ..limit }
    }

    /// Whether these very credentials were refused within the time.
    pub(super) fn has_refused(&self, key: &GuessKey) -> bool {
        let refused = |failure: &FailedAttempt| {
            failure.certainty == Certainty::Wrong && failure.key == Some(key.credentials)
        };
        self.0.iter().any(refused)
    }

    /// Counts a failure.
    ///
    /// One without an answer counts once per network, until it turns out to be wrong.
    pub(super) fn fail(&mut self, key: &GuessKey, certainty: Certainty, at: Instant) {
        // It was wrong before, so it is wrong now.
        let certainty = if self.has_refused(key) { Certainty::Wrong } else { certainty };
        let is_unanswered = |failure: &FailedAttempt| {
            failure.certainty == Certainty::Unanswered && failure.key == Some(key.from_network)
        };
        let known = self.0.iter().position(is_unanswered);
        match (known, certainty) {
            (Some(_), Certainty::Unanswered) => {}
            (Some(place), Certainty::Wrong) => {
                self.0.remove(place);
                self.push(key, certainty, at);
            }
            (None, _) => self.push(key, certainty, at),
        }
    }

    fn push(&mut self, key: &GuessKey, certainty: Certainty, at: Instant) {
        let tried = match certainty {
            Certainty::Wrong => key.credentials,
            Certainty::Unanswered => key.from_network,
        };
        self.0.push_back(FailedAttempt { at, key: Some(tried), source: key.source, certainty });
    }

    /// Counts a failure that another process saw at `at`.
    pub(super) fn insert(&mut self, source: SourceHash, at: Instant) {
        let behind = self.0.partition_point(|other| other.at <= at);
        self.0.insert(behind, FailedAttempt { at, key: None, source, certainty: Certainty::Wrong });
    }

    /// Removes what no longer counts.
    pub(super) fn expire(&mut self, limit: AttemptLimit, at: Instant) {
        while self.0.front().is_some_and(|oldest| at.saturating_duration_since(oldest.at) >= limit.per) {
            self.0.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Removes the failures from one network until a moment.
    pub(super) fn end(&mut self, source: SourceHash, until: Instant) {
        self.0.retain(|failure| failure.source != source || failure.at > until);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
