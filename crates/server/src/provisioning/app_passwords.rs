//! App passwords, as clients create and revoke their own.
//!
//! A program signs in once with the password that its owner typed, gets an app password, and
//! forgets the other.

use accounts::{AccountsError, client_name};

use super::call::Call;
use super::docs::ResponseDoc;
use super::envelope::code::Code;
use super::envelope::data::Data;
use super::envelope::{OcsAnswer, OcsFailure};
use super::operation::{Operation, operation};
use crate::auth::proof::UsedAppPassword;

const NONE_IN_USE: &[ResponseDoc] = &[(Code::FORBIDDEN, "the caller did not sign in with an app password")];

/// `GET /core/getapppassword`: creates an app password.
///
/// The caller must have signed in with the password itself.
pub(crate) const GET: Operation = operation!(
    "AppPasswordGet",
    Passwords,
    "Creates an app password for the caller",
    named_text("apppassword"),
    get(call)
)
.changes_on_get()
.app_password_refusal("You cannot request an new apppassword with an apppassword")
.codes(&[(
    Code::FORBIDDEN,
    "the caller signed in with an app password, or with the cookie of a page, and not with the password",
)]);

async fn get(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let id = call.caller()?.id();
    // A read that changes something: the password in a header is what no page can send by itself.
    if !call.caller()?.proof().is_password() {
        let text = "An app password requires a sign-in with the password, not a page session";
        return Err(OcsFailure::new(Code::FORBIDDEN, text));
    }
    let made = call.accounts()?.app_passwords().create(id, &client_name(call.agent), None).await;
    let (token, _) = made.map_err(|error| match error {
        AccountsError::Invalid { .. } => OcsFailure::new(Code::FORBIDDEN, error.to_string()),
        error => error.into(),
    })?;
    Ok(Data::one("apppassword", token.expose()).into())
}

/// `DELETE /core/apppassword`: the end of the one that the caller signed in with.
pub(crate) const DELETE: Operation = operation!(
    "AppPasswordDelete",
    Passwords,
    "Ends the app password that the caller signed in with",
    nothing(),
    delete(call)
)
.codes(NONE_IN_USE);

async fn delete(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let used = used(call)?;
    call.accounts()?.app_passwords().revoke(call.caller()?.id(), used.key()).await.map_err(ended)?;
    Ok(OcsAnswer::NOTHING)
}

/// `POST /core/apppassword/rotate`: replaces the token of the caller's app password.
pub(crate) const ROTATE: Operation = operation!(
    "AppPasswordRotate",
    Passwords,
    "Replaces the app password that the caller signed in with",
    named_text("newpassword"),
    rotate(call)
)
.codes(NONE_IN_USE);

async fn rotate(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let used = used(call)?;
    let token = call.accounts()?.app_passwords().rotate(call.caller()?.id(), used.token()).await;
    let token = token.map_err(ended)?;
    Ok(Data::one("newpassword", token.expose()).into())
}

/// The app password that the caller signed in with.
fn used<'c>(call: &'c Call<'_>) -> Result<&'c UsedAppPassword, OcsFailure> {
    call.caller()?.proof().app_password().ok_or_else(none_in_use)
}

fn none_in_use() -> OcsFailure {
    OcsFailure::new(Code::FORBIDDEN, "no app password in use")
}

/// Another request may have ended the app password since this one signed in with it.
fn ended(error: AccountsError) -> OcsFailure {
    if matches!(error, AccountsError::NotFound { .. }) { none_in_use() } else { error.into() }
}
