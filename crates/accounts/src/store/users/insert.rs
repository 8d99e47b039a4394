//! A new row in the table of users.

use crate::domain::{AccountsError, DisplayName, Language, Locale, NewUser, User, search_text};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::sql;
use crate::store::users::row::{UserKey, columns};

/// Adds the user's own row, without a mail address; `None` when the name is taken.
///
/// No other transaction sees the row before this one ends.
pub(crate) async fn insert(
    change: &mut Change<'_>,
    new: &NewUser,
) -> Result<Option<LockedUser>, AccountsError> {
    let now = change.now();
    let display_name = new.display_name.as_ref().map(DisplayName::as_str);
    let user = sql(concat!(
        "INSERT INTO users (name, id, backend, enabled, display_name, quota, language, locale, search, \
         created_at, first_login, last_login) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (name) DO NOTHING RETURNING ",
        columns!(),
        ", users.key"
    ))
    .bind(new.id.name().as_str())
    .bind(new.id.as_str())
    .bind(new.backend_id())
    .bind(new.enabled)
    .bind(display_name)
    .bind(new.quota.column())
    .bind(new.language.as_ref().map(Language::as_str))
    .bind(new.locale.as_ref().map(Locale::as_str))
    .bind(search_text::of_user(&new.id, display_name, None))
    .bind(now.millis())
    .bind(new.signed_in.map(|(first, last)| first.min(last).min(now).millis()))
    .bind(new.signed_in.map(|(_, last)| last.min(now).millis()));
    let Some(row) = change.row(user).await? else { return Ok(None) };
    Ok(Some(LockedUser { key: UserKey::read(&row)?, user: User::read(&row)? }))
}
