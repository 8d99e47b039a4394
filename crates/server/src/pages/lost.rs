//! A lost password: asking for a link, and choosing a new password with it.
//!
//! Asking is answered alike for everybody, and who it is about is looked up later, by the worker that sends mails. Looking at a link
//! uses nothing up, because mail programs look at links before people do.

use std::time::Duration;

use accounts::SetError;
use accounts::{BadToken, LostPassword, RedeemError, RequestError, UserId};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::view::{Lost, Notice, Reset, lost_link, rules};
use super::visit::{Answer, Stop, Visit, seconds, waiting};

/// How long a new password may take: its rules may ask a server.
const TIME: Duration = Duration::from_secs(30);

/// `GET /lostpassword`
pub(super) async fn show(visit: Visit) -> Answer {
    match visit.app.resets().settings().lost_password_link() {
        LostPassword::Mail => {
            let template = Lost { frame: visit.frame(), ticket: visit.ticket(), notice: None };
            Ok(visit.form_page(StatusCode::OK, &template))
        }
        LostPassword::Elsewhere(url) => Ok(visit.go(url.as_str())),
        LostPassword::Disabled => Ok(disabled(&visit)),
    }
}

/// `POST /lostpassword`
pub(super) async fn request(visit: Visit, body: Body) -> Answer {
    let sent = visit.own_form(body).await?;
    match visit.app.resets().request(sent.text("user"), Some(visit.origin.address)).await {
        Ok(()) => {
            let lines = &[
                "If there is an account of this name or address, if its password is kept here and its mail address is known, \
                 a mail with a link is on its way. The link works once, and not for long.",
                "Nothing has changed yet: the old password stays until a new one is chosen. If no mail comes, look for it \
                 under unwanted mail, or ask an administrator.",
            ];
            let link = Some(("Back to sign in", visit.at("/login")));
            Ok(visit.message(StatusCode::OK, "Look into your mail", lines, link))
        }
        Err(RequestError::Disabled) => Ok(disabled(&visit)),
        Err(RequestError::Throttled { retry_after }) => {
            let text = format!(
                "Too many requests came from your address. Wait {} s and try again.",
                seconds(retry_after)
            );
            let template =
                Lost { frame: visit.frame(), ticket: visit.ticket(), notice: Some(Notice::bad(text)) };
            Ok(waiting(visit.form_page(StatusCode::TOO_MANY_REQUESTS, &template), Some(retry_after)))
        }
        Err(RequestError::Store(error)) => Err(visit.failed(&error)),
        Err(error) => Err(odd(&visit, &error)),
    }
}

/// `GET /lostpassword/reset/{token}`: looks, and uses nothing up.
pub(super) async fn look(visit: Visit) -> Answer {
    let owner = visit.app.resets().inspect(visit.last_segment(), Some(visit.origin.address)).await;
    let owner = owner.map_err(|error| refused(&visit, &error))?;
    visit.app.rules().await.map_err(|error| visit.failed(&error))?;
    Ok(form(&visit, StatusCode::OK, &owner, None))
}

/// `POST /lostpassword/reset/{token}`
pub(super) async fn redeem(visit: Visit, body: Body) -> Answer {
    // Who knows the token may use it, from whatever page: there is nothing that a forged form could do without it.
    let sent = visit.form(body).await?;
    visit.app.rules().await.map_err(|error| visit.failed(&error))?;
    let (token, place) = (visit.last_segment(), Some(visit.origin.address));
    let again = sent.get("password2").is_none_or(|again| again == sent.text("password"));
    let complaint = match Password::parse(sent.text("password")) {
        _ if !again => "The two passwords differ.".to_owned(),
        Err(error) => sentence(&error.to_string()),
        Ok(new) => match visit.app.resets().redeem(token, &new, place, later(now(), TIME)).await {
            Ok(owner) => {
                tracing::info!(target: "audit", user = ?owner, "set a new password by a link");
                let lines = &[
                    "It counts from now on, and every session that the old one opened has ended.",
                    "Sign in with it wherever you need it.",
                ];
                let link = Some(("Sign in", visit.at("/login")));
                return Ok(visit.message(StatusCode::OK, "Your new password is set", lines, link));
            }
            Err(RedeemError::Set(SetError::Refused(why))) => why,
            Err(error) => return Err(refused(&visit, &error)),
        },
    };
    let owner = visit.app.resets().inspect(token, place).await.map_err(|error| refused(&visit, &error))?;
    Ok(form(&visit, StatusCode::UNPROCESSABLE_ENTITY, &owner, Some(Notice::bad(complaint))))
}

fn form(visit: &Visit, status: StatusCode, owner: &UserId, notice: Option<Notice>) -> Response<Body> {
    let template = Reset { frame: visit.frame(), notice, user: owner.as_str(), rules: rules(&visit.app) };
    super::view::page(status, &template)
}

/// There is no reset here.
fn disabled(visit: &Visit) -> Response<Body> {
    let lines = &["Ask an administrator for a new password."];
    let link = Some(("Back to sign in", visit.at("/login")));
    visit.message(StatusCode::FORBIDDEN, "Password reset is disabled", lines, link)
}

/// Why a link does not work, or not now.
fn refused(visit: &Visit, error: &RedeemError) -> Stop {
    match error {
        RedeemError::Token(bad) => {
            let why = format!("{bad}.");
            let hint = match bad {
                BadToken::Expired => "A link works for a short time only.",
                BadToken::Invalid => {
                    "A link works once, and only the newest one does; signing in, a new mail address or a new password end it, too."
                }
            };
            let link = lost_link(&visit.app).map(|link| ("Ask for another link", link));
            visit.message(StatusCode::NOT_FOUND, "This link does not work", &[&why, hint], link).into()
        }
        RedeemError::Throttled { retry_after } => {
            let line = format!(
                "Too many wrong links were tried from your address. Wait {} s.",
                seconds(*retry_after)
            );
            let response = visit.message(StatusCode::TOO_MANY_REQUESTS, "Not now", &[&line], None);
            waiting(response, Some(*retry_after)).into()
        }
        RedeemError::Set(SetError::Hasher(_)) => {
            let lines = &["The server is busy. Your link is still good: try again in a minute."];
            waiting(
                visit.message(StatusCode::SERVICE_UNAVAILABLE, "Not now", lines, None),
                Some(Duration::from_secs(60)),
            )
            .into()
        }
        RedeemError::Store(error) | RedeemError::Set(SetError::Store(error)) => visit.failed(error),
        error => odd(visit, error),
    }
}

fn odd(visit: &Visit, error: &dyn std::error::Error) -> Stop {
    tracing::error!(%error, "a password reset failed");
    let lines = &["Nothing was changed. Try again later."];
    visit.message(StatusCode::INTERNAL_SERVER_ERROR, "This did not work", lines, None).into()
}

/// An error text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
