//! Signing in and out.
//!
//! A failed sign-in gets the same page, byte for byte, whether the account exists or not, wherever its password is kept:
//! "Wrong password. Reset it?" where a lost password can be replaced at all, "Wrong password." where it cannot.

use accounts::TokenHash;
use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::page_request::{PageRequest, PageResult, waiting};
use super::refusal::refusal;
use super::templates::{Login, Logout, Notice, allow_form_action, lost_link};

/// `GET /login`
pub(super) async fn show(request: PageRequest) -> PageResult {
    let wanted = request.asked("redirect_url");
    let next = request.next_on_any_host(wanted.as_deref());
    if request.session().await?.is_some() {
        return Ok(request.redirect(&target(&request, next)));
    }
    let notice = match request.asked("done").as_deref() {
        Some("password") => Some(Notice::good("Your password has been changed. Sign in with the new one.")),
        Some("out") => Some(Notice::good("You are signed out.")),
        _ => None,
    };
    Ok(form(&request, StatusCode::OK, notice, next))
}

/// `POST /login`
pub(super) async fn sign_in(request: PageRequest, body: Body) -> PageResult {
    let sent = request.own_form(body).await?;
    let next = request.next_on_any_host(sent.get("redirect_url"));
    let name = sent.text("user").trim();
    let begun = request.app.begin_session(name, sent.text("password"), &request.browser()).await;
    match begun.map_err(|error| request.failed(&error))? {
        Ok(token) => Ok(request.with_session(request.redirect(&target(&request, next)), &token)),
        Err(outcome) => {
            let (status, notice, wait) = refusal(&outcome, StatusCode::UNAUTHORIZED, || wrong(&request));
            Ok(waiting(form(&request, status, Some(notice), next), wait))
        }
    }
}

/// `GET /logout`: asks first, because a link alone must not sign a user out.
pub(super) async fn ask_to_leave(request: PageRequest) -> PageResult {
    let Some(session) = request.session().await? else {
        return Ok(request.redirect(&request.url_for("/login")));
    };
    let user = session.user().id.as_str();
    Ok(request.form_page(
        StatusCode::OK,
        &Logout { frame: request.own_frame(), csrf_token: request.csrf_token(), user },
    ))
}

/// `POST /logout`
pub(super) async fn sign_out(request: PageRequest, body: Body) -> PageResult {
    let Some(session) = request.session().await? else {
        return Ok(request.redirect(&request.url_for("/login")));
    };
    request.own_form(body).await?;
    let token: &TokenHash = session.token();
    request.accounts_of(&session).sessions().end(token).await.map_err(|error| request.failed(&error))?;
    Ok(request.without_session(request.redirect(&request.url_for("/login?done=out"))))
}

/// Where to go after signing in: address and, on another host, its origin.
type Next<'a> = Option<(&'a str, Option<&'a str>)>;

fn target(request: &PageRequest, next: Next<'_>) -> String {
    next.map_or_else(|| request.url_for("/settings"), |(address, _)| address.to_owned())
}

fn form(request: &PageRequest, status: StatusCode, notice: Option<Notice>, next: Next<'_>) -> Response<Body> {
    let (next, origin) = next.unzip();
    let (frame, csrf_token, lost) = (request.frame(), request.csrf_token(), lost_link(&request.app));
    let takes_addresses = request.app.takes_addresses();
    let login = Login { frame, csrf_token, notice, next, lost, takes_addresses };
    let mut response = request.form_page(status, &login);
    if let Some(origin) = origin.flatten() {
        allow_form_action(&mut response, origin);
    }
    response
}

fn wrong(request: &PageRequest) -> Notice {
    match lost_link(&request.app) {
        Some(link) => Notice::bad("Wrong password. Reset it?").with_link(Some(link)),
        None => Notice::bad("Wrong password."),
    }
}
