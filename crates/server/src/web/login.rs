//! Signing in and out.
//!
//! Whoever failed reads the same page, byte for byte, whether there is such an account or not, wherever its password is kept:
//! "Wrong password. Reset it?" where a lost password can be replaced at all, "Wrong password." where it cannot.

use std::time::Duration;

use accounts::TokenHash;
use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::page_request::{Answer, Visit, seconds, waiting};
use super::templates::{Login, Logout, Notice, lost_link};
use crate::auth::session::NewSession;

/// `GET /login`
pub(super) async fn show(visit: Visit) -> Answer {
    let wanted = visit.asked("redirect_url");
    let next = visit.next(wanted.as_deref());
    if visit.session().await?.is_some() {
        return Ok(visit.go(&next.map_or_else(|| visit.at("/settings"), str::to_owned)));
    }
    let notice = match visit.asked("done").as_deref() {
        Some("password") => Some(Notice::good("Your password was changed. Sign in with the new one.")),
        Some("out") => Some(Notice::good("You are signed out.")),
        _ => None,
    };
    Ok(form(&visit, StatusCode::OK, notice, next))
}

/// `POST /login`
pub(super) async fn sign_in(visit: Visit, body: Body) -> Answer {
    let sent = visit.own_form(body).await?;
    let next = visit.next(sent.get("redirect_url"));
    let name = sent.text("user").trim();
    let begun = visit.app.begin_session(name, sent.text("password"), &visit.browser()).await;
    match begun.map_err(|error| visit.failed(&error))? {
        NewSession::Begun(token) => {
            let to = next.map_or_else(|| visit.at("/settings"), str::to_owned);
            Ok(visit.with_session(visit.go(&to), &token))
        }
        NewSession::Refused => Ok(form(&visit, StatusCode::UNAUTHORIZED, Some(wrong(&visit)), next)),
        NewSession::Throttled(wait) => {
            Ok(waiting(form(&visit, StatusCode::TOO_MANY_REQUESTS, Some(throttled(wait)), next), Some(wait)))
        }
        NewSession::Unavailable(wait) => {
            let response = form(&visit, StatusCode::SERVICE_UNAVAILABLE, Some(unavailable()), next);
            Ok(waiting(response, Some(wait)))
        }
    }
}

/// `GET /logout`: asks first, for a link alone shall sign nobody out.
pub(super) async fn ask_to_leave(visit: Visit) -> Answer {
    let Some(session) = visit.session().await? else { return Ok(visit.go(&visit.at("/login"))) };
    let user = session.user().id.as_str();
    Ok(visit.form_page(StatusCode::OK, &Logout { frame: visit.own_frame(), ticket: visit.ticket(), user }))
}

/// `POST /logout`
pub(super) async fn sign_out(visit: Visit, body: Body) -> Answer {
    let Some(session) = visit.session().await? else { return Ok(visit.go(&visit.at("/login"))) };
    visit.own_form(body).await?;
    let token: &TokenHash = session.token();
    visit.app.accounts().sessions().end(token).await.map_err(|error| visit.failed(&error))?;
    Ok(visit.without_session(visit.go(&visit.at("/login?done=out"))))
}

fn form(visit: &Visit, status: StatusCode, notice: Option<Notice>, next: Option<&str>) -> Response<Body> {
    let (frame, ticket, lost) = (visit.frame(), visit.ticket(), lost_link(&visit.app));
    visit.form_page(status, &Login { frame, ticket, notice, next, lost })
}

fn wrong(visit: &Visit) -> Notice {
    match lost_link(&visit.app) {
        Some(link) => Notice::bad("Wrong password. Reset it?").with_link(Some(link)),
        None => Notice::bad("Wrong password."),
    }
}

/// Too many wrong passwords came before.
pub(super) fn throttled(wait: Duration) -> Notice {
    let wait = seconds(wait);
    Notice::bad(format!(
        "Too many attempts failed. Wait {wait} s and try again; your password was not looked at."
    ))
}

/// Who could tell is away.
pub(super) fn unavailable() -> Notice {
    Notice::bad(
        "Passwords cannot be checked at the moment. Yours may well be right: try again in a few minutes.",
    )
}
