//! Changes of a user: any number of fields in one transaction.

use crate::domain::user_change::{ProfileChange, UserChange};
use crate::domain::{
    AccountsError, Action, DisplayName, FieldRisk, Language, Locale, ProfileField, User, UserId, search_text,
};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::sql;
use crate::store::rights::Right;
use crate::store::users::repository::{UsersMut, read};
use crate::store::users::row::UserKey;
use crate::store::users::{addresses, profile};

impl UsersMut<'_> {
    /// Changes a user: all of it or nothing.
    ///
    /// Returns the user as it is afterwards.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] (the user, or a mail address to replace),
    /// [`AccountsError::AlreadyExists`] (a mail address to add, or one to confirm that is another
    /// user's), [`AccountsError::Invalid`] (an eleventh further mail address, or a profile of more
    /// than 32 KiB).
    pub async fn change(self, id: &UserId, edit: UserChange) -> Result<User, AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key, user } = change.lock_target(id, needed(&edit)).await?;
        let named = record(&mut change, key, user, &edit).await?;
        let named = profile_fields(&mut change, key, named, &edit).await?;
        let user = read(&mut change, key).await?;
        if named.is_empty() {
            return Ok(user);
        }
        let name = user.id.name().as_str();
        change.note(Action::UserChanged, name, Some(&named.join(" "))).await?;
        change.commit().await?;
        Ok(user)
    }
}

/// The caller decides what users may change themselves, except for quota and manager.
fn needed(edit: &UserChange) -> Right<'static> {
    if edit.confirmed_email.is_some() {
        return Right::AdminAccess;
    }
    let is_managers = |one: &ProfileChange| matches!(one, ProfileChange::Value(value) if value.field() == ProfileField::Manager);
    let is_credential = |one: &ProfileChange| match one {
        ProfileChange::Value(value) => value.field().rules().risk == FieldRisk::Credential,
        ProfileChange::RemoveEmail(_) | ProfileChange::ReplaceEmail { .. } => true,
        ProfileChange::EmailScope { .. } | ProfileChange::Scope(..) => false,
    };
    let over = edit.quota.is_some() || edit.profile.iter().any(is_managers);
    let access = edit.email.is_some() || edit.profile.iter().any(is_credential);
    match (over, access) {
        (false, false) => Right::OneselfOrOver,
        (false, true) => Right::Access,
        (true, false) => Right::Over,
        (true, true) => Right::OverAccess,
    }
}

/// Writes what is in the user's own row; returns the names of the fields.
async fn record(
    change: &mut Change<'_>,
    key: UserKey,
    mut user: User,
    edit: &UserChange,
) -> Result<Vec<&'static str>, AccountsError> {
    let mut named = Vec::new();
    let text = |text: &str| text.to_owned();
    if let Some(name) = &edit.display_name {
        user.display_name = name.as_ref().map(DisplayName::as_str).map(text);
        named.push("displayname");
    }
    if let Some(address) = &edit.email {
        addresses::set(change, key, &mut user, address.as_ref()).await?;
        named.push("email");
    }
    if let Some(address) = &edit.confirmed_email {
        addresses::set_confirmed(change, key, &mut user, address).await?;
        named.push("email");
    }
    if let Some(quota) = edit.quota {
        user.quota = quota;
        named.push("quota");
    }
    if let Some(language) = &edit.language {
        user.language = language.as_ref().map(Language::as_str).map(text);
        named.push("language");
    }
    if let Some(locale) = &edit.locale {
        user.locale = locale.as_ref().map(Locale::as_str).map(text);
        named.push("locale");
    }
    if named.is_empty() {
        return Ok(named);
    }
    let (display_name, email) = (user.display_name.as_deref(), user.email.as_deref());
    let update = sql("UPDATE users SET display_name = $2, quota = $3, language = $4, locale = $5, \
                      search = $6 WHERE key = $1")
    .bind(key.0)
    .bind(display_name)
    .bind(user.quota.column())
    .bind(user.language.as_deref())
    .bind(user.locale.as_deref())
    .bind(search_text::of_user(&user.id, display_name, email));
    change.execute(update).await?;
    Ok(named)
}

/// Writes what is in the table of profile fields; adds the names of the fields.
async fn profile_fields(
    change: &mut Change<'_>,
    key: UserKey,
    mut named: Vec<&'static str>,
    edit: &UserChange,
) -> Result<Vec<&'static str>, AccountsError> {
    if edit.profile.is_empty() {
        return Ok(named);
    }
    let before = profile::bytes(change, key).await?;
    for one in &edit.profile {
        let mut field = ProfileField::AdditionalMail;
        match one {
            ProfileChange::EmailScope { address, scope } => {
                profile::put_email_scope(change, key, address, *scope).await?;
            }
            ProfileChange::RemoveEmail(old) => profile::remove_email(change, key, old).await?,
            ProfileChange::ReplaceEmail { old, new } => profile::replace_email(change, key, old, new).await?,
            ProfileChange::Scope(scoped, scope) => {
                field = *scoped;
                profile::put_scope(change, key, field, *scope).await?;
            }
            ProfileChange::Value(value) => {
                field = value.field();
                profile::put(change, key, value, None).await?;
            }
        }
        named.push(field.as_str());
    }
    profile::check_bytes(change, key, before).await?;
    Ok(named)
}
