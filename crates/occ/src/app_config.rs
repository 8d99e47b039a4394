//! The commands `config:…`: what apps have set, such as the password policy.
//!
//! What else is known about a value (its type, whether it is a secret) is a value of [`NOTES`], so
//! that it is there for every process and no table changes.

use std::collections::HashSet;

use accounts::{POLICY_APP, PolicyRules};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::Call;
use crate::apps;
use crate::cli::{AppValueType, ConfigDeleteArgs, ConfigGetArgs, ConfigListArgs, ConfigSetArgs};
use crate::exit::{CliError, Exit};
use crate::output::{Output, pretty};
use crate::password;
use crate::store::{self, Missing, Store};
use crate::system_config::{self, HIDDEN};

/// The app whose values are notes about values of other apps, by `APP/NAME`.
const NOTES: &str = "occ";

/// What is known about a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
struct Note {
    #[serde(rename = "type")]
    kind: AppValueType,
    lazy: bool,
    sensitive: bool,
}

impl Note {
    fn key(app: &str, name: &str) -> String {
        format!("{app}/{name}")
    }

    async fn find(store: &Store, app: &str, name: &str) -> Result<Self, CliError> {
        let text = store.accounts.apps().value(NOTES, &Self::key(app, name)).await?;
        Ok(text.map(|text| Self::read(&text)).unwrap_or_default())
    }

    /// One that cannot be read is about a secret: in doubt, nothing is shown.
    fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self { sensitive: true, ..Self::default() })
    }

    async fn write(self, store: &Store, app: &str, name: &str) -> Result<(), CliError> {
        let key = Self::key(app, name);
        if self == Self::default() {
            store.accounts.apps().delete_value(NOTES, &key).await?;
            return Ok(());
        }
        let text = serde_json::to_string(&self).map_err(|error| CliError::new(error.to_string()))?;
        Ok(store.accounts.apps().set_value(NOTES, &key, &text).await?)
    }

    fn with(mut self, args: &ConfigSetArgs) -> Self {
        self.kind = args.kind.unwrap_or(self.kind);
        self.lazy = (self.lazy || args.lazy) && !args.no_lazy;
        self.sensitive = (self.sensitive || args.sensitive) && !args.no_sensitive;
        self
    }
}

pub(crate) async fn list(call: Call<'_>, args: &ConfigListArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let mut json = Map::new();
    let app = args.app.as_deref().unwrap_or("all");
    if matches!(app, "all" | "system") {
        json.insert("system".to_owned(), system_config::all(&store.config, args.private)?);
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
    let notes = store.accounts.apps().values(NOTES).await?.into_iter();
    let sensitive: HashSet<String> =
        notes.filter(|(_, text)| Note::read(text).sensitive).map(|(key, _)| key).collect();
    let mut tree = Map::new();
    for app in apps.into_iter().filter(|app| app != NOTES) {
        let values = store.accounts.apps().values(&app).await?;
        let values = values.into_iter().map(|(key, value)| {
            let is_secret = sensitive.contains(&Note::key(&app, &key)) || names_a_secret(&key);
            let hidden = !private && is_secret;
            (key, if hidden { HIDDEN.to_owned() } else { value })
        });
        let values = apps::tree(values);
        tree.insert(app, values);
    }
    Ok(Value::Object(tree))
}

pub(crate) async fn get(call: Call<'_>, args: &ConfigGetArgs) -> Result<Output, CliError> {
    let (app, name) = (args.app.as_str(), args.name.as_str());
    let store = store::open(call.common, Missing::Refuse).await?;
    let value = store.accounts.apps().value(app, name).await?;
    let unset = || CliError::refused_silently(format!("Config value {name} of app {app} is not set"));
    if args.details {
        let value = value.ok_or_else(unset)?;
        let note = Note::find(&store, app, name).await?;
        return Ok(Output::tree(json!({
            "app": app, "key": name, "value": value, "type": note.kind, "lazy": note.lazy,
            "sensitive": note.sensitive || names_a_secret(name),
        })));
    }
    let value = value.or_else(|| args.default_value.clone()).ok_or_else(unset)?;
    Output::new(format!("{value}\n"), &value, Exit::Fine)
}

pub(crate) async fn set(call: Call<'_>, args: ConfigSetArgs) -> Result<Output, CliError> {
    let (app, name) = (args.app.as_str(), args.name.as_str());
    if app == NOTES {
        return Err(CliError::refused(format!("The values of the app {NOTES} are set by {NOTES} only")));
    }
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
    let before = apps.value(app, name).await?;
    let known = Note::find(&store, app, name).await?;
    let note = known.with(&args);
    if args.value.is_some() && note.sensitive {
        return Err(on_command_line());
    }
    let given = match &args.value {
        Some(value) => Some(Zeroizing::new(value.clone())),
        None if args.value_from_stdin => Some(password::secret_from_stdin().await?),
        None => None,
    };
    if before.is_none() && (args.update_only || given.is_none()) {
        let text = format!("Config value {name} for app {app} not updated, as it has not been set before.");
        return Err(CliError::refused(text));
    }
    let value = given.unwrap_or_else(|| Zeroizing::new(before.unwrap_or_default()));
    let value = converted(value, note.kind)?;
    // A setting of the policy that cannot be used would be found by the next user who tries to
    // change a password.
    if app == POLICY_APP {
        let pair = [(name.to_owned(), value.to_string())];
        PolicyRules::of_settings(&pair, "").map_err(|error| CliError::refused(error.to_string()))?;
    }
    if note != known {
        note.write(&store, app, name).await?;
    }
    apps.set_value(app, name, &value).await?;
    let shown = match args.value {
        Some(_) => format!(" to {}", value.as_str()),
        None => String::new(),
    };
    Ok(Output::done([format!("Config value {name} for app {app} set{shown}")]))
}

pub(crate) async fn delete(call: Call<'_>, args: &ConfigDeleteArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let (app, name) = (args.app.as_str(), args.name.as_str());
    let there = store.accounts.apps().delete_value(app, name).await?;
    store.accounts.apps().delete_value(NOTES, &Note::key(app, name)).await?;
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
        AppValueType::Mixed | AppValueType::String => Ok(value),
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
    }
}

/// Whether the name of a value says that it is a secret.
fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "key", "salt"].iter().any(|ending| name.ends_with(ending))
}
