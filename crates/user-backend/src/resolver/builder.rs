//! Putting a resolver together.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use thiserror::Error;

use super::backend_slot::{BackendSlot, BackendSpec};
use super::chain::{Chain, Limits};
use super::names::{NameRules, NamespaceCollision, check_collisions};
use super::pin::{MemoryPins, PinStore};
use super::policy::BackendPolicy;
use super::proven_store::{KeptProven, ProvenKey, ProvenStore};
use super::recipe::{Decorator, Recipe, Slot, Tuning};
use super::{NotAuthenticated, Resolver, ResolverShared};
use crate::backend::UserBackend;
use crate::brute_force::known_credentials::KnownCredentials;
use crate::brute_force::shared_budget::SiteBudget;
use crate::brute_force::{
    AttemptLimit, FailedLoginObserver, Lockout, SharedBudget, SourceRateLimit, SourceRateLimiter,
    UserHashKey, UserLimiter,
};
use crate::cache::single_flight::SingleFlight;
use crate::cache::{CacheBounds, OutcomeCache};
use crate::identity::BackendId;
use crate::secret::NoRandomness;

/// At most this many different attempts are under way at once.
const MOST_FLIGHTS: usize = 10_000;

/// Collects backends and settings; [`build`](Self::build) checks them all.
///
/// Backends are asked in the order in which they are added. Beyond that the order of calls makes no
/// difference: what is set here overrides a [configuration](Self::with_config).
#[derive(Debug)]
#[must_use]
pub struct ResolverBuilder {
    recipe: Recipe,
    failure_log: Option<Arc<dyn FailedLoginObserver>>,
    pins: Arc<dyn PinStore>,
    kept_proven: Option<KeptProven>,
    user_hash_key: Option<UserHashKey>,
    site_budget: Option<SiteBudget>,
}

impl Default for ResolverBuilder {
    fn default() -> Self {
        Self {
            recipe: Recipe::default(),
            failure_log: None,
            pins: Arc::new(MemoryPins::default()),
            kept_proven: None,
            user_hash_key: None,
            site_budget: None,
        }
    }
}

impl Resolver {
    /// Starts to put a resolver together.
    pub fn builder() -> ResolverBuilder {
        ResolverBuilder::default()
    }
}

impl ResolverBuilder {
    /// Appends a backend with the default policy and the default rules about names.
    pub fn backend(self, backend: impl UserBackend) -> Self {
        self.backend_with(Arc::new(backend), BackendPolicy::default(), NameRules::new())
    }

    /// Adds a backend with a policy and with rules about names, which the resolver applies.
    ///
    /// The backend is given the name to send and knows nothing of them.
    /// [`DomainRules`](crate::DomainRules) alone will do: then no name is denied.
    pub fn backend_with(
        mut self,
        backend: Arc<dyn UserBackend>,
        policy: BackendPolicy,
        names: impl Into<NameRules>,
    ) -> Self {
        self.recipe.slots.push(Slot::ByHand(Box::new(BackendSpec::by_hand(backend, policy, names.into()))));
        self
    }

    /// Appends the backends of a configuration, and applies its settings.
    ///
    /// Settings made by hand stay.
    pub(crate) fn configured(
        mut self,
        parts: Vec<BackendSpec>,
        tuning: Tuning,
        decorator: Decorator,
    ) -> Self {
        self.recipe.configure(parts, tuning, decorator);
        self
    }

    /// How long one attempt may take, all backends together (default 25 s, at most a day).
    #[doc(alias = "timeout")]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.recipe.by_hand.deadline = Some(deadline);
        self
    }

    /// How many outcomes are remembered at most (default 100,000 or 32 MiB).
    pub fn cache_bounds(mut self, bounds: CacheBounds) -> Self {
        self.recipe.by_hand.bounds = Some(bounds);
        self
    }

    /// Rate limit per source (default: as [`SourceRateLimit::default`]).
    ///
    /// Only attempts that [say where they come from](super::Credentials::from_source) are.
    #[doc(alias = "rate limit")]
    #[doc(alias = "brute force")]
    pub fn throttle(mut self, throttle: SourceRateLimit) -> Self {
        self.recipe.by_hand.throttle = Some(throttle);
        self
    }

    /// The observer of failures that count against source and user (default: none).
    ///
    /// It stays when the resolver is [replaced](Resolver::replace).
    pub fn failure_log(mut self, log: Arc<dyn FailedLoginObserver>) -> Self {
        self.failure_log = Some(log);
        self
    }

    /// How guesses at one user are delayed, whatever their source; `None`: not at all.
    ///
    /// Default: as [`Lockout::default`].
    #[doc(alias = "lockout")]
    #[doc(alias = "brute force")]
    pub fn lock(mut self, lock: Option<Lockout>) -> Self {
        self.recipe.by_hand.lock = Some(lock);
        self
    }

    /// The store of pins, which hold the backend that owns each name.
    ///
    /// Default: in memory, until the process ends.
    pub fn pins(mut self, pins: Arc<dyn PinStore>) -> Self {
        self.pins = pins;
        self
    }

    /// The store of proven credentials, and the key of their hashes (default: none).
    ///
    /// The store must not have the key. It stays when the resolver is
    /// [replaced](Resolver::replace).
    pub fn proven(mut self, store: Arc<dyn ProvenStore>, key: ProvenKey) -> Self {
        self.kept_proven = Some(KeptProven::new(store, key));
        self
    }

    /// The key for user hashes in reports to the [observer](Self::failure_log).
    ///
    /// Default: none, so no users are reported. It stays when the resolver is
    /// [replaced](Resolver::replace).
    pub fn user_hashes(mut self, key: UserHashKey) -> Self {
        self.user_hash_key = Some(key);
        self
    }

    /// The record of failed logins at the backends that all servers of a site share, and the key
    /// under which it knows users (default: none, each process counts on its own).
    ///
    /// All servers need the same key. It stays when the resolver is [replaced](Resolver::replace).
    #[doc(alias = "cluster")]
    pub fn shared_budget(mut self, store: Arc<dyn SharedBudget>, key: UserHashKey) -> Self {
        self.site_budget = Some(SiteBudget::new(store, key));
        self
    }

    /// Checks everything and makes the resolver.
    ///
    /// # Errors
    /// [`BuildError`] when there is no backend, two have the same id, two strip different domains
    /// into one name space, or the system has no randomness.
    pub fn build(self) -> Result<Resolver, BuildError> {
        self.check()?;
        self.make(None)
    }

    /// Makes the resolver without a check.
    pub(super) fn make(mut self, fixed: Option<NotAuthenticated>) -> Result<Resolver, BuildError> {
        let kept_proven = self.kept_proven.take();
        let bounds = self.bounds();
        let cache = OutcomeCache::new(bounds)?;
        let recipe = Mutex::new(self.recipe.clone());
        let shared = ResolverShared {
            recipe,
            fixed,
            warned_of_no_source: Default::default(),
            chain: ArcSwap::from_pointee(self.into_chain(None)),
            reloading: Default::default(),
            cache,
            bounds,
            flights: SingleFlight::new(MOST_FLIGHTS),
            remembered: Default::default(),
            health: Default::default(),
            networks: Default::default(),
            kept_proven,
        };
        Ok(Resolver { shared: Arc::new(shared) })
    }

    /// Whether the backends can work together.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        let ids = || self.recipe.parts().map(|part| part.backend.id());
        if ids().next().is_none() {
            return Err(BuildError::NoBackend);
        }
        for (number, id) in ids().enumerate() {
            if ids().take(number).any(|earlier| earlier == id) {
                return Err(BuildError::DuplicateId { id: id.clone() });
            }
        }
        check_collisions(self.recipe.parts().map(|part| (part.backend.id(), part.names.domain())))?;
        Ok(())
    }

    /// The chain, with unchanged slots of `before` and its pins.
    pub(super) fn into_chain(self, before: Option<&Chain>) -> Chain {
        let (throttle, lock) = (self.recipe.throttle(), self.recipe.lock());
        let (deadline, bounds) = (self.recipe.deadline(), self.recipe.bounds());
        let slots = self.recipe.parts().cloned().map(|part| {
            let before = before.and_then(|before| before.slot(part.backend.id()));
            match before.filter(|before| before.is_made_of(&part)) {
                Some(same) => Arc::clone(same),
                None => Arc::new(BackendSlot::new(part, before.map(Arc::as_ref))),
            }
        });
        let slots: Vec<Arc<BackendSlot>> = slots.collect();
        // One outward limit for all names: the strictest of the backends.
        let limit = slots.iter().map(|slot| slot.policy.budget).reduce(AttemptLimit::stricter);
        let limit = limit.unwrap_or_default();
        let limits = match before {
            Some(before) => Limits {
                sources: match before.sources.is_made_of(throttle) {
                    true => before.sources.clone(),
                    false => SourceRateLimiter::new(throttle, before.sources.observer()),
                },
                users: before.users.with_settings(lock, limit),
                known: before.known.clone(),
            },
            None => {
                let known = KnownCredentials::new(bounds.entries);
                let observer = self.failure_log;
                Limits {
                    sources: SourceRateLimiter::new(throttle, observer.clone()),
                    users: UserLimiter::new(lock, limit, known.clone(), observer, self.user_hash_key),
                    known,
                }
            }
        };
        let pins = before.map_or(self.pins, |before| Arc::clone(&before.pins));
        let site_budget = before.map_or(self.site_budget, |before| before.site_budget.clone());
        Chain::new(slots, pins, site_budget, limits, deadline)
    }

    pub(super) fn bounds(&self) -> CacheBounds {
        self.recipe.bounds()
    }

    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    pub(super) fn of_recipe(recipe: Recipe) -> Self {
        Self { recipe, ..Self::default() }
    }
}

/// Why a resolver cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Without a backend every user would be refused.
    #[error("there is no backend to ask")]
    NoBackend,
    /// Two backends would be the same in pins, caches and traces.
    #[error("two backends have the id \"{id}\"")]
    DuplicateId {
        /// The id.
        id: BackendId,
    },
    /// Two users could share one name.
    #[error(transparent)]
    Collision(#[from] NamespaceCollision),
    /// The system has no randomness for the cache's key.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}
