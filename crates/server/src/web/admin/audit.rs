//! The audit log with filters.

use axum::http::StatusCode;
use serde::Deserialize;

use super::admin_request::AdminRequest;
use super::templates::{AuditPage, AuditRow};
use super::user_list::link;
use crate::web::form::Form;
use crate::web::page_request::PageResult;

/// How many lines a page has.
const PER_PAGE: usize = 50;

#[derive(Deserialize)]
struct ApiLine {
    number: i64,
    at: i64,
    actor: String,
    origin: String,
    action: String,
    target: String,
    detail: String,
}

/// `GET /admin/audit`
pub(super) async fn list(admin: AdminRequest, _: Form) -> PageResult {
    let [actor, action, target, before] =
        ["actor", "action", "target", "before"].map(|name| admin.query_value(name));
    let limit = (PER_PAGE + 1).to_string();
    let query = [("actor", actor.as_str()), ("action", &action), ("target", &target)];
    let fields = [&query[..], &[("before", before.as_str()), ("limit", &limit)]].concat();
    let (mut lines, _) = admin.read_list::<ApiLine>("/cloud/server/audit", "lines", &fields).await?;
    let more = lines.len() > PER_PAGE;
    lines.truncate(PER_PAGE);
    let last = lines.last().map(|line| link("/admin/audit", &query, "before", &line.number.to_string()));
    let row = |line: ApiLine| AuditRow {
        at: admin.time(line.at),
        actor: line.actor,
        origin: line.origin,
        action: line.action,
        target: line.target,
        detail: line.detail,
    };
    let template = AuditPage {
        frame: admin.frame(None),
        menu: admin.menu("/admin/audit"),
        after: last.filter(|_| more).map(|link| admin.request.url_for(&link)),
        lines: lines.into_iter().map(row).collect(),
        actor,
        action,
        target,
    };
    Ok(admin.request.form_page(StatusCode::OK, &template))
}
