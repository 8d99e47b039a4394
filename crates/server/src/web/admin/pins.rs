//! Pins: which backend owns a name, and giving it to another.

use axum::http::{Method, StatusCode};
use serde::Deserialize;

use super::admin_request::AdminRequest;
use super::templates::PinPage;
use super::user_list::{backends, link};
use crate::web::form::Form;
use crate::web::page_request::PageResult;
use crate::web::templates::{Notice, Typed};

/// How many pins a page has.
const PER_PAGE: usize = 100;

#[derive(Deserialize)]
struct ApiPin {
    name: String,
    backend: String,
    since: i64,
}

/// `GET /admin/pins`
pub(super) async fn list(admin: AdminRequest, _: Form) -> PageResult {
    let notice = admin.done_notice();
    page(&admin, StatusCode::OK, notice, None).await
}

/// `POST /admin/pins`
pub(super) async fn rebind(mut admin: AdminRequest, sent: Form) -> PageResult {
    let fields = [("name", sent.text("name").trim()), ("backend", sent.text("backend"))];
    match admin.act(&sent, Method::PUT, "/cloud/server/pins", &fields).await? {
        Ok(_) => Ok(admin.done("/admin/pins", "rebound")),
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
    let (name, backend, after) =
        (admin.query_value("name"), admin.query_value("backend"), admin.query_value("after"));
    let limit = (PER_PAGE + 1).to_string();
    let fields = [("name", name.as_str()), ("backend", &backend), ("after", &after), ("limit", &limit)];
    let (mut pins, _) = admin.read_list::<ApiPin>("/cloud/server/pins", "pins", &fields).await?;
    let more = pins.len() > PER_PAGE;
    pins.truncate(PER_PAGE);
    let query = [("backend", backend.as_str())];
    let last = pins.last().map(|pin| link("/admin/pins", &query, "after", &pin.name));
    let template = PinPage {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/pins"),
        typed: Typed(sent.map(|sent| ("pins", sent))),
        backends: backends(admin).await?,
        after: last.filter(|_| more).map(|link| admin.request.url_for(&link)),
        pins: pins.into_iter().map(|pin| (pin.name, pin.backend, admin.time(pin.since))).collect(),
        name,
        backend,
    };
    Ok(admin.request.form_page(status, &template))
}
