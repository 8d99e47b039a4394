//! One backend in the chain, with everything the resolver knows about it.
//!
//! A slot outlives its chain: on a reload, the slots of unchanged entries move to the new chain,
//! with their circuit breaker, budgets, permits and prepared connections.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::Instrument;

use super::canary::{Canary, CanaryResult, run_canary};
use super::canary_state::{CanaryCause, CanaryDue, CanaryState, CanaryStatus};
use super::names::{NameRules, Reading};
use super::policy::{BackendPolicy, DEFAULT_DEADLINE};
use super::refusal_time::RefusalTime;
use super::trace::TraceStep;
use crate::backend::{Attempt, UserBackend};
use crate::brute_force::per_backend::BackendReservation;
use crate::brute_force::per_backend_user::{Denied, Reservation};
use crate::brute_force::shared_budget::{SiteBudget, SiteDenial, SiteReservation};
use crate::brute_force::{BackendLimiter, Cost, GuessKey, GuessLimit, Reached, UpstreamLimiter, cost};
use crate::clock::{Instant, later, now};
use crate::error::{BackendError, Phase};
use crate::identity::{BackendId, CanonicalName};
use crate::middleware::{CircuitBreaker, ConcurrencyLimit, Timeout};
use crate::verdict::{Rejection, Verdict};

/// A backend before it is part of a chain.
#[derive(Clone, Debug)]
pub(crate) struct BackendSpec {
    pub(crate) backend: Arc<dyn UserBackend>,
    pub(crate) policy: BackendPolicy,
    pub(crate) names: NameRules,
    /// All settings, to be compared with what they are after a reload.
    pub(crate) settings: Arc<dyn ComparableSettings>,
}

impl BackendSpec {
    /// A backend built by the caller: unchanged if it is the same instance.
    pub(super) fn by_hand(backend: Arc<dyn UserBackend>, policy: BackendPolicy, names: NameRules) -> Self {
        let settings = ByHand { backend: Arc::clone(&backend), policy: policy.clone(), names: names.clone() };
        Self { backend, policy, names, settings: Arc::new(settings) }
    }
}

/// Everything that is set for one backend, as a value that can be compared.
pub(crate) trait ComparableSettings: fmt::Debug + Send + Sync + 'static {
    /// For the comparison.
    fn as_any(&self) -> &dyn Any;

    /// Whether nothing was changed.
    fn are_those_of(&self, other: &dyn ComparableSettings) -> bool;
}

impl<T: PartialEq + fmt::Debug + Send + Sync + 'static> ComparableSettings for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn are_those_of(&self, other: &dyn ComparableSettings) -> bool {
        other.as_any().downcast_ref::<T>() == Some(self)
    }
}

#[derive(Debug)]
struct ByHand {
    backend: Arc<dyn UserBackend>,
    policy: BackendPolicy,
    names: NameRules,
}

impl PartialEq for ByHand {
    fn eq(&self, other: &Self) -> bool {
        // The address alone: the other half of a fat pointer is not the same everywhere.
        std::ptr::addr_eq(Arc::as_ptr(&self.backend), Arc::as_ptr(&other.backend))
            && self.policy == other.policy
            && self.names == other.names
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct BackendSlot {
    pub(super) id: BackendId,
    pub(super) backend: Arc<dyn UserBackend>,
    /// The one inside.
    pub(super) breaker: Arc<CircuitBreaker>,
    pub(super) policy: BackendPolicy,
    /// The rules about names, applied only here: before and after the backend is asked.
    pub(super) names: NameRules,
    /// How many failed logins of each user may still reach the backend.
    per_user: Arc<UpstreamLimiter>,
    /// How many of all users together may, if that is limited.
    in_all: Option<Arc<BackendLimiter>>,
    /// How long it usually takes to refuse.
    pub(super) refusal_time: RefusalTime,
    /// Whether its yes counts.
    pub(super) canary_state: CanaryState,
    /// Whether it could not answer the last attempt that needed it.
    is_away: AtomicBool,
    settings: Arc<dyn ComparableSettings>,
}

impl BackendSlot {
    /// A new slot, except for failed logins.
    ///
    /// They count at the server whatever changes here, so they are taken over from `before`, the
    /// slot that had this id.
    pub(super) fn new(part: BackendSpec, before: Option<&Self>) -> Self {
        let BackendSpec { backend, policy, names, settings } = part;
        let breaker = Arc::new(CircuitBreaker::new(backend));
        let per_user = before.filter(|before| before.policy.budget == policy.budget);
        let per_user = per_user.map(|before| Arc::clone(&before.per_user));
        let in_all = before.and_then(|before| before.in_all.clone());
        let in_all = in_all.filter(|in_all| Some(in_all.limit()) == policy.budget_all);
        let in_all = in_all.or_else(|| Some(Arc::new(BackendLimiter::new(policy.budget_all?))));
        Self {
            id: breaker.id().clone(),
            backend: decorate(Arc::clone(&breaker), &policy),
            breaker,
            per_user: per_user.unwrap_or_else(|| Arc::new(UpstreamLimiter::new(policy.budget))),
            in_all,
            policy,
            names,
            refusal_time: RefusalTime::default(),
            canary_state: CanaryState::default(),
            is_away: AtomicBool::new(false),
            settings,
        }
    }

    /// Whether this link is what a part asks for.
    pub(super) fn is_made_of(&self, part: &BackendSpec) -> bool {
        self.id == *part.backend.id() && self.settings.are_those_of(part.settings.as_ref())
    }

    /// Reserves a failure at the limits of this backend.
    ///
    /// # Errors
    /// [`LimitReached`]: the backend must not be asked.
    fn reserve(
        &self,
        name: &CanonicalName,
        key: &GuessKey,
        is_proven: bool,
    ) -> Result<Reserved<'_>, LimitReached> {
        let per_user = self.per_user.reserve(name, key, is_proven).map_err(|denied| {
            let Denied { reached, was_refused } = denied;
            let step = TraceStep::skipped(&self.id, self.why_reached(reached));
            LimitReached { limit: GuessLimit::PerBackendUser, step, reached, was_refused }
        })?;
        let in_all = self.in_all.as_ref().map(|in_all| {
            in_all.reserve(is_proven).map_err(|left| {
                let limit = in_all.limit();
                let why = format!("{limit} failed logins of all users are enough: it might ban this address");
                let step = TraceStep::skipped(&self.id, why);
                let reached = Reached::ByFailures(left);
                LimitReached { limit: GuessLimit::PerBackend, step, reached, was_refused: false }
            })
        });
        Ok(Reserved { per_user, in_all: in_all.transpose()?, site: None })
    }

    /// Reserves a failure at the limits of this backend, those of this process and that of all
    /// servers.
    ///
    /// # Errors
    /// [`LimitReached`] or a failure of the shared record: the backend must not be asked.
    pub(super) async fn reserve_at_all<'a>(
        &'a self,
        site: Option<&'a SiteBudget>,
        name: &CanonicalName,
        key: &GuessKey,
        attempt: &Attempt<'_>,
    ) -> Result<Reserved<'a>, NotReserved> {
        let Attempt { is_proven, source, deadline, .. } = *attempt;
        let mut reserved = self.reserve(name, key, is_proven)?;
        let Some(site) = site else { return Ok(reserved) };
        let mut limit = reserved.per_user.shared_limit();
        if is_proven {
            // Exempt, but a failure must be on record before the backend is asked.
            limit.failures = u32::MAX;
        }
        let unanswered = reserved.per_user.take_unanswered();
        match site.reserve(&self.id, name, source, limit, unanswered, deadline).await {
            Ok(at_site) => {
                reserved.site = Some(at_site);
                Ok(reserved)
            }
            Err(SiteDenial::Reached(reached)) => {
                let step = TraceStep::skipped(&self.id, self.why_reached(reached));
                let limit = GuessLimit::PerBackendUser;
                Err(NotReserved::Limit(LimitReached { limit, step, reached, was_refused: false }))
            }
            Err(SiteDenial::Failed(why)) => Err(NotReserved::Failed(why)),
        }
    }

    fn why_reached(&self, reached: Reached) -> String {
        match reached {
            Reached::ByFailures(_) => {
                format!(
                    "{} failed logins are enough: one more might lock the account there",
                    self.policy.budget
                )
            }
            Reached::ByUnanswered => "it has not answered earlier attempts for this user".to_owned(),
        }
    }

    /// Asks about a name that was read by the rules of this link.
    pub(super) async fn ask(
        self: &Arc<Self>,
        attempt: Attempt<'_>,
        reading: &Reading,
    ) -> Result<Verdict, BackendError> {
        let answer = self.answer(attempt, reading).await;
        self.is_away.store(answer.is_err(), Ordering::Relaxed);
        answer.map_err(|error| error.with_backend(&self.id))
    }

    /// Whether it could not answer the last attempt that needed it.
    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    async fn answer(
        self: &Arc<Self>,
        attempt: Attempt<'_>,
        reading: &Reading,
    ) -> Result<Verdict, BackendError> {
        if self.canary_state.may_recover() {
            self.run_canary_until(attempt.deadline, CanaryCause::Other).await;
        }
        if self.canary_state.status() == CanaryStatus::Broken {
            return Err(self.accepts_any_login());
        }
        let span = tracing::info_span!("ask", backend = %self.id);
        let began = now();
        let answer = self.backend.authenticate(&attempt).instrument(span).await;
        if matches!(cost(&answer), Cost::Wrong | Cost::UnknownUser) {
            self.refusal_time.learn(now().saturating_duration_since(began));
        }
        if answer.as_ref().is_err_and(BackendError::is_transient) {
            self.canary_state.failed();
        }
        match answer {
            Ok(Verdict::Accepted(identity)) => {
                self.ensure_trusted(attempt.deadline).await?;
                self.names.known_as(identity, reading).map(Verdict::Accepted).ok_or_else(|| {
                    BackendError::misconfigured(Phase::Login, "it accepted a name of another domain")
                })
            }
            Err(error) if error.server_text().is_some() => self.recognise(error, attempt).await,
            Ok(Verdict::Rejected(rejection @ (Rejection::BadCredentials | Rejection::UnknownUser))) => {
                self.canary_state.refused(&self.id);
                Ok(Verdict::Rejected(rejection))
            }
            answer => answer,
        }
    }

    /// Judges an answer that is on none of the lists, by the replies to two canaries.
    ///
    /// The canaries run now or ran earlier.
    async fn recognise(
        self: &Arc<Self>,
        error: BackendError,
        attempt: Attempt<'_>,
    ) -> Result<Verdict, BackendError> {
        let Attempt { upstream_name, is_proven, deadline, .. } = attempt;
        let is_refusal = || self.canary_state.is_refusal(&self.id, upstream_name, &error, is_proven);
        if is_refusal() {
            return Ok(Verdict::Rejected(Rejection::BadCredentials));
        }
        // What a server says to credentials that it accepted last is likely to be no refusal.
        let is_lesson = self.policy.canary && error.is_learnable() && !is_proven;
        if is_lesson && self.canary_state.may_learn() {
            self.run_canary_until(deadline, CanaryCause::Other).await;
            if is_refusal() {
                return Ok(Verdict::Rejected(Rejection::BadCredentials));
            }
        }
        self.canary_state.report(&self.id, &error);
        Err(error)
    }
}

impl BackendSlot {
    /// Runs the canary, if the policy enables it, and records the result.
    async fn prove(&self, deadline: Instant) -> Canary {
        if !self.policy.canary {
            return Canary::NotAsked;
        }
        let _one_at_a_time = self.canary_state.canary_lock.lock().await;
        let began = now();
        let lesson = self.canary_state.lesson(CanaryCause::Other);
        let result = run_canary(self.backend.as_ref(), &self.names, deadline, &lesson).await;
        if matches!(result, CanaryResult::Refused(None)) {
            self.refusal_time.learn(now().saturating_duration_since(began));
        }
        self.canary_state.learn(&self.id, &result, CanaryCause::Other);
        (&result).into()
    }

    /// Makes sure that a yes of this backend counts, if need be by running the canary now.
    ///
    /// That costs the first users after an outage, and one now and then, the time of one more
    /// login.
    async fn ensure_trusted(self: &Arc<Self>, deadline: Instant) -> Result<(), BackendError> {
        match self.canary_state.due(self.breaker.openings()) {
            CanaryDue::No => return Ok(()),
            // The yes keeps enough time to count, should the canary get no answer.
            CanaryDue::Recheck => {
                let at = now();
                let until = later(at, deadline.saturating_duration_since(at) / 2);
                self.run_canary_until(until, CanaryCause::Acceptance).await;
            }
            // A server that answers canaries in words that are not recognised is not asked about
            // them for every yes.
            CanaryDue::Required => {
                if !self.canary_state.does_not_recognise() || self.canary_state.may_retry() {
                    self.run_canary_until(deadline, CanaryCause::Acceptance).await;
                }
            }
        }
        match self.canary_state.status() {
            CanaryStatus::Untried | CanaryStatus::Proven => Ok(()),
            CanaryStatus::Broken => Err(self.accepts_any_login()),
            CanaryStatus::Open => {
                let text = "it says yes, and whether it also says yes to users who do not exist could not be found out";
                Err(BackendError::unavailable(Phase::Login, text))
            }
        }
    }

    /// Runs the canary, unless another one ends meanwhile.
    ///
    /// In a separate task: if it takes longer than this attempt may, the next one has the result.
    async fn run_canary_until(self: &Arc<Self>, deadline: Instant, cause: CanaryCause) {
        let (_, runs) = self.canary_state.known();
        let slot = Arc::clone(self);
        let canary = tokio::spawn(async move {
            let _one_at_a_time = slot.canary_state.canary_lock.lock().await;
            if slot.canary_state.known().1 == runs {
                let deadline = later(now(), DEFAULT_DEADLINE);
                let lesson = slot.canary_state.lesson(cause);
                let result = run_canary(slot.backend.as_ref(), &slot.names, deadline, &lesson).await;
                slot.canary_state.learn(&slot.id, &result, cause);
            }
        });
        let _ = tokio::time::timeout_at(deadline, canary).await;
    }

    fn accepts_any_login(&self) -> BackendError {
        let text = "it accepts users who do not exist, so its word is worth nothing";
        BackendError::misconfigured(Phase::Login, text)
    }
}

/// Failures that may happen at the limits of one backend.
#[derive(Debug)]
pub(super) struct Reserved<'a> {
    per_user: Reservation<'a>,
    in_all: Option<BackendReservation<'a>>,
    site: Option<SiteReservation<'a>>,
}

impl Reserved<'_> {
    /// Settles all of them by what became of the attempt.
    pub(super) async fn settle(self, answer: &Result<Verdict, BackendError>, deadline: Instant) {
        // First what other servers see.
        if let Some(site) = self.site
            && let Some(unanswered) = site.settle(answer, deadline).await
        {
            self.per_user.keep_unanswered(unanswered);
        }
        self.per_user.settle(answer);
        if let Some(in_all) = self.in_all {
            in_all.settle(answer);
        }
    }
}

/// A limit of one backend is reached.
#[derive(Debug)]
pub(super) struct LimitReached {
    pub(super) limit: GuessLimit,
    pub(super) step: TraceStep,
    pub(super) reached: Reached,
    /// The backend refused this very password a while ago.
    pub(super) was_refused: bool,
}

/// Why a backend must not be asked.
#[derive(Debug)]
pub(super) enum NotReserved {
    Limit(LimitReached),
    /// The shared record of failed logins cannot be used.
    Failed(String),
}

impl From<LimitReached> for NotReserved {
    fn from(limit: LimitReached) -> Self {
        Self::Limit(limit)
    }
}

/// Runs the canary at all of these, side by side.
///
/// # Cancellation
/// Safe; links that were not reached keep the trust they had.
pub(super) async fn prove(
    slots: impl IntoIterator<Item = &Arc<BackendSlot>>,
    time: Duration,
) -> Vec<(BackendId, Canary)> {
    let mut tasks = JoinSet::new();
    let mut found = Vec::new();
    for (number, slot) in slots.into_iter().enumerate() {
        let unknown = Canary::Unknown("the check ended with an internal error".to_owned());
        found.push((slot.id.clone(), unknown));
        let slot = Arc::clone(slot);
        tasks.spawn(async move { (number, slot.prove(later(now(), time)).await) });
    }
    while let Some(done) = tasks.join_next().await {
        if let Ok((number, canary)) = done
            && let Some((_, known)) = found.get_mut(number)
        {
            *known = canary;
        }
    }
    found
}

/// The order is documented in [`middleware`](crate::middleware).
fn decorate(backend: Arc<CircuitBreaker>, policy: &BackendPolicy) -> Arc<dyn UserBackend> {
    let limited = ConcurrencyLimit::new(backend, policy.max_concurrent);
    Arc::new(Timeout::new(Arc::new(limited)))
}
