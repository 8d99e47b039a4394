//! Looking at a link, and using it.
//!
//! The rules are asked before the token is touched, so a refused password does not use it up. Then,
//! in one transaction: the token goes, the password comes, and everything that the old one opened
//! ends. Of many who come with the same token, one succeeds.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;
use user_backend::Password;
use user_backend::clock::Instant;

use crate::domain::{AccountsError, Action, Actor, EmailAddress, SKEW, Timestamp, TokenHash, UserId};
use crate::service::local_password::change::{ROUNDS, SetError, locked};
use crate::service::password_reset::request::PasswordReset;
use crate::service::password_reset::settings::ResetSettings;
use crate::store::change::{Change, LockedUser};
use crate::store::handle::ActingStore;
use crate::store::passwords::SetBy;
use crate::store::rate_limits::RateLimitEvent;
use crate::store::reset_tokens::ResetBasis;
use crate::store::users::addresses;
use crate::store::{rate_limits, reset_tokens};

/// Length of a token's text.
const TOKEN_CHARS: usize = 43;

/// The token is not valid.
///
/// The texts are known from the PHP application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadToken {
    /// It did once.
    #[error("Could not reset password because the token is expired")]
    Expired,
    /// It was used, replaced, voided, or never existed.
    #[error("Could not reset password because the token is invalid")]
    Invalid,
}

/// The password was not set.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RedeemError {
    /// The token is not valid.
    #[error(transparent)]
    Token(#[from] BadToken),
    /// Too many wrong tokens from this place.
    #[error("too many wrong tokens, try again in {} s", .retry_after.as_secs().max(1))]
    Throttled {
        /// When the next one is checked.
        retry_after: Duration,
    },
    /// The rules refuse the password, or it could not be set now.
    ///
    /// The token is still good.
    #[error(transparent)]
    Set(#[from] SetError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] AccountsError),
}

impl PasswordReset {
    /// Whose password a token may set, and why.
    ///
    /// Uses nothing up: for the page that the link leads to.
    ///
    /// # Errors
    /// [`RedeemError`].
    ///
    /// # Cancellation
    /// Safe.
    pub async fn inspect(&self, token: &str, source: Option<IpAddr>) -> Result<ResetPage, RedeemError> {
        self.owner(token, source).await
    }

    /// Uses a token up and sets the password of its owner, who is not signed in by that.
    ///
    /// Returns who it was.
    ///
    /// # Errors
    /// [`RedeemError`]; then nothing was changed, and the token is still valid.
    ///
    /// # Cancellation
    /// Either everything was changed or nothing.
    pub async fn redeem(
        &self,
        token: &str,
        new: &Password,
        source: Option<IpAddr>,
        deadline: Instant,
    ) -> Result<UserId, RedeemError> {
        let mut round = 1;
        loop {
            let ResetPage { user: id, .. } = self.owner(token, source).await?;
            let done = self.redeem_once(&id, token, new, source, deadline).await;
            if round < ROUNDS
                && matches!(&done, Err(RedeemError::Set(SetError::Store(AccountsError::Stale { .. }))))
            {
                round += 1;
                continue;
            }
            return done.map(|()| id);
        }
    }

    async fn redeem_once(
        &self,
        id: &UserId,
        token: &str,
        new: &Password,
        source: Option<IpAddr>,
        deadline: Instant,
    ) -> Result<(), RedeemError> {
        let user = self.accounts.users().find(id).await?.ok_or(BadToken::Invalid)?;
        let prepared = self.passwords.prepare(&user, new, deadline).await?;
        let name = user.id.name().as_str();
        let accounts = self.accounts.on_behalf_of(Actor::user(name, source));
        let mut change = accounts.store().change().await?;
        // The user first, as everywhere: two changes of one user never wait for each other in a
        // circle.
        let mut locked = locked(&mut change, id).await.map_err(|_| BadToken::Invalid)?;
        let token = TokenHash::of(token);
        let basis = reset_tokens::basis_in(&mut change, &token).await?.ok_or(BadToken::Invalid)?;
        judge(&basis, change.now())?;
        if !reset_tokens::take(&mut change, &token, &locked).await? {
            return Err(BadToken::Invalid.into());
        }
        confirm_address(&mut change, &mut locked, &basis).await?;
        self.passwords.write(&mut change, &locked, &prepared, SetBy::ResetLink).await?;
        change.note(Action::ResetUsed, name, None).await?;
        change.commit().await?;
        Ok(())
    }

    /// The owner of a good token.
    ///
    /// Each check counts against its source before it is made, and a valid token is uncounted
    /// afterwards, so a burst of wrong ones is limited, too.
    async fn owner(&self, token: &str, source: Option<IpAddr>) -> Result<ResetPage, RedeemError> {
        let store = self.accounts.store();
        let event = count_link(store, source).await??;
        let basis = match well_formed(token) {
            Some(token) => reset_tokens::basis(store, &token).await?,
            None => None,
        };
        let basis = basis.ok_or(BadToken::Invalid)?;
        judge(&basis, store.now())?;
        let mut change = store.change().await?;
        rate_limits::release(&mut change, event).await?;
        change.commit().await?;
        Ok(ResetPage { user: basis.user, is_welcome: basis.is_welcome })
    }
}

/// What a reset link is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResetPage {
    /// Whose password it sets.
    pub user: UserId,
    /// Whether it came with the welcome mail: the user has no password yet.
    pub is_welcome: bool,
}

/// Too many wrong links from one source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttled {
    pub(crate) retry_after: Duration,
}

impl From<Throttled> for RedeemError {
    fn from(Throttled { retry_after }: Throttled) -> Self {
        Self::Throttled { retry_after }
    }
}

/// Counts a check of a link, of any kind, against its source.
///
/// A good one is taken off the count afterwards.
pub(crate) async fn count_link(
    store: &ActingStore,
    source: Option<IpAddr>,
) -> Result<Result<RateLimitEvent, Throttled>, AccountsError> {
    let mut change = store.change().await?;
    let limit = ResetSettings::BAD_TOKENS;
    let counted = rate_limits::acquire_from(&mut change, limit, u32::MAX, SCOPE, source).await?;
    change.commit().await?;
    Ok(counted.map_err(|retry_after| Throttled { retry_after }))
}

/// What a token is found by, if the text can be one.
pub(crate) fn well_formed(token: &str) -> Option<TokenHash> {
    let is_one = token.len() == TOKEN_CHARS
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_one.then(|| TokenHash::of(token))
}

/// A followed link confirms its address, unless another user has confirmed it.
async fn confirm_address(
    change: &mut Change<'_>,
    locked: &mut LockedUser,
    basis: &ResetBasis,
) -> Result<(), AccountsError> {
    let pending = locked.user.pending_email().filter(|pending| *pending == basis.sent_to);
    let Some(address) = pending.and_then(|pending| EmailAddress::parse(pending).ok()) else { return Ok(()) };
    if addresses::is_taken(change, locked.key, &address).await? {
        return Ok(());
    }
    let by = addresses::source(change, locked.key).await?;
    addresses::confirm(change, locked.key, &mut locked.user, &address, by).await
}

/// Wrong tokens are counted under this scope.
const SCOPE: &str = "reset.bad_token";

/// Whether the conditions of a token still hold.
///
/// Every event that ends it also deletes it; this is the second check.
fn judge(basis: &ResetBasis, now: Timestamp) -> Result<(), BadToken> {
    // A sign-in with the password deletes the link. The time of the latest sign-in says nothing: it
    // may be that of a device.
    let latest = now.after(SKEW);
    let sent_to = Some(&basis.sent_to);
    let same_address =
        basis.confirmed_email.as_ref() == sent_to || (basis.is_welcome && basis.email.as_ref() == sent_to);
    if !basis.enabled || !basis.is_local || !same_address {
        return Err(BadToken::Invalid);
    }
    if basis.expires > now && basis.created <= latest { Ok(()) } else { Err(BadToken::Expired) }
}
