//! Asking for a link. The same work and the same answer, whoever is asked for: one row in the queue.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;
use user_backend::layer::throttle::Place;

use super::{PasswordReset, ResetSettings};
use crate::AccountsError;
use crate::store::outbox::{self, MailKind};
use crate::store::rate_limits;

/// Longest name or address that somebody may type, in bytes.
const MOST_BYTES: usize = 255;

/// Nobody will get a mail. None of these depends on who was asked for.
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
    /// Asks for a link for whoever has this name or mail address. `Ok` means that it was heard, not that anybody gets a mail.
    ///
    /// # Errors
    /// [`RequestError`]; it says nothing about who was asked for.
    ///
    /// # Cancellation
    /// It was heard or it was not.
    pub async fn request(&self, typed: &str, source: Option<IpAddr>) -> Result<(), RequestError> {
        if !self.settings.lost_password_link().is_mail() {
            return Err(RequestError::Disabled);
        }
        let now = self.accounts.now();
        let (place, typed) = (place(source), typed.trim());
        let mut tx = self.accounts.db().begin().await?;
        let wait = rate_limits::retry_after(&mut tx, ResetSettings::PER_PLACE, SCOPE, &place, now).await?;
        if let Some(retry_after) = wait {
            return Err(RequestError::Throttled { retry_after });
        }
        rate_limits::acquire(&mut tx, SCOPE, &place, now).await?;
        rate_limits::purge_expired(&mut tx, now).await?;
        let could_be_somebody =
            !typed.is_empty() && typed.len() <= MOST_BYTES && !typed.contains(char::is_control);
        if !could_be_somebody {
            // Nobody has such a name, whoever exists.
        } else if outbox::is_full(&mut tx).await? {
            tracing::warn!("a password reset was not queued: too many are waiting");
        } else {
            outbox::put(&mut tx, MailKind::ResetRequest, typed, None, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Requests are counted under this scope.
const SCOPE: &str = "reset.place";

/// Who is limited together: an IPv4 address, an IPv6 /64, or everybody whose address is not known.
pub(super) fn place(source: Option<IpAddr>) -> String {
    source.map_or_else(|| "unknown".to_owned(), |address| Place::of(address).to_string())
}
