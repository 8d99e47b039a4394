//! Apps: list, describe, enable and disable.

use accounts::AppNotSwitchable;

use super::manifest::shown;
use crate::provisioning::call::Call;
use crate::provisioning::docs::{ParamDoc, ResponseDoc};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

const UNKNOWN_FILTER: Code = Code::of_endpoint(101);

const NO_APP: ResponseDoc = (Code::NOT_FOUND, "unknown app");

/// `GET /cloud/apps`
pub(crate) const LIST: Operation =
    operation!("AppList", Apps, "Lists the ids of apps", named_list("apps"), list(call))
        .params(&[
            ParamDoc::text("filter", "Only enabled or only disabled apps").words(&["enabled", "disabled"])
        ])
        .codes(&[(UNKNOWN_FILTER, "unknown filter")]);

async fn list(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let wanted = match call.params.text("filter")? {
        None | Some("") => None,
        Some("enabled") => Some(true),
        Some("disabled") => Some(false),
        Some(_) => return Err(OcsFailure::bare(UNKNOWN_FILTER)),
    };
    let apps = call.app.apps().list(call.app.accounts()).await?;
    let apps = apps.iter().filter(|app| wanted.is_none_or(|enabled| app.enabled == enabled));
    Ok(Data::one("apps", Data::list(apps.map(|app| app.id.as_str()))).into())
}

/// `GET /cloud/user/apps`
pub(crate) const OF_USER: Operation = operation!(
    "UserApps",
    Users,
    "Lists the apps that are enabled for the caller",
    named_list("apps"),
    of_user(call)
);

async fn of_user(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let apps = call.app.apps().list(call.app.accounts()).await?;
    let apps = apps.iter().filter(|app| app.enabled);
    Ok(Data::one("apps", Data::list(apps.map(|app| app.id.as_str()))).into())
}

/// `GET /cloud/apps/{app}`
pub(crate) const INFO: Operation =
    operation!("AppInfo", Apps, "Returns the metadata of an app", app(), info(call)).codes(&[NO_APP]);

async fn info(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let about = call.app.apps().find(&call.captures.get("app")).ok_or_else(unknown)?;
    Ok(shown(&about).into())
}

/// `POST` and `DELETE /cloud/apps/{app}`
pub(crate) const ENABLE: Operation =
    operation!("AppEnable", Apps, "Enables an app", nothing(), switch(call, true)).codes(&[NO_APP]);

pub(crate) const DISABLE: Operation =
    operation!("AppDisable", Apps, "Disables an app", nothing(), switch(call, false))
        .codes(&[(Code::FORBIDDEN, "it is always on")]);

async fn switch(call: &Call<'_>, enabled: bool) -> Result<OcsAnswer, OcsFailure> {
    let id = call.captures.get("app");
    match call.app.apps().switch(&call.accounts()?, &id, enabled).await? {
        Ok(()) => Ok(OcsAnswer::NOTHING),
        // What is not there is off already.
        Err(AppNotSwitchable::Missing) if !enabled => Ok(OcsAnswer::NOTHING),
        Err(AppNotSwitchable::Missing) => Err(unknown()),
        Err(AppNotSwitchable::Always) => Err(OcsFailure::new(Code::FORBIDDEN, "This app is always enabled")),
    }
}

fn unknown() -> OcsFailure {
    OcsFailure::new(Code::NOT_FOUND, "The request app was not found")
}
