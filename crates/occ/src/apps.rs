//! The commands `app:…`.

use accounts::{AppInfo, AppNotSwitchable};
use serde_json::{Map, Value};

use crate::Call;
use crate::cli::{AppEnableArgs, AppListArgs, AppsArg};
use crate::exit::{CliError, Exit};
use crate::output::{Output, nested, one_line};
use crate::store::{self, Missing};

pub(crate) async fn list(call: Call<'_>, args: &AppListArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let mut apps = store.catalogue.list(&store.accounts).await?;
    let shipped = match args.shipped.as_deref() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        // As the PHP program does with any other word.
        _ => None,
    };
    let is_shipped = |id: &str| matches!(store.catalogue.find(id), Some(AppInfo::Feature(_)));
    apps.retain(|app| shipped.is_none_or(|shipped| is_shipped(&app.id) == shipped));
    let those = |on: bool| {
        tree(apps.iter().filter(|app| app.enabled == on).map(|app| (app.id.clone(), app.version.clone())))
    };
    let (mut plain, mut tree) = (String::new(), Map::new());
    for (title, key, on, is_shown) in [
        ("Enabled", "enabled", true, args.enabled || !args.disabled),
        ("Disabled", "disabled", false, args.disabled || !args.enabled),
    ] {
        if is_shown {
            let apps = those(on);
            plain += &format!("{title}:\n{}", nested(&apps, 0));
            tree.insert(key.to_owned(), apps);
        }
    }
    Output::new(plain, &tree, Exit::Fine)
}

/// The folder of an app.
///
/// The PHP program writes nothing about an app without one.
pub(crate) async fn path(call: Call<'_>, app: &str) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let folder = store.catalogue.folder_of(app);
    let folder = folder.ok_or_else(|| CliError::refused_silently(format!("{app} has no folder")))?;
    let folder = std::path::absolute(&folder).unwrap_or(folder).display().to_string();
    Output::new(one_line(&folder) + "\n", &folder, Exit::Fine)
}

pub(crate) async fn enable(call: Call<'_>, args: &AppEnableArgs) -> Result<Output, CliError> {
    if !args.groups.is_empty() {
        return Err(CliError::refused("Apps are enabled for all users here: leave out --groups"));
    }
    switch(call, &args.apps, true).await
}

pub(crate) async fn disable(call: Call<'_>, args: &AppsArg) -> Result<Output, CliError> {
    switch(call, args, false).await
}

async fn switch(call: Call<'_>, args: &AppsArg, on: bool) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Create).await?;
    let word = if on { "enabled" } else { "disabled" };
    let there = store.catalogue.list(&store.accounts).await?;
    let (mut lines, mut worst, mut is_any_done) = (Vec::new(), Exit::Fine, false);
    for id in &args.apps {
        let app = there.iter().find(|app| app.id == *id);
        let (text, exit) = match app {
            None if on => (format!("{id} not found"), Exit::Refused),
            Some(app) if on && app.enabled => (format!("{id} already enabled"), Exit::Fine),
            None => (format!("No such app enabled: {id}"), Exit::Fine),
            Some(app) if !on && !app.enabled => (format!("No such app enabled: {id}"), Exit::Fine),
            Some(app) => match store.catalogue.switch(&store.accounts, id, on).await? {
                Ok(()) => (format!("{id} {} {word}", app.version), Exit::Fine),
                Err(AppNotSwitchable::Always) => (format!("{id} can't be disabled."), Exit::Usage),
                Err(AppNotSwitchable::Missing) => (format!("{id} not found"), Exit::Refused),
            },
        };
        lines.push(text);
        is_any_done |= exit == Exit::Fine;
        worst = if exit == Exit::Fine { worst } else { exit };
    }
    match worst {
        Exit::Fine => Ok(Output::done(lines)),
        Exit::Usage if !is_any_done => Err(CliError::refused_as_usage(lines.join("\n"))),
        _ if !is_any_done => Err(CliError::refused(lines.join("\n"))),
        // Some were switched: all are listed, and the exit code says that not all were.
        exit => Ok(Output { exit, ..Output::done(lines) }),
    }
}

/// The values of apps as a tree.
pub(crate) fn tree(values: impl IntoIterator<Item = (String, String)>) -> Value {
    Value::Object(values.into_iter().map(|(key, value)| (key, value.into())).collect::<Map<_, _>>())
}
