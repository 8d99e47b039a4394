//! A bounded table of things that are shared while somebody uses them, such as the failures of one person.
//!
//! What is rarely used is forgotten first, but never what somebody holds at the moment: otherwise two attempts of one person
//! could count in two places, and a flood of other names would reset a limit that is being used.

use std::convert::Infallible;
use std::hash::Hash;
use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Held<K, V> {
    table: Cache<K, Arc<V>, UnitWeighter, DefaultHashBuilder, WhileHeld>,
}

#[derive(Clone, Copy, Debug)]
struct WhileHeld;

impl<K: Eq + Hash, V> Lifecycle<K, Arc<V>> for WhileHeld {
    type RequestState = ();

    fn is_pinned(&self, _: &K, value: &Arc<V>) -> bool {
        Arc::strong_count(value) > 1
    }

    fn begin_request(&self) {}

    fn on_evict(&self, (): &mut (), _: K, _: Arc<V>) {}
}

impl<K: Eq + Hash + Clone, V> Held<K, V> {
    /// At most `most` things beside those that somebody holds.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let table = Cache::with(most, most as u64, UnitWeighter, DefaultHashBuilder::default(), WhileHeld);
        Self { table }
    }

    /// The thing under this key; made when there is none.
    pub(super) fn hold(&self, key: &K, make: impl FnOnce() -> V) -> Arc<V> {
        let made = self.table.get_or_insert_with(key, || Ok::<_, Infallible>(Arc::new(make())));
        match made {
            Ok(found) => found,
            Err(never) => match never {},
        }
    }

    /// For the last moment before a thing is given back: forgets it when nobody else holds it and `empty` says that nothing
    /// is lost.
    pub(super) fn release(&self, key: &K, held: &Arc<V>, empty: impl FnOnce(&V) -> bool) {
        self.table.remove_if(key, |stored| {
            // The table's and ours: nobody else can take it while the table looks.
            Arc::ptr_eq(stored, held) && Arc::strong_count(stored) == 2 && empty(stored)
        });
    }

    /// How many things are kept.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_flood_forgets_nothing_that_somebody_holds() {
        let held: Held<u32, AtomicU32> = Held::new(100);
        let mine = held.hold(&7, AtomicU32::default);
        mine.store(3, Ordering::Relaxed);
        for number in 1_000..20_000 {
            held.hold(&number, AtomicU32::default);
        }
        assert_eq!(held.hold(&7, AtomicU32::default).load(Ordering::Relaxed), 3);
        assert!(held.len() <= 101, "{}", held.len());
    }

    #[test]
    fn what_is_given_back_empty_takes_no_room() {
        let held: Held<u32, AtomicU32> = Held::new(100);
        let (one, other) = (held.hold(&7, AtomicU32::default), held.hold(&7, AtomicU32::default));
        held.release(&7, &one, |_| true);
        assert_eq!(held.len(), 1);
        drop(one);
        held.release(&7, &other, |_| false);
        assert_eq!(held.len(), 1);
        held.release(&7, &other, |_| true);
        assert_eq!(held.len(), 0);
    }
}
