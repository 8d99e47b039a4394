//! Asking for a link.
//!
//! The same work and the same answer for every name: one row in the queue.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::domain::AccountsError;
use crate::service::local_password::change::LocalPasswordService;
use crate::service::password_reset::settings::ResetSettings;
use crate::store::outbox::MailKind;
use crate::store::{Accounts, ActingAccounts, outbox, rate_limits};

/// The purpose of a requested token.
pub(crate) const PURPOSE: &str = "reset";

/// Lets users set a new password without the old one.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct PasswordReset {
    pub(super) accounts: ActingAccounts,
    pub(super) passwords: LocalPasswordService,
    settings: ResetSettings,
}

impl PasswordReset {
    /// Resets in this store; new passwords go the way of all new passwords.
    pub fn new(
        accounts: impl Into<Accounts>,
        passwords: LocalPasswordService,
        settings: ResetSettings,
    ) -> Self {
        Self { accounts: accounts.into().as_system(), passwords, settings }
    }

    /// The settings.
    pub fn settings(&self) -> &ResetSettings {
        &self.settings
    }
}

/// Longest name or address that may be typed, in bytes.
const MOST_BYTES: usize = 255;

/// No mail will be sent.
///
/// None of these depends on the requested user.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The installation mails no links.
    #[error("Password reset is disabled")]
    Disabled,
    /// Too many requests from this place.
    #[error("too many requests, try again in {} s", .retry_after.as_secs().max(1))]
    Throttled {
        /// When the next one is taken.
        retry_after: Duration,
    },
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] AccountsError),
}

impl PasswordReset {
    /// Asks for a link for the user with this name or mail address.
    ///
    /// `Ok` means that it was queued, not that a mail is sent.
    ///
    /// # Errors
    /// [`RequestError`]; it reveals nothing about the requested user.
    ///
    /// # Cancellation
    /// The request is queued, or nothing has happened.
    pub async fn request(&self, typed: &str, source: Option<IpAddr>) -> Result<(), RequestError> {
        if !self.settings.lost_password_link().is_mail() {
            return Err(RequestError::Disabled);
        }
        let typed = typed.trim();
        let mut change = self.accounts.store().change().await?;
        rate_limits::acquire_from(&mut change, ResetSettings::PER_PLACE, u32::MAX, SCOPE, source)
            .await?
            .map_err(|retry_after| RequestError::Throttled { retry_after })?;
        let could_be_a_name =
            !typed.is_empty() && typed.len() <= MOST_BYTES && !typed.contains(char::is_control);
        if could_be_a_name {
            let subject = subject(typed, source);
            outbox::put(&mut change, MailKind::ResetRequest, &subject, None).await?;
        }
        change.commit().await?;
        Ok(())
    }
}

/// The queued text: what was typed (one line), and the source address on a second line.
fn subject(typed: &str, source: Option<IpAddr>) -> String {
    source.map_or_else(|| typed.to_owned(), |source| format!("{typed}\n{source}"))
}

/// The two parts of what was queued.
pub(crate) fn typed_and_source(subject: &str) -> (&str, Option<&str>) {
    subject.split_once('\n').map_or((subject, None), |(typed, source)| (typed, Some(source)))
}

/// Requests are counted under this scope.
const SCOPE: &str = "reset.place";
