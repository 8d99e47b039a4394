//! The open store as its tables use it: connections, clock, and on whose behalf.

use std::sync::Arc;

use crate::domain::{Actor, Clock, Timestamp};
use crate::store::batching::Batcher;
use crate::store::engine::Db;

/// A handle to the open store. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    inner: Arc<Inner>,
    actor: Arc<Actor>,
    notices: bool,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    batcher: Batcher,
}

impl Store {
    pub(crate) fn new(db: Db, clock: Clock) -> Self {
        let inner = Inner { db, clock, batcher: Batcher::default() };
        Self { inner: Arc::new(inner), actor: Arc::new(Actor::system()), notices: false }
    }

    pub(crate) fn on_behalf_of(&self, actor: Actor) -> Self {
        Self { actor: Arc::new(actor), ..self.clone() }
    }

    pub(crate) fn with_notices(&self, notices: bool) -> Self {
        Self { notices, ..self.clone() }
    }

    pub(crate) fn notices(&self) -> bool {
        self.notices
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

    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }
}
