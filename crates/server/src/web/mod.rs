//! Web pages: signing in and out, password reset, and the user's own account.
//!
//! They work without scripts. One small script shows passwords, copies texts and writes
//! times in the reader's zone; the policy for browsers (CSP) allows nothing but our stylesheet,
//! that script, our image and our forms. No page reveals which accounts exist.
//!
//! | file | contents |
//! |---|---|
//! | `login`, `login_flow`, `confirm`, `password_reset`, `mail_address`, `account`, `profile`, `app_passwords`, `service_tokens` | what the pages do |
//! | `admin` | administration: one table of pages, which call the operations of the API |
//! | `refusal`, `new_password` | what they say about a sign-in or a new password that was not accepted |
//! | `templates` | what they show; the layout is in `templates/` |
//! | `program_response` | what they answer to programs |
//! | `language` | what they say; the texts are in `locales/` |
//! | `page_request` | the client: cookie, address, language, and whether a form is trusted |
//! | `form` | forms, read strictly |
//! | `paging` | lists in parts |
//! | `redirect` | where to go after signing in (pure) |
//! | `format` | browsers, moments and waits in words (pure) |

mod account;
pub(crate) mod admin;
mod app_passwords;
mod confirm;
mod form;
mod format;
pub(crate) mod language;
mod login;
mod login_flow;
mod mail_address;
mod new_password;
mod page_request;
mod paging;
mod password_reset;
mod profile;
mod program_response;
pub(crate) mod redirect;
mod refusal;
mod service_tokens;
mod templates;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::ACCEPT;
use axum::http::{Method, Response};
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::problem::not_found;
use crate::state::AppState;
use page_request::PageRequest;

/// The routes of the pages.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(account::home))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/login/confirm", get(confirm::show).post(confirm::submit))
        .route("/login/v2", post(login_flow::begin))
        .route("/login/v2/poll", post(login_flow::poll))
        .route("/login/v2/flow/{token}", get(login_flow::show).post(login_flow::grant))
        .route("/logout", get(login::ask_to_leave).post(login::sign_out))
        .route("/lostpassword", get(password_reset::show).post(password_reset::request))
        .route("/lostpassword/reset/{token}", get(password_reset::look).post(password_reset::redeem))
        .route("/settings", get(account::show))
        .route("/address/confirm/{token}", get(mail_address::look).post(mail_address::confirm))
        .route("/settings/email", post(mail_address::change))
        .route("/settings/profile", post(profile::change))
        .route("/settings/password", post(account::change_password))
        .route("/settings/sessions/end", post(account::end_sessions))
        .route("/settings/app-passwords", post(app_passwords::create))
        .route("/settings/app-passwords/new", get(app_passwords::show))
        .route("/settings/app-passwords/revoke", post(app_passwords::revoke))
        .route("/settings/service-tokens", post(service_tokens::create))
        .route("/.well-known/change-password", get(account::change_password_page))
        .merge(admin::router())
        .route("/pages/{name}", get(templates::asset))
}

/// Pages whose address is often typed.
const TYPED: &[&str] = &["/admin", "/login", "/logout", "/lostpassword", "/settings"];

/// The answer to an address that leads nowhere: a page for people, JSON for programs.
pub(crate) async fn missing(app: &AppState, request: Request) -> Response<Body> {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || !accept.to_ascii_lowercase().contains("text/html") {
        return not_found();
    }
    let (mut parts, _) = request.into_parts();
    match PageRequest::from_request_parts(&mut parts, app).await {
        Ok(request) => {
            let typed = parts.uri.path().trim_end_matches('/').to_ascii_lowercase();
            match TYPED.iter().find(|path| **path == typed && parts.uri.path() != **path) {
                Some(path) => request.redirect(&request.url_for(path)),
                None => request.missing(),
            }
        }
        Err(early) => early.into_response(),
    }
}
