//! A typed password that can be a local one.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use user_backend::Password;
use zeroize::Zeroizing;

/// Longest local password, in bytes of UTF-8.
///
/// A longer one is refused, never cut.
pub const MAX_LOCAL_PASSWORD_BYTES: usize = 469;

/// A password that is not longer than a local password can be.
///
/// It is set and compared in Unicode's composed form (NFC), as RFC 8265 says of an `OpaqueString`:
/// keyboards differ in whether they send `é` as one character or as two. A hash made before that
/// may be of what was typed, so that is compared too.
///
/// The type is the proof that the length was checked. Cheap to clone, wiped on drop.
#[derive(Clone, Debug)]
pub struct LocalPassword {
    typed: Arc<Password>,
    /// The composed form, unless that is what was typed.
    composed: Option<Arc<Composed>>,
}

struct Composed(Zeroizing<String>);

impl fmt::Debug for Composed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Composed(…)")
    }
}

impl LocalPassword {
    /// Takes a typed password that is short enough.
    ///
    /// # Errors
    /// [`PasswordTooLong`], with the text that clients know.
    pub fn new(password: &Password) -> Result<Self, PasswordTooLong> {
        if password.expose().len() > MAX_LOCAL_PASSWORD_BYTES {
            return Err(PasswordTooLong);
        }
        let composed = (!is_nfc(password.expose())).then(|| compose(password.expose()));
        Ok(Self { typed: Arc::new(password.clone()), composed })
    }

    /// The password in composed form, for hashing and for the rules.
    pub fn expose(&self) -> &str {
        self.composed.as_ref().map_or_else(|| self.typed.expose(), |composed| &composed.0)
    }

    /// Forms to compare with the stored password: composed and, if different, as typed.
    pub fn forms(&self) -> impl Iterator<Item = &str> {
        let typed = self.composed.is_some().then(|| self.typed.expose());
        std::iter::once(self.expose()).chain(typed)
    }
}

fn compose(typed: &str) -> Arc<Composed> {
    // No character grows beyond three times its bytes, so the buffer never grows and leaves no copy
    // in memory.
    let mut composed = Zeroizing::new(String::with_capacity(3 * typed.len()));
    composed.extend(typed.nfc());
    Arc::new(Composed(composed))
}

/// The password has more than [`MAX_LOCAL_PASSWORD_BYTES`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Password is too long. Maximum allowed length is {MAX_LOCAL_PASSWORD_BYTES} characters.")]
pub struct PasswordTooLong;
