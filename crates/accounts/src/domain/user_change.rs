//! Changes to a user.

use crate::domain::display_name::DisplayName;
use crate::domain::email::EmailAddress;
use crate::domain::language::{Language, Locale};
use crate::domain::profile_field::{ProfileField, ProfileScope, ProfileValue};
use crate::domain::quota::Quota;

/// A change to a user; other fields stay unchanged.
///
/// ```no_run
/// # async fn example(accounts: accounts::ActingAccounts) -> Result<(), accounts::AccountsError> {
/// use accounts::{ProfileField, ProfileScope, ProfileValue, Quota, UserChange, UserId};
///
/// let change = UserChange::new()
///     .display_name(Some("Frank Smith".parse()?))
///     .quota(Quota::Unlimited)
///     .field(ProfileValue::parse(ProfileField::Phone, "+4971125242890")?)
///     .scope(ProfileField::Phone, ProfileScope::Private);
/// accounts.users().change(&UserId::parse("frank")?, change).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct UserChange {
    pub(crate) display_name: Option<Option<DisplayName>>,
    pub(crate) email: Option<Option<EmailAddress>>,
    pub(crate) confirmed_email: Option<EmailAddress>,
    pub(crate) quota: Option<Quota>,
    pub(crate) language: Option<Option<Language>>,
    pub(crate) locale: Option<Option<Locale>>,
    pub(crate) profile: Vec<ProfileChange>,
}

#[derive(Clone, Debug)]
pub(crate) enum ProfileChange {
    EmailScope { address: String, scope: ProfileScope },
    RemoveEmail(String),
    ReplaceEmail { old: String, new: EmailAddress },
    Scope(ProfileField, ProfileScope),
    Value(ProfileValue),
}

impl UserChange {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Display name; `None` means the id.
    pub fn display_name(mut self, name: Option<DisplayName>) -> Self {
        self.display_name = Some(name);
        self
    }

    /// The primary mail address.
    ///
    /// Until a link is followed that is sent to it, it is pending, and the confirmed one stays in
    /// use; the command line and the program itself confirm it, unless another user has it.
    pub fn email(mut self, address: Option<EmailAddress>) -> Self {
        self.email = Some(address);
        self
    }

    /// The primary mail address, confirmed without a link.
    ///
    /// Only administrators may do that.
    pub fn confirmed_email(mut self, address: EmailAddress) -> Self {
        self.confirmed_email = Some(address);
        self
    }

    /// How much the user may store.
    pub const fn quota(mut self, quota: Quota) -> Self {
        self.quota = Some(quota);
        self
    }

    /// The language.
    pub fn language(mut self, language: Option<Language>) -> Self {
        self.language = Some(language);
        self
    }

    /// The locale.
    pub fn locale(mut self, locale: Option<Locale>) -> Self {
        self.locale = Some(locale);
        self
    }

    /// A profile field.
    ///
    /// A value of [`ProfileField::AdditionalMail`] is added to the existing ones.
    pub fn field(mut self, value: ProfileValue) -> Self {
        self.profile.push(ProfileChange::Value(value));
        self
    }

    /// Visibility of a field.
    pub fn scope(mut self, field: ProfileField, scope: ProfileScope) -> Self {
        self.profile.push(ProfileChange::Scope(field, scope));
        self
    }

    /// Replaces a further mail address, or removes it.
    pub fn replace_email(mut self, old: &str, new: Option<EmailAddress>) -> Self {
        let old = spelled(old);
        self.profile.push(match new {
            Some(new) => ProfileChange::ReplaceEmail { old, new },
            None => ProfileChange::RemoveEmail(old),
        });
        self
    }

    /// Visibility of a further mail address.
    pub fn email_scope(mut self, address: &str, scope: ProfileScope) -> Self {
        self.profile.push(ProfileChange::EmailScope { address: spelled(address), scope });
        self
    }
}

/// A mail address that is looked for, in the spelling in which it would be stored.
fn spelled(address: &str) -> String {
    address.trim().to_lowercase()
}
