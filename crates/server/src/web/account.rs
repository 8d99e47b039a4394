//! The page of one's own account: look at it, change the password, end sessions.
//!
//! What outlives the session, a new password or an app password, asks for the current password in the same form. That is a
//! sign-in like any other, and confirms the session.

use std::time::Duration;

use accounts::SetError;
use accounts::{AccountsError, AppPasswordPolicy, PasswordKeepers, TokenScope, User};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::form::Form;
use super::format::{DateTimeDisplay, browser};
use super::page_request::{EarlyResponse, PageRequest, PageResult, waiting};
use super::refusal::refusal;
use super::templates::{
    ExternalPasswordPage, Notice, Personal, ShownAddress, ShownSession, ShownToken, rules, sentence,
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
    let notice = match request.asked("done").as_deref() {
        Some("ended") => Some(Notice::good("The session has ended.")),
        Some("others") => Some(Notice::good("All other sessions have ended.")),
        Some("email") => Some(address_changed(session.user(), request.app.settings().mail.is_some())),
        Some("revoked") => Some(Notice::good("The app password is revoked.")),
        _ => None,
    };
    overview(&request, &session, StatusCode::OK, notice).await
}

/// What is said after the address was changed.
fn address_changed(user: &User, has_mail: bool) -> Notice {
    match user.pending_email() {
        None => Notice::good("Your mail address is saved."),
        Some(_) if has_mail => Notice::good(
            "Your mail address is saved. Follow the link in the mail that was sent to it to confirm it.",
        ),
        Some(_) => Notice::good("Your mail address is saved. An administrator has to confirm it."),
    }
}

/// `POST /settings/password`
pub(super) async fn change_password(mut request: PageRequest, body: Body) -> PageResult {
    let (session, sent) = begin(&request, body).await?;
    if !session.user().is_local() {
        let text = "Your password is kept by another server and cannot be changed here.";
        return overview(&request, &session, StatusCode::FORBIDDEN, Some(Notice::bad(text))).await;
    }
    let session = confirm(&mut request, session, sent.text("current")).await?;
    request.app.rules().await.map_err(|error| request.failed(&error))?;
    let again = sent.get("password2").is_none_or(|again| again == sent.text("password"));
    let id = &session.user().id;
    let (status, complaint) = match Password::parse(sent.text("password")) {
        _ if !again => (StatusCode::UNPROCESSABLE_ENTITY, "The two passwords differ.".to_owned()),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, sentence(&error.to_string())),
        Ok(new) => {
            let by = session.actor(request.origin.address);
            match request.app.passwords().set(id, &new, by, later(now(), TIME)).await {
                Ok(()) => {
                    return Ok(
                        request.without_session(request.redirect(&request.url_for("/login?done=password")))
                    );
                }
                Err(SetError::Refused(why)) => (StatusCode::UNPROCESSABLE_ENTITY, why),
                Err(SetError::Store(error)) => return Err(request.failed(&error)),
                Err(error) => {
                    tracing::warn!(%error, "a password could not be set");
                    (
                        StatusCode::SERVICE_UNAVAILABLE,
                        "The password could not be set now. Try again later.".to_owned(),
                    )
                }
            }
        }
    };
    overview(&request, &session, status, Some(Notice::bad(complaint))).await
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

/// The user who changes something, and the form. A sign-in by grace may not change anything.
pub(super) async fn begin(request: &PageRequest, body: Body) -> Result<(ActiveSession, Form), EarlyResponse> {
    // The form comes first: a session may end while it is being sent.
    let sent = request.own_form(body).await?;
    let session = request.require_session().await?;
    if session.is_stale() {
        let text = "Nothing can be changed while the server that checks your password cannot be reached. Sign in again later.";
        let page =
            overview(request, &session, StatusCode::SERVICE_UNAVAILABLE, Some(Notice::bad(text))).await?;
        return Err(page.into());
    }
    Ok((session, sent))
}

/// Confirms the session with the password that was typed, which gives it a new cookie; ends the request when it is not its owner's.
pub(super) async fn confirm(
    request: &mut PageRequest,
    session: ActiveSession,
    password: &str,
) -> Result<ActiveSession, EarlyResponse> {
    let decided = request.app.confirm_session(&session, password, &request.browser()).await;
    let outcome = match decided.map_err(|error| request.failed(&error))? {
        Ok((confirmed, token)) => {
            request.renew_cookie(&token);
            return Ok(confirmed);
        }
        Err(outcome) => outcome,
    };
    let (status, notice, wait) = refusal(&outcome, StatusCode::FORBIDDEN, || Notice::bad("Wrong password."));
    Err(waiting(overview(request, &session, status, Some(notice)).await?, wait).into())
}

/// The page itself.
pub(super) async fn overview(
    request: &PageRequest,
    session: &ActiveSession,
    status: StatusCode,
    notice: Option<Notice>,
) -> PageResult {
    let (app, user) = (&request.app, session.user());
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
    let groups: Vec<&str> = groups.iter().map(accounts::GroupId::as_str).collect();
    let sessions = sessions.into_iter().map(|(token, found)| {
        let from = Browser::of(&found);
        ShownSession {
            label: token.label(),
            browser: browser(from.as_ref().map_or("", |from| &from.agent)),
            address: from.map_or_else(|| "unknown address".to_owned(), |from| from.address.to_string()),
            created: DateTimeDisplay(found.created),
            seen: DateTimeDisplay(found.seen),
            own: token == *session.token(),
        }
    });
    let tokens = tokens.into_iter().map(|token| ShownToken {
        key: token.key,
        name: token.name,
        created: DateTimeDisplay(token.created),
        used: token.last_used.map(DateTimeDisplay),
        used_from: token.last_used_from.map(|from| from.to_string()),
        expires: token.expires.map(DateTimeDisplay),
        wipe: token.wipe,
        service: token.service.map(|service| service.to_string()),
    });
    let keeper = app.keeper(&user.backend);
    let link = app.resets().settings().lost_password_link().elsewhere().map(ToString::to_string);
    let link = keeper.as_ref().and_then(|keeper| keeper.help_url.clone()).or(link);
    let keeper = keeper.as_ref().map_or_else(|| user.backend.as_str(), |keeper| keeper.name.as_str());
    let settings = app.settings();
    let template = Personal {
        frame: request.own_frame(),
        csrf_token: request.csrf_token(),
        notice,
        called: user.display_name_or_id(),
        user: user.id.as_str(),
        email: user.email.as_deref().unwrap_or("none"),
        address: ShownAddress {
            text: user.email.as_deref().unwrap_or_default(),
            is_pending: user.pending_email().is_some(),
            confirmed: user.confirmed_email.as_deref().filter(|_| user.pending_email().is_some()),
            may_change: settings.allow_user_to_change_display_name,
            has_mail: settings.mail.is_some(),
        },
        groups: if groups.is_empty() { "none".to_owned() } else { groups.join(", ") },
        backend: if user.is_local() { "this server" } else { keeper },
        elsewhere: (!user.is_local()).then_some(ExternalPasswordPage { backend: keeper, link }),
        rules: rules(app),
        revokes_app_passwords: app.settings().app_passwords_on_new_password == AppPasswordPolicy::Revoke,
        sessions: sessions.collect(),
        tokens: tokens.collect(),
        scopes: if session.standing().is_admin { scopes().collect() } else { Vec::new() },
    };
    Ok(request.form_page(status, &template))
}

/// The scopes of service tokens, and what each opens.
fn scopes() -> impl Iterator<Item = (&'static str, &'static str)> {
    TokenScope::ALL.iter().map(|scope| (scope.as_str(), opens(*scope)))
}

fn opens(scope: TokenScope) -> &'static str {
    match scope {
        TokenScope::Admin => "appoint administrators and sub-admins",
        TokenScope::Apps => "switch and configure apps",
        TokenScope::GroupsRead => "list groups and their members",
        TokenScope::GroupsWrite => "change groups and who is in them",
        TokenScope::UsersCredentials => "set passwords and mail addresses",
        TokenScope::UsersRead => "list users and read their data",
        TokenScope::UsersWrite => "create, change and delete users",
        _ => "",
    }
}
