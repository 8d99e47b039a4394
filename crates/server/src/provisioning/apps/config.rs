//! Settings of apps.
//!
//! These endpoints wrap their answers once more in `data`.

use accounts::AccountsError;

use crate::provisioning::call::Call;
use crate::provisioning::docs::{ParamDoc, ResponseDoc};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::xml::can_carry;
use crate::provisioning::operation::{Operation, operation};
use crate::provisioning::schema;

const NOT_SETTABLE: ResponseDoc =
    (Code::FORBIDDEN, "no app can have this id, the key cannot be set, or its value makes no sense");
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::users::validate;

/// `GET …/config/apps`
pub(crate) const APPS: Operation = operation!(
    "ConfigApps",
    Settings,
    "Lists the apps that may have settings",
    wrapped(schema::list()),
    apps(call)
);

async fn apps(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let mut ids = call.app.accounts().apps().configured().await?;
    ids.extend(call.app.apps().list(call.app.accounts()).await?.into_iter().map(|app| app.id));
    ids.push("core".to_owned());
    ids.sort();
    ids.dedup();
    Ok(Data::one("data", ids).into())
}

/// `GET …/config/apps/{app}`
pub(crate) const KEYS: Operation =
    operation!("AppKeys", Settings, "Lists the settings of an app", wrapped(schema::list()), keys(call))
        .codes(&[NOT_SETTABLE]);

async fn keys(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let app = app(call)?;
    let keys = call.app.accounts().apps().values(&app).await?.into_iter().map(|(key, _)| key);
    Ok(Data::one("data", Data::list(keys)).into())
}

/// `GET …/config/apps/{app}/{key}`
pub(crate) const GET: Operation = operation!(
    "AppKeyGet",
    Settings,
    "Returns the value of a setting",
    wrapped(schema::text("The value")),
    get(call)
)
.params(&[ParamDoc::text("defaultValue", "What is answered if it is not set")])
.codes(&[NOT_SETTABLE]);

async fn get(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let app = app(call)?;
    let default = call.params.text("defaultValue")?.unwrap_or_default();
    let value = call.app.accounts().apps().value(&app, &call.captures.get("key")).await?;
    Ok(Data::one("data", value.unwrap_or_else(|| default.to_owned())).into())
}

/// `POST …/config/apps/{app}/{key}`
pub(crate) const SET: Operation = operation!("AppKeySet", Settings, "Sets a setting", nothing(), set(call))
    .params(&[ParamDoc::text("value", "The value").required()])
    .codes(&[NOT_SETTABLE]);

async fn set(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    if !call.caller()?.is_admin() {
        let text = "Logged in user must be an administrator or have authorization to edit this setting.";
        return Err(OcsFailure::new(Code::FORBIDDEN, text));
    }
    let app = app(call)?;
    let key = call.captures.get("key");
    let value = call.params.required("value")?;
    settable(&app, &key, value)?;
    if (app.as_str(), key.as_str(), value) == ("files", "default_quota", "none")
        && validate::unlimited_is_forbidden(call).await?
    {
        return Err(refused("The given key can not be set"));
    }
    if app == accounts::POLICY_APP {
        understood(&key, value)?;
    }
    match call.accounts()?.apps().set_value(&app, &key, value).await {
        Ok(()) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::Invalid { .. }) => Err(refused("The given key can not be set")),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE …/config/apps/{app}/{key}`
pub(crate) const DELETE: Operation =
    operation!("AppKeyDelete", Settings, "Deletes a setting", nothing(), delete(call)).codes(&[NOT_SETTABLE]);

async fn delete(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let app = app(call)?;
    let key = call.captures.get("key");
    settable(&app, &key, "")?;
    call.accounts()?.apps().delete_value(&app, &key).await?;
    Ok(OcsAnswer::NOTHING)
}

/// The app that the path names, if that can be the name of one.
fn app(call: &Call<'_>) -> Result<String, OcsFailure> {
    let app = call.captures.get("app");
    let fits = !app.is_empty()
        && app.len() <= 100
        && app.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && !app.contains("..");
    if fits { Ok(app) } else { Err(refused("Invalid app id given")) }
}

/// Refuses settings that this API must not change.
///
/// These enable apps, weaken the security of the server, or break clients.
fn settable(app: &str, key: &str, value: &str) -> Result<(), OcsFailure> {
    let no = match (app, key) {
        (_, "installed_version" | "enabled" | "types") => true,
        ("core", "encryption_enabled") => value != "yes",
        ("core", key) if key.starts_with("public_") || key.starts_with("remote_") => true,
        // A value that XML cannot represent.
        _ => !can_carry(key) || !can_carry(value),
    };
    if no { Err(refused("The given key can not be set")) } else { Ok(()) }
}

/// Refuses invalid settings of the password policy, because they take effect at once.
fn understood(key: &str, value: &str) -> Result<(), OcsFailure> {
    let settings = password_policy::Settings::from_pairs([(key, value)]);
    let settings = settings.map_err(|errors| refused_with(errors.to_string()))?;
    password_policy::PasswordPolicy::from_settings(&settings)
        .map_err(|error| refused_with(error.to_string()))?;
    Ok(())
}

fn refused(text: &str) -> OcsFailure {
    refused_with(text.to_owned())
}

fn refused_with(text: String) -> OcsFailure {
    OcsFailure::in_data(Code::FORBIDDEN, Data::one("data", Data::one("message", text)))
}
