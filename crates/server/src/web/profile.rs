//! Changing one's display name and language.

use accounts::{AccountsError, DisplayName, Language, User, UserChange};
use axum::body::Body;
use axum::http::StatusCode;

use super::account::{begin, overview};
use super::form::Form;
use super::language::PageLanguage;
use super::page_request::{PageRequest, PageResult};
use super::templates::Notice;

/// The longest display name, in characters, as at the API.
const MAX_NAME_CHARS: usize = 64;

/// `POST /settings/profile`
pub(super) async fn change(request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    let change = match wanted(&request, session.user(), &sent) {
        Ok(change) => change,
        Err((status, notice)) => {
            return overview(&request, &session, status, Some(notice), Some(&sent)).await;
        }
    };
    match request.accounts_of(&session).users().change(&session.user().id, change).await {
        Ok(_) => Ok(request.redirect(&request.url_for("/settings?done=profile"))),
        Err(AccountsError::Invalid { .. }) => {
            let notice = Notice::bad(request.t("name-bad")).at("display-name");
            overview(&request, &session, StatusCode::UNPROCESSABLE_ENTITY, Some(notice), Some(&sent)).await
        }
        Err(error) => Err(request.failed(&error)),
    }
}

/// What the form asks for.
///
/// A field that was not sent stays as it is.
fn wanted(request: &PageRequest, user: &User, sent: &Form) -> Result<UserChange, (StatusCode, Notice)> {
    let mut change = UserChange::new();
    if let Some(name) = sent.get("displayname") {
        if !request.app.settings().allow_user_to_change_display_name {
            return Err((StatusCode::FORBIDDEN, Notice::bad(request.t("name-fixed"))));
        }
        // One that is there may be older than a rule.
        if user.display_name.as_deref() != Some(name) {
            let is_short = name.trim().chars().count() <= MAX_NAME_CHARS;
            let name = DisplayName::parse_optional(name).ok().filter(|_| is_short);
            let bad = || Notice::bad(request.t("name-bad")).at("display-name");
            change = change.display_name(name.ok_or_else(|| (StatusCode::UNPROCESSABLE_ENTITY, bad()))?);
        }
    }
    if let Some(code) = sent.get("language") {
        let is_known = code.is_empty()
            || user.language.as_deref() == Some(code)
            || PageLanguage::ALL.iter().any(|language| language.code() == code);
        let language = Language::parse_optional(code).ok().filter(|_| is_known);
        let bad = || Notice::bad(request.t("language-bad")).at("language");
        change = change.language(language.ok_or_else(|| (StatusCode::UNPROCESSABLE_ENTITY, bad()))?);
    }
    Ok(change)
}
