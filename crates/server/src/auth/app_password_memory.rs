//! The app passwords that were looked up last.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use accounts::{AppPassword, CredentialEpoch, TokenHash, UserId};

/// How many app passwords are remembered.
const MAX_REMEMBERED: usize = 10_000;

/// The app passwords that were looked up last.
///
/// Each counts as long as the credential epoch is the one at which it was read: the database raises
/// that when one is revoked, rotated, wiped or changed, and when its owner is disabled.
#[derive(Debug, Default)]
pub(crate) struct AppPasswordMemory(Mutex<HashMap<TokenHash, Remembered>>);

#[derive(Clone, Debug)]
pub(super) struct Remembered {
    pub(super) epoch: CredentialEpoch,
    pub(super) owner: UserId,
    pub(super) row: AppPassword,
}

impl AppPasswordMemory {
    /// What was remembered, at whatever epoch that was.
    pub(super) fn get(&self, token: &TokenHash) -> Option<Remembered> {
        self.lock().get(token).cloned()
    }

    pub(super) fn put(&self, token: TokenHash, found: Remembered) {
        let mut all = self.lock();
        if all.len() >= MAX_REMEMBERED && !all.contains_key(&token) {
            all.retain(|_, other| other.epoch == found.epoch);
        }
        if all.len() >= MAX_REMEMBERED {
            all.clear();
        }
        all.insert(token, found);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenHash, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
