//! Actors and actions of the audit log.

use std::fmt;
use std::net::IpAddr;

use crate::domain::credential_epoch::CredentialEpoch;
use crate::domain::service_token::TokenScopes;
use crate::domain::token::TokenHash;
use crate::domain::user_id::UserId;

/// On whose behalf the store is used.
///
/// See [`Accounts::on_behalf_of`](crate::Accounts::on_behalf_of).
///
/// # Security
/// A user may do what their rights allow at the moment of the change, which is checked in its
/// transaction, together with the credential that they signed in with. The program itself and the
/// command line may do everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    who: String,
    origin: Option<String>,
    is_user: bool,
    credential: Option<UsedCredential>,
}

/// What a user signed in with.
///
/// A change checks it again in its transaction: a client can delay the body for a long time after
/// the sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsedCredential {
    /// The password.
    Password {
        /// The epoch that was read before the password was checked.
        before: CredentialEpoch,
    },
    /// The app password of a device.
    AppPassword(TokenHash),
    /// A service token.
    ServiceToken {
        /// What it is found by.
        token: TokenHash,
        /// The name that its owner gave it.
        name: String,
        /// What it may do.
        scopes: TokenScopes,
    },
    /// The cookie of a session.
    Session(TokenHash),
}

impl Actor {
    /// The program itself.
    pub fn system() -> Self {
        Self { who: "system".to_owned(), origin: None, is_user: false, credential: None }
    }

    /// A user of the command line.
    pub fn command_line(who: &str) -> Self {
        Self { who: clean(who), origin: Some("command line".to_owned()), is_user: false, credential: None }
    }

    /// The name in the audit log.
    pub(crate) fn name(&self) -> &str {
        &self.who
    }

    /// From where, as the audit log has it.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The same, signed in with this.
    ///
    /// The audit log names a service token beside its owner.
    #[must_use]
    pub fn signed_in(mut self, with: UsedCredential) -> Self {
        if let UsedCredential::ServiceToken { name, .. } = &with {
            let origin = self.origin.take().unwrap_or_else(|| "unknown address".to_owned());
            self.origin = Some(format!("{origin}, service token {}", clean(name)));
        }
        self.credential = Some(with);
        self
    }

    /// A user who signed in from that address.
    ///
    /// A name that no user has may do nothing.
    pub fn user(name: &str, from: Option<IpAddr>) -> Self {
        Self { who: clean(name), origin: from.map(|ip| ip.to_string()), is_user: true, credential: None }
    }

    /// Whether rights are checked: for users only.
    pub(crate) fn is_user(&self) -> bool {
        self.is_user
    }

    /// What the user signed in with, if that is known.
    pub(crate) fn credential(&self) -> Option<&UsedCredential> {
        self.credential.as_ref()
    }

    /// The scopes of the service token, if it was one.
    pub(crate) fn scopes(&self) -> Option<&TokenScopes> {
        match &self.credential {
            Some(UsedCredential::ServiceToken { scopes, .. }) => Some(scopes),
            _ => None,
        }
    }

    /// Whether this is that user.
    pub(crate) fn is(&self, user: &UserId) -> bool {
        self.is_user && UserId::parse(&self.who).is_ok_and(|id| id == *user)
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// The action.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Action {
            $($(#[$doc])* $variant,)*
        }

        impl Action {
            /// As it is stored.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

actions! {
    /// A mail address was confirmed; the detail says who had set it.
    AddressConfirmed = "address.confirmed",
    /// A mail address is no longer confirmed; the detail says why.
    AddressUnconfirmed = "address.unconfirmed",
    /// An app password was made.
    AppPasswordAdded = "app_password.added",
    /// The token of an app password was replaced.
    AppPasswordRotated = "app_password.rotated",
    /// An app password was revoked.
    AppPasswordRevoked = "app_password.revoked",
    /// An app was switched off.
    AppDisabled = "app.disabled",
    /// An app was switched on.
    AppEnabled = "app.enabled",
    /// All credentials of a user but the password ended; the detail says why.
    CredentialsEnded = "credentials.ended",
    /// A value of an app's configuration was set or deleted.
    ConfigChanged = "config.changed",
    /// A group was renamed.
    GroupChanged = "group.changed",
    /// A group was created.
    GroupCreated = "group.created",
    /// A group was deleted.
    GroupDeleted = "group.deleted",
    /// A user joined a group.
    MemberAdded = "group.member_added",
    /// A user left a group.
    MemberRemoved = "group.member_removed",
    /// A password was set.
    PasswordChanged = "password.changed",
    /// Failed sign-ins from a source were reset.
    PlaceForgiven = "place.forgiven",
    /// A name was given to another backend, or to none.
    PinChanged = "pin.changed",
    /// A password reset was requested.
    ResetIssued = "reset.issued",
    /// A password reset was used.
    ResetUsed = "reset.used",
    /// A service token was made; the detail is its name, its scopes and from where it works.
    ServiceTokenAdded = "service_token.added",
    /// A service token was revoked, or ended with its owner's rights.
    ///
    /// The detail is its name.
    ServiceTokenRevoked = "service_token.revoked",
    /// Sessions were ended.
    SessionsEnded = "sessions.ended",
    /// A user may administer a group.
    SubadminAdded = "group.subadmin_added",
    /// A user may no longer administer a group.
    SubadminRemoved = "group.subadmin_removed",
    /// Fields of a user changed; which ones is the detail; what they hold is not logged.
    UserChanged = "user.changed",
    /// A deleted user's name was banned.
    UserBanned = "user.banned",
    /// A user was created; the detail is the backend.
    UserCreated = "user.created",
    /// A user was deleted; the detail is the backend.
    UserDeleted = "user.deleted",
    /// A user was disabled.
    UserDisabled = "user.disabled",
    /// A user was enabled.
    UserEnabled = "user.enabled",
    /// The ban of a name was lifted.
    UserUnbanned = "user.unbanned",
    /// The devices of a user are to be wiped.
    WipeOrdered = "app_password.wipe",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of limited length, for any input.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}
