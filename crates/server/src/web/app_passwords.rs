//! Making and revoking app passwords on the page of one's own account.
//!
//! The form that makes one leads to another page, which shows it for a few minutes, so that loading
//! the page again makes no second.

use accounts::{AccountsError, Token};
use axum::body::Body;
use axum::http::StatusCode;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::account::{begin, confirm, overview};
use super::page_request::{PageRequest, PageResult};
use super::paging::query;
use super::templates::{NewToken, Notice, page};

/// Length of a group of characters.
const GROUP: usize = 5;

/// What the page shows.
#[derive(Deserialize, Serialize)]
struct ShownSecret {
    name: String,
    token: String,
    service: Option<String>,
}

impl Drop for ShownSecret {
    fn drop(&mut self) {
        self.token.zeroize();
    }
}

/// `POST /settings/app-passwords`
pub(super) async fn create(mut request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    let session = confirm(&mut request, session, &sent, ("password", "device-password")).await?;
    let id = &session.user().id;
    match request.accounts_of(&session).app_passwords().create(id, sent.text("name"), None).await {
        Ok((token, made)) => show_next(&request, id.as_str(), made.name, &token, None).await,
        Err(error @ AccountsError::Invalid { .. }) => {
            let is_full = matches!(error, AccountsError::Invalid { field: "app passwords of this user", .. });
            let text = if is_full { request.t("too-many-app-passwords") } else { request.t("app-name-bad") };
            let (status, notice) = (StatusCode::UNPROCESSABLE_ENTITY, Notice::bad(text).at("device-name"));
            overview(&request, &session, status, Some(notice), Some(&sent)).await
        }
        Err(error) => Err(request.failed(&error)),
    }
}

/// Sends the browser to the page that shows a token.
///
/// Where the token cannot be kept for that page, this answer shows it.
pub(super) async fn show_next(
    request: &PageRequest,
    user: &str,
    name: String,
    token: &Token,
    service: Option<String>,
) -> PageResult {
    let secret = ShownSecret { name, token: token.expose().to_owned(), service };
    if request.keep_shown(&secret).await? {
        return Ok(request.redirect(&request.url_for("/settings/app-passwords/new")));
    }
    Ok(shown(request, user, &secret))
}

/// `GET /settings/app-passwords/new`
pub(super) async fn show(request: PageRequest) -> PageResult {
    let session = request.require_session().await?;
    match request.shown::<ShownSecret>().await? {
        Some(secret) => Ok(shown(&request, session.user().id.as_str(), &secret)),
        None => Ok(request.redirect(&request.url_for("/settings#devices"))),
    }
}

fn shown(request: &PageRequest, user: &str, secret: &ShownSecret) -> axum::http::Response<Body> {
    let token = secret.token.as_str();
    let groups = (0..token.len()).step_by(GROUP);
    let groups = groups.filter_map(|at| token.get(at..token.len().min(at + GROUP)));
    let template = NewToken {
        frame: request.own_frame(),
        name: &secret.name,
        user,
        server: request.server_url(),
        token,
        groups: groups.collect(),
        code: secret.service.is_none().then(|| code(token)).flatten(),
        service: secret.service.as_deref(),
    };
    request.with_cookie(page(StatusCode::OK, &template))
}

/// A QR code in SVG, dark on light in every theme.
fn code(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(180, 180).build();
    // Without the declaration of XML, which HTML does not know.
    picture.find("<svg").and_then(|at| picture.get(at..)).map(str::to_owned)
}

/// `POST /settings/app-passwords/revoke`
pub(super) async fn revoke(request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    if let Ok(key) = sent.text("key").parse() {
        match request.accounts_of(&session).app_passwords().revoke(&session.user().id, key).await {
            // One that is gone is what was wanted.
            Ok(()) | Err(AccountsError::NotFound { .. }) => {}
            Err(error) => return Err(request.failed(&error)),
        }
    }
    let part = query(&request, "devices", '&');
    Ok(request.redirect(&request.url_for(&format!("/settings?done=revoked{part}"))))
}
