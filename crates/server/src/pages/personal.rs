//! What somebody may do about their own account: look at it, change the password, end sessions, make and revoke app passwords.
//!
//! Whoever finds an open browser shall not get more than that: what outlives the session, a new password or an app password, wants
//! the password again, through the same door as signing in.

use std::time::Duration;

use accounts::SetError;
use accounts::{AccountsError, Actor};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::form::Form;
use super::login::{throttled, unavailable};
use super::lost::sentence;
use super::view::{Elsewhere, NewToken, Notice, Personal, ShownSession, ShownToken, page, rules};
use super::visit::{Answer, Stop, Visit, waiting};
use super::words::{When, browser};
use crate::app::{Browser, SignIn, SignedIn};

/// How long a new password may take: its rules may ask a server.
const TIME: Duration = Duration::from_secs(30);

/// `GET /`
pub(super) async fn home(visit: Visit) -> Response<Body> {
    visit.go(&visit.at("/settings"))
}

/// `GET /settings`
pub(super) async fn show(visit: Visit) -> Answer {
    let session = visit.owner().await?;
    let notice = match visit.asked("done").as_deref() {
        Some("ended") => Some(Notice::good("The session has ended.")),
        Some("others") => Some(Notice::good("All other sessions have ended.")),
        Some("revoked") => Some(Notice::good("The app password is revoked.")),
        _ => None,
    };
    overview(&visit, &session, StatusCode::OK, notice).await
}

/// `POST /settings/password`
pub(super) async fn change_password(visit: Visit, body: Body) -> Answer {
    let (session, sent) = begin(&visit, body).await?;
    if !session.user().is_local() {
        let text = "Your password is kept by another server and cannot be changed here.";
        return overview(&visit, &session, StatusCode::FORBIDDEN, Some(Notice::bad(text))).await;
    }
    if let Some(refusal) = confirm(&visit, &session, sent.text("current")).await? {
        return Ok(refusal);
    }
    visit.app.rules().await.map_err(|error| visit.failed(&error))?;
    let again = sent.get("password2").is_none_or(|again| again == sent.text("password"));
    let id = &session.user().id;
    let (status, complaint) = match Password::parse(sent.text("password")) {
        _ if !again => (StatusCode::UNPROCESSABLE_ENTITY, "The two passwords differ.".to_owned()),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, sentence(&error.to_string())),
        Ok(new) => {
            let by = Actor::user(id.as_str(), Some(visit.origin.address));
            match visit.app.passwords().set(id, &new, by, later(now(), TIME)).await {
                Ok(()) => return Ok(visit.without_session(visit.go(&visit.at("/login?done=password")))),
                Err(SetError::Refused(why)) => (StatusCode::UNPROCESSABLE_ENTITY, why),
                Err(SetError::Store(error)) => return Err(visit.failed(&error)),
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
    overview(&visit, &session, status, Some(Notice::bad(complaint))).await
}

/// `POST /settings/sessions/end`
pub(super) async fn end_sessions(visit: Visit, body: Body) -> Answer {
    let (session, sent) = begin(&visit, body).await?;
    let accounts = visit.accounts_of(&session);
    let (sessions, id) = (accounts.sessions(), &session.user().id);
    if sent.text("session") == "others" {
        sessions.end_all(id, Some(session.token())).await.map_err(|error| visit.failed(&error))?;
        return Ok(visit.go(&visit.at("/settings?done=others")));
    }
    let own = sessions.list(id).await.map_err(|error| visit.failed(&error))?;
    if let Some((token, _)) = own.iter().find(|(token, _)| token.label() == sent.text("session")) {
        sessions.end(token).await.map_err(|error| visit.failed(&error))?;
    }
    // One that is gone is what was wanted.
    Ok(visit.go(&visit.at("/settings?done=ended")))
}

/// `POST /settings/app-passwords`
pub(super) async fn make_token(visit: Visit, body: Body) -> Answer {
    let (session, sent) = begin(&visit, body).await?;
    if let Some(refusal) = confirm(&visit, &session, sent.text("password")).await? {
        return Ok(refusal);
    }
    let id = &session.user().id;
    match visit.accounts_of(&session).app_passwords().create(id, sent.text("name"), None).await {
        Ok((token, made)) => {
            let template = NewToken {
                frame: visit.own_frame(),
                name: &made.name,
                user: id.as_str(),
                token: token.expose(),
            };
            Ok(page(StatusCode::OK, &template))
        }
        Err(AccountsError::Invalid { .. }) => {
            let notice = Notice::bad("An app password needs a name, in one line and not too long.");
            overview(&visit, &session, StatusCode::UNPROCESSABLE_ENTITY, Some(notice)).await
        }
        Err(error) => Err(visit.failed(&error)),
    }
}

/// `POST /settings/app-passwords/revoke`
pub(super) async fn revoke_token(visit: Visit, body: Body) -> Answer {
    let (session, sent) = begin(&visit, body).await?;
    if let Ok(key) = sent.text("key").parse() {
        match visit.accounts_of(&session).app_passwords().revoke(&session.user().id, key).await {
            // One that is gone is what was wanted.
            Ok(()) | Err(AccountsError::NotFound { .. }) => {}
            Err(error) => return Err(visit.failed(&error)),
        }
    }
    Ok(visit.go(&visit.at("/settings?done=revoked")))
}

/// Who changes something, and what they sent. Nobody does so on the word of a server that is away.
async fn begin(visit: &Visit, body: Body) -> Result<(SignedIn, Form), Stop> {
    let session = visit.owner().await?;
    let sent = visit.own_form(body).await?;
    if session.is_stale() {
        let text = "Nothing can be changed while the server that checks your password cannot be reached. Sign in again later.";
        let page =
            overview(visit, &session, StatusCode::SERVICE_UNAVAILABLE, Some(Notice::bad(text))).await?;
        return Err(page.into());
    }
    Ok((session, sent))
}

/// Looks whether it is really the owner of the session who sits there; an answer when it is not.
async fn confirm(visit: &Visit, session: &SignedIn, password: &str) -> Result<Option<Response<Body>>, Stop> {
    let id = &session.user().id;
    let answer = visit.app.sign_in_in_person(id.as_str(), password, visit.origin.address).await;
    let (status, notice, wait) = match answer.map_err(|error| visit.failed(&error))? {
        SignIn::Welcome(_, standing) if standing.user.id == *id => return Ok(None),
        SignIn::Welcome(..) | SignIn::Refused => {
            (StatusCode::FORBIDDEN, Notice::bad("Wrong password."), None)
        }
        SignIn::Throttled(wait) => (StatusCode::TOO_MANY_REQUESTS, throttled(wait), Some(wait)),
        SignIn::Unavailable(wait) => (StatusCode::SERVICE_UNAVAILABLE, unavailable(), Some(wait)),
    };
    Ok(Some(waiting(overview(visit, session, status, Some(notice)).await?, wait)))
}

/// The page itself.
async fn overview(visit: &Visit, session: &SignedIn, status: StatusCode, notice: Option<Notice>) -> Answer {
    let (app, user) = (&visit.app, session.user());
    let accounts = app.accounts();
    let read = async {
        app.rules().await?;
        Ok((
            accounts.groups().of_user(&user.id).await?,
            accounts.sessions().list(&user.id).await?,
            accounts.app_passwords().list(&user.id).await?,
        ))
    };
    let (groups, sessions, tokens) = read.await.map_err(|error: AccountsError| visit.failed(&error))?;
    let groups: Vec<&str> = groups.iter().map(accounts::GroupId::as_str).collect();
    let sessions = sessions.into_iter().map(|(token, found)| {
        let from = Browser::of(&found);
        ShownSession {
            label: token.label(),
            browser: browser(from.as_ref().map_or("", |from| &from.agent)),
            address: from.map_or_else(|| "unknown address".to_owned(), |from| from.address.to_string()),
            created: When(found.created),
            seen: When(found.seen),
            own: token == *session.token(),
        }
    });
    let tokens = tokens.into_iter().map(|token| ShownToken {
        key: token.key,
        name: token.name,
        created: When(token.created),
        used: token.last_used.map(When),
        wipe: token.wipe,
    });
    let link = app.resets().settings().lost_password_link().elsewhere().map(ToString::to_string);
    let template = Personal {
        frame: visit.own_frame(),
        ticket: visit.ticket(),
        notice,
        called: user.display_name_or_id(),
        user: user.id.as_str(),
        email: user.email.as_deref().unwrap_or("none; without one a lost password cannot be reset by mail"),
        groups: if groups.is_empty() { "none".to_owned() } else { groups.join(", ") },
        backend: if user.is_local() { "this server" } else { user.backend.as_str() },
        elsewhere: (!user.is_local()).then(|| Elsewhere { backend: user.backend.as_str(), link }),
        rules: rules(app),
        sessions: sessions.collect(),
        tokens: tokens.collect(),
    };
    Ok(visit.form_page(status, &template))
}
