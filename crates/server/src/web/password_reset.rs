//! A lost password: asking for a link, and choosing a new password with it.
//!
//! The answer to a request is the same for every name, and the account is looked up later, by the worker that sends mails. Looking
//! at a link uses nothing up, because mail programs look at links before people do.

use std::time::Duration;

use accounts::SetError;
use accounts::{BadToken, LostPassword, RedeemError, RequestError, ResetPage};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::page_request::{EarlyResponse, PageRequest, PageResult, seconds, waiting};
use super::templates::{LostPasswordPage, Notice, Reset, lost_link, rules, sentence};

/// How long a new password may take: its rules may ask a server.
const TIME: Duration = Duration::from_secs(30);

/// `GET /lostpassword`
pub(super) async fn show(request: PageRequest) -> PageResult {
    match request.app.resets().settings().lost_password_link() {
        LostPassword::Mail => {
            let template =
                LostPasswordPage { frame: request.frame(), csrf_token: request.csrf_token(), notice: None };
            Ok(request.form_page(StatusCode::OK, &template))
        }
        LostPassword::Elsewhere(url) => Ok(request.redirect(url.as_str())),
        LostPassword::Disabled => Ok(disabled(&request)),
    }
}

/// `POST /lostpassword`
pub(super) async fn request(request: PageRequest, body: Body) -> PageResult {
    let sent = request.own_form(body).await?;
    match request.app.resets().request(sent.text("user"), Some(request.origin.address)).await {
        Ok(()) => {
            let lines = &[
                "If there is an account with this name or confirmed mail address, we have sent a mail to its confirmed mail \
                 address. The mail has a link to choose a new password, or says where the password of the account is kept.",
                "Your password has not changed. If no mail arrives, look into your spam folder, or ask an administrator.",
            ];
            let link = Some(("Back to sign in", request.url_for("/login")));
            Ok(request.message(StatusCode::OK, "Check your mail", lines, link))
        }
        Err(RequestError::Disabled) => Ok(disabled(&request)),
        Err(RequestError::Throttled { retry_after }) => {
            let text = format!(
                "Too many requests came from your network address. Wait {} s and try again.",
                seconds(retry_after)
            );
            let template = LostPasswordPage {
                frame: request.frame(),
                csrf_token: request.csrf_token(),
                notice: Some(Notice::bad(text)),
            };
            Ok(waiting(request.form_page(StatusCode::TOO_MANY_REQUESTS, &template), Some(retry_after)))
        }
        Err(RequestError::Store(error)) => Err(request.failed(&error)),
        Err(error) => Err(odd(&request, &error)),
    }
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
    // A caller who knows the token may use it, from any page: a forged form could do nothing without it.
    let sent = request.form(body).await?;
    request.app.rules().await.map_err(|error| request.failed(&error))?;
    let (token, place) = (request.last_segment(), Some(request.origin.address));
    let again = sent.get("password2").is_none_or(|again| again == sent.text("password"));
    let complaint = match Password::parse(sent.text("password")) {
        _ if !again => "The two passwords differ.".to_owned(),
        Err(error) => sentence(&error.to_string()),
        Ok(new) => match request.app.resets().redeem(token, &new, place, later(now(), TIME)).await {
            Ok(owner) => {
                tracing::info!(target: "audit", user = ?owner, "set a new password by a link");
                let lines = &["You can sign in with it now. Sessions that were open have ended."];
                let link = Some(("Sign in", request.url_for("/login")));
                return Ok(request.message(StatusCode::OK, "Your password is set", lines, link));
            }
            Err(RedeemError::Set(SetError::Refused(why))) => why,
            Err(error) => return Err(refused(&request, &error)),
        },
    };
    let owner =
        request.app.resets().inspect(token, place).await.map_err(|error| refused(&request, &error))?;
    Ok(form(&request, StatusCode::UNPROCESSABLE_ENTITY, &owner, Some(Notice::bad(complaint))))
}

fn form(
    request: &PageRequest,
    status: StatusCode,
    found: &ResetPage,
    notice: Option<Notice>,
) -> Response<Body> {
    let (frame, rules) = (request.frame(), rules(&request.app));
    let (user, welcome) = (found.user.as_str(), found.is_welcome);
    let template = Reset { frame, notice, user, rules, welcome };
    super::templates::page(status, &template)
}

/// There is no reset here.
fn disabled(request: &PageRequest) -> Response<Body> {
    let lines = &["Ask an administrator for a new password."];
    let link = Some(("Back to sign in", request.url_for("/login")));
    request.message(StatusCode::FORBIDDEN, "Password reset is disabled", lines, link)
}

/// Why a link does not work, or not now.
fn refused(request: &PageRequest, error: &RedeemError) -> EarlyResponse {
    match error {
        RedeemError::Token(bad) => {
            let why = format!("{bad}.");
            let hint = match bad {
                BadToken::Expired => "A link works for a limited time.",
                BadToken::Invalid => {
                    "A link works once, and only the newest one does. Signing in, another mail address or a new password ends it, too."
                }
            };
            let link = lost_link(&request.app).map(|link| ("Ask for another link", link));
            request.message(StatusCode::NOT_FOUND, "This link does not work", &[&why, hint], link).into()
        }
        RedeemError::Throttled { retry_after } => {
            let line = format!(
                "Too many wrong links were tried from your network address. Wait {} s.",
                seconds(*retry_after)
            );
            let response =
                request.message(StatusCode::TOO_MANY_REQUESTS, "Temporarily unavailable", &[&line], None);
            waiting(response, Some(*retry_after)).into()
        }
        RedeemError::Set(SetError::Hasher(_)) => {
            let lines = &["The server is busy. Your link is still good: try again in a minute."];
            waiting(
                request.message(StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable", lines, None),
                Some(Duration::from_secs(60)),
            )
            .into()
        }
        RedeemError::Store(error) | RedeemError::Set(SetError::Store(error)) => request.failed(error),
        error => odd(request, error),
    }
}

fn odd(request: &PageRequest, error: &dyn std::error::Error) -> EarlyResponse {
    tracing::error!(%error, "a password reset failed");
    let lines = &["Nothing was changed. Try again later."];
    request.message(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", lines, None).into()
}
