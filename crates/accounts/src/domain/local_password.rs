//! A typed password that can be a local one.

use std::sync::Arc;

use thiserror::Error;
use user_backend::Password;

/// Longest local password, in bytes of UTF-8. A longer one is refused, never cut.
pub const MAX_LOCAL_PASSWORD_BYTES: usize = 469;

/// A password that is not longer than a local password can be.
///
/// The type is the proof that the length was checked. Cheap to clone, wiped on drop.
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
