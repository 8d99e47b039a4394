//! Pages for people: signing in and out, a lost password, and the little that somebody may do about their own account.
//!
//! They work without scripts and carry none, so the policy for browsers (CSP) forbids everything but our stylesheet, our picture
//! and our own forms. Every form knows the request token of the cookie that it was made for; no page tells who exists.
//!
//! | file | what lives there |
//! |---|---|
//! | `login`, `lost`, `personal` | what the pages do |
//! | `view` | what they say; the texts are in `templates/` |
//! | `visit` | who looks: cookie, address, and whether a form may be believed |
//! | `form` | forms, read strictly |
//! | `next` | where to go after signing in (pure) |
//! | `words` | browsers and moments in words (pure) |

mod form;
mod login;
mod lost;
mod next;
mod personal;
mod view;
mod visit;
mod words;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The routes of the pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(personal::home))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", get(login::ask_to_leave).post(login::sign_out))
        .route("/lostpassword", get(lost::show).post(lost::request))
        .route("/lostpassword/reset/{token}", get(lost::look).post(lost::redeem))
        .route("/settings", get(personal::show))
        .route("/settings/password", post(personal::change_password))
        .route("/settings/sessions/end", post(personal::end_sessions))
        .route("/settings/app-passwords", post(personal::make_token))
        .route("/settings/app-passwords/revoke", post(personal::revoke_token))
        .route("/pages/style.css", get(view::style))
        .route("/pages/icon.svg", get(view::icon))
}

/// A path as the log may have it: whoever reads a token there could set a password.
pub fn loggable(path: &str) -> &str {
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
        assert_eq!(loggable(&format!("/{}x", accounts::RESET_PATH)), "/lostpassword/reset/");
    }
}
