//! Periodic metrics: answers from memory, the state of backends, sizes.

use metrics::gauge;

use super::canary_state::CanaryStatus;
use super::trace::EndReason;
use super::{Resolver, ResolverShared, observe};

impl Resolver {
    /// Updates metrics that are not sent at once: cache hits, circuit breakers, sizes.
    ///
    /// Call it before each scrape, or every few seconds. Install the recorder before the first
    /// attempt.
    ///
    /// Attempts and answers of backends reach the recorder when they happen. Without a recorder
    /// nothing happens. No label holds a name that a person typed.
    ///
    /// | metric | kind | labels |
    /// |---|---|---|
    /// | `user_backend_attempts_total` | counter | `outcome`, `rule`: one per answer, shared and remembered ones included |
    /// | `user_backend_attempt_seconds` | histogram | `outcome`: of answers that were not remembered |
    /// | `user_backend_answers_total` | counter | `backend`, `verdict`, `phase`: one per backend that was asked; `verdict="rejected"` are failed logins that reached it |
    /// | `user_backend_answer_seconds` | histogram | `backend`, `verdict` |
    /// | `user_backend_breaker_open` | gauge | `backend`: 1 while it is not asked because it failed too often |
    /// | `user_backend_unavailable` | gauge | `backend`: 1 while it could not answer the last sign-in that needed it |
    /// | `user_backend_distrusted` | gauge | `backend`: 1 while it is not asked because it accepted a canary |
    /// | `user_backend_refusals_unrecognised` | gauge | `backend`: 1 while its answers to wrong passwords are not recognised |
    /// | `user_backend_unproven` | gauge | `backend`: 1 until it has refused its first canary, if it is offered any |
    /// | `user_backend_cache_outcomes` | gauge | `kind`: `accepted` or `rejected` |
    /// | `user_backend_cache_bytes` | gauge | |
    /// | `user_backend_flights` | gauge | attempts under way |
    /// | `user_backend_throttled_places` | gauge | places with failed sign-ins that still count |
    /// | `user_backend_locked_users` | gauge | names with failed sign-ins that still count |
    pub fn report_metrics(&self) {
        report(&self.shared);
    }
}

/// Brings the recorder up to date.
fn report(shared: &ResolverShared) {
    let [accepted, rejected] = shared.remembered.take();
    observe::attempts("authenticated", EndReason::CachedAcceptance).increment(accepted);
    observe::attempts("refused", EndReason::CachedRefusal).increment(rejected);
    let switch = |on: bool| if on { 1.0 } else { 0.0 };
    let chain = shared.chain.load();
    let outages = shared.health.outages();
    for slot in &chain.slots {
        let backend = || slot.id.to_string();
        gauge!("user_backend_breaker_open", "backend" => backend()).set(switch(slot.breaker.is_open()));
        let is_away = outages.iter().any(|outage| outage.backend == slot.id);
        gauge!("user_backend_unavailable", "backend" => backend()).set(switch(is_away));
        let unrecognised = switch(slot.canary_state.does_not_recognise());
        gauge!("user_backend_refusals_unrecognised", "backend" => backend()).set(unrecognised);
        let status = slot.canary_state.status();
        gauge!("user_backend_distrusted", "backend" => backend()).set(switch(status == CanaryStatus::Broken));
        let unproven = slot.policy.canary && matches!(status, CanaryStatus::Untried | CanaryStatus::Open);
        gauge!("user_backend_unproven", "backend" => backend()).set(switch(unproven));
    }
    let stats = shared.cache.stats();
    gauge!("user_backend_cache_outcomes", "kind" => "accepted").set(stats.accepted as f64);
    gauge!("user_backend_cache_outcomes", "kind" => "rejected").set(stats.rejected as f64);
    gauge!("user_backend_cache_bytes").set(stats.bytes as f64);
    gauge!("user_backend_flights").set(shared.flights.under_way() as f64);
    gauge!("user_backend_throttled_places").set(chain.sources.sources() as f64);
    gauge!("user_backend_locked_users").set(chain.users.users() as f64);
}
