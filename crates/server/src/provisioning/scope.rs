//! The scopes of service tokens: which one opens a call.

/// A group of calls that a service token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenScope {
    /// Makes and appoints administrators and sub-admins.
    Admin,
    /// Apps and their configuration.
    Apps,
    /// Lists groups and their members.
    GroupsRead,
    /// Creates, renames and deletes groups, and changes who is a member.
    GroupsWrite,
    /// Sets passwords and mail addresses.
    UsersCredentials,
    /// Lists users and reads their data.
    UsersRead,
    /// Creates, changes, disables and deletes users.
    UsersWrite,
}

macro_rules! hint {
    ($scope:literal) => {
        concat!(
            "sign in with the password of the account; for automation, an administrator makes a service token: \
             occ user:auth-tokens:add --scope ",
            $scope
        )
    };
}

impl TokenScope {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Apps => "apps",
            Self::GroupsRead => "groups:read",
            Self::GroupsWrite => "groups:write",
            Self::UsersCredentials => "users:credentials",
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
        }
    }

    /// How to do what an app password may not do.
    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::Admin => hint!("admin"),
            Self::Apps => hint!("apps"),
            Self::GroupsRead => hint!("groups:read"),
            Self::GroupsWrite => hint!("groups:write"),
            Self::UsersCredentials => hint!("users:credentials"),
            Self::UsersRead => hint!("users:read"),
            Self::UsersWrite => hint!("users:write"),
        }
    }
}
