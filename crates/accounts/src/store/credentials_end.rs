//! Ends all credentials of an account except its password, within a transaction.
//!
//! What was made while an account could do less, or while its password was known to others, must
//! not open it afterwards.

use std::fmt;

use crate::domain::{AccountsError, Action, GroupId};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::sql;
use crate::store::outbox::MailKind;
use crate::store::users::addresses::{self, AddressEnd};
use crate::store::{credential_epoch, outbox};

/// Why the credentials of a user end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CredentialEnd<'a> {
    /// The user became an administrator.
    JoinedAdmin,
    /// The user became a sub-admin of this group.
    BecameSubadmin(&'a GroupId),
    /// Someone other than the user set the password.
    PasswordSetByOther,
    /// The password was set through a reset link.
    PasswordReset,
    /// The account belongs to another backend, or to none, and so perhaps to another person.
    Rebound,
}

impl CredentialEnd<'_> {
    /// What it means for the confirmed mail address.
    ///
    /// One that a reset link was sent to has just proved itself.
    const fn of_address(self) -> Option<AddressEnd> {
        match self {
            Self::JoinedAdmin | Self::BecameSubadmin(_) => Some(AddressEnd::RightsRaised),
            Self::PasswordSetByOther => Some(AddressEnd::PasswordSetByOther),
            Self::Rebound => Some(AddressEnd::Rebound),
            Self::PasswordReset => None,
        }
    }

    const fn mail(self) -> MailKind {
        match self {
            Self::JoinedAdmin | Self::BecameSubadmin(_) => MailKind::RightsRaised,
            Self::PasswordSetByOther | Self::PasswordReset => MailKind::PasswordChangedAll,
            Self::Rebound => MailKind::AccountMoved,
        }
    }
}

impl fmt::Display for CredentialEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JoinedAdmin => f.write_str("joined the group admin"),
            Self::BecameSubadmin(group) => write!(f, "became a sub-admin of {group}"),
            Self::PasswordSetByOther => f.write_str("password set by another person"),
            Self::PasswordReset => f.write_str("password set through a reset link"),
            Self::Rebound => f.write_str("given to another backend"),
        }
    }
}

/// Whether a user has something that [`end_all`] would end, besides a mail address.
pub(crate) async fn are_left(change: &mut Change<'_>, locked: &LockedUser) -> Result<bool, AccountsError> {
    let left = sql("SELECT 1 FROM app_passwords WHERE user_key = $1 AND NOT wipe_requested UNION ALL \
                    SELECT 1 FROM sessions WHERE user_key = $1 UNION ALL \
                    SELECT 1 FROM resets WHERE user_key = $1 UNION ALL \
                    SELECT 1 FROM login_flows WHERE user_key = $1 LIMIT 1");
    Ok(change.row(left.bind(locked.key.0)).await?.is_some())
}

/// Ends app passwords, sessions, reset links, the pending mail address, and caches.
///
/// Depending on the reason, also the confirmation of the address.
///
/// App passwords that are marked for a wipe stay: they no longer work, and their devices have not
/// been notified yet.
pub(crate) async fn end_all(
    change: &mut Change<'_>,
    locked: &LockedUser,
    reason: CredentialEnd<'_>,
) -> Result<(), AccountsError> {
    let revoke = sql("DELETE FROM app_passwords WHERE user_key = $1 AND NOT wipe_requested");
    change.execute(revoke.bind(locked.key.0)).await?;
    credential_epoch::end_credentials(change, locked).await?;
    if let Some(ended) = reason.of_address() {
        addresses::unconfirm(change, locked, ended).await?;
    }
    change.note(Action::CredentialsEnded, locked.name(), Some(&reason.to_string())).await?;
    if let (true, Some(address)) = (change.notices(), locked.user.confirmed_email.as_deref()) {
        outbox::put(change, reason.mail(), locked.name(), Some(address)).await?;
    }
    Ok(())
}
