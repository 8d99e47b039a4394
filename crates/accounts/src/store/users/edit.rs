//! Changes of a user: any number of fields in one transaction.

use crate::domain::actor::Action;
use crate::domain::error::AccountsError;
use crate::domain::profile_field::ProfileField;
use crate::domain::user::User;
use crate::domain::user_change::{Rest, UserChange};
use crate::domain::user_id::UserId;
use crate::domain::{display_name, email, language, search_text};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::query::sql;
use crate::store::users::repository::Users;
use crate::store::users::row::UserKey;
use crate::store::users::{profile, repository};

impl Users<'_> {
    /// Changes a user: all of it or nothing. Tells the user as they are afterwards.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] (the user, or a mail address to replace), [`AccountsError::AlreadyExists`] (a mail
    /// address to add), [`AccountsError::Invalid`].
    pub async fn change(self, id: &UserId, edit: UserChange) -> Result<User, AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key, mut user } = change.lock_user(id).await?;
        let mut named = Vec::new();
        if let Some(name) = &edit.display_name {
            user.display_name = display_name::display_name(Some(name))?;
            named.push("displayname");
        }
        if let Some(address) = edit.email.as_deref() {
            let address = match address.trim() {
                "" => None,
                address => Some(email::mail_address(address)?),
            };
            if address != user.email {
                change.execute(sql("DELETE FROM resets WHERE user_key = $1").bind(key.0)).await?;
            }
            user.email = address;
            named.push("email");
        }
        if let Some(quota) = edit.quota {
            user.quota = quota;
            named.push("quota");
        }
        if edit.language.is_some() {
            user.language = language::word(&edit.language, "language")?;
            named.push("language");
        }
        if edit.locale.is_some() {
            user.locale = language::word(&edit.locale, "locale")?;
            named.push("locale");
        }
        let (display_name, email) = (user.display_name.as_deref(), user.email.as_deref());
        let update =
            sql("UPDATE users SET display_name = $2, email = $3, quota = $4, language = $5, locale = $6, \
                          search = $7 WHERE key = $1")
            .bind(key.0)
            .bind(display_name)
            .bind(email)
            .bind(user.quota.column())
            .bind(user.language.as_deref())
            .bind(user.locale.as_deref())
            .bind(search_text::of_user(&user.id, display_name, email));
        if !named.is_empty() {
            change.execute(update).await?;
        }
        for rest in &edit.rest {
            named.push(rest.apply(&mut change, key).await?.as_str());
        }
        if named.is_empty() {
            return Ok(user);
        }
        let name = user.id.name().as_str();
        change.note(Action::UserChanged, name, Some(&named.join(" "))).await?;
        let user = repository::read(&mut change, key).await?;
        change.commit().await?;
        Ok(user)
    }
}

impl Rest {
    async fn apply(&self, change: &mut Change<'_>, key: UserKey) -> Result<ProfileField, AccountsError> {
        match self {
            Self::AddMail(address) => profile::add_mail(change, key, address, None).await?,
            Self::ChangeMail { old, new } => profile::change_mail(change, key, old, Some(new), None).await?,
            Self::DropMail(old) => profile::change_mail(change, key, old, None, None).await?,
            Self::MailScope { address, scope } => {
                profile::change_mail(change, key, address, Some(address), Some(*scope)).await?;
            }
            Self::ProfileScope(field, scope) => {
                profile::put_scope(change, key, *field, *scope).await?;
                return Ok(*field);
            }
            Self::Value(field, value) => {
                profile::put(change, key, *field, value, None).await?;
                return Ok(*field);
            }
        }
        Ok(ProfileField::AdditionalMail)
    }
}
