//! Whether a backend's yes counts.
//!
//! One that accepts users who do not exist proves nothing by accepting anyone.
//!
//! A program that signs in once takes the backend's word. One that keeps running runs the canary
//! first ([`Resolver::canary`](super::Resolver::canary), or a reload). When the server could not be
//! asked at that time, its first yes does not count before a canary was refused: the operator who
//! brings the server back may bring back another one.
//!
//! The canary also teaches how this server refuses, if its words are not on our lists.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::canary::{CanaryResult, not_recognised};
use crate::clock::{Instant, now};
use crate::error::BackendError;
use crate::identity::BackendId;
use crate::refusal::OwnWords;

/// Minimum time between canaries that unrecognised answers cause.
///
/// Each is a failed login upstream.
const BETWEEN_LESSONS: Duration = Duration::from_secs(60);

/// The same if canaries get recognised refusals, so that there is little to learn.
const BETWEEN_LESSONS_WHEN_PROVEN: Duration = Duration::from_secs(60 * 60);

/// The trust state of one backend.
#[derive(Debug, Default)]
pub(super) struct CanaryState {
    known: Mutex<Known>,
    /// One canary at a time.
    pub(super) canary_lock: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    status: CanaryStatus,
    /// How many canaries were run.
    runs: u64,
    /// How this server refuses, if that had to be learned.
    own_words: Option<Arc<OwnWords>>,
    /// When an answer that is not recognised was last a reason for a canary.
    last_lesson: Option<Instant>,
    /// An answer that is not recognised was reported.
    is_reported: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CanaryStatus {
    /// No canary was run.
    #[default]
    Untried,
    /// A canary was refused.
    Proven,
    /// A canary was due, and the server could not be asked, or its answer is not recognised.
    Open,
    /// A canary was accepted.
    Broken,
}

impl CanaryStatus {
    /// Whether a yes counts.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Untried | Self::Proven)
    }
}

impl CanaryState {
    pub(super) fn status(&self) -> CanaryStatus {
        self.lock().status
    }

    /// The state, and how many canaries it took.
    pub(super) fn known(&self) -> (CanaryStatus, u64) {
        let known = self.lock();
        (known.status, known.runs)
    }

    /// Whether this answer, which is not on our lists, is how the server refuses.
    pub(super) fn is_refusal(&self, name: &str, error: &BackendError) -> bool {
        let words = self.lock().own_words.clone();
        words.is_some_and(|words| words.are_in(name, error))
    }

    /// Whether a reload is a reason for another canary.
    ///
    /// Words that were learned may have been those of an outage, and what was not recognised may be
    /// now.
    pub(super) fn has_lesson(&self) -> bool {
        let known = self.lock();
        known.is_reported || known.own_words.is_some()
    }

    /// Whether this server gave an unrecognised answer and nothing was learned of it.
    pub(super) fn does_not_recognise(&self) -> bool {
        let known = self.lock();
        known.is_reported && known.own_words.is_none()
    }

    /// Whether this is the time to learn how the server refuses.
    ///
    /// After that, it is false for a while.
    pub(super) fn may_learn(&self) -> bool {
        let mut known = self.lock();
        let at = now();
        let between = match known.status {
            CanaryStatus::Proven if known.own_words.is_none() => BETWEEN_LESSONS_WHEN_PROVEN,
            _ => BETWEEN_LESSONS,
        };
        let is_due = known.last_lesson.is_none_or(|last| at.saturating_duration_since(last) >= between);
        if is_due {
            known.last_lesson = Some(at);
        }
        is_due
    }

    /// Reports an answer that is not recognised, once.
    pub(super) fn report(&self, id: &BackendId, error: &BackendError) {
        if !std::mem::replace(&mut self.lock().is_reported, true) {
            tracing::error!(
                backend = %id,
                "not recognised: {}. Until then such answers are taken for an outage, and count as guesses",
                not_recognised(error)
            );
        }
    }

    pub(super) fn learn(&self, id: &BackendId, result: &CanaryResult) {
        let mut known = self.lock();
        known.runs += 1;
        known.status = match (result, known.status) {
            (CanaryResult::Refused(own_words), _) => {
                if let Some(words) = own_words {
                    tracing::warn!(
                        backend = %id, words = words.shown(),
                        "two users who do not exist were answered in these words; they are a refusal from now on"
                    );
                }
                known.own_words = own_words.clone().map(Arc::new);
                known.is_reported &= own_words.is_none();
                CanaryStatus::Proven
            }
            (CanaryResult::Accepted, _) => {
                tracing::error!(backend = %id, "accepts users who do not exist; it is not asked any more");
                CanaryStatus::Broken
            }
            (CanaryResult::Unreachable(_) | CanaryResult::NotRecognised(_), CanaryStatus::Untried) => {
                CanaryStatus::Open
            }
            // What was proved stays proved while the server is away.
            (
                CanaryResult::Unreachable(_) | CanaryResult::NotRecognised(_) | CanaryResult::Skipped(_),
                before,
            ) => before,
        };
        drop(known);
        if let CanaryResult::NotRecognised(error) = result {
            self.report(id, error);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
