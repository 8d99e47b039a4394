//! The resolver: asks the backends in turn, remembers outcomes, and hands out the proof of sign-in.
//!
//! ```text
//! name, password, source
//!  -> validate     empty, control characters, over-long: refused here, nobody is asked
//!  -> canonicalise one form of the name for everything that follows
//!  -> cache        a hit returns here, before any future is boxed
//!  -> throttle     only so many failures from one address
//!  -> flight       identical attempts at the same time share one, which survives its callers
//!  -> pins         a known person is asked at their own backend only
//!  -> budget       no backend sees more wrong passwords of one user than it may
//!  -> chain        each backend in order, under one deadline
//!  -> answer       cached, if nobody invalidated it meanwhile
//! ```

mod builder;
mod chain;
mod observe;
mod outcome;
pub mod pin;
pub mod policy;
mod trace;

pub use builder::{BuildError, ResolverBuilder};
pub use outcome::{Answer, Outcome};
pub use pin::{MemoryPins, PinError, PinStore};
pub use policy::Policy;
pub use trace::{Rule, Said, Step, Trace};

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::Instrument;

use crate::backend::{Attempt, UserBackend};
use crate::check::{self, Canary};
use crate::clock::{Instant, later, millis_since, now};
use crate::identity::{BackendId, CanonicalName, LoginName};
use crate::layer::flight::Lost;
use crate::layer::throttle::{Place, Refusal, Turn};
use crate::layer::{CacheStats, Flights, Lifetime, OutcomeCache, Throttles};
use crate::secret::{OutcomeKey, Password};
use crate::verdict::{Authenticated, Freshness, Rejection, Vouched};
use chain::{Chain, Decision, Finding};

/// When to try again, for want of a better guess.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The backends' time ends this much before the caller's, or a twentieth of it if that is less: there must be time left
/// to say who did not answer, and to fall back on an earlier yes.
const TO_CONCLUDE: Duration = Duration::from_millis(250);

/// What a person offers to prove who they are. Borrowed: nothing is kept unless somebody has to be asked.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    name: &'a str,
    password: &'a str,
    source: Option<IpAddr>,
}

impl<'a> Credentials<'a> {
    /// A name and a password as typed.
    pub fn new(name: &'a str, password: &'a str) -> Self {
        Self { name, password, source: None }
    }

    /// Says where the person sits.
    #[must_use]
    pub fn from_source(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Asks backends in turn and remembers outcomes. Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub struct Resolver {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    chain: Chain,
    cache: OutcomeCache,
    throttles: Throttles,
    flights: Flights<Answer>,
    deadline: Duration,
    remembered: observe::Remembered,
}

/// Accepted outcomes are known by canonical name, refused ones by the name as typed.
const ACCEPTED: &[u8] = b"accepted";
const TYPED: &[u8] = b"typed";

impl Resolver {
    /// How long one attempt may take when nothing else is set.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(20);

    /// Starts to put a resolver together.
    pub fn builder() -> ResolverBuilder {
        ResolverBuilder::default()
    }

    /// Decides one attempt, within the deadline set for the resolver.
    ///
    /// Needs a tokio runtime: an attempt that nobody else is making runs in a task of its own.
    ///
    /// # Cancellation
    /// Safe. The attempt itself goes on, for others who wait for it and for the cache.
    pub async fn authenticate(&self, credentials: Credentials<'_>) -> Answer {
        let started = now();
        if let Some(answer) = self.recall(credentials, started) {
            self.shared.remembered.count(&answer);
            return answer;
        }
        let answer = self.attempt(credentials, started).await;
        observe::answered(&answer);
        answer
    }

    async fn attempt(&self, credentials: Credentials<'_>, started: Instant) -> Answer {
        let (name, password) =
            match (LoginName::parse(credentials.name), Password::parse(credentials.password)) {
                (Ok(name), Ok(password)) => (name, password),
                (Err(error), _) => return invalid(error.to_string()),
                (_, Err(error)) => return invalid(error.to_string()),
            };
        let deadline = later(started, self.shared.deadline);
        let backends_until = deadline - TO_CONCLUDE.min(self.shared.deadline / 20);
        let key = self.shared.cache.key(TYPED, name.as_str(), password.expose());
        // Who joins a flight asks nothing new, so it needs no turn.
        if let Some(landed) = self.shared.flights.follow(key, self.shared.cache.epoch(), deadline).await {
            return landed.unwrap_or_else(|lost| missed(lost, started));
        }
        let turn = match self.turn(credentials.source, &key, deadline).await {
            Ok(turn) => turn,
            Err((place, refusal)) => return self.throttled(place, refusal, started),
        };
        let began = self.shared.cache.epoch();
        let work = || {
            let resolver = self.clone();
            let source = credentials.source;
            let span =
                tracing::info_span!("attempt", user = ?name, source = source.map(tracing::field::display));
            let work = async move {
                // Somebody may have had an answer since this attempt looked.
                let again = Credentials { name: name.as_str(), password: password.expose(), source };
                if let Some(answer) = resolver.recall(again, now()) {
                    return answer;
                }
                let shared = &resolver.shared;
                let attempt = Attempt::new(&name, &password, backends_until).from_source(source);
                let finding = shared.chain.ask(attempt, &key).await;
                let answer = shared.conclude(finding, &name, &password, began);
                match (&answer.outcome, turn) {
                    (Outcome::Authenticated(_), _) => shared.throttles.accepted(&key),
                    (Outcome::Refused(rejection), Some(turn)) => turn.refused(*rejection, &key),
                    _ => {}
                }
                observe::landed(&name, &answer);
                answer
            };
            work.instrument(span)
        };
        let landed = self.shared.flights.join(key, began, deadline, work).await;
        landed.unwrap_or_else(|lost| missed(lost, started))
    }

    /// The right to make an attempt, for those who have told where they are.
    async fn turn(
        &self,
        source: Option<IpAddr>,
        key: &OutcomeKey,
        deadline: Instant,
    ) -> Result<Option<Turn>, (Place, Refusal)> {
        let throttles = &self.shared.throttles;
        let Some(source) = source.filter(|_| !throttles.is_known_to_be_wrong(key)) else { return Ok(None) };
        throttles.turn(source, deadline).await.map(Some).map_err(|refusal| (Place::of(source), refusal))
    }

    fn throttled(&self, place: Place, refusal: Refusal, started: Instant) -> Answer {
        let throttle = self.shared.throttles.throttle();
        let (retry_after, note) = match refusal {
            Refusal::TooMany(wait) => (
                wait,
                format!("{} in {} min from {place}", throttle.refuse_after, throttle.per.as_secs() / 60),
            ),
            Refusal::TooEarly(wait) => (wait, format!("the last one from {place} was a moment ago")),
            Refusal::NoTurn => (RETRY_AFTER, format!("too many attempts from {place} are under way")),
        };
        let mut trace = Trace::new(Rule::SourceThrottled).with_note(note);
        trace.steps = self.steps(|id| Step::skipped(id, "the address is slowed down"));
        trace.ms = millis_since(started);
        Answer { outcome: Outcome::Throttled { retry_after }, trace }
    }

    fn steps(&self, step: impl Fn(&BackendId) -> Step) -> Vec<Step> {
        self.shared.chain.links.iter().map(|link| step(&link.id)).collect()
    }

    /// The answer from memory, if there is one: no task, no server, no waiting.
    fn recall(&self, credentials: Credentials<'_>, at: Instant) -> Option<Answer> {
        Password::check(credentials.password).ok()?;
        let cache = &self.shared.cache;
        let remembered = CanonicalName::with_canonical(credentials.name, |canonical| {
            cache.accepted(&cache.key(ACCEPTED, canonical, credentials.password), at)
        });
        if let Some(proof) = remembered.ok()? {
            let mut trace = Trace::new(Rule::CachedAcceptance);
            trace.steps = vec![Step::remembered(proof.backend(), Said::Accepted)];
            return Some(Answer { outcome: Outcome::Authenticated(proof), trace });
        }
        let rejection = cache.rejected(&cache.key(TYPED, credentials.name, credentials.password), at)?;
        let mut trace = Trace::new(Rule::CachedRefusal);
        trace.steps = self.steps(|id| Step::remembered(id, Said::Rejected));
        Some(Answer { outcome: Outcome::Refused(rejection), trace })
    }

    /// Brings the recorder of the crate `metrics` up to date with what is not sent to it at once: how often an answer came from
    /// memory, the state of breakers, sizes. Call it before each scrape, or every few seconds.
    ///
    /// Attempts and answers of backends reach the recorder when they happen. Without a recorder nothing happens. No label
    /// holds a name that a person typed.
    ///
    /// | metric | kind | labels |
    /// |---|---|---|
    /// | `user_backend_attempts_total` | counter | `outcome`, `rule`: one per answer, shared and remembered ones included |
    /// | `user_backend_attempt_seconds` | histogram | `outcome`: of answers that were not remembered |
    /// | `user_backend_answers_total` | counter | `backend`, `verdict`, `phase`: one per backend that was asked; `verdict="rejected"` are failed logins that reached it |
    /// | `user_backend_answer_seconds` | histogram | `backend`, `verdict` |
    /// | `user_backend_breaker_open` | gauge | `backend`: 1 while it is not asked because it failed too often |
    /// | `user_backend_distrusted` | gauge | `backend`: 1 while it is not asked because it accepted a canary |
    /// | `user_backend_cache_outcomes` | gauge | `kind`: `accepted` or `rejected` |
    /// | `user_backend_cache_bytes` | gauge | |
    /// | `user_backend_flights` | gauge | attempts under way |
    /// | `user_backend_throttled_places` | gauge | places with failed sign-ins that still count |
    pub fn report_metrics(&self) {
        observe::report(&self.shared);
    }

    /// The backends, in order.
    pub fn backends(&self) -> impl Iterator<Item = &dyn UserBackend> {
        self.shared.chain.links.iter().map(|link| link.backend.as_ref())
    }

    /// The policy of one backend.
    pub fn policy(&self, id: &BackendId) -> Option<&Policy> {
        self.shared.chain.links.iter().find(|link| link.id == *id).map(|link| &link.policy)
    }

    /// Offers a person who does not exist to every backend whose policy wants it; one that accepts is not asked again until
    /// this is called once more. For long-running programs: at start and on reload, never per login.
    ///
    /// # Cancellation
    /// Safe; backends that were not reached keep the trust they had.
    pub async fn canary(&self) -> Vec<(BackendId, Canary)> {
        let mut found = Vec::new();
        for link in &self.shared.chain.links {
            let canary = if link.policy.canary {
                check::canary(link.backend.as_ref(), &link.domain, later(now(), self.shared.deadline)).await
            } else {
                Canary::NotAsked
            };
            match canary {
                Canary::AcceptsAnybody => {
                    link.distrusted.store(true, Ordering::Relaxed);
                    self.shared.cache.invalidate_backend(&link.id);
                    tracing::error!(backend = %link.id, "accepts people who do not exist; it is not asked any more");
                }
                Canary::Refused => link.distrusted.store(false, Ordering::Relaxed),
                Canary::NotAsked | Canary::Unknown(_) | Canary::Misconfigured(_) => {}
            }
            found.push((link.id.clone(), canary));
        }
        found
    }

    /// Gives a person to another backend, or to whoever accepts first, and tells who owned the name before. What is remembered
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
        let before = self.shared.chain.pins.rebind(name, backend).await?;
        self.shared.cache.invalidate_user(name);
        tracing::info!(target: observe::AUDIT, user = ?name, ?before, after = ?backend, "rebound");
        Ok(before)
    }

    /// Forgets what is remembered about one person; checks under way no longer count when this returns.
    pub fn invalidate_user(&self, name: &CanonicalName) {
        self.shared.cache.invalidate_user(name);
    }

    /// Forgets everything that one backend vouched for; its checks under way no longer count when this returns.
    pub fn invalidate_backend(&self, id: &BackendId) {
        self.shared.cache.invalidate_backend(id);
    }

    /// Forgets everything; checks under way no longer count when this returns.
    pub fn invalidate_all(&self) {
        self.shared.cache.invalidate_all();
    }

    /// What is remembered at the moment.
    pub fn cache_stats(&self) -> CacheStats {
        self.shared.cache.stats()
    }
}

impl Shared {
    fn conclude(
        &self,
        finding: Finding,
        name: &LoginName,
        password: &Password,
        began: crate::layer::fence::Epoch,
    ) -> Answer {
        let Finding { decision, mut trace } = finding;
        let outcome = match decision {
            Decision::Accepted { link, identity } => {
                self.vouch(link, identity, name, password, began, &mut trace)
            }
            Decision::Rejected { rejection, cacheable } => {
                self.cache.forget(&self.cache.key(ACCEPTED, name.canonical().as_str(), password.expose()));
                if let Some(lifetime) = cacheable {
                    let key = self.cache.key(TYPED, name.as_str(), password.expose());
                    let names = std::iter::once(name.canonical().clone()).chain(self.chain.known_as(name));
                    self.cache.reject(key, names, rejection, began, now(), lifetime);
                }
                Outcome::Refused(rejection)
            }
            Decision::Unavailable => match self.grace(name, password, &mut trace) {
                Some(proof) => Outcome::Authenticated(proof),
                None => {
                    let tuple = self.cache.key(TYPED, name.as_str(), password.expose());
                    let in_grace = |person: &CanonicalName| self.cache.is_in_grace(person, now());
                    self.chain.charge_guess(&trace, name, &tuple, in_grace);
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
        link: usize,
        identity: crate::verdict::Identity,
        name: &LoginName,
        password: &Password,
        began: crate::layer::fence::Epoch,
        trace: &mut Trace,
    ) -> Outcome {
        let Some(link) = self.chain.links.get(link) else {
            return Outcome::Unavailable { retry_after: RETRY_AFTER };
        };
        let vouched = Arc::new(Vouched { identity, backend: link.id.clone() });
        let key = self.cache.key(ACCEPTED, name.canonical().as_str(), password.expose());
        let lifetime = Lifetime { fresh: link.policy.cache_accepted, stale: link.policy.max_stale };
        if !self.cache.accept(key, name, &vouched, began, now(), lifetime) {
            trace.ended_by = Rule::Invalidated;
            return Outcome::Unavailable { retry_after: Duration::ZERO };
        }
        Outcome::Authenticated(Authenticated::assertion(vouched, Freshness::Live))
    }
}

fn missed(lost: Lost, started: Instant) -> Answer {
    let note = match lost {
        Lost::Full => "too many attempts are under way",
        Lost::Died => "the check ended with an internal error",
        Lost::Late => "no answer in time",
    };
    let mut trace = Trace::new(Rule::Overload).with_note(note);
    trace.ms = millis_since(started);
    Answer { outcome: Outcome::Unavailable { retry_after: RETRY_AFTER }, trace }
}

fn invalid(why: String) -> Answer {
    Answer {
        outcome: Outcome::Refused(Rejection::PolicyDenied),
        trace: Trace::new(Rule::InvalidInput).with_note(why),
    }
}

#[cfg(test)]
mod tests;
