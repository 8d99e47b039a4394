//! One attempt that memory could not answer: its turn, its flight, its task.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::chain::Chain;
use super::conclude::{Question, RETRY_AFTER};
use super::outcome::Landed;
use super::scope::Scope;
use super::trace::{Rule, Step, Trace};
use super::{Answer, Credentials, Outcome, Resolver, Shared, observe};
use crate::backend::Attempt;
use crate::clock::{Instant, later, millis_since, now, time_to_begin};
use crate::identity::LoginName;
use crate::layer::fence::Epoch;
use crate::layer::flight::Lost;
use crate::layer::lock::{self, Lock};
use crate::layer::throttle::{Place, Refusal, Throttle, Throttles, Turn};
use crate::secret::{OutcomeKey, Password};
use crate::verdict::{Freshness, Rejection};

/// The backends' time ends this much before the caller's, or a twentieth of it if that is less: there must be time left
/// to say who did not answer, and to fall back on an earlier yes.
const TO_CONCLUDE: Duration = Duration::from_millis(250);

/// What an attempt depends on.
struct Snapshot {
    chain: Arc<Chain>,
    /// The last invalidation that concerns it.
    change: Epoch,
    began: Epoch,
}

impl Resolver {
    pub(super) async fn attempt(&self, credentials: &Credentials<'_>, started: Instant) -> Answer {
        let (name, password) =
            match (LoginName::parse(credentials.name), Password::parse(credentials.password)) {
                (Ok(name), Ok(password)) => (name, password),
                (Err(error), _) => return invalid(error.to_string()),
                (_, Err(error)) => return invalid(error.to_string()),
            };
        let snapshot = self.snapshot(&name);
        let throttles = snapshot.chain.throttles.clone();
        let deadline = later(started, snapshot.chain.deadline);
        let scope = Scope(credentials.only);
        let flight = scope.typed_key(&self.shared.cache, name.as_str(), password.expose());
        // Limits count guesses, whatever a guess was restricted to.
        let key = Scope::ALL.typed_key(&self.shared.cache, name.as_str(), password.expose());
        // Who joins a flight asks nothing new, so it needs no turn.
        if let Some(landed) = self.shared.flights.follow(flight, snapshot.change, deadline).await {
            return self.landed(landed, &name, started);
        }
        let locks = snapshot.chain.locks.clone();
        drop(snapshot);
        // What was right the last time from the same network is no guess: it does not wait for guesses at its user, and it may
        // reach the backend. It waits for guesses from its own network, which could tell it from wrong ones otherwise.
        let label = proven_label(credentials.source);
        let proven_as = self.shared.cache.key(&label, name.as_str(), password.expose());
        let mut is_proven = locks.proven().contains(&proven_as);
        let is_in_memory = is_proven;
        let record = self.shared.kept_proven.as_ref().map(|kept| kept.record(&label, &name, &password));
        if let Some(record) = record.as_ref().filter(|_| !is_proven && !throttles.is_known_to_be_wrong(&key))
        {
            is_proven = record.is_kept(deadline).await;
            if is_proven {
                locks.proven().add(proven_as);
            }
        }
        let turn = match turn(&throttles, credentials.source, &key, time_to_begin(deadline)).await {
            Ok(turn) => turn,
            Err((place, refusal)) => {
                return self.throttled(throttles.throttle(), place, refusal, started);
            }
        };
        // In this order: who waited for the lock first would keep a person's place while waiting for a turn of their own.
        let people = self.shared.chain.load().known_as(&name).collect::<Vec<_>>();
        let entry = match locks.enter(people, &key, &proven_as, time_to_begin(deadline)).await {
            Ok(entry) => entry,
            Err(refusal) => {
                // A guess that was not judged costs its source what a wrong one does.
                if let Some(turn) = turn {
                    turn.unjudged(&key);
                }
                return self.locked(locks.lock(), refusal, started);
            }
        };
        let backends_until = deadline - TO_CONCLUDE.min(deadline.saturating_duration_since(started) / 20);
        // Waiting for a turn may have taken a while.
        let Snapshot { chain, change, began } = self.snapshot(&name);
        let asked = name.clone();
        let work = || {
            let resolver = self.clone();
            let source = credentials.source;
            let only = credentials.only.cloned();
            // A typed name may be a password in the wrong field, so it is not beside every line of the usual log.
            let span =
                tracing::debug_span!("attempt", user = ?name, source = source.map(tracing::field::display));
            let work = async move {
                // Somebody may have had an answer since this attempt looked.
                let only = only.as_ref();
                let again = Credentials { name: name.as_str(), password: password.expose(), source, only };
                if let Some(answer) = resolver.recall(&again, now()) {
                    return (answer, began);
                }
                let shared = &resolver.shared;
                let attempt = Attempt::new(&name, &password, backends_until).from_source(source);
                let finding = chain.ask(attempt, Scope(only), &key, is_proven).await;
                let question = Question { name: &name, password: &password, scope: Scope(only), began };
                let answer = shared.conclude(&chain, finding, question);
                match &answer.outcome {
                    Outcome::Authenticated(proof) => {
                        throttles.accepted(&key);
                        // An earlier yes is no news.
                        if proof.freshness() == Freshness::Live {
                            entry.accepted();
                            if let Some(record) = record.filter(|_| !is_in_memory) {
                                record.keep(proof.name(), deadline).await;
                            }
                        }
                    }
                    Outcome::Refused(rejection) => {
                        if let Some(turn) = turn {
                            turn.refused(*rejection, &key);
                        }
                        if entry.refused(*rejection) {
                            observe::locked(&name, source);
                        }
                        if let Some(record) = record.filter(|_| is_proven) {
                            record.forget(deadline).await;
                        }
                    }
                    Outcome::Throttled { .. } => {
                        if let Some(turn) = turn {
                            turn.unjudged(&key);
                        }
                    }
                    // An answer that is not recognised may have been a refusal.
                    Outcome::Unavailable { .. } => {
                        if let Some(turn) = turn.filter(|_| answer.trace.counts_as_guess()) {
                            turn.unjudged(&key);
                        }
                    }
                }
                observe::landed(&name, &answer);
                (answer, began)
            };
            work.instrument(span)
        };
        let landed = self.shared.flights.join(flight, change, deadline, work).await;
        self.landed(landed, &asked, started)
    }

    /// What a question depends on that is asked now. In this order: a flight of before an invalidation is joined by nobody who
    /// asks after it; what is found out counts only if nothing was invalidated since it began; and a chain that is
    /// replaced is followed by invalidations, so what it finds out later does not count either.
    fn snapshot(&self, name: &LoginName) -> Snapshot {
        let Shared { chain: current, cache, .. } = self.shared.as_ref();
        loop {
            let chain = current.load_full();
            // Most backends know people by the name that they typed: it is looked up once.
            let others = chain.known_as(name).filter(|known| known != name.canonical());
            let names = std::iter::once(name.canonical().clone()).chain(others);
            let change = cache.last_change(names);
            let began = cache.epoch();
            if Arc::ptr_eq(&chain, &current.load()) {
                return Snapshot { chain, change, began };
            }
        }
    }

    /// The answer of a flight, if it still counts: a backend may know a person by a name that nobody could foresee, and somebody
    /// may have been late to pick the answer up.
    fn landed(&self, landed: Result<Landed, Lost>, name: &LoginName, started: Instant) -> Answer {
        let (answer, began) = match landed {
            Ok(landed) => landed,
            Err(lost) => return missed(lost, started),
        };
        match answer.authenticated() {
            Some(proof) if !self.shared.cache.holds(began, name, proof) => {
                let mut trace = answer.trace;
                trace.ended_by = Rule::Invalidated;
                Answer { outcome: Outcome::Unavailable { retry_after: Duration::ZERO }, trace }
            }
            _ => answer,
        }
    }

    fn throttled(&self, throttle: &Throttle, place: Place, refusal: Refusal, started: Instant) -> Answer {
        let (retry_after, note) = match refusal {
            Refusal::TooMany(wait) => (
                wait,
                format!("{} in {} min from {place}", throttle.refuse_after, throttle.per.as_secs() / 60),
            ),
            Refusal::TooEarly(wait) => (wait, format!("the last one from {place} was a moment ago")),
            Refusal::NoTurn => (RETRY_AFTER, format!("too many attempts from {place} are under way")),
        };
        let mut trace = Trace::new(Rule::SourceThrottled).with_note(note);
        trace.steps = self.shared.chain.load().steps(|id| Step::skipped(id, "the address is slowed down"));
        trace.ms = millis_since(started);
        Answer { outcome: Outcome::Throttled { retry_after }, trace }
    }
}

impl Resolver {
    fn locked(&self, lock: Option<&Lock>, refusal: lock::Refusal, started: Instant) -> Answer {
        let note = match refusal {
            lock::Refusal::RestOfDay(_) => {
                let lock = lock.map(ToString::to_string).unwrap_or_default();
                format!("more than {lock}; the password that was right the last time is let through")
            }
            lock::Refusal::TooEarly(_) => "the last one was a moment ago, or others are under way".to_owned(),
        };
        let mut trace = Trace::new(Rule::UserLocked).with_note(note);
        trace.steps =
            self.shared.chain.load().steps(|id| Step::skipped(id, "the user is locked for a while"));
        trace.ms = millis_since(started);
        Answer { outcome: Outcome::Throttled { retry_after: refusal.retry_after() }, trace }
    }
}

/// What the hash of proven credentials covers beside name and password: the network of the source.
fn proven_label(source: Option<IpAddr>) -> Vec<u8> {
    let place = source.map(|source| Place::of(source).to_string());
    ["proven ", place.as_deref().unwrap_or("anywhere")].concat().into_bytes()
}

/// The right to make an attempt, for those who have told where they are.
async fn turn(
    throttles: &Throttles,
    source: Option<IpAddr>,
    key: &OutcomeKey,
    deadline: Instant,
) -> Result<Option<Turn>, (Place, Refusal)> {
    let Some(source) = source.filter(|_| !throttles.is_known_to_be_wrong(key)) else { return Ok(None) };
    throttles.turn(source, deadline).await.map(Some).map_err(|refusal| (Place::of(source), refusal))
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
