//! Proven credentials that survive a restart.
//!
//! The credentials accepted last are exempt from the limits on guessing (see
//! `brute_force::proven`). Without a persistent store, a restart forgets them, and an attacker's
//! guesses can then keep a user with the right password out.
//!
//! A store gets keyed hashes only, and the key is kept elsewhere: a copy of the store without the
//! key can check no guess with it. A store is asked about credentials that are not known to be
//! proven in memory; what it says opens nothing, it only lets an attempt reach the backend.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

use crate::clock::Instant;
use crate::identity::{CanonicalName, LoginName};
use crate::secret::{OutcomeKeyer, Password};

/// Persistent storage for proven credentials.
#[async_trait]
pub trait ProvenStore: fmt::Debug + Send + Sync + 'static {
    /// Whether these credentials are kept.
    ///
    /// # Errors
    /// [`ProvenStoreError`]: they do not count as proven then.
    async fn contains(&self, credentials: &ProvenHash) -> Result<bool, ProvenStoreError>;

    /// Keeps credentials of a person until they are removed, or newer ones need the room.
    ///
    /// # Errors
    /// [`ProvenStoreError`]: they are proven until the process ends.
    async fn add(&self, user: &CanonicalName, credentials: &ProvenHash) -> Result<(), ProvenStoreError>;

    /// Forgets credentials that were refused.
    ///
    /// # Errors
    /// [`ProvenStoreError`]: they may be let through once more after a restart.
    async fn remove(&self, credentials: &ProvenHash) -> Result<(), ProvenStoreError>;
}

/// A keyed hash of a name and a password.
///
/// Useless without the [`ProvenKey`].
#[derive(Clone, PartialEq, Eq)]
pub struct ProvenHash([u8; 32]);

impl ProvenHash {
    /// A hash that was stored.
    pub const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ProvenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProvenHash(…)")
    }
}

/// The key of the hashes.
///
/// All processes that share a store need the same, and the store must not have it. Wiped on drop.
pub struct ProvenKey(OutcomeKeyer);

impl ProvenKey {
    /// Takes a key: 32 random bytes.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(OutcomeKeyer::with_key(key))
    }

    fn hash(&self, label: &[u8], name: &LoginName, password: &Password) -> ProvenHash {
        ProvenHash(self.0.key(label, name.canonical().as_str(), password.expose()).to_bytes())
    }
}

impl fmt::Debug for ProvenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProvenKey(…)")
    }
}

/// The store of proven credentials could not be read or written.
#[derive(Debug, Error)]
#[error("the store of proven credentials failed: {0}")]
pub struct ProvenStoreError(#[source] Box<dyn std::error::Error + Send + Sync + 'static>);

impl ProvenStoreError {
    /// Wraps the error of the store.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>) -> Self {
        Self(source.into())
    }
}

/// A store and its key.
#[derive(Clone, Debug)]
pub(super) struct KeptProven {
    store: Arc<dyn ProvenStore>,
    key: Arc<ProvenKey>,
}

impl KeptProven {
    pub(super) fn new(store: Arc<dyn ProvenStore>, key: ProvenKey) -> Self {
        Self { store, key: Arc::new(key) }
    }

    /// The record of one attempt's credentials; `label` holds the network they come from.
    pub(super) fn record(&self, label: &[u8], name: &LoginName, password: &Password) -> ProvenRecord {
        ProvenRecord { store: Arc::clone(&self.store), hash: self.key.hash(label, name, password) }
    }
}

/// What is kept about one attempt's credentials.
///
/// A store that fails or is late keeps no attempt from being made.
#[derive(Clone, Debug)]
pub(super) struct ProvenRecord {
    store: Arc<dyn ProvenStore>,
    hash: ProvenHash,
}

impl ProvenRecord {
    pub(super) async fn is_kept(&self, deadline: Instant) -> bool {
        in_time(deadline, self.store.contains(&self.hash)).await.unwrap_or(false)
    }

    pub(super) async fn keep(&self, user: &CanonicalName, deadline: Instant) {
        let _ = in_time(deadline, self.store.add(user, &self.hash)).await;
    }

    pub(super) async fn forget(&self, deadline: Instant) {
        let _ = in_time(deadline, self.store.remove(&self.hash)).await;
    }
}

async fn in_time<T>(deadline: Instant, work: impl Future<Output = Result<T, ProvenStoreError>>) -> Option<T> {
    match timeout_at(deadline, work).await {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            tracing::warn!(%error, "proven credentials are known until the end of this process only");
            None
        }
        Err(_) => {
            tracing::warn!("the store of proven credentials did not answer in time");
            None
        }
    }
}
