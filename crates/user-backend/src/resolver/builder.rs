//! Putting a resolver together.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use thiserror::Error;

use super::chain::{Chain, Link};
use super::pin::{MemoryPins, PinStore};
use super::policy::Policy;
use super::{Resolver, Shared};
use crate::backend::UserBackend;
use crate::identity::{BackendId, DomainRules, NamespaceCollision, check_collisions};
use crate::layer::{
    Breaker, Budgets, CacheBounds, Deadlined, Flights, Limited, OutcomeCache, Throttle, Throttles,
};
use crate::secret::NoRandomness;

/// At most this many different attempts are under way at once.
const MOST_FLIGHTS: usize = 10_000;

/// Collects backends and settings; [`build`](Self::build) checks them all.
#[derive(Debug)]
#[must_use]
pub struct ResolverBuilder {
    links: Vec<(Arc<dyn UserBackend>, Policy, DomainRules)>,
    deadline: Duration,
    bounds: CacheBounds,
    throttle: Throttle,
    pins: Arc<dyn PinStore>,
}

impl Default for ResolverBuilder {
    fn default() -> Self {
        Self {
            links: Vec::new(),
            deadline: Resolver::DEFAULT_DEADLINE,
            bounds: CacheBounds::default(),
            throttle: Throttle::default(),
            pins: Arc::new(MemoryPins::default()),
        }
    }
}

impl ResolverBuilder {
    /// Adds a backend behind those already there, with the default policy.
    pub fn backend(self, backend: impl UserBackend) -> Self {
        self.link(Arc::new(backend), Policy::default(), DomainRules::none())
    }

    /// Adds a backend with a policy, and with the domain rules it applies, so that name spaces can be compared.
    pub fn link(mut self, backend: Arc<dyn UserBackend>, policy: Policy, domain: DomainRules) -> Self {
        self.links.push((backend, policy, domain));
        self
    }

    /// How long one attempt may take, all backends together (default 20 s, at most a day).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        // Far enough from the end of all clocks.
        self.deadline = deadline.min(Duration::from_secs(24 * 60 * 60));
        self
    }

    /// How many outcomes are remembered at most (default 100,000 or 32 MiB).
    pub fn cache_bounds(mut self, bounds: CacheBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// How failed sign-ins from one place are slowed down (default: as [`Throttle::default`]). Only attempts that
    /// [say where they come from](super::Credentials::from_source) are.
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = throttle;
        self
    }

    /// Where it is kept which backend owns whom (default: in memory, until the process ends).
    pub fn pins(mut self, pins: Arc<dyn PinStore>) -> Self {
        self.pins = pins;
        self
    }

    /// Checks everything and makes the resolver.
    ///
    /// # Errors
    /// [`BuildError`] when there is no backend, two have the same id, two strip different domains into one name space, or
    /// the system has no randomness.
    pub fn build(self) -> Result<Resolver, BuildError> {
        if self.links.is_empty() {
            return Err(BuildError::NoBackend);
        }
        for (number, (backend, ..)) in self.links.iter().enumerate() {
            if self.links.iter().take(number).any(|(earlier, ..)| earlier.id() == backend.id()) {
                return Err(BuildError::DuplicateId { id: backend.id().clone() });
            }
        }
        check_collisions(self.links.iter().map(|(backend, _, domain)| (backend.id(), domain)))?;
        let cache = OutcomeCache::new(self.bounds)?;
        let links = self.links.into_iter().map(|(backend, policy, domain)| {
            let breaker = Arc::new(Breaker::new(backend));
            Link {
                id: breaker.id().clone(),
                backend: decorate(Arc::clone(&breaker), &policy),
                breaker,
                budgets: Budgets::new(policy.budget),
                policy,
                domain,
                distrusted: AtomicBool::new(false),
            }
        });
        let chain = Chain { links: links.collect(), pins: self.pins };
        let shared = Shared {
            chain,
            cache,
            throttles: Throttles::new(self.throttle),
            flights: Flights::new(MOST_FLIGHTS),
            deadline: self.deadline,
            remembered: Default::default(),
        };
        Ok(Resolver { shared: Arc::new(shared) })
    }
}

/// The order is documented in [`layer`](crate::layer).
fn decorate(backend: Arc<Breaker>, policy: &Policy) -> Arc<dyn UserBackend> {
    let limited = Limited::new(backend, policy.max_concurrent);
    Arc::new(Deadlined::new(Arc::new(limited)))
}

/// Why a resolver cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Without a backend everybody would be refused.
    #[error("there is no backend to ask")]
    NoBackend,
    /// Two backends could not be told apart in pins, caches and traces.
    #[error("two backends have the id \"{id}\"")]
    DuplicateId {
        /// The id.
        id: BackendId,
    },
    /// Two people could share one name.
    #[error(transparent)]
    Collision(#[from] NamespaceCollision),
    /// The system has no randomness for the cache's key.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}
