//! Ids of apps, and the keys and values of their configuration.

use crate::domain::error::AccountsError;

/// An id or a key of configuration.
pub(crate) fn key(field: &'static str, key: &str) -> Result<(), AccountsError> {
    let fits =
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if fits { Ok(()) } else { Err(AccountsError::invalid(field, key, "1 to 255 bytes of printable ASCII")) }
}

/// A value: PostgreSQL has no text with NUL.
pub(crate) fn text(value: &str) -> Result<(), AccountsError> {
    let nul = value.contains('\0');
    if nul { Err(AccountsError::invalid("value", "a text with NUL", "a text without NUL")) } else { Ok(()) }
}
