//! Local passwords: how they are kept, checked, taken over from another installation, and changed.
//!
//! | file | what lives there |
//! |---|---|
//! | `settings` | how expensive a hash is, how many are made at once |
//! | `hash` | what is stored for one password, and whether a typed one matches it (pure) |
//! | `memory` | what a hash works in |
//! | `pool` | the few threads that hash, and the queue before them |
//! | `hasher` | the three together: one comparison per question |
//! | `rules` | what is asked of new passwords |
//! | `backend` | the backend `local`, for the resolver |
//! | `change` | setting a password: rules, history, hash, and the end of everything that the old one opened |
//!
//! Hashing is slow on purpose (about 20 ms and 19 MiB each), so it never runs on the async executor, and never more often
//! at once than there are cores.

mod backend;
mod change;
mod hash;
mod hasher;
mod memory;
pub(crate) mod policy;
mod pool;
mod rules;
mod settings;

pub use backend::LocalBackend;
pub use change::{AppPasswordPolicy, LocalPasswords, SetError};
pub(crate) use change::{ROUNDS, locked};
pub use hash::{HashError, LegacySalt, PasswordHash, PasswordMatch, UnknownHash};
pub use hasher::{CheckedPassword, Hasher, HasherError};
pub use pool::{HashPool, PoolError};
pub use rules::{NoRules, PasswordRules, Person, PolicyRules};
pub use settings::{HashSettings, HashSettingsError};

use std::sync::Arc;

use thiserror::Error;
use user_backend::Password;

/// Longest local password, in bytes of UTF-8. A longer one is refused, never cut.
pub const MAX_LOCAL_PASSWORD_BYTES: usize = 469;

/// A password that is not longer than a local password can be.
///
/// The wrapper is the proof: whoever holds one need not think about lengths any more. Cheap to clone, wiped on drop.
#[derive(Clone, Debug)]
pub struct LocalPassword(Arc<Password>);

impl LocalPassword {
    /// Takes a typed password that is short enough.
    ///
    /// # Errors
    /// [`PasswordTooLong`], whose text is the one people know.
    pub fn new(password: &Password) -> Result<Self, PasswordTooLong> {
        if password.expose().len() > MAX_LOCAL_PASSWORD_BYTES {
            return Err(PasswordTooLong);
        }
        Ok(Self(Arc::new(password.clone())))
    }

    /// The password itself, for hashing and for the rules.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The password has more than [`MAX_LOCAL_PASSWORD_BYTES`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Password is too long. Maximum allowed length is {MAX_LOCAL_PASSWORD_BYTES} characters.")]
pub struct PasswordTooLong;

#[cfg(test)]
mod tests;
