//! The table of profile fields.

use crate::domain::error::AccountsError;
use crate::domain::profile_field::{ProfileField, ProfileScope};
use crate::domain::{email, profile_field};
use crate::store::change::Change;
use crate::store::engine::query::sql;
use crate::store::users::row::UserKey;

/// Sets a single-valued field; an empty value without a scope removes it.
pub(crate) async fn put(
    change: &mut Change<'_>,
    key: UserKey,
    field: ProfileField,
    value: &str,
    scope: Option<ProfileScope>,
) -> Result<(), AccountsError> {
    if field == ProfileField::AdditionalMail {
        return add_mail(change, key, value, scope).await;
    }
    profile_field::checked_value(field, value)?;
    let put =
        sql("INSERT INTO profile (user_key, field, position, value, scope) VALUES ($1, $2, 0, $3, $4) \
                   ON CONFLICT (user_key, field, position) DO UPDATE \
                   SET value = excluded.value, scope = COALESCE(excluded.scope, profile.scope)");
    change
        .execute(put.bind(key.0).bind(field.as_str()).bind(value).bind(scope.map(ProfileScope::as_str)))
        .await?;
    Ok(())
}

/// Sets who may see a field and leaves its value alone.
pub(crate) async fn put_scope(
    change: &mut Change<'_>,
    key: UserKey,
    field: ProfileField,
    scope: ProfileScope,
) -> Result<(), AccountsError> {
    let put =
        sql("INSERT INTO profile (user_key, field, position, value, scope) VALUES ($1, $2, 0, '', $3) \
                   ON CONFLICT (user_key, field, position) DO UPDATE SET scope = excluded.scope");
    change.execute(put.bind(key.0).bind(field.as_str()).bind(scope.as_str())).await?;
    Ok(())
}

/// Adds a further mail address.
pub(crate) async fn add_mail(
    change: &mut Change<'_>,
    key: UserKey,
    address: &str,
    scope: Option<ProfileScope>,
) -> Result<(), AccountsError> {
    let address = email::mail_address(address)?;
    let used = sql("SELECT 1 FROM users WHERE key = $1 AND email = $2 UNION ALL \
                    SELECT 1 FROM profile WHERE user_key = $1 AND field = 'additional_mail' AND value = $2");
    if change.row(used.bind(key.0).bind(address.as_str())).await?.is_some() {
        return Err(AccountsError::already("mail address", &address));
    }
    let add =
        sql("INSERT INTO profile (user_key, field, position, value, scope) SELECT $1, 'additional_mail', \
                   COALESCE(MAX(position), 0) + 1, $2, $3 FROM profile \
                   WHERE user_key = $1 AND field = 'additional_mail'");
    change.execute(add.bind(key.0).bind(address).bind(scope.map(ProfileScope::as_str))).await?;
    Ok(())
}

/// Replaces, re-scopes or (without a new address) removes a further mail address.
pub(crate) async fn change_mail(
    change: &mut Change<'_>,
    key: UserKey,
    old: &str,
    new: Option<&str>,
    scope: Option<ProfileScope>,
) -> Result<(), AccountsError> {
    let old = old.trim().to_lowercase();
    let find =
        sql("SELECT position FROM profile WHERE user_key = $1 AND field = 'additional_mail' AND value = $2");
    let row = change.row(find.bind(key.0).bind(old.as_str())).await?;
    let row = row.ok_or_else(|| AccountsError::missing("mail address", &old))?;
    let position = row.int(0)?;
    let which = match new {
        None => {
            sql("DELETE FROM profile WHERE user_key = $1 AND field = 'additional_mail' AND position = $2")
        }
        Some(_) => sql("UPDATE profile SET value = $3, scope = COALESCE($4, scope) \
                        WHERE user_key = $1 AND field = 'additional_mail' AND position = $2"),
    };
    let mut which = which.bind(key.0).bind(position);
    if let Some(new) = new {
        which = which.bind(email::mail_address(new)?).bind(scope.map(ProfileScope::as_str));
    }
    change.execute(which).await?;
    Ok(())
}
