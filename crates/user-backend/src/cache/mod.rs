//! Answers from memory: recently accepted users, recently refused credentials.
//!
//! - The key of an entry is a keyed hash of the whole tuple (scope, name, password) under a random
//!   key of this process: no password, plain or unsalted, is held, and another password for the
//!   same name is another key, so it is always asked upstream.
//! - Accepted tuples are known by the canonical name. Refused tuples are stored by the name as
//!   typed, because a server may distinguish `Frank` and `frank`: a wrong spelling must not refuse
//!   the right one.
//! - Both maps are bounded by entries and by bytes; what is rarely used goes first.
//! - A table of `InvalidationEpochs` voids entries whose user or backend was invalidated after
//!   their check began.
//! - Outages are never stored.
//! - Grace: an accepted tuple may be kept beyond its lifetime, for the time its backend cannot be
//!   asked. Only the tuple that was accepted last for a person counts then, so that an old password
//!   does not come back after a change.
//!
//! ```
//! use user_backend::cache::CacheBounds;
//! use user_backend::{Resolver, StaticBackend};
//!
//! let bounds = CacheBounds { entries: 10_000, bytes: 4 * 1024 * 1024 };
//! let resolver = Resolver::builder().backend(StaticBackend::new("people")?).cache_bounds(bounds).build()?;
//! # let _ = resolver;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// The core of the memory is also compiled by the crate that tries out schedules, which needs it to
// be visible there.
#![allow(unreachable_pub, reason = "public in the crate that tries out schedules")]

pub(crate) mod epochs;
mod record;
pub(crate) mod single_flight;

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use crate::clock::Instant;
use crate::identity::{BackendId, CanonicalName, LoginName};
use crate::secret::{NoRandomness, OutcomeKey, OutcomeKeyer};
use crate::verdict::{Authenticated, CheckEpoch, Freshness, Rejection, VerifiedIdentity};
use epochs::{Epoch, InvalidationEpochs, Label};
use record::{Accepted, Backends, EntryWeight, Latest, Rejected};

/// How much may be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBounds {
    /// At most this many accepted outcomes; a quarter of it bounds the refused ones.
    pub entries: usize,
    /// At most about this many bytes for accepted outcomes.
    ///
    /// A quarter of it bounds the refused ones.
    pub bytes: usize,
}

impl Default for CacheBounds {
    /// 100,000 outcomes or 32 MiB, whichever comes first.
    fn default() -> Self {
        Self { entries: 100_000, bytes: 32 * 1024 * 1024 }
    }
}

/// What is remembered at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Accepted outcomes, including expired ones that were not looked up since.
    pub accepted: usize,
    /// Refused outcomes, likewise.
    pub rejected: usize,
    /// About how many bytes they take.
    pub bytes: u64,
}

/// See the [module](self).
#[derive(Debug)]
pub struct OutcomeCache {
    /// No other memory of this process has this number.
    number: u64,
    keyer: OutcomeKeyer,
    accepted: Map<Accepted>,
    rejected: Map<Rejected>,
    /// For users whose backend has a grace: the tuple that was accepted last.
    latest: Map<Latest>,
    epochs: InvalidationEpochs,
    backends: Backends,
}

/// How long an acceptance counts, and where it was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// As good as asked.
    pub fresh: Duration,
    /// While the backend cannot be asked; counted from the same moment.
    ///
    /// `None`: not at all.
    pub stale: Option<Duration>,
    /// A hash of the network from which it was verified.
    pub network: u32,
}

type Map<V> =
    Cache<OutcomeKey, V, EntryWeight, BuildHasherDefault<KeyIsHash>, DefaultLifecycle<OutcomeKey, V>>;

impl OutcomeCache {
    /// An empty cache with a fresh key.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system has none to give.
    pub fn new(bounds: CacheBounds) -> Result<Self, NoRandomness> {
        let quarter = CacheBounds { entries: bounds.entries / 4, bytes: bounds.bytes / 4 };
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        Ok(Self {
            number: NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            keyer: OutcomeKeyer::random()?,
            accepted: map(bounds),
            rejected: map(quarter),
            latest: map(quarter),
            epochs: InvalidationEpochs::default(),
            backends: Backends::default(),
        })
    }

    /// The key of a tuple.
    ///
    /// `name` is canonical for accepted outcomes and as typed for refused ones.
    #[inline]
    pub fn key(&self, scope: &[u8], name: &str, password: &str) -> OutcomeKey {
        self.keyer.key(scope, name, password)
    }

    /// The epoch at which a check begins that may be stored later.
    pub fn epoch(&self) -> Epoch {
        self.epochs.epoch()
    }

    /// The epoch of the last invalidation of a user with these names.
    pub(crate) fn last_change(&self, names: impl Iterator<Item = CanonicalName>) -> Epoch {
        let users = names.map(|name| self.epochs.user(&name));
        // The label of all refusals: any change of a backend voids them.
        let labels: Vec<Label> = std::iter::once(self.epochs.all_backends()).chain(users).collect();
        self.epochs.last_change(&labels)
    }

    /// Whether an outcome of an attempt that began at `began` still counts.
    pub(crate) fn holds(&self, began: Epoch, login: &LoginName, proof: &Authenticated) -> bool {
        self.epochs.is_last(began) || {
            let depends = [
                self.epochs.user(login.canonical()),
                self.epochs.user(proof.name()),
                self.epochs.backend(proof.backend()),
            ];
            self.epochs.holds(began, &depends)
        }
    }

    /// When the check behind a proof began.
    #[inline(always)]
    pub(crate) fn began(&self, epoch: Epoch) -> CheckEpoch {
        CheckEpoch { memory: self.number, epoch }
    }

    /// Whether a proof was made with this cache and is still valid.
    ///
    /// Nothing that it depends on has been invalidated since its check began.
    pub(crate) fn still_holds(&self, proof: &Authenticated) -> bool {
        let depends = [self.epochs.user(proof.name()), self.epochs.backend(proof.backend())];
        let CheckEpoch { memory, epoch } = proof.began();
        memory == self.number && self.epochs.holds(epoch, &depends)
    }

    /// The proof for a tuple that was accepted and still counts.
    #[inline(always)]
    pub fn accepted(&self, key: &OutcomeKey, now: Instant) -> Option<Authenticated> {
        self.accepted_from(key, now).map(|(proof, _)| proof)
    }

    /// The same, and a hash of the network from which it was verified.
    #[inline(always)]
    pub(crate) fn accepted_from(&self, key: &OutcomeKey, now: Instant) -> Option<(Authenticated, u32)> {
        let found = self.accepted.get(key)?;
        if found.expires <= now || !self.epochs.holds(found.began, &found.depends) {
            self.clear_away(key, &found, now);
            return None;
        }
        let freshness = Freshness::Cached { verified_at: found.verified_at };
        let network = found.network;
        Some((self.proof(found, freshness)?, network))
    }

    /// The proof for a tuple that was accepted earlier, for an outage of its backend.
    pub(crate) fn stale(&self, key: &OutcomeKey, now: Instant) -> Option<Authenticated> {
        let found = self.accepted.get(key).filter(|found| self.is_kept(key, found, now))?;
        let freshness = Freshness::Stale { verified_at: found.verified_at };
        self.proof(found, freshness)
    }

    #[inline(always)]
    fn proof(&self, found: Accepted, freshness: Freshness) -> Option<Authenticated> {
        let backend = self.backends.id(found.backend)?.clone();
        let verified = VerifiedIdentity { identity: found.identity, backend };
        Some(Authenticated::assertion(verified, freshness, self.began(found.began)))
    }

    /// Whether the outcome is not invalidated, and is the one for grace.
    fn is_kept(&self, key: &OutcomeKey, found: &Accepted, now: Instant) -> bool {
        let latest = self.latest.get(&self.person_key(found.identity.name()));
        latest.is_some_and(|latest| latest.key == *key && now < latest.gone)
            && self.epochs.holds(found.began, &found.depends)
    }

    /// What no longer counts takes no room, unless there is a grace.
    #[cold]
    fn clear_away(&self, key: &OutcomeKey, found: &Accepted, now: Instant) {
        if !self.is_kept(key, found, now) {
            self.accepted.remove_if(key, |stored| stored.verified_at == found.verified_at);
        }
    }

    /// Forgets an accepted tuple: its backend refuses it now.
    pub(crate) fn forget(&self, key: &OutcomeKey) {
        self.accepted.remove(key);
    }

    /// The same, unless another backend accepted it.
    pub(crate) fn forget_of(&self, key: &OutcomeKey, backend: &BackendId) {
        self.accepted.remove_if(key, |stored| self.backends.id(stored.backend) == Some(backend));
    }

    /// The refusal of a tuple that was refused and is still refused.
    pub fn rejected(&self, key: &OutcomeKey, now: Instant) -> Option<Rejection> {
        let found = self.rejected.get(key)?;
        if found.expires <= now || !self.epochs.holds(found.began, &found.depends) {
            self.rejected.remove_if(key, |stored| stored.expires == found.expires);
            return None;
        }
        Some(found.rejection)
    }

    /// Remembers an acceptance for its lifetime from `now`, and returns whether it counts.
    ///
    /// Not if an invalidation hit the person, under the name that was typed or the one that was
    /// found, or the backend, since the check began at `began`.
    #[must_use]
    pub(crate) fn accept(
        &self,
        key: OutcomeKey,
        login: &LoginName,
        verified: &VerifiedIdentity,
        began: Epoch,
        now: Instant,
        lifetime: Lifetime,
    ) -> bool {
        let Lifetime { network, .. } = lifetime;
        let depends = self.depends(login.canonical(), verified);
        if !self.epochs.holds(began, &depends) {
            return false;
        }
        let Some(expires) = now.checked_add(lifetime.fresh) else { return true };
        let gone =
            lifetime.stale.and_then(|stale| now.checked_add(stale)).map_or(expires, |gone| gone.max(expires));
        if gone <= now {
            return true;
        }
        if lifetime.stale.is_some() {
            self.latest.insert(self.person_key(verified.identity.name()), Latest { key, gone });
        }
        // Who has no number is not remembered, and is asked each time.
        if let Some(backend) = self.backends.number(&verified.backend) {
            let identity = verified.identity.clone();
            let outcome = Accepted { identity, verified_at: now, expires, began, depends, backend, network };
            self.accepted.insert(key, outcome);
        }
        true
    }

    fn person_key(&self, name: &CanonicalName) -> OutcomeKey {
        self.keyer.key(b"person", name.as_str(), "")
    }

    /// Remembers a refusal for `lifetime` from `now`.
    ///
    /// It is forgotten with the person under any of `names`: the one that was typed, and those by
    /// which the backends would know them.
    pub(crate) fn reject(
        &self,
        key: OutcomeKey,
        names: impl Iterator<Item = CanonicalName>,
        rejection: Rejection,
        began: Epoch,
        now: Instant,
        lifetime: Duration,
    ) {
        let Some(expires) = now.checked_add(lifetime).filter(|expires| *expires > now) else { return };
        let mut depends = vec![self.epochs.all_backends()];
        depends.extend(names.map(|name| self.epochs.user(&name)));
        // Usually all backends know a person by the same name.
        depends.dedup();
        let depends: Arc<[Label]> = depends.into();
        // A check that no longer counts must not push out one that does.
        if !self.epochs.holds(began, &depends) {
            return;
        }
        self.rejected.insert(key, Rejected { rejection, expires, began, depends });
    }

    /// Forgets one user, under the name in the application and the one that was typed.
    pub fn invalidate_user(&self, name: &CanonicalName) {
        self.epochs.invalidate(self.epochs.user(name));
    }

    /// Forgets everything that one backend accepted, and all refusals.
    pub fn invalidate_backend(&self, id: &BackendId) {
        self.epochs.invalidate(self.epochs.backend(id));
        self.invalidate_refusals();
    }

    /// Drops all refusals: there is another backend to ask now.
    pub(crate) fn invalidate_refusals(&self) {
        self.epochs.invalidate(self.epochs.all_backends());
        self.rejected.clear();
    }

    /// Forgets everything.
    pub fn invalidate_all(&self) {
        self.epochs.invalidate_everything();
        self.accepted.clear();
        self.rejected.clear();
        self.latest.clear();
    }

    /// What is remembered at the moment.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            accepted: self.accepted.len(),
            rejected: self.rejected.len(),
            bytes: self.accepted.weight().saturating_add(self.rejected.weight()),
        }
    }

    fn depends(&self, typed: &CanonicalName, verified: &VerifiedIdentity) -> [Label; 3] {
        [
            self.epochs.user(typed),
            self.epochs.user(verified.identity.name()),
            self.epochs.backend(&verified.backend),
        ]
    }
}

/// No cache is split into more parts.
const PARTS: usize = 1024;

fn map<V: Clone>(bounds: CacheBounds) -> Map<V>
where
    EntryWeight: Weighter<OutcomeKey, V>,
{
    let entries = bounds.entries.max(1);
    // The cache is split into a power of two of parts, each with a share that is rounded up.
    let bytes = (bounds.bytes & !(PARTS - 1)).max(1);
    // The cache knows one bound, a weight. An entry weighs at least its share of the bytes, so that
    // neither bound is passed.
    let weigh = EntryWeight { floor: bytes.div_ceil(entries) as u64 };
    let (hasher, lifecycle) = (BuildHasherDefault::default(), DefaultLifecycle::default());
    // What was pushed out is not worth a place: it is a question to the server, and soon too old
    // anyway.
    let options = OptionsBuilder::new()
        .estimated_items_capacity(entries)
        .weight_capacity(bytes as u64)
        .ghost_allocation(0.0)
        .build();
    match options {
        Ok(options) => Cache::with_options(options, weigh, hasher, lifecycle),
        Err(_) => Cache::with(entries, bytes as u64, weigh, hasher, lifecycle),
    }
}

/// The key is a keyed hash already: eight bytes of it are the table's hash.
#[derive(Default)]
struct KeyIsHash(u64);

impl Hasher for KeyIsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests;
