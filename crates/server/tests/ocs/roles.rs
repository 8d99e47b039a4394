//! Rights (O07, O08): every route, five callers, five targets, compared with a model.

use user_backend_server::provisioning::{
    caller::RequiredRole,
    routes::{ROUTES, Route},
};

use super::*;

const CALLERS: &[&str] = &["-", "jane", "sam", "tom", "admin"];
const TARGETS: &[&str] = &["self", "sid", "Frank", "outsider", "boss"];

/// The response when the caller has no right; else the endpoint decides.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    NotSignedIn,
    WrongRole,
    Hidden,
    MayGoOn,
}

/// The expected result for each caller and target.
///
/// `sam` administers `group1`, with the members `jane`, `Frank` and the administrator `boss`; `sid`
/// administers it too and is in `group2`; `tom` administers `group3`, with the member `outsider`.
fn model(route: &Route, caller: &str, target: &str) -> Cell {
    let admin = caller == "admin";
    let sub_admin = matches!(caller, "sam" | "tom");
    match route.role {
        RequiredRole::Anyone => return Cell::MayGoOn,
        _ if caller == "-" => return Cell::NotSignedIn,
        RequiredRole::Admin if !admin => return Cell::WrongRole,
        // Its refusal has its own text.
        _ if route.operation.id == "AppKeySet" && !admin => return Cell::WrongRole,
        RequiredRole::SubAdmin if !admin && !sub_admin => return Cell::WrongRole,
        _ => {}
    }
    if !route.path.contains("{user}") || admin {
        return Cell::MayGoOn;
    }
    let oneself = target == "self";
    let over = matches!((caller, target), ("sam", "Frank") | ("tom", "outsider"));
    let by_group = matches!(route.operation.id, "UserGroupAdd" | "UserGroupRemove");
    let about_others = matches!(route.operation.id, "UserDelete" | "UserEnable" | "UserDisable" | "UserWipe");
    let over_only = matches!(
        route.operation.id,
        "UserWelcome"
            | "UserSessions"
            | "UserSessionsEnd"
            | "UserAppPasswords"
            | "UserAppPasswordRevoke"
            | "UserResetMail"
    );
    if over || by_group || oneself && !over_only || oneself && about_others {
        return Cell::MayGoOn;
    }
    // A sub-admin who is in their own group administers themselves; tom is in none.
    if oneself && caller == "sam" { Cell::MayGoOn } else { Cell::Hidden }
}

fn cell(answer: &Answer) -> Cell {
    match (answer.code(), answer.message().as_str()) {
        (997, _) => Cell::NotSignedIn,
        (403, message) if message.starts_with("Logged in user must be") => Cell::WrongRole,
        (998, "") => Cell::Hidden,
        _ => Cell::MayGoOn,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o07_every_cell_of_the_matrix_is_as_the_model_says() {
    let server = Server::start().await;
    server.person("tom", &[], &["group3"]).await;
    server.person("sid", &["group2"], &["group1"]).await;
    server.person("boss", &["admin", "group1"], &[]).await;
    let mut cells = 0;
    for route in ROUTES {
        let targets = if route.path.contains("{user}") { TARGETS } else { &["self"] };
        for (caller, target) in
            CALLERS.iter().flat_map(|caller| targets.iter().map(move |target| (*caller, *target)))
        {
            let user = match target {
                "self" if caller == "-" => "jane",
                "self" => caller,
                other => other,
            };
            let path = route
                .path
                .replace("{user}", user)
                .replace("{group*}", "group2")
                .replace("{app}", "nosuchapp")
                .replace("{key}", "key");
            let path = path.replace("{collection}", "nothing");
            let expected = model(route, caller, target);
            let answer = server.ask(caller, route.method.clone(), &path).send().await;
            assert_eq!(cell(&answer), expected, "{caller} {} {path}: {answer:?}", route.method);
            cells += 1;
            restore(&server, route.operation.id, user, answer.code() == 100).await;
        }
    }
    let about_users = ROUTES.iter().filter(|route| route.path.contains("{user}")).count();
    let all = CALLERS.len() * (about_users * TARGETS.len() + ROUTES.len() - about_users);
    assert_eq!(cells, all, "no cell is left out");
}

/// Restores a user whom a call removed.
async fn restore(server: &Server, id: &str, user: &str, done: bool) {
    let groups: &[&str] = match user {
        "Frank" => &["group1", "group2"],
        "boss" => &["admin", "group1"],
        "outsider" => &["group3"],
        "sid" => &["group2"],
        _ => &[],
    };
    let administers: &[&str] = if user == "sid" { &["group1"] } else { &[] };
    match id {
        "UserDelete" if done => server.person(user, groups, administers).await,
        "UserDisable" if done => {
            server.accounts.users().set_enabled(&UserId::parse(user).unwrap(), true).await.unwrap();
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o08_sub_admin_has_no_way_up() {
    let server = Server::start().await;
    server.person("boss", &["admin", "group1"], &[]).await;
    server.person("sid", &["group2"], &["group1"]).await;
    let password = "key=password&value=down+the+rabbit+hole";
    for (method, path, form, code) in [
        (Method::PUT, "/cloud/users/boss", password, 998),
        (Method::PUT, "/cloud/users/boss", "fields%5Bemail%5D=s%40example.org", 998),
        (Method::PUT, "/cloud/users/boss", "key=email&value=s%40example.org", 998),
        (Method::PUT, "/cloud/users/boss/additional_mail", "key=a&value=b", 998),
        (Method::PUT, "/cloud/users/boss/disable", "", 998),
        (Method::PUT, "/cloud/users/boss/enable", "", 998),
        (Method::DELETE, "/cloud/users/boss", "", 998),
        (Method::POST, "/cloud/users/boss/wipe", "", 998),
        (Method::POST, "/cloud/users/boss/welcome", "", 998),
        (Method::DELETE, "/cloud/users/boss/groups", "groupid=group1", 103),
        (Method::DELETE, "/cloud/users/boss/groups", "groupid=admin", 104),
        (Method::POST, "/cloud/users/sam/groups", "groupid=admin", 104),
        (Method::POST, "/cloud/users/sam/groups", "groupid=group2", 104),
        (Method::POST, "/cloud/users/Frank/groups", "groupid=admin", 104),
        (Method::POST, "/cloud/users", "userid=new&email=n%40example.org&groups%5B%5D=admin", 105),
        (
            Method::POST,
            "/cloud/users",
            "userid=new&email=n%40example.org&groups%5B%5D=group1&subadmin%5B%5D=admin",
            103,
        ),
        (
            Method::POST,
            "/cloud/users",
            "userid=new&email=n%40example.org&groups%5B%5D=group1&subadmin%5B%5D=group2",
            403,
        ),
        (Method::POST, "/cloud/users/sam/subadmins", "groupid=group2", 403),
        (Method::POST, "/cloud/users/sam/subadmins", "groupid=admin", 403),
        (Method::DELETE, "/cloud/users/sid/subadmins", "groupid=group1", 403),
        (Method::PUT, "/cloud/users/sid", password, 998),
        (Method::PUT, "/cloud/users/outsider", password, 998),
        (Method::DELETE, "/cloud/users/Frank/groups", "groupid=group1", 105),
        (Method::DELETE, "/cloud/users/sam/groups", "groupid=group1", 105),
        (Method::POST, "/cloud/groups", "groupid=x", 403),
        (Method::PUT, "/cloud/groups/group1", "key=displayname&value=x", 403),
        (Method::DELETE, "/cloud/groups/group1", "", 403),
        (Method::POST, "/cloud/apps/password_policy", "", 403),
        (Method::POST, "/apps/provisioning_api/api/v1/config/apps/core/x", "value=x", 403),
        (Method::GET, "/cloud/users/boss", "", 998),
    ] {
        let answer = server.ask("sam", method.clone(), path).form(form).send().await;
        assert_eq!(answer.code(), code, "{method} {path}: {answer:?}");
    }
    // And nothing of it happened.
    let boss = server.get("admin", "/cloud/users/boss?format=json").send().await.ok().data();
    assert_eq!((&boss["enabled"], &boss["email"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(boss["groups"], serde_json::json!(["admin", "group1"]));
    server.get("boss", "/cloud/users").send().await.ok();
    server.get("sid", "/cloud/users").send().await.ok();
    server.get("admin", "/cloud/users/new").send().await.fails(404, "User does not exist");
    let narrow = Server::with("sub_admins_may_add = \"accessible\"", "").await;
    narrow.post("sam", "/cloud/users/outsider/groups", "groupid=group1").send().await.fails(103, "");
    narrow.post("sam", "/cloud/users/ghost/groups", "groupid=group1").send().await.fails(103, "");
    narrow.post("sam", "/cloud/users/Frank/groups", "groupid=group1").send().await.ok();
}
