//! Brute-force protection: which sources are limited and why, and releasing them.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde::Deserialize;

use super::admin_request::AdminRequest;
use super::templates::{BruteForcePage, SourceLine};
use crate::provisioning::envelope::data::Data;
use crate::web::form::Form;
use crate::web::format::wait;
use crate::web::page_request::PageResult;
use crate::web::paging::part;
use crate::web::templates::{Notice, Typed};

#[derive(Deserialize)]
struct ApiLimits {
    sources: Vec<ApiSource>,
    limit: u64,
    seconds: u64,
    users: u64,
}

#[derive(Deserialize)]
struct ApiSource {
    source: String,
    failures: u64,
    last: i64,
    refused: bool,
    wait: u64,
}

/// `GET /admin/brute-force`
pub(super) async fn list(admin: AdminRequest, _: Form) -> PageResult {
    let notice = admin.done_notice();
    page(&admin, StatusCode::OK, notice, None).await
}

/// `POST /admin/brute-force`
pub(super) async fn release(mut admin: AdminRequest, sent: Form) -> PageResult {
    let fields = [("source", sent.text("source").trim()), ("user", sent.text("user").trim())];
    match admin.act(&sent, Method::DELETE, "/cloud/server/brute-force", &fields).await? {
        Ok(_) => Ok(admin.done("/admin/brute-force", "released")),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice), Some(&sent)).await
        }
    }
}

async fn page(
    admin: &AdminRequest,
    status: StatusCode,
    notice: Option<Notice>,
    sent: Option<&Form>,
) -> PageResult {
    let (data, _): (Data, _) = admin.read("/cloud/server/brute-force", &[]).await?;
    let limits: ApiLimits = admin.decoded(&data)?;
    let language = admin.request.language();
    let time = |seconds: u64| wait(language, Duration::from_secs(seconds));
    let line = |source: ApiSource| SourceLine {
        failures: admin.request.t_with("admin-failures", &[("n", source.failures.into())]),
        last: admin.time(source.last),
        wait: (source.wait > 0).then(|| time(source.wait)),
        refused: source.refused,
        release: admin.request.t_with("admin-release-source", &[("source", source.source.as_str().into())]),
        source: source.source,
    };
    let (sources, pages) = part(&admin.request, "/admin/brute-force", "sources", limits.sources);
    let values = [("n", limits.limit.into()), ("time", time(limits.seconds).into())];
    let template = BruteForcePage {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/brute-force"),
        typed: Typed(sent.map(|sent| ("brute-force", sent))),
        text: admin.request.t_with("admin-brute-force-text", &values),
        users: admin.request.t_with("admin-locked-users", &[("n", limits.users.into())]),
        sources: sources.into_iter().map(line).collect(),
        pages,
    };
    Ok(admin.request.form_page(status, &template))
}
