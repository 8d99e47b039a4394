//! Makes and compares hashes, always through the pool.
//!
//! A question costs one comparison, or two if the password is not typed in composed form: the work
//! is the same whether the user exists or not.

use std::sync::Arc;

use thiserror::Error;
use user_backend::clock::Instant;

use crate::domain::LocalPassword;
use crate::service::local_password::hash::{HashError, PasswordHash, PasswordMatch};
use crate::service::local_password::pool::{HashLane, HashPool, PoolError};
use crate::service::local_password::settings::HashSettings;

/// Makes and compares hashes.
///
/// Cheap to clone; clones share the threads.
#[derive(Clone, Debug)]
pub struct Hasher {
    settings: HashSettings,
    pool: HashPool,
    dummy: Arc<PasswordHash>,
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedPassword {
    /// Whether the password is the stored one.
    pub found: PasswordMatch,
    /// A hash of the same password to store instead, when it matched one that is outdated.
    pub better: Option<PasswordHash>,
}

/// A password could not be hashed or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HasherError {
    /// The queue was full, time ran out, or the thread ended.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The system had no randomness or memory to give.
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl Hasher {
    /// A hasher with these costs and bounds.
    ///
    /// # Errors
    /// [`HashError`] when the system has no randomness to give.
    pub fn new(settings: HashSettings) -> Result<Self, HashError> {
        let (pool, dummy) = (HashPool::new(&settings), Arc::new(PasswordHash::dummy(&settings)?));
        Ok(Self { settings, pool, dummy })
    }

    /// The costs and bounds.
    pub fn settings(&self) -> &HashSettings {
        &self.settings
    }

    /// The pool: for metrics.
    pub fn pool(&self) -> &HashPool {
        &self.pool
    }

    /// A hash of the usual cost that belongs to no password.
    pub(crate) fn dummy(&self) -> &PasswordHash {
        &self.dummy
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// [`HasherError`].
    ///
    /// # Cancellation
    /// Cancel safe; a hash in progress is finished and dropped.
    pub async fn hash(
        &self,
        password: &LocalPassword,
        deadline: Instant,
    ) -> Result<PasswordHash, HasherError> {
        let (password, settings) = (password.clone(), self.settings);
        Ok(self.pool.run(deadline, move || PasswordHash::new(&password, &settings)).await??)
    }

    /// Compares a password with what is stored.
    ///
    /// If nothing is stored, it compares with a dummy hash. `is_proven`: the same was
    /// right the last time, so it need not wait for guesses.
    ///
    /// # Errors
    /// [`PoolError`]: nothing was found out.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn check(
        &self,
        stored: Option<PasswordHash>,
        password: &LocalPassword,
        deadline: Instant,
        is_proven: bool,
    ) -> Result<CheckedPassword, PoolError> {
        let (password, settings) = (password.clone(), self.settings);
        let dummy = Arc::clone(&self.dummy);
        let work = move || {
            let found = stored.as_ref().unwrap_or(&dummy).matches(&password);
            if stored.is_none() {
                return CheckedPassword { found: PasswordMatch::No, better: None };
            }
            let outdated =
                found == PasswordMatch::Yes && stored.is_some_and(|hash| hash.is_outdated(&settings));
            // Without a better hash the user still signs in, and the next sign-in tries again.
            let better = if outdated { PasswordHash::new(&password, &settings).ok() } else { None };
            CheckedPassword { found, better }
        };
        let lane = if is_proven { HashLane::Proven } else { HashLane::Usual };
        self.pool.run_in(lane, deadline, work).await
    }

    /// Whether any of these hashes is that of the password; stops at the first.
    ///
    /// # Errors
    /// [`PoolError`]: nothing was found out.
    ///
    /// # Cancellation
    /// Cancel safe; the comparison is finished and its result dropped.
    pub async fn is_any_of(
        &self,
        hashes: Vec<PasswordHash>,
        password: &LocalPassword,
        deadline: Instant,
    ) -> Result<bool, PoolError> {
        if hashes.is_empty() {
            return Ok(false);
        }
        let password = password.clone();
        // Bytes that an old hash does not cover count as equal here: in doubt, the password was
        // used before.
        let work = move || hashes.iter().any(|hash| hash.matches(&password) != PasswordMatch::No);
        self.pool.run(deadline, work).await
    }
}
