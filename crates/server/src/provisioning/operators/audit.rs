//! The audit log: who changed what.

use accounts::{AuditFilter, AuditLine};

use crate::provisioning::call::Call;
use crate::provisioning::docs::{ParamDoc, ParamKind};
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

/// How many lines an answer has at most.
const MAX_LINES: u32 = 500;

/// `GET /cloud/server/audit`
pub(crate) const LIST: Operation =
    operation!("AuditList", Operators, "Lists the audit log, newest first", audit_lines(), list(call))
        .params(&[
            ParamDoc::text("actor", "Only what this user changed"),
            ParamDoc::text("action", "Only actions that begin with this, such as user or user.deleted"),
            ParamDoc::text("target", "Only changes of this user, group or name"),
            ParamDoc::new("before", ParamKind::Count, "Only lines with a smaller number"),
            ParamDoc::new("limit", ParamKind::Count, "Maximum number; at most 500"),
        ]);

async fn list(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let params = call.params;
    let text = |found: Option<&str>| found.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let filter = AuditFilter {
        actor: text(params.text("actor")?),
        action: text(params.text("action")?),
        target: text(params.text("target")?),
        before: params.number("before")?.filter(|before| *before > 0),
    };
    let limit = params.number("limit")?.and_then(|limit| u32::try_from(limit).ok());
    let limit = limit.unwrap_or(MAX_LINES).min(MAX_LINES);
    let lines = call.app.accounts().audit().search(&filter, limit).await?;
    Ok(Data::one("lines", Data::List(lines.iter().map(line).collect())).into())
}

fn line(line: &AuditLine) -> Data {
    Data::map([
        ("number", Data::from(line.seq)),
        ("at", line.at.seconds().into()),
        ("actor", line.actor.as_str().into()),
        ("origin", line.origin.as_deref().unwrap_or_default().into()),
        ("action", line.action.as_str().into()),
        ("target", line.target.as_str().into()),
        ("detail", line.detail.as_deref().unwrap_or_default().into()),
    ])
}
