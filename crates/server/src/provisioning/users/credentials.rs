//! What a user is signed in with, for their administrators: sessions, app passwords, reset mails.

use accounts::{AccountsError, RequestError, Session, TokenHash, UserId};

use crate::auth::session::Browser;
use crate::provisioning::call::{Call, HIDDEN};
use crate::provisioning::docs::{ParamDoc, ResponseDoc};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};
use crate::provisioning::service_tokens;

const NOT_SENT: Code = Code::of_endpoint(101);

const UNKNOWN: ResponseDoc = (Code::ABSENT, "the user has no app password of this number");

/// `GET /cloud/users/{user}/sessions`
pub(crate) const SESSIONS: Operation = operation!(
    "UserSessions",
    Users,
    "Lists the sessions of a user at the pages",
    sessions(),
    sessions(call)
)
.codes(&[HIDDEN]);

async fn sessions(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let user = below(call).await?;
    let sessions = call.app.accounts().sessions().list(&user).await?;
    Ok(Data::one("sessions", Data::List(sessions.iter().map(session).collect())).into())
}

fn session((token, session): &(TokenHash, Session)) -> Data {
    let browser = Browser::of(session);
    let address = browser.as_ref().map(|browser| browser.address.to_string());
    Data::map([
        ("id", Data::from(token.label())),
        ("address", address.unwrap_or_default().into()),
        ("agent", browser.map(|browser| browser.agent).unwrap_or_default().into()),
        ("created", session.created.seconds().into()),
        ("seen", session.seen.seconds().into()),
    ])
}

/// `DELETE /cloud/users/{user}/sessions`
pub(crate) const END_SESSIONS: Operation = operation!(
    "UserSessionsEnd",
    Users,
    "Ends the sessions of a user at the pages, at once",
    nothing(),
    end_sessions(call)
)
.params(&[ParamDoc::text("session", "The id of one session; without it: all of them")])
.codes(&[HIDDEN]);

async fn end_sessions(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let wanted = call.params.text("session")?.filter(|wanted| !wanted.is_empty());
    let (user, accounts) = (below(call).await?, call.accounts()?);
    let sessions = accounts.sessions();
    let Some(wanted) = wanted else {
        sessions.end_all(&user, None).await?;
        return Ok(OcsAnswer::NOTHING);
    };
    // One that is gone is what was wanted.
    if let Some((token, _)) = sessions.list(&user).await?.iter().find(|(token, _)| token.label() == wanted) {
        sessions.end_of(&user, token).await?;
    }
    Ok(OcsAnswer::NOTHING)
}

/// `GET /cloud/users/{user}/app-passwords`
pub(crate) const APP_PASSWORDS: Operation = operation!(
    "UserAppPasswords",
    Users,
    "Lists the app passwords and service tokens of a user",
    service_tokens(),
    app_passwords(call)
)
.more("The app password of a device has no scopes.")
.codes(&[HIDDEN]);

async fn app_passwords(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let user = below(call).await?;
    let all = call.app.accounts().app_passwords().list(&user).await?;
    let all = all.iter().map(|token| service_tokens::as_data(token, None));
    Ok(Data::one("tokens", Data::List(all.collect())).into())
}

/// `DELETE /cloud/users/{user}/app-passwords/{key}`
pub(crate) const REVOKE: Operation = operation!(
    "UserAppPasswordRevoke",
    Users,
    "Ends an app password or a service token of a user, at once",
    nothing(),
    revoke(call)
)
.codes(&[UNKNOWN, HIDDEN]);

async fn revoke(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let user = below(call).await?;
    let unknown = || OcsFailure::new(Code::ABSENT, "There is no such app password");
    let key: i64 = call.captures.get("key").parse().map_err(|_| unknown())?;
    match call.accounts()?.app_passwords().revoke(&user, key).await {
        Ok(()) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::NotFound { what: "app password", .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

/// `POST /cloud/users/{user}/reset-mail`
pub(crate) const RESET_MAIL: Operation = operation!(
    "UserResetMail",
    Users,
    "Mails a user a link to choose a new password",
    nothing(),
    reset_mail(call)
)
.more("The password stays as it is until the link is followed.")
.codes(&[
    (NOT_SENT, "no mail server, no confirmed address, a disabled user, or a password that is kept elsewhere"),
    HIDDEN,
]);

async fn reset_mail(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let user = call.user_below(OcsFailure::hidden()).await?.user;
    let why = match () {
        () if !user.is_local() => "The password of this user is kept elsewhere",
        () if !user.enabled => "This user is disabled",
        () if user.confirmed_email.is_none() => "This user has no confirmed mail address",
        () if !call.app.resets().settings().lost_password_link().is_mail() => "No links are mailed here",
        () => "",
    };
    if !why.is_empty() {
        return Err(OcsFailure::new(NOT_SENT, why));
    }
    match call.app.resets().request(user.id.as_str(), Some(call.origin.address)).await {
        Ok(()) => Ok(OcsAnswer::NOTHING),
        Err(RequestError::Throttled { retry_after }) => {
            let text = "Too many links were asked for from your address, try again later";
            Err(OcsFailure::new(Code::THROTTLED, text).after(retry_after))
        }
        Err(RequestError::Store(error)) => Err(error.into()),
        Err(error) => Err(OcsFailure::new(NOT_SENT, error.to_string())),
    }
}

/// The id of the user whom the path names, if the caller is over them.
async fn below(call: &Call<'_>) -> Result<UserId, OcsFailure> {
    Ok(call.user_below(OcsFailure::hidden()).await?.user.id)
}
