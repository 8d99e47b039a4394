//! `audit:list`: the audit log.

use serde_json::json;

use crate::Call;
use crate::cli::AuditArgs;
use crate::exit::CliError;
use crate::listing::{Listing, Shape};
use crate::output::Output;
use crate::store::{self, Missing};
use crate::time_format;

pub(crate) async fn list(call: Call<'_>, args: &AuditArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let lines = store.accounts.audit().latest(args.limit, args.about.as_deref()).await?;
    let mut listing = Listing::begin(call, Shape::List);
    for line in lines {
        let at = time_format::iso(line.at);
        let origin = line.origin.as_deref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        let detail = line.detail.as_deref().map(|detail| format!(" {detail}")).unwrap_or_default();
        let plain = format!("{at}  {}{origin}  {}  {}{detail}", line.actor, line.action, line.target);
        let json = json!({
            "seq": line.seq, "at": at, "actor": line.actor, "origin": line.origin, "action": line.action,
            "target": line.target, "detail": line.detail,
        });
        if !listing.line(&plain, "", json).await? {
            break;
        }
    }
    listing.end().await
}
