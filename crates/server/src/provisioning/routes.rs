//! The one table of routes: method, path, who may, and what answers.
//!
//! The order counts. The id of a group may have slashes and swallows whatever it can, so longer paths stand first; the same
//! holds for words that stand where an id could (`/users/details`).

use axum::http::Method;

use super::path::Path;

/// Whom a route is for, before anybody looks at what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody, also without a password.
    Anybody,
    /// Whoever is signed in; the endpoint looks closer.
    SignedIn,
    /// Administrators, and those who administer a group.
    SubAdmins,
    /// Members of the group `admin`.
    Admins,
}

/// What answers. One word per operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table below says what each is")]
pub enum Endpoint {
    AppDisable,
    AppEnable,
    AppInfo,
    AppKeyDelete,
    AppKeyGet,
    AppKeySet,
    AppKeys,
    AppList,
    AppPasswordDelete,
    AppPasswordGet,
    AppPasswordRotate,
    Capabilities,
    ConfigApps,
    GroupCreate,
    GroupDelete,
    GroupDetails,
    GroupEdit,
    GroupList,
    GroupSubAdmins,
    GroupUsers,
    GroupUsersDetails,
    PasswordGenerate,
    PasswordValidate,
    PersonCheck,
    PreferenceDelete,
    PreferenceSet,
    PreferencesDelete,
    PreferencesSet,
    ServiceInfo,
    UserApps,
    UserCreate,
    UserDelete,
    UserDisable,
    UserEdit,
    UserEditCollection,
    UserEnable,
    UserFields,
    UserFieldsOf,
    UserGet,
    UserGroupAdd,
    UserGroupRemove,
    UserGroups,
    UserGroupsDetails,
    UserList,
    UserListDetails,
    UserListDisabled,
    UserListRecent,
    UserSearchByPhone,
    UserSelf,
    UserSubAdminAdd,
    UserSubAdminRemove,
    UserSubAdmins,
    UserSubAdminsDetails,
    UserWelcome,
    UserWipe,
}

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path behind `/ocs/v1.php`; `{name}` is one segment, `{name*}` one or more.
    pub path: &'static str,
    /// Whom it is for.
    pub audience: Audience,
    /// What answers.
    pub endpoint: Endpoint,
}

macro_rules! routes {
    ($($method:ident $path:literal $audience:ident $endpoint:ident)*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            audience: Audience::$audience,
            endpoint: Endpoint::$endpoint,
        }),*]
    };
}

/// All routes, in the order in which they are tried.
#[rustfmt::skip]
pub const ROUTES: &[Route] = routes! {
    GET    "/cloud/capabilities"                     Anybody   Capabilities
    GET    "/config"                                 Anybody   ServiceInfo
    POST   "/person/check"                           Anybody   PersonCheck

    GET    "/cloud/user"                             SignedIn  UserSelf
    GET    "/cloud/user/apps"                        SignedIn  UserApps
    GET    "/cloud/user/fields"                      SignedIn  UserFields
    GET    "/cloud/user/fields/{user}"               SignedIn  UserFieldsOf

    GET    "/cloud/users"                            SubAdmins UserList
    POST   "/cloud/users"                            SubAdmins UserCreate
    GET    "/cloud/users/details"                    SubAdmins UserListDetails
    GET    "/cloud/users/disabled"                   SubAdmins UserListDisabled
    GET    "/cloud/users/recent"                     Admins    UserListRecent
    POST   "/cloud/users/search/by-phone"            SignedIn  UserSearchByPhone
    GET    "/cloud/users/{user}"                     SignedIn  UserGet
    PUT    "/cloud/users/{user}"                     SignedIn  UserEdit
    DELETE "/cloud/users/{user}"                     SubAdmins UserDelete
    PUT    "/cloud/users/{user}/enable"              SubAdmins UserEnable
    PUT    "/cloud/users/{user}/disable"             SubAdmins UserDisable
    POST   "/cloud/users/{user}/wipe"                SubAdmins UserWipe
    POST   "/cloud/users/{user}/welcome"             SubAdmins UserWelcome
    GET    "/cloud/users/{user}/groups"              SignedIn  UserGroups
    GET    "/cloud/users/{user}/groups/details"      SignedIn  UserGroupsDetails
    POST   "/cloud/users/{user}/groups"              SubAdmins UserGroupAdd
    DELETE "/cloud/users/{user}/groups"              SubAdmins UserGroupRemove
    GET    "/cloud/users/{user}/subadmins"           Admins    UserSubAdmins
    GET    "/cloud/users/{user}/subadmins/details"   Admins    UserSubAdminsDetails
    POST   "/cloud/users/{user}/subadmins"           Admins    UserSubAdminAdd
    DELETE "/cloud/users/{user}/subadmins"           Admins    UserSubAdminRemove
    PUT    "/cloud/users/{user}/{collection}"        SignedIn  UserEditCollection

    GET    "/cloud/groups"                           SubAdmins GroupList
    POST   "/cloud/groups"                           Admins    GroupCreate
    GET    "/cloud/groups/details"                   Admins    GroupDetails
    GET    "/cloud/groups/{group*}/users/details"    SignedIn  GroupUsersDetails
    GET    "/cloud/groups/{group*}/users"            SignedIn  GroupUsers
    GET    "/cloud/groups/{group*}/subadmins"        Admins    GroupSubAdmins
    GET    "/cloud/groups/{group*}"                  SignedIn  GroupUsers
    PUT    "/cloud/groups/{group*}"                  Admins    GroupEdit
    DELETE "/cloud/groups/{group*}"                  Admins    GroupDelete

    GET    "/cloud/apps"                             Admins    AppList
    GET    "/cloud/apps/"                            Admins    AppList
    GET    "/cloud/apps/{app}"                       Admins    AppInfo
    POST   "/cloud/apps/{app}"                       Admins    AppEnable
    DELETE "/cloud/apps/{app}"                       Admins    AppDisable

    GET    "/apps/provisioning_api/api/v1/config/apps"                Admins   ConfigApps
    GET    "/apps/provisioning_api/api/v1/config/apps/{app}"          Admins   AppKeys
    GET    "/apps/provisioning_api/api/v1/config/apps/{app}/{key}"    Admins   AppKeyGet
    POST   "/apps/provisioning_api/api/v1/config/apps/{app}/{key}"    SignedIn AppKeySet
    DELETE "/apps/provisioning_api/api/v1/config/apps/{app}/{key}"    Admins   AppKeyDelete
    POST   "/apps/provisioning_api/api/v1/config/users/{app}/{key}"   SignedIn PreferenceSet
    DELETE "/apps/provisioning_api/api/v1/config/users/{app}/{key}"   SignedIn PreferenceDelete
    POST   "/apps/provisioning_api/api/v1/config/users/{app}"         SignedIn PreferencesSet
    DELETE "/apps/provisioning_api/api/v1/config/users/{app}"         SignedIn PreferencesDelete

    GET    "/core/getapppassword"                    SignedIn  AppPasswordGet
    DELETE "/core/apppassword"                       SignedIn  AppPasswordDelete
    POST   "/core/apppassword/rotate"                SignedIn  AppPasswordRotate

    GET    "/apps/password_policy/api/v1/generate"   SignedIn  PasswordGenerate
    POST   "/apps/password_policy/api/v1/validate"   SignedIn  PasswordValidate
};

/// What a path led to.
#[derive(Debug)]
pub enum Found<'p> {
    /// To this route, with these parts of the path.
    Route(&'static Route, Captures<'p>),
    /// To something that does not know this method.
    OtherMethod,
    /// To nothing.
    Nothing,
}

/// The parts of a path that have a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures<'p> {
    named: Vec<(&'static str, &'p [String])>,
}

impl Captures<'_> {
    /// The part of this name: one segment, or several with their slashes. Empty when there is none.
    pub fn get(&self, name: &str) -> String {
        let found = self.named.iter().find(|(found, _)| *found == name);
        found.map(|(_, segments)| segments.join("/")).unwrap_or_default()
    }
}

/// Looks a path up. `HEAD` goes where `GET` goes.
pub fn find<'p>(method: &Method, path: &'p Path) -> Found<'p> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let mut other = false;
    for route in ROUTES {
        let Some(captures) = matched(route.path, path.segments()) else { continue };
        if route.method == *method {
            return Found::Route(route, captures);
        }
        other = true;
    }
    if other { Found::OtherMethod } else { Found::Nothing }
}

fn matched<'p>(pattern: &'static str, path: &'p [String]) -> Option<Captures<'p>> {
    let pieces = pattern.trim_start_matches('/').split('/');
    let behind = pieces.clone().count();
    let mut captures = Captures::default();
    let mut rest = path;
    for (index, piece) in pieces.enumerate() {
        let name = piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}'));
        let taken = match name {
            // As much as leaves one segment for each piece behind.
            Some(name) if name.ends_with('*') => {
                rest.len().checked_sub(behind - index - 1).filter(|n| *n > 0)?
            }
            _ => 1,
        };
        let (here, after) = rest.split_at_checked(taken)?;
        match name {
            Some(_) if here.iter().all(String::is_empty) => return None,
            Some(name) => captures.named.push((name.trim_end_matches('*'), here)),
            None if here.first().is_some_and(|segment| segment == piece) => {}
            None => return None,
        }
        rest = after;
    }
    rest.is_empty().then_some(captures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &Method, raw: &str) -> String {
        let path = Path::parse(raw).unwrap();
        match find(method, &path) {
            Found::Route(route, captures) => {
                let named = captures.named.iter().map(|(name, _)| format!(" {name}={}", captures.get(name)));
                format!("{:?}{}", route.endpoint, named.collect::<String>())
            }
            Found::OtherMethod => "other method".to_owned(),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn paths_lead_where_clients_expect() {
        for (method, path, expected) in [
            (Method::GET, "/cloud/users", "UserList"),
            (Method::HEAD, "/cloud/users", "UserList"),
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

    #[test]
    fn no_route_hides_behind_another() {
        for route in ROUTES {
            let example = route.path.replace("{group*}", "g").replace(['{', '}'], "");
            let path = Path::parse(&example).unwrap();
            let Found::Route(first, _) = find(&route.method, &path) else { panic!("{example}") };
            assert_eq!(first.endpoint, route.endpoint, "{example}");
        }
    }
}
