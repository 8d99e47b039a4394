//! Setting a new password without the old one: by a link that is mailed to the address on record.
//!
//! ```text
//! somebody types a name or an address     PasswordReset::request   one row in the queue, whoever it is; the same answer
//!   a worker looks up who that is         mail::MailWorker            a token for an enabled local user with an address, and a mail
//!     the person follows the link         PasswordReset::inspect      nothing is used up: mail scanners follow links, too
//!       and types a new password          PasswordReset::redeem    rules, then token and password in one transaction
//! ```
//!
//! Nothing changes before a valid token comes back. Who asks learns nothing: whether the person exists is looked up later, by
//! somebody else. A token has 256 random bits, is stored as a hash only, works once and for an hour, and dies with everything
//! that ends credentials or changes where they are sent (see [`crate::Reset`], where tokens are kept).
//!
//! People whose password another backend keeps never get a link. For them there is `lost_password_link`.
//!
//! | file | what lives there |
//! |---|---|
//! | `link` | `lost_password_link`, and the addresses that mails point to (pure) |
//! | `settings` | how long a token lives, how often somebody may ask |
//! | `request` | asking |
//! | `redeem` | looking at a link and using it |

mod link;
mod redeem;
mod request;
mod settings;

pub use link::{BaseUrl, LinkError, LostPassword, RESET_PATH};
pub use redeem::{BadToken, RedeemError};
pub use request::RequestError;
pub use settings::{ResetSettings, ResetSettingsError};

use crate::Accounts;
use crate::service::local_password::LocalPasswords;

/// The purpose of a token that somebody asked for.
pub(crate) const PURPOSE: &str = "reset";

/// Lets people set a new password without the old one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PasswordReset {
    accounts: Accounts,
    passwords: LocalPasswords,
    settings: ResetSettings,
}

impl PasswordReset {
    /// Resets in this store; new passwords go the way of all new passwords.
    pub fn new(accounts: Accounts, passwords: LocalPasswords, settings: ResetSettings) -> Self {
        Self { accounts, passwords, settings }
    }

    /// The settings.
    pub fn settings(&self) -> &ResetSettings {
        &self.settings
    }
}

#[cfg(test)]
mod tests;
