//! Voids outcomes that were invalidated, in the cache as well as in flight.
//!
//! One counter, the epoch, goes up at every invalidation. A check remembers the epoch at which it
//! began; its outcome is good as long as nothing it depends on (the user, the backend, everything)
//! was invalidated at a later epoch. So an old acceptance cannot return after a password change,
//! however long the check was under way.
//!
//! The epoch of each label's last invalidation is kept exactly, in a table behind a lock. In front
//! of it is a filter of slots, picked by a keyed hash of the label: a label whose slot holds no
//! later epoch was not invalidated, so a hit takes no lock. The table distinguishes labels that
//! share a slot. When the table is full, the older half of it is dropped, and what began before
//! that counts as void if its slot says so: that only costs one more login at the server.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::PoisonError;

use crate::identity::{BackendId, CanonicalName};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, SLOTS};

/// Maximum number of distinct labels.
const MAX_LABELS: usize = 65_536;

/// See the [module](self).
pub struct InvalidationEpochs {
    epoch: AtomicU64,
    /// The epoch at which the last invalidation of everything began; `u64::MAX` meanwhile.
    ///
    /// The slots work the same way.
    everything: AtomicU64,
    labels: Mutex<LastInvalidations>,
    slots: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// When each label was invalidated last.
#[derive(Debug, Default)]
struct LastInvalidations {
    epochs: HashMap<u64, u64>,
    /// What is not in the table was not invalidated after this epoch.
    floor: u64,
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

/// What an outcome depends on: a keyed hash of a user or a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(u64);

impl Default for InvalidationEpochs {
    fn default() -> Self {
        Self {
            epoch: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            labels: Mutex::new(LastInvalidations::default()),
            slots: std::iter::repeat_with(|| AtomicU64::new(0)).take(SLOTS).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl InvalidationEpochs {
    /// The epoch now.
    ///
    /// Take it before the check begins.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::SeqCst))
    }

    /// The label of a user.
    pub fn user(&self, name: &CanonicalName) -> Label {
        self.label("person", name.as_str())
    }

    /// The label of a backend.
    pub fn backend(&self, id: &BackendId) -> Label {
        self.label("backend", id.as_str())
    }

    /// The label of what depends on all backends together.
    ///
    /// A refusal means that none of them accepted.
    pub fn all_backends(&self) -> Label {
        // No id is empty.
        self.label("backend", "")
    }

    /// Everything that depends on this label and began before now is void when this returns.
    pub fn invalidate(&self, label: Label) {
        let mut labels = self.lock();
        if labels.epochs.len() >= MAX_LABELS {
            labels.forget_older_half(self.epoch.load(Ordering::SeqCst));
        }
        if let Some(slot) = self.slot(label) {
            let epoch = self.void(slot);
            labels.epochs.insert(label.0, epoch);
        }
    }

    /// Everything that began before now is void when this returns.
    pub fn invalidate_everything(&self) {
        let _one_at_a_time = self.lock();
        self.void(&self.everything);
    }

    /// Needs the lock, which puts invalidations into an order.
    fn void(&self, mark: &AtomicU64) -> u64 {
        // Void before there is a new epoch: a check of the new epoch must not take over an answer
        // of the old one, not even for a moment, because its own answer counts for all who ask in
        // the new epoch.
        mark.store(u64::MAX, Ordering::SeqCst);
        let epoch = self.epoch.fetch_add(1, Ordering::SeqCst) + 1;
        mark.store(epoch, Ordering::SeqCst);
        epoch
    }

    /// Whether an outcome with these labels is valid if its check began at `began`.
    #[inline]
    pub fn holds(&self, began: Epoch, labels: &[Label]) -> bool {
        self.is_last(began)
            || (self.everything.load(Ordering::SeqCst) <= began.0
                && labels.iter().all(|label| self.mark(*label) <= began.0 || self.last(*label) <= began.0))
    }

    /// Whether nothing at all was invalidated since, as usual.
    ///
    /// An invalidation that is not seen here has not returned.
    #[inline]
    pub fn is_last(&self, began: Epoch) -> bool {
        self.epoch.load(Ordering::SeqCst) <= began.0
    }

    /// The epoch of the last invalidation that concerns any of these labels.
    ///
    /// Two questions about them that see the same one have no invalidation between them.
    pub fn last_change(&self, labels: &[Label]) -> Epoch {
        loop {
            let last = |label: &Label| if self.mark(*label) == 0 { 0 } else { self.last(*label) };
            let last = labels.iter().map(last).max().unwrap_or_default();
            match self.everything.load(Ordering::SeqCst) {
                // One is under way: its epoch is known when it has returned.
                u64::MAX => drop(self.lock()),
                everything => return Epoch(last.max(everything)),
            }
        }
    }

    /// At least the epoch of the label's last invalidation.
    #[inline]
    fn mark(&self, label: Label) -> u64 {
        self.slot(label).map_or(u64::MAX, |slot| slot.load(Ordering::SeqCst))
    }

    /// The epoch of the label's last invalidation.
    ///
    /// Waits for one that is under way.
    #[cold]
    fn last(&self, label: Label) -> u64 {
        let labels = self.lock();
        labels.epochs.get(&label.0).copied().unwrap_or(labels.floor)
    }

    fn lock(&self) -> MutexGuard<'_, LastInvalidations> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn slot(&self, label: Label) -> Option<&AtomicU64> {
        // The remainder fits.
        self.slots.get((label.0 % SLOTS as u64) as usize)
    }

    fn label(&self, kind: &str, label: &str) -> Label {
        Label(self.hasher.hash_one((kind, label)))
    }
}

impl LastInvalidations {
    fn forget_older_half(&mut self, now: u64) {
        self.floor = now.saturating_sub(MAX_LABELS as u64 / 2);
        self.epochs.retain(|_, epoch| *epoch > self.floor);
    }
}

impl std::fmt::Debug for InvalidationEpochs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvalidationEpochs").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(epochs: &InvalidationEpochs, name: &str) -> Label {
        epochs.user(&CanonicalName::parse(name).unwrap())
    }

    #[test]
    fn outcome_of_an_earlier_check_is_void_a_later_one_is_not() {
        let epochs = InvalidationEpochs::default();
        let alice = user(&epochs, "alice");
        let mail = epochs.backend(&BackendId::parse("mail").unwrap());
        let before = epochs.epoch();
        assert!(epochs.holds(before, &[alice, mail]));
        epochs.invalidate(alice);
        assert!(!epochs.holds(before, &[alice, mail]));
        let after = epochs.epoch();
        assert!(epochs.holds(after, &[alice, mail]));
        epochs.invalidate_everything();
        assert!(!epochs.holds(after, &[alice, mail]));
    }

    #[test]
    fn change_is_seen_by_those_it_concerns_only() {
        let epochs = InvalidationEpochs::default();
        let [alice, bob] = ["alice", "bob"].map(|name| user(&epochs, name));
        let before = [alice, bob].map(|label| epochs.last_change(&[label]));
        epochs.invalidate(alice);
        assert!(epochs.last_change(&[alice]) > before[0]);
        assert_eq!(epochs.last_change(&[bob]), before[1]);
        assert_eq!(epochs.last_change(&[bob, alice]), epochs.epoch());
        epochs.invalidate_everything();
        assert_eq!([alice, bob].map(|label| epochs.last_change(&[label])), [epochs.epoch(); 2]);
    }

    #[test]
    fn labels_in_one_slot_are_distinguished() {
        let epochs = InvalidationEpochs::default();
        // More than there are slots: each slot has several.
        let labels: Vec<_> = (0..SLOTS * 4).map(|number| user(&epochs, &format!("user{number}"))).collect();
        let before = epochs.epoch();
        let changes: Vec<_> = labels.iter().map(|label| epochs.last_change(&[*label])).collect();
        let (gone, stays) = labels.split_at(SLOTS * 3);
        gone.iter().for_each(|label| epochs.invalidate(*label));
        assert!(gone.iter().all(|label| !epochs.holds(before, &[*label])));
        assert!(stays.iter().all(|label| epochs.holds(before, &[*label])));
        for (label, change) in stays.iter().zip(&changes[gone.len()..]) {
            assert_eq!(epochs.last_change(&[*label]), *change);
        }
    }

    #[test]
    fn full_table_forgets_no_invalidation() {
        let epochs = InvalidationEpochs::default();
        let before = epochs.epoch();
        let many = MAX_LABELS + MAX_LABELS / 4;
        for number in 0..many {
            epochs.invalidate(user(&epochs, &format!("user{number}")));
        }
        assert!(epochs.lock().epochs.len() <= MAX_LABELS);
        for number in (0..many).step_by(97) {
            assert!(!epochs.holds(before, &[user(&epochs, &format!("user{number}"))]), "{number}");
        }
        let now = epochs.epoch();
        assert!(epochs.holds(now, &[user(&epochs, "user0"), user(&epochs, "another")]));
    }
}
