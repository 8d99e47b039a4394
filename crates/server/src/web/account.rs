//! The page of one's own account: look at it, change the password, end sessions.
//!
//! What outlives the session, a new password or an app password, asks for the current password in
//! the same form. That is a sign-in like any other, and confirms the session.

use std::time::Duration;

use accounts::SetError;
use accounts::{
    AccountsError, AppPassword, AppPasswordPolicy, PasswordKeeperLookup, Session, TokenHash, TokenScope, User,
};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::form::Form;
use super::format::{ShownTime, browser};
use super::language::PageLanguage;
use super::new_password::impossible;
use super::page_request::{EarlyResponse, PageRequest, PageResult};
use super::paging::{part, query};
use super::program_response::waiting;
use super::refusal::refusal;
use super::templates::{
    ExternalPasswordPage, Notice, Personal, ShownAddress, ShownLanguage, ShownSession, ShownToken, Typed,
    rules,
};
use crate::auth::proof::ActiveSession;
use crate::auth::session::Browser;

/// Deadline for setting a password; its rules may query a server.
const TIME: Duration = Duration::from_secs(30);

/// `GET /`
pub(super) async fn home(request: PageRequest) -> Response<Body> {
    request.redirect(&request.url_for("/settings"))
}

/// `GET /settings`
pub(super) async fn show(request: PageRequest) -> PageResult {
    let session = request.require_session().await?;
    let notice = match request.query_value("done").as_deref() {
        Some("ended") => Some(Notice::good(request.t("done-ended"))),
        Some("others") => Some(Notice::good(request.t("done-others"))),
        Some("profile") => Some(Notice::good(request.t("done-profile"))),
        Some("email") => Some(address_changed(&request, session.user())),
        Some("revoked") => Some(Notice::good(request.t("done-revoked"))),
        _ => None,
    };
    overview(&request, &session, StatusCode::OK, notice, None).await
}

/// The notice after the address was changed.
fn address_changed(request: &PageRequest, user: &User) -> Notice {
    Notice::good(match user.pending_email() {
        None => request.t("done-email"),
        Some(_) if request.app.settings().mail.is_some() => request.t("done-email-link"),
        Some(_) => request.t("done-email-ask"),
    })
}

/// `GET /.well-known/change-password`: where password managers send people.
pub(super) async fn change_password_page(request: PageRequest) -> Response<Body> {
    request.redirect(&request.url_for("/settings#change"))
}

/// `POST /settings/password`
pub(super) async fn change_password(mut request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    if !session.user().is_local() {
        let notice = Notice::bad(request.t("kept-elsewhere-refused"));
        return overview(&request, &session, StatusCode::FORBIDDEN, Some(notice), None).await;
    }
    let session = confirm(&mut request, session, &sent, ("current", "current")).await?;
    request.app.rules().await.map_err(|error| request.failed(&error))?;
    let again = sent.get("password2").is_none_or(|again| again == sent.text("password"));
    let id = &session.user().id;
    let (status, complaint) = match Password::parse(sent.text("password")) {
        _ if !again => {
            let notice = Notice::bad(request.t("passwords-differ")).at("password2");
            (StatusCode::UNPROCESSABLE_ENTITY, notice)
        }
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, impossible(&request, sent.text("password"), &error)),
        Ok(new) => {
            let by = session.actor(request.origin.address);
            match request.app.passwords().set(id, &new, by, later(now(), TIME)).await {
                Ok(()) => {
                    return Ok(
                        request.without_session(request.redirect(&request.url_for("/login?done=password")))
                    );
                }
                Err(SetError::Refused(why)) => {
                    (StatusCode::UNPROCESSABLE_ENTITY, Notice::bad(why).at("password"))
                }
                Err(SetError::Store(error)) => return Err(request.failed(&error)),
                Err(error) => {
                    tracing::warn!(%error, "a password could not be set");
                    (StatusCode::SERVICE_UNAVAILABLE, Notice::bad(request.t("password-later")))
                }
            }
        }
    };
    overview(&request, &session, status, Some(complaint), None).await
}

/// `POST /settings/sessions/end`
pub(super) async fn end_sessions(request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    let accounts = request.accounts_of(&session);
    let (sessions, id) = (accounts.sessions(), &session.user().id);
    if sent.text("session") == "others" {
        sessions.end_all(id, Some(session.token())).await.map_err(|error| request.failed(&error))?;
        return Ok(request.redirect(&request.url_for("/settings?done=others")));
    }
    let own = sessions.list(id).await.map_err(|error| request.failed(&error))?;
    if let Some((token, _)) = own.iter().find(|(token, _)| token.label() == sent.text("session")) {
        sessions.end(token).await.map_err(|error| request.failed(&error))?;
    }
    // One that is gone is what was wanted.
    Ok(request.redirect(&request.url_for("/settings?done=ended")))
}

/// The user who changes something, and the form.
///
/// A sign-in by grace may not change anything.
pub(super) async fn begin(request: &PageRequest, body: Body) -> Result<(ActiveSession, Form), EarlyResponse> {
    // The form comes first: a session may end while it is being sent.
    let sent = request.own_form(body).await?;
    let session = request.require_session().await?;
    if session.is_stale() {
        let notice = Notice::bad(request.t("grace-refused"));
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let page = overview(request, &session, status, Some(notice), Some(&sent)).await?;
        return Err(page.into());
    }
    Ok((session, sent))
}

/// Confirms the session with the typed password, which renews its cookie.
///
/// A wrong password ends the request. The password is in the field with this name and this id.
pub(super) async fn confirm(
    request: &mut PageRequest,
    session: ActiveSession,
    sent: &Form,
    (name, id): (&str, &'static str),
) -> Result<ActiveSession, EarlyResponse> {
    let decided = request.app.confirm_session(&session, sent.text(name), &request.browser()).await;
    let outcome = match decided.map_err(|error| request.failed(&error))? {
        Ok((confirmed, cookie)) => {
            request.renew_cookie(&cookie);
            return Ok(confirmed);
        }
        Err(outcome) => outcome,
    };
    let wrong = || Notice::bad(request.t("wrong-password"));
    let (status, notice, wait) = refusal(request, &outcome, StatusCode::FORBIDDEN, wrong);
    let page = overview(request, &session, status, Some(notice.at(id)), Some(sent)).await?;
    Err(waiting(page, wait).into())
}

/// How many sessions the page shows first; a link shows the others.
const SHOWN_SESSIONS: usize = 4;

/// The page itself.
///
/// After a refusal, `sent` is what was typed.
pub(super) async fn overview(
    request: &PageRequest,
    session: &ActiveSession,
    status: StatusCode,
    notice: Option<Notice>,
    sent: Option<&Form>,
) -> PageResult {
    let (app, user, language) = (&request.app, session.user(), request.language());
    let accounts = app.accounts();
    let read = async {
        app.rules().await?;
        Ok((
            accounts.groups().of_user(&user.id).await?,
            accounts.sessions().list(&user.id).await?,
            accounts.app_passwords().list(&user.id).await?,
        ))
    };
    let (groups, sessions, tokens) = read.await.map_err(|error: AccountsError| request.failed(&error))?;
    let mut sessions: Vec<ShownSession> =
        sessions.iter().map(|found| shown_session(language, found, session.token())).collect();
    // This one first, then those that were seen last.
    sessions.sort_by_key(|session| !session.own);
    let more_session_count = sessions.len().saturating_sub(SHOWN_SESSIONS);
    let (mut sessions, session_pages) = part(request, "/settings", "sessions", sessions);
    let is_first_part = session_pages.before.is_none();
    let shown = if is_first_part { sessions.len().min(SHOWN_SESSIONS) } else { sessions.len() };
    let more_sessions = sessions.split_off(shown);
    let (tokens, token_pages) = part(request, "/settings", "devices", tokens);
    let keeper = app.keeper(&user.backend);
    let link = app.resets().settings().lost_password_link().elsewhere().map(ToString::to_string);
    let link = keeper.as_ref().and_then(|keeper| keeper.help_url.clone()).or(link);
    let keeper = keeper.as_ref().map_or_else(|| user.backend.as_str(), |keeper| keeper.name.as_str());
    let settings = app.settings();
    let (none, this_server) = (request.t("none"), request.t("this-server"));
    let joined = |groups: &[accounts::GroupId]| {
        groups.iter().map(accounts::GroupId::as_str).collect::<Vec<_>>().join(", ")
    };
    let standing = session.standing();
    let role = match standing.subadmin_of.as_slice() {
        _ if standing.is_admin => Some(request.t("role-admin")),
        [] => None,
        groups => Some(request.t_with("role-sub-admin", &[("groups", joined(groups).into())])),
    };
    let template = Personal {
        frame: request.own_frame().with_notice(notice),
        csrf_token: request.csrf_token(),
        typed: Typed(sent.map(|sent| (request.last_segment(), sent))),
        called: user.display_name_or_id(),
        user: user.id.as_str(),
        display_name: user.display_name.as_deref().unwrap_or_default(),
        may_name: settings.allow_user_to_change_display_name,
        languages: languages(request, user),
        role,
        email: user.email.as_deref().unwrap_or(&none),
        address: ShownAddress {
            text: user.email.as_deref().unwrap_or_default(),
            is_pending: user.pending_email().is_some(),
            confirmed: user.confirmed_email.as_deref().filter(|_| user.pending_email().is_some()),
            has_mail: settings.mail.is_some(),
        },
        groups: if groups.is_empty() { none.clone() } else { joined(&groups) },
        backend: if user.is_local() { &this_server } else { keeper },
        elsewhere: (!user.is_local()).then_some(ExternalPasswordPage { backend: keeper, link }),
        rules: rules(app, language),
        revokes_app_passwords: settings.app_passwords_on_new_password == AppPasswordPolicy::Revoke,
        sessions,
        more_sessions,
        more_session_count,
        session_pages,
        tokens: tokens.into_iter().map(|token| shown_token(language, token)).collect(),
        token_pages,
        token_query: query(request, "devices", '?'),
        scopes: if standing.is_admin { scopes(language).collect() } else { Vec::new() },
    };
    Ok(request.form_page(status, &template))
}

fn shown_session(
    language: PageLanguage,
    (token, found): &(TokenHash, Session),
    own: &TokenHash,
) -> ShownSession {
    let from = Browser::of(found);
    let browser = browser(language, from.as_ref().map_or("", |from| &from.agent));
    let seen = ShownTime::of(language, found.seen);
    let values = [("browser", browser.as_str().into()), ("seen", seen.ago.as_str().into())];
    ShownSession {
        label: token.label(),
        address: from.map_or_else(|| language.text("unknown-address"), |from| from.address.to_string()),
        created: ShownTime::of(language, found.created),
        own: token == own,
        end: language.text_with("end-session", &values),
        browser,
        seen,
    }
}

fn shown_token(language: PageLanguage, token: AppPassword) -> ShownToken {
    let shown = |at| ShownTime::of(language, at);
    ShownToken {
        key: token.key,
        name: token.name,
        created: shown(token.created),
        used: token.last_used.map(shown),
        used_from: token.last_used_from.map(|from| from.to_string()),
        expires: token.expires.map(shown),
        wipe: token.wipe,
        service: token.service.map(|service| service.to_string()),
    }
}

/// The languages to choose from.
///
/// One that other programs have set, and that the pages do not speak, stays.
fn languages(request: &PageRequest, user: &User) -> Vec<ShownLanguage> {
    let own = user.language.as_deref();
    let of_pages = own.and_then(PageLanguage::of_tag);
    let browser =
        ShownLanguage { code: String::new(), name: request.t("language-browser"), chosen: own.is_none() };
    let other = own.filter(|_| of_pages.is_none()).map(|code| ShownLanguage {
        code: code.to_owned(),
        name: code.to_owned(),
        chosen: true,
    });
    let spoken = PageLanguage::ALL.into_iter().map(|language| {
        let chosen = of_pages == Some(language);
        // A regional form such as `de_AT` stays what it is.
        let code = own.filter(|_| chosen).unwrap_or_else(|| language.code()).to_owned();
        ShownLanguage { code, name: language.own_name().to_owned(), chosen }
    });
    std::iter::once(browser).chain(other).chain(spoken).collect()
}

/// The scopes of service tokens, and what each opens.
pub(super) fn scopes(language: PageLanguage) -> impl Iterator<Item = (&'static str, String)> {
    TokenScope::ALL.iter().map(move |scope| (scope.as_str(), opens(language, *scope)))
}

fn opens(language: PageLanguage, scope: TokenScope) -> String {
    let id = match scope {
        TokenScope::Admin => "scope-admin",
        TokenScope::Apps => "scope-apps",
        TokenScope::GroupsRead => "scope-groups-read",
        TokenScope::GroupsWrite => "scope-groups-write",
        TokenScope::UsersCredentials => "scope-users-credentials",
        TokenScope::UsersRead => "scope-users-read",
        TokenScope::UsersWrite => "scope-users-write",
        _ => return String::new(),
    };
    language.text(id)
}
