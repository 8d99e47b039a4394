//! A user about to be created.

use user_backend::BackendId;

use crate::domain::clock::Timestamp;
use crate::domain::display_name::DisplayName;
use crate::domain::email::EmailAddress;
use crate::domain::group_id::GroupId;
use crate::domain::language::{Language, Locale};
use crate::domain::profile_field::{ProfileScope, ProfileValue};
use crate::domain::quota::Quota;
use crate::domain::stored_hash::StoredHash;
use crate::domain::user_id::{LOCAL_BACKEND, UserId};

/// A user about to be created.
///
/// ```no_run
/// # async fn example(accounts: accounts::ActingAccounts) -> Result<(), accounts::AccountsError> {
/// use accounts::{GroupId, NewUser, Quota, UserId};
///
/// let frank = NewUser::new(UserId::parse("Frank")?)
///     .display_name("Frank Smith".parse()?)
///     .email("frank@example.com".parse()?)
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
    pub(crate) upstream_spelling: Option<String>,
    pub(crate) hash: Option<StoredHash>,
    pub(crate) display_name: Option<DisplayName>,
    pub(crate) email: Option<EmailAddress>,
    pub(crate) confirmation: Confirmation,
    pub(crate) quota: Quota,
    pub(crate) language: Option<Language>,
    pub(crate) locale: Option<Locale>,
    pub(crate) enabled: bool,
    pub(crate) groups: Vec<GroupId>,
    pub(crate) subadmin_of: Vec<GroupId>,
    pub(crate) profile: Vec<(ProfileValue, Option<ProfileScope>)>,
    pub(crate) create_groups: bool,
    pub(crate) signed_in: Option<(Timestamp, Timestamp)>,
    pub(crate) is_welcomed: bool,
}

/// How the address of a new user is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// By a link, or by the command line.
    Usual,
    /// Now, or the user is not created.
    Required,
    /// Now, if it is free: it was in use elsewhere.
    Known,
    /// By a link only: a backend names it.
    Link,
}

impl NewUser {
    /// An enabled local user without a password, in no group.
    pub const fn new(id: UserId) -> Self {
        Self {
            id,
            backend: None,
            upstream_spelling: None,
            hash: None,
            display_name: None,
            email: None,
            confirmation: Confirmation::Usual,
            quota: Quota::Default,
            language: None,
            locale: None,
            enabled: true,
            groups: Vec::new(),
            subadmin_of: Vec::new(),
            profile: Vec::new(),
            create_groups: false,
            signed_in: None,
            is_welcomed: false,
        }
    }

    /// A user whose password this backend checks.
    ///
    /// Default: `local`, this store.
    #[must_use]
    pub fn backend(mut self, backend: BackendId) -> Self {
        self.backend = Some(backend);
        self
    }

    /// How the user's backend is known to spell the name: only that spelling is sent to it.
    ///
    /// Default: the first one that it accepts.
    #[must_use]
    pub fn upstream_spelling(mut self, spelling: impl Into<String>) -> Self {
        self.upstream_spelling = Some(spelling.into());
        self
    }

    /// The hash of the first password; it becomes part of the password history.
    #[must_use]
    pub fn password(mut self, hash: StoredHash) -> Self {
        self.hash = Some(hash);
        self
    }

    /// Display name.
    #[must_use]
    pub fn display_name(mut self, name: DisplayName) -> Self {
        self.display_name = Some(name);
        self
    }

    /// The primary mail address.
    ///
    /// It is pending until a link is followed that is sent to it; the command line and the program
    /// itself confirm it, unless another user has it.
    #[must_use]
    pub fn email(mut self, address: EmailAddress) -> Self {
        (self.email, self.confirmation) = (Some(address), Confirmation::Usual);
        self
    }

    /// The primary mail address, confirmed without a link.
    ///
    /// Only administrators may do that.
    #[must_use]
    pub fn confirmed_email(mut self, address: EmailAddress) -> Self {
        (self.email, self.confirmation) = (Some(address), Confirmation::Required);
        self
    }

    /// The primary mail address that the user has had elsewhere.
    ///
    /// It counts as confirmed, unless another user has it.
    #[must_use]
    pub fn known_email(mut self, address: EmailAddress) -> Self {
        (self.email, self.confirmation) = (Some(address), Confirmation::Known);
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
    pub fn language(mut self, language: Language) -> Self {
        self.language = Some(language);
        self
    }

    /// The locale.
    #[must_use]
    pub fn locale(mut self, locale: Locale) -> Self {
        self.locale = Some(locale);
        self
    }

    /// Queues the welcome mail in the same transaction.
    ///
    /// It has a link to choose a password if the user has none.
    ///
    /// [`AccountsError::Full`](crate::AccountsError::Full) instead of a user if too many of these
    /// mails wait to be sent.
    #[must_use]
    pub const fn welcome(mut self) -> Self {
        self.is_welcomed = true;
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
    pub fn profile(mut self, value: ProfileValue, scope: Option<ProfileScope>) -> Self {
        self.profile.push((value, scope));
        self
    }

    /// When the user signed in elsewhere: first and last.
    ///
    /// Times in the future count as now.
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
}
