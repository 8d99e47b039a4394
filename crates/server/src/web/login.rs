//! Signing in and out.
//!
//! A failed sign-in gets the same page, byte for byte apart from the name that was typed, whether
//! the account exists or not, wherever its password is kept: "Wrong password. Reset it?" where a
//! lost password can be replaced at all, "Wrong password." where it cannot.

use accounts::TokenHash;
use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::page_request::{PageRequest, PageResult};
use super::program_response::waiting;
use super::refusal::refusal;
use super::templates::{Login, Logout, Notice, allow_form_action, lost_link};

/// `GET /login`
pub(super) async fn show(request: PageRequest) -> PageResult {
    let wanted = request.query_value("redirect_url");
    let next = request.next_on_any_host(wanted.as_deref());
    if request.session().await?.is_some() {
        return Ok(request.redirect(&target(&request, next)));
    }
    let notice = match request.query_value("done").as_deref() {
        Some("password") => Some(Notice::good(request.t("done-password"))),
        Some("reset") => Some(Notice::good(request.t("done-reset"))),
        Some("out") => Some(Notice::good(request.t("done-out"))),
        _ => None,
    };
    Ok(form(&request, StatusCode::OK, notice, next, ("", false)))
}

/// `POST /login`
pub(super) async fn sign_in(mut request: PageRequest, body: Body) -> PageResult {
    let (sent, is_ours) = request.visitor_form(body).await?;
    let next = request.next_on_any_host(sent.get("redirect_url"));
    let stays = sent.get("stay").is_some() && request.app.stay().is_some();
    let typed = (request.shown_name(&sent), stays);
    if !is_ours {
        let notice = Notice::bad(request.t("form-expired"));
        return Ok(form(&request, StatusCode::FORBIDDEN, Some(notice), next, typed));
    }
    let (name, password) = (sent.text("user").trim(), sent.text("password"));
    let begun = request.app.begin_session(name, password, &request.browser(), stays).await;
    match begun.map_err(|error| request.failed(&error))? {
        Ok(cookie) => {
            request.renew_cookie(&cookie);
            Ok(request.redirect(&target(&request, next)))
        }
        Err(outcome) => {
            let (status, notice, wait) =
                refusal(&request, &outcome, StatusCode::UNAUTHORIZED, || wrong(&request));
            let notice = notice.at("password");
            Ok(waiting(form(&request, status, Some(notice), next, typed), wait))
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

/// The page, with the name that was typed and whether to stay signed in.
fn form(
    request: &PageRequest,
    status: StatusCode,
    notice: Option<Notice>,
    next: Next<'_>,
    (user, stays): (&str, bool),
) -> Response<Body> {
    let (next, origin) = next.unzip();
    let days = request.app.settings().pages.stay_signed_in_days;
    let login = Login {
        frame: request.frame().with_notice(notice),
        csrf_token: request.csrf_token(),
        user,
        next,
        lost: lost_link(&request.app),
        takes_addresses: request.app.takes_addresses(),
        stay: (days > 0).then_some(days),
        stays,
    };
    let mut response = request.form_page(status, &login);
    if let Some(origin) = origin.flatten() {
        allow_form_action(&mut response, origin);
    }
    response
}

fn wrong(request: &PageRequest) -> Notice {
    let notice = Notice::bad(request.t("wrong-password"));
    match lost_link(&request.app) {
        Some(link) => notice.with_link(request.t("reset-it"), link),
        None => notice,
    }
}
