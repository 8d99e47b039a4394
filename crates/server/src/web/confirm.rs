//! Password confirmation in a session, valid for 15 minutes.
//!
//! It is a page, and a call for scripts of a page.
//!
//! The session continues under a new cookie: one that others have seen before gains nothing by it.
//!
//! A wrong password is a failed sign-in like any other: counted, delayed and logged.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use user_backend::Outcome;

use super::page_request::{PageRequest, PageResult};
use super::program_response::{json, message, waiting};
use super::refusal::refusal;
use super::templates::{Confirm, Notice};
use crate::auth::proof::ActiveSession;

/// `GET /login/confirm`
pub(super) async fn show(request: PageRequest) -> PageResult {
    let wanted = request.query_value("redirect_url");
    let next = request.next(wanted.as_deref());
    let session = request.require_session().await?;
    Ok(form(&request, &session, StatusCode::OK, None, next))
}

/// `POST /login/confirm`
pub(super) async fn submit(mut request: PageRequest, body: Body) -> PageResult {
    if request.is_from_program() {
        return by_program(request, body).await;
    }
    let session = request.require_session().await?;
    let sent = request.own_form(body).await?;
    let next = request.next(sent.get("redirect_url"));
    let decided = request.app.confirm_session(&session, sent.text("password"), &request.browser()).await;
    match decided.map_err(|error| request.failed(&error))? {
        Ok((_, cookie)) => {
            request.renew_cookie(&cookie);
            let to = next.map_or_else(|| request.url_for("/settings"), str::to_owned);
            Ok(request.redirect(&to))
        }
        Err(outcome) => {
            let (status, notice, wait) = refused(&request, &outcome);
            Ok(waiting(form(&request, &session, status, Some(notice.at("password")), next), wait))
        }
    }
}

/// The call: `password` in a form or in JSON, and the request token in a header.
async fn by_program(mut request: PageRequest, body: Body) -> PageResult {
    let (params, _charge) = request.own_params(body).await?;
    let Some(session) = request.session().await? else {
        return Ok(message(StatusCode::UNAUTHORIZED, "Current user is not logged in"));
    };
    let Ok(password) = params.once("password") else {
        return Ok(message(StatusCode::BAD_REQUEST, "The parameter password must be sent once, as one text"));
    };
    let decided = request.app.confirm_session(&session, password, &request.browser()).await;
    match decided.map_err(|error| request.failed(&error))? {
        Ok((confirmed, cookie)) => {
            request.renew_cookie(&cookie);
            let at = confirmed.confirmed().map_or(0, accounts::Timestamp::seconds);
            // The request token belongs to the cookie.
            let answer = serde_json::json!({ "lastLogin": at, "requesttoken": request.csrf_token() });
            Ok(request.with_cookie(json(StatusCode::OK, &answer)))
        }
        Err(outcome) => {
            let (status, notice, wait) = refused(&request, &outcome);
            Ok(waiting(message(status, notice.text()), wait))
        }
    }
}

fn form(
    request: &PageRequest,
    session: &ActiveSession,
    status: StatusCode,
    notice: Option<Notice>,
    next: Option<&str>,
) -> Response<Body> {
    let frame = request.own_frame().with_notice(notice);
    let (csrf_token, user) = (request.csrf_token(), session.user().id.as_str());
    request.form_page(status, &Confirm { frame, csrf_token, user, next })
}

fn refused(request: &PageRequest, outcome: &Outcome) -> (StatusCode, Notice, Option<Duration>) {
    refusal(request, outcome, StatusCode::FORBIDDEN, || Notice::bad(request.t("wrong-password")))
}
