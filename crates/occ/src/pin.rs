//! The commands `pin:…`: which name belongs to which backend.

use accounts::LOCAL_BACKEND;
use serde_json::json;
use user_backend::{BackendId, CanonicalName};

use crate::Call;
use crate::cli::{PinListArgs, PinRebindArgs};
use crate::exit::CliError;
use crate::listing::{Listing, Shape};
use crate::output::Output;
use crate::store::{self, Missing, Store};

/// How many pins are read at a time.
const PAGE: u32 = 500;

pub(crate) async fn list(call: Call<'_>, args: &PinListArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    if args.ambiguous {
        return ambiguous(call, args, &store).await;
    }
    // Any id may be asked about: names of a backend that is gone are the ones to look for.
    let of = args.backend.as_deref().map(BackendId::parse).transpose();
    let of = of.map_err(|error| CliError::new(error.to_string()))?;
    let mut listing = Listing::begin(call, Shape::Map);
    let (mut left, mut skip) = (args.window.limit, args.window.offset);
    let mut after: Option<CanonicalName> = None;
    while left > 0 {
        let page = store.accounts.pins().list(of.as_ref(), after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        for pin in &page {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if left == 0 || !listing.entry(pin.name.as_str(), pin.backend.as_str().into()).await? {
                return listing.end().await;
            }
            left -= 1;
        }
    }
    listing.end().await
}

/// Addresses whose bare name is an account of another backend.
async fn ambiguous(call: Call<'_>, args: &PinListArgs, store: &Store) -> Result<Output, CliError> {
    let mut listing = Listing::begin(call, Shape::Map);
    let (mut left, mut skip) = (args.window.limit, args.window.offset);
    let mut after: Option<CanonicalName> = None;
    while left > 0 {
        let page = store.accounts.pins().ambiguous(after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.name.clone());
        for (address, bare) in &page {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let value = json!({
                "backend": address.backend.as_str(),
                "bare_name": bare.name.as_str(),
                "bare_name_backend": bare.backend.as_str(),
            });
            let line =
                format!("  - {}: {} ({} alone: {})", address.name, address.backend, bare.name, bare.backend);
            if left == 0 || !listing.line(&line, address.name.as_str(), value).await? {
                return listing.end().await;
            }
            left -= 1;
        }
    }
    listing.end().await
}

pub(crate) async fn rebind(call: Call<'_>, args: &PinRebindArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let name = CanonicalName::parse(&args.name).map_err(|error| CliError::refused(error.to_string()))?;
    let owner = args.backend.as_deref().map(|id| known(&store, id)).transpose()?;
    let before = store.accounts.pins().rebind(&name, owner.as_ref()).await?;
    let shown = |owner: Option<&BackendId>| owner.map_or("no backend", BackendId::as_str).to_owned();
    let (before, now) = (shown(before.as_ref()), shown(owner.as_ref()));
    if before == now {
        return Ok(Output::done([format!("{name} already belongs to {now}")]));
    }
    Ok(Output::done([format!("{name} belongs to {now} now; before: {before}")]))
}

/// A backend that can answer.
fn known(store: &Store, id: &str) -> Result<BackendId, CliError> {
    let mut ids: Vec<&str> = store.config.entries().iter().map(|entry| entry.id().as_str()).collect();
    ids.push(LOCAL_BACKEND);
    if !ids.contains(&id) {
        return Err(CliError::new(format!("there is no backend \"{id}\"; there are: {}", ids.join(", "))));
    }
    BackendId::parse(id).map_err(|error| CliError::new(error.to_string()))
}
