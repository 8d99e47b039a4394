//! Looking at a link, and using it.
//!
//! The rules are asked before the token is touched, so a refused password does not use it up. Then, in one transaction: the token
//! goes, the password comes, and everything that the old one opened ends. Of many who come with the same token, one succeeds.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;
use user_backend::Password;
use user_backend::clock::Instant;

use super::request::place;
use super::{PasswordReset, ResetSettings};
use crate::domain::clock::{SKEW, Timestamp};
use crate::domain::token::TokenHash;
use crate::service::local_password::{ROUNDS, SetError, locked};
use crate::store::audit::{self, Action, Actor};
use crate::store::engine::{Row, fault, sql};
use crate::store::rate_limits;
use crate::{AccountsError, LOCAL_BACKEND, UserId};

/// Length of a token's text.
const TOKEN_CHARS: usize = 43;

/// The token opens nothing. The texts are known from the PHP application.
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
    /// The token opens nothing.
    #[error(transparent)]
    Token(#[from] BadToken),
    /// Too many wrong tokens from this place.
    #[error("too many wrong tokens, try again in {} s", .retry_after.as_secs().max(1))]
    Throttled {
        /// When the next one is looked at.
        retry_after: Duration,
    },
    /// The rules refuse the password, or it could not be set now. The token is still good.
    #[error(transparent)]
    Set(#[from] SetError),
    /// The store cannot tell.
    #[error(transparent)]
    Store(#[from] AccountsError),
}

impl PasswordReset {
    /// Whose password a token may set. Uses nothing up: for the page that the link leads to.
    ///
    /// # Errors
    /// [`RedeemError`].
    ///
    /// # Cancellation
    /// Safe.
    pub async fn inspect(&self, token: &str, source: Option<IpAddr>) -> Result<UserId, RedeemError> {
        let place = place(source);
        self.turn(&place).await?;
        self.owner(token, &place).await
    }

    /// Uses a token up and sets the password of its owner, who is not signed in by that. Tells who it was.
    ///
    /// # Errors
    /// [`RedeemError`]; nothing was changed then, and the token is as good as it was.
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
        let place = place(source);
        self.turn(&place).await?;
        let mut round = 1;
        loop {
            let id = self.owner(token, &place).await?;
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
        let mut tx = accounts.db().begin().await?;
        // The user first, as everywhere: two changes of one user never wait for each other in a circle.
        let (key, user) = locked(&mut tx, id).await.map_err(|_| BadToken::Invalid)?;
        let row = tx.row(find(token)).await?.ok_or(BadToken::Invalid)?;
        judge(&row, accounts.now())??;
        let take = sql("DELETE FROM resets WHERE token = $1 AND user_key = $2");
        if tx.execute(take.bind(TokenHash::of(token).bytes()).bind(key.0)).await? != 1 {
            return Err(BadToken::Invalid.into());
        }
        self.passwords.write(&mut tx, &accounts, key, &user, &prepared).await?;
        audit::note(&mut tx, &accounts, Action::ResetUsed, name, None).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The owner of a good token; a bad one counts against the place that it came from.
    async fn owner(&self, token: &str, place: &str) -> Result<UserId, RedeemError> {
        let well_formed = token.len() == TOKEN_CHARS
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let row = if well_formed { self.accounts.db().row(find(token)).await? } else { None };
        let judged = row.map_or(Ok(Err(BadToken::Invalid)), |row| judge(&row, self.accounts.now()))?;
        if judged.is_err() {
            let mut tx = self.accounts.db().begin().await?;
            rate_limits::acquire(&mut tx, SCOPE, place, self.accounts.now()).await?;
            tx.commit().await?;
        }
        Ok(judged?)
    }

    async fn turn(&self, place: &str) -> Result<(), RedeemError> {
        let mut tx = self.accounts.db().begin().await?;
        let wait =
            rate_limits::retry_after(&mut tx, ResetSettings::BAD_TOKENS, SCOPE, place, self.accounts.now())
                .await?;
        wait.map_or(Ok(()), |retry_after| Err(RedeemError::Throttled { retry_after }))
    }
}

/// Wrong tokens are counted under this scope.
const SCOPE: &str = "reset.bad_token";

fn find(token: &str) -> crate::store::engine::Query {
    sql("SELECT users.id, users.name, users.enabled, users.backend, users.email, users.last_login, \
         resets.email, resets.created_at, resets.expires_at \
         FROM resets JOIN users ON users.key = resets.user_key WHERE resets.token = $1")
    .bind(TokenHash::of(token).bytes())
}

/// Whether what a token rests on still holds. Every event that ends it also deletes it; this is the second lock on the door.
fn judge(row: &Row, now: Timestamp) -> Result<Result<UserId, BadToken>, AccountsError> {
    let id = UserId::stored(&row.text(0).map_err(fault)?, &row.text(1).map_err(fault)?)?;
    let enabled = row.bool(2).map_err(fault)?;
    let local = row.text(3).map_err(fault)? == LOCAL_BACKEND;
    let address = row.text_or_null(4).map_err(fault)?;
    let signed_in = row.int_or_null(5).map_err(fault)?;
    let sent_to = row.text(6).map_err(fault)?;
    let (created, expires) = (row.int(7).map_err(fault)?, row.int(8).map_err(fault)?);
    // A sign-in in the future was before the clock was set back, and says nothing of a link that was sent since.
    let latest = now.after(SKEW).millis();
    let signed_in_since = signed_in.is_some_and(|at| at > created && at <= latest);
    if !enabled || !local || address.as_ref() != Some(&sent_to) || signed_in_since {
        return Ok(Err(BadToken::Invalid));
    }
    Ok(if expires > now.millis() && created <= latest { Ok(id) } else { Err(BadToken::Expired) })
}
