//! Pins: the first backend that accepts a name owns it from then on.
//!
//! Without pins, every backend could sign in any user: a mailbox called `admin` would be the local
//! `admin`. With them a known person is asked at their own backend only, another backend's yes is
//! refused and audited, and an outage of another backend does not matter. Moving a person to
//! another backend ([`Resolver::rebind`](super::Resolver::rebind)) is an explicit act.
//!
//! A pin keeps the spelling of the name that its owner accepted first, and only that one is sent
//! from then on. Otherwise a server that distinguishes `Frank` and `frank` could have two accounts
//! for one user here.
//!
//! A pin names the backend by its id. Renaming an id therefore orphans its users (they get
//! "unavailable" until they are rebound, never another user's account); reordering entries or
//! changing their other settings moves no user.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;
use thiserror::Error;

use crate::identity::{BackendId, CanonicalName};

/// The owner of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinOwner {
    /// The backend that alone may answer for the name.
    pub backend: BackendId,
    /// The spelling that the backend accepted first, before a domain was added.
    ///
    /// `None`: not known yet.
    pub spelling: Option<String>,
}

impl PinOwner {
    /// The owner of a name, and the spelling of the name there.
    pub const fn new(backend: BackendId, spelling: Option<String>) -> Self {
        Self { backend, spelling }
    }
}

/// Storage for pins.
///
/// [`MemoryPins`] forgets them with the process; a store that lasts is better.
#[async_trait]
pub trait PinStore: fmt::Debug + Send + Sync + 'static {
    /// The owner of a name.
    ///
    /// # Errors
    /// [`PinError`] if the store fails: the attempt is then unavailable.
    async fn owner(&self, name: &CanonicalName) -> Result<Option<PinOwner>, PinError>;

    /// Makes `backend` the owner if there is none, atomically; returns the current owner.
    ///
    /// If `backend` is the owner and no spelling is known yet, `spelling` is kept.
    ///
    /// # Errors
    /// [`PinError`] if the store fails: the acceptance then does not count.
    async fn bind(
        &self,
        name: &CanonicalName,
        backend: &BackendId,
        spelling: Option<&str>,
    ) -> Result<PinOwner, PinError>;

    /// Whether the account of this name is in a group.
    ///
    /// `None`: there is no such account, or the store knows no groups; those that the backend
    /// reports count then. The default.
    ///
    /// # Errors
    /// [`PinError`] if the store fails: the acceptance then does not count.
    async fn is_member(&self, _name: &CanonicalName, _group: &str) -> Result<Option<bool>, PinError> {
        Ok(None)
    }

    /// Sets or clears the owner, and returns the previous one.
    ///
    /// The accepted spelling is forgotten.
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
    /// Wraps an error of the store.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>) -> Self {
        Self(source.into())
    }
}

/// Pins that live as long as the process.
///
/// Only accepted users take memory.
#[derive(Debug, Default)]
pub struct MemoryPins {
    owners: RwLock<PinTable>,
}

/// There are many users and few backends.
///
/// A backend is stored once, and users have its index.
#[derive(Debug, Default)]
struct PinTable {
    users: HashMap<CanonicalName, Pinned>,
    backends: Vec<BackendId>,
    /// The spellings that are not the canonical form, which are few.
    spellings: HashMap<CanonicalName, Box<str>>,
}

#[derive(Clone, Copy, Debug)]
struct Pinned {
    index: u32,
    is_spelled: bool,
}

impl PinTable {
    fn of(&self, name: &CanonicalName) -> Option<PinOwner> {
        let Pinned { index, is_spelled } = *self.users.get(name)?;
        let spelling = || self.spellings.get(name).map_or(name.as_str(), |spelling| spelling).to_owned();
        Some(PinOwner::new(self.id(index)?, is_spelled.then(spelling)))
    }

    fn id(&self, index: u32) -> Option<BackendId> {
        self.backends.get(usize::try_from(index).ok()?).cloned()
    }

    fn set(&mut self, name: &CanonicalName, backend: &BackendId) -> Option<BackendId> {
        let known = self.backends.iter().position(|id| id == backend);
        let index = known.unwrap_or_else(|| {
            self.backends.push(backend.clone());
            self.backends.len() - 1
        });
        self.spellings.remove(name);
        // More than four billion backends are impossible; the last index means no owner.
        let pinned = Pinned { index: u32::try_from(index).unwrap_or(u32::MAX), is_spelled: false };
        self.users.insert(name.clone(), pinned).and_then(|before| self.id(before.index))
    }

    fn spell(&mut self, name: &CanonicalName, spelling: &str) {
        if let Some(pinned) = self.users.get_mut(name) {
            pinned.is_spelled = true;
            if spelling != name.as_str() {
                self.spellings.insert(name.clone(), spelling.into());
            }
        }
    }
}

#[async_trait]
impl PinStore for MemoryPins {
    async fn owner(&self, name: &CanonicalName) -> Result<Option<PinOwner>, PinError> {
        Ok(self.owners.read().unwrap_or_else(PoisonError::into_inner).of(name))
    }

    async fn bind(
        &self,
        name: &CanonicalName,
        backend: &BackendId,
        spelling: Option<&str>,
    ) -> Result<PinOwner, PinError> {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        let owner = match owners.of(name) {
            Some(owner) => owner,
            None => {
                owners.set(name, backend);
                PinOwner::new(backend.clone(), None)
            }
        };
        match spelling {
            Some(spelling) if owner.backend == *backend && owner.spelling.is_none() => {
                owners.spell(name, spelling);
                Ok(PinOwner::new(owner.backend, Some(spelling.to_owned())))
            }
            _ => Ok(owner),
        }
    }

    async fn rebind(
        &self,
        name: &CanonicalName,
        backend: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError> {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        Ok(match backend {
            Some(backend) => owners.set(name, backend),
            None => {
                owners.spellings.remove(name);
                owners.users.remove(name).and_then(|before| owners.id(before.index))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn first_owner_stays_until_rebound() {
        let pins = MemoryPins::default();
        let alice = CanonicalName::parse("alice").unwrap();
        let [mail, files] = ["mail", "files"].map(|id| BackendId::parse(id).unwrap());
        let owner = |backend: &BackendId, spelling: Option<&str>| {
            PinOwner::new(backend.clone(), spelling.map(str::to_owned))
        };
        assert_eq!(pins.owner(&alice).await.unwrap(), None);
        assert_eq!(pins.bind(&alice, &mail, None).await.unwrap(), owner(&mail, None));
        assert_eq!(pins.bind(&alice, &files, Some("ALICE")).await.unwrap(), owner(&mail, None));
        for spelling in ["Alice", "alice"] {
            assert_eq!(pins.bind(&alice, &mail, Some(spelling)).await.unwrap(), owner(&mail, Some("Alice")));
        }
        assert_eq!(pins.owner(&alice).await.unwrap(), Some(owner(&mail, Some("Alice"))));
        assert_eq!(pins.rebind(&alice, Some(&files)).await.unwrap(), Some(mail));
        assert_eq!(pins.owner(&alice).await.unwrap(), Some(owner(&files, None)));
        assert_eq!(pins.bind(&alice, &files, Some("alice")).await.unwrap(), owner(&files, Some("alice")));
        assert_eq!(pins.rebind(&alice, None).await.unwrap(), Some(files));
        assert_eq!(pins.owner(&alice).await.unwrap(), None);
    }
}
