//! The text in which searches look: folded, one line for each value.

use crate::domain::group_id::GroupId;
use crate::domain::user_id::UserId;

/// The form in which names are searched: lower case, in every script.
pub(crate) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Searched text of a user: name, display name, primary mail address.
pub(crate) fn of_user(id: &UserId, display_name: Option<&str>, email: Option<&str>) -> String {
    let (name, email) = (id.name().as_str(), email.unwrap_or_default());
    fold(&format!("{name}\n{}\n{email}", display_name.unwrap_or_default()))
}

/// Searched text of a group: id and display name.
pub(crate) fn of_group(id: &GroupId, display_name: Option<&str>) -> String {
    fold(&format!("{id}\n{}", display_name.unwrap_or_default()))
}
