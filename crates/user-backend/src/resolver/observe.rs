//! Log lines, spans and metrics of a decision.
//!
//! All are made from the trace, so they never disagree.
//!
//! The metrics are listed at [`Resolver::report_metrics`](super::Resolver::report_metrics). No
//! label contains a name that was typed: an attacker must not be able to fill a metrics store.
//! Names are in log lines and spans, escaped.
//!
//! An answer from memory takes a fraction of a microsecond, too little to look up a counter in a
//! registry. It adds one to a number that belongs to its thread; these numbers and the gauges reach
//! the recorder when they are reported.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

#[cfg(feature = "metrics")]
pub(super) use with_metrics::*;
#[cfg(not(feature = "metrics"))]
pub(super) use without_metrics::*;

use super::outcome::TracedOutcome;
use super::trace::{AUDIT, StepOutcome};
use crate::identity::LoginName;

/// An attempt has ended: counted once, however many callers wait for it.
pub(super) fn completed(name: &LoginName, answer: &TracedOutcome) {
    let trace = &answer.trace;
    tracing::debug!(
        user = ?name, outcome = answer.outcome.as_str(), rule = trace.ended_by.as_str(), ms = trace.ms, "attempt decided"
    );
    for step in trace.steps.iter().filter(|step| step.verdict != StepOutcome::Skipped) {
        backend_answered(step);
    }
}

/// An attempt without a client address, which is logged once.
pub(super) fn no_source(was_warned: &AtomicBool) {
    if !was_warned.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "sign-ins without a client address: guesses from one address are not limited; see Credentials::from_source"
        );
    }
}

/// One failure too many: the person is locked for the rest of the day.
pub(super) fn locked(name: &LoginName, source: Option<IpAddr>) {
    let source = source.map(tracing::field::display);
    tracing::warn!(target: AUDIT, user = ?name, source, "locked: too many failed sign-ins in a row");
}

/// How often an answer came from memory.
#[derive(Debug)]
pub(super) struct CacheHits {
    lanes: Box<[HitCounter]>,
    #[cfg(feature = "metrics")]
    reported: std::sync::Mutex<[u64; 2]>,
}

/// The last one is shared by all threads that started after the others were taken.
const HIT_COUNTERS: usize = 64;

/// A separate cache line, so that threads do not contend for it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct HitCounter {
    accepted: AtomicU64,
    rejected: AtomicU64,
}

impl Default for CacheHits {
    fn default() -> Self {
        let lanes = std::iter::repeat_with(HitCounter::default).take(HIT_COUNTERS).collect();
        Self {
            lanes,
            #[cfg(feature = "metrics")]
            reported: Default::default(),
        }
    }
}

thread_local! {
    static LANE: Cell<Option<usize>> = const { Cell::new(None) };
}

#[cold]
fn choose_lane() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let lane = NEXT.fetch_add(1, Ordering::Relaxed).min(HIT_COUNTERS - 1);
    LANE.set(Some(lane));
    lane
}

impl CacheHits {
    /// One caller is accepted from memory.
    #[inline(always)]
    pub(super) fn accepted(&self) {
        self.count(|lane| &lane.accepted);
    }

    /// One caller is refused from memory.
    pub(super) fn rejected(&self) {
        self.count(|lane| &lane.rejected);
    }

    #[inline(always)]
    fn count(&self, which: impl FnOnce(&HitCounter) -> &AtomicU64) {
        let number = LANE.get().unwrap_or_else(choose_lane);
        let Some(counter) = self.lanes.get(number).map(which) else { return };
        if number < HIT_COUNTERS - 1 {
            // There is no other writer: no lock needed.
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        } else {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted since the start.
    pub(super) fn so_far(&self) -> [u64; 2] {
        let sum = |which: fn(&HitCounter) -> &AtomicU64| -> u64 {
            self.lanes.iter().map(|lane| which(lane).load(Ordering::Relaxed)).sum()
        };
        [sum(|lane| &lane.accepted), sum(|lane| &lane.rejected)]
    }

    /// What was counted and not reported yet.
    #[cfg(feature = "metrics")]
    pub(super) fn take(&self) -> [u64; 2] {
        let mut reported = self.reported.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = self.so_far();
        let [accepted, rejected] = now;
        let [accepted_before, rejected_before] = std::mem::replace(&mut *reported, now);
        [accepted - accepted_before, rejected - rejected_before]
    }
}

/// What goes to the recorder of the crate `metrics`.
#[cfg(feature = "metrics")]
mod with_metrics {
    use metrics::{counter, gauge, histogram};

    use crate::identity::BackendId;
    use crate::resolver::outcome::TracedOutcome;
    use crate::resolver::trace::{EndReason, TraceStep};

    pub(in crate::resolver) fn backend_answered(step: &TraceStep) {
        let (backend, verdict) = (step.backend.to_string(), step.verdict.as_str());
        let phase = step.phase.map_or("", |phase| phase.as_str());
        let seconds = seconds(step.ms);
        histogram!("user_backend_answer_seconds", "backend" => backend.clone(), "verdict" => verdict)
            .record(seconds);
        counter!("user_backend_answers_total", "backend" => backend, "verdict" => verdict, "phase" => phase)
            .increment(1);
    }

    /// One caller gets an answer that was not remembered.
    pub(in crate::resolver) fn answered(answer: &TracedOutcome) {
        let outcome = answer.outcome.as_str();
        attempts(outcome, answer.trace.ended_by).increment(1);
        histogram!("user_backend_attempt_seconds", "outcome" => outcome).record(seconds(answer.trace.ms));
    }

    pub(in crate::resolver) fn attempts(outcome: &'static str, rule: EndReason) -> metrics::Counter {
        counter!("user_backend_attempts_total", "outcome" => outcome, "rule" => rule.as_str())
    }

    fn seconds(ms: u64) -> f64 {
        // Exact up to thousands of years.
        ms as f64 / 1_000.0
    }

    /// A backend was removed: its last value must not stay for ever.
    pub(in crate::resolver) fn removed(id: &BackendId) {
        for name in [
            "user_backend_breaker_open",
            "user_backend_distrusted",
            "user_backend_refusals_unrecognised",
            "user_backend_unavailable",
            "user_backend_unproven",
        ] {
            gauge!(name, "backend" => id.to_string()).set(0.0);
        }
    }
}

/// The same without a recorder.
#[cfg(not(feature = "metrics"))]
mod without_metrics {
    use crate::identity::BackendId;
    use crate::resolver::outcome::TracedOutcome;
    use crate::resolver::trace::TraceStep;

    pub(in crate::resolver) fn backend_answered(_: &TraceStep) {}

    pub(in crate::resolver) fn answered(_: &TracedOutcome) {}

    pub(in crate::resolver) fn removed(_: &BackendId) {}
}
