//! One user: enable, disable, delete, wipe, welcome.

use accounts::{AccountsError, User};

use crate::mail::WelcomeError;
use crate::provisioning::call::{Call, HIDDEN};
use crate::provisioning::docs::{ParamDoc, ResponseDoc};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

/// The caller's own account, or the last administrator.
///
/// At `enable` and `disable` also a user who does not exist.
const NOT_CHANGEABLE: Code = Code::of_endpoint(101);

// The codes of sending the welcome mail.
const NO_EMAIL: Code = Code::of_endpoint(101);
const NOT_SENT: Code = Code::of_endpoint(102);

const SWITCH_CODES: &[ResponseDoc] =
    &[(NOT_CHANGEABLE, "unknown user, oneself, or the last administrator"), HIDDEN];

/// `PUT /cloud/users/{user}/enable` and `/disable`
pub(crate) const ENABLE: Operation =
    operation!("UserEnable", Users, "Enables a user", nothing(), set_enabled(call, true)).codes(SWITCH_CODES);

pub(crate) const DISABLE: Operation = operation!(
    "UserDisable",
    Users,
    "Disables a user, with immediate effect",
    nothing(),
    set_enabled(call, false)
)
.codes(SWITCH_CODES);

async fn set_enabled(call: &Call<'_>, enabled: bool) -> Result<OcsAnswer, OcsFailure> {
    const NO: OcsFailure = OcsFailure::bare(NOT_CHANGEABLE);
    let user = other_below(call, NO).await?;
    match call.accounts()?.users().set_enabled(&user.id, enabled).await {
        Ok(_) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::LastAdmin | AccountsError::NotFound { .. }) => Err(NO),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE /cloud/users/{user}`
pub(crate) const DELETE: Operation =
    operation!("UserDelete", Users, "Deletes a user", nothing(), delete(call))
        .more(
            "A user whose password another backend checks gets a new account at the next sign-in, unless `ban` is set: then the \
             name opens nothing until an administrator lifts the ban with `occ user:unban`. Only administrators ban.",
        )
        .params(&[ParamDoc::text("ban", "Whether to ban the name").words(&["0", "1", "false", "true"])])
        .codes(&[(NOT_CHANGEABLE, "oneself, or the last administrator"), HIDDEN]);

async fn delete(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let ban = match call.params.text("ban")? {
        None | Some("" | "0" | "false") => false,
        Some("1" | "true") => true,
        Some(_) => return Err(OcsFailure::new(Code::BAD_REQUEST, "The parameter ban must be true or false")),
    };
    let user = other_below(call, OcsFailure::hidden()).await?;
    let accounts = call.accounts()?;
    let deleted = if ban {
        accounts.users().delete_and_ban(&user.id).await
    } else {
        accounts.users().delete(&user.id).await
    };
    match deleted {
        Ok(_) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::LastAdmin) => Err(OcsFailure::bare(NOT_CHANGEABLE)),
        Err(error) => Err(error.into()),
    }
}

/// `POST /cloud/users/{user}/wipe`
pub(crate) const WIPE: Operation = operation!(
    "UserWipe",
    Users,
    "Revokes all app passwords of a user, and asks their devices to wipe",
    nothing(),
    wipe(call)
)
.codes(&[(NOT_CHANGEABLE, "oneself"), HIDDEN]);

async fn wipe(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let user = other_below(call, OcsFailure::hidden()).await?;
    call.accounts()?.app_passwords().wipe(&user.id).await?;
    Ok(OcsAnswer::NOTHING)
}

/// `POST /cloud/users/{user}/welcome`
pub(crate) const WELCOME: Operation =
    operation!("UserWelcome", Users, "Sends the welcome mail again", nothing(), welcome(call)).codes(&[
        (NO_EMAIL, "the user has no mail address"),
        (NOT_SENT, "it could not be sent"),
        HIDDEN,
    ]);

async fn welcome(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    const NO_MAIL: &str = "no mail server is set up; an administrator sets one in [mail]";
    const TOO_MANY: &str = "too many welcome mails were sent to this address, or by you; try again tomorrow";
    let user = call.user_below(OcsFailure::hidden()).await?.user;
    if user.email.is_none() {
        return Err(OcsFailure::new(NO_EMAIL, "Email address not available"));
    }
    let with_link = user.is_local() && user.last_login.is_none();
    call.app.send_welcome(&call.accounts()?, &user, with_link).await.map_err(|error| {
        let failure = OcsFailure::new(NOT_SENT, "Sending email failed");
        match error {
            WelcomeError::TooMany => failure.with_hint(TOO_MANY),
            WelcomeError::MailDisabled => failure.with_hint(NO_MAIL),
            WelcomeError::Store(_) => failure,
        }
    })?;
    Ok(OcsAnswer::NOTHING)
}

/// Another user whom the caller administers, and may enable or disable with this proof.
async fn other_below(call: &Call<'_>, missing: OcsFailure) -> Result<User, OcsFailure> {
    if call.named_id().as_ref() == Some(call.caller()?.id()) {
        return Err(OcsFailure::bare(NOT_CHANGEABLE));
    }
    Ok(call.user_below(missing).await?.user)
}
