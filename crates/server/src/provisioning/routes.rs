//! The one table of routes.
//!
//! A row is method, path, role, the kind of proof that is required, the scope that opens the call
//! to a service token, and the operation, which has the handler and its documentation.
//!
//! The order matters. The id of a group may have slashes and swallows whatever it can, so longer
//! paths stand first; the same holds for words that stand where an id could (`/users/details`).

use axum::http::Method;

use super::call_path::{Captures, Path, matched};
use super::caller::RequiredRole;
use super::operation::Operation;
use super::scope::TokenScope;
use super::{
    app_passwords, apps, groups, operators, passwords, preferences, service_info, service_tokens, users,
};
use crate::auth::proof::Requirement;

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path after `/ocs/v1.php`; `{name}` is one segment, `{name*}` one or more.
    pub path: &'static str,
    /// The role that a caller needs, checked before anything else.
    pub role: RequiredRole,
    /// The proof that a caller needs.
    ///
    /// Some calls need more for certain values; their endpoints see to that.
    pub requires: Requirement,
    /// The scope that opens the call to a service token; `None` where none does.
    pub scope: Option<TokenScope>,
    /// The handler.
    pub operation: &'static Operation,
}

macro_rules! routes {
    ($($method:ident $path:literal $role:ident $requires:ident $scope:tt $($operation:ident)::+)*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            role: RequiredRole::$role,
            requires: Requirement::$requires,
            scope: scope!($scope),
            operation: &$($operation)::+,
        }),*]
    };
}

macro_rules! scope {
    (-) => {
        None
    };
    ($scope:ident) => {
        Some(TokenScope::$scope)
    };
}

/// All routes, in the order in which they are tried.
#[rustfmt::skip]
pub const ROUTES: &[Route] = routes! {
    // method, path, role, requires, scope, operation
    GET    "/cloud/capabilities"                                             Anyone   Any            -                service_info::CAPABILITIES
    GET    "/config"                                                         Anyone   Any            -                service_info::SERVICE
    POST   "/person/check"                                                   Anyone   Any            -                passwords::CHECK

    GET    "/cloud/user"                                                     SignedIn Any            UsersRead        users::show::SELF
    GET    "/cloud/user/apps"                                                SignedIn Any            UsersRead        apps::catalogue::OF_USER
    GET    "/cloud/user/fields"                                              SignedIn Any            UsersRead        users::edit::FIELDS
    GET    "/cloud/user/fields/{user}"                                       SignedIn Any            UsersRead        users::edit::FIELDS_OF

    GET    "/cloud/user/service-tokens"                                      Admin    Password       -                service_tokens::LIST
    POST   "/cloud/user/service-tokens"                                      Admin    RecentPassword -                service_tokens::CREATE
    DELETE "/cloud/user/service-tokens/{key}"                                Admin    Password       -                service_tokens::REVOKE

    GET    "/cloud/users"                                                    SubAdmin Any            UsersRead        users::list::IDS
    POST   "/cloud/users"                                                    SubAdmin RecentPassword UsersWrite       users::create::CREATE
    GET    "/cloud/users/details"                                            SubAdmin Any            UsersRead        users::list::DETAILS
    GET    "/cloud/users/disabled"                                           SubAdmin Any            UsersRead        users::list::DISABLED
    GET    "/cloud/users/recent"                                             Admin    Any            UsersRead        users::list::RECENT
    POST   "/cloud/users/search/by-phone"                                    SignedIn Any            UsersRead        users::phone_search::SEARCH
    GET    "/cloud/users/{user}"                                             SignedIn Any            UsersRead        users::show::GET
    PUT    "/cloud/users/{user}"                                             SignedIn Any            UsersWrite       users::edit::EDIT
    DELETE "/cloud/users/{user}"                                             SubAdmin RecentPassword UsersWrite       users::status::DELETE
    PUT    "/cloud/users/{user}/enable"                                      SubAdmin Password       UsersWrite       users::status::ENABLE
    PUT    "/cloud/users/{user}/disable"                                     SubAdmin RecentPassword UsersWrite       users::status::DISABLE
    POST   "/cloud/users/{user}/wipe"                                        SubAdmin RecentPassword UsersCredentials users::status::WIPE
    POST   "/cloud/users/{user}/welcome"                                     SubAdmin Password       UsersWrite       users::status::WELCOME
    GET    "/cloud/users/{user}/groups"                                      SignedIn Any            UsersRead        users::membership::GROUPS
    GET    "/cloud/users/{user}/groups/details"                              SignedIn Any            UsersRead        users::membership::GROUPS_DETAILS
    POST   "/cloud/users/{user}/groups"                                      SubAdmin Password       GroupsWrite      users::membership::ADD
    DELETE "/cloud/users/{user}/groups"                                      SubAdmin Password       GroupsWrite      users::membership::REMOVE
    GET    "/cloud/users/{user}/subadmins"                                   Admin    Any            UsersRead        users::membership::SUB_ADMIN_OF
    GET    "/cloud/users/{user}/subadmins/details"                           Admin    Any            UsersRead        users::membership::SUB_ADMIN_OF_DETAILS
    POST   "/cloud/users/{user}/subadmins"                                   Admin    RecentPassword Admin            users::membership::PROMOTE
    DELETE "/cloud/users/{user}/subadmins"                                   Admin    RecentPassword Admin            users::membership::DEMOTE
    GET    "/cloud/users/{user}/sessions"                                    SubAdmin Password       UsersCredentials users::credentials::SESSIONS
    DELETE "/cloud/users/{user}/sessions"                                    SubAdmin RecentPassword UsersCredentials users::credentials::END_SESSIONS
    GET    "/cloud/users/{user}/app-passwords"                               SubAdmin Password       UsersCredentials users::credentials::APP_PASSWORDS
    DELETE "/cloud/users/{user}/app-passwords/{key}"                         SubAdmin RecentPassword UsersCredentials users::credentials::REVOKE
    POST   "/cloud/users/{user}/reset-mail"                                  SubAdmin Password       UsersCredentials users::credentials::RESET_MAIL
    PUT    "/cloud/users/{user}/{collection}"                                SignedIn Any            UsersWrite       users::edit::COLLECTION

    GET    "/cloud/groups"                                                   SubAdmin Any            GroupsRead       groups::LIST
    POST   "/cloud/groups"                                                   Admin    Password       GroupsWrite      groups::CREATE
    GET    "/cloud/groups/details"                                           Admin    Any            GroupsRead       groups::DETAILS
    GET    "/cloud/groups/{group*}/users/details"                            SignedIn Any            GroupsRead       users::list::OF_GROUP_DETAILS
    GET    "/cloud/groups/{group*}/users"                                    SignedIn Any            GroupsRead       users::list::OF_GROUP
    GET    "/cloud/groups/{group*}/subadmins"                                Admin    Any            GroupsRead       groups::SUB_ADMINS
    GET    "/cloud/groups/{group*}"                                          SignedIn Any            GroupsRead       users::list::OF_GROUP
    PUT    "/cloud/groups/{group*}"                                          Admin    Password       GroupsWrite      groups::EDIT
    DELETE "/cloud/groups/{group*}"                                          Admin    RecentPassword GroupsWrite      groups::DELETE

    GET    "/cloud/apps"                                                     Admin    Any            Apps             apps::catalogue::LIST
    GET    "/cloud/apps/"                                                    Admin    Any            Apps             apps::catalogue::LIST
    GET    "/cloud/apps/{app}"                                               Admin    Any            Apps             apps::catalogue::INFO
    POST   "/cloud/apps/{app}"                                               Admin    RecentPassword Apps             apps::catalogue::ENABLE
    DELETE "/cloud/apps/{app}"                                               Admin    RecentPassword Apps             apps::catalogue::DISABLE

    GET    "/apps/provisioning_api/api/v1/config/apps"                       Admin    Any            Apps             apps::config::APPS
    GET    "/apps/provisioning_api/api/v1/config/apps/{app}"                 Admin    Any            Apps             apps::config::KEYS
    GET    "/apps/provisioning_api/api/v1/config/apps/{app}/{key}"           Admin    Any            Apps             apps::config::GET
    POST   "/apps/provisioning_api/api/v1/config/apps/{app}/{key}"           SignedIn RecentPassword Apps             apps::config::SET
    DELETE "/apps/provisioning_api/api/v1/config/apps/{app}/{key}"           Admin    RecentPassword Apps             apps::config::DELETE
    POST   "/apps/provisioning_api/api/v1/config/users/{app}/{key}"          SignedIn Any            -                preferences::SET
    DELETE "/apps/provisioning_api/api/v1/config/users/{app}/{key}"          SignedIn Any            -                preferences::DELETE
    POST   "/apps/provisioning_api/api/v1/config/users/{app}"                SignedIn Any            -                preferences::SET_SEVERAL
    DELETE "/apps/provisioning_api/api/v1/config/users/{app}"                SignedIn Any            -                preferences::DELETE_SEVERAL

    GET    "/cloud/server/backends"                                          Admin    Password       -                operators::backends::LIST
    POST   "/cloud/server/backends/test"                                     Admin    RecentPassword -                operators::backends::TEST
    GET    "/cloud/server/brute-force"                                       Admin    Password       -                operators::brute_force::LIST
    DELETE "/cloud/server/brute-force"                                       Admin    RecentPassword -                operators::brute_force::RELEASE
    GET    "/cloud/server/pins"                                              Admin    Password       -                operators::pins::LIST
    PUT    "/cloud/server/pins"                                              Admin    RecentPassword -                operators::pins::REBIND
    GET    "/cloud/server/audit"                                             Admin    Password       -                operators::audit::LIST
    GET    "/cloud/server/mail"                                              Admin    Password       -                operators::mail::QUEUE
    POST   "/cloud/server/mail/test"                                         Admin    RecentPassword -                operators::mail::TEST
    GET    "/cloud/server/config"                                            Admin    Password       -                operators::configuration::SHOW

    GET    "/core/getapppassword"                                            SignedIn RecentPassword -                app_passwords::GET
    DELETE "/core/apppassword"                                               SignedIn Any            -                app_passwords::DELETE
    POST   "/core/apppassword/rotate"                                        SignedIn Any            -                app_passwords::ROTATE

    GET    "/apps/password_policy/api/v1/generate"                           SignedIn Any            UsersWrite       passwords::GENERATE
    POST   "/apps/password_policy/api/v1/validate"                           SignedIn Any            UsersWrite       passwords::VALIDATE
};

pub use super::users::edit::needs as needs_of_field;

/// The result of routing.
#[derive(Debug)]
pub enum RouteMatch<'p> {
    /// To this route, with these parts of the path.
    Route(&'static Route, Captures<'p>),
    /// To something that does not know this method.
    OtherMethod,
    /// To nothing.
    Nothing,
}

/// Looks a path up.
///
/// `HEAD` goes where `GET` goes, unless that changes something.
pub fn find<'p>(method: &Method, path: &'p Path) -> RouteMatch<'p> {
    find_among(method, path, |_| true)
}

/// The same among some of the routes.
pub(crate) fn find_among<'p>(
    method: &Method,
    path: &'p Path,
    is_meant: impl Fn(&Route) -> bool,
) -> RouteMatch<'p> {
    let is_head = *method == Method::HEAD;
    let method = if is_head { &Method::GET } else { method };
    let mut other = false;
    for route in ROUTES.iter().filter(|route| is_meant(route)) {
        let Some(captures) = matched(route.path, path.segments()) else { continue };
        if route.method == *method && !(is_head && route.operation.changes_on_get) {
            return RouteMatch::Route(route, captures);
        }
        other = true;
    }
    if other { RouteMatch::OtherMethod } else { RouteMatch::Nothing }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use accounts::{NewIdError, UserId};

    use super::*;

    fn found(method: &Method, raw: &str) -> String {
        let path = Path::parse(raw).unwrap();
        match find(method, &path) {
            RouteMatch::Route(route, captures) => {
                let named = captures.names().map(|name| format!(" {name}={}", captures.get(name)));
                format!("{}{}", route.operation.id, named.collect::<String>())
            }
            RouteMatch::OtherMethod => "other method".to_owned(),
            RouteMatch::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn paths_lead_where_clients_expect() {
        for (method, path, expected) in [
            (Method::GET, "/cloud/users", "UserList"),
            (Method::HEAD, "/cloud/users", "UserList"),
            (Method::GET, "/core/getapppassword", "AppPasswordGet"),
            (Method::HEAD, "/core/getapppassword", "other method"),
            (Method::GET, "//cloud/users", "UserList"),
            (Method::GET, "/cloud/users/", "nothing"),
            (Method::GET, "/cloud/users/details", "UserListDetails"),
            (Method::GET, "/cloud/users/Frank", "UserGet user=Frank"),
            (Method::GET, "/cloud/users/joe@example.com", "UserGet user=joe@example.com"),
            (Method::GET, "/cloud/users/a%2Fgroups", "UserGet user=a/groups"),
            (Method::PUT, "/cloud/users/Frank/enable", "UserEnable user=Frank"),
            (
                Method::PUT,
                "/cloud/users/Frank/additional_mail",
                "UserEditCollection user=Frank collection=additional_mail",
            ),
            (Method::PUT, "/cloud/users", "other method"),
            (Method::POST, "/cloud/users/Frank", "other method"),
            (Method::OPTIONS, "/cloud/users/Frank", "other method"),
            (Method::GET, "/cloud/groups/details", "GroupDetails"),
            (Method::GET, "/cloud/groups/a", "GroupUsers group=a"),
            (Method::GET, "/cloud/groups/a/b", "GroupUsers group=a/b"),
            (Method::GET, "/cloud/groups/a%2Fb", "GroupUsers group=a/b"),
            (Method::GET, "/cloud/groups/a/users", "GroupUsers group=a"),
            (Method::GET, "/cloud/groups/a/b/users/details", "GroupUsersDetails group=a/b"),
            (Method::GET, "/cloud/groups/a%2Fb/subadmins", "GroupSubAdmins group=a/b"),
            (Method::DELETE, "/cloud/groups/a/users", "GroupDelete group=a/users"),
            (Method::GET, "/cloud/groups/", "nothing"),
            (Method::GET, "/cloud/apps/", "AppList"),
            (Method::GET, "/cloud/apps/files", "AppInfo app=files"),
            (Method::GET, "/cloud/nonsense", "nothing"),
            (Method::GET, "/", "nothing"),
            (Method::GET, "/cloud/config", "nothing"),
            (Method::POST, "/apps/provisioning_api/api/v1/config/apps/core/a", "AppKeySet app=core key=a"),
        ] {
            assert_eq!(found(&method, path), expected, "{method} {path}");
        }
    }

    /// The id of a user that is a word of a route would lead to that route.
    #[test]
    fn words_that_hide_a_user_are_no_ids_of_new_users() {
        let words: BTreeSet<&str> = ROUTES.iter().flat_map(|route| route.path.split('/')).collect();
        let mut hiding = Vec::new();
        for word in words.into_iter().filter(|word| !word.is_empty() && !word.starts_with('{')) {
            let is_hidden = ROUTES.iter().filter(|route| route.path.contains("{user}")).any(|route| {
                let example = route.path.replace("{user}", word).replace(['{', '}'], "");
                let path = Path::parse(&example).unwrap();
                let RouteMatch::Route(first, _) = find(&route.method, &path) else { panic!("{example}") };
                first.operation.id != route.operation.id
            });
            assert_eq!(UserId::for_new(word) == Err(NewIdError::RouteWord), is_hidden, "{word}");
            hiding.extend(is_hidden.then_some(word));
        }
        assert_eq!(hiding, ["details", "disabled", "recent"]);
    }

    #[test]
    fn no_route_hides_behind_another() {
        for route in ROUTES {
            let example = route.path.replace("{group*}", "g").replace(['{', '}'], "");
            let path = Path::parse(&example).unwrap();
            let RouteMatch::Route(first, _) = find(&route.method, &path) else { panic!("{example}") };
            assert_eq!(first.operation.id, route.operation.id, "{example}");
        }
    }
}
