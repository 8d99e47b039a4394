//! The commands `app:…`.

use accounts::AppNotSwitchable;
use serde_json::{Map, Value, json};

use crate::Call;
use crate::cli::AppsArg;
use crate::exit::{CliError, Exit};
use crate::output::{Output, nested};
use crate::store::{self, Missing};

pub(crate) async fn list(call: Call<'_>) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let apps = store.catalogue.list(&store.accounts).await?;
    let those = |on: bool| {
        tree(apps.iter().filter(|app| app.enabled == on).map(|app| (app.id.clone(), app.version.clone())))
    };
    let (enabled, disabled) = (those(true), those(false));
    let plain = format!("Enabled:\n{}Disabled:\n{}", nested(&enabled, 0), nested(&disabled, 0));
    Output::new(plain, &json!({ "enabled": enabled, "disabled": disabled }), Exit::Fine)
}

pub(crate) async fn switch(call: Call<'_>, args: &AppsArg, on: bool) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Create).await?;
    let word = if on { "enabled" } else { "disabled" };
    let there = store.catalogue.list(&store.accounts).await?;
    let (mut said, mut refused) = (Vec::new(), Vec::new());
    for id in &args.apps {
        let Some(app) = there.iter().find(|app| app.id == *id) else {
            refused.push(if on { format!("{id} not found") } else { format!("No such app enabled: {id}") });
            continue;
        };
        if app.enabled == on {
            said.push(format!("{id} already {word}"));
            continue;
        }
        match store.catalogue.switch(&store.accounts, id, on).await? {
            Ok(()) => said.push(format!("{id} {} {word}", app.version)),
            Err(AppNotSwitchable::Always) => refused.push(format!("{id} can't be disabled.")),
            Err(AppNotSwitchable::Missing) => refused.push(format!("{id} not found")),
        }
    }
    match (said.is_empty(), refused.is_empty()) {
        (_, true) => Ok(Output::done(said)),
        (true, false) => Err(CliError::refused(refused.join("\n"))),
        // Some were switched: they are listed, and the exit code says that not all were.
        (false, false) => {
            let mut reply = Output::done(said.into_iter().chain(refused));
            reply.exit = Exit::Refused;
            Ok(reply)
        }
    }
}

/// The values of apps as a tree.
pub(crate) fn tree(values: impl IntoIterator<Item = (String, String)>) -> Value {
    Value::Object(values.into_iter().map(|(key, value)| (key, value.into())).collect::<Map<_, _>>())
}
