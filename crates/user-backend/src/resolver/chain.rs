//! Asking the backends in turn, under one deadline.
//!
//! The first acceptance ends the chain. A rejection goes on to the next backend unless `on_reject` is `stop`. A backend
//! that could not be asked is remembered: with `on_unavailable = "stop"` it ends the chain, because the user might be
//! its own; with `"continue"` later backends may admit him, and when nobody does the answer is "unavailable", never
//! "wrong password".

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::policy::{OnReject, OnUnavailable, Policy};
use super::trace::{Rule, Step, Trace, more_telling};
use crate::backend::{Attempt, UserBackend};
use crate::clock::{Instant, millis_since, now};
use crate::error::{BackendError, Fault, Phase};
use crate::identity::{BackendId, DomainRules};
use crate::verdict::{Identity, Rejection, Verdict};

#[derive(Debug)]
pub(super) struct Chain {
    pub(super) links: Vec<Link>,
}

/// One backend, with what the resolver knows about it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: BackendId,
    pub(super) backend: Arc<dyn UserBackend>,
    pub(super) policy: Policy,
    pub(super) domain: DomainRules,
    /// It accepted somebody who does not exist: it is not asked again.
    pub(super) distrusted: AtomicBool,
}

/// What the chain found out, before anybody vouches for it.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) decision: Decision,
    pub(super) trace: Trace,
}

#[derive(Debug)]
pub(super) enum Decision {
    /// This backend accepted.
    Accepted { link: usize, identity: Identity },
    /// Nobody accepted and everybody was asked. `cacheable` for this long, if at all.
    Rejected { rejection: Rejection, cacheable: Option<Duration> },
    /// Somebody who might have accepted could not be asked.
    Unavailable,
}

impl Chain {
    pub(super) async fn ask(&self, attempt: Attempt<'_>) -> Finding {
        let start = now();
        let mut trace = Trace::new(Rule::NobodyAccepted);
        let mut decision = self.walk(attempt, &mut trace).await;
        if let Decision::Accepted { .. } = decision {
            trace.ended_by = Rule::Accepted;
        }
        // A backend that was asked in vain and then nobody else accepted: the answer is open.
        if trace.ended_by == Rule::OutageUndecided {
            decision = Decision::Unavailable;
        }
        for link in self.links.iter().skip(trace.steps.len()) {
            trace.steps.push(Step::skipped(&link.id, "the decision was made before its turn"));
        }
        trace.ms = millis_since(start);
        Finding { decision, trace }
    }

    async fn walk(&self, attempt: Attempt<'_>, trace: &mut Trace) -> Decision {
        let mut rejection = None;
        let mut cacheable = Some(Duration::MAX);
        for (number, link) in self.links.iter().enumerate() {
            let began = now();
            let deadline = share(began, attempt.deadline, self.links.len() - number);
            let answer = link.ask(attempt.with_deadline(deadline)).await;
            trace.steps.push(Step::of(&link.id, &answer, millis_since(began)));
            match answer {
                Ok(Verdict::Accepted(identity)) => return Decision::Accepted { link: number, identity },
                Ok(Verdict::NotMine) => {}
                Ok(Verdict::Rejected(reason)) => {
                    rejection = Some(more_telling(rejection, reason));
                    let lifetime = reason.is_cacheable().then_some(link.policy.cache_rejected);
                    cacheable = cacheable.zip(lifetime).map(|(sum, one)| sum.min(one));
                    if link.policy.on_reject == OnReject::Stop {
                        // An outage further up still leaves the question open.
                        if trace.ended_by != Rule::OutageUndecided {
                            trace.ended_by = Rule::RejectionStops;
                        }
                        break;
                    }
                }
                Err(_) if link.policy.on_unavailable == OnUnavailable::Stop => {
                    trace.ended_by = Rule::OutageStops;
                    return Decision::Unavailable;
                }
                Err(_) => trace.ended_by = Rule::OutageUndecided,
            }
        }
        // Nobody's business: no backend knows the domain, so no backend knows the user.
        let rejection = rejection.unwrap_or(Rejection::UnknownUser);
        Decision::Rejected { rejection, cacheable: cacheable.filter(|lifetime| *lifetime != Duration::MAX) }
    }
}

impl Link {
    async fn ask(&self, attempt: Attempt<'_>) -> Result<Verdict, BackendError> {
        if self.distrusted.load(Ordering::Relaxed) {
            let text = "it accepts people who do not exist, so its word is worth nothing";
            return Err(Fault::misconfigured(Phase::Login, text).of(&self.id));
        }
        // The backend keeps the deadline itself; this is for those that do not.
        match tokio::time::timeout_at(attempt.deadline, self.backend.authenticate(&attempt)).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::unavailable(Phase::Login, "no answer in time").of(&self.id)),
        }
    }
}

/// An equal share of the time that is left, for this backend and all behind it.
fn share(now: Instant, deadline: Instant, still_to_ask: usize) -> Instant {
    let left = deadline.saturating_duration_since(now);
    now + left / u32::try_from(still_to_ask.max(1)).unwrap_or(u32::MAX)
}
