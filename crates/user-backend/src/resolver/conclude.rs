//! From what the chain found out to the answer: what is remembered, what is proved, what an outage means.

use std::time::Duration;

use super::chain::{Chain, Decision, Finding};
use super::link::Link;
use super::trace::{Rule, Step, Trace};
use super::{ACCEPTED, Answer, Outcome, Shared, TYPED, observe};
use crate::clock::now;
use crate::identity::{CanonicalName, LoginName};
use crate::layer::Lifetime;
use crate::layer::fence::Epoch;
use crate::secret::Password;
use crate::verdict::{Authenticated, Freshness, Identity, Vouched};

/// When to try again, for want of a better guess.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Shared {
    pub(super) fn conclude(
        &self,
        chain: &Chain,
        finding: Finding,
        name: &LoginName,
        password: &Password,
        began: Epoch,
    ) -> Answer {
        let Finding { decision, mut trace } = finding;
        let outcome = match decision {
            Decision::Accepted { link, identity } => {
                self.vouch(&link, identity, name, password, began, &mut trace)
            }
            Decision::Rejected { rejection, cacheable } => {
                self.cache.forget(&self.cache.key(ACCEPTED, name.canonical().as_str(), password.expose()));
                if let Some(lifetime) = cacheable {
                    let key = self.cache.key(TYPED, name.as_str(), password.expose());
                    let names = std::iter::once(name.canonical().clone()).chain(chain.known_as(name));
                    self.cache.reject(key, names, rejection, began, now(), lifetime);
                }
                Outcome::Refused(rejection)
            }
            Decision::Unavailable => match self.grace(name, password, &mut trace) {
                Some(proof) => Outcome::Authenticated(proof),
                None => {
                    let tuple = self.cache.key(TYPED, name.as_str(), password.expose());
                    let in_grace = |person: &CanonicalName| self.cache.is_in_grace(person, now());
                    chain.charge_guess(&trace, name, &tuple, in_grace);
                    Outcome::Unavailable { retry_after: RETRY_AFTER }
                }
            },
            Decision::Throttled { retry_after } => Outcome::Throttled { retry_after },
        };
        Answer { outcome, trace }
    }

    /// A yes of a while ago, if the backend that gave it has a grace and cannot be reached now.
    fn grace(&self, name: &LoginName, password: &Password, trace: &mut Trace) -> Option<Authenticated> {
        let key = self.cache.key(ACCEPTED, name.canonical().as_str(), password.expose());
        let proof = self.cache.stale(&key, now())?;
        let silent = |step: &Step| step.backend == *proof.backend() && step.is_silence();
        if !trace.steps.iter().any(silent) {
            return None;
        }
        tracing::warn!(
            target: observe::AUDIT, user = ?name, backend = %proof.backend(),
            "accepted on an earlier yes, the backend is unavailable"
        );
        trace.ended_by = Rule::Grace;
        Some(proof)
    }

    /// The one place where a live yes becomes a proof.
    fn vouch(
        &self,
        link: &Link,
        identity: Identity,
        name: &LoginName,
        password: &Password,
        began: Epoch,
        trace: &mut Trace,
    ) -> Outcome {
        let vouched = Vouched { identity, backend: link.id.clone() };
        let key = self.cache.key(ACCEPTED, name.canonical().as_str(), password.expose());
        let lifetime = Lifetime { fresh: link.policy.cache_accepted, stale: link.policy.max_stale };
        if !self.cache.accept(key, name, &vouched, began, now(), lifetime) {
            trace.ended_by = Rule::Invalidated;
            return Outcome::Unavailable { retry_after: Duration::ZERO };
        }
        Outcome::Authenticated(Authenticated::assertion(vouched, Freshness::Live))
    }
}
