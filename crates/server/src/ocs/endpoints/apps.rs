//! Apps: list, tell about, switch.

use accounts::AppNotSwitchable;

use super::Call;
use crate::apps::shown;
use crate::ocs::code::Code;
use crate::ocs::data::Data;
use crate::ocs::envelope::{Answer, Failure};

/// `GET /cloud/apps`
pub(super) async fn list(call: &Call<'_>) -> Result<Answer, Failure> {
    let wanted = match call.params.text("filter")? {
        None | Some("") => None,
        Some("enabled") => Some(true),
        Some("disabled") => Some(false),
        Some(_) => return Err(Failure::of_endpoint(101, "")),
    };
    let apps = call.app.apps().list(call.app.accounts()).await?;
    let apps = apps.iter().filter(|app| wanted.is_none_or(|enabled| app.enabled == enabled));
    Ok(Data::one("apps", Data::list(apps.map(|app| app.id.as_str()))).into())
}

/// `GET /cloud/user/apps`
pub(super) async fn of_user(call: &Call<'_>) -> Result<Answer, Failure> {
    let apps = call.app.apps().list(call.app.accounts()).await?;
    let apps = apps.iter().filter(|app| app.enabled);
    Ok(Data::one("apps", Data::list(apps.map(|app| app.id.as_str()))).into())
}

/// `GET /cloud/apps/{app}`
pub(super) async fn info(call: &Call<'_>) -> Result<Answer, Failure> {
    let about = call.app.apps().find(&call.captures.get("app")).ok_or_else(unknown)?;
    Ok(shown(&about).into())
}

/// `POST` and `DELETE /cloud/apps/{app}`
pub(super) async fn switch(call: &Call<'_>, enabled: bool) -> Result<Answer, Failure> {
    let id = call.captures.get("app");
    match call.app.apps().switch(&call.accounts()?, &id, enabled).await? {
        Ok(()) => Ok(Answer::NOTHING),
        // What is not there is off already.
        Err(AppNotSwitchable::Missing) if !enabled => Ok(Answer::NOTHING),
        Err(AppNotSwitchable::Missing) => Err(unknown()),
        Err(AppNotSwitchable::Always) => Err(Failure::new(Code::FORBIDDEN, "This app is always enabled")),
    }
}

fn unknown() -> Failure {
    Failure::new(Code::NOT_FOUND, "The request app was not found")
}
