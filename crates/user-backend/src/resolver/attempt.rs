//! One attempt without a cached outcome: limits, sharing of identical attempts, task.
//!
//! What is known about a password, in memory or as proven credentials, must not reveal more than
//! the limits allow:
//!
//! 1. An attempt is registered at its source and its user before it waits for anything. As long as
//!    anything is registered or counted there, [`Resolver::authenticate`] answers no acceptance
//!    from memory on its own.
//! 2. An attempt that is not exempt first takes a permit of the source and one of the user. Memory
//!    then saves the backend from being asked, not the limits from being applied.
//! 3. Exempt are the credentials that were accepted last from this network, as long as it has
//!    offered only a few others for this name. They pass every limit, and memory answers them at
//!    once.
//! 4. While no backend can judge guesses, memory answers only a few different ones per source and
//!    user.
//!
//! Credentials are proven for the network of every caller who gets a yes that counts now: from the
//! backend, from memory, or from the attempt of another caller. Otherwise the second device of a
//! user would have no exemption as long as the sign-in of the first is remembered. Grace proves
//! nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::chain::Chain;
use super::conclude::{Question, RETRY_AFTER};
use super::outcome::FlightResult;
use super::proven_store::ProvenRecord;
use super::scope::Scope;
use super::trace::{EndReason, Trace, TraceStep};
use super::{Credentials, Outcome, Resolver, ResolverShared, TracedOutcome, fixed, observe};
use crate::backend::Attempt;
use crate::brute_force::per_source::{self, SourceArrival, SourcePermit};
use crate::brute_force::per_user::{self, UserArrival, UserPermit};
use crate::brute_force::{GuessKey, GuessLimit, SourceNet, counts};
use crate::cache::epochs::Epoch;
use crate::cache::single_flight::JoinError;
use crate::clock::{Instant, later, millis_since, now, time_to_begin};
use crate::identity::LoginName;
use crate::secret::{OutcomeKey, Password};
use crate::verdict::{Freshness, Rejection};

/// Reserve at the end of the caller's deadline, or a twentieth of it if that is less.
///
/// It leaves time to name the backend that did not answer, and for grace.
const TO_CONCLUDE: Duration = Duration::from_millis(250);

/// What an attempt depends on.
struct Snapshot {
    chain: Arc<Chain>,
    /// The last invalidation that concerns it.
    change: Epoch,
    began: Epoch,
}

/// What the limits know an attempt by.
#[derive(Clone, Copy, Debug)]
struct Guess {
    /// Of the name as typed and the password, whatever the attempt is restricted to.
    key: GuessKey,
    /// A keyed hash of the name.
    name: u32,
}

/// An attempt that is registered at the limits.
#[derive(Debug)]
struct Arrival {
    source: Option<SourceArrival>,
    users: UserArrival,
}

/// What is known about the credentials of an attempt.
#[derive(Debug)]
struct Knowledge {
    /// They were refused a while ago.
    is_known_wrong: bool,
    /// No limit applies: they were accepted last from this network.
    is_exempt: bool,
    /// This source may be answered from memory.
    may_recall: bool,
    /// Their record in the store of proven credentials, if there is a store.
    record: Option<ProvenRecord>,
    /// It need not be written.
    is_recorded: bool,
}

impl Resolver {
    pub(super) async fn attempt(&self, credentials: &Credentials<'_>, started: Instant) -> TracedOutcome {
        if let Some(outcome) = self.shared.fixed {
            return fixed::answer(outcome);
        }
        if credentials.source.is_none() && !credentials.is_local {
            observe::no_source(&self.shared.warned_of_no_source);
        }
        let (name, password) =
            match (LoginName::parse(credentials.name), Password::parse(credentials.password)) {
                (Ok(name), Ok(password)) => (name, password),
                (Err(error), _) => return invalid(error.to_string()),
                (_, Err(error)) => return invalid(error.to_string()),
            };
        let chain = self.shared.chain.load_full();
        // Before the first wait: a guess that waits must be visible to those that come meanwhile.
        let arrival = Arrival {
            source: credentials.source.map(|source| chain.sources.arrive(source)),
            users: chain.users.arrive(chain.names_of(&name)),
        };
        let deadline = later(started, chain.deadline);
        let guess = self.guess(&chain, &name, &password, credentials.source);
        let record = self.shared.kept_proven.as_ref();
        let record = record.map(|kept| kept.record(&proven_label(credentials.source), &name, &password));
        let own_record = record.clone();
        let knowledge = self.knowledge(&chain, &arrival, &guess, record, deadline).await;
        if knowledge.is_exempt
            && let Some(proof) = self.recall_acceptance(credentials, now())
        {
            return super::remembered(proof);
        }
        let scope = Scope(credentials.only);
        let flight = match scope {
            Scope::ALL => guess.key.credentials,
            only => only.typed_key(&self.shared.cache, name.as_str(), password.expose()),
        };
        // An attempt of the same source with the same password is one guess, so it needs no permit
        // of its own.
        let is_under_way =
            arrival.source.as_ref().is_some_and(|source| source.is_under_way(&guess.key.credentials));
        if knowledge.is_exempt || is_under_way {
            let change = self.snapshot(&name).change;
            if let Some(joined) = self.shared.flights.follow(flight, change, deadline).await {
                let answer = self.shared_outcome(joined, &name, started);
                self.prove(&guess, credentials.source, own_record.as_ref(), &answer, deadline).await;
                return answer;
            }
        }
        let needs_turn = !knowledge.is_exempt && !knowledge.is_known_wrong;
        let permit = match arrival.source.filter(|_| needs_turn) {
            Some(source) => match source.permit(&guess.key.credentials, time_to_begin(deadline)).await {
                Ok(permit) => Some(permit),
                Err(refusal) => return self.source_limited(&chain, refusal, started),
            },
            None => None,
        };
        // In this order: an attempt that waited for the user first would hold that permit while it
        // waits for the source.
        let entered = arrival.users.enter(&guess.key, knowledge.is_exempt, time_to_begin(deadline));
        let user_permit = match entered.await {
            Ok(user_permit) => user_permit,
            Err(refusal) => {
                // A guess that was not judged counts at its source like a wrong one, unless no
                // backend refused it.
                if let Some(permit) = permit.filter(|_| refusal != per_user::UserDenial::Unanswered) {
                    permit.unjudged();
                }
                return self.user_limited(&chain, refusal, started);
            }
        };
        drop(chain);
        let admission = Admission { permit, user_permit, guess, knowledge, deadline };
        let backends_until = deadline - TO_CONCLUDE.min(deadline.saturating_duration_since(started) / 20);
        // Waiting for a permit may have taken a while.
        let Snapshot { chain, change, began } = self.snapshot(&name);
        let user_name = name.clone();
        let work = || {
            let resolver = self.clone();
            let source = credentials.source;
            let only = credentials.only.cloned();
            // A typed name may be a password in the wrong field, so it is not beside every line of
            // the usual log.
            let span =
                tracing::debug_span!("attempt", user = ?name, source = source.map(tracing::field::display));
            let work = async move {
                let shared = &resolver.shared;
                let scope = Scope(only.as_ref());
                let canonical = name.canonical().as_str();
                let accepted_key = scope.accepted_key(&shared.cache, canonical, password.expose());
                let question = Question {
                    name: &name,
                    password: &password,
                    scope,
                    source,
                    began,
                    accepted_key,
                    typed_key: flight,
                };
                // Another attempt may have finished since the first look-up.
                let may_recall = admission.may_recall();
                if let Some(answer) = resolver.recall(&question, may_recall, now()) {
                    return (answer, began);
                }
                let is_proven = admission.knowledge.is_exempt;
                let attempt =
                    Attempt::new(&name, &password, backends_until).from_source(source).as_proven(is_proven);
                let finding = chain.ask(attempt, scope, &admission.guess.key).await;
                let is_guess = finding.is_guess;
                let answer = shared.conclude(&chain, finding, question, may_recall);
                if admission.settle(&chain, &answer, is_guess).await {
                    observe::locked(&name, source);
                }
                observe::completed(&name, &answer);
                (answer, began)
            };
            work.instrument(span)
        };
        let joined = self.shared.flights.join(flight, change, deadline, work).await;
        let answer = self.shared_outcome(joined, &user_name, started);
        self.prove(&guess, credentials.source, own_record.as_ref(), &answer, deadline).await;
        answer
    }

    /// The key of proven credentials: the name, the password and the network of the source.
    pub(super) fn proven_key(&self, canonical: &str, password: &str, source: Option<IpAddr>) -> OutcomeKey {
        self.shared.cache.key(&proven_label(source), canonical, password)
    }

    fn guess(&self, chain: &Chain, name: &LoginName, password: &Password, source: Option<IpAddr>) -> Guess {
        let cache = &self.shared.cache;
        let canonical = name.canonical().as_str();
        let [one, two, three, four, ..] = cache.key(b"name", canonical, "").to_bytes();
        Guess {
            key: GuessKey {
                credentials: Scope::ALL.typed_key(cache, name.as_str(), password.expose()),
                from_network: self.proven_key(canonical, password.expose(), source),
                source: chain.users.source(source),
            },
            name: u32::from_le_bytes([one, two, three, four]),
        }
    }

    /// Finds out what is known about the credentials.
    ///
    /// What is not proven is noted at the source before anything is waited for.
    async fn knowledge(
        &self,
        chain: &Chain,
        arrival: &Arrival,
        guess: &Guess,
        record: Option<ProvenRecord>,
        deadline: Instant,
    ) -> Knowledge {
        let limit = chain.sources.limit();
        let is_known_wrong = chain.known.were_refused(&guess.key.credentials, limit.per);
        let mut is_proven = chain.known.are_proven(&guess.key.from_network);
        let is_recorded = is_proven;
        let Guess { key: GuessKey { credentials: key, .. }, name } = guess;
        // Without a source there is nothing to count at: see [`Credentials::from_source`].
        let may_recall = arrival.source.as_ref().is_none_or(|source| match is_proven || is_known_wrong {
            true => source.has_room(*name, key),
            false => source.offer(*name, key),
        });
        if let Some(record) = record.as_ref().filter(|_| may_recall && !is_proven && !is_known_wrong) {
            is_proven = record.is_kept(deadline).await;
            if is_proven {
                chain.known.prove(guess.key.from_network);
                if let Some(source) = &arrival.source {
                    source.withdraw(*name, key);
                }
            }
        }
        Knowledge { is_known_wrong, is_exempt: is_proven && may_recall, may_recall, record, is_recorded }
    }

    /// Proves credentials for the network of a caller who was given the yes of another attempt.
    ///
    /// Not by grace: the backend that accepted them once may refuse them now.
    async fn prove(
        &self,
        guess: &Guess,
        source: Option<IpAddr>,
        record: Option<&ProvenRecord>,
        answer: &TracedOutcome,
        deadline: Instant,
    ) {
        let Some(proof) = answer.authenticated() else { return };
        {
            let chain = self.shared.chain.load();
            if matches!(proof.freshness(), Freshness::Stale { .. })
                || chain.known.are_proven(&guess.key.from_network)
            {
                return;
            }
            chain.known.prove(guess.key.from_network);
            if let Some(source) = source {
                chain.sources.arrive(source).withdraw(guess.name, &guess.key.credentials);
            }
        }
        if let Some(record) = record {
            record.keep(proof.name(), deadline).await;
        }
    }

    /// What a question depends on that is asked now.
    ///
    /// In this order: an attempt from before an invalidation is not joined by one that asks after
    /// it; what is found out counts only if nothing was invalidated since it began; and a chain
    /// that is replaced is followed by invalidations, so what it finds out later does not count
    /// either.
    fn snapshot(&self, name: &LoginName) -> Snapshot {
        let ResolverShared { chain: current, cache, .. } = self.shared.as_ref();
        loop {
            let chain = current.load_full();
            // Most backends know users by the name that they type, so it is looked up once.
            let others = chain.known_as(name).filter(|known| known != name.canonical());
            let names = std::iter::once(name.canonical().clone()).chain(others);
            let change = cache.last_change(names);
            let began = cache.epoch();
            if Arc::ptr_eq(&chain, &current.load()) {
                return Snapshot { chain, change, began };
            }
        }
    }

    /// The answer of a shared attempt, if it still counts.
    ///
    /// The backend may know the user by another name, which was invalidated, and the caller may be
    /// late to read the answer.
    fn shared_outcome(
        &self,
        joined: Result<FlightResult, JoinError>,
        name: &LoginName,
        started: Instant,
    ) -> TracedOutcome {
        let (answer, began) = match joined {
            Ok(joined) => joined,
            Err(lost) => return not_joined(lost, started),
        };
        match answer.authenticated() {
            Some(proof) if !self.shared.cache.holds(began, name, proof) => {
                let mut trace = answer.trace;
                trace.ended_by = EndReason::Invalidated;
                TracedOutcome { outcome: Outcome::Unavailable { retry_after: Duration::ZERO }, trace }
            }
            _ => answer,
        }
    }
}

/// The admission of an attempt by the limits, until it is known what became of it.
#[derive(Debug)]
struct Admission {
    permit: Option<SourcePermit>,
    user_permit: UserPermit,
    guess: Guess,
    knowledge: Knowledge,
    deadline: Instant,
}

impl Admission {
    fn may_recall(&self) -> bool {
        self.knowledge.is_exempt || self.knowledge.may_recall && self.user_permit.may_recall()
    }

    /// Settles everything that counts guesses, in one place.
    ///
    /// `is_guess`: a backend has seen the password and gave an answer that is not recognised.
    /// Returns whether the user is locked now and was not before.
    async fn settle(self, chain: &Chain, answer: &TracedOutcome, is_guess: bool) -> bool {
        let Self { permit, user_permit, guess, knowledge, deadline } = self;
        let known = &chain.known;
        let Knowledge { is_exempt, record, is_recorded, .. } = knowledge;
        match &answer.outcome {
            Outcome::Authenticated(proof) => {
                // An earlier yes is no news about failures.
                if proof.freshness() == Freshness::Live {
                    known.accepted(&guess.key.credentials, guess.key.from_network);
                    user_permit.accepted();
                    if let Some(permit) = permit {
                        permit.accepted(guess.name);
                    }
                    if let Some(record) = record.filter(|_| !is_recorded) {
                        record.keep(proof.name(), deadline).await;
                    }
                }
                false
            }
            Outcome::Refused(rejection) if counts(*rejection) => {
                // Another attempt may have failed with the same credentials meanwhile: one failure
                // is enough.
                let known_at_source = known.were_refused(&guess.key.credentials, chain.sources.limit().per);
                let known_at_user = known.were_refused(&guess.key.credentials, chain.users.remembers_for());
                known.refused(guess.key.credentials, &guess.key.from_network);
                if let Some(permit) = permit.filter(|_| !known_at_source) {
                    permit.refused();
                }
                let is_locked = user_permit.refused(known_at_user);
                if let Some(record) = record.filter(|_| is_exempt) {
                    record.forget(deadline).await;
                }
                is_locked
            }
            Outcome::Refused(_) => false,
            Outcome::Throttled { .. } => {
                if let Some(permit) = permit {
                    permit.unjudged();
                }
                false
            }
            Outcome::Unavailable { .. } => {
                if let Some(permit) = permit.filter(|_| is_guess) {
                    permit.unrecognised();
                }
                user_permit.unjudged(is_guess);
                false
            }
        }
    }
}

impl Resolver {
    fn source_limited(
        &self,
        chain: &Chain,
        denial: per_source::SourceDenial,
        started: Instant,
    ) -> TracedOutcome {
        use per_source::SourceDenial as Denial;
        let limit = chain.sources.limit();
        let note = match denial {
            Denial::TooMany(net, _) => {
                format!("{} in {} min from {net}", limit.allowance(net), limit.per.as_secs() / 60)
            }
            Denial::TooEarly(net, _) => format!("the last one from {net} was a moment ago"),
            Denial::NoPermit(net) => format!("too many attempts from {net} are under way"),
            Denial::Unanswered(net) => format!("attempts from {net} are not answered yet"),
        };
        let outcome = match denial {
            Denial::TooMany(_, retry_after) | Denial::TooEarly(_, retry_after) => {
                Outcome::Throttled { limit: GuessLimit::PerSource, retry_after }
            }
            Denial::NoPermit(_) => {
                Outcome::Throttled { limit: GuessLimit::PerSource, retry_after: RETRY_AFTER }
            }
            Denial::Unanswered(_) => Outcome::Unavailable { retry_after: RETRY_AFTER },
        };
        self.limited(outcome, note, "the address is slowed down", started)
    }

    fn user_limited(&self, chain: &Chain, denial: per_user::UserDenial, started: Instant) -> TracedOutcome {
        use per_user::UserDenial as Denial;
        let note = match denial {
            Denial::Locked(_) => {
                let lockout = chain.users.lockout().map(|lockout| lockout.to_string()).unwrap_or_default();
                format!("more than {lockout}; the password that was right the last time is let through")
            }
            Denial::LockedByRule => "more in a row than the password policy allows".to_owned(),
            Denial::TooMany(_) => {
                format!("{}; the password that was right the last time is let through", chain.users.limit())
            }
            Denial::TooEarly(_) => "the last one was a moment ago, or others are under way".to_owned(),
            Denial::Unanswered => "attempts for this user are not answered yet".to_owned(),
        };
        let outcome = match denial {
            Denial::Locked(retry_after) | Denial::TooMany(retry_after) | Denial::TooEarly(retry_after) => {
                Outcome::Throttled { limit: GuessLimit::PerUser, retry_after }
            }
            // Like a server that locks accounts itself: it does not reveal whether the password was
            // right.
            Denial::LockedByRule => Outcome::Refused(Rejection::AccountLocked),
            Denial::Unanswered => Outcome::Unavailable { retry_after: RETRY_AFTER },
        };
        self.limited(outcome, note, "the user is locked for a while", started)
    }

    fn limited(&self, outcome: Outcome, note: String, why: &'static str, started: Instant) -> TracedOutcome {
        // A limit that is not reached by wrong passwords is an overload.
        let (rule, why) = match outcome {
            Outcome::Throttled { limit, .. } => (limit.into(), why),
            Outcome::Refused(_) => (EndReason::UserLocked, why),
            _ => (EndReason::Overload, "other attempts are under way"),
        };
        let mut trace = Trace::new(rule).with_note(note);
        trace.steps = self.shared.chain.load().steps(|id| TraceStep::skipped(id, why));
        trace.ms = millis_since(started);
        TracedOutcome { outcome, trace }
    }
}

/// What the hash of proven credentials covers beside name and password.
///
/// The network of the source.
fn proven_label(source: Option<IpAddr>) -> Vec<u8> {
    let network = source.map(|source| SourceNet::of(source).to_string());
    ["proven ", network.as_deref().unwrap_or("anywhere")].concat().into_bytes()
}

fn not_joined(lost: JoinError, started: Instant) -> TracedOutcome {
    let note = match lost {
        JoinError::Full => "too many attempts are under way",
        JoinError::Died => "the check ended with an internal error",
        JoinError::Late => "no answer in time",
    };
    let mut trace = Trace::new(EndReason::Overload).with_note(note);
    trace.ms = millis_since(started);
    TracedOutcome { outcome: Outcome::Unavailable { retry_after: RETRY_AFTER }, trace }
}

fn invalid(why: String) -> TracedOutcome {
    TracedOutcome {
        outcome: Outcome::Refused(Rejection::PolicyDenied),
        trace: Trace::new(EndReason::InvalidInput).with_note(why),
    }
}
