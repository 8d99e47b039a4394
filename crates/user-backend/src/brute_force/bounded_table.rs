//! A bounded table of shared records, such as the failures of one user.
//!
//! What is rarely used is evicted first, but never what is in use at the moment: otherwise two
//! attempts of one user could count in two records, and a flood of other names would reset a limit
//! that is being used.
//!
//! A remembered sign-in has to know that there is no record, and must not pay for it: a filter
//! answers that with one atomic read. It may report a record that does not exist; then the table is
//! checked.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct BoundedTable<K, V> {
    table: Cache<K, Arc<V>, UnitWeighter, DefaultHashBuilder, WhileUsed>,
    filter: Arc<Filter>,
}

impl<K: Eq + Hash + Clone, V> BoundedTable<K, V> {
    /// At most `max` records beside those that are in use.
    pub(super) fn new(max: usize) -> Self {
        let max = max.max(1);
        let filter = Arc::new(Filter::default());
        let lifecycle = WhileUsed(Arc::clone(&filter));
        let table = Cache::with(max, max as u64, UnitWeighter, DefaultHashBuilder::default(), lifecycle);
        Self { table, filter }
    }

    /// The record of this key; created if missing.
    ///
    /// It stays in the table as long as it is used.
    pub(super) fn get_or_insert(&self, key: &K, make: impl FnOnce() -> V) -> Arc<V> {
        let made = self.table.get_or_insert_with(key, || {
            self.filter.add(key);
            Ok::<_, Infallible>(Arc::new(make()))
        });
        match made {
            Ok(found) => found,
            Err(never) => match never {},
        }
    }

    /// Whether there is certainly no record.
    #[inline]
    pub(super) fn has_none<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.filter.has_none(key) || !self.table.contains_key(key)
    }

    /// Called last by each user of a record.
    ///
    /// Removes it if it is not used otherwise and `is_empty` says that nothing is lost.
    pub(super) fn release(&self, key: &K, record: &Arc<V>, is_empty: impl FnOnce(&V) -> bool) {
        let removed = self.table.remove_if(key, |stored| {
            // The table's and the caller's: no one else can take it while the table looks.
            Arc::ptr_eq(stored, record) && Arc::strong_count(stored) == 2 && is_empty(stored)
        });
        if removed.is_some() {
            self.filter.remove(key);
        }
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

/// Keeps records that are in use; removes evicted ones from the filter.
#[derive(Clone, Debug)]
struct WhileUsed(Arc<Filter>);

impl<K: Eq + Hash, V> Lifecycle<K, Arc<V>> for WhileUsed {
    type RequestState = ();

    fn is_pinned(&self, _: &K, value: &Arc<V>) -> bool {
        Arc::strong_count(value) > 1
    }

    fn begin_request(&self) {}

    fn on_evict(&self, (): &mut (), key: K, _: Arc<V>) {
        self.0.remove(&key);
    }
}

/// A power of two.
const SLOTS: usize = 8192;

/// Number of records whose key falls into each slot.
struct Filter {
    slots: Box<[AtomicU32]>,
    hasher: RandomState,
}

impl Default for Filter {
    fn default() -> Self {
        let slots = std::iter::repeat_with(AtomicU32::default).take(SLOTS).collect();
        Self { slots, hasher: RandomState::new() }
    }
}

impl Filter {
    #[inline]
    fn slot<Q: Hash + ?Sized>(&self, key: &Q) -> Option<&AtomicU32> {
        // The remainder fits.
        self.slots.get((self.hasher.hash_one(key) % SLOTS as u64) as usize)
    }

    fn add<Q: Hash + ?Sized>(&self, key: &Q) {
        if let Some(slot) = self.slot(key) {
            slot.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn remove<Q: Hash + ?Sized>(&self, key: &Q) {
        if let Some(slot) = self.slot(key) {
            slot.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[inline]
    fn has_none<Q: Hash + ?Sized>(&self, key: &Q) -> bool {
        self.slot(key).is_some_and(|slot| slot.load(Ordering::SeqCst) == 0)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flood_evicts_nothing_in_use() {
        let table: BoundedTable<u32, AtomicU32> = BoundedTable::new(100);
        let mine = table.get_or_insert(&7, AtomicU32::default);
        mine.store(3, Ordering::Relaxed);
        for number in 1_000..20_000 {
            table.get_or_insert(&number, AtomicU32::default);
        }
        assert_eq!(table.get_or_insert(&7, AtomicU32::default).load(Ordering::Relaxed), 3);
        assert!(table.len() <= 101, "{}", table.len());
        let counted: u32 = table.filter.slots.iter().map(|slot| slot.load(Ordering::SeqCst)).sum();
        assert_eq!(usize::try_from(counted).unwrap(), table.len(), "the filter knows what was evicted");
    }

    #[test]
    fn released_empty_record_takes_no_room() {
        let table: BoundedTable<u32, AtomicU32> = BoundedTable::new(100);
        assert!(table.has_none(&7));
        let (one, other) =
            (table.get_or_insert(&7, AtomicU32::default), table.get_or_insert(&7, AtomicU32::default));
        table.release(&7, &one, |_| true);
        assert_eq!(table.len(), 1);
        drop(one);
        table.release(&7, &other, |_| false);
        assert!(table.len() == 1 && !table.has_none(&7));
        table.release(&7, &other, |_| true);
        assert!(table.len() == 0 && table.has_none(&7));
    }
}
