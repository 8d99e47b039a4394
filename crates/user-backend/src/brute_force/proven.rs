//! Proven credentials: the name and password that were accepted last from a network.
//!
//! They are not guesses, so neither the lockout of the user nor the budget of a backend holds them up. Otherwise anyone who
//! knows a login name could keep its owner out with a few wrong passwords. A refusal ends the exemption at once, so a password
//! that was changed upstream costs one failure there and is then limited like any other.
//!
//! # Security
//! The network (an IPv4 address, an IPv6 /64) is part of what is proven, and the limit of a source exempts nothing. Otherwise
//! a limit that has been reached would tell the right password from wrong ones, to anyone and without end.
//!
//! Bounded: as many as the cache has entries and at most 100,000, as keyed hashes of about 45 bytes each. They end with the
//! process; a [`ProvenStore`](crate::resolver::ProvenStore) brings them back.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::secret::OutcomeKey;

/// At most this many pairs of name and password.
const MAX_PROVEN: usize = 100_000;

/// See the [module](self). Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct ProvenCredentials(Arc<Cache<OutcomeKey, ()>>);

impl ProvenCredentials {
    /// Remembers at most this many.
    pub fn new(bound: usize) -> Self {
        Self(Arc::new(Cache::new(bound.min(MAX_PROVEN))))
    }

    /// Whether this name and password were accepted the last time.
    pub fn contains(&self, credentials: &OutcomeKey) -> bool {
        self.0.get(credentials).is_some()
    }

    /// A backend accepted them just now.
    pub fn add(&self, credentials: OutcomeKey) {
        self.0.insert(credentials, ());
    }

    /// A backend refused them.
    pub fn remove(&self, credentials: &OutcomeKey) {
        self.0.remove(credentials);
    }
}
