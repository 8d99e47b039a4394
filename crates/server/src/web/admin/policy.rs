//! The password policy: what holds, and changing it.

use accounts::POLICY_APP;
use axum::http::{Method, StatusCode};

use super::admin_request::{AdminRequest, path_of};
use super::templates::{PolicyLine, PolicyPage};
use crate::provisioning::envelope::data::Data;
use crate::web::form::Form;
use crate::web::page_request::PageResult;
use crate::web::templates::{Notice, rules};

/// The settings: key, text, and whether it is on or off.
const SETTINGS: &[(&str, &str, bool)] = &[
    ("minLength", "admin-policy-length", false),
    ("enforceNonCommonPassword", "admin-policy-common", true),
    ("enforceHaveIBeenPwned", "admin-policy-breached", true),
    ("enforceUpperLowerCase", "admin-policy-case", true),
    ("enforceNumericCharacters", "admin-policy-digit", true),
    ("enforceSpecialCharacters", "admin-policy-special", true),
    ("historySize", "admin-policy-history", false),
    ("expiration", "admin-policy-expiration", false),
    ("maximumLoginAttempts", "admin-policy-attempts", false),
];

/// `GET /admin/policy`
pub(super) async fn show(admin: AdminRequest, _: Form) -> PageResult {
    let notice = admin.done_notice();
    page(&admin, StatusCode::OK, notice).await
}

/// `POST /admin/policy`: one setting; an empty value takes it back to its default.
pub(super) async fn change(mut admin: AdminRequest, sent: Form) -> PageResult {
    let known = SETTINGS.iter().find(|(key, ..)| *key == sent.text("key"));
    let Some((key, ..)) = known else { return Ok(admin.request.missing()) };
    let (path, value) = (path(key), sent.text("value").trim().to_owned());
    let done = match value.as_str() {
        "" => admin.act(&sent, Method::DELETE, &path, &[]).await?,
        value => admin.act(&sent, Method::POST, &path, &[("value", value)]).await?,
    };
    match done {
        Ok(_) => Ok(admin.done("/admin/policy", "saved")),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice)).await
        }
    }
}

async fn page(admin: &AdminRequest, status: StatusCode, notice: Option<Notice>) -> PageResult {
    let mut settings = Vec::with_capacity(SETTINGS.len());
    for (key, text, is_switch) in SETTINGS {
        let (data, _) = admin.read(&path(key), &[]).await?;
        let value = match data.get("data") {
            Some(Data::Text(value)) => value.to_string(),
            _ => String::new(),
        };
        // As the settings spell what is on and off.
        let value = match value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" if *is_switch => "1".to_owned(),
            "false" | "no" | "off" | "0" if *is_switch => "0".to_owned(),
            _ => value,
        };
        settings.push(PolicyLine { key, text: admin.t(text), value, is_switch: *is_switch });
    }
    // What was just changed counts.
    let read = admin.request.app.rules().await;
    read.map_err(|error| admin.request.failed(&error))?;
    let template = PolicyPage {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/policy"),
        rules: rules(&admin.request.app, admin.request.language()),
        settings,
    };
    Ok(admin.request.form_page(status, &template))
}

fn path(key: &str) -> String {
    path_of(&["apps", "provisioning_api", "api", "v1", "config", "apps", POLICY_APP, key])
}
