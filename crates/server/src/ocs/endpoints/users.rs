//! One user: look, enable, disable, delete, wipe, welcome.

use accounts::{AccountsError, Details, User};

use super::Call;
use super::person::{Viewer, shown};
use crate::ocs::code::Code;
use crate::ocs::data::Data;
use crate::ocs::envelope::{Answer, Failure};

/// `GET /cloud/users/{user}`
pub(super) async fn get(call: &Call<'_>) -> Result<Answer, Failure> {
    let caller = call.caller()?;
    let Some(details) = call.named_details().await? else {
        // Only an administrator learns which ids there are.
        return Err(if caller.is_admin() {
            Failure::new(Code::ABSENT, "User does not exist")
        } else {
            Failure::hidden()
        });
    };
    if !caller.may_see(&details) {
        return Err(Failure::hidden());
    }
    let own = details.user.id == *caller.id();
    let exact = own && call.captures.get("user") == details.user.id.as_str();
    let viewer = if caller.is_over(&details.groups) {
        Viewer::Superior { own: exact }
    } else {
        Viewer::Oneself { scopes: exact }
    };
    Ok(shown(&details, viewer, &call.app.settings()).into())
}

/// `GET /cloud/user`
pub(super) async fn oneself(call: &Call<'_>) -> Result<Answer, Failure> {
    let caller = call.caller()?;
    let details: Details = call.app.accounts().users().details(caller.id()).await?;
    let viewer = if caller.is_over(&details.groups) {
        Viewer::Superior { own: true }
    } else {
        Viewer::Oneself { scopes: true }
    };
    Ok(shown(&details, viewer, &call.app.settings()).into())
}

/// `PUT /cloud/users/{user}/enable` and `/disable`
pub(super) async fn set_enabled(call: &Call<'_>, enabled: bool) -> Result<Answer, Failure> {
    const NO: Failure = Failure::bare(101);
    let user = other_below(call, NO).await?;
    match call.accounts()?.users().set_enabled(&user.id, enabled).await {
        Ok(_) => Ok(Answer::NOTHING),
        Err(AccountsError::LastAdmin | AccountsError::NotFound { .. }) => Err(NO),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE /cloud/users/{user}`
pub(super) async fn delete(call: &Call<'_>) -> Result<Answer, Failure> {
    let user = other_below(call, Failure::hidden()).await?;
    match call.accounts()?.users().delete(&user.id).await {
        Ok(_) => Ok(Answer::NOTHING),
        Err(AccountsError::LastAdmin) => Err(Failure::bare(101)),
        Err(error) => Err(error.into()),
    }
}

/// `POST /cloud/users/{user}/wipe`
pub(super) async fn wipe(call: &Call<'_>) -> Result<Answer, Failure> {
    let user = other_below(call, Failure::hidden()).await?;
    call.app.wipe_tokens(&call.accounts()?, &user.id).await?;
    Ok(Answer::NOTHING)
}

/// `POST /cloud/users/{user}/welcome`
pub(super) async fn welcome(call: &Call<'_>) -> Result<Answer, Failure> {
    let user = call.user_below().await?;
    if user.email.is_none() {
        return Err(Failure::of_endpoint(101, "Email address not available"));
    }
    call.app
        .send_welcome(&call.accounts()?, &user)
        .await
        .map_err(|_| Failure::of_endpoint(102, "Sending email failed"))?;
    Ok(Answer::NOTHING)
}

/// `POST /cloud/users/search/by-phone`: who has which number, for address books of phones.
pub(super) async fn by_phone(call: &Call<'_>) -> Result<Answer, Failure> {
    let region = call.params.text("location")?.unwrap_or_default();
    if region.len() != 2 || !region.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(Failure::new(Code::BAD_REQUEST, ""));
    }
    let mut found = Vec::new();
    for (key, numbers) in call.params.text_lists("search")? {
        for number in numbers {
            // Without a table of all countries only numbers with a country code can be compared.
            let Some(number) = super::field::phone(number) else { continue };
            let users = call.app.accounts().users().by_phone(&number).await?;
            if let Some(user) = users.first() {
                let cloud_id = format!("{}@{}", user.id, call.app.settings().public_host());
                found.push((key.to_owned(), Data::from(cloud_id)));
                break;
            }
        }
    }
    Ok(Data::Map(found).into())
}

/// Somebody else whom the caller is over.
async fn other_below(call: &Call<'_>, missing: Failure) -> Result<User, Failure> {
    let user = call.named_user().await?;
    let Some(user) = user else {
        // Who is no administrator learns nothing about which ids there are.
        return Err(if call.caller()?.is_admin() { missing } else { Failure::hidden() });
    };
    if user.id == *call.caller()?.id() {
        return Err(Failure::bare(101));
    }
    if call.is_over(&user).await? { Ok(user) } else { Err(Failure::hidden()) }
}
