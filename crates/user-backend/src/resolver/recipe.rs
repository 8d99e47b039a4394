//! How a resolver was built, so that a reload can repeat it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backend_slot::BackendSpec;
use super::policy::DEFAULT_DEADLINE;
use crate::backend::UserBackend;
use crate::brute_force::{Lockout, SourceRateLimit};
use crate::cache::CacheBounds;

/// Puts a backend of a configuration inside of something else.
#[derive(Clone)]
pub(crate) struct Decorator(Arc<Decorate>);

type Decorate = dyn Fn(Arc<dyn UserBackend>) -> Arc<dyn UserBackend> + Send + Sync;

impl Decorator {
    pub(crate) fn new(
        decorate: impl Fn(Arc<dyn UserBackend>) -> Arc<dyn UserBackend> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(decorate))
    }

    fn decorate(&self, part: BackendSpec) -> BackendSpec {
        BackendSpec { backend: (self.0)(part.backend), ..part }
    }
}

impl fmt::Debug for Decorator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decorator")
    }
}

/// A place in the chain.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    /// A backend that was added by hand.
    ByHand(Box<BackendSpec>),
    /// The backends of a configuration.
    Configured { parts: Vec<BackendSpec>, decorator: Decorator },
}

/// Settings of the resolver as a whole, as far as they were set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tuning {
    pub(crate) deadline: Option<Duration>,
    pub(crate) bounds: Option<CacheBounds>,
    pub(crate) throttle: Option<SourceRateLimit>,
    pub(crate) lock: Option<Option<Lockout>>,
}

/// Backends and settings in the order in which they count.
///
/// What was set by hand overrides a configuration, in any order of calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipe {
    pub(super) slots: Vec<Slot>,
    pub(super) by_hand: Tuning,
    configured: Tuning,
}

impl Recipe {
    /// Appends the backends of a configuration.
    pub(super) fn configure(&mut self, parts: Vec<BackendSpec>, tuning: Tuning, decorator: Decorator) {
        let parts = parts.into_iter().map(|part| decorator.decorate(part)).collect();
        self.slots.push(Slot::Configured { parts, decorator });
        self.configured = tuning;
    }

    /// The same recipe with another configuration.
    ///
    /// Its backends take the position of those of the earlier one, or the end if there was none.
    pub(super) fn reconfigure(mut self, parts: Vec<BackendSpec>, tuning: Tuning) -> Self {
        let mut left = Some(parts);
        self.slots.retain_mut(|slot| match (slot, left.take()) {
            (Slot::ByHand(_), unused) => {
                left = unused;
                true
            }
            (Slot::Configured { parts, decorator }, Some(next)) => {
                *parts = next.into_iter().map(|part| decorator.decorate(part)).collect();
                true
            }
            // The current configuration has taken the first place.
            (Slot::Configured { .. }, None) => false,
        });
        match left {
            Some(parts) => self.configure(parts, tuning, Decorator::new(|backend| backend)),
            None => self.configured = tuning,
        }
        self
    }

    /// All backends, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = &BackendSpec> {
        self.slots.iter().flat_map(|slot| match slot {
            Slot::ByHand(part) => std::slice::from_ref(part.as_ref()),
            Slot::Configured { parts, .. } => parts,
        })
    }

    pub(super) fn deadline(&self) -> Duration {
        // Far enough from the end of all clocks.
        let deadline = self.by_hand.deadline.or(self.configured.deadline).unwrap_or(DEFAULT_DEADLINE);
        deadline.min(Duration::from_secs(24 * 60 * 60))
    }

    pub(super) fn bounds(&self) -> CacheBounds {
        self.by_hand.bounds.or(self.configured.bounds).unwrap_or_default()
    }

    pub(super) fn throttle(&self) -> SourceRateLimit {
        self.by_hand.throttle.or(self.configured.throttle).unwrap_or_default()
    }

    pub(super) fn lock(&self) -> Option<Lockout> {
        self.by_hand.lock.or(self.configured.lock).unwrap_or_else(|| Some(Lockout::default()))
    }
}
