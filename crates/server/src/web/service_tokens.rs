//! Making service tokens on the page of one's own account, for administrators. They are listed and revoked with app passwords.

use accounts::{AccountsError, Expiry, SourceNetworks, TokenScope, TokenScopes};
use axum::body::Body;
use axum::http::StatusCode;

use super::account::{begin, confirm, overview};
use super::form::Form;
use super::page_request::{PageRequest, PageResult};
use super::templates::{NewToken, Notice, page, sentence};

/// What stands before the name of a scope in the name of its box.
const BOX: &str = "scope:";

/// `POST /settings/service-tokens`
pub(super) async fn create(mut request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    let session = confirm(&mut request, session, sent.text("password")).await?;
    let accounts = request.accounts_of(&session);
    let wanted = wanted(&sent, accounts.now());
    let (id, tokens) = (&session.user().id, accounts.app_passwords());
    let made = match wanted {
        Ok((scopes, networks, expires)) => {
            tokens.create_service_token(id, sent.text("name"), scopes, networks, expires).await
        }
        Err(error) => Err(error),
    };
    let (status, notice) = match made {
        Ok((token, made)) => {
            let template = NewToken {
                frame: request.own_frame(),
                name: &made.name,
                user: id.as_str(),
                token: token.expose(),
                service: made.service.map(|service| service.to_string()),
            };
            return Ok(request.with_cookie(page(StatusCode::OK, &template)));
        }
        Err(AccountsError::Forbidden { .. }) => {
            let text = "Only administrators make service tokens.".to_owned();
            (StatusCode::FORBIDDEN, text)
        }
        Err(AccountsError::Invalid { field: "app passwords of this user", .. }) => {
            let text =
                "You have 100 app passwords and service tokens. Revoke one that you no longer use first.";
            (StatusCode::UNPROCESSABLE_ENTITY, text.to_owned())
        }
        Err(error @ AccountsError::Invalid { .. }) => {
            (StatusCode::UNPROCESSABLE_ENTITY, sentence(&error.to_string()))
        }
        Err(error) => return Err(request.failed(&error)),
    };
    overview(&request, &session, status, Some(Notice::bad(notice))).await
}

type Wanted = (TokenScopes, SourceNetworks, Option<accounts::Timestamp>);

/// What the form asks for.
fn wanted(sent: &Form, now: accounts::Timestamp) -> Result<Wanted, AccountsError> {
    let calls = TokenScope::ALL.iter().map(|scope| scope.as_str());
    let calls = calls.filter(|scope| sent.get(&format!("{BOX}{scope}")).is_some()).map(str::to_owned);
    let frontends = sent.text("frontends").split_whitespace().map(|name| format!("frontend:{name}"));
    let scopes = TokenScopes::parse(calls.chain(frontends))?;
    let networks = SourceNetworks::parse(sent.text("networks").split_whitespace())?;
    let expires = sent.text("expires").trim();
    let expires = if expires.is_empty() { None } else { Some(expires.parse::<Expiry>()?.in_future(now)?) };
    Ok((scopes, networks, expires))
}
