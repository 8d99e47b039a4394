//! Display names of users and groups.

use crate::domain::error::AccountsError;
use crate::domain::hidden_character::has_hidden;
use crate::domain::text_type::text_type;

text_type! {
    /// Display name of a user: at most 64 characters on one line, without outer blanks.
    DisplayName,
    |text: &str| one_line(text, |name| name.chars().count() <= 64, "at most 64 characters on one line")
}

text_type! {
    /// Display name of a group: at most 255 bytes on one line, without outer blanks.
    GroupDisplayName,
    |text: &str| one_line(text, |name| name.len() <= 255, "at most 255 bytes on one line")
}

fn one_line(
    text: &str,
    is_short: impl FnOnce(&str) -> bool,
    expected: &'static str,
) -> Result<String, AccountsError> {
    let name = text.trim();
    if has_hidden(name) && !name.contains(char::is_control) {
        return Err(AccountsError::invalid_text("display name", name, "a name without invisible characters"));
    }
    let fits = !name.is_empty() && is_short(name) && !name.contains(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(AccountsError::invalid_text("display name", name, expected)) }
}
