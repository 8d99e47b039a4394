//! The scopes of service tokens: how a call says which one it needs.

pub use accounts::TokenScope;

macro_rules! hint {
    ($scope:literal) => {
        concat!(
            "sign in with the password of the account; for automation, an administrator makes a service token: \
             occ user:auth-tokens:add --scope ",
            $scope
        )
    };
}

/// How to do what a credential without this scope may not do.
pub(crate) const fn hint(scope: TokenScope) -> &'static str {
    match scope {
        TokenScope::Admin => hint!("admin"),
        TokenScope::Apps => hint!("apps"),
        TokenScope::GroupsRead => hint!("groups:read"),
        TokenScope::GroupsWrite => hint!("groups:write"),
        TokenScope::UsersCredentials => hint!("users:credentials"),
        TokenScope::UsersRead => hint!("users:read"),
        TokenScope::UsersWrite => hint!("users:write"),
        _ => hint!("SCOPE"),
    }
}
