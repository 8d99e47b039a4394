//! Which backends cannot answer, since when, and how many sign-ins that has cost.
//!
//! One line when a backend fails, one when its circuit breaker opens, one when it answers again. A
//! backend that comes and goes gets no more than one of each a minute: what is not written is
//! counted, and the next line has the sum. Lines have the backend, numbers and the backend's error,
//! never a name that was typed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::outcome::{Outcome, TracedOutcome};
use super::trace::{EndReason, StepOutcome, TraceStep};
use crate::clock::{Instant, later, now};
use crate::error::Phase;
use crate::identity::BackendId;
use crate::verdict::Rejection;

/// How long the same line is not repeated.
const PAUSE: Duration = Duration::from_secs(60);

/// A backend that cannot answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outage {
    /// The backend.
    pub backend: BackendId,
    /// How long it has not answered.
    pub lasts: Duration,
    /// How many sign-ins needed it meanwhile.
    pub attempts: u64,
    /// How many of them could not be decided.
    pub undecided: u64,
    /// How far the last attempt came.
    pub phase: Option<Phase>,
    /// Why it failed, without a password, a name or the words of the server.
    pub reason: String,
}

/// What a backend answered last, as far as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastAnswer {
    /// What it answered, or that it could not.
    pub verdict: StepOutcome,
    /// How long ago.
    pub ago: Duration,
    /// Whole milliseconds that it took.
    pub ms: u64,
}

/// What is known about the backends.
///
/// Those that answer and always did are not in it.
#[derive(Debug, Default)]
pub(super) struct Health {
    backends: Mutex<HashMap<BackendId, HealthState>>,
    last: Mutex<HashMap<BackendId, (Instant, StepOutcome, u64)>>,
}

#[derive(Debug, Default)]
struct HealthState {
    outage: Option<Current>,
    /// Sign-ins that failed in outages about which no line was written.
    unreported: OutageCount,
    /// When the last outage was written.
    failure_written: Option<Instant>,
    /// When an open circuit breaker was written last.
    breaker_written: Option<Instant>,
}

#[derive(Debug)]
struct Current {
    since: Instant,
    count: OutageCount,
    phase: Option<Phase>,
    reason: String,
    /// A line says that it began, so one will say that it ended.
    is_written: bool,
    is_breaker_open: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct OutageCount {
    attempts: u64,
    undecided: u64,
}

impl OutageCount {
    fn add(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.undecided += other.undecided;
    }
}

impl Health {
    /// One caller got an answer that was not remembered.
    pub(super) fn answered(&self, answer: &TracedOutcome, is_breaker_open: impl Fn(&BackendId) -> bool) {
        let trace = &answer.trace;
        if matches!(trace.ended_by, EndReason::CachedAcceptance | EndReason::CachedRefusal) {
            return;
        }
        let undecided = matches!(answer.outcome, Outcome::Unavailable { .. }).into();
        for step in &trace.steps {
            if has_answered(step).is_some() {
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                last.insert(step.backend.clone(), (now(), step.verdict, step.ms));
            }
            match has_answered(step) {
                Some(true) => self.succeeded(&step.backend),
                Some(false) => {
                    self.failed(step, OutageCount { attempts: 1, undecided }, is_breaker_open(&step.backend));
                }
                None => {}
            }
        }
    }

    /// The backends that cannot answer now.
    pub(super) fn outages(&self) -> Vec<Outage> {
        let at = now();
        let backends = self.lock();
        let current = backends.iter().filter_map(|(id, state)| Some((id, state.outage.as_ref()?)));
        let mut outages: Vec<_> = current
            .map(|(id, outage)| Outage {
                backend: id.clone(),
                lasts: at.saturating_duration_since(outage.since),
                attempts: outage.count.attempts,
                undecided: outage.count.undecided,
                phase: outage.phase,
                reason: outage.reason.clone(),
            })
            .collect();
        outages.sort_by(|one, other| one.backend.as_str().cmp(other.backend.as_str()));
        outages
    }

    /// What a backend answered last.
    pub(super) fn last_answer(&self, backend: &BackendId) -> Option<LastAnswer> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, verdict, ms) = last.get(backend).copied()?;
        Some(LastAnswer { verdict, ago: now().saturating_duration_since(at), ms })
    }

    /// A backend is not there any more, or is another one now.
    pub(super) fn forget(&self, backend: &BackendId) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(backend);
        self.lock().remove(backend);
    }

    fn failed(&self, step: &TraceStep, count: OutageCount, is_breaker_open: bool) {
        let at = now();
        let mut backends = self.lock();
        let state = backends.entry(step.backend.clone()).or_default();
        let reason = step.reason.as_deref().unwrap_or_default();
        let outage = state.outage.get_or_insert_with(|| Current {
            since: at,
            count: OutageCount::default(),
            phase: step.phase,
            reason: reason.to_owned(),
            is_written: false,
            is_breaker_open: false,
        });
        outage.count.add(count);
        let opens = is_breaker_open && !outage.is_breaker_open;
        outage.is_breaker_open = is_breaker_open;
        if !outage.is_written && take(&mut state.failure_written, at) {
            outage.is_written = true;
            let earlier = std::mem::take(&mut state.unreported);
            tracing::warn!(
                backend = %step.backend, kind = step.verdict.as_str(),
                phase = step.phase.map_or("", Phase::as_str), reason, earlier_attempts = earlier.attempts,
                "backend unavailable"
            );
        }
        if opens && take(&mut state.breaker_written, at) {
            outage.is_written = true;
            tracing::warn!(
                backend = %step.backend, attempts = outage.count.attempts, undecided = outage.count.undecided,
                "circuit breaker open: the backend is only asked now and then, until it answers"
            );
        }
    }

    fn succeeded(&self, backend: &BackendId) {
        let at = now();
        let mut backends = self.lock();
        let Some(state) = backends.get_mut(backend) else { return };
        let Some(outage) = state.outage.take() else {
            if state.unreported != OutageCount::default() && take(&mut state.failure_written, at) {
                let OutageCount { attempts, undecided } = std::mem::take(&mut state.unreported);
                tracing::warn!(%backend, attempts, undecided, "backend unavailable now and then");
            }
            return;
        };
        if !outage.is_written {
            state.unreported.add(outage.count);
            return;
        }
        let OutageCount { attempts, undecided } = outage.count;
        let seconds = at.saturating_duration_since(outage.since).as_secs();
        tracing::warn!(%backend, seconds, attempts, undecided, "backend available again");
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BackendId, HealthState>> {
        self.backends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a line may be written again; if so, it was.
fn take(written: &mut Option<Instant>, at: Instant) -> bool {
    let is_due = written.is_none_or(|last| later(last, PAUSE) <= at);
    if is_due {
        *written = Some(at);
    }
    is_due
}

/// Whether a backend answered; `None` if it was not asked.
fn has_answered(step: &TraceStep) -> Option<bool> {
    match step.verdict {
        StepOutcome::Accepted => Some(true),
        // A name that the settings deny is not sent to the backend.
        StepOutcome::Rejected => {
            (step.reason.as_deref() != Some(Rejection::PolicyDenied.as_text())).then_some(true)
        }
        StepOutcome::Unavailable | StepOutcome::Misconfigured | StepOutcome::Protocol => Some(false),
        StepOutcome::NotMine | StepOutcome::Skipped => None,
    }
}
