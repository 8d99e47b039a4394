//! Whether a backend's yes counts, and how it refuses.
//!
//! One that accepts users who do not exist proves nothing by accepting anyone.
//!
//! A program that signs in once takes the backend's word. One that keeps running runs the canary
//! first ([`Resolver::canary`](super::Resolver::canary), or a reload). When the server could not be
//! asked at that time, its first yes does not count before a canary was refused: the operator who
//! brings the server back may bring back another one. The same applies after an outage that opened
//! the circuit breaker.
//!
//! A proof has an end: after a while, and earlier after an attempt that the server could not
//! answer, a yes is followed by another canary. What it cannot find out then changes nothing, so
//! that it causes no outages of its own. A server that accepts a canary is asked about users again
//! when it refuses one.
//!
//! The canary also teaches how this server refuses, if its words are not on our lists. That is a
//! guess: the server may be in an outage that it reports in words of its own. So words are learned
//! only from a server that was never seen to refuse in a way that is recognised, and they are
//! forgotten when it does, or when it says them to credentials that it accepted before.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::canary::{CanaryResult, Lesson, no_refusal};
use crate::clock::{Instant, now};
use crate::error::BackendError;
use crate::identity::BackendId;
use crate::middleware::circuit_breaker::jitter;
use crate::refusal::OwnWords;

/// Minimum time between canaries that unrecognised answers cause.
///
/// Each is a failed login upstream.
const BETWEEN_LESSONS: Duration = Duration::from_secs(60);

/// Minimum time between reports of unrecognised answers.
const BETWEEN_REPORTS: Duration = Duration::from_secs(60 * 60);

/// How long a refused canary counts, with jitter.
///
/// Each is a failed login upstream.
const RECHECK_AFTER: Duration = Duration::from_secs(60 * 60);

/// The same after an attempt that the server could not answer.
///
/// Also the time until a canary is tried again that could not be asked, or was accepted.
const RECHECK_AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);

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
    /// When the last of them ended, and how long it counts.
    checked: Option<(Instant, Duration)>,
    /// The server could not answer an attempt since then, or the canary.
    has_failed: bool,
    /// How often the circuit breaker had opened when a canary became due by it.
    openings: u64,
    refusals: Refusals,
    /// What of this backend's outcomes in memory does not count any more.
    outdated: Option<Outdated>,
    /// When an answer that is not recognised was last a reason for a canary.
    last_lesson: Option<Instant>,
    /// The last answers were not recognised.
    is_unrecognised: bool,
    /// When that was written to the log.
    reported: Option<Instant>,
}

/// How a server refuses, as far as it was seen.
#[derive(Debug, Default)]
enum Refusals {
    #[default]
    Unseen,
    /// By a code, or by words of our lists or of the operator.
    ///
    /// So an answer that is not recognised shows that its state has changed: an outage.
    Recognised,
    /// In these words, which two canary users got.
    Learned {
        words: Arc<OwnWords>,
        /// The server accepted a user at the same time, so it was in no outage.
        is_confirmed: bool,
    },
    /// In words that it also said to credentials that it had accepted before.
    Doubted,
}

/// Outcomes in memory that do not count any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outdated {
    /// Refusals: their words were those of an outage.
    Refusals,
    /// Everything: the backend accepts any login.
    Everything,
}

/// Whether a yes must be followed by a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CanaryDue {
    /// It need not.
    No,
    /// It should; the yes counts unless the canary is accepted.
    Recheck,
    /// It must: the yes counts if the canary is refused.
    Required,
}

/// What caused a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CanaryCause {
    /// The server accepted a user just now.
    Acceptance,
    /// A start, a reload, or an answer that is not recognised.
    Other,
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

    /// Whether a yes must be followed by a canary.
    ///
    /// `openings`: how often the circuit breaker has opened.
    pub(super) fn due(&self, openings: u64) -> CanaryDue {
        let mut known = self.lock();
        let has_opened = std::mem::replace(&mut known.openings, openings) != openings;
        match known.status {
            CanaryStatus::Untried => CanaryDue::No,
            CanaryStatus::Proven if has_opened => {
                // The operator who brought the server back may have brought back another one.
                known.status = CanaryStatus::Open;
                CanaryDue::Required
            }
            CanaryStatus::Proven if known.is_time_to_recheck() => CanaryDue::Recheck,
            CanaryStatus::Proven => CanaryDue::No,
            CanaryStatus::Open | CanaryStatus::Broken => CanaryDue::Required,
        }
    }

    /// Whether a server that accepted a canary gets another one now.
    pub(super) fn may_recover(&self) -> bool {
        let known = self.lock();
        known.status == CanaryStatus::Broken && known.is_time_to_recheck()
    }

    /// The server could not answer an attempt.
    pub(super) fn failed(&self) {
        self.lock().has_failed = true;
    }

    /// What the next canary may conclude.
    pub(super) fn lesson(&self, cause: CanaryCause) -> Lesson {
        let known = self.lock();
        let words = match &known.refusals {
            Refusals::Learned { words, .. } => Some(Arc::clone(words)),
            Refusals::Unseen | Refusals::Recognised | Refusals::Doubted => None,
        };
        Lesson { known: words, may_learn: known.refusals.may_change(cause) }
    }

    /// Whether this answer, which is not on our lists, is how the server refuses.
    ///
    /// `is_proven`: the server accepted the credentials before. If it did so in no outage, the
    /// words are those of an outage, or the password was changed. Only a server that says them
    /// while it accepts other users has decided that.
    pub(super) fn is_refusal(
        &self,
        id: &BackendId,
        name: &str,
        error: &BackendError,
        is_proven: bool,
    ) -> bool {
        let mut known = self.lock();
        let Refusals::Learned { words, is_confirmed } = &known.refusals else { return false };
        if !words.are_in(name, error) {
            return false;
        }
        if !is_proven || *is_confirmed {
            return true;
        }
        tracing::warn!(
            backend = %id, words = words.shown(),
            "a user whose password was right before was answered in these words; they are no refusal until the \
             server accepts a user again"
        );
        known.forget_words(Refusals::Doubted);
        // What proved that it refuses users who do not exist proves it no longer.
        if known.status == CanaryStatus::Proven {
            known.status = CanaryStatus::Open;
        }
        false
    }

    /// The server refused in a way that is recognised.
    pub(super) fn refused(&self, id: &BackendId) {
        let mut known = self.lock();
        if let Refusals::Learned { words, .. } = &known.refusals {
            tracing::warn!(
                backend = %id, words = words.shown(),
                "it refuses in a way that is recognised, so these words, which were learned, are no refusal"
            );
        }
        known.forget_words(Refusals::Recognised);
        known.is_unrecognised = false;
    }

    /// What does not count any more of the outcomes in memory, since the last call.
    pub(super) fn take_outdated(&self) -> Option<Outdated> {
        self.lock().outdated.take()
    }

    /// Whether a reload is a reason for another canary.
    ///
    /// Words that were learned may have been those of an outage, and what was not recognised may be
    /// now.
    pub(super) fn has_lesson(&self) -> bool {
        let known = self.lock();
        known.is_unrecognised || matches!(known.refusals, Refusals::Learned { .. })
    }

    /// Whether this server gave an unrecognised answer and nothing was learned of it.
    pub(super) fn does_not_recognise(&self) -> bool {
        let known = self.lock();
        known.is_unrecognised && !matches!(known.refusals, Refusals::Learned { .. })
    }

    /// Whether this is the time to learn how the server refuses.
    ///
    /// After that, it is false for a while.
    pub(super) fn may_learn(&self) -> bool {
        let mut known = self.lock();
        known.refusals.may_change(CanaryCause::Other) && known.take_lesson()
    }

    /// Whether this is the time to ask a server again whose answer to a canary was not recognised.
    ///
    /// After that, it is false for a while.
    pub(super) fn may_retry(&self) -> bool {
        self.lock().take_lesson()
    }

    /// Reports an answer that is not recognised, now and then.
    pub(super) fn report(&self, id: &BackendId, error: &BackendError) {
        let mut known = self.lock();
        known.is_unrecognised = true;
        if take(&mut known.reported, BETWEEN_REPORTS) {
            tracing::error!(
                backend = %id,
                "not recognised: {}. Until then such answers are taken for an outage, and count as guesses",
                no_refusal(error)
            );
        }
    }

    pub(super) fn learn(&self, id: &BackendId, result: &CanaryResult, cause: CanaryCause) {
        if let CanaryResult::Refused(None) = result {
            self.refused(id);
        }
        let mut known = self.lock();
        known.runs += 1;
        known.checked = Some((now(), jitter(RECHECK_AFTER)));
        known.has_failed = !matches!(result, CanaryResult::Refused(_));
        let was_broken = known.status == CanaryStatus::Broken;
        known.status = match (result, known.status) {
            (CanaryResult::Refused(None), _) => CanaryStatus::Proven,
            (CanaryResult::Refused(Some(words)), before) => known.learn_words(id, words, cause, before),
            (CanaryResult::Accepted, _) => {
                if !was_broken {
                    tracing::error!(
                        backend = %id,
                        "accepts users who do not exist; it is not asked until it refuses one, which is tried now \
                         and then"
                    );
                    known.outdated = Some(Outdated::Everything);
                }
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
        if was_broken && known.status == CanaryStatus::Proven {
            tracing::warn!(backend = %id, "refuses users who do not exist again, so it is asked again");
        }
        if let (CanaryResult::Unreachable(error), CanaryCause::Acceptance) = (result, cause)
            && error.outage_text().is_some()
            && !known.status.counts()
            && take(&mut known.reported, BETWEEN_REPORTS)
        {
            tracing::error!(
                backend = %id,
                "accepted a user, and answers users who do not exist with an outage: {}. Until one of them is \
                 refused, no sign-in counts",
                no_refusal(error)
            );
        }
        drop(known);
        if let CanaryResult::NotRecognised(error) = result {
            self.report(id, error);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget_words(&mut self, refusals: Refusals) {
        if matches!(self.refusals, Refusals::Learned { .. }) {
            self.outdated = self.outdated.max(Some(Outdated::Refusals));
        }
        self.refusals = refusals;
    }

    fn is_time_to_recheck(&self) -> bool {
        self.checked.is_none_or(|(checked, counts_for)| {
            let counts_for = if self.has_failed { RECHECK_AFTER_FAILURE } else { counts_for };
            now().saturating_duration_since(checked) >= counts_for
        })
    }

    fn take_lesson(&mut self) -> bool {
        take(&mut self.last_lesson, BETWEEN_LESSONS)
    }

    /// Two canaries were refused in these words; returns the status after it.
    fn learn_words(
        &mut self,
        id: &BackendId,
        words: &Arc<OwnWords>,
        cause: CanaryCause,
        before: CanaryStatus,
    ) -> CanaryStatus {
        let (is_known, was_confirmed) = match &self.refusals {
            Refusals::Learned { words: known, is_confirmed } if known == words => (true, *is_confirmed),
            _ => (false, false),
        };
        // Something else may have been seen while the canary ran.
        if !is_known && !self.refusals.may_change(cause) {
            return if before == CanaryStatus::Untried { CanaryStatus::Open } else { before };
        }
        if !is_known {
            tracing::warn!(
                backend = %id, words = words.shown(),
                "two users who do not exist were answered in these words; they are a refusal from now on"
            );
        }
        let is_confirmed = was_confirmed || cause == CanaryCause::Acceptance;
        self.refusals = Refusals::Learned { words: Arc::clone(words), is_confirmed };
        self.is_unrecognised = false;
        CanaryStatus::Proven
    }
}

impl Refusals {
    /// Whether other words may be learned.
    ///
    /// A server that is known to refuse otherwise and says something else now is in an outage. Only
    /// one that accepts a user at this moment can be trusted to judge.
    fn may_change(&self, cause: CanaryCause) -> bool {
        match self {
            Self::Recognised => false,
            Self::Unseen | Self::Learned { is_confirmed: false, .. } => true,
            Self::Doubted | Self::Learned { is_confirmed: true, .. } => cause == CanaryCause::Acceptance,
        }
    }
}

/// Whether the last time is long enough ago; if so, it is now.
fn take(last: &mut Option<Instant>, between: Duration) -> bool {
    let at = now();
    let is_due = last.is_none_or(|last| at.saturating_duration_since(last) >= between);
    if is_due {
        *last = Some(at);
    }
    is_due
}
