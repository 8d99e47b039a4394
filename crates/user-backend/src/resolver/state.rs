//! The state of the backends, for those who run the program.

use super::Resolver;
use super::canary_state::CanaryStatus;
use super::health::{LastAnswer, Outage};
use crate::identity::BackendId;

/// Whether the yes of a backend counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackendTrust {
    /// No made-up user was tried yet, or the backend could not be asked about one.
    Unproven,
    /// It refused a made-up user.
    Proven,
    /// It accepted a made-up user: it is not asked.
    Distrusted,
}

/// The state of one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendState {
    /// The backend.
    pub backend: BackendId,
    /// Whether it is not asked because it failed too often.
    pub breaker_open: bool,
    /// Whether its yes counts.
    pub trust: BackendTrust,
    /// Whether its answers to wrong passwords are recognised.
    pub recognises_refusals: bool,
    /// Set while it cannot answer.
    pub outage: Option<Outage>,
    /// What it answered last, since the start of the program.
    pub last_answer: Option<LastAnswer>,
}

impl Resolver {
    /// The state of the backends, in the order of the chain.
    ///
    /// No backend is asked.
    pub fn backend_states(&self) -> Vec<BackendState> {
        let chain = self.shared.chain.load();
        let outages = self.shared.health.outages();
        let states = chain.slots.iter().map(|slot| BackendState {
            backend: slot.id.clone(),
            breaker_open: slot.breaker.is_open(),
            trust: match slot.canary_state.status() {
                CanaryStatus::Untried | CanaryStatus::Open => BackendTrust::Unproven,
                CanaryStatus::Proven => BackendTrust::Proven,
                CanaryStatus::Broken => BackendTrust::Distrusted,
            },
            recognises_refusals: !slot.canary_state.does_not_recognise(),
            outage: outages.iter().find(|outage| outage.backend == slot.id).cloned(),
            last_answer: self.shared.health.last_answer(&slot.id),
        });
        states.collect()
    }
}
