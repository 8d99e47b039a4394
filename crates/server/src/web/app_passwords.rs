//! Making and revoking app passwords on the page of one's own account.

use accounts::AccountsError;
use axum::body::Body;
use axum::http::StatusCode;

use super::account::{begin, confirm, overview};
use super::page_request::{PageRequest, PageResult};
use super::templates::{NewToken, Notice, page};

/// `POST /settings/app-passwords`
pub(super) async fn create(mut request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    let session = confirm(&mut request, session, sent.text("password")).await?;
    let id = &session.user().id;
    match request.accounts_of(&session).app_passwords().create(id, sent.text("name"), None).await {
        Ok((token, made)) => {
            let template = NewToken {
                frame: request.own_frame(),
                name: &made.name,
                user: id.as_str(),
                token: token.expose(),
                service: None,
            };
            Ok(request.with_cookie(page(StatusCode::OK, &template)))
        }
        Err(AccountsError::Invalid { field: "app passwords of this user", .. }) => {
            let notice = Notice::bad("You have 100 app passwords. Revoke one that you no longer use first.");
            overview(&request, &session, StatusCode::UNPROCESSABLE_ENTITY, Some(notice)).await
        }
        Err(AccountsError::Invalid { .. }) => {
            let notice = Notice::bad("Enter a shorter name for the app password, in one line.");
            overview(&request, &session, StatusCode::UNPROCESSABLE_ENTITY, Some(notice)).await
        }
        Err(error) => Err(request.failed(&error)),
    }
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
    Ok(request.redirect(&request.url_for("/settings?done=revoked")))
}
