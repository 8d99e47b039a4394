//! Tokens that confirm a mail address.
//!
//! Who gets one: `service/address_confirmation`.

use std::time::Duration;

use crate::domain::{AccountsError, EmailAddress, Timestamp, Token, TokenHash, UserId};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::{Query, Row, sql};
use crate::store::handle::{ActingStore, Store};
use crate::store::users::addresses;

/// What became of a token that was wanted.
#[derive(Debug)]
pub(crate) enum Issued {
    /// It is here.
    Token(Token),
    /// The address is confirmed by another user, or is the id of another user.
    Taken,
    /// The user has set another address since, or none, or is disabled.
    Outdated,
}

/// Issues a token for the pending address of a user; an older one ends.
pub(crate) async fn issue(
    store: &ActingStore,
    id: &UserId,
    address: &str,
    life: Duration,
) -> Result<Issued, AccountsError> {
    let token = Token::random()?;
    let mut change = store.change().await?;
    let LockedUser { key, user } = match change.lock_user(id).await {
        Err(AccountsError::NotFound { .. }) => return Ok(Issued::Outdated),
        other => other?,
    };
    let pending = user.pending_email().filter(|pending| *pending == address && user.enabled);
    let Some(pending) = pending.and_then(|pending| EmailAddress::parse(pending).ok()) else {
        return Ok(Issued::Outdated);
    };
    if addresses::is_taken(&mut change, key, &pending).await? {
        return Ok(Issued::Taken);
    }
    change.execute(sql("DELETE FROM address_confirmations WHERE user_key = $1").bind(key.0)).await?;
    let insert = sql("INSERT INTO address_confirmations (token, user_key, address, created_at, expires_at) \
                      VALUES ($1, $2, $3, $4, $5)")
    .bind(token.hash().bytes())
    .bind(key.0)
    .bind(pending.as_str())
    .bind(change.now().millis())
    .bind(change.now().after(life).millis());
    change.execute(insert).await?;
    change.commit().await?;
    Ok(Issued::Token(token))
}

/// What a token rests on, as it is now.
#[derive(Debug)]
pub(crate) struct ConfirmationBasis {
    pub(crate) user: UserId,
    pub(crate) enabled: bool,
    /// The address that the user has set.
    pub(crate) email: Option<String>,
    pub(crate) sent_to: String,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

impl ConfirmationBasis {
    fn query(token: &TokenHash) -> Query {
        sql("SELECT users.id, users.name, users.enabled, users.email, confirmations.address, \
             confirmations.created_at, confirmations.expires_at FROM address_confirmations AS confirmations \
             JOIN users ON users.key = confirmations.user_key WHERE confirmations.token = $1")
        .bind(token.bytes())
    }

    fn read(row: &Row) -> Result<Self, AccountsError> {
        Ok(Self {
            user: UserId::stored(&row.text(0)?, &row.text(1)?)?,
            enabled: row.bool(2)?,
            email: row.text_or_null(3)?,
            sent_to: row.text(4)?,
            created: row.time(5)?,
            expires: row.time(6)?,
        })
    }
}

/// What a token rests on; `None` when there is no such token.
pub(crate) async fn basis(
    store: &Store,
    token: &TokenHash,
) -> Result<Option<ConfirmationBasis>, AccountsError> {
    let row = store.db().row(ConfirmationBasis::query(token)).await?;
    row.map(|row| ConfirmationBasis::read(&row)).transpose()
}

/// The same, in a change.
pub(crate) async fn basis_in(
    change: &mut Change<'_>,
    token: &TokenHash,
) -> Result<Option<ConfirmationBasis>, AccountsError> {
    let row = change.row(ConfirmationBasis::query(token)).await?;
    row.map(|row| ConfirmationBasis::read(&row)).transpose()
}
