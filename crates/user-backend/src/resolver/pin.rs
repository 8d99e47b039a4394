//! Who owns whom: the first backend that accepts a person owns that name from then on.
//!
//! Without pins, every backend could sign in anybody: a mailbox called `admin` would be the local `admin`. With them a known
//! person is asked at their own backend only, another backend's yes is refused and audited, and the outage of somebody
//! else's backend is nobody's business. Moving a person to another backend ([`Resolver::rebind`](super::Resolver::rebind))
//! is an explicit act.
//!
//! A pin names the backend by its id. Renaming an id therefore orphans its people (they get "unavailable" until they are
//! rebound, never somebody else's account); reordering entries or changing their other settings moves nobody.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;
use thiserror::Error;

use crate::identity::{BackendId, CanonicalName};

/// Where pins are kept. [`MemoryPins`] forgets them with the process; a store that lasts is better.
#[async_trait]
pub trait PinStore: fmt::Debug + Send + Sync + 'static {
    /// The owner of a name.
    ///
    /// # Errors
    /// [`PinError`] when the store cannot tell: the attempt is then unavailable.
    async fn owner(&self, name: &CanonicalName) -> Result<Option<BackendId>, PinError>;

    /// Makes `backend` the owner unless there is one, in one step, and tells who the owner is now.
    ///
    /// # Errors
    /// [`PinError`] when the store cannot tell: the acceptance then does not count.
    async fn bind(&self, name: &CanonicalName, backend: &BackendId) -> Result<BackendId, PinError>;

    /// Makes `backend` the owner, or nobody, whoever it was before, and tells who it was.
    ///
    /// # Errors
    /// [`PinError`] when the store cannot be written; nothing is changed then.
    async fn rebind(
        &self,
        name: &CanonicalName,
        backend: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError>;
}

/// The store of pins could not be read or written.
#[derive(Debug, Error)]
#[error("the store of pins failed: {0}")]
pub struct PinError(#[source] Box<dyn std::error::Error + Send + Sync + 'static>);

impl PinError {
    /// Wraps what the store said.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>) -> Self {
        Self(source.into())
    }
}

/// Pins that live as long as the process. Only accepted people take room.
#[derive(Debug, Default)]
pub struct MemoryPins {
    owners: RwLock<HashMap<CanonicalName, BackendId>>,
}

#[async_trait]
impl PinStore for MemoryPins {
    async fn owner(&self, name: &CanonicalName) -> Result<Option<BackendId>, PinError> {
        Ok(self.owners.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    async fn bind(&self, name: &CanonicalName, backend: &BackendId) -> Result<BackendId, PinError> {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        Ok(owners.entry(name.clone()).or_insert_with(|| backend.clone()).clone())
    }

    async fn rebind(
        &self,
        name: &CanonicalName,
        backend: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError> {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        Ok(match backend {
            Some(backend) => owners.insert(name.clone(), backend.clone()),
            None => owners.remove(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_owner_stays_until_somebody_says_otherwise() {
        let pins = MemoryPins::default();
        let alice = CanonicalName::parse("alice").unwrap();
        let [mail, files] = ["mail", "files"].map(|id| BackendId::parse(id).unwrap());
        assert_eq!(pins.owner(&alice).await.unwrap(), None);
        assert_eq!(pins.bind(&alice, &mail).await.unwrap(), mail);
        assert_eq!(pins.bind(&alice, &files).await.unwrap(), mail);
        assert_eq!(pins.rebind(&alice, Some(&files)).await.unwrap(), Some(mail));
        assert_eq!(pins.owner(&alice).await.unwrap(), Some(files.clone()));
        assert_eq!(pins.rebind(&alice, None).await.unwrap(), Some(files));
        assert_eq!(pins.owner(&alice).await.unwrap(), None);
    }
}
