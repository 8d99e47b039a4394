//! The commands `config:…`: what apps have set, such as the password policy.

use accounts::POLICY_APP;
use accounts::PolicyRules;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::Call;
use crate::apps;
use crate::cli::{ConfigDeleteArgs, ConfigGetArgs, ConfigListArgs, ConfigSetArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::password;
use crate::store::{self, Missing};

/// Placeholder for secrets.
const HIDDEN: &str = "(a secret; --private shows it)";

pub(crate) async fn list(call: Call<'_>, args: &ConfigListArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let apps = match &args.app {
        Some(app) => vec![app.clone()],
        None => store.accounts.apps().configured().await?,
    };
    let mut tree = Map::new();
    for app in apps {
        let values = store.accounts.apps().values(&app).await?;
        let values = values.into_iter().map(|(key, value)| {
            let hidden = !args.private && names_a_secret(&key);
            (key, if hidden { HIDDEN.to_owned() } else { value })
        });
        tree.insert(app, apps::tree(values));
    }
    let json = json!({ "apps": Value::Object(tree) });
    // JSON in every form, as it always was; only its lines differ.
    Output::new(format!("{json:#}\n"), &json, Exit::Fine)
}

pub(crate) async fn get(call: Call<'_>, args: &ConfigGetArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let value = store.accounts.apps().value(&args.app, &args.name).await?;
    let value = value.or_else(|| args.default_value.clone()).ok_or_else(|| unset(&args.app, &args.name))?;
    Output::new(format!("{value}\n"), &value, Exit::Fine)
}

pub(crate) async fn set(call: Call<'_>, args: ConfigSetArgs) -> Result<Output, CliError> {
    let (app, name) = (args.app.as_str(), args.name.as_str());
    if args.value.is_some() && names_a_secret(name) {
        return Err(CliError::new(format!(
            "{name} is a secret, and every user of this machine can read the command line: use --value-from-stdin. \
             This one may have been seen"
        )));
    }
    let store = store::open(call.common, Missing::Create).await?;
    let apps = store.accounts.apps();
    let value = match &args.value {
        Some(value) => Zeroizing::new(value.clone()),
        None => password::secret_from_stdin().await?,
    };
    // A setting of the policy that cannot be used would be found by the next person who wants to change a password.
    if app == POLICY_APP {
        let pair = [(name.to_owned(), value.to_string())];
        PolicyRules::of_settings(&pair, "").map_err(|error| CliError::refused(error.to_string()))?;
    }
    if args.update_only && apps.value(app, name).await?.is_none() {
        return Err(unset(app, name));
    }
    apps.set_value(app, name, &value).await?;
    let shown = args.value.map(|value| format!(" to {value}")).unwrap_or_default();
    Ok(Output::done([format!("Config value {name} for app {app} set{shown}")]))
}

pub(crate) async fn delete(call: Call<'_>, args: &ConfigDeleteArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let (app, name) = (args.app.as_str(), args.name.as_str());
    let there = store.accounts.apps().delete_value(app, name).await?;
    if !there && args.error_if_not_exists {
        return Err(unset(app, name));
    }
    Ok(Output::done([format!("Config value {name} of app {app} deleted")]))
}

fn unset(app: &str, name: &str) -> CliError {
    CliError::refused(format!("Config value {name} of app {app} is not set"))
}

/// Whether the name of a value says that it is a secret.
fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "key", "salt"].iter().any(|ending| name.ends_with(ending))
}
