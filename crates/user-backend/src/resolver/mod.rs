//! The resolver: asks backends in order, caches outcomes, creates proofs of sign-in.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use user_backend::{BackendPolicy, Credentials, DomainRules, Resolver, StaticBackend};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mail = StaticBackend::new("mail")?.with_user("alice", "Wonderland-1");
//! let mut policy = BackendPolicy::default();
//! policy.cache_accepted = Duration::from_secs(60);
//! let resolver = Resolver::builder()
//!     .backend_with(Arc::new(mail), policy, DomainRules::none())
//!     .backend(StaticBackend::new("guests")?.with_user("guest-1", "Rabbit-hole-2"))
//!     .deadline(Duration::from_secs(10))
//!     .build()?;
//! let client = "203.0.113.7".parse()?;
//! let credentials = Credentials::new("alice", "Wonderland-1").from_source(client);
//! let proof = resolver.authenticate(credentials).await.into_result()?;
//! assert_eq!((proof.name().as_str(), proof.backend().as_str()), ("alice", "mail"));
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! name, password, source
//!  -> cache        accepted, then refused outcomes: a hit returns here, before any future is boxed
//!  -> parse        empty, control characters, too long: refused here, no backend is asked
//!  -> register     at the limits of source and user, before the first wait
//!  -> in flight    an identical attempt of this source, or of proven credentials, is joined
//!  -> source       rate limit of failed attempts from one address; not for proven credentials
//!  -> user         lockout after failures at one user, from any source; not for proven credentials
//!  -> task         one for identical attempts, which survives its callers; cache once more
//!  -> chain        each backend in order, under one deadline: domain, pin, denied names, budget
//!  -> backend      timeout, concurrency limit, circuit breaker, canary
//!  -> claim        the first backend that accepts owns the name
//!  -> answer       cached, unless the user or the backend was invalidated meanwhile
//! ```

mod attempt;
mod backend_slot;
mod builder;
pub mod canary;
mod canary_state;
mod chain;
mod conclude;
mod credentials;
mod fixed;
mod health;
pub mod names;
mod observe;
mod outcome;
#[cfg(feature = "metrics")]
mod periodic_metrics;
pub mod pin;
pub mod policy;
mod proven_store;
mod recipe;
mod refusal_time;
mod reload;
mod scope;
mod state;
mod trace;

pub(crate) use backend_slot::BackendSpec;
pub use builder::{BuildError, ResolverBuilder};
pub use credentials::Credentials;
pub use health::{LastAnswer, Outage};
pub use outcome::{NotAuthenticated, Outcome, TracedOutcome};
pub use pin::{MemoryPins, PinError, PinOwner, PinStore};
pub use policy::BackendPolicy;
pub use proven_store::{ProvenHash, ProvenKey, ProvenStore, ProvenStoreError};
pub(crate) use recipe::{Decorator, Tuning};
pub use reload::BackendReload;
pub use state::{BackendState, BackendTrust};
pub use trace::{EndReason, StepOutcome, Trace, TraceStep};

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::backend::UserBackend;
use crate::brute_force::per_user::ConsecutiveFailures;
use crate::brute_force::{Certainty, SourceHash, SourceNet, SourceRateLimit, UserHash};
use crate::cache::single_flight::SingleFlight;
use crate::cache::{CacheBounds, CacheStats, OutcomeCache};
use crate::clock::{Instant, now};
use crate::identity::{BackendId, CanonicalName, LoginName};
use crate::secret::{OutcomeKey, Password};
use crate::verdict::Authenticated;
use backend_slot::prove;
use canary::Canary;
use chain::Chain;
use names::NameDecision;
use scope::Scope;

/// Asks backends in order and caches outcomes.
///
/// Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub struct Resolver {
    shared: Arc<ResolverShared>,
}

#[derive(Debug)]
struct ResolverShared {
    chain: ArcSwap<Chain>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
    cache: OutcomeCache,
    bounds: CacheBounds,
    flights: SingleFlight<outcome::FlightResult>,
    remembered: observe::CacheHits,
    health: health::Health,
    /// For hashes of networks in remembered outcomes.
    networks: RandomState,
    /// Where proven credentials are kept for longer than the process.
    kept_proven: Option<proven_store::KeptProven>,
    /// The parts of the resolver, for the next reload.
    recipe: std::sync::Mutex<recipe::Recipe>,
    /// The outcome of every attempt, in a resolver for tests.
    fixed: Option<NotAuthenticated>,
    /// Whether attempts without a client address were reported.
    warned_of_no_source: std::sync::atomic::AtomicBool,
}

/// Current activity, as numbers.
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
    /// Safe. The attempt itself continues, for other callers and for the cache.
    // Not an `async fn`: that would first move the credentials from one place in the future to
    // another.
    #[allow(clippy::manual_async_fn)]
    pub fn authenticate(&self, credentials: Credentials<'_>) -> impl Future<Output = TracedOutcome> + Send {
        async move {
            let started = now();
            let recalled = self.recall_quietly(&credentials, started);
            if let Recalled::Accepted(proof) = recalled {
                self.shared.remembered.accepted();
                return remembered(proof);
            }
            // An acceptance that has to wait for its permit is newer than a refusal.
            let refusal = match recalled {
                Recalled::AfterLimits => None,
                _ => self.recall_refusal(&credentials, started),
            };
            if let Some(answer) = refusal {
                self.shared.remembered.rejected();
                return answer;
            }
            // Boxed, so that what is answered from memory drags no room for an attempt along.
            let answer = Box::pin(self.attempt(&credentials, started)).await;
            match answer.trace.ended_by {
                EndReason::CachedAcceptance => self.shared.remembered.accepted(),
                EndReason::CachedRefusal => self.shared.remembered.rejected(),
                _ => observe::answered(&answer),
            }
            let chain = self.shared.chain.load();
            let is_open = |id: &BackendId| chain.slot(id).is_some_and(|slot| slot.breaker.is_open());
            self.shared.health.answered(&answer, is_open);
            answer
        }
    }

    /// The answer from memory for an attempt that has passed the limits.
    fn recall(
        &self,
        question: &conclude::Question<'_>,
        may_accept: bool,
        at: Instant,
    ) -> Option<TracedOutcome> {
        let accepted = || self.shared.cache.accepted(&question.accepted_key, at);
        let accepted = may_accept.then(accepted).flatten();
        accepted.map(remembered).or_else(|| self.refusal(question.scope, &question.typed_key, at))
    }

    /// The acceptance in memory, if there is one.
    ///
    /// It is given at once if nothing is known about source and user that could hold an attempt up:
    /// then the limits would let it through at once.
    // Inlined, like all that a hit goes through: handing an answer on takes longer than finding it.
    #[inline(always)]
    fn recall_quietly(&self, credentials: &Credentials<'_>, at: Instant) -> Recalled {
        if Password::check(credentials.password).is_err() {
            return Recalled::Nothing;
        }
        let ResolverShared { cache, chain, .. } = self.shared.as_ref();
        let source = credentials.source;
        let found = CanonicalName::with_canonical(credentials.name, |canonical| {
            let key = Scope(credentials.only).accepted_key(cache, canonical, credentials.password);
            let (proof, network) = cache.accepted_from(&key, at)?;
            let chain = chain.load();
            // Verified from this very network: proven there, and exempt from the limit of the user.
            // Another network is proven by its first sign-in, which takes the way of an attempt.
            let is_proven =
                || chain.known.are_proven(&self.proven_key(canonical, credentials.password, source));
            let is_free =
                network == self.shared.network(source) || (chain.users.is_quiet(canonical) && is_proven());
            let is_free = is_free && source.is_none_or(|source| chain.sources.is_quiet(source));
            Some(if is_free { Recalled::Accepted(proof) } else { Recalled::AfterLimits })
        });
        found.ok().flatten().unwrap_or(Recalled::Nothing)
    }

    fn recall_acceptance(&self, credentials: &Credentials<'_>, at: Instant) -> Option<Authenticated> {
        let cache = &self.shared.cache;
        let key = CanonicalName::with_canonical(credentials.name, |canonical| {
            Scope(credentials.only).accepted_key(cache, canonical, credentials.password)
        });
        cache.accepted(&key.ok()?, at)
    }

    /// The user whom the memory accepts with these credentials, if it does.
    ///
    /// It decides nothing: no limit is asked, and what is remembered may have ended elsewhere. A
    /// program that reads an account for every sign-in can read it together with what it has to
    /// know [before](Self::invalidate_user) it asks, and who cannot sign in does not find out from
    /// the time it takes which accounts exist.
    pub fn remembered_user(&self, credentials: &Credentials<'_>) -> Option<CanonicalName> {
        Password::check(credentials.password).ok()?;
        self.recall_acceptance(credentials, now()).map(|proof| proof.name().clone())
    }

    fn recall_refusal(&self, credentials: &Credentials<'_>, at: Instant) -> Option<TracedOutcome> {
        let scope = Scope(credentials.only);
        let key = scope.typed_key(&self.shared.cache, credentials.name, credentials.password);
        self.refusal(scope, &key, at)
    }

    fn refusal(&self, scope: Scope<'_>, key: &OutcomeKey, at: Instant) -> Option<TracedOutcome> {
        let rejection = self.shared.cache.rejected(key, at)?;
        let mut trace = Trace::new(EndReason::CachedRefusal);
        trace.steps = self.shared.chain.load().steps(|id| match scope.has(id) {
            true => TraceStep::remembered(id, StepOutcome::Rejected),
            false => TraceStep::excluded(id),
        });
        Some(TracedOutcome { outcome: Outcome::Refused(rejection), trace })
    }

    /// The backends, in order, as they are now.
    pub fn backends(&self) -> Vec<Arc<dyn UserBackend>> {
        self.shared.chain.load().slots.iter().map(|slot| Arc::clone(&slot.backend)).collect()
    }

    /// The backends that may own this name.
    ///
    /// A user of theirs could be known by it, or type it as their address.
    ///
    /// A backend without a domain may own every name.
    pub fn possible_owners(&self, name: &CanonicalName) -> Vec<BackendId> {
        let Ok(login) = LoginName::parse(name.as_str()) else { return Vec::new() };
        let chain = self.shared.chain.load();
        let may_own = chain.slots.iter().filter(|slot| match slot.names.decide(&login) {
            NameDecision::Ask { identity, .. } => identity.name() == name || name.as_str().contains('@'),
            NameDecision::NotMine | NameDecision::Denied => false,
        });
        may_own.map(|slot| slot.id.clone()).collect()
    }

    /// The backends that could not answer the last sign-in that needed them.
    ///
    /// They are in the order of their ids.
    pub fn outages(&self) -> Vec<Outage> {
        self.shared.health.outages()
    }

    /// The backends whose refusals are not recognised, so that they look like an outage.
    ///
    /// In the order of the chain.
    pub fn unrecognised(&self) -> Vec<BackendId> {
        let chain = self.shared.chain.load();
        let slots = chain.slots.iter().filter(|slot| slot.canary_state.does_not_recognise());
        slots.map(|slot| slot.id.clone()).collect()
    }

    /// The canonical forms under which the backends would know a typed name.
    ///
    /// Its own is the first. Empty for a name that cannot be one.
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
    pub fn policy(&self, id: &BackendId) -> Option<BackendPolicy> {
        self.shared.chain.load().slot(id).map(|slot| slot.policy.clone())
    }

    /// Runs the canary of every backend whose policy enables it.
    ///
    /// One that accepts is not asked about users until it refuses a made-up one, which is tried
    /// again every five minutes. A backend that cannot be asked now is checked again at its first
    /// yes, which counts only if the made-up user was refused; so is one that was proven, after an
    /// outage and once an hour. For long-running programs: at start (a [reload](Self::replace)
    /// does it for what is new), never per login.
    ///
    /// # Cancellation
    /// Safe; backends that were not reached keep the trust they had.
    pub async fn canary(&self) -> Vec<(BackendId, Canary)> {
        let chain = self.shared.chain.load_full();
        let found = prove(&chain.slots, chain.deadline).await;
        for slot in chain.slots.iter().filter(|slot| !slot.canary_state.status().counts()) {
            self.shared.cache.invalidate_backend(&slot.id);
        }
        found
    }

    /// Binds a name to a backend, or to the next that accepts it; returns the last owner.
    ///
    /// What is remembered about the person is forgotten.
    ///
    /// # Errors
    /// [`PinError`] when the store of pins cannot be written; nothing is changed then.
    ///
    /// # Security
    /// An admin's act: the new backend decides from now on who this person is. It is written to the
    /// audit log.
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

    /// Whether a proof that was kept, such as in a session, still counts.
    ///
    /// It does not after [`invalidate_user`](Self::invalidate_user),
    /// [`invalidate_backend`](Self::invalidate_backend), [`invalidate_all`](Self::invalidate_all)
    /// or [`rebind`](Self::rebind) concerned it, after its backend was changed or removed by a
    /// [reload](Self::replace), and while its backend is not trusted because it accepted a canary.
    /// No server is asked: a password that was changed there is not noticed, and a proof never gets
    /// too old. So give sessions an expiry. A proof of another resolver (or of another process)
    /// never counts.
    ///
    /// ```
    /// # use user_backend::{Credentials, Resolver, StaticBackend};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
    /// let resolver = Resolver::builder().backend(people).build()?;
    /// let answer = resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
    /// let session = answer.into_result()?;
    /// assert!(resolver.still_counts(&session));
    /// resolver.invalidate_user(session.name());
    /// assert!(!resolver.still_counts(&session));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "session")]
    pub fn still_counts(&self, proof: &Authenticated) -> bool {
        let chain = self.shared.chain.load();
        let is_trusted = |slot: &Arc<backend_slot::BackendSlot>| {
            slot.canary_state.status() != canary_state::CanaryStatus::Broken
        };
        chain.slot(proof.backend()).is_some_and(is_trusted) && self.shared.cache.still_holds(proof)
    }

    /// Forgets what is remembered about one person.
    ///
    /// Checks under way no longer count when this returns.
    pub fn invalidate_user(&self, name: &CanonicalName) {
        self.shared.cache.invalidate_user(name);
    }

    /// Clears the failed sign-ins of one user, so that the next one need not wait.
    ///
    /// After a change of the password, or on request of an administrator. What a server counts
    /// upstream stays.
    pub fn unlock(&self, name: &CanonicalName) {
        self.unlock_since(name, Duration::ZERO);
    }

    /// Like [`Self::unlock`], for an unlock in another process `age` ago.
    ///
    /// Later failures that other processes saw stay.
    pub fn unlock_since(&self, name: &CanonicalName, age: Duration) {
        self.shared.chain.load().users.unlock(name, age);
    }

    /// Counts a failed sign-in of another process, or from before a restart.
    ///
    /// `age` is how long ago it was. The
    /// [`FailedLoginObserver`](crate::brute_force::FailedLoginObserver) is not notified again.
    pub fn count_failure(&self, source: SourceNet, certainty: Certainty, age: Duration) {
        self.shared.chain.load().sources.count(source, certainty, age);
    }

    /// The same for a failed sign-in with a name, as the observer learned of it.
    pub fn count_user_failure(&self, user: UserHash, source: SourceHash, age: Duration) {
        self.shared.chain.load().users.report_failure(user, source, age);
    }

    /// Ends what was counted from a network for a user who signed in at another process.
    ///
    /// `age` is how long ago that was.
    pub fn count_user_sign_in(&self, user: UserHash, source: SourceHash, age: Duration) {
        self.shared.chain.load().users.report_sign_in(user, source, age);
    }

    /// Forgets what [`Self::count_user_failure`] counted and happened longer ago than this.
    ///
    /// The password was changed then, or an administrator cleared the record.
    pub fn forget_user_failures(&self, name: &CanonicalName, age: Duration) {
        self.shared.chain.load().users.forget_reports(name, age);
    }

    /// Clears the failed sign-ins from a source, so that the next one is the first.
    ///
    /// On request of an administrator.
    pub fn forgive(&self, source: SourceNet) {
        self.shared.chain.load().sources.reset(source);
    }

    /// Locks users after this many failures in a row, if that is less than the settings say.
    ///
    /// `None`: as the settings say.
    ///
    /// For a rule that can change while the program runs. It applies to all names except `exempt`,
    /// so that a lockout does not reveal which backend keeps a password. A user who is locked only
    /// by it is refused as [`AccountLocked`](crate::Rejection::AccountLocked).
    pub fn set_max_failures_in_a_row(&self, max: Option<u32>, exempt: Option<CanonicalName>) {
        let rule = max.map(|max| ConsecutiveFailures { max, exempt });
        self.shared.chain.load().users.set_in_a_row(rule);
    }

    /// How failed sign-ins from one source are slowed down, as it is now.
    pub fn throttle(&self) -> SourceRateLimit {
        *self.shared.chain.load().sources.limit()
    }

    /// How long the slowest backend usually takes to refuse a wrong password.
    ///
    /// Zero as long as none was seen. A program that delays every refusal until then does not
    /// reveal by its timing which backend was asked.
    pub fn usual_refusal(&self) -> Duration {
        let chain = self.shared.chain.load();
        chain.slots.iter().map(|slot| slot.refusal_time.usual()).max().unwrap_or_default()
    }

    /// How long failed sign-ins of one user may count.
    pub fn user_failures_count_for(&self) -> Duration {
        self.shared.chain.load().users.remembers_for()
    }

    /// Number of attempts in progress, and of networks and names with failed sign-ins.
    pub fn pressure(&self) -> Pressure {
        let chain = self.shared.chain.load();
        Pressure {
            under_way: self.shared.flights.under_way(),
            throttled_places: chain.sources.sources(),
            locked_users: chain.users.users(),
        }
    }

    /// Forgets everything that one backend accepted.
    ///
    /// Its attempts in progress no longer count when this returns.
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

impl ResolverShared {
    #[inline]
    fn network(&self, source: Option<IpAddr>) -> u32 {
        let hash = source.map_or(0, |source| self.networks.hash_one(SourceNet::of(source)));
        // Half of it will do.
        (hash >> 32) as u32
    }
}

/// What memory says before any limit was asked.
enum Recalled {
    /// Yes, and no limit is in the way.
    Accepted(Authenticated),
    /// Memory has an answer, but limits apply first.
    AfterLimits,
    Nothing,
}

#[inline(always)]
fn remembered(proof: Authenticated) -> TracedOutcome {
    let steps = vec![TraceStep::remembered(proof.backend(), StepOutcome::Accepted)];
    let trace = Trace { steps, ended_by: EndReason::CachedAcceptance, note: None, ms: 0 };
    TracedOutcome { outcome: Outcome::Authenticated(proof), trace }
}

#[cfg(test)]
mod tests;
