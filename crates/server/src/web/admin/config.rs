//! The configuration as the server read it, without its secrets.

use axum::http::StatusCode;

use super::admin_request::AdminRequest;
use super::templates::ConfigPage;
use crate::provisioning::envelope::data::Data;
use crate::web::form::Form;
use crate::web::page_request::PageResult;

/// `GET /admin/config`
pub(super) async fn show(admin: AdminRequest, _: Form) -> PageResult {
    let (data, _) = admin.read("/cloud/server/config", &[]).await?;
    let sections = match data.get("sections") {
        Some(Data::Map(sections)) => sections.as_slice(),
        _ => &[],
    };
    let written = |value: &Data| serde_json::to_string_pretty(value).unwrap_or_default();
    let template = ConfigPage {
        frame: admin.frame(None),
        menu: admin.menu("/admin/config"),
        sections: sections.iter().map(|(name, value)| (name.to_string(), written(value))).collect(),
    };
    Ok(admin.request.form_page(StatusCode::OK, &template))
}
