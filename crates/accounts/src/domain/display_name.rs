//! What a user or a group is called.

use crate::domain::error::AccountsError;

/// Longest display name, in characters.
const MAX_DISPLAY_NAME: usize = 64;

pub(crate) fn display_name(name: Option<&str>) -> Result<Option<String>, AccountsError> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    if name.chars().count() > MAX_DISPLAY_NAME || name.contains(char::is_control) {
        return Err(AccountsError::invalid(
            "display name",
            AccountsError::shorten(name),
            "at most 64 characters on one line",
        ));
    }
    Ok(Some(name.to_owned()))
}

pub(crate) fn group_name(name: Option<&str>) -> Result<Option<String>, AccountsError> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    if name.len() > 255 || name.contains(char::is_control) {
        return Err(AccountsError::invalid(
            "display name",
            AccountsError::shorten(name),
            "at most 255 bytes on one line",
        ));
    }
    Ok(Some(name.to_owned()))
}
