//! The page of one user, and what its forms change.

use accounts::Quota;
use axum::http::{Method, StatusCode};
use serde::Deserialize;

use super::admin_request::{AdminRequest, path_of};
use super::templates::{AdminAsk, SessionLine, TokenLine, UserPage};
use super::user_list::{ApiUser, known_groups};
use crate::web::form::Form;
use crate::web::format::browser;
use crate::web::language::PageLanguage;
use crate::web::page_request::PageResult;
use crate::web::paging::part;
use crate::web::templates::{Notice, ShownLanguage, Typed, rules};

#[derive(Deserialize)]
struct ApiSession {
    id: String,
    address: String,
    agent: String,
    created: i64,
    seen: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiToken {
    id: i64,
    name: String,
    scopes: Vec<String>,
    networks: Vec<String>,
    created: i64,
    expires: i64,
    last_used: i64,
    last_used_from: String,
    wipe: bool,
}

/// `GET /admin/users/{user}`
pub(super) async fn show(admin: AdminRequest, _: Form) -> PageResult {
    let notice = admin.done_notice();
    page(&admin, StatusCode::OK, notice, None).await
}

/// The page itself.
///
/// After a refusal, `sent` is what was typed.
pub(super) async fn page(
    admin: &AdminRequest,
    status: StatusCode,
    notice: Option<Notice>,
    sent: Option<&Form>,
) -> PageResult {
    let named = admin.segment(2);
    let api = |rest: &[&str]| path_of(&[&["cloud", "users", named.as_str()], rest].concat());
    let (user, _) = admin.read(&api(&[]), &[]).await?;
    let user: ApiUser = admin.decoded(&user)?;
    let (sessions, _) = admin.read_list::<ApiSession>(&api(&["sessions"]), "sessions", &[]).await?;
    let (tokens, _) = admin.read_list::<ApiToken>(&api(&["app-passwords"]), "tokens", &[]).await?;
    let known = known_groups(admin).await?;
    let path = path_of(&["admin", "users", &user.id]);
    let (sessions, session_pages) = part(&admin.request, &path, "sessions", sessions);
    let (tokens, token_pages) = part(&admin.request, &path, "devices", tokens);
    let (app, language, caller) = (&admin.request.app, admin.request.language(), admin.caller());
    let form = admin.request.path().rsplit('/').next().unwrap_or_default();
    let may_leave = |group: &String| {
        caller.is_admin() || caller.administers().iter().any(|own| own.as_str() == group.as_str())
    };
    let email = user.email.clone().unwrap_or_default();
    let confirmed = user.confirmed_email.clone().filter(|address| !address.is_empty());
    let backend = if user.is_local() { admin.t("this-server") } else { user.backend.clone() };
    let template = UserPage {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/users"),
        typed: Typed(sent.map(|sent| (form, sent))),
        path: admin.request.url_for(&path),
        called: user.called().to_owned(),
        display_name: user.displayname.clone().unwrap_or_default(),
        is_pending: !email.is_empty() && confirmed.as_deref() != Some(&email),
        confirmed: confirmed.filter(|address| *address != email),
        email,
        quota: quota(&user.quota, admin),
        languages: languages(&user.language),
        language: user.language.clone(),
        is_enabled: user.enabled != Some(false),
        is_oneself: user.id == caller.id().as_str(),
        is_local: user.is_local(),
        backend,
        last_login: admin.time(user.last_login_timestamp),
        other_groups: known.into_iter().filter(|group| !user.groups.contains(group)).collect(),
        groups: user.groups.iter().map(|group| (group.clone(), may_leave(group))).collect(),
        administers: user.subadmin.clone(),
        rules: rules(app, language),
        has_mail: app.settings().mail.is_some(),
        sessions: sessions.into_iter().map(|session| session_line(admin, session)).collect(),
        session_pages,
        tokens: tokens.into_iter().map(|token| token_line(admin, token)).collect(),
        token_pages,
        id: user.id,
    };
    Ok(admin.request.form_page(status, &template))
}

fn session_line(admin: &AdminRequest, session: ApiSession) -> SessionLine {
    let browser = browser(admin.request.language(), &session.agent);
    let seen = admin.time(session.seen);
    let ago = seen.as_ref().map_or("", |seen| &seen.ago);
    let values = [("browser", browser.as_str().into()), ("seen", ago.into())];
    SessionLine {
        id: session.id,
        address: Some(session.address)
            .filter(|at| !at.is_empty())
            .unwrap_or_else(|| admin.t("unknown-address")),
        created: admin.time(session.created),
        end: admin.request.t_with("end-session", &values),
        seen,
        browser,
    }
}

fn token_line(admin: &AdminRequest, token: ApiToken) -> TokenLine {
    TokenLine {
        key: token.id,
        name: token.name,
        scopes: token.scopes.join(", "),
        networks: token.networks.join(", "),
        created: admin.time(token.created),
        used: admin.time(token.last_used),
        used_from: token.last_used_from,
        expires: admin.time(token.expires),
        wipe: token.wipe,
    }
}

/// The quota that holds for a user, in words.
fn quota(shown: &serde_json::Value, admin: &AdminRequest) -> String {
    let bytes = shown.get("quota").and_then(serde_json::Value::as_i64);
    match bytes.and_then(|bytes| u64::try_from(bytes).ok()) {
        Some(bytes) => Quota::Bytes(bytes).to_human(),
        None => admin.t("admin-unlimited"),
    }
}

/// The languages to choose from, and the user's own if the pages do not speak it.
fn languages(own: &str) -> Vec<ShownLanguage> {
    let of_pages = PageLanguage::of_tag(own);
    let other = Some(own).filter(|code| of_pages.is_none() && !code.is_empty());
    let other =
        other.map(|code| ShownLanguage { code: code.to_owned(), name: code.to_owned(), chosen: true });
    let spoken = PageLanguage::ALL.into_iter().map(|language| {
        let chosen = of_pages == Some(language);
        // A regional form such as `de_AT` stays what it is.
        let code = if chosen { own } else { language.code() };
        ShownLanguage { code: code.to_owned(), name: language.own_name().to_owned(), chosen }
    });
    other.into_iter().chain(spoken).collect()
}

/// Changes something, and shows the page of the user again.
pub(super) async fn change(
    mut admin: AdminRequest,
    sent: Form,
    (method, rest): (Method, &[&str]),
    fields: &[(&str, &str)],
    what: &'static str,
) -> PageResult {
    let user = admin.segment(2);
    let path = path_of(&[&["cloud", "users", user.as_str()], rest].concat());
    match admin.act(&sent, method, &path, fields).await? {
        Ok(_) => Ok(admin.done(&path_of(&["admin", "users", &user]), what)),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice), Some(&sent)).await
        }
    }
}

/// `POST /admin/users/{user}/profile`
///
/// Only what was changed in the form is sent on, so two people who change different fields do not
/// undo each other's changes.
pub(super) async fn edit(admin: AdminRequest, sent: Form) -> PageResult {
    let typed = |name: &str| sent.text(name).trim().to_owned();
    let was = |name: &str| sent.text(&format!("was:{name}")).trim().to_owned();
    let confirms = admin.caller().is_admin() && sent.get("confirmed").is_some() && !typed("email").is_empty();
    let mut fields: Vec<(String, String)> = Vec::new();
    for name in ["displayname", "quota", "language"] {
        if sent.get(name).is_some() && typed(name) != was(name) {
            fields.push((format!("fields[{name}]"), typed(name)));
        }
    }
    if sent.get("email").is_some() && (confirms || typed("email") != was("email")) {
        let key = if confirms { "confirmedEmail" } else { "email" };
        fields.push((format!("fields[{key}]"), typed("email")));
    }
    if fields.is_empty() {
        return Ok(admin.done(&path_of(&["admin", "users", &admin.segment(2)]), "saved"));
    }
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    change(admin, sent, (Method::PUT, &[]), &fields, "saved").await
}

/// `POST /admin/users/{user}/password`
pub(super) async fn set_password(admin: AdminRequest, sent: Form) -> PageResult {
    let password = zeroize::Zeroizing::new(sent.text("password").to_owned());
    let fields = [("key", "password"), ("value", password.as_str())];
    change(admin, sent, (Method::PUT, &[]), &fields, "password").await
}

/// A change of one group of the user, which the form names.
async fn change_group(
    admin: AdminRequest,
    sent: Form,
    (method, collection): (Method, &str),
    what: &'static str,
) -> PageResult {
    let group = sent.text("group").trim().to_owned();
    change(admin, sent, (method, &[collection]), &[("groupid", &group)], what).await
}

/// `POST /admin/users/{user}/join`
pub(super) async fn join(admin: AdminRequest, sent: Form) -> PageResult {
    change_group(admin, sent, (Method::POST, "groups"), "joined").await
}

/// `POST /admin/users/{user}/leave`
pub(super) async fn leave(admin: AdminRequest, sent: Form) -> PageResult {
    change_group(admin, sent, (Method::DELETE, "groups"), "left").await
}

/// `POST /admin/users/{user}/promote`
pub(super) async fn promote(admin: AdminRequest, sent: Form) -> PageResult {
    change_group(admin, sent, (Method::POST, "subadmins"), "promoted").await
}

/// `POST /admin/users/{user}/demote`
pub(super) async fn demote(admin: AdminRequest, sent: Form) -> PageResult {
    change_group(admin, sent, (Method::DELETE, "subadmins"), "demoted").await
}

/// `POST /admin/users/{user}/enable`
pub(super) async fn enable(admin: AdminRequest, sent: Form) -> PageResult {
    change(admin, sent, (Method::PUT, &["enable"]), &[], "enabled").await
}

/// `POST /admin/users/{user}/disable`
pub(super) async fn disable(admin: AdminRequest, sent: Form) -> PageResult {
    change(admin, sent, (Method::PUT, &["disable"]), &[], "disabled").await
}

/// `POST /admin/users/{user}/welcome`
pub(super) async fn welcome(admin: AdminRequest, sent: Form) -> PageResult {
    change(admin, sent, (Method::POST, &["welcome"]), &[], "mailed").await
}

/// `POST /admin/users/{user}/reset-mail`
pub(super) async fn reset_mail(admin: AdminRequest, sent: Form) -> PageResult {
    change(admin, sent, (Method::POST, &["reset-mail"]), &[], "mailed").await
}

/// `POST /admin/users/{user}/unlock`
pub(super) async fn unlock(mut admin: AdminRequest, sent: Form) -> PageResult {
    let user = admin.segment(2);
    match admin.act(&sent, Method::DELETE, "/cloud/server/brute-force", &[("user", &user)]).await? {
        Ok(_) => Ok(admin.done(&path_of(&["admin", "users", &user]), "released")),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice), Some(&sent)).await
        }
    }
}

/// `GET /admin/users/{user}/delete`
pub(super) async fn ask_delete(admin: AdminRequest, _: Form) -> PageResult {
    let user = user(&admin).await?;
    let values = [("user", user.id.as_str().into())];
    // Only administrators ban; a name that is kept here is free anyway.
    let bans = admin.caller().is_admin() && !user.is_local();
    let template = AdminAsk {
        frame: admin.frame(None),
        menu: admin.menu("/admin/users"),
        title: admin.request.t_with("admin-delete-user-ask", &values),
        text: admin.t("admin-delete-user-text"),
        button: admin.t("admin-delete"),
        choice: bans.then(|| ("ban", admin.t("admin-ban"))),
        path: admin.request.url_for(&path_of(&["admin", "users", &user.id, "delete"])),
        back: admin.request.url_for(&path_of(&["admin", "users", &user.id])),
    };
    Ok(admin.request.form_page(StatusCode::OK, &template))
}

/// The user whom the path names, if the reader administers them.
pub(super) async fn user(admin: &AdminRequest) -> Result<ApiUser, crate::web::page_request::EarlyResponse> {
    let (data, _) = admin.read(&path_of(&["cloud", "users", &admin.segment(2)]), &[]).await?;
    admin.decoded(&data)
}

/// `POST /admin/users/{user}/delete`
pub(super) async fn delete(mut admin: AdminRequest, sent: Form) -> PageResult {
    let path = path_of(&["cloud", "users", &admin.segment(2)]);
    let ban = if sent.get("ban").is_some() { "1" } else { "" };
    match admin.act(&sent, Method::DELETE, &path, &[("ban", ban)]).await? {
        Ok(_) => Ok(admin.done("/admin/users", "deleted")),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice), Some(&sent)).await
        }
    }
}
