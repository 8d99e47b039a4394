//! Administration in the browser, for administrators and sub-admins.
//!
//! One table has all pages. A page does nothing by itself: it calls the operations of the API that
//! its row names, through [`serve_page`](crate::provisioning::serve::serve_page), so rights, rules
//! and proofs are those of the table of routes. A form that changes something leads to another
//! page, so loading that again does nothing twice. Where the API wants a recent password, the
//! form asks for it.
//!
//! | file | contents |
//! |---|---|
//! | `admin_request` | who asks; calling the API; asking for the password |
//! | `failure_text` | texts for changes that the API refuses |
//! | `user_list`, `user`, `credentials`, `group_list`, `group` | accounts |
//! | `policy`, `backends`, `brute_force`, `pins`, `audit`, `mail`, `config` | the server |
//! | `templates` | what the pages show; the layout is in `templates/admin*.html` |

mod admin_request;
mod audit;
mod backends;
mod brute_force;
mod config;
mod credentials;
mod failure_text;
mod group;
mod group_list;
mod mail;
mod pins;
mod policy;
mod templates;
mod user;
mod user_list;

use axum::Router;
use axum::body::Body;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use futures_util::future::BoxFuture;

use super::form::Form;
use super::page_request::{PageRequest, PageResult};
use crate::provisioning::caller::RequiredRole;
use crate::state::AppState;
use admin_request::AdminRequest;

/// A page, or the form of one.
#[derive(Clone, Copy, Debug)]
pub struct AdminPage {
    /// `GET` shows a page, `POST` takes its form.
    pub method: &'static Method,
    /// The path; a part in braces is an id.
    pub path: &'static str,
    /// The role that is needed.
    pub role: RequiredRole,
    /// The ids of the operations of the API that it may call.
    pub calls: &'static [&'static str],
    handler: fn(AdminRequest, Form) -> BoxFuture<'static, PageResult>,
}

macro_rules! pages {
    ($($method:ident $path:literal $role:ident $module:ident::$handler:ident [$($call:ident)*])*) => {
        &[$(AdminPage {
            method: &Method::$method,
            path: $path,
            role: RequiredRole::$role,
            calls: &[$(stringify!($call)),*],
            handler: |request, sent| Box::pin($module::$handler(request, sent)),
        }),*]
    };
}

/// All pages of the administration.
#[rustfmt::skip]
pub const ADMIN_PAGES: &[AdminPage] = pages! {
    // method, path, role, handler, operations of the API
    GET  "/admin"                             SubAdmin user_list::home           []
    GET  "/admin/users"                       SubAdmin user_list::list           [UserListDetails UserListDisabled GroupUsersDetails]
    GET  "/admin/new-user"                    SubAdmin user_list::new            [GroupList BackendList]
    POST "/admin/new-user"                    SubAdmin user_list::create         [UserCreate GroupList BackendList]

    GET  "/admin/users/{user}"                SubAdmin user::show                [UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/profile"        SubAdmin user::edit                [UserEdit UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/password"       SubAdmin user::set_password        [UserEdit UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/join"           SubAdmin user::join                [UserGroupAdd UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/leave"          SubAdmin user::leave               [UserGroupRemove UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/promote"        Admin    user::promote             [UserSubAdminAdd UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/demote"         Admin    user::demote              [UserSubAdminRemove UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/enable"         SubAdmin user::enable              [UserEnable UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/disable"        SubAdmin user::disable             [UserDisable UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/welcome"        SubAdmin user::welcome             [UserWelcome UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/reset-mail"     SubAdmin user::reset_mail          [UserResetMail UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/unlock"         Admin    user::unlock              [BruteForceRelease UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/sessions"       SubAdmin credentials::end_sessions [UserSessionsEnd UserGet UserSessions UserAppPasswords GroupList]
    POST "/admin/users/{user}/app-passwords"  SubAdmin credentials::revoke       [UserAppPasswordRevoke UserGet UserSessions UserAppPasswords GroupList]
    GET  "/admin/users/{user}/wipe"           SubAdmin credentials::ask_wipe     [UserGet]
    POST "/admin/users/{user}/wipe"           SubAdmin credentials::wipe         [UserWipe UserGet UserSessions UserAppPasswords GroupList]
    GET  "/admin/users/{user}/delete"         SubAdmin user::ask_delete          [UserGet]
    POST "/admin/users/{user}/delete"         SubAdmin user::delete              [UserDelete UserGet UserSessions UserAppPasswords GroupList]

    GET  "/admin/groups"                      Admin    group_list::list          [GroupDetails]
    POST "/admin/groups"                      Admin    group_list::create        [GroupCreate GroupDetails]
    GET  "/admin/groups/{group}"              Admin    group::show               [GroupDetails GroupUsersDetails GroupSubAdmins]
    POST "/admin/groups/{group}/rename"       Admin    group::rename             [GroupEdit GroupDetails GroupUsersDetails GroupSubAdmins]
    POST "/admin/groups/{group}/add"          Admin    group::add                [UserGroupAdd GroupDetails GroupUsersDetails GroupSubAdmins]
    POST "/admin/groups/{group}/remove"       Admin    group::remove             [UserGroupRemove GroupDetails GroupUsersDetails GroupSubAdmins]
    POST "/admin/groups/{group}/promote"      Admin    group::promote            [UserSubAdminAdd GroupDetails GroupUsersDetails GroupSubAdmins]
    POST "/admin/groups/{group}/demote"       Admin    group::demote             [UserSubAdminRemove GroupDetails GroupUsersDetails GroupSubAdmins]
    GET  "/admin/groups/{group}/delete"       Admin    group::ask_delete         [GroupDetails]
    POST "/admin/groups/{group}/delete"       Admin    group::delete             [GroupDelete GroupDetails GroupUsersDetails GroupSubAdmins]

    GET  "/admin/policy"                      Admin    policy::show              [AppKeyGet AppInfo]
    POST "/admin/policy"                      Admin    policy::change            [AppKeySet AppKeyDelete AppKeyGet AppInfo]
    GET  "/admin/backends"                    Admin    backends::list            [BackendList]
    POST "/admin/backends/test"               Admin    backends::test            [BackendTest BackendList]
    GET  "/admin/backends/test"               Admin    backends::result          [BackendList]
    GET  "/admin/brute-force"                 Admin    brute_force::list         [BruteForceList]
    POST "/admin/brute-force"                 Admin    brute_force::release      [BruteForceRelease BruteForceList]
    GET  "/admin/pins"                        Admin    pins::list                [PinList BackendList]
    POST "/admin/pins"                        Admin    pins::rebind              [PinRebind PinList BackendList]
    GET  "/admin/audit"                       Admin    audit::list               [AuditList]
    GET  "/admin/mail"                        Admin    mail::queue               [MailQueue]
    POST "/admin/mail"                        Admin    mail::test                [MailTest MailQueue]
    GET  "/admin/config"                      Admin    config::show              [ServerConfig]
};

/// The routes of the pages.
pub(super) fn router() -> Router<AppState> {
    ADMIN_PAGES.iter().fold(Router::new(), |router, page| {
        let filter = if *page.method == Method::POST { MethodFilter::POST } else { MethodFilter::GET };
        let handler = move |request: PageRequest, body: Body| answer(page, request, body);
        router.route(page.path, on(filter, handler))
    })
}

/// Answers a request for a page.
///
/// A form comes first: a session may end while it is being sent.
async fn answer(page: &'static AdminPage, request: PageRequest, body: Body) -> PageResult {
    let sent = if *page.method == Method::POST { request.own_form(body).await? } else { Form::default() };
    (page.handler)(AdminRequest::begin(page, request).await?, sent).await
}
