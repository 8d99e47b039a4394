//! Changes of a user: any number of fields in one transaction.

use super::profile::{self, ProfileField, ProfileScope};
use super::{Key, Users, lock, read};
use crate::domain::error::AccountsError;
use crate::domain::id::UserId;
use crate::service::provisioning::search_text;
use crate::store::audit::{self, Action};
use crate::store::credential_epoch::CredentialEpoch;
use crate::store::engine::{Tx, sql};
use crate::store::users::{Quota, User};

/// What is to change; fields that are not named stay as they are.
///
/// ```no_run
/// # async fn example(accounts: accounts::Accounts) -> Result<(), accounts::AccountsError> {
/// use accounts::{ProfileField, Quota, ProfileScope, UserChange, UserId};
///
/// let change = UserChange::new()
///     .display_name("Frank Smith")
///     .quota(Quota::Unlimited)
///     .field(ProfileField::Phone, "+4971125242890")
///     .scope(ProfileField::Phone, ProfileScope::Private);
/// accounts.users().change(&UserId::parse("frank")?, change).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct UserChange {
    display_name: Option<String>,
    email: Option<String>,
    quota: Option<Quota>,
    language: Option<String>,
    locale: Option<String>,
    rest: Vec<Rest>,
}

#[derive(Clone, Debug)]
enum Rest {
    AddMail(String),
    ChangeMail { old: String, new: String },
    DropMail(String),
    MailScope { address: String, scope: ProfileScope },
    ProfileScope(ProfileField, ProfileScope),
    Value(ProfileField, String),
}

impl UserChange {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the user is called; empty means by the id.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The primary mail address; empty removes it. It voids a password reset that is under way.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// How much the user may store.
    pub const fn quota(mut self, quota: Quota) -> Self {
        self.quota = Some(quota);
        self
    }

    /// The language; empty removes it.
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// The locale; empty removes it.
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// A profile field. [`ProfileField::AdditionalMail`] adds an address.
    pub fn field(mut self, field: ProfileField, value: impl Into<String>) -> Self {
        let value = value.into();
        self.rest.push(match field {
            ProfileField::AdditionalMail => Rest::AddMail(value),
            field => Rest::Value(field, value),
        });
        self
    }

    /// Who may see a field.
    pub fn scope(mut self, field: ProfileField, scope: ProfileScope) -> Self {
        self.rest.push(Rest::ProfileScope(field, scope));
        self
    }

    /// Replaces a further mail address, or removes it when `new` is empty.
    pub fn replace_mail(mut self, old: impl Into<String>, new: impl Into<String>) -> Self {
        let (old, new) = (old.into(), new.into());
        self.rest.push(if new.is_empty() { Rest::DropMail(old) } else { Rest::ChangeMail { old, new } });
        self
    }

    /// Who may see a further mail address.
    pub fn mail_scope(mut self, address: impl Into<String>, scope: ProfileScope) -> Self {
        self.rest.push(Rest::MailScope { address: address.into(), scope });
        self
    }
}

impl Users<'_> {
    /// Changes a user: all of it or nothing. Tells the user as they are afterwards.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] (the user, or a mail address to replace), [`AccountsError::AlreadyExists`] (a mail
    /// address to add), [`AccountsError::Invalid`].
    pub async fn change(self, id: &UserId, change: UserChange) -> Result<User, AccountsError> {
        let mut tx = self.0.db().begin().await?;
        let (key, mut user) = lock(&mut tx, id).await?;
        let mut named = Vec::new();
        if let Some(name) = &change.display_name {
            user.display_name = profile::display_name(Some(name))?;
            named.push("displayname");
        }
        if let Some(address) = change.email.as_deref() {
            let address = match address.trim() {
                "" => None,
                address => Some(profile::mail_address(address)?),
            };
            if address != user.email {
                tx.execute(sql("DELETE FROM resets WHERE user_key = $1").bind(key.0)).await?;
            }
            user.email = address;
            named.push("email");
        }
        if let Some(quota) = change.quota {
            user.quota = quota;
            named.push("quota");
        }
        if change.language.is_some() {
            user.language = profile::word(&change.language, "language")?;
            named.push("language");
        }
        if change.locale.is_some() {
            user.locale = profile::word(&change.locale, "locale")?;
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
            .bind(search_text(&user.id, display_name, email));
        if !named.is_empty() {
            tx.execute(update).await?;
        }
        for rest in &change.rest {
            named.push(rest.apply(&mut tx, key).await?.as_str());
        }
        if named.is_empty() {
            return Ok(user);
        }
        let name = user.id.name().as_str();
        audit::note(&mut tx, self.0, Action::UserChanged, name, Some(&named.join(" "))).await?;
        let user = read(&mut tx, key).await?;
        tx.commit().await?;
        Ok(user)
    }
}

impl Rest {
    async fn apply(&self, tx: &mut Tx, key: Key) -> Result<ProfileField, AccountsError> {
        match self {
            Self::AddMail(address) => profile::add_mail(tx, key, address, None).await?,
            Self::ChangeMail { old, new } => profile::change_mail(tx, key, old, Some(new), None).await?,
            Self::DropMail(old) => profile::change_mail(tx, key, old, None, None).await?,
            Self::MailScope { address, scope } => {
                profile::change_mail(tx, key, address, Some(address), Some(*scope)).await?;
            }
            Self::ProfileScope(field, scope) => {
                profile::put_scope(tx, key, *field, *scope).await?;
                return Ok(*field);
            }
            Self::Value(field, value) => {
                profile::put(tx, key, *field, value, None).await?;
                return Ok(*field);
            }
        }
        Ok(ProfileField::AdditionalMail)
    }
}

/// Writes down when the user's credentials ended last.
pub(crate) async fn stamp(tx: &mut Tx, key: Key, generation: CredentialEpoch) -> Result<(), AccountsError> {
    let stamp = sql("UPDATE users SET generation = $2 WHERE key = $1");
    tx.execute(stamp.bind(key.0).bind(generation.number())).await?;
    Ok(())
}
