//! The API description matches the server.
//!
//! Every response of any of these tests is compared with it. Every parameter in it is read by its
//! endpoint, and every code in it is returned by its endpoint.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};
use user_backend_server::openapi::document;
use user_backend_server::openapi::examples::Example;
use user_backend_server::provisioning::call_path::Path;
use user_backend_server::provisioning::caller::RequiredRole;
use user_backend_server::provisioning::envelope::code::Version;
use user_backend_server::provisioning::routes::{ROUTES, Route, RouteMatch, find};
use user_backend_tests::{FakeServer, smtp};

use super::browser::TestBrowser;
use super::lost_password::mail_settings;
use super::*;

type DocumentPair = [Value; 2];

static V25: LazyLock<DocumentPair> = LazyLock::new(|| documents(CompatLevel::V25));
static V31: LazyLock<DocumentPair> = LazyLock::new(|| documents(CompatLevel::V31));
static V2: LazyLock<&'static Value> = LazyLock::new(|| described("v2", CompatLevel::V25));

fn documents(level: CompatLevel) -> DocumentPair {
    [Version::V1, Version::V2].map(|version| document(version, level, "/"))
}

fn described(version: &str, level: CompatLevel) -> &'static Value {
    let [v1, v2] = if level == CompatLevel::V31 { &*V31 } else { &*V25 };
    if version == "v1" { v1 } else { v2 }
}

fn operation(version: &str, level: CompatLevel, route: &Route) -> &'static Value {
    let path = format!("/ocs/{version}.php{}", route.path.replace("*}", "}"));
    let found = &described(version, level)["paths"][path.as_str()][route.method.as_str().to_lowercase()];
    assert!(found.is_object(), "{path}");
    found
}

/// Fails if the description lacks a response.
#[track_caller]
pub(super) fn knows(level: CompatLevel, method: &Method, target: &str, answer: &Answer) {
    let path = target.split('?').next().unwrap();
    let Some((version, rest)) = path.strip_prefix("/ocs/").and_then(|path| path.split_once(".php")) else {
        return;
    };
    let Some(path) = Path::parse(rest) else { return };
    let RouteMatch::Route(route, _) = find(method, &path) else { return };
    // A head that is too long is refused before it is parsed.
    if answer.status == 431 {
        return;
    }
    let about = format!("{method} {target}: {answer:?}");
    let response = &operation(version, level, route)["responses"][answer.status.to_string()];
    assert!(response.is_object(), "this status is not described: {about}");
    let content_type = answer.header("content-type").split(';').next().unwrap();
    if answer.body.is_empty() {
        return;
    }
    let content = &response["content"][content_type];
    assert!(content.is_object(), "{content_type} is not described: {about}");
    let schema = &response["content"]["application/json"]["schema"];
    if content_type == "application/json" {
        let validator = validator(
            format!("{version} {level:?} {} {} {}", route.method, route.path, answer.status),
            || json!({ "allOf": [schema], "components": described(version, level)["components"] }),
        );
        let wrong: Vec<String> =
            validator.iter_errors(&answer.json()).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:#?} {about}");
    }
    if content_type != "text/html" && answer.body.contains("statuscode") {
        let code = answer.code();
        let works = if version == "v1" { 100 } else { 200 };
        assert!(
            code == works && answer.status == 200 || codes(response).contains(&code),
            "{code} is not described: {about}"
        );
    }
}

/// What compares answers with a schema, made once.
fn validator(key: String, schema: impl FnOnce() -> Value) -> Arc<jsonschema::Validator> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<jsonschema::Validator>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap();
    let make = || Arc::new(jsonschema::validator_for(&schema()).unwrap());
    Arc::clone(made.entry(key).or_insert_with(make))
}

/// The codes of failures of a response.
fn codes(schema: &Value) -> BTreeSet<u16> {
    let mut found = BTreeSet::new();
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                if let (true, Some(codes)) = (key == "x-statuscodes", value.as_array()) {
                    found.extend(codes.iter().map(|code| u16::try_from(code.as_u64().unwrap()).unwrap()));
                }
                found.extend(codes(value));
            }
        }
        Value::Array(all) => all.iter().for_each(|one| found.extend(codes(one))),
        _ => {}
    }
    found
}

/// A parameter in the description, and whether it is a map.
fn parameters(route: &Route) -> BTreeMap<String, bool> {
    let operation = operation("v2", CompatLevel::V25, route);
    let mut found = BTreeMap::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().unwrap().trim_end_matches("[]").to_owned();
            found.insert(name, parameter["schema"]["type"] == "object");
        }
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let one = [schema.clone()];
    for schema in schema["oneOf"].as_array().map_or(&one[..], Vec::as_slice) {
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            found.insert(name.clone(), schema["type"] == "object");
        }
    }
    found
}

/// A path that leads somewhere, and what an endpoint needs to look at everything.
fn example(route: &Route) -> (String, Vec<(&'static str, &'static str)>) {
    let app = match route.operation.id {
        "AppDisable" | "AppEnable" => "nosuchapp",
        _ => "core",
    };
    let user = match route.operation.id {
        "UserDelete" | "UserDisable" => "ghost",
        _ => "Frank",
    };
    let group = if route.operation.id == "GroupDelete" { "nogroup" } else { "group1" };
    let path = route
        .path
        .replace("{user}", user)
        .replace("{group*}", group)
        .replace("{app}", app)
        .replace("{key}", "a_key")
        .replace("{collection}", "additional_mail");
    let fields: &[(&str, &str)] = match route.operation.id {
        "UserCreate" => &[("userid", "newcomer"), ("email", "n@example.org")],
        "UserEdit" | "UserEditCollection" => &[("key", "role"), ("value", "x")],
        "GroupEdit" => &[("key", "displayname"), ("value", "x")],
        "GroupCreate" => &[("groupid", "newgroup")],
        "UserGroupAdd" | "UserGroupRemove" => &[("groupid", "group1")],
        "UserSubAdminAdd" | "UserSubAdminRemove" => &[("groupid", "group1")],
        "UserSearchByPhone" => &[("location", "DE")],
        "AppKeySet" => &[("value", "x")],
        "PreferenceSet" => &[("configValue", "x")],
        "PersonCheck" => &[("login", "x"), ("password", "x")],
        "PasswordValidate" => &[("password", "x")],
        "BackendTest" => &[("name", "x"), ("password", "x")],
        "PinRebind" => &[("name", "x"), ("backend", "")],
        "MailTest" => &[("address", "n@example.org")],
        _ => &[],
    };
    (path, fields.to_vec())
}

/// What calls can change, without the times of sign-ins.
async fn state(server: &Server) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in [
        "/cloud/users/details",
        "/cloud/groups/details",
        "/cloud/apps",
        "/cloud/server/pins",
        "/cloud/user/service-tokens",
        "/apps/provisioning_api/api/v1/config/apps/core",
    ] {
        let mut data = server.get("admin", &format!("{path}?format=json")).send().await.ok().data();
        for user in data["users"].as_object_mut().into_iter().flat_map(|users| users.values_mut()) {
            let user = user.as_object_mut().unwrap();
            user.retain(|key, _| !key.to_lowercase().contains("lastlogin"));
        }
        seen.push(data);
    }
    seen
}

/// Every parameter of every route: missing, twice, too long, of another type, hostile.
///
/// Each call ends with a described code (every answer is compared with the description); a refused
/// one says why and changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_at_every_route_and_changes_nothing() {
    let server = Server::start().await;
    let long = "x".repeat(100_000);
    let hostile = "%00%1B%0D%0A%27%22%3C%5D%5D%3E%E2%80%AE..%2F%FF";
    let (mut before, mut refused) = (state(&server).await, 0);
    for route in ROUTES {
        let (path, fields) = example(route);
        for (name, is_map) in parameters(route) {
            let bad = [
                ("missing", String::new()),
                ("twice", format!("{name}=a&{name}=b")),
                ("too long", format!("{name}={long}")),
                ("of another type", format!("{name}[][x][]={}", if is_map { "" } else { "x" })),
                ("hostile", format!("{name}={hostile}")),
            ];
            for (kind, odd) in bad {
                let others = fields.iter().filter(|(field, _)| *field != name);
                let form: Vec<String> = others
                    .map(|(field, value)| format!("{field}={value}"))
                    .chain((!odd.is_empty()).then_some(odd))
                    .collect();
                let answer =
                    server.ask("admin", route.method.clone(), &path).form(&form.join("&")).send().await;
                let about = format!("{} {name}, {kind}: {answer:.500?}", route.operation.id);
                assert!(answer.status < 500 && ![996, 0].contains(&answer.code()), "{about}");
                let is_change = route.method != Method::GET;
                if answer.code() == 100 {
                    // What may be left out, the last of two values, and texts of any length.
                    let is_possible = match kind {
                        "missing" => !is_required(route, &name),
                        kind => ["twice", "too long"].contains(&kind),
                    };
                    assert!(is_possible, "accepted: {about}");
                    if is_change {
                        before = state(&server).await;
                    }
                    continue;
                }
                refused += 1;
                let hint = answer.element("hint").unwrap_or_default();
                assert!(!answer.message().is_empty() || !hint.is_empty(), "no reason: {about}");
                if is_change {
                    assert_eq!(state(&server).await, before, "{about}");
                }
            }
        }
    }
    assert!(refused > 250, "{refused}");
}

/// Whether the description says that a parameter must be sent.
fn is_required(route: &Route, name: &str) -> bool {
    let operation = operation("v2", CompatLevel::V25, route);
    let in_query = operation["parameters"].as_array().into_iter().flatten().any(|parameter| {
        parameter["in"] == "query" && parameter["required"] == true && parameter["name"] == name
    });
    let body = &operation["requestBody"]["content"]["application/json"]["schema"]["required"];
    in_query || body.as_array().into_iter().flatten().any(|required| required == name)
}

/// The files of a folder and of those in it.
fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The parameter names in the sources of endpoints.
///
/// A name that no description mentions would be missed otherwise.
fn names_in_the_source() -> Vec<String> {
    const ASKS: &[&str] = &[
        ".text(\"",
        ".required(\"",
        ".once(\"",
        ".number(\"",
        ".texts(\"",
        ".text_lists(\"",
        ".text_map(\"",
    ];
    let mut names = Vec::new();
    for file in sources(concat!(env!("CARGO_MANIFEST_DIR"), "/src/provisioning").as_ref()) {
        let source = std::fs::read_to_string(file).unwrap();
        for pieces in ASKS.iter().map(|ask| source.split(ask).skip(1)) {
            names.extend(pieces.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_equal_those_read_by_endpoints() {
    let server = Server::start().await;
    let mut every: BTreeSet<String> = ROUTES.iter().flat_map(|route| parameters(route).into_keys()).collect();
    every.extend(names_in_the_source());
    assert!(every.len() > 20, "{every:?}");
    for route in ROUTES {
        let (path, fields) = example(route);
        let own = parameters(route);
        let ask = async |odd: &str, name: &str| {
            let others = fields.iter().filter(|(field, _)| *field != name);
            let mut form: Vec<String> = others.map(|(field, value)| format!("{field}={value}")).collect();
            form.push(odd.to_owned());
            server.ask("admin", route.method.clone(), &path).form(&form.join("&")).send().await
        };
        // A nested list is no text, and a text is no map: the reader reports an error.
        let odd = |name: &str, map: bool| if map { format!("{name}=x") } else { format!("{name}[x][y]=x") };
        for (name, map) in &own {
            let message = ask(&odd(name, *map), name).await.message();
            let complaint = format!("The parameter {name} must be");
            assert!(
                message.starts_with(&complaint),
                "{} {path} does not read {name}: {message}",
                route.method
            );
        }
        let strange: Vec<String> =
            every.iter().filter(|name| !own.contains_key(*name)).map(|name| odd(name, false)).collect();
        let message = ask(&strange.join("&"), "").await.message();
        assert!(!message.starts_with("The parameter"), "{} {path} is not described: {message}", route.method);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_described_operation_exists() {
    let server = Server::start().await;
    for (path, item) in V2["paths"].as_object().unwrap() {
        if path.starts_with("/ocs/") {
            continue;
        }
        let answer = server.get("-", path).send().await;
        let response = &item["get"]["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{path}: {}", answer.status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let docs = server.get("-", "/docs").send().await;
    assert_eq!(docs.header("content-type"), "text/html; charset=utf-8");
    let policy = docs.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("style-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
}

/// One way to get each code that is described beside those that every route has.
#[rustfmt::skip]
const CAUSES: &[(&str, u16, &str, &str, &str)] = &[
    ("AppDisable", 403, "admin", "/cloud/apps/provisioning_api", ""),
    ("AppEnable", 998, "admin", "/cloud/apps/nosuchapp", ""),
    ("AppInfo", 998, "admin", "/cloud/apps/nosuchapp", ""),
    ("AppList", 101, "admin", "/cloud/apps?filter=x", ""),
    ("AppPasswordDelete", 403, "admin", "/core/apppassword", ""),
    ("AppPasswordRotate", 403, "admin", "/core/apppassword/rotate", ""),
    ("AppKeyDelete", 403, "admin", "/apps/provisioning_api/api/v1/config/apps/core/enabled", ""),
    ("AppKeyGet", 403, "admin", "/apps/provisioning_api/api/v1/config/apps/a%20b/key", ""),
    ("AppKeySet", 403, "admin", "/apps/provisioning_api/api/v1/config/apps/core/enabled", "value=x"),
    ("AppKeys", 403, "admin", "/apps/provisioning_api/api/v1/config/apps/a%20b", ""),
    ("AppPasswordDelete", 403, "admin", "/core/apppassword", ""),
    ("AppPasswordRotate", 403, "admin", "/core/apppassword/rotate", ""),
    ("BackendTest", 101, "admin", "/cloud/server/backends/test", "name=x&password=x&backend=none"),
    ("BackendTest", 102, "admin", "/cloud/server/backends/test", "name=x&password=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ("BruteForceRelease", 101, "admin", "/cloud/server/brute-force", "source=x"),
    ("MailTest", 101, "admin", "/cloud/server/mail/test", "address=x"),
    ("MailTest", 102, "admin", "/cloud/server/mail/test", "address=n%40example.org"),
    ("PinList", 101, "admin", "/cloud/server/pins?name=a%01b", ""),
    ("PinList", 102, "admin", "/cloud/server/pins?backend=a%01b", ""),
    ("PinRebind", 101, "admin", "/cloud/server/pins", "name=a%01b&backend="),
    ("PinRebind", 102, "admin", "/cloud/server/pins", "name=x&backend=none"),
    ("PinRebind", 103, "admin", "/cloud/server/pins", "name=admin&backend="),
    ("UserAppPasswordRevoke", 404, "admin", "/cloud/users/Frank/app-passwords/1", ""),
    ("UserAppPasswordRevoke", 998, "sam", "/cloud/users/outsider/app-passwords/1", ""),
    ("UserAppPasswords", 998, "sam", "/cloud/users/outsider/app-passwords", ""),
    ("UserResetMail", 101, "admin", "/cloud/users/Frank/reset-mail", ""),
    ("UserResetMail", 998, "sam", "/cloud/users/outsider/reset-mail", ""),
    ("UserSessions", 998, "sam", "/cloud/users/outsider/sessions", ""),
    ("UserSessionsEnd", 998, "sam", "/cloud/users/outsider/sessions", ""),
    ("GroupCreate", 101, "admin", "/cloud/groups", "groupid=0"),
    ("GroupCreate", 102, "admin", "/cloud/groups", "groupid=group1"),
    ("GroupDelete", 101, "admin", "/cloud/groups/nogroup", ""),
    ("GroupDelete", 102, "admin", "/cloud/groups/admin", ""),
    ("GroupEdit", 101, "admin", "/cloud/groups/group1", "key=displayname&value=LONG"),
    ("GroupEdit", 998, "admin", "/cloud/groups/nogroup", "key=displayname&value=x"),
    ("GroupEdit", 999, "admin", "/cloud/groups/group1", "key=x&value=x"),
    ("GroupSubAdmins", 101, "admin", "/cloud/groups/nogroup/subadmins", ""),
    ("GroupUsers", 403, "sam", "/cloud/groups/group2/users", ""),
    ("GroupUsers", 404, "admin", "/cloud/groups/nogroup/users", ""),
    ("GroupUsers2", 403, "sam", "/cloud/groups/group2", ""),
    ("GroupUsers2", 404, "admin", "/cloud/groups/nogroup", ""),
    ("ServiceTokenCreate", 101, "admin", "/cloud/user/service-tokens", "name=LONG&scopes%5B%5D=users:read"),
    ("ServiceTokenCreate", 102, "admin", "/cloud/user/service-tokens", "name=x&scopes%5B%5D=all"),
    ("ServiceTokenCreate", 103, "admin", "/cloud/user/service-tokens", "name=x&scopes%5B%5D=apps&networks%5B%5D=x"),
    ("ServiceTokenCreate", 104, "admin", "/cloud/user/service-tokens", "name=x&scopes%5B%5D=apps&expires=never"),
    ("ServiceTokenRevoke", 404, "admin", "/cloud/user/service-tokens/1", ""),
    ("GroupUsersDetails", 998, "sam", "/cloud/groups/group2/users/details", ""),
    ("AppList2", 101, "admin", "/cloud/apps/?filter=x", ""),
    ("PersonCheck", 101, "-", "/person/check", "login=x"),
    ("PersonCheck", 102, "-", "/person/check", "login=Frank&password=x"),
    ("PreferenceDelete", 400, "jane", "/apps/provisioning_api/api/v1/config/users/core/key", ""),
    ("PreferenceSet", 400, "jane", "/apps/provisioning_api/api/v1/config/users/core/key", "configValue=x"),
    ("PreferencesDelete", 400, "jane", "/apps/provisioning_api/api/v1/config/users/core", ""),
    ("PreferencesSet", 400, "jane", "/apps/provisioning_api/api/v1/config/users/core", ""),
    ("UserCreate", 101, "admin", "/cloud/users", "userid=..&password=PASSWORD"),
    ("UserCreate", 102, "admin", "/cloud/users", "userid=FRANK&password=PASSWORD"),
    ("UserCreate", 103, "admin", "/cloud/users", "userid=new&password=PASSWORD&subadmin[]=admin"),
    ("UserCreate", 104, "admin", "/cloud/users", "userid=new&password=PASSWORD&groups[]=nogroup"),
    ("UserCreate", 105, "sam", "/cloud/users", "userid=new&password=PASSWORD&groups[]=group2"),
    ("UserCreate", 106, "sam", "/cloud/users", "userid=new&password=PASSWORD"),
    ("UserCreate", 107, "admin", "/cloud/users", "userid=new&password=abc"),
    ("UserCreate", 108, "admin", "/cloud/users", "userid=new"),
    ("UserCreate", 403, "sam", "/cloud/users", "userid=new&password=PASSWORD&groups[]=group1&subadmin[]=group2"),
    ("UserDelete", 101, "admin", "/cloud/users/admin", ""),
    ("UserDelete", 998, "admin", "/cloud/users/ghost", ""),
    ("UserDisable", 101, "admin", "/cloud/users/admin/disable", ""),
    ("UserDisable", 998, "sam", "/cloud/users/outsider/disable", ""),
    ("UserEdit", 101, "admin", "/cloud/users/Frank", "key=displayname&value=LONG"),
    ("UserEdit", 102, "admin", "/cloud/users/Frank", "key=quota&value=x"),
    ("UserEdit", 103, "admin", "/cloud/users/Frank", "key=x&value=x"),
    ("UserEdit", 998, "jane", "/cloud/users/Frank", "key=role&value=x"),
    ("UserEditCollection", 102, "admin", "/cloud/users/Frank/additional_mail", "key=x&value=y"),
    ("UserEditCollection", 103, "admin", "/cloud/users/Frank/x", "key=x&value=y"),
    ("UserEditCollection", 998, "jane", "/cloud/users/Frank/additional_mail", "key=x&value=y"),
    ("UserEnable", 101, "admin", "/cloud/users/ghost/enable", ""),
    ("UserEnable", 998, "sam", "/cloud/users/outsider/enable", ""),
    ("UserFieldsOf", 998, "jane", "/cloud/user/fields/Frank", ""),
    ("UserGet", 404, "admin", "/cloud/users/ghost", ""),
    ("UserGet", 998, "jane", "/cloud/users/Frank", ""),
    ("UserGroupAdd", 101, "admin", "/cloud/users/Frank/groups", "groupid="),
    ("UserGroupAdd", 102, "admin", "/cloud/users/Frank/groups", "groupid=nogroup"),
    ("UserGroupAdd", 103, "admin", "/cloud/users/ghost/groups", "groupid=group1"),
    ("UserGroupAdd", 104, "sam", "/cloud/users/Frank/groups", "groupid=group2"),
    ("UserGroupRemove", 101, "admin", "/cloud/users/Frank/groups", "groupid="),
    ("UserGroupRemove", 102, "admin", "/cloud/users/Frank/groups", "groupid=nogroup"),
    ("UserGroupRemove", 103, "admin", "/cloud/users/ghost/groups", "groupid=group1"),
    ("UserGroupRemove", 104, "sam", "/cloud/users/Frank/groups", "groupid=group2"),
    ("UserGroupRemove", 105, "admin", "/cloud/users/admin/groups", "groupid=admin"),
    ("UserGroups", 998, "jane", "/cloud/users/Frank/groups", ""),
    ("UserGroupsDetails", 998, "jane", "/cloud/users/Frank/groups/details", ""),
    ("UserSearchByPhone", 400, "jane", "/cloud/users/search/by-phone", "location=x"),
    ("UserSubAdminAdd", 101, "admin", "/cloud/users/ghost/subadmins", "groupid=group1"),
    ("UserSubAdminAdd", 102, "admin", "/cloud/users/Frank/subadmins", "groupid=nogroup"),
    ("UserSubAdminAdd", 103, "admin", "/cloud/users/Frank/subadmins", "groupid=admin"),
    ("UserSubAdminRemove", 101, "admin", "/cloud/users/Frank/subadmins", "groupid=nogroup"),
    ("UserSubAdminRemove", 102, "admin", "/cloud/users/Frank/subadmins", "groupid=group1"),
    ("UserSubAdmins", 404, "admin", "/cloud/users/ghost/subadmins", ""),
    ("UserSubAdminsDetails", 404, "admin", "/cloud/users/ghost/subadmins/details", ""),
    ("UserWelcome", 101, "admin", "/cloud/users/Frank/welcome", ""),
    ("UserWelcome", 102, "admin", "/cloud/users/jane/welcome", ""),
    ("UserWelcome", 998, "admin", "/cloud/users/ghost/welcome", ""),
    ("UserWipe", 101, "admin", "/cloud/users/admin/wipe", ""),
    ("UserWipe", 998, "admin", "/cloud/users/ghost/wipe", ""),
];

/// Codes that take another server, or a moment: they are tried where those are.
const ELSEWHERE: &[(&str, u16)] = &[
    ("AppPasswordGet", 403),
    ("PasswordGenerate", 404),
    ("PasswordValidate", 404),
    ("PersonCheck", 403),
    ("ServiceTokenCreate", 105),
    ("UserSearchByPhone", 429),
    ("UserCreate", 110),
    ("UserEdit", 403),
    ("UserEditCollection", 403),
    ("UserCreate", 111),
    ("UserSelf", 998),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_described_code_occurs() {
    let server = Server::start().await;
    server.put("admin", "/cloud/users/jane", "key=email&value=jane%40example.org").send().await.ok();
    let operations: BTreeMap<&str, (Method, &Value)> = V2["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap())
        .map(|(method, operation)| {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            (operation["operationId"].as_str().unwrap(), (method, operation))
        })
        .collect();
    let mut answered = BTreeSet::new();
    for (id, code, who, path, form) in CAUSES {
        let form = form.replace("PASSWORD", "down+the+rabbit+hole").replace("LONG", &"x".repeat(300));
        let (method, _) = &operations[id];
        let path = format!("/ocs/v2.php{path}");
        let answer = server.ask(who, method.clone(), &path).form(&form).send().await;
        assert_eq!(answer.code(), *code, "{id}: {answer:?}");
        answered.insert((*id, *code));
    }
    answered.extend(ELSEWHERE);
    let usual = |id: &str, code: u16| {
        let audience = ROUTES.iter().find(|route| id.trim_end_matches('2') == route.operation.id);
        // A service token without the scope gets 403 at every call for signed-in users; a test of
        // those walks all of them.
        let is_guarded = audience.is_some_and(|route| route.role != RequiredRole::Anyone);
        [400, 415, 429, 503, 500, 997].contains(&code) || code == 403 && is_guarded
    };
    for (id, (_, operation)) in &operations {
        for response in operation["responses"].as_object().unwrap().values() {
            for code in codes(response) {
                assert!(usual(id, code) || answered.contains(&(*id, code)), "{id} never answers {code}");
            }
        }
    }
}

/// Makes the calls of the examples in their order; with `UPDATE_DOCS=1` their answers are written.
#[tokio::test(flavor = "multi_thread")]
async fn examples_are_what_the_server_answers() {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/openapi/examples.json");
    let taken = smtp::takes_a_mail("RCPT TO:<alice@example.com>\r\n");
    let mail_server = FakeServer::start([vec![smtp::say("220 sink")], taken].concat()).await;
    let mail = mail_settings(mail_server.port());
    let imap = external_backend::imap().await;
    let server = Server::with(
        "default_phone_region = \"DE\"\n",
        &format!("{mail}{imap}domain = \"mail.example\"\ndisplay_name = \"Example Mail\"\n"),
    )
    .await;
    let written = std::fs::read_to_string(FILE).unwrap();
    let mut examples: Vec<Value> = serde_json::from_str(&written).unwrap();
    let described: BTreeSet<&str> = V2["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, _)| path.starts_with("/ocs/"))
        .flat_map(|(_, item)| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let have: BTreeSet<&str> = examples.iter().map(|example| example["id"].as_str().unwrap()).collect();
    assert_eq!(have, described, "one example for each operation");
    let mut app_password = String::new();
    for example in &mut examples {
        prepare_example(&server, example["id"].as_str().unwrap()).await;
        let method = Method::from_bytes(example["method"].as_str().unwrap().as_bytes()).unwrap();
        let fields = serde_json::from_value::<Example>(example.clone()).unwrap().fields();
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let form = form.join("&");
        let path = format!("/ocs/v2.php{}?format=json", example["path"].as_str().unwrap());
        let is_query = matches!(method, Method::GET | Method::DELETE);
        let path = if is_query { format!("{path}&{form}") } else { path };
        let who = if example["as"] == "Frank" { "Frank" } else { "admin" };
        let mut ask = server.ask(who, method, &path);
        if example["as"] == "app password" {
            ask = ask.basic("Frank", &app_password);
        }
        let answer = if is_query { ask } else { ask.form(&form) }.send().await;
        assert_eq!(u64::from(answer.status), example["status"].as_u64().unwrap(), "{example}: {answer:?}");
        let mut answer = answer.json();
        for name in ["apppassword", "newpassword"] {
            if let Some(token) = answer["ocs"]["data"][name].as_str() {
                app_password = token.to_owned();
            }
        }
        steady(&mut answer);
        example["answer"] = answer;
    }
    let made = serde_json::to_string_pretty(&examples).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    assert!(
        std::fs::read_to_string(FILE).unwrap() == made,
        "examples.json is stale: run this test with UPDATE_DOCS=1"
    );
}

/// What happens before the call of an example, so that its answer shows something.
async fn prepare_example(server: &Server, id: &str) {
    let alice = UserId::parse("alice").unwrap();
    match id {
        "UserSessions" => {
            TestBrowser::signed_in(server, "alice", "down the rabbit hole").await;
        }
        "UserAppPasswords" => {
            server.accounts.app_passwords().create(&alice, "Phone", None).await.unwrap();
        }
        "UserResetMail" => {
            let form = "key=confirmedEmail&value=alice%40example.com";
            server.put("admin", "/cloud/users/alice", form).send().await.ok();
        }
        "BruteForceList" => {
            let guess = server.get("-", "/cloud/user").basic("unknown", "wrong password 1");
            guess.from(Ipv4Addr::new(127, 0, 2, 7)).send().await;
            server.app.sync_failed_logins(false).await.unwrap();
        }
        _ => {}
    }
}

/// Replaces what is another thing each time.
fn steady(value: &mut Value) {
    let entries = match value {
        Value::Array(all) => return all.iter_mut().for_each(steady),
        Value::Object(map) => map,
        Value::String(text) => {
            // The address of this server.
            if let Some((begin, rest)) = text.split_once("127.0.0.1:") {
                let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                *text = format!("{begin}cloud.example.com{rest}");
            }
            // That of a caller.
            if text.parse::<Ipv4Addr>().is_ok_and(|address| address.octets()[..2] == [127, 1]) {
                "203.0.113.7".clone_into(text);
            }
            return;
        }
        _ => return,
    };
    let is_session = entries.contains_key("agent");
    for (name, value) in entries {
        let is_set = value.as_u64().is_some_and(|number| number > 0);
        match (name.as_str(), value.is_string()) {
            ("storageLocation", true) => *value = "/var/lib/user-backend/data/alice".into(),
            ("token" | "apppassword" | "newpassword", true) => *value = "nT5xHq0yV8…".into(),
            ("password", true) => *value = "Gj7-pzRk2w".into(),
            (
                "firstLoginTimestamp"
                | "lastLoginTimestamp"
                | "created"
                | "lastUsed"
                | "at"
                | "due"
                | "first"
                | "last"
                | "seen"
                | "since",
                _,
            ) if is_set => {
                *value = 1_798_761_600_u64.into();
            }
            ("lastLogin", _) if is_set => *value = 1_798_761_600_000_u64.into(),
            ("milliseconds" | "secondsAgo", _) => *value = 12.into(),
            ("port", _) => *value = 143.into(),
            ("wait", _) => *value = 1.into(),
            ("id", _) if is_session => *value = "q7Xw0kZt…".into(),
            _ => steady(value),
        }
    }
}

/// What the document says about ids is what the server accepts.
#[test]
fn described_ids_are_the_possible_ones() {
    let schema = |id: &str, name: &str| {
        let operations =
            V2["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
        let operation = operations.into_iter().find(|operation| operation["operationId"] == id).unwrap();
        let body = &operation["requestBody"]["content"]["application/json"]["schema"]["properties"][name];
        let parameters = operation["parameters"].as_array().unwrap();
        let parameter = parameters.iter().find(|parameter| parameter["name"] == name);
        jsonschema::validator_for(parameter.map_or(body, |parameter| &parameter["schema"])).unwrap()
    };
    let long = "x".repeat(65);
    let ids = [
        "a",
        "Frank",
        "frank@example.com",
        "o'neil",
        "a b",
        ".a",
        "a.b",
        "0",
        "_",
        "",
        " a",
        "a ",
        "@a",
        "a@",
        ".",
        "..",
        "a.",
        "a/b",
        "\u{e4}",
        "a\u{7}b",
        "a\nb",
        long.as_str(),
        &long[1..],
    ];
    let user = schema("UserCreate", "userid");
    let group = schema("GroupEdit", "group");
    let new_group = schema("GroupCreate", "groupid");
    let in_path = schema("UserGet", "user");
    for id in ids {
        assert_eq!(user.is_valid(&json!(id)), UserId::for_new(id).is_ok(), "user {id:?}");
        assert_eq!(group.is_valid(&json!(id)), GroupId::parse(id).is_ok(), "group {id:?}");
        let is_new = id != "0" && GroupId::for_new(id).is_ok();
        assert_eq!(new_group.is_valid(&json!(id)), is_new, "new group {id:?}");
        assert!(!in_path.is_valid(&json!(id)) || UserId::parse(id).is_ok(), "user in a path {id:?}");
    }
}
