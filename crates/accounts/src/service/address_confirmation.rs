//! Confirming a mail address: by a link that is mailed to it.
//!
//! The link proves that its owner reads the mail of that address. Opening it does not use it up,
//! because mail programs open links before users do. It works once, for the address that it was
//! sent to, and is revoked by every change of the address and with everything that ends
//! credentials. Of several users who confirm one address, the first one has it.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::domain::{AccountsError, Actor, EmailAddress, SKEW, Timestamp, TokenHash, UserId};
use crate::service::password_reset::redeem::{self, Throttled};
use crate::store::address_confirmations::{self, ConfirmationBasis};
use crate::store::users::addresses;
use crate::store::{Accounts, ActingAccounts, rate_limits};

/// Confirms mail addresses.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct AddressConfirmation {
    accounts: ActingAccounts,
}

/// An address was not confirmed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfirmError {
    /// The link confirms nothing: it was used, replaced, has ended, or never existed.
    #[error("this link confirms no mail address")]
    Invalid,
    /// Another user has confirmed the address, or is called so.
    #[error("the mail address belongs to another account")]
    Taken,
    /// Too many wrong links from this source.
    #[error("too many wrong links, try again in {} s", .retry_after.as_secs().max(1))]
    Throttled {
        /// When the next one is checked.
        retry_after: Duration,
    },
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] AccountsError),
}

impl From<Throttled> for ConfirmError {
    fn from(Throttled { retry_after }: Throttled) -> Self {
        Self::Throttled { retry_after }
    }
}

impl AddressConfirmation {
    /// Confirmations in this store.
    pub fn new(accounts: impl Into<Accounts>) -> Self {
        Self { accounts: accounts.into().as_system() }
    }

    /// Which address of which user a link confirms.
    ///
    /// Does not use the link up: for the page that it leads to.
    ///
    /// # Errors
    /// [`ConfirmError`].
    ///
    /// # Cancellation
    /// Safe.
    pub async fn inspect(
        &self,
        token: &str,
        source: Option<IpAddr>,
    ) -> Result<(UserId, EmailAddress), ConfirmError> {
        let store = self.accounts.store();
        let event = redeem::count_link(store, source).await??;
        let basis = match redeem::well_formed(token) {
            Some(token) => address_confirmations::basis(store, &token).await?,
            None => None,
        };
        let basis = basis.ok_or(ConfirmError::Invalid)?;
        let address = judge(&basis, store.now())?;
        let mut change = store.change().await?;
        rate_limits::release(&mut change, event).await?;
        change.commit().await?;
        Ok((basis.user, address))
    }

    /// Uses a link up and confirms the address.
    ///
    /// The owner of the previous confirmed address gets a mail.
    ///
    /// # Errors
    /// [`ConfirmError`]; then nothing was changed, and the link is still valid.
    ///
    /// # Cancellation
    /// Either everything was changed or nothing.
    pub async fn confirm(
        &self,
        token: &str,
        source: Option<IpAddr>,
    ) -> Result<(UserId, EmailAddress), ConfirmError> {
        let (id, _) = self.inspect(token, source).await?;
        let accounts = self.accounts.on_behalf_of(Actor::user(id.name().as_str(), source));
        let mut change = accounts.store().change().await?;
        // The user first, as everywhere: two changes of one user never wait for each other in a
        // circle.
        let locked = change.lock_user(&id).await.map_err(|error| match error {
            AccountsError::NotFound { .. } => ConfirmError::Invalid,
            error => error.into(),
        })?;
        let basis = address_confirmations::basis_in(&mut change, &TokenHash::of(token)).await?;
        let basis = basis.filter(|basis| basis.user == id).ok_or(ConfirmError::Invalid)?;
        let address = judge(&basis, change.now())?;
        if addresses::is_taken(&mut change, locked.key, &address).await? {
            return Err(ConfirmError::Taken);
        }
        let (by, mut user) = (addresses::source(&mut change, locked.key).await?, locked.user);
        addresses::confirm(&mut change, locked.key, &mut user, &address, by).await?;
        change.commit().await?;
        Ok((id, address))
    }
}

/// The address that a link still confirms.
///
/// Every event that ends a link also deletes it; this is the second check.
fn judge(basis: &ConfirmationBasis, now: Timestamp) -> Result<EmailAddress, ConfirmError> {
    let is_current = basis.email.as_ref() == Some(&basis.sent_to);
    let is_alive = basis.expires > now && basis.created <= now.after(SKEW);
    if !basis.enabled || !is_current || !is_alive {
        return Err(ConfirmError::Invalid);
    }
    EmailAddress::parse(&basis.sent_to).map_err(|_| ConfirmError::Invalid)
}
