//! `cache:flush`: all servers forget what they remember of sign-ins.
//!
//! `cache:stats`: how much that is.
//!
//! A memory belongs to a process; every running server writes down a row about its own, every ten
//! seconds.

use accounts::Instance;
use accounts::UserId;
use serde_json::{Map, Value};

use crate::Call;
use crate::cli::FlushArgs;
use crate::exit::CliError;
use crate::listing::{Listing, Shape};
use crate::output::Output;
use crate::store::{self, Missing};
use crate::time_format;

pub(crate) async fn flush(call: Call<'_>, args: &FlushArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let epoch = store.accounts.credential_epoch();
    match &args.user {
        Some(user) => {
            let id = UserId::parse(user)?;
            epoch.forget(id.name()).await?;
            Ok(Output::done([format!("The cached sign-ins of {} are cleared", id.name())]))
        }
        None => {
            epoch.forget_all().await?;
            Ok(Output::done(["The sign-in caches are cleared"]))
        }
    }
}

pub(crate) async fn stats(call: Call<'_>) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let running = store.accounts.instances().running().await?;
    if running.is_empty() {
        return Err(CliError::refused(NO_SERVER));
    }
    let mut listing = Listing::begin(call, Shape::Map);
    for server in running {
        if !listing.entry(&server.id.clone(), status(server)).await? {
            break;
        }
    }
    listing.end().await
}

const NO_SERVER: &str =
    "No server is running on this store; sign-in caches are in the memory of running servers";

/// The status that a server reported, preceded by the time of the report.
fn status(server: Instance) -> Value {
    let mut status = Map::new();
    status.insert("told".to_owned(), time_format::iso(server.reported).into());
    status.insert("started".to_owned(), time_format::iso(server.started).into());
    if let Ok(Value::Object(fields)) = serde_json::from_str(&server.status) {
        status.extend(fields);
    }
    Value::Object(status)
}
