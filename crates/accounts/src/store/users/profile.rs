//! The table of profile fields.

use crate::domain::{AccountsError, EmailAddress, ProfileField, ProfileScope, ProfileValue};
use crate::store::change::Change;
use crate::store::engine::sql;
use crate::store::users::row::UserKey;

/// Most further mail addresses of one user.
pub const MAX_ADDITIONAL_MAILS: u64 = 10;

/// Most bytes of all values of one profile: it is read at every call of its owner.
pub(crate) const MAX_PROFILE_BYTES: u64 = 32 * 1024;

/// How many bytes the values of a profile have together.
pub(crate) async fn bytes(change: &mut Change<'_>, key: UserKey) -> Result<u64, AccountsError> {
    let query =
        sql("SELECT CAST(COALESCE(SUM(OCTET_LENGTH(value)), 0) AS BIGINT) FROM profile WHERE user_key = $1");
    let row = change.row(query.bind(key.0)).await?;
    Ok(row.map(|row| row.count(0)).transpose()?.unwrap_or_default())
}

/// Refuses a profile that has grown beyond [`MAX_PROFILE_BYTES`].
///
/// One that was larger before may shrink.
pub(crate) async fn check_bytes(
    change: &mut Change<'_>,
    key: UserKey,
    before: u64,
) -> Result<(), AccountsError> {
    let found = bytes(change, key).await?;
    if found > MAX_PROFILE_BYTES && found > before {
        return Err(AccountsError::invalid(
            "profile",
            format!("{found} bytes"),
            "at most 32768 bytes in all",
        ));
    }
    Ok(())
}

/// Sets a field, or adds a further mail address.
pub(crate) async fn put(
    change: &mut Change<'_>,
    key: UserKey,
    value: &ProfileValue,
    scope: Option<ProfileScope>,
) -> Result<(), AccountsError> {
    if value.field() == ProfileField::AdditionalMail {
        return add_email(change, key, value.as_str(), scope).await;
    }
    let put =
        sql("INSERT INTO profile (user_key, field, position, value, scope) VALUES ($1, $2, 0, $3, $4) \
             ON CONFLICT (user_key, field, position) DO UPDATE \
             SET value = excluded.value, scope = COALESCE(excluded.scope, profile.scope)")
        .bind(key.0)
        .bind(value.field().as_str())
        .bind(value.as_str())
        .bind(scope.map(ProfileScope::as_str));
    change.execute(put).await.map(drop)
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
    change.execute(put.bind(key.0).bind(field.as_str()).bind(scope.as_str())).await.map(drop)
}

async fn add_email(
    change: &mut Change<'_>,
    key: UserKey,
    address: &str,
    scope: Option<ProfileScope>,
) -> Result<(), AccountsError> {
    let used = sql("SELECT 1 FROM users WHERE key = $1 AND email = $2 UNION ALL \
                    SELECT 1 FROM profile WHERE user_key = $1 AND field = 'additional_mail' AND value = $2");
    if change.row(used.bind(key.0).bind(address)).await?.is_some() {
        return Err(AccountsError::already("mail address", address));
    }
    let count = sql("SELECT COUNT(*) FROM profile WHERE user_key = $1 AND field = 'additional_mail'");
    let found = change.row(count.bind(key.0)).await?.map(|row| row.count(0)).transpose()?.unwrap_or_default();
    if found >= MAX_ADDITIONAL_MAILS {
        return Err(AccountsError::invalid(
            "additional_mail",
            found.to_string(),
            "fewer than 10 addresses before another is added",
        ));
    }
    let add =
        sql("INSERT INTO profile (user_key, field, position, value, scope) SELECT $1, 'additional_mail', \
                   COALESCE(MAX(position), 0) + 1, $2, $3 FROM profile \
                   WHERE user_key = $1 AND field = 'additional_mail'");
    change.execute(add.bind(key.0).bind(address).bind(scope.map(ProfileScope::as_str))).await.map(drop)
}

/// Replaces a further mail address.
pub(crate) async fn replace_email(
    change: &mut Change<'_>,
    key: UserKey,
    old: &str,
    new: &EmailAddress,
) -> Result<(), AccountsError> {
    let position = position(change, key, old).await?;
    let replace = sql("UPDATE profile SET value = $3 \
                       WHERE user_key = $1 AND field = 'additional_mail' AND position = $2");
    change.execute(replace.bind(key.0).bind(position).bind(new.as_str())).await.map(drop)
}

/// Removes a further mail address.
pub(crate) async fn remove_email(
    change: &mut Change<'_>,
    key: UserKey,
    address: &str,
) -> Result<(), AccountsError> {
    let position = position(change, key, address).await?;
    let remove =
        sql("DELETE FROM profile WHERE user_key = $1 AND field = 'additional_mail' AND position = $2");
    change.execute(remove.bind(key.0).bind(position)).await.map(drop)
}

/// Sets who may see a further mail address.
pub(crate) async fn put_email_scope(
    change: &mut Change<'_>,
    key: UserKey,
    address: &str,
    scope: ProfileScope,
) -> Result<(), AccountsError> {
    let position = position(change, key, address).await?;
    let put = sql("UPDATE profile SET scope = $3 \
                   WHERE user_key = $1 AND field = 'additional_mail' AND position = $2");
    change.execute(put.bind(key.0).bind(position).bind(scope.as_str())).await.map(drop)
}

/// The place of a further mail address.
async fn position(change: &mut Change<'_>, key: UserKey, address: &str) -> Result<i64, AccountsError> {
    let find = sql("SELECT position FROM profile \
                    WHERE user_key = $1 AND field = 'additional_mail' AND value = $2");
    let row = change.row(find.bind(key.0).bind(address)).await?;
    row.ok_or_else(|| AccountsError::missing("mail address", address))?.int(0)
}
