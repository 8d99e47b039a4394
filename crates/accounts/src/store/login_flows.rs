//! Devices that wait for their owner to sign in with a browser (login flow, version 2).
//!
//! In the store and not in memory, because a device may begin at one server of a site, its owner
//! agree at another, and the device come back to a third. Only hashes of the two tokens are kept,
//! and the app password is made when the device comes for it, in the transaction that ends the
//! flow: nothing in the table opens an account.

use std::net::IpAddr;
use std::time::Duration;

use user_backend::brute_force::SourceNet;

use crate::domain::{AccountsError, ServiceToken, Timestamp, Token, TokenHash, TokenScopes, User, UserId};
use crate::store::app_passwords::{self, AppPassword, client_name};
use crate::store::engine::sql;
use crate::store::handle::table;
use crate::store::rate_limits::{self, RateLimit};
use crate::store::rights::Right;
use crate::store::users::row::columns;

/// How long a device waits for its owner.
pub const LOGIN_FLOW_LIFE: Duration = Duration::from_secs(20 * 60);

/// The path of the page that a device opens, before its token.
pub const LOGIN_FLOW_PATH: &str = "login/v2/flow/";

/// How many flows one source may begin: enough for a school behind one address.
///
/// An IPv6 /56 may begin four times as many, a /48 sixteen times.
const PER_SOURCE: RateLimit = RateLimit { max: 60, window: LOGIN_FLOW_LIFE };

/// How many flows are kept.
///
/// Beginning one needs no credentials.
const MOST: usize = 10_000;

/// Why no flow begins, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginFlowDenial {
    /// This network has begun too many.
    Source(Duration),
    /// Too many devices wait, from all networks.
    Full(Duration),
}

/// A flow that has begun: the two tokens, which are shown now and never again.
#[derive(Debug)]
pub struct NewLoginFlow {
    /// What the device asks with.
    pub poll: Token,
    /// The end of the address that the device opens in a browser.
    pub page: Token,
}

/// A flow, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginFlow {
    /// What the client calls itself.
    pub client: String,
    /// Where it began.
    pub begun_from: String,
    /// When it began.
    pub begun: Timestamp,
    /// Whether someone has agreed.
    pub is_granted: bool,
}

table! {
    /// Login flows.
    ///
    /// One lives for [`LOGIN_FLOW_LIFE`] and gives one app password.
    LoginFlows, LoginFlowsMut
}

impl LoginFlows<'_> {
    /// The flow of a page; `None` when it is unknown or has expired.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(self, page: &TokenHash) -> Result<Option<LoginFlow>, AccountsError> {
        let find = sql("SELECT client, begun_from, created_at, user_key FROM login_flows \
                        WHERE page_token = $1 AND expires_at > $2")
        .bind(page.bytes())
        .bind(self.0.now().millis());
        let row = self.0.db().row(find).await?;
        row.map(|row| {
            let (client, begun_from, begun) = (row.text(0)?, row.text(1)?, row.time(2)?);
            Ok(LoginFlow { client, begun_from, begun, is_granted: row.int_or_null(3)?.is_some() })
        })
        .transpose()
    }

    /// The user who granted the device an app password; `None` until then.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn granted_by(self, poll: &TokenHash) -> Result<Option<User>, AccountsError> {
        let find = sql(concat!(
            "SELECT ",
            columns!(),
            " FROM login_flows JOIN users ON users.key = login_flows.user_key \
             WHERE poll_token = $1 AND login_flows.expires_at > $2"
        ))
        .bind(poll.bytes())
        .bind(self.0.now().millis());
        self.0.db().row(find).await?.map(|row| User::read(&row)).transpose()
    }
}

impl LoginFlowsMut<'_> {
    /// Begins a flow for a client that calls itself so.
    ///
    /// The inner `Err` says how long it takes until one may begin.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn begin(
        self,
        client: &str,
        from: IpAddr,
    ) -> Result<Result<NewLoginFlow, LoginFlowDenial>, AccountsError> {
        let new = NewLoginFlow { poll: Token::random()?, page: Token::random()? };
        let mut change = self.0.change().await?;
        let now = change.now();
        change.execute(sql("DELETE FROM login_flows WHERE expires_at <= $1").bind(now.millis())).await?;
        let count = change.row(sql("SELECT COUNT(*), MIN(expires_at) FROM login_flows")).await?;
        let (waiting, first_ends) = match count {
            Some(row) => (usize::try_from(row.count(0)?).unwrap_or(MOST), row.int_or_null(1)?),
            None => (0, None),
        };
        if waiting >= MOST {
            let ends = first_ends.map_or(now, Timestamp::from_millis);
            return Ok(Err(LoginFlowDenial::Full(now.until(ends).max(Duration::from_secs(1)))));
        }
        let scope = "login_flow.source";
        let most = u32::try_from(SourceNet::share_of(MOST, waiting)).unwrap_or(u32::MAX);
        let counted = rate_limits::acquire_from(&mut change, PER_SOURCE, most, scope, Some(from));
        if let Err(wait) = counted.await? {
            return Ok(Err(LoginFlowDenial::Source(wait)));
        }
        let insert = sql("INSERT INTO login_flows \
                          (poll_token, page_token, client, begun_from, created_at, expires_at) \
                          VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(new.poll.hash().bytes())
        .bind(new.page.hash().bytes())
        .bind(client_name(client))
        .bind(from.to_string())
        .bind(now.millis())
        .bind(now.after(LOGIN_FLOW_LIFE).millis());
        change.execute(insert).await?;
        change.commit().await?;
        Ok(Ok(new))
    }

    /// Agrees, as this user, that the device gets an app password, or a service token with these
    /// scopes.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: no such flow, it has expired, or someone has agreed already. [`AccountsError::Invalid`]: the
    /// user has too many app passwords. [`AccountsError::Forbidden`]: scopes of who is no
    /// administrator.
    pub async fn grant(
        self,
        user: &UserId,
        page: &TokenHash,
        scopes: Option<&TokenScopes>,
    ) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        let right = if scopes.is_some() { Right::AdminOneself } else { Right::Oneself };
        let locked = change.lock_target(user, right).await?;
        app_passwords::check_room(&mut change, &locked).await?;
        let grant = sql("UPDATE login_flows SET user_key = $1, scopes = $4 \
                         WHERE page_token = $2 AND expires_at > $3 AND user_key IS NULL")
        .bind(locked.key.0)
        .bind(page.bytes())
        .bind(change.now().millis())
        .bind(scopes.map(ToString::to_string).as_deref());
        if change.execute(grant).await? == 0 {
            return Err(AccountsError::missing("login flow", ""));
        }
        change.commit().await
    }

    /// Ends a flow that this user has agreed to, and makes what was agreed to.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: there is no such flow any more. Those of
    /// [`AppPasswordsMut::create`](crate::store::app_passwords::AppPasswordsMut::create) and
    /// [`AppPasswordsMut::create_service_token`](crate::store::app_passwords::AppPasswordsMut::create_service_token),
    /// whose rights are checked as they are now.
    pub async fn redeem(
        self,
        user: &UserId,
        poll: &TokenHash,
    ) -> Result<(Token, AppPassword), AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(user, Right::Oneself).await?;
        // The request that deletes the row gets the password; another one finds nothing.
        let end = sql("DELETE FROM login_flows WHERE poll_token = $1 AND user_key = $2 AND expires_at > $3 \
                       RETURNING client, scopes")
        .bind(poll.bytes())
        .bind(locked.key.0)
        .bind(change.now().millis());
        let row = change.row(end).await?.ok_or_else(|| AccountsError::missing("login flow", ""))?;
        if !locked.user.enabled {
            return Err(AccountsError::missing("login flow", ""));
        }
        let service = ServiceToken::stored(row.text_or_null(1)?.as_deref(), None)?;
        let made = app_passwords::insert(&mut change, user, &row.text(0)?, service, None).await?;
        change.commit().await?;
        Ok(made)
    }
}
