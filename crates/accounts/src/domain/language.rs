//! Languages and locales.

use crate::domain::error::AccountsError;

/// A language or a locale: a short word, or nothing.
pub(crate) fn word(text: &Option<String>, field: &'static str) -> Result<Option<String>, AccountsError> {
    let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
    let fits = text.len() <= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(&b));
    if fits {
        Ok(Some(text.to_owned()))
    } else {
        Err(AccountsError::invalid(field, AccountsError::shorten(text), "a short word"))
    }
}
