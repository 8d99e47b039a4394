//! From what the chain found out to the answer.
//!
//! What is remembered, what is proved, what an outage means.

use std::net::IpAddr;
use std::time::Duration;

use super::backend_slot::BackendSlot;
use super::canary_state::Outdated;
use super::chain::{Chain, ChainDecision, ChainResult};
use super::policy::BackendPolicy;
use super::scope::Scope;
use super::trace::{AUDIT, EndReason, Trace, TraceStep};
use super::{Outcome, ResolverShared, TracedOutcome};
use crate::cache::epochs::Epoch;
use crate::cache::{Lifetime, OutcomeCache};
use crate::clock::now;
use crate::identity::LoginName;
use crate::secret::{OutcomeKey, Password};
use crate::verdict::{Authenticated, Freshness, Identity, VerifiedIdentity};

/// When to try again, for want of a better guess.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What an answer is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) name: &'a LoginName,
    pub(super) password: &'a Password,
    pub(super) scope: Scope<'a>,
    pub(super) source: Option<IpAddr>,
    /// The last invalidation before the backends were asked.
    pub(super) began: Epoch,
    /// The key of its acceptance.
    pub(super) accepted_key: OutcomeKey,
    /// The key of its refusal.
    pub(super) typed_key: OutcomeKey,
}

impl Question<'_> {
    fn accepted_key_in(&self, cache: &OutcomeCache, scope: Scope<'_>) -> OutcomeKey {
        scope.accepted_key(cache, self.name.canonical().as_str(), self.password.expose())
    }
}

impl ResolverShared {
    /// `may_recall`: an earlier yes may be used while the backend cannot be asked.
    pub(super) fn conclude(
        &self,
        chain: &Chain,
        finding: ChainResult,
        question: Question<'_>,
        may_recall: bool,
    ) -> TracedOutcome {
        let Question { name, began, .. } = question;
        let ChainResult { decision, mut trace, is_guess: _ } = finding;
        self.forget_outdated(chain);
        let outcome = match decision {
            ChainDecision::Accepted { slot, identity } => {
                self.remember_accepted(&slot, identity, question, &mut trace)
            }
            ChainDecision::Rejected { rejection, cacheable } => {
                self.forget_acceptances(chain, question);
                if let Some(lifetime) = cacheable {
                    let names = std::iter::once(name.canonical().clone()).chain(chain.known_as(name));
                    self.cache.reject(question.typed_key, names, rejection, began, now(), lifetime);
                }
                Outcome::Refused(rejection)
            }
            ChainDecision::Unavailable => {
                let grace = may_recall.then(|| self.grace(question, &mut trace)).flatten();
                grace.map_or(Outcome::Unavailable { retry_after: RETRY_AFTER }, Outcome::Authenticated)
            }
            ChainDecision::Throttled { limit, retry_after } => Outcome::Throttled { limit, retry_after },
        };
        TracedOutcome { outcome, trace }
    }

    /// Forgets what the canary, or a recognised refusal, has shown to be wrong.
    fn forget_outdated(&self, chain: &Chain) {
        for slot in &chain.slots {
            match slot.canary_state.take_outdated() {
                Some(Outdated::Everything) => self.cache.invalidate_backend(&slot.id),
                Some(Outdated::Refusals) => self.cache.invalidate_refusals(),
                None => {}
            }
        }
    }

    /// An earlier yes of an unreachable backend, if it is within the grace period.
    fn grace(&self, question: Question<'_>, trace: &mut Trace) -> Option<Authenticated> {
        let proof = self.cache.stale(&question.accepted_key, now())?;
        let silent = |step: &TraceStep| step.backend == *proof.backend() && step.is_silence();
        if !trace.steps.iter().any(silent) {
            return None;
        }
        tracing::warn!(
            target: AUDIT, user = ?question.name, backend = %proof.backend(),
            "accepted on an earlier yes, the backend is unavailable"
        );
        trace.ended_by = EndReason::Grace;
        Some(proof)
    }

    /// Forgets earlier acceptances of backends that refuse now.
    ///
    /// This covers restricted and unrestricted attempts.
    fn forget_acceptances(&self, chain: &Chain, question: Question<'_>) {
        let Question { scope, .. } = question;
        let key = |scope: Scope<'_>| question.accepted_key_in(&self.cache, scope);
        for slot in chain.slots.iter().filter(|slot| scope.has(&slot.id)) {
            self.cache.forget(&key(Scope(Some(&slot.id))));
        }
        match scope.0 {
            None => self.cache.forget(&key(Scope::ALL)),
            Some(only) => self.cache.forget_of(&key(Scope::ALL), only),
        }
    }

    /// The one place where a live yes becomes a proof.
    fn remember_accepted(
        &self,
        slot: &BackendSlot,
        identity: Identity,
        question: Question<'_>,
        trace: &mut Trace,
    ) -> Outcome {
        let verified = VerifiedIdentity { identity, backend: slot.id.clone() };
        let key = question.accepted_key;
        let BackendPolicy { cache_accepted: fresh, max_stale: stale, .. } = slot.policy;
        let lifetime = Lifetime { fresh, stale, network: self.network(question.source) };
        if !self.cache.accept(key, question.name, &verified, question.began, now(), lifetime) {
            trace.ended_by = EndReason::Invalidated;
            return Outcome::Unavailable { retry_after: Duration::ZERO };
        }
        Outcome::Authenticated(Authenticated::assertion(
            verified,
            Freshness::Live,
            self.cache.began(question.began),
        ))
    }
}
