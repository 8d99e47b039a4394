//! Making service tokens on the page of one's own account, for administrators.
//!
//! They are listed and revoked with app passwords.

use accounts::{AccountsError, Expiry, SourceNetworks, TokenScope, TokenScopes};
use axum::body::Body;
use axum::http::StatusCode;

use super::account::{begin, confirm, overview};
use super::app_passwords::show_next;
use super::form::Form;
use super::page_request::{PageRequest, PageResult};
use super::templates::{Notice, sentence};

/// What stands before the name of a scope in the name of its box.
const BOX: &str = "scope:";

/// `POST /settings/service-tokens`
pub(super) async fn create(mut request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    let session = confirm(&mut request, session, &sent, ("password", "service-password")).await?;
    let accounts = request.accounts_of(&session);
    let wanted = wanted(&sent, accounts.now());
    let (id, tokens) = (&session.user().id, accounts.app_passwords());
    let made = match wanted {
        Ok((scopes, networks, expires)) => tokens
            .create_service_token(id, sent.text("name"), scopes, networks, expires)
            .await
            .map_err(|error| ("service-name", error)),
        Err(wrong) => Err(wrong),
    };
    let (status, notice) = match made {
        Ok((token, made)) => {
            let service = made.service.map(|service| service.to_string());
            return show_next(&request, id.as_str(), made.name, &token, service).await;
        }
        Err((_, AccountsError::Forbidden { .. })) => {
            (StatusCode::FORBIDDEN, Notice::bad(request.t("only-admins")))
        }
        Err((field, AccountsError::Invalid { field: "app passwords of this user", .. })) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Notice::bad(request.t("too-many-tokens")).at(field))
        }
        Err((field, error @ AccountsError::Invalid { .. })) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Notice::bad(sentence(&error.to_string())).at(field))
        }
        Err((_, error)) => return Err(request.failed(&error)),
    };
    overview(&request, &session, status, Some(notice), Some(&sent)).await
}

/// The scopes whose boxes are ticked.
pub(super) fn chosen_scopes(sent: &Form) -> impl Iterator<Item = String> {
    let calls = TokenScope::ALL.iter().map(|scope| scope.as_str());
    calls.filter(|scope| sent.get(&format!("{BOX}{scope}")).is_some()).map(str::to_owned)
}

type Wanted = (TokenScopes, SourceNetworks, Option<accounts::Timestamp>);

/// What the form asks for, or the field that is wrong.
fn wanted(sent: &Form, now: accounts::Timestamp) -> Result<Wanted, (&'static str, AccountsError)> {
    let calls = chosen_scopes(sent);
    let frontends = sent.text("frontends").split_whitespace().map(|name| format!("frontend:{name}"));
    let scopes = TokenScopes::parse(calls.chain(frontends)).map_err(|error| ("frontends", error))?;
    let networks = SourceNetworks::parse(sent.text("networks").split_whitespace());
    let networks = networks.map_err(|error| ("networks", error))?;
    let expires = sent.text("expires").trim();
    let expires = if expires.is_empty() {
        None
    } else {
        let expires = expires.parse::<Expiry>().and_then(|expires| expires.in_future(now));
        Some(expires.map_err(|error| ("expires", error))?)
    };
    Ok((scopes, networks, expires))
}
