//! The resolver: asks the backends in turn, remembers outcomes, and hands out the proof of sign-in.
//!
//! ```text
//! name, password, source
//!  -> cache        accepted, then refused outcomes: a hit returns here, before any future is boxed
//!  -> parse        empty, control characters, too long: refused here, no backend is asked
//!  -> in flight    an identical attempt under way is joined, without a further limit
//!  -> source       rate limit of failed attempts from one address
//!  -> user         lockout after failures at one user, from any source
//!  -> task         the attempt runs in a task of its own, which survives its callers
//!  -> chain        each backend in order, under one deadline: domain, pin, denied names, budget
//!  -> backend      timeout, concurrency limit, circuit breaker, canary
//!  -> claim        the first backend that accepts owns the name
//!  -> answer       cached, unless the user or the backend was invalidated meanwhile
//! ```

mod attempt;
mod builder;
pub mod canary;
mod chain;
mod conclude;
mod credentials;
mod health;
mod link;
pub mod names;
mod observe;
mod outcome;
pub mod pin;
pub mod policy;
mod proven_store;
mod reload;
mod report;
mod scope;
mod trace;
mod trust;

pub use builder::{BuildError, ResolverBuilder};
pub use credentials::Credentials;
pub use health::Outage;
pub(crate) use link::Part;
pub use outcome::{Answer, Outcome};
pub use pin::{MemoryPins, PinError, PinOwner, PinStore};
pub use policy::Policy;
pub use proven_store::{ProvenHash, ProvenKey, ProvenStore, ProvenStoreError};
pub use reload::Reloaded;
pub use trace::{Rule, Said, Step, Trace};

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::backend::UserBackend;
use crate::clock::{Instant, now};
use crate::identity::{BackendId, CanonicalName, LoginName};
use crate::brute_force::{Place, Throttle};
use crate::cache::single_flight::Flights;
use crate::cache::{CacheBounds, CacheStats, OutcomeCache};
use crate::secret::Password;
use crate::verdict::Authenticated;
use canary::Canary;
use chain::Chain;
use link::prove;
use names::NameDecision;
use scope::Scope;

/// Asks backends in turn and remembers outcomes. Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub struct Resolver {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    chain: ArcSwap<Chain>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
    cache: OutcomeCache,
    bounds: CacheBounds,
    flights: Flights<outcome::Landed>,
    remembered: observe::Remembered,
    health: health::Health,
    /// Where proven credentials are kept for longer than the process.
    kept_proven: Option<proven_store::KeptProven>,
}

/// What goes on at the moment, as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pressure {
    /// Attempts under way.
    pub under_way: usize,
    /// Places with failed sign-ins that still count.
    pub throttled_places: usize,
    /// Names with failed sign-ins that still count.
    pub locked_users: usize,
}

impl Resolver {
    /// How long one attempt may take when nothing else is set.
    pub const DEFAULT_DEADLINE: Duration = policy::DEFAULT_DEADLINE;

    /// Decides one attempt, within the deadline set for the resolver.
    ///
    /// Needs a tokio runtime: the first of several identical attempts runs in its own task.
    ///
    /// # Cancellation
    /// Safe. The attempt itself goes on, for others who wait for it and for the cache.
    // Not an `async fn`: that would first move the credentials from one place in the future to another.
    #[allow(clippy::manual_async_fn)]
    pub fn authenticate(&self, credentials: Credentials<'_>) -> impl Future<Output = Answer> + Send {
        async move {
            let started = now();
            if let Some(proof) = self.recall_acceptance(&credentials, started) {
                self.shared.remembered.accepted();
                return remembered(proof);
            }
            if let Some(answer) = self.recall_refusal(&credentials, started) {
                self.shared.remembered.rejected();
                return answer;
            }
            // Boxed, so that what is answered from memory drags no room for an attempt along.
            let answer = Box::pin(self.attempt(&credentials, started)).await;
            observe::answered(&answer);
            let chain = self.shared.chain.load();
            let is_open = |id: &BackendId| chain.link(id).is_some_and(|link| link.breaker.is_open());
            self.shared.health.answered(&answer, is_open);
            answer
        }
    }

    /// The answer from memory, if there is one: no task, no server, no waiting.
    fn recall(&self, credentials: &Credentials<'_>, at: Instant) -> Option<Answer> {
        self.recall_acceptance(credentials, at)
            .map(remembered)
            .or_else(|| self.recall_refusal(credentials, at))
    }

    // Inlined, like all that a hit goes through: handing an answer on takes longer than finding it.
    #[inline(always)]
    fn recall_acceptance(&self, credentials: &Credentials<'_>, at: Instant) -> Option<Authenticated> {
        Password::check(credentials.password).ok()?;
        let cache = &self.shared.cache;
        let key = CanonicalName::with_canonical(credentials.name, |canonical| {
            Scope(credentials.only).accepted_key(cache, canonical, credentials.password)
        });
        cache.accepted(&key.ok()?, at)
    }

    fn recall_refusal(&self, credentials: &Credentials<'_>, at: Instant) -> Option<Answer> {
        let cache = &self.shared.cache;
        let scope = Scope(credentials.only);
        let key = scope.typed_key(cache, credentials.name, credentials.password);
        let rejection = cache.rejected(&key, at)?;
        let mut trace = Trace::new(Rule::CachedRefusal);
        trace.steps = self.shared.chain.load().steps(|id| match scope.has(id) {
            true => Step::remembered(id, Said::Rejected),
            false => Step::excluded(id),
        });
        Some(Answer { outcome: Outcome::Refused(rejection), trace })
    }

    /// The backends, in order, as they are now.
    pub fn backends(&self) -> Vec<Arc<dyn UserBackend>> {
        self.shared.chain.load().links.iter().map(|link| Arc::clone(&link.backend)).collect()
    }

    /// The backends that may own this name: a user of theirs could be known by it, or type it as their address.
    ///
    /// A backend without a domain may own every name.
    pub fn possible_owners(&self, name: &CanonicalName) -> Vec<BackendId> {
        let Ok(login) = LoginName::parse(name.as_str()) else { return Vec::new() };
        let chain = self.shared.chain.load();
        let may_own = chain.links.iter().filter(|link| match link.names.decide(&login) {
            NameDecision::Ask { identity, .. } => identity.name() == name || name.as_str().contains('@'),
            NameDecision::NotMine | NameDecision::Denied => false,
        });
        may_own.map(|link| link.id.clone()).collect()
    }

    /// The backends that could not answer the last sign-in that needed them, in the order of their ids.
    pub fn outages(&self) -> Vec<Outage> {
        self.shared.health.outages()
    }

    /// The canonical forms under which the backends would know a typed name; its own is the first. Empty for a name that cannot
    /// be one.
    pub fn names_of(&self, typed: &str) -> Vec<CanonicalName> {
        let Ok(login) = LoginName::parse(typed) else { return Vec::new() };
        let chain = self.shared.chain.load();
        let mut names = vec![login.canonical().clone()];
        for name in chain.known_as(&login) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The policy of one backend, as it is now.
    pub fn policy(&self, id: &BackendId) -> Option<Policy> {
        self.shared.chain.load().link(id).map(|link| link.policy.clone())
    }

    /// Offers a person who does not exist to every backend whose policy wants it; one that accepts is not asked again until
    /// this is called once more. One that cannot be asked now is offered a stranger again when it says its first yes,
    /// which counts only if the stranger was refused. For long-running programs: at start (a [reload](Self::replace) does it
    /// for what is new), never per login.
    ///
    /// # Cancellation
    /// Safe; backends that were not reached keep the trust they had.
    pub async fn canary(&self) -> Vec<(BackendId, Canary)> {
        let chain = self.shared.chain.load_full();
        let found = prove(&chain.links, chain.deadline).await;
        for link in chain.links.iter().filter(|link| !link.trust.standing().counts()) {
            self.shared.cache.invalidate_backend(&link.id);
        }
        found
    }

    /// Binds a name to another backend, or to the next one that accepts it, and returns the previous owner. What is remembered
    /// about the person is forgotten.
    ///
    /// # Errors
    /// [`PinError`] when the store of pins cannot be written; nothing is changed then.
    ///
    /// # Security
    /// An admin's act: the new backend decides from now on who this person is. It is written to the audit log.
    pub async fn rebind(
        &self,
        name: &CanonicalName,
        backend: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError> {
        let pins = Arc::clone(&self.shared.chain.load().pins);
        let before = pins.rebind(name, backend).await?;
        self.shared.cache.invalidate_user(name);
        tracing::info!(target: trace::AUDIT, user = ?name, ?before, after = ?backend, "rebound");
        Ok(before)
    }

    /// Forgets what is remembered about one person; checks under way no longer count when this returns.
    pub fn invalidate_user(&self, name: &CanonicalName) {
        self.shared.cache.invalidate_user(name);
    }

    /// Forgives the failed sign-ins of one person, so that the next one need not wait: for when the password was changed, or an
    /// administrator says so. What a server counts upstream stays.
    pub fn unlock(&self, name: &CanonicalName) {
        self.shared.chain.load().locks.unlock(name);
    }

    /// Counts a failed sign-in from a place of which another process told, or that was written down before a restart: `age` is how
    /// long ago it was. The [`FailureLog`](crate::brute_force::FailureLog) is not told again.
    pub fn count_failure(&self, place: Place, age: Duration) {
        self.shared.chain.load().throttles.count(place, age);
    }

    /// Forgives the failed sign-ins from a place, so that the next one is the first: an administrator says so.
    pub fn forgive(&self, place: Place) {
        self.shared.chain.load().throttles.forgive(place);
    }

    /// How failed sign-ins from one place are slowed down, as it is now.
    pub fn throttle(&self) -> Throttle {
        *self.shared.chain.load().throttles.throttle()
    }

    /// How many attempts are under way, from how many places sign-ins failed, and how many people were guessed at in vain.
    pub fn pressure(&self) -> Pressure {
        let chain = self.shared.chain.load();
        Pressure {
            under_way: self.shared.flights.under_way(),
            throttled_places: chain.throttles.places(),
            locked_users: chain.locks.people(),
        }
    }

    /// Forgets everything that one backend vouched for; its checks under way no longer count when this returns.
    pub fn invalidate_backend(&self, id: &BackendId) {
        self.shared.cache.invalidate_backend(id);
    }

    /// Forgets everything; checks under way no longer count when this returns.
    pub fn invalidate_all(&self) {
        self.shared.cache.invalidate_all();
    }

    /// How much is remembered at most.
    pub fn cache_bounds(&self) -> CacheBounds {
        self.shared.bounds
    }

    /// How often an answer came from memory since the start: accepted ones, refused ones.
    pub fn answers_from_memory(&self) -> [u64; 2] {
        self.shared.remembered.so_far()
    }

    /// What is remembered at the moment.
    pub fn cache_stats(&self) -> CacheStats {
        self.shared.cache.stats()
    }
}

#[inline(always)]
fn remembered(proof: Authenticated) -> Answer {
    let steps = vec![Step::remembered(proof.backend(), Said::Accepted)];
    let trace = Trace { steps, ended_by: Rule::CachedAcceptance, note: None, ms: 0 };
    Answer { outcome: Outcome::Authenticated(proof), trace }
}

#[cfg(test)]
mod tests;
