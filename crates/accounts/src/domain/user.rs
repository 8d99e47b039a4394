//! Users and their rights.

use user_backend::BackendId;

use crate::domain::clock::Timestamp;
use crate::domain::credential_epoch::CredentialEpoch;
use crate::domain::group_id::{ADMIN_GROUP, GroupId};
use crate::domain::profile::Profile;
use crate::domain::quota::Quota;
use crate::domain::user_id::{LOCAL_BACKEND, UserId};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The id, in the spelling that was chosen at creation.
    pub id: UserId,
    /// The backend that checks this user's password.
    pub backend: BackendId,
    /// Whether this user may sign in.
    pub enabled: bool,
    /// Display name; unset means the id.
    pub display_name: Option<String>,
    /// The primary mail address that was set last, lower case.
    pub email: Option<String>,
    /// The mail address that is confirmed.
    ///
    /// The only one that signs in, gets reset links and notices.
    pub confirmed_email: Option<String>,
    /// How much this user may store.
    pub quota: Quota,
    /// The language, such as `de_DE`.
    pub language: Option<String>,
    /// The locale, such as `de_AT`.
    pub locale: Option<String>,
    /// When this user was created.
    pub created: Timestamp,
    /// The first sign-in.
    pub first_login: Option<Timestamp>,
    /// The latest sign-in.
    pub last_login: Option<Timestamp>,
    /// When this user's credentials ended last.
    ///
    /// Proofs of an earlier epoch are invalid.
    pub epoch: CredentialEpoch,
}

impl User {
    /// The display name, or the id without one.
    pub fn display_name_or_id(&self) -> &str {
        self.display_name.as_deref().unwrap_or_else(|| self.id.as_str())
    }

    /// The primary mail address as long as it is not confirmed.
    pub fn pending_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|email| self.confirmed_email.as_deref() != Some(*email))
    }

    /// Where the user can be reached: the confirmed address, or else the one that was set.
    pub fn contact_email(&self) -> Option<&str> {
        self.confirmed_email.as_deref().or(self.email.as_deref())
    }

    /// Whether this store keeps the user's password.
    pub fn is_local(&self) -> bool {
        self.backend.as_str() == LOCAL_BACKEND
    }
}

/// A user with profile and groups.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Details {
    /// The user.
    pub user: User,
    /// The profile.
    pub profile: Profile,
    /// The groups that the user is a member of, by id.
    pub groups: Vec<GroupId>,
    /// The groups that the user administers, by id.
    pub subadmin_of: Vec<GroupId>,
    /// Whether there is a link that sets a new password.
    pub has_reset_link: bool,
}

/// The rights of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permissions {
    /// The user.
    pub user: User,
    /// Whether the user is in the group `admin`.
    pub is_admin: bool,
    /// The groups that the user is a member of.
    pub groups: Vec<GroupId>,
    /// The groups that the user administers.
    pub subadmin_of: Vec<GroupId>,
}

impl Permissions {
    /// The rights of a user, from the full record.
    pub fn of(details: &Details) -> Self {
        Self {
            user: details.user.clone(),
            is_admin: details.groups.iter().any(|group| group.as_str() == ADMIN_GROUP),
            groups: details.groups.clone(),
            subadmin_of: details.subadmin_of.clone(),
        }
    }

    /// Whether this user may administer the members of a group.
    pub fn may_administer(&self, group: &GroupId) -> bool {
        self.is_admin || self.subadmin_of.contains(group)
    }

    /// Whether this user administers a user of `groups` who administers `subadmin_of`.
    ///
    /// An administrator administers everyone. A sub-admin administers the members of their groups,
    /// except administrators and those who administer a group that the sub-admin does not: their
    /// rights would come with their password.
    pub fn is_over(&self, groups: &[GroupId], subadmin_of: &[GroupId]) -> bool {
        self.is_admin
            || (!groups.iter().any(GroupId::is_admin)
                && groups.iter().any(|group| self.subadmin_of.contains(group))
                && subadmin_of.iter().all(|group| self.subadmin_of.contains(group)))
    }
}
