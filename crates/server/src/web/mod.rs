//! Web pages: signing in and out, password reset, and the user's own account.
//!
//! They work without scripts and carry none, so the policy for browsers (CSP) forbids everything but our stylesheet, our picture
//! and our own forms. Every form knows the request token of the cookie that it was made for; no page reveals which accounts exist.
//!
//! | file | what lives there |
//! |---|---|
//! | `login`, `login_flow`, `confirm`, `password_reset`, `mail_address`, `account`, `app_passwords`, `service_tokens` | what the pages do |
//! | `refusal` | what they say about a sign-in that was not accepted |
//! | `templates` | what they say; the texts are in `templates/` |
//! | `page_request` | who looks: cookie, address, and whether a form may be believed |
//! | `form` | forms, read strictly |
//! | `redirect` | where to go after signing in (pure) |
//! | `format` | browsers and moments in words (pure) |

mod account;
mod app_passwords;
mod confirm;
mod form;
mod format;
mod login;
mod login_flow;
mod mail_address;
mod page_request;
mod password_reset;
pub(crate) mod redirect;
mod refusal;
mod service_tokens;
mod templates;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

/// The routes of the pages.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(account::home))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/login/confirm", get(confirm::show).post(confirm::submit))
        .route("/index.php/login/confirm", post(confirm::submit))
        .route("/login/v2", post(login_flow::begin))
        .route("/login/v2/poll", post(login_flow::poll))
        .route("/login/v2/flow/{token}", get(login_flow::show).post(login_flow::grant))
        .route("/logout", get(login::ask_to_leave).post(login::sign_out))
        .route("/lostpassword", get(password_reset::show).post(password_reset::request))
        .route("/lostpassword/reset/{token}", get(password_reset::look).post(password_reset::redeem))
        .route("/settings", get(account::show))
        .route("/address/confirm/{token}", get(mail_address::look).post(mail_address::confirm))
        .route("/settings/email", post(mail_address::change))
        .route("/settings/password", post(account::change_password))
        .route("/settings/sessions/end", post(account::end_sessions))
        .route("/settings/app-passwords", post(app_passwords::create))
        .route("/settings/app-passwords/revoke", post(app_passwords::revoke))
        .route("/settings/service-tokens", post(service_tokens::create))
        .route("/pages/style.css", get(templates::style))
        .route("/pages/icon.svg", get(templates::icon))
}
