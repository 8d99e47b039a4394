//! Pages for people: signing in and out, a lost password, and the little that somebody may do about their own account.
//!
//! They work without scripts and carry none, so the policy for browsers (CSP) forbids everything but our stylesheet, our picture
//! and our own forms. Every form knows the request token of the cookie that it was made for; no page tells who exists.
//!
//! | file | what lives there |
//! |---|---|
//! | `login`, `password_reset`, `account` | what the pages do |
//! | `templates` | what they say; the texts are in `templates/` |
//! | `page_request` | who looks: cookie, address, and whether a form may be believed |
//! | `form` | forms, read strictly |
//! | `redirect` | where to go after signing in (pure) |
//! | `format` | browsers and moments in words (pure) |

mod account;
mod form;
mod format;
mod login;
mod page_request;
mod password_reset;
mod redirect;
mod templates;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

/// The routes of the pages.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(account::home))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", get(login::ask_to_leave).post(login::sign_out))
        .route("/lostpassword", get(password_reset::show).post(password_reset::request))
        .route("/lostpassword/reset/{token}", get(password_reset::look).post(password_reset::redeem))
        .route("/settings", get(account::show))
        .route("/settings/password", post(account::change_password))
        .route("/settings/sessions/end", post(account::end_sessions))
        .route("/settings/app-passwords", post(account::make_token))
        .route("/settings/app-passwords/revoke", post(account::revoke_token))
        .route("/pages/style.css", get(templates::style))
        .route("/pages/icon.svg", get(templates::icon))
}

/// A path as the log may have it: whoever reads a token there could set a password.
pub(crate) fn loggable(path: &str) -> &str {
    const SECRET: &str = "/lostpassword/reset/";
    match path.find(SECRET) {
        Some(at) => path.get(..at + SECRET.len()).unwrap_or(SECRET),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_no_token() {
        assert_eq!(loggable("/lostpassword/reset/abc"), "/lostpassword/reset/");
        assert_eq!(loggable("//cloud/lostpassword/reset/abc/d"), "//cloud/lostpassword/reset/");
        assert_eq!(loggable("/settings"), "/settings");
    }

    #[test]
    fn mails_point_to_the_page_that_takes_tokens() {
        assert_eq!(loggable(&format!("/{}x", accounts::reset::RESET_PATH)), "/lostpassword/reset/");
    }
}
