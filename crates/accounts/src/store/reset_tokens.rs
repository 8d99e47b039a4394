//! Tokens to set a new password.
//!
//! Who gets one: `service/password_reset`.

use std::time::Duration;

use crate::domain::{
    AccountsError, Action, LOCAL_BACKEND, SKEW, StoredHash, Timestamp, Token, TokenHash, UserId,
};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::{Query, Row, sql};
use crate::store::handle::{Store, table};
use crate::store::passwords::{self, SetBy};
use crate::store::rights::Right;

/// The purpose of a link in a welcome mail.
pub(crate) const WELCOME: &str = "welcome";

/// A pending reset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResetToken {
    /// Whose password it may set.
    pub user: UserId,
    /// What it is for: `reset`, `welcome`.
    pub purpose: String,
    /// The address it was sent to.
    pub email: String,
    /// When it was issued.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

table! {
    /// Reset tokens.
    ///
    /// A user has one at most: the newest. It is revoked by every event that ends credentials or
    /// changes where they are sent: a new password, another confirmed mail address, disabling,
    /// deletion, another backend, a sign-in; and when the clock is set back to before its beginning
    /// by more than [`SKEW`].
    ResetTokens, ResetTokensMut
}

impl ResetTokensMut<'_> {
    /// Issues a token for an enabled local user, and returns the address that it goes to.
    ///
    /// An older token is revoked.
    ///
    /// It is the confirmed address. Only a welcome link may go to one that is not confirmed: the
    /// actor who may send it may set the password, too.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::Invalid`] when the user is disabled, has no
    /// address, or another backend checks their password.
    pub async fn issue(
        self,
        user: &UserId,
        purpose: &str,
        life: Duration,
    ) -> Result<(Token, ResetToken), AccountsError> {
        let (token, now) = (Token::random()?, self.0.now());
        let mut change = self.0.change().await?;
        let LockedUser { key, user } = change.lock_target(user, Right::Access).await?;
        let refused = |why: &str| {
            AccountsError::invalid("reset", why, "an enabled local user with a confirmed mail address")
        };
        let address = if purpose == WELCOME { user.contact_email() } else { user.confirmed_email.as_deref() };
        let email = match (address, user.is_local(), user.enabled) {
            (_, false, _) => return Err(refused("a user of another backend")),
            (_, _, false) => return Err(refused("a disabled user")),
            (None, ..) => return Err(refused("a user without a confirmed mail address")),
            (Some(email), true, true) => email.to_owned(),
        };
        let expires = now.after(life);
        change.execute(sql("DELETE FROM resets WHERE user_key = $1").bind(key.0)).await?;
        let insert = sql("INSERT INTO resets (token, user_key, purpose, email, created_at, expires_at) \
                          VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(token.hash().bytes())
        .bind(key.0)
        .bind(purpose)
        .bind(email.as_str())
        .bind(now.millis())
        .bind(expires.millis());
        change.execute(insert).await?;
        change.note(Action::ResetIssued, user.id.name().as_str(), Some(purpose)).await?;
        change.commit().await?;
        Ok((token, ResetToken { user: user.id, purpose: purpose.to_owned(), email, created: now, expires }))
    }
}

impl ResetTokens<'_> {
    /// What a token is currently valid for; `None` when it is invalid.
    ///
    /// This does not use it up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(self, token: &TokenHash) -> Result<Option<ResetToken>, AccountsError> {
        let query = sql(
            "SELECT users.id, users.name, purpose, resets.email, resets.created_at, expires_at FROM resets \
                         JOIN users ON users.key = resets.user_key \
                         WHERE token = $1 AND expires_at > $2 AND resets.created_at <= $3 AND users.enabled",
        );
        let now = self.0.now();
        let query = query.bind(token.bytes()).bind(now.millis()).bind(now.after(SKEW).millis());
        let row = self.0.db().row(query).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(ResetToken {
            user: UserId::stored(&row.text(0)?, &row.text(1)?)?,
            purpose: row.text(2)?,
            email: row.text(3)?,
            created: Timestamp::from_millis(row.int(4)?),
            expires: Timestamp::from_millis(row.int(5)?),
        }))
    }
}

impl ResetTokensMut<'_> {
    /// Uses a token up and sets the password, in one step.
    ///
    /// Of many who come with the same token, one succeeds.
    ///
    /// Ask [`ResetTokens::find`] first and refuse a weak password then: a refusal must not use the
    /// token up.
    ///
    /// # Errors
    /// [`AccountsError::Stale`] when the token is good for nothing (any more).
    pub async fn redeem(self, token: &TokenHash, hash: &StoredHash) -> Result<UserId, AccountsError> {
        let used = || AccountsError::Stale { what: "reset token" };
        let reset = self.find(token).await?.ok_or_else(used)?;
        let mut change = self.0.change().await?;
        // The user is locked first, as everywhere, so that two changes of one user never wait for
        // each other in a circle.
        let locked = change.lock_user(&reset.user).await.map_err(|_| used())?;
        let take = sql("DELETE FROM resets WHERE token = $1 AND expires_at > $2 AND created_at <= $3");
        let now = self.0.now();
        let take = take.bind(token.bytes()).bind(now.millis()).bind(now.after(SKEW).millis());
        let taken = change.execute(take).await?;
        if taken == 0 || !locked.user.enabled {
            return Err(used());
        }
        passwords::change_password(&mut change, &locked, hash, SetBy::ResetLink).await?;
        change.commit().await?;
        Ok(locked.user.id)
    }

    /// Voids the reset of a user; returns whether there was one.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn void(self, user: &UserId) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key, .. } = change.lock_target(user, Right::Access).await?;
        let there = change.execute(sql("DELETE FROM resets WHERE user_key = $1").bind(key.0)).await? > 0;
        change.commit().await?;
        Ok(there)
    }
}

/// What a token rests on, as it is now.
#[derive(Debug)]
pub(crate) struct ResetBasis {
    pub(crate) user: UserId,
    pub(crate) enabled: bool,
    pub(crate) is_local: bool,
    pub(crate) email: Option<String>,
    pub(crate) confirmed_email: Option<String>,
    pub(crate) is_welcome: bool,
    pub(crate) sent_to: String,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

impl ResetBasis {
    fn query(token: &TokenHash) -> Query {
        sql("SELECT users.id, users.name, users.enabled, users.backend, users.email, \
             resets.email, resets.created_at, resets.expires_at, users.confirmed_email, resets.purpose \
             FROM resets JOIN users ON users.key = resets.user_key WHERE resets.token = $1")
        .bind(token.bytes())
    }

    fn read(row: &Row) -> Result<Self, AccountsError> {
        Ok(Self {
            user: UserId::stored(&row.text(0)?, &row.text(1)?)?,
            enabled: row.bool(2)?,
            is_local: row.text(3)? == LOCAL_BACKEND,
            email: row.text_or_null(4)?,
            confirmed_email: row.text_or_null(8)?,
            is_welcome: row.text(9)? == WELCOME,
            sent_to: row.text(5)?,
            created: row.time(6)?,
            expires: row.time(7)?,
        })
    }
}

/// What a token rests on; `None` when there is no such token.
pub(crate) async fn basis(store: &Store, token: &TokenHash) -> Result<Option<ResetBasis>, AccountsError> {
    store.db().row(ResetBasis::query(token)).await?.map(|row| ResetBasis::read(&row)).transpose()
}

/// The same, in a change.
pub(crate) async fn basis_in(
    change: &mut Change<'_>,
    token: &TokenHash,
) -> Result<Option<ResetBasis>, AccountsError> {
    change.row(ResetBasis::query(token)).await?.map(|row| ResetBasis::read(&row)).transpose()
}

/// Uses a user's token up; returns whether it was there.
pub(crate) async fn take(
    change: &mut Change<'_>,
    token: &TokenHash,
    locked: &LockedUser,
) -> Result<bool, AccountsError> {
    let take = sql("DELETE FROM resets WHERE token = $1 AND user_key = $2");
    Ok(change.execute(take.bind(token.bytes()).bind(locked.key.0)).await? == 1)
}
