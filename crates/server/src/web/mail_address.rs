//! The mail address of an account: the form, and the target of confirmation links.
//!
//! Looking at a link changes nothing, because mail programs look at links before people do: the
//! button of the page confirms.

use accounts::{AccountsError, ConfirmError, EmailAddress, UserChange, UserId};
use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::account::{begin, confirm as confirm_session, overview};
use super::format::wait;
use super::page_request::{EarlyResponse, PageRequest, PageResult};
use super::program_response::waiting;
use super::templates::{ConfirmAddress, Notice, page};

/// `POST /settings/email`: needs the password.
///
/// An empty address removes the one that is there.
pub(super) async fn change(mut request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    if !request.app.settings().allow_user_to_change_display_name {
        let notice = Notice::bad(request.t("address-fixed"));
        return overview(&request, &session, StatusCode::FORBIDDEN, Some(notice), Some(&sent)).await;
    }
    let session = confirm_session(&mut request, session, &sent, ("current", "email-current")).await?;
    let Ok(address) = EmailAddress::parse_optional(sent.text("email")) else {
        let notice = Notice::bad(request.t("address-bad")).at("email");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return overview(&request, &session, status, Some(notice), Some(&sent)).await;
    };
    let accounts = request.accounts_of(&session);
    let change = UserChange::new().email(address);
    match accounts.users().change(&session.user().id, change).await {
        Ok(_) => Ok(request.redirect(&request.url_for("/settings?done=email"))),
        Err(error) => Err(request.failed(&error)),
    }
}

/// Stands for the token after the address was confirmed.
const DONE: &str = "done";

/// `GET /address/confirm/{token}`: looks, and changes nothing.
pub(super) async fn look(request: PageRequest) -> PageResult {
    if request.last_segment() == DONE {
        let (title, line) = (request.t("address-done"), request.t("address-done-text"));
        return Ok(request.message(StatusCode::OK, &title, &[&line], Some(request.account_link())));
    }
    let confirmation = request.app.address_confirmation();
    let found = confirmation.inspect(request.last_segment(), Some(request.origin.address)).await;
    let (user, address) = found.map_err(|error| refused(&request, &error))?;
    Ok(form(&request, &user, &address))
}

/// `POST /address/confirm/{token}`
pub(super) async fn confirm(request: PageRequest, body: Body) -> PageResult {
    // A caller who knows the token may use it, from any page: a forged form could do nothing
    // without it.
    request.form(body).await?;
    let confirmation = request.app.address_confirmation();
    let done = confirmation.confirm(request.last_segment(), Some(request.origin.address)).await;
    let (user, _) = done.map_err(|error| refused(&request, &error))?;
    tracing::info!(target: "audit", ?user, "confirmed a mail address by a link");
    Ok(request.redirect(&request.url_for(&format!("/address/confirm/{DONE}"))))
}

fn form(request: &PageRequest, user: &UserId, address: &EmailAddress) -> Response<Body> {
    let template = ConfirmAddress { frame: request.frame(), user: user.as_str(), address: address.as_str() };
    page(StatusCode::OK, &template)
}

/// Why an address was not confirmed.
fn refused(request: &PageRequest, error: &ConfirmError) -> EarlyResponse {
    match error {
        ConfirmError::Invalid => {
            let lines = [request.t("address-link-hint"), request.t("address-link-again")];
            let link = Some(request.account_link());
            let title = request.t("link-broken");
            request.message(StatusCode::NOT_FOUND, &title, &lines.each_ref().map(String::as_str), link).into()
        }
        ConfirmError::Taken => {
            let (title, line) = (request.t("address-taken"), request.t("address-taken-text"));
            request.message(StatusCode::CONFLICT, &title, &[&line], None).into()
        }
        ConfirmError::Throttled { retry_after } => {
            let wait = wait(request.language(), *retry_after);
            let line = request.t_with("too-many-links", &[("wait", wait.into())]);
            let title = request.t("temporarily-unavailable");
            let response = request.message(StatusCode::TOO_MANY_REQUESTS, &title, &[&line], None);
            waiting(response, Some(*retry_after)).into()
        }
        ConfirmError::Store(error) => request.failed(error),
        error => {
            tracing::error!(%error, "a mail address could not be confirmed");
            request.failed(&AccountsError::Stale { what: "link" })
        }
    }
}
