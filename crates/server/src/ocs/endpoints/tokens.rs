//! App passwords, as clients make and end their own: a program signs in once with the password that its owner typed, takes
//! an app password for itself, and forgets the other.

use accounts::{AppPassword, UserId};

use super::Call;
use crate::ocs::code::Code;
use crate::ocs::data::Data;
use crate::ocs::envelope::{Answer, Failure};

/// What an app password is called whose program does not say what it is.
const NAMELESS: &str = "unknown program";

/// The longest name, in bytes.
const LONGEST_NAME: usize = 120;

/// `GET /core/getapppassword`: a new app password, for whoever signed in with the password itself.
pub(super) async fn get(call: &Call<'_>) -> Result<Answer, Failure> {
    const REFUSED: &str = "You cannot request an new apppassword with an apppassword";
    let id = call.caller()?.id();
    if call.caller()?.password_hash().is_none() {
        let text = "An app password is given to whoever signs in with the password, not to a page";
        return Err(Failure::new(Code::FORBIDDEN, text));
    }
    // A read that changes something: the caller said who they are by a header that no page can send by itself.
    if call.caller()?.is_stale() {
        let text = "Nothing can be changed while the server that checks your password cannot be reached";
        return Err(Failure::new(Code::UNAVAILABLE, text));
    }
    if used(call).await?.is_some() {
        return Err(Failure::new(Code::FORBIDDEN, REFUSED));
    }
    let (token, _) = call.accounts()?.app_passwords().create(id, &name(call.agent), None).await?;
    Ok(Data::one("apppassword", token.expose()).into())
}

/// `DELETE /core/apppassword`: the end of the one that the caller signed in with.
pub(super) async fn delete(call: &Call<'_>) -> Result<Answer, Failure> {
    let (id, used) = own(call).await?;
    call.accounts()?.app_passwords().revoke(&id, used.key).await?;
    Ok(Answer::NOTHING)
}

/// `POST /core/apppassword/rotate`: a new one for the one that the caller signed in with, which ends.
pub(super) async fn rotate(call: &Call<'_>) -> Result<Answer, Failure> {
    let (id, used) = own(call).await?;
    let accounts = call.accounts()?;
    let (token, made) = accounts.app_passwords().create(&id, &used.name, used.expires).await?;
    if let Err(error) = accounts.app_passwords().revoke(&id, used.key).await {
        // Somebody else was quicker to end the old one: then there must be no new one either.
        accounts.app_passwords().revoke(&id, made.key).await?;
        return Err(error.into());
    }
    Ok(Data::one("newpassword", token.expose()).into())
}

/// The app password that the caller signed in with, if it was one.
async fn used(call: &Call<'_>) -> Result<Option<AppPassword>, Failure> {
    let caller = call.caller()?;
    let Some(hash) = caller.password_hash() else { return Ok(None) };
    let owner = call.app.accounts().app_passwords().owner(hash).await?;
    Ok(owner.filter(|(user, _)| user.id == *caller.id()).map(|(_, used)| used))
}

async fn own(call: &Call<'_>) -> Result<(UserId, AppPassword), Failure> {
    let used = used(call).await?;
    let used = used.ok_or_else(|| Failure::new(Code::FORBIDDEN, "no app password in use"))?;
    Ok((call.caller()?.id().clone(), used))
}

/// A name for an app password: what the program calls itself, in one line of moderate length.
fn name(agent: &str) -> String {
    let mut name = String::new();
    for word in agent.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()) {
        if name.len() + word.len() >= LONGEST_NAME {
            break;
        }
        name = if name.is_empty() { word.to_owned() } else { format!("{name} {word}") };
    }
    if name.is_empty() { NAMELESS.to_owned() } else { name }
}
