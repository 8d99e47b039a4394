//! Fences off outcomes that somebody invalidated, in the cache as well as in flight.
//!
//! One counter, the epoch, goes up at every invalidation. A check remembers the epoch at which it began; its outcome is
//! good as long as nothing it depends on (the person, the backend, everything) was invalidated at a later epoch. So an
//! old yes cannot come back in after a password change, however long the check was under way.
//!
//! Marks are kept in a fixed table of slots, picked by a keyed hash of the label. Two labels may share a slot: then an
//! invalidation of one also forgets the other, which costs a question to the server and nothing else.

use std::hash::{BuildHasher, RandomState};
use std::sync::PoisonError;

use crate::identity::{BackendId, CanonicalName};
use crate::sync::{AtomicU64, Mutex, Ordering, SLOTS};

/// See the [module](self).
pub struct Fence {
    epoch: AtomicU64,
    /// Marks hold the epoch that an invalidation began, or the last number there is while it does.
    everything: AtomicU64,
    invalidating: Mutex<()>,
    slots: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// A point in the order of invalidations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch as a number, for use in keys.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Where the marks of one label are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u16);

impl Default for Fence {
    fn default() -> Self {
        Self {
            epoch: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            invalidating: Mutex::default(),
            slots: std::iter::repeat_with(AtomicU64::default).take(SLOTS).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Fence {
    /// The epoch now. Take it before the check begins.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::SeqCst))
    }

    /// The slot of a person.
    pub fn person(&self, name: &CanonicalName) -> Slot {
        self.slot("person", name.as_str())
    }

    /// The slot of a backend.
    pub fn backend(&self, id: &BackendId) -> Slot {
        self.slot("backend", id.as_str())
    }

    /// The slot of whatever depends on all backends together: a refusal means that none of them accepted.
    pub fn all_backends(&self) -> Slot {
        // No id is empty.
        self.slot("backend", "")
    }

    /// Everything that depends on this label and began before now is void when this returns.
    pub fn invalidate(&self, slot: Slot) {
        if let Some(mark) = self.slots.get(usize::from(slot.0)) {
            self.void(mark);
        }
    }

    /// Everything that began before now is void when this returns.
    pub fn invalidate_everything(&self) {
        self.void(&self.everything);
    }

    fn void(&self, mark: &AtomicU64) {
        // The lock guards no data: it puts invalidations into an order.
        let _one_at_a_time = self.invalidating.lock().unwrap_or_else(PoisonError::into_inner);
        // Void before there is a new epoch: a check of the new epoch must not take over an answer of the old one, not even for
        // a moment, because its own answer counts for all who ask in the new epoch.
        mark.store(u64::MAX, Ordering::SeqCst);
        let epoch = self.epoch.fetch_add(1, Ordering::SeqCst) + 1;
        mark.store(epoch, Ordering::SeqCst);
    }

    /// Whether an outcome that depends on these labels still counts, when its check began at `began`.
    #[inline]
    pub fn holds(&self, began: Epoch, slots: &[Slot]) -> bool {
        // Usually nothing at all was invalidated since. An invalidation that is not seen here has not returned.
        if self.epoch.load(Ordering::SeqCst) <= began.0 {
            return true;
        }
        let after = |mark: &AtomicU64| mark.load(Ordering::SeqCst) > began.0;
        !after(&self.everything)
            && !slots.iter().any(|slot| self.slots.get(usize::from(slot.0)).is_none_or(after))
    }

    /// The epoch of the last invalidation that concerns any of these labels: two questions about them that see the same one have
    /// no invalidation between them.
    pub fn last_change(&self, slots: &[Slot]) -> Epoch {
        loop {
            let marks = slots.iter().filter_map(|slot| self.slots.get(usize::from(slot.0)));
            let marks = marks.chain([&self.everything]).map(|mark| mark.load(Ordering::SeqCst));
            match marks.max().unwrap_or_default() {
                // One is under way: its epoch is known when it has returned.
                u64::MAX => drop(self.invalidating.lock().unwrap_or_else(PoisonError::into_inner)),
                epoch => return Epoch(epoch),
            }
        }
    }

    fn slot(&self, kind: &str, label: &str) -> Slot {
        let index = self.hasher.hash_one((kind, label)) % (SLOTS as u64);
        Slot(u16::try_from(index).unwrap_or_default())
    }
}

impl std::fmt::Debug for Fence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fence").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_of_an_earlier_check_is_void_and_one_of_a_later_check_is_not() {
        let fence = Fence::default();
        let alice = fence.person(&CanonicalName::parse("alice").unwrap());
        let mail = fence.backend(&BackendId::parse("mail").unwrap());
        let before = fence.epoch();
        assert!(fence.holds(before, &[alice, mail]));
        fence.invalidate(alice);
        assert!(!fence.holds(before, &[alice, mail]));
        let after = fence.epoch();
        assert!(fence.holds(after, &[alice, mail]));
        fence.invalidate_everything();
        assert!(!fence.holds(after, &[alice, mail]));
    }

    #[test]
    fn a_change_is_seen_by_those_whom_it_concerns_and_by_nobody_else() {
        let fence = Fence::default();
        let person = |name: &str| fence.person(&CanonicalName::parse(name).unwrap());
        let alice = person("alice");
        let bob = ["bob", "ben", "bea"].map(person).into_iter().find(|slot| *slot != alice).unwrap();
        let before = [alice, bob].map(|slot| fence.last_change(&[slot]));
        fence.invalidate(alice);
        assert!(fence.last_change(&[alice]) > before[0]);
        assert_eq!(fence.last_change(&[bob]), before[1]);
        assert_eq!(fence.last_change(&[bob, alice]), fence.epoch());
        fence.invalidate_everything();
        assert_eq!([alice, bob].map(|slot| fence.last_change(&[slot])), [fence.epoch(); 2]);
    }

    #[test]
    fn other_people_stay() {
        let fence = Fence::default();
        let slots: Vec<_> =
            ["alice", "bob"].iter().map(|name| fence.person(&CanonicalName::parse(name).unwrap())).collect();
        let before = fence.epoch();
        fence.invalidate(slots[0]);
        assert_eq!(fence.holds(before, &slots[1..]), slots[0] != slots[1]);
    }
}
