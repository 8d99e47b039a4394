//! The commands `config:…`: what apps have set, such as the password policy.
//!
//! What else is known about a value (its type, whether it is a secret) is stored beside it.

use accounts::{AppSetting, AppValueType, HIDDEN_SECRET, POLICY_APP, PolicyRules, shown_config};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::Call;
use crate::apps;
use crate::cli::{ConfigDeleteArgs, ConfigGetArgs, ConfigListArgs, ConfigSetArgs};
use crate::config_file;
use crate::exit::{CliError, Exit};
use crate::output::{Output, pretty};
use crate::password;
use crate::store::{self, Missing, Store};

pub(crate) async fn list(call: Call<'_>, args: &ConfigListArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let mut json = Map::new();
    let app = args.app.as_deref().unwrap_or("all");
    if matches!(app, "all" | "system") {
        json.insert(
            "system".to_owned(),
            shown_config(&store.config, args.private).map_err(config_file::wrong)?,
        );
    }
    if app != "system" {
        let apps = match app {
            "all" => store.accounts.apps().configured().await?,
            app => vec![app.to_owned()],
        };
        json.insert("apps".to_owned(), values(&store, apps, args.private).await?);
    }
    let json = Value::Object(json);
    // JSON in every form, as it always was; only its lines differ.
    Output::new(pretty(&json)? + "\n", &json, Exit::Fine)
}

async fn values(store: &Store, apps: Vec<String>, private: bool) -> Result<Value, CliError> {
    let mut tree = Map::new();
    for app in apps {
        let settings = store.accounts.apps().settings(&app).await?.into_iter();
        let values = settings.map(|(key, setting)| {
            let is_hidden = !private && (setting.sensitive || names_a_secret(&key));
            (key, if is_hidden { HIDDEN_SECRET.to_owned() } else { setting.value.to_string() })
        });
        let values = apps::tree(values);
        tree.insert(app, values);
    }
    Ok(Value::Object(tree))
}

pub(crate) async fn get(call: Call<'_>, args: &ConfigGetArgs) -> Result<Output, CliError> {
    let (app, name) = (args.app.as_str(), args.name.as_str());
    let store = store::open(call.common, Missing::Refuse).await?;
    let setting = store.accounts.apps().setting(app, name).await?;
    let unset = || CliError::refused_silently(format!("Config value {name} of app {app} is not set"));
    if args.details {
        let setting = setting.ok_or_else(unset)?;
        return Ok(Output::tree(json!({
            "app": app, "key": name, "value": setting.value.as_str(), "type": setting.kind.as_str(),
            "lazy": setting.lazy, "sensitive": setting.sensitive || names_a_secret(name),
        })));
    }
    let value = setting.map(|setting| setting.value.to_string());
    let value = value.or_else(|| args.default_value.clone()).ok_or_else(unset)?;
    Output::new(format!("{value}\n"), &value, Exit::Fine)
}

pub(crate) async fn set(call: Call<'_>, args: ConfigSetArgs) -> Result<Output, CliError> {
    let (app, name) = (args.app.as_str(), args.name.as_str());
    let on_command_line = || {
        CliError::new(format!(
            "{name} is a secret, and every user of this machine can read the command line: use --value-from-stdin. \
             This one may have been seen"
        ))
    };
    if args.value.is_some() && (args.sensitive || names_a_secret(name)) {
        return Err(on_command_line());
    }
    let store = store::open(call.common, Missing::Create).await?;
    let apps = store.accounts.apps();
    let before = apps.setting(app, name).await?;
    let is_new = before.is_none();
    let mut setting = before.unwrap_or_else(|| AppSetting::new(Zeroizing::default()));
    setting.kind = args.kind.unwrap_or(setting.kind);
    setting.lazy = (setting.lazy || args.lazy) && !args.no_lazy;
    setting.sensitive = (setting.sensitive || args.sensitive) && !args.no_sensitive;
    if args.value.is_some() && setting.sensitive {
        return Err(on_command_line());
    }
    let given = match &args.value {
        Some(value) => Some(Zeroizing::new(value.clone())),
        None if args.value_from_stdin => Some(password::secret_from_stdin().await?),
        None => None,
    };
    if is_new && (args.update_only || given.is_none()) {
        let text = format!("Config value {name} for app {app} not updated, as it has not been set before.");
        return Err(CliError::refused(text));
    }
    let value = given.unwrap_or(setting.value);
    setting.value = converted(value, setting.kind)?;
    // A setting of the policy that cannot be used would be found by the next user who tries to
    // change a password.
    if app == POLICY_APP {
        let pair = [(name.to_owned(), setting.value.to_string())];
        PolicyRules::of_settings(&pair, "").map_err(|error| CliError::refused(error.to_string()))?;
    }
    apps.set(app, name, &setting).await?;
    let shown = match args.value {
        Some(_) => format!(" to {}", setting.value.as_str()),
        None => String::new(),
    };
    Ok(Output::done([format!("Config value {name} for app {app} set{shown}")]))
}

pub(crate) async fn delete(call: Call<'_>, args: &ConfigDeleteArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let (app, name) = (args.app.as_str(), args.name.as_str());
    let there = store.accounts.apps().delete_value(app, name).await?;
    if !there && args.error_if_not_exists {
        let text = format!("Config {name} of app {app} could not be deleted because it did not exist");
        return Err(CliError::refused(text));
    }
    Ok(Output::done([format!("Config value {name} of app {app} deleted")]))
}

/// A value of this type, as it is stored.
///
/// The PHP program throws an exception for an invalid one.
fn converted(value: Zeroizing<String>, kind: AppValueType) -> Result<Zeroizing<String>, CliError> {
    let wrong = |text: &str| Err(CliError::refused_silently(text));
    match kind {
        AppValueType::Integer => match value.parse::<i64>() {
            Ok(number) if number.to_string() == *value => Ok(value),
            _ => wrong("Value is not an integer"),
        },
        AppValueType::Float => match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(value),
            _ => wrong("Value is not a float"),
        },
        AppValueType::Boolean => match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => Ok(Zeroizing::new("1".to_owned())),
            "false" | "0" | "off" | "no" => Ok(Zeroizing::new("0".to_owned())),
            _ => wrong("Value is not a boolean, please use 'true' or 'false'"),
        },
        AppValueType::Array => match serde_json::from_str(&value) {
            Ok(Value::Array(_) | Value::Object(_)) => Ok(value),
            _ => wrong("Value is not an array"),
        },
        // Anything is a text.
        _ => Ok(value),
    }
}

/// Whether the name of an app's value says that it is a secret.
fn names_a_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // Apps choose names of their own, and none of them is the name of a file.
    user_backend::config::names_a_secret(name) || ["key", "salt"].iter().any(|ending| lower.ends_with(ending))
}
