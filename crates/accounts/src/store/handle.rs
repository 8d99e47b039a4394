//! The open store as its tables use it.
//!
//! To read, and to change something on behalf of an actor.

use std::ops::Deref;
use std::sync::Arc;

use crate::domain::{Actor, Clock, Timestamp};
use crate::store::batching::Batcher;
use crate::store::engine::Db;

/// A handle to the open store, which reads.
///
/// Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    batcher: Batcher,
}

impl Store {
    pub(crate) fn new(db: Db, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { db, clock, batcher: Batcher::default() }) }
    }

    pub(crate) fn on_behalf_of(&self, actor: Actor, notices: bool) -> ActingStore {
        ActingStore { store: self.clone(), actor: Arc::new(actor), notices }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn batcher(&self) -> &Batcher {
        &self.inner.batcher
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}

/// The same with an actor: the only way to begin a change.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ActingStore {
    store: Store,
    actor: Arc<Actor>,
    notices: bool,
}

impl ActingStore {
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    pub(crate) fn notices(&self) -> bool {
        self.notices
    }
}

impl Deref for ActingStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Declares the two types of a table.
///
/// One that reads, and one with the changes, which takes an actor and reads as well.
macro_rules! table {
    ($(#[$doc:meta])* $reads:ident, $changes:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $reads<'a>(pub(crate) &'a $crate::store::handle::Store);

        #[doc = concat!("The changes of [`", stringify!($reads), "`], on behalf of an actor; it reads as well.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $changes<'a>(pub(crate) &'a $crate::store::handle::ActingStore, $reads<'a>);

        impl<'a> $changes<'a> {
            pub(crate) fn new(store: &'a $crate::store::handle::ActingStore) -> Self {
                Self(store, $reads(store))
            }
        }

        impl<'a> std::ops::Deref for $changes<'a> {
            type Target = $reads<'a>;

            fn deref(&self) -> &$reads<'a> {
                &self.1
            }
        }
    };
}
pub(crate) use table;
