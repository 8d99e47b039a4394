//! A lost password: asking for a link, and choosing a new password with it.
//!
//! The answer to a request is the same for every name, and the account is looked up later, by the
//! worker that sends mails. Looking at a link uses nothing up, because mail programs look at links
//! before people do.

use std::time::Duration;

use accounts::SetError;
use accounts::{BadToken, LostPassword, RedeemError, RequestError, ResetPage};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::format::wait;
use super::new_password::impossible;
use super::page_request::{EarlyResponse, PageRequest, PageResult};
use super::program_response::waiting;
use super::templates::{LostPasswordPage, Notice, Reset, lost_link, rules};

/// How long a new password may take: its rules may ask a server.
const TIME: Duration = Duration::from_secs(30);

/// `GET /lostpassword`
pub(super) async fn show(request: PageRequest) -> PageResult {
    match request.app.resets().settings().lost_password_link() {
        LostPassword::Mail => {
            if request.query_value("done").as_deref() == Some("sent") {
                return Ok(sent_page(&request));
            }
            Ok(ask(&request, StatusCode::OK, None, ""))
        }
        LostPassword::Elsewhere(url) => Ok(request.redirect(url.as_str())),
        LostPassword::Disabled => Ok(disabled(&request)),
    }
}

/// `POST /lostpassword`
pub(super) async fn request(request: PageRequest, body: Body) -> PageResult {
    let (sent, is_ours) = request.visitor_form(body).await?;
    let typed = request.shown_name(&sent);
    if !is_ours {
        let notice = Notice::bad(request.t("form-expired"));
        return Ok(ask(&request, StatusCode::FORBIDDEN, Some(notice), typed));
    }
    match request.app.resets().request(sent.text("user"), Some(request.origin.address)).await {
        Ok(()) => Ok(request.redirect(&request.url_for("/lostpassword?done=sent"))),
        Err(RequestError::Disabled) => Ok(disabled(&request)),
        Err(RequestError::Throttled { retry_after }) => {
            let wait = wait(request.language(), retry_after);
            let notice = Notice::bad(request.t_with("too-many-requests", &[("wait", wait.into())]));
            let page = ask(&request, StatusCode::TOO_MANY_REQUESTS, Some(notice.at("user")), typed);
            Ok(waiting(page, Some(retry_after)))
        }
        Err(RequestError::Store(error)) => Err(request.failed(&error)),
        Err(error) => Err(odd(&request, &error)),
    }
}

/// The page that asks for a name.
fn ask(request: &PageRequest, status: StatusCode, notice: Option<Notice>, user: &str) -> Response<Body> {
    let frame = request.frame().with_notice(notice);
    request.form_page(status, &LostPasswordPage { frame, csrf_token: request.csrf_token(), user })
}

/// The page after a request, the same for every name.
fn sent_page(request: &PageRequest) -> Response<Body> {
    let lines = [request.t("sent-text"), request.t("sent-hint")];
    let link = Some((request.t("back-to-sign-in"), request.url_for("/login")));
    let title = request.t("sent-title");
    request.message(StatusCode::OK, &title, &lines.each_ref().map(String::as_str), link)
}

/// `GET /lostpassword/reset/{token}`: looks, and uses nothing up.
pub(super) async fn look(request: PageRequest) -> PageResult {
    let owner = request.app.resets().inspect(request.last_segment(), Some(request.origin.address)).await;
    let owner = owner.map_err(|error| refused(&request, &error))?;
    request.app.rules().await.map_err(|error| request.failed(&error))?;
    Ok(form(&request, StatusCode::OK, &owner, None))
}

/// `POST /lostpassword/reset/{token}`
pub(super) async fn redeem(request: PageRequest, body: Body) -> PageResult {
    // A caller who knows the token may use it, from any page: a forged form could do nothing
    // without it.
    let sent = request.form(body).await?;
    request.app.rules().await.map_err(|error| request.failed(&error))?;
    let (token, place) = (request.last_segment(), Some(request.origin.address));
    let again = sent.get("password2").is_none_or(|again| again == sent.text("password"));
    let complaint = match Password::parse(sent.text("password")) {
        _ if !again => Notice::bad(request.t("passwords-differ")).at("password2"),
        Err(error) => impossible(&request, sent.text("password"), &error),
        Ok(new) => match request.app.resets().redeem(token, &new, place, later(now(), TIME)).await {
            Ok(owner) => {
                tracing::info!(target: "audit", user = ?owner, "set a new password by a link");
                return Ok(request.redirect(&request.url_for("/login?done=reset")));
            }
            Err(RedeemError::Set(SetError::Refused(why))) => Notice::bad(why).at("password"),
            Err(error) => return Err(refused(&request, &error)),
        },
    };
    let owner =
        request.app.resets().inspect(token, place).await.map_err(|error| refused(&request, &error))?;
    Ok(form(&request, StatusCode::UNPROCESSABLE_ENTITY, &owner, Some(complaint)))
}

fn form(
    request: &PageRequest,
    status: StatusCode,
    found: &ResetPage,
    notice: Option<Notice>,
) -> Response<Body> {
    let frame = request.frame().with_notice(notice);
    let (user, welcome) = (found.user.as_str(), found.is_welcome);
    let template = Reset { frame, user, rules: rules(&request.app, request.language()), welcome };
    super::templates::page(status, &template)
}

/// There is no reset here.
fn disabled(request: &PageRequest) -> Response<Body> {
    let (title, line) = (request.t("reset-disabled"), request.t("reset-disabled-hint"));
    let link = Some((request.t("back-to-sign-in"), request.url_for("/login")));
    request.message(StatusCode::FORBIDDEN, &title, &[&line], link)
}

/// Why a link does not work, or not now.
fn refused(request: &PageRequest, error: &RedeemError) -> EarlyResponse {
    match error {
        RedeemError::Token(bad) => {
            let lines = match bad {
                BadToken::Expired => [request.t("link-expired"), request.t("link-expired-hint")],
                BadToken::Invalid => [request.t("link-invalid"), request.t("link-invalid-hint")],
            };
            let link = lost_link(&request.app).map(|link| (request.t("link-again"), link));
            let title = request.t("link-broken");
            request.message(StatusCode::NOT_FOUND, &title, &lines.each_ref().map(String::as_str), link).into()
        }
        RedeemError::Throttled { retry_after } => {
            let wait = wait(request.language(), *retry_after);
            let line = request.t_with("too-many-links", &[("wait", wait.into())]);
            let title = request.t("temporarily-unavailable");
            let response = request.message(StatusCode::TOO_MANY_REQUESTS, &title, &[&line], None);
            waiting(response, Some(*retry_after)).into()
        }
        RedeemError::Set(SetError::Hasher(_)) => {
            let (title, line) = (request.t("temporarily-unavailable"), request.t("busy-link"));
            let page = request.message(StatusCode::SERVICE_UNAVAILABLE, &title, &[&line], None);
            waiting(page, Some(Duration::from_secs(60))).into()
        }
        RedeemError::Store(error) | RedeemError::Set(SetError::Store(error)) => request.failed(error),
        error => odd(request, error),
    }
}

fn odd(request: &PageRequest, error: &dyn std::error::Error) -> EarlyResponse {
    tracing::error!(%error, "a password reset failed");
    let (title, line) = (request.t("went-wrong"), request.t("reset-failed"));
    request.message(StatusCode::INTERNAL_SERVER_ERROR, &title, &[&line], None).into()
}
