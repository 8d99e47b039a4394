//! Replaces the current chain.
//!
//! The whole chain is swapped at once: an attempt sees the old one or the new one, never half of
//! each. What stays the same is kept: a backend with unchanged settings keeps its circuit breaker,
//! its budgets, its connections and its remembered outcomes. A changed or removed backend loses its
//! outcomes, those of checks under way included. Refusals are no backend's but the chain's, so they
//! go with every change.
//!
//! A new backend is used only after it has refused a made-up user; the old chain works meanwhile.
//! Pins are names of backends: another order or another name of an entry moves no user, and a name
//! moves to another server only if an operator sets the same `id` there.

use std::sync::{Arc, PoisonError};

use serde::Serialize;

use super::backend_slot::{BackendSlot, BackendSpec, prove};
use super::builder::{BuildError, ResolverBuilder};
use super::canary::Canary;
use super::chain::Chain;
use super::recipe::Tuning;
use super::trace::AUDIT;
use super::{Resolver, observe};
use crate::identity::BackendId;

/// The result of a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackendReload {
    /// Backends that say the same as before.
    pub kept: Vec<BackendId>,
    /// Backends with other settings under the same id.
    ///
    /// Their remembered outcomes are forgotten, their users stay theirs.
    pub changed: Vec<BackendId>,
    /// Backends that were not there before.
    pub added: Vec<BackendId>,
    /// Backends that are not there any more.
    ///
    /// Their users are unavailable until an administrator rebinds them.
    pub removed: Vec<BackendId>,
    /// Results of the canary.
    ///
    /// It runs at added and changed backends, and at those whose refusals had to be learned.
    pub canaries: Vec<(BackendId, Canary)>,
    /// Settings that count from the next start only: the bounds of the memory.
    pub at_next_start: Vec<&'static str>,
}

impl Resolver {
    /// Replaces backends, deadline and throttle with those of `next`, also for all clones.
    ///
    /// Unchanged backends keep all their state: made of an entry of a
    /// configuration, they are the same when it says the same; made by hand, when it is the very
    /// same `Arc` with the same policy and domain rules. The new ones are checked first, as by
    /// [`canary`](Self::canary), each for at most the deadline; one that accepts a made-up user is
    /// added and not asked. The pins stay, whatever `next` has, and so do the bounds of the memory.
    ///
    /// # Errors
    /// [`BuildError`] when the backends cannot work together. Nothing is changed then.
    ///
    /// # Cancellation
    /// Safe: nothing is changed before the last moment, and then everything at once.
    pub async fn replace(&self, next: ResolverBuilder) -> Result<BackendReload, BuildError> {
        next.check()?;
        let _one_at_a_time = self.shared.reloading.lock().await;
        let before = self.shared.chain.load_full();
        let bounds = next.bounds();
        let recipe = next.recipe().clone();
        let chain = Arc::new(next.into_chain(Some(&before)));
        let mut reloaded = compare(&before, &chain);
        for (name, is_other) in [
            ("cache_entries", bounds.entries != self.shared.bounds.entries),
            ("cache_bytes", bounds.bytes != self.shared.bounds.bytes),
        ] {
            reloaded.at_next_start.extend(is_other.then_some(name));
        }
        // Words that were learned are learned again: they may have been those of an outage.
        let is_due =
            |slot: &&Arc<BackendSlot>| !reloaded.kept.contains(&slot.id) || slot.canary_state.has_lesson();
        reloaded.canaries = prove(chain.slots.iter().filter(is_due), chain.deadline).await;
        self.swap(&before, chain, &reloaded);
        *self.shared.recipe.lock().unwrap_or_else(PoisonError::into_inner) = recipe;
        Ok(reloaded)
    }

    /// The recipe of this resolver, with these backends and settings.
    pub(crate) fn reconfigured(&self, parts: Vec<BackendSpec>, tuning: Tuning) -> ResolverBuilder {
        let recipe = self.shared.recipe.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ResolverBuilder::of_recipe(recipe.reconfigure(parts, tuning))
    }

    fn swap(&self, before: &Chain, chain: Arc<Chain>, reloaded: &BackendReload) {
        let order = |chain: &Chain| chain.slots.iter().map(|slot| slot.id.clone()).collect::<Vec<_>>();
        let is_other = order(before) != order(&chain) || !reloaded.changed.is_empty();
        // First the chain, then the invalidations: see where an attempt begins.
        self.shared.chain.store(chain);
        for id in reloaded.changed.iter().chain(&reloaded.removed) {
            self.shared.cache.invalidate_backend(id);
            self.shared.health.forget(id);
        }
        if is_other {
            self.shared.cache.invalidate_refusals();
        }
        for id in &reloaded.removed {
            observe::removed(id);
        }
        let BackendReload { kept, changed, added, removed, .. } = reloaded;
        tracing::info!(target: AUDIT, ?kept, ?changed, ?added, ?removed, "backends reloaded");
    }
}

fn compare(before: &Chain, after: &Chain) -> BackendReload {
    let mut reloaded = BackendReload::default();
    for slot in &after.slots {
        let list = match before.slot(&slot.id) {
            Some(same) if Arc::ptr_eq(same, slot) => &mut reloaded.kept,
            Some(_) => &mut reloaded.changed,
            None => &mut reloaded.added,
        };
        list.push(slot.id.clone());
    }
    let gone = before.slots.iter().filter(|slot| after.slot(&slot.id).is_none());
    reloaded.removed = gone.map(|slot| slot.id.clone()).collect();
    reloaded
}
