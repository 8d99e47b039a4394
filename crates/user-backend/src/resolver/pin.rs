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
    owners: RwLock<Owners>,
}

/// There are many people and few backends: a backend is kept once, and people have its place in the list.
#[derive(Debug, Default)]
struct Owners {
    people: HashMap<CanonicalName, u32>,
    backends: Vec<BackendId>,
}

impl Owners {
    fn of(&self, name: &CanonicalName) -> Option<BackendId> {
        self.id(*self.people.get(name)?)
    }

    fn id(&self, place: u32) -> Option<BackendId> {
        self.backends.get(usize::try_from(place).ok()?).cloned()
    }

    fn set(&mut self, name: &CanonicalName, backend: &BackendId) -> Option<BackendId> {
        let known = self.backends.iter().position(|id| id == backend);
        let place = known.unwrap_or_else(|| {
            self.backends.push(backend.clone());
            self.backends.len() - 1
        });
        // Nobody has four thousand million backends; the last of them would be nobody's.
        self.people
            .insert(name.clone(), u32::try_from(place).unwrap_or(u32::MAX))
            .and_then(|before| self.id(before))
    }
}

#[async_trait]
impl PinStore for MemoryPins {
    async fn owner(&self, name: &CanonicalName) -> Result<Option<BackendId>, PinError> {
        Ok(self.owners.read().unwrap_or_else(PoisonError::into_inner).of(name))
    }

    async fn bind(&self, name: &CanonicalName, backend: &BackendId) -> Result<BackendId, PinError> {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = owners.of(name) {
            return Ok(owner);
        }
        owners.set(name, backend);
        Ok(backend.clone())
    }

    async fn rebind(
        &self,
        name: &CanonicalName,
        backend: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError> {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        Ok(match backend {
            Some(backend) => owners.set(name, backend),
            None => owners.people.remove(name).and_then(|before| owners.id(before)),
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
