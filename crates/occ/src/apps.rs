//! The commands `app:…`.

use serde_json::{Map, Value, json};

use crate::Call;
use crate::cli::AppsArg;
use crate::exit::Failure;
use crate::output::Reply;
use crate::store::{self, Missing};

pub(crate) async fn list(call: Call<'_>) -> Result<Reply, Failure> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let (mut enabled, mut disabled) = (Vec::<Value>::new(), Vec::<Value>::new());
    for (app, is_on) in store.accounts.apps().states().await? {
        if is_on { &mut enabled } else { &mut disabled }.push(app.into());
    }
    Ok(Reply::tree(json!({ "enabled": enabled, "disabled": disabled })))
}

pub(crate) async fn switch(call: Call<'_>, args: &AppsArg, on: bool) -> Result<Reply, Failure> {
    let store = store::open(call.common, Missing::Create).await?;
    let (apps, word) = (store.accounts.apps(), if on { "enabled" } else { "disabled" });
    let mut said = Vec::new();
    for app in &args.apps {
        if apps.state(app).await? == Some(on) {
            said.push(format!("{app} already {word}"));
            continue;
        }
        apps.set_enabled(app, on).await?;
        said.push(format!("{app} {word}"));
    }
    Ok(Reply::done(said))
}

/// The values of apps as a tree.
pub(crate) fn tree(values: impl IntoIterator<Item = (String, String)>) -> Value {
    Value::Object(values.into_iter().map(|(key, value)| (key, value.into())).collect::<Map<_, _>>())
}
