//! Asks the backends in order, under one deadline.
//!
//! The first acceptance ends the chain. After a rejection the next backend is asked, unless
//! `on_reject` is `stop`. A backend that could not be asked is remembered: with
//! `on_unavailable = "stop"` it ends the chain, because the user might be its own; with
//! `"continue"` later backends may accept the user, and if none does the answer is "unavailable",
//! never "wrong password".

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep_until, timeout_at};

use super::backend_slot::{BackendSlot, LimitReached, NotReserved};
use super::names::{Admit, DomainRules, Reading};
use super::pin::{PinOwner, PinStore};
use super::policy::{OnReject, OnUnavailable};
use super::scope::Scope;
use super::trace::{AUDIT, EndReason, Trace, TraceStep, more_telling};
use crate::backend::{Attempt, ServerMessage};
use crate::brute_force::known_credentials::KnownCredentials;
use crate::brute_force::shared_budget::SiteBudget;
use crate::brute_force::{Cost, GuessKey, GuessLimit, Reached, SourceRateLimiter, UserLimiter, cost};
use crate::clock::{Instant, later, millis_since, now};
use crate::identity::{BackendId, CanonicalName, LoginName};
use crate::verdict::{Identity, Rejection, Verdict};

/// Everything that a reload replaces at once, so that each attempt sees one whole chain.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) slots: Vec<Arc<BackendSlot>>,
    /// Each set of domain rules once: most backends have the same, none.
    rules: Vec<DomainRules>,
    pub(super) pins: Arc<dyn PinStore>,
    /// Failed logins at the backends, counted for all servers, if there is a shared record.
    pub(super) site_budget: Option<SiteBudget>,
    pub(super) sources: SourceRateLimiter,
    pub(super) users: UserLimiter,
    pub(super) known: KnownCredentials,
    pub(super) deadline: Duration,
}

/// The limits on guessing that are the same for all backends.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) sources: SourceRateLimiter,
    pub(super) users: UserLimiter,
    pub(super) known: KnownCredentials,
}

/// The result of the chain, before trust is checked.
#[derive(Debug)]
pub(super) struct ChainResult {
    pub(super) decision: ChainDecision,
    pub(super) trace: Trace,
    /// A backend has seen the password, and its answer is not recognised.
    ///
    /// A guess, although it was not judged.
    pub(super) is_guess: bool,
}

#[derive(Debug)]
pub(super) enum ChainDecision {
    /// This backend accepted.
    Accepted { slot: Arc<BackendSlot>, identity: Identity },
    /// Every backend was asked and none accepted.
    ///
    /// `cacheable` for this long, if at all.
    Rejected { rejection: Rejection, cacheable: Option<Duration> },
    /// A backend that might have accepted could not be asked.
    Unavailable,
    /// A backend that might have accepted was not asked, to avoid a lockout there.
    Throttled { limit: GuessLimit, retry_after: Duration },
}

impl Chain {
    pub(super) fn new(
        slots: Vec<Arc<BackendSlot>>,
        pins: Arc<dyn PinStore>,
        site_budget: Option<SiteBudget>,
        limits: Limits,
        deadline: Duration,
    ) -> Self {
        let Limits { sources, users, known } = limits;
        let mut rules: Vec<DomainRules> = Vec::new();
        for slot in &slots {
            if !rules.contains(slot.names.domain()) {
                rules.push(slot.names.domain().clone());
            }
        }
        Self { slots, rules, pins, site_budget, sources, users, known, deadline }
    }

    /// The link with this id.
    pub(super) fn slot(&self, id: &BackendId) -> Option<&Arc<BackendSlot>> {
        self.slots.iter().find(|slot| slot.id == *id)
    }

    /// A step for each backend.
    pub(super) fn steps(&self, step: impl Fn(&BackendId) -> TraceStep) -> Vec<TraceStep> {
        self.slots.iter().map(|slot| step(&slot.id)).collect()
    }

    /// Decides one attempt at the backends in `scope`.
    ///
    /// `key` is what the limits know its credentials by.
    pub(super) async fn ask(&self, attempt: Attempt<'_>, scope: Scope<'_>, key: &GuessKey) -> ChainResult {
        let start = now();
        let mut trace = Trace::new(EndReason::NotAccepted);
        trace.steps.reserve_exact(self.slots.len());
        let mut is_guess = false;
        let mut decision = self.walk(attempt, scope, key, &mut trace, &mut is_guess).await;
        // A backend failed and no other accepted: no decision.
        if trace.ended_by == EndReason::OutageUndecided {
            decision = ChainDecision::Unavailable;
        }
        for slot in self.slots.iter().skip(trace.steps.len()) {
            trace.steps.push(match scope.has(&slot.id) {
                true => TraceStep::skipped(&slot.id, "the decision was made before its turn"),
                false => TraceStep::excluded(&slot.id),
            });
        }
        trace.ms = millis_since(start);
        ChainResult { decision, trace, is_guess }
    }

    async fn walk(
        &self,
        attempt: Attempt<'_>,
        scope: Scope<'_>,
        key: &GuessKey,
        trace: &mut Trace,
        is_guess: &mut bool,
    ) -> ChainDecision {
        if let Some(only) = scope.0.filter(|only| self.slot(only).is_none()) {
            trace.ended_by = EndReason::NotAttempted;
            trace.note = Some(["there is no backend \"", only.as_str(), "\""].concat());
            return ChainDecision::Unavailable;
        }
        let mut rejection = None;
        let mut cacheable = Some(Duration::MAX);
        let mut throttled = None;
        let still_to_ask = |number| self.slots.iter().skip(number).filter(|slot| scope.has(&slot.id)).count();
        let mut owners =
            OwnerLookup { pins: self.pins.as_ref(), deadline: attempt.deadline, known: Vec::new() };
        for (number, slot) in self.slots.iter().enumerate() {
            if !scope.has(&slot.id) {
                trace.steps.push(TraceStep::excluded(&slot.id));
                continue;
            }
            // Users of another domain touch neither pins, budget, permits nor the circuit breaker.
            let rules = slot.names.domain();
            let account = rules.read_account(attempt.name);
            if account.is_none() && rules.name(attempt.name).is_none() {
                trace.steps.push(TraceStep::of(&slot.id, &Ok(Verdict::NotMine), 0));
                continue;
            }
            let (reading, owner) = match owners.choose(attempt.name, account, rules).await {
                Ok(Some(chosen)) => chosen,
                Ok(None) => {
                    trace.steps.push(TraceStep::of(&slot.id, &Ok(Verdict::NotMine), 0));
                    continue;
                }
                Err(why) => return pins_failed(trace, &slot.id, &why),
            };
            if let Some(PinOwner { backend: owner, .. }) =
                owner.as_ref().filter(|owner| owner.backend != slot.id)
            {
                trace.steps.push(TraceStep::skipped(
                    &slot.id,
                    ["this name belongs to backend \"", owner.as_str(), "\""].concat(),
                ));
                if !self.slots.iter().any(|slot| slot.id == *owner && scope.has(owner)) {
                    trace.ended_by = EndReason::OwnerMissing;
                }
                continue;
            }
            let account = reading.identity.name();
            let is_known = owner.is_some();
            let pinned = owner.and_then(|owner| {
                // Which of several domains an account is of is not known before its spelling is.
                let unknown = || rules.merges_domains().then(|| account.to_string());
                slot.names.pinned_upstream(&owner.spelling.or_else(unknown)?, account)
            });
            let mut sent = None;
            let mut is_admitted = true;
            let message = ServerMessage::default();
            let began = now();
            let answer = match slot.names.denies(&reading) {
                // A denied name: no server is asked, so no budget is spent.
                true => Ok(Verdict::Rejected(Rejection::PolicyDenied)),
                false => {
                    let upstream = pinned.unwrap_or_else(|| reading.upstream.clone());
                    let site = self.site_budget.as_ref();
                    let reserved = match slot.reserve_at_all(site, account, key, &attempt).await {
                        Ok(reserved) => reserved,
                        Err(NotReserved::Failed(why)) => return store_failed(trace, &slot.id, &why),
                        Err(NotReserved::Limit(LimitReached { limit, step, reached, was_refused })) => {
                            trace.steps.push(step);
                            // Its answer to this very password is known: it is not asked again,
                            // and the next one is.
                            let ends = match was_refused {
                                true => slot.policy.on_reject == OnReject::Stop,
                                false => slot.policy.on_unavailable == OnUnavailable::Stop,
                            };
                            // The limit may have been reached only because those that are not asked
                            // now were away: while they are, each refusal here is no decision, so
                            // it does not count per user.
                            let hides_outage = ends && !was_refused && !is_known && {
                                let others = self.slots.iter().skip(number + 1);
                                others.filter(|other| scope.has(&other.id)).any(|other| {
                                    other.is_away() && other.names.domain().identity(attempt.name).is_some()
                                })
                            };
                            match reached {
                                Reached::ByFailures(wait)
                                    if !slot.canary_state.does_not_recognise() && !hides_outage =>
                                {
                                    let (_, other) = throttled.unwrap_or((limit, wait));
                                    throttled = Some((limit, wait.min(other)));
                                }
                                // An outage is never hidden by a limit, and answers that are not
                                // recognised are one.
                                _ => trace.ended_by = EndReason::OutageUndecided,
                            }
                            if ends {
                                break;
                            }
                            continue;
                        }
                    };
                    let deadline = share(began, attempt.deadline, still_to_ask(number));
                    let upstream_attempt = attempt.with_name(&reading.login).with_upstream_name(&upstream);
                    let upstream_attempt = upstream_attempt.with_deadline(deadline);
                    let mut answer = slot.ask(upstream_attempt.with_message_to(&message), &reading).await;
                    if let Ok(Verdict::Accepted(accepted)) = &answer {
                        match self.admits(slot, accepted, is_known, deadline).await {
                            Ok(true) => {}
                            Ok(false) => {
                                // As long as a wrong password takes there.
                                sleep_until(later(began, slot.refusal_time.usual()).min(deadline)).await;
                                is_admitted = false;
                                answer = Ok(Verdict::Rejected(Rejection::BadCredentials));
                            }
                            Err(why) => return pins_failed(trace, &slot.id, &why),
                        }
                    }
                    *is_guess |= cost(&answer) == Cost::Unrecognised;
                    reserved.settle(&answer, attempt.deadline).await;
                    sent = Some(upstream);
                    answer
                }
            };
            let message = message.take();
            if let Some(text) = &message {
                tracing::warn!(backend = %slot.id, text = text.as_str(), "the server has a message for its user");
            }
            let step = TraceStep::of(&slot.id, &answer, millis_since(began)).with_message(message);
            trace.steps.push(if is_admitted { step } else { step.not_admitted() });
            match answer {
                Ok(Verdict::Accepted(accepted)) => {
                    let spelling = (accepted.name() == account).then(|| reading.login.spelling());
                    let claim = Claim { slot, accepted, spelling, sent: sent.as_deref() };
                    return self.claim(claim, attempt.deadline, trace).await;
                }
                Ok(Verdict::NotMine) => {}
                Ok(Verdict::Rejected(reason)) => {
                    rejection = Some(more_telling(rejection, reason));
                    let lifetime = reason.is_cacheable().then_some(slot.policy.cache_rejected);
                    cacheable = cacheable.zip(lifetime).map(|(sum, one)| sum.min(one));
                    if slot.policy.on_reject == OnReject::Stop {
                        // An outage further up still leaves the question open.
                        if !matches!(trace.ended_by, EndReason::OutageUndecided | EndReason::OwnerMissing) {
                            trace.ended_by = EndReason::RejectionStops;
                        }
                        break;
                    }
                }
                Err(_) if slot.policy.on_unavailable == OnUnavailable::Stop => {
                    trace.ended_by = EndReason::OutageStops;
                    return ChainDecision::Unavailable;
                }
                Err(_) => trace.ended_by = EndReason::OutageUndecided,
            }
        }
        if trace.ended_by == EndReason::OwnerMissing {
            return ChainDecision::Unavailable;
        }
        // An outage is never hidden by a limit: the user may be that of the backend that is down.
        if trace.ended_by == EndReason::OutageUndecided {
            return ChainDecision::Unavailable;
        }
        if let Some((limit, retry_after)) = throttled {
            trace.ended_by = limit.into();
            return ChainDecision::Throttled { limit, retry_after };
        }
        // A rejection by a server is more informative than "not allowed", which needs no server.
        if trace.ended_by == EndReason::NotAccepted
            && matches!(rejection, None | Some(Rejection::PolicyDenied))
        {
            trace.ended_by = EndReason::NotAttempted;
        }
        // No backend knows the domain, so no backend knows the user.
        let rejection = rejection.unwrap_or(Rejection::UnknownUser);
        ChainDecision::Rejected {
            rejection,
            cacheable: cacheable.filter(|lifetime| *lifetime != Duration::MAX),
        }
    }

    /// Whether a user whom a backend accepted may have an account.
    async fn admits(
        &self,
        slot: &BackendSlot,
        accepted: &Identity,
        is_known: bool,
        deadline: Instant,
    ) -> Result<bool, String> {
        let name = accepted.name();
        let mut is_member = false;
        if let Admit::Group(group) = slot.names.admit() {
            let known = match timeout_at(deadline, self.pins.is_member(name, group)).await {
                Ok(known) => known.map_err(|error| error.to_string())?,
                Err(_) => return Err(LATE.to_owned()),
            };
            is_member = known.unwrap_or_else(|| accepted.groups().any(|reported| reported == group));
        }
        Ok(slot.names.admits(name, is_known, |_| is_member))
    }

    /// Accepts a yes only from the name's owner, for the spelling that it accepted first.
    ///
    /// A name without an owner becomes this backend's.
    async fn claim(&self, claim: Claim<'_>, deadline: Instant, trace: &mut Trace) -> ChainDecision {
        let Claim { slot, accepted: identity, spelling, sent } = claim;
        let bind = self.pins.bind(identity.name(), &slot.id, spelling);
        let owner = match timeout_at(deadline, bind).await {
            Ok(Ok(owner)) => owner,
            Ok(Err(error)) => return pins_failed(trace, &slot.id, &error.to_string()),
            Err(_) => return pins_failed(trace, &slot.id, LATE),
        };
        let PinOwner { backend: owner, spelling: pinned } = owner;
        if owner != slot.id {
            tracing::warn!(
                target: AUDIT, user = ?identity.name(), backend = %slot.id, %owner,
                "a backend accepted another backend's user; refused"
            );
            trace.ended_by = EndReason::NotTheOwner;
            return ChainDecision::Rejected { rejection: Rejection::PolicyDenied, cacheable: None };
        }
        // Two spellings may have been sent at the same time before either was pinned. Nothing is
        // known then about this password and the spelling that counts, which the next attempt
        // sends.
        let pinned = spelling.and(pinned).and_then(|pin| slot.names.pinned_upstream(&pin, identity.name()));
        if pinned.is_some_and(|pinned| sent.is_some_and(|sent| sent != pinned)) {
            tracing::warn!(
                target: AUDIT, user = ?identity.name(), backend = %slot.id,
                "a backend accepted another spelling of this name a moment ago; this one does not count"
            );
            trace.ended_by = EndReason::Invalidated;
            return ChainDecision::Unavailable;
        }
        trace.ended_by = EndReason::Accepted;
        ChainDecision::Accepted { slot: Arc::clone(slot), identity }
    }
}

/// A yes of a backend.
struct Claim<'a> {
    slot: &'a Arc<BackendSlot>,
    accepted: Identity,
    /// How the name is spelled, unless the backend knows the person by another one.
    spelling: Option<&'a str>,
    /// The name that was sent.
    sent: Option<&'a str>,
}

const LATE: &str = "the store of pins did not answer in time";

/// Without the shared record it is not known whether one more failure would lock the account.
fn store_failed(trace: &mut Trace, slot: &BackendId, why: &str) -> ChainDecision {
    trace.ended_by = EndReason::LimitsUnavailable;
    trace.note = Some(why.to_owned());
    trace.steps.push(TraceStep::skipped(slot, "the failed logins at other servers are unknown"));
    ChainDecision::Unavailable
}

fn pins_failed(trace: &mut Trace, slot: &BackendId, why: &str) -> ChainDecision {
    trace.ended_by = EndReason::PinsUnavailable;
    trace.note = Some(why.to_owned());
    if !trace.steps.iter().any(|step| step.backend == *slot) {
        trace.steps.push(TraceStep::skipped(slot, "the owner of this name is unknown"));
    }
    ChainDecision::Unavailable
}

/// Looks up owners, once per name: usually all backends know a user by the same.
struct OwnerLookup<'a> {
    pins: &'a dyn PinStore,
    deadline: Instant,
    known: Vec<(CanonicalName, Option<PinOwner>)>,
}

impl OwnerLookup<'_> {
    /// How a backend with these rules reads a name, and the owner of that name.
    ///
    /// `account`: how it reads the name if that is the id of an account.
    ///
    /// `None`: the name is of another domain.
    ///
    /// A typed name that is an account's is that account's alone. A backend that adds its domain
    /// would otherwise be sent every mistyped password of a local user with the same bare name.
    async fn choose(
        &mut self,
        typed: &LoginName,
        account: Option<Reading>,
        rules: &DomainRules,
    ) -> Result<Option<(Reading, Option<PinOwner>)>, String> {
        if let Some(owner) = self.of(typed.canonical()).await? {
            let reading = account.or_else(|| rules.read(typed));
            return Ok(reading.map(|reading| (reading, Some(owner))));
        }
        let Some(reading) = rules.read(typed) else { return Ok(None) };
        let owner = self.of(reading.identity.name()).await?;
        Ok(Some((reading, owner)))
    }

    async fn of(&mut self, name: &CanonicalName) -> Result<Option<PinOwner>, String> {
        if let Some((_, owner)) = self.known.iter().find(|(known, _)| known == name) {
            return Ok(owner.clone());
        }
        let owner = match timeout_at(self.deadline, self.pins.owner(name)).await {
            Ok(found) => found.map_err(|error| error.to_string())?,
            Err(_) => return Err(LATE.to_owned()),
        };
        self.known.push((name.clone(), owner.clone()));
        Ok(owner)
    }
}

impl Chain {
    /// The names by which the backends would know the user.
    ///
    /// Usually one, however many backends there are.
    pub(super) fn known_as(&self, login: &LoginName) -> impl Iterator<Item = CanonicalName> {
        self.rules.iter().filter_map(|rules| rules.name(login))
    }

    /// The names that a guess counts at.
    ///
    /// As typed, and those by which the backends would know the user.
    pub(super) fn names_of(&self, login: &LoginName) -> impl Iterator<Item = CanonicalName> {
        std::iter::once(login.canonical().clone()).chain(self.known_as(login))
    }
}

/// Time reserved for each later backend, if there is enough.
const OTHERS: Duration = Duration::from_secs(3);

/// When this backend must have answered.
///
/// Nearly all of the time that is left, because servers think for seconds about a wrong password,
/// but leaves enough for later ones to answer, too.
fn share(now: Instant, deadline: Instant, still_to_ask: usize) -> Instant {
    let left = deadline.saturating_duration_since(now);
    let others = u32::try_from(still_to_ask.saturating_sub(1)).unwrap_or(u32::MAX - 1);
    now + left.saturating_sub(OTHERS.saturating_mul(others)).max(left / (others + 1))
}
