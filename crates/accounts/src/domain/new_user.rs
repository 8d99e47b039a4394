//! A user about to be created.

use user_backend::BackendId;

use crate::domain::clock::Timestamp;
use crate::domain::error::AccountsError;
use crate::domain::group_id::GroupId;
use crate::domain::profile_field::{ProfileField, ProfileScope};
use crate::domain::quota::Quota;
use crate::domain::stored_hash::StoredHash;
use crate::domain::user_id::{LOCAL_BACKEND, UserId};
use crate::domain::{display_name, email, language, profile_field};

/// A user about to be created.
///
/// ```no_run
/// # async fn example(accounts: accounts::Accounts) -> Result<(), accounts::AccountsError> {
/// use accounts::{GroupId, NewUser, Quota, UserId};
///
/// let frank = NewUser::new(UserId::parse("Frank")?)
///     .display_name("Frank Smith")
///     .email("frank@example.com")
///     .quota(Quota::Bytes(5 << 30))
///     .group(GroupId::parse("staff")?);
/// let frank = accounts.users().create(frank).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct NewUser {
    pub(crate) id: UserId,
    pub(crate) backend: Option<BackendId>,
    pub(crate) hash: Option<StoredHash>,
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) quota: Quota,
    pub(crate) language: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) groups: Vec<GroupId>,
    pub(crate) subadmin_of: Vec<GroupId>,
    pub(crate) profile: Vec<(ProfileField, String, Option<ProfileScope>)>,
    pub(crate) create_groups: bool,
    pub(crate) signed_in: Option<(Timestamp, Timestamp)>,
}

impl NewUser {
    /// An enabled local user without a password, in no group.
    pub const fn new(id: UserId) -> Self {
        Self {
            id,
            backend: None,
            hash: None,
            display_name: None,
            email: None,
            quota: Quota::Default,
            language: None,
            locale: None,
            enabled: true,
            groups: Vec::new(),
            subadmin_of: Vec::new(),
            profile: Vec::new(),
            create_groups: false,
            signed_in: None,
        }
    }

    /// Somebody whose password this backend checks. Default: `local`, this store.
    #[must_use]
    pub fn backend(mut self, backend: BackendId) -> Self {
        self.backend = Some(backend);
        self
    }

    /// The hash of the first password; it becomes part of the password history.
    #[must_use]
    pub fn password(mut self, hash: StoredHash) -> Self {
        self.hash = Some(hash);
        self
    }

    /// What the user is called.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The primary mail address; stored trimmed and in lower case.
    #[must_use]
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// How much the user may store.
    #[must_use]
    pub const fn quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// The language.
    #[must_use]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// The locale.
    #[must_use]
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// A user who cannot sign in yet.
    #[must_use]
    pub const fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Makes the user a member.
    #[must_use]
    pub fn group(mut self, group: GroupId) -> Self {
        self.groups.push(group);
        self
    }

    /// Makes the user an administrator of the group (not a member).
    #[must_use]
    pub fn subadmin_of(mut self, group: GroupId) -> Self {
        self.subadmin_of.push(group);
        self
    }

    /// A profile field.
    #[must_use]
    pub fn profile(
        mut self,
        field: ProfileField,
        value: impl Into<String>,
        scope: Option<ProfileScope>,
    ) -> Self {
        self.profile.push((field, value.into(), scope));
        self
    }

    /// Somebody who signed in before, elsewhere: first and last. Times to come count as now.
    #[must_use]
    pub const fn signed_in(mut self, first: Timestamp, last: Timestamp) -> Self {
        self.signed_in = Some((first, last));
        self
    }

    /// Creates groups that are missing instead of failing.
    #[must_use]
    pub const fn create_missing_groups(mut self) -> Self {
        self.create_groups = true;
        self
    }

    /// The id of the backend that checks the password.
    pub(crate) fn backend_id(&self) -> &str {
        self.backend.as_ref().map_or(LOCAL_BACKEND, BackendId::as_str)
    }

    /// Whether every value can be one, without asking a store: what [`Users::create`] refuses as invalid.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`]: the first value that cannot be taken.
    pub fn check(&self) -> Result<(), AccountsError> {
        if self.hash.is_some() && self.backend.as_ref().is_some_and(|id| id.as_str() != LOCAL_BACKEND) {
            return Err(AccountsError::invalid("password", "a password", "none: another backend checks it"));
        }
        display_name::display_name(self.display_name.as_deref())?;
        self.email.as_deref().map(email::mail_address).transpose()?;
        language::word(&self.language, "language")?;
        language::word(&self.locale, "locale")?;
        self.subadmin_of.iter().try_for_each(GroupId::not_admin)?;
        self.profile.iter().try_for_each(|(field, value, _)| match field {
            ProfileField::AdditionalMail => email::mail_address(value).map(drop),
            _ => profile_field::checked_value(*field, value),
        })
    }
}
