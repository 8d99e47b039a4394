//! What is to change of a user.

use crate::domain::profile_field::{ProfileField, ProfileScope};
use crate::domain::quota::Quota;

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
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) quota: Option<Quota>,
    pub(crate) language: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) rest: Vec<Rest>,
}

#[derive(Clone, Debug)]
pub(crate) enum Rest {
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
