//! Ending what a user is signed in with: sessions, app passwords, service tokens.

use axum::http::{Method, StatusCode};

use super::admin_request::{AdminRequest, path_of};
use super::templates::AdminAsk;
use super::user::{change, user};
use crate::web::form::Form;
use crate::web::page_request::PageResult;

/// `POST /admin/users/{user}/sessions`
pub(super) async fn end_sessions(admin: AdminRequest, sent: Form) -> PageResult {
    let session = sent.text("session").to_owned();
    let session = match session.as_str() {
        "all" => "",
        // A form that names none ends none.
        "" => "-",
        one => one,
    };
    let fields = [("session", session)];
    change(admin, sent, (Method::DELETE, &["sessions"]), &fields, "ended").await
}

/// `POST /admin/users/{user}/app-passwords`
pub(super) async fn revoke(admin: AdminRequest, sent: Form) -> PageResult {
    let key = sent.text("key").to_owned();
    change(admin, sent, (Method::DELETE, &["app-passwords", &key]), &[], "revoked").await
}

/// `GET /admin/users/{user}/wipe`
pub(super) async fn ask_wipe(admin: AdminRequest, _: Form) -> PageResult {
    let user = user(&admin).await?;
    let values = [("user", user.id.as_str().into())];
    let template = AdminAsk {
        frame: admin.frame(None),
        menu: admin.menu("/admin/users"),
        title: admin.request.t_with("admin-wipe-ask", &values),
        text: admin.t("admin-wipe-text"),
        button: admin.t("admin-wipe"),
        choice: None,
        path: admin.request.url_for(&path_of(&["admin", "users", &user.id, "wipe"])),
        back: admin.request.url_for(&path_of(&["admin", "users", &user.id])),
    };
    Ok(admin.request.form_page(StatusCode::OK, &template))
}

/// `POST /admin/users/{user}/wipe`
pub(super) async fn wipe(admin: AdminRequest, sent: Form) -> PageResult {
    change(admin, sent, (Method::POST, &["wipe"]), &[], "wiped").await
}
