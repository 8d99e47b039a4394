//! Settings of apps, and what users set for themselves. These endpoints wrap their answers once more in `data`.

use accounts::AccountsError;

use crate::provisioning::call::Call;
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::xml::can_carry;
use crate::provisioning::envelope::{Answer, Failure};
use crate::provisioning::users::validate as field;

/// `GET …/config/apps`
pub(crate) async fn apps(call: &Call<'_>) -> Result<Answer, Failure> {
    let mut ids = call.app.accounts().apps().configured().await?;
    ids.extend(call.app.apps().list(call.app.accounts()).await?.into_iter().map(|app| app.id));
    ids.push("core".to_owned());
    ids.sort();
    ids.dedup();
    Ok(Data::one("data", ids).into())
}

/// `GET …/config/apps/{app}`
pub(crate) async fn keys(call: &Call<'_>) -> Result<Answer, Failure> {
    let app = app(call)?;
    let keys = call.app.accounts().apps().values(&app).await?.into_iter().map(|(key, _)| key);
    Ok(Data::one("data", Data::list(keys)).into())
}

/// `GET …/config/apps/{app}/{key}`
pub(crate) async fn get(call: &Call<'_>) -> Result<Answer, Failure> {
    let app = app(call)?;
    let default = call.params.text("defaultValue")?.unwrap_or_default();
    let value = call.app.accounts().apps().value(&app, &call.captures.get("key")).await?;
    Ok(Data::one("data", value.unwrap_or_else(|| default.to_owned())).into())
}

/// `POST …/config/apps/{app}/{key}`
pub(crate) async fn set(call: &Call<'_>) -> Result<Answer, Failure> {
    if !call.caller()?.is_admin() {
        let text = "Logged in user must be an administrator or have authorization to edit this setting.";
        return Err(Failure::new(Code::FORBIDDEN, text));
    }
    let app = app(call)?;
    let key = call.captures.get("key");
    let value = call.params.required("value")?;
    settable(&app, &key, value)?;
    if (app.as_str(), key.as_str(), value) == ("files", "default_quota", "none")
        && field::unlimited_is_forbidden(call).await?
    {
        return Err(refused("The given key can not be set"));
    }
    if app == accounts::POLICY_APP {
        understood(&key, value)?;
    }
    match call.accounts()?.apps().set_value(&app, &key, value).await {
        Ok(()) => Ok(Answer::NOTHING),
        Err(AccountsError::Invalid { .. }) => Err(refused("The given key can not be set")),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE …/config/apps/{app}/{key}`
pub(crate) async fn delete(call: &Call<'_>) -> Result<Answer, Failure> {
    let app = app(call)?;
    let key = call.captures.get("key");
    settable(&app, &key, "")?;
    call.accounts()?.apps().delete_value(&app, &key).await?;
    Ok(Answer::NOTHING)
}

/// `POST …/config/users/{app}/{key}`: no app of this server has settings that people may change themselves this way, and the
/// answer is that of an installation where no app allows it.
pub(crate) async fn set_preference(call: &Call<'_>) -> Result<Answer, Failure> {
    call.params.required("configValue")?;
    Err(Failure::new(Code::BAD_REQUEST, ""))
}

/// `DELETE …/config/users/{app}/{key}`
pub(crate) async fn delete_preference(_: &Call<'_>) -> Result<Answer, Failure> {
    Err(Failure::new(Code::BAD_REQUEST, ""))
}

/// `POST …/config/users/{app}`
pub(crate) async fn set_preferences(call: &Call<'_>) -> Result<Answer, Failure> {
    call.params.text_map("configs")?;
    Err(Failure::new(Code::BAD_REQUEST, ""))
}

/// `DELETE …/config/users/{app}`
pub(crate) async fn delete_preferences(call: &Call<'_>) -> Result<Answer, Failure> {
    call.params.texts("configKeys")?;
    Err(Failure::new(Code::BAD_REQUEST, ""))
}

/// The app that the path names, if that can be the name of one.
fn app(call: &Call<'_>) -> Result<String, Failure> {
    let app = call.captures.get("app");
    let fits = !app.is_empty()
        && app.len() <= 100
        && app.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && !app.contains("..");
    if fits { Ok(app) } else { Err(refused("Invalid app id given")) }
}

/// What is not for this door: what says which apps are on, what would open the server, what would break clients.
fn settable(app: &str, key: &str, value: &str) -> Result<(), Failure> {
    let no = match (app, key) {
        (_, "installed_version" | "enabled" | "types") => true,
        ("core", "encryption_enabled") => value != "yes",
        ("core", key) if key.starts_with("public_") || key.starts_with("remote_") => true,
        // What an answer in XML could not tell again as it was.
        _ => !can_carry(key) || !can_carry(value),
    };
    if no { Err(refused("The given key can not be set")) } else { Ok(()) }
}

/// The settings of the password policy take effect at once, so nonsense is refused at the door.
fn understood(key: &str, value: &str) -> Result<(), Failure> {
    let settings = password_policy::Settings::from_pairs([(key, value)]);
    let settings = settings.map_err(|errors| refused_with(errors.to_string()))?;
    password_policy::Policy::from_settings(&settings).map_err(|error| refused_with(error.to_string()))?;
    Ok(())
}

fn refused(text: &str) -> Failure {
    refused_with(text.to_owned())
}

fn refused_with(text: String) -> Failure {
    Failure::in_data(Code::FORBIDDEN, Data::one("data", Data::one("message", text)))
}
