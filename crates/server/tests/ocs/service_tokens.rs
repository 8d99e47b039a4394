//! Service tokens: scopes, networks and expiry; they never exceed their owner's rights.

use accounts::{GroupId, SourceNetworks, TokenScopes};
use user_backend_server::provisioning::caller::RequiredRole;
use user_backend_server::provisioning::routes::{ROUTES, Route};
use user_backend_server::provisioning::scope::TokenScope;

use super::browser::TestBrowser;
use super::*;

const REFUSED: &str = "This service token may not do this";

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

/// A token of that owner with these scopes, for these networks.
async fn token(server: &Server, owner: &str, scopes: &[&str], networks: &[&str]) -> String {
    let (scopes, networks) = (TokenScopes::parse(scopes).unwrap(), SourceNetworks::parse(networks).unwrap());
    let tokens = server.accounts.app_passwords();
    let made = tokens.create_service_token(&user(owner), "nightly job", scopes, networks, None).await;
    made.unwrap().0.expose().to_owned()
}

impl<'a> Ask<'a> {
    fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }
}

/// Whether a route's role is sufficient for `admin`, `sam` (a sub-admin) or `jane`.
fn has_role(route: &Route, owner: &str) -> bool {
    match route.role {
        RequiredRole::Anyone | RequiredRole::SignedIn => true,
        RequiredRole::SubAdmin => owner != "jane",
        RequiredRole::Admin => owner == "admin",
    }
}

/// Calls each route with tokens of each role: with the required scope, and all others.
async fn walk(store: &str) {
    let server = Server::with("", store).await;
    let (mut opened, mut refused, mut wrong_role, mut not_owned) = (0, 0, 0, 0);
    for route in ROUTES.iter().filter(|route| route.role != RequiredRole::Anyone) {
        // An unknown user: the endpoint refuses what the scope opens, so no user is changed.
        let path = route.path.replace("{user}", "ghost").replace("{group*}", "nogroup");
        let path = path.replace("{app}", "nosuchapp").replace("{key}", "key").replace("{collection}", "none");
        let own = route.scope.map(TokenScope::as_str);
        for owner in ["admin", "sam", "jane"] {
            let can_own = |scope: &TokenScope| owner == "admin" || !scope.needs_admin();
            let others =
                TokenScope::ALL.iter().filter(|scope| Some(**scope) != route.scope && can_own(scope));
            let others: Vec<&str> = others.map(|scope| scope.as_str()).collect();
            for (scopes, has_scope) in [(own.as_slice(), true), (&others, false)] {
                if scopes.is_empty() {
                    continue;
                }
                if has_scope && !route.scope.as_ref().is_none_or(can_own) {
                    let (parsed, networks) = (TokenScopes::parse(scopes).unwrap(), SourceNetworks::default());
                    let (tokens, id) = (server.accounts.app_passwords(), user(owner));
                    let made = tokens.create_service_token(&id, "nightly job", parsed, networks, None);
                    let text = made.await.unwrap_err().to_string();
                    assert!(text.contains("an owner in the group admin"), "{owner} {scopes:?}: {text}");
                    not_owned += 1;
                    continue;
                }
                let token = token(&server, owner, scopes, &[]).await;
                let ask = server.ask("-", route.method.clone(), &format!("{path}?format=json"));
                let answer = ask.bearer(&token).send().await;
                let at = format!("{owner} {} {path} {scopes:?}: {answer:?}", route.method);
                assert_ne!(answer.code(), 997, "{at}");
                let message = answer.message();
                if !has_role(route, owner) {
                    assert_eq!(answer.code(), 403, "{at}");
                    assert!(message.starts_with("Logged in user must be"), "{at}");
                    wrong_role += 1;
                } else if has_scope {
                    assert!(message != REFUSED && !message.starts_with("Logged in user must be"), "{at}");
                    opened += 1;
                } else {
                    assert_eq!((answer.code(), message.as_str()), (403, REFUSED), "{at}");
                    let hint = answer.json()["ocs"]["meta"]["hint"].as_str().unwrap().to_owned();
                    let way = own.map_or_else(
                        || "sign in with the password".to_owned(),
                        |own| format!("--scope {own}"),
                    );
                    assert!(hint.contains(&way), "{hint} {at}");
                    refused += 1;
                }
            }
            server.accounts.app_passwords().revoke_all(&user(owner)).await.unwrap();
        }
    }
    let counted = [opened, refused, wrong_role, not_owned];
    assert!(opened > 80 && refused > 100 && wrong_role > 70 && not_owned > 20, "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_opened_by_its_scope_and_no_other_sqlite() {
    walk("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_opened_by_its_scope_and_no_other_postgres() {
    on_postgres(async |store| walk(store).await).await;
}

/// What a field needs, and membership of `admin`, is asked beyond the row of the route.
#[tokio::test(flavor = "multi_thread")]
async fn password_addresses_and_administrators_need_their_own_scopes() {
    let server = Server::start().await;
    let writes = token(&server, "admin", &["users:write", "groups:write"], &[]).await;
    let form = |form: &str| server.ask("-", Method::PUT, "/cloud/users/Frank").form(form);
    for field in ["password&value=down+the+rabbit+hole", "email&value=new%40example.org"] {
        form(&format!("key={field}")).bearer(&writes).send().await.fails(403, REFUSED);
    }
    form("key=phone&value=%2B493012345").bearer(&writes).send().await.ok();
    let join = |group: &str| {
        server.ask("-", Method::POST, "/cloud/users/Frank/groups").form(&format!("groupid={group}"))
    };
    join("group3").bearer(&writes).send().await.ok();
    join("admin").bearer(&writes).send().await.fails(403, REFUSED);
    let create = server.ask("-", Method::POST, "/cloud/users");
    let create = create.form("userid=new&password=down+the+rabbit+hole&groups%5B%5D=admin");
    create.bearer(&writes).send().await.fails(403, REFUSED);
    let credentials = token(&server, "admin", &["users:write", "users:credentials"], &[]).await;
    form("key=email&value=new%40example.org").bearer(&credentials).send().await.ok();
    let appoints = token(&server, "admin", &["groups:write", "admin"], &[]).await;
    join("admin").bearer(&appoints).send().await.ok();
}

/// A token cannot escalate to its owner's or an administrator's account.
///
/// Scopes, networks and expiry limit it.
#[tokio::test(flavor = "multi_thread")]
async fn service_token_cannot_take_over_owner_or_administrator() {
    let server = Server::start().await;
    let groups = server.accounts.groups();
    groups.add_member(&GroupId::admin(), &user("jane")).await.unwrap();
    let scopes = ["users:write", "users:credentials"];
    let narrow = token(&server, "admin", &scopes, &[]).await;
    let wide = token(&server, "admin", &["users:write", "users:credentials", "admin"], &[]).await;
    let form =
        |who: &str, form: &str| server.ask("-", Method::PUT, &format!("/cloud/users/{who}")).form(form);
    let own = "A service token cannot change how its own owner signs in";
    for field in [
        "key=password&value=down+the+rabbit+hole",
        "key=email&value=thief%40example.org",
        "key=confirmedEmail&value=thief%40example.org",
    ] {
        form("admin", field).bearer(&wide).send().await.fails(403, own);
        form("jane", field).bearer(&narrow).send().await.fails(403, REFUSED);
    }
    let mail = server.ask("-", Method::PUT, "/cloud/users/jane/additional_mail");
    mail.form("key=a%40example.org&value=b%40example.org").bearer(&narrow).send().await.fails(403, REFUSED);
    for (method, path) in [
        (Method::PUT, "/cloud/users/jane/disable"),
        (Method::PUT, "/cloud/users/jane/enable"),
        (Method::POST, "/cloud/users/jane/wipe"),
        (Method::DELETE, "/cloud/users/jane"),
    ] {
        server.ask("-", method, path).bearer(&narrow).send().await.fails(403, REFUSED);
    }
    form("Frank", "key=password&value=down+the+rabbit+hole").bearer(&narrow).send().await.ok();
    form("jane", "key=password&value=down+the+rabbit+hole").bearer(&wide).send().await.ok();
    form("jane", "key=confirmedEmail&value=jane%40example.org").bearer(&wide).send().await.ok();
    server.ask("-", Method::DELETE, "/cloud/users/jane").bearer(&wide).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn service_token_has_the_current_rights_of_its_owner() {
    let server = Server::start().await;
    let scopes = ["users:read", "users:write", "groups:read", "groups:write", "users:credentials"];
    let jane = token(&server, "jane", &scopes, &[]).await;
    server.get("-", "/cloud/users/jane").bearer(&jane).send().await.ok();
    server
        .ask("-", Method::DELETE, "/cloud/users/Frank")
        .bearer(&jane)
        .send()
        .await
        .fails(403, "Logged in user must be at least a sub admin");
    server
        .ask("-", Method::PUT, "/cloud/users/Frank")
        .form("key=phone&value=")
        .bearer(&jane)
        .send()
        .await
        .fails(998, "");
    // A promotion opens more to a token that is there already, within its scopes; a demotion ends
    // it.
    let groups = server.accounts.groups();
    groups.add_member(&GroupId::admin(), &user("jane")).await.unwrap();
    let jane = token(&server, "jane", &scopes, &[]).await;
    server
        .ask("-", Method::PUT, "/cloud/users/Frank")
        .form("key=phone&value=")
        .bearer(&jane)
        .send()
        .await
        .ok();
    groups.remove_member(&GroupId::admin(), &user("jane")).await.unwrap();
    server.get("-", "/cloud/users/jane").bearer(&jane).send().await.fails(997, "Unauthorised");
    let frank = token(&server, "Frank", &["users:read"], &[]).await;
    server.get("-", "/cloud/user").bearer(&frank).send().await.ok();
    server.accounts.users().set_enabled(&user("Frank"), false).await.unwrap();
    server.get("-", "/cloud/user").bearer(&frank).send().await.fails(997, "Unauthorised");
    server.accounts.users().set_enabled(&user("Frank"), true).await.unwrap();
    server.get("-", "/cloud/user").bearer(&frank).send().await.fails(997, "Unauthorised");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_token_works_from_its_networks_only() {
    let server = Server::start().await;
    let token = token(&server, "Frank", &["users:read"], &["127.20.0.0/16"]).await;
    let ask = |from: [u8; 4]| server.get("-", "/cloud/user").from(from.into());
    for _ in 0..2 {
        ask([127, 20, 3, 4]).bearer(&token).send().await.ok();
        // Also when it was remembered a moment ago.
        ask([127, 21, 3, 4]).bearer(&token).send().await.fails(997, "Unauthorised");
        ask([127, 20, 3, 4]).basic("Frank", &token).send().await.ok();
        ask([127, 20, 3, 4]).basic("jane", &token).send().await.fails(997, "Unauthorised");
    }
    let listed = server.accounts.app_passwords().list(&user("Frank")).await.unwrap().remove(0);
    assert_eq!(listed.last_used_from, Some([127, 20, 3, 4].into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn service_token_opens_no_page_and_is_no_sign_in() {
    let server = Server::start().await;
    let before = server.accounts.users().get(&user("Frank")).await.unwrap().last_login;
    let token = token(&server, "Frank", &["users:read", "users:write", "users:credentials"], &[]).await;
    server.get("-", "/cloud/user").bearer(&token).send().await.ok();
    assert_eq!(server.accounts.users().get(&user("Frank")).await.unwrap().last_login, before);
    let mut visitor = TestBrowser::new(&server);
    visitor.get("/login").await;
    assert_eq!(visitor.post("/login", &[("user", "Frank"), ("password", &token)]).await.status, 401);
    let check = server.post("-", "/person/check", &format!("login=Frank&password={token}"));
    check.send().await.fails(102, "");
    for (method, path) in [
        (Method::GET, "/ocs/v2.php/core/getapppassword?format=json"),
        (Method::POST, "/ocs/v2.php/core/apppassword/rotate?format=json"),
        (Method::DELETE, "/ocs/v2.php/core/apppassword?format=json"),
    ] {
        let answer = server.ask("-", method, path).bearer(&token).send().await;
        assert_eq!((answer.code(), answer.message().as_str()), (403, REFUSED), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn service_token_is_named_in_the_audit_log() {
    let server = Server::start().await;
    let token = token(&server, "admin", &["users:write"], &[]).await;
    let edit = server.ask("-", Method::PUT, "/cloud/users/Frank").form("key=phone&value=%2B493012345");
    edit.bearer(&token).send().await.ok();
    let line = server.accounts.audit().latest(1, Some("frank")).await.unwrap().remove(0);
    assert_eq!((line.actor.as_str(), line.action.as_str()), ("admin", "user.changed"));
    assert!(line.origin.unwrap().ends_with(", service token nightly job"));
}

/// The lines of docs/automation.md for curl and Python, as they stand there.
#[tokio::test(flavor = "multi_thread")]
async fn lines_of_the_page_on_automation_work_as_typed() {
    const PAGE: &str = include_str!("../../../../docs/automation.md");
    let server = Server::start().await;
    let token = token(&server, "admin", &["users:read", "groups:write"], &["127.0.0.0/8", "::1"]).await;
    for (title, language, words) in [("curl", "sh", ["sh", "-"]), ("Python", "python", ["python3", "-"])] {
        if std::process::Command::new(if language == "sh" { "curl" } else { "python3" })
            .arg("--version")
            .output()
            .is_err()
        {
            eprintln!("skipped: {title} is not installed");
            continue;
        }
        let (_, rest) = PAGE.split_once(&format!("\n**{title}**\n\n```{language}\n")).unwrap();
        let script = format!("{}\n", rest.split("```").next().unwrap());
        let address = format!("http://{}", server.address);
        let words = ["env", &format!("SERVER={address}"), &format!("TOKEN={token}"), words[0], words[1]]
            .map(str::to_owned);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let out = tokio::task::block_in_place(|| how_to::run(&words, &script));
        assert!(out.contains("Frank") && out.contains("outsider"), "{title}: {out}");
    }
    // What Ansible's `uri` sends.
    server.post("admin", "/cloud/groups", "groupid=staff").send().await.ok();
    let ask = server.ask("-", Method::POST, "/ocs/v2.php/cloud/users/Frank/groups?format=json");
    let answer = ask.body("application/json", r#"{"groupid": "staff"}"#).bearer(&token).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(PAGE.contains("body: { groupid: staff }") && PAGE.contains("users/alice/groups?format=json"));
}

const TOKENS: &str = "/ocs/v2.php/cloud/user/service-tokens?format=json";

/// An administrator makes one by a call, uses it, sees it in the list, and revokes it.
#[tokio::test(flavor = "multi_thread")]
async fn administrator_makes_lists_and_revokes_tokens_by_the_api() {
    let server = Server::start().await;
    let form = "name=nightly+job&scopes%5B%5D=users:read&scopes%5B%5D=frontend:wiki&networks%5B%5D=127.0.0.0/8&expires=90d";
    let made = server.post("admin", TOKENS, form).send().await.is(200, 200, "OK");
    let made = made.data();
    let token = made["token"].as_str().unwrap().to_owned();
    assert_eq!(made["scopes"], serde_json::json!(["users:read", "frontend:wiki"]));
    let list = async || server.get("admin", TOKENS).send().await.is(200, 200, "OK").data()["tokens"].clone();
    assert_eq!(list().await[0]["lastUsed"], 0);
    server.get("-", "/cloud/users").bearer(&token).send().await.ok();
    let listed = list().await[0].clone();
    assert_eq!(listed["name"], "nightly job");
    assert_eq!(listed["networks"], serde_json::json!(["127.0.0.0/8"]));
    assert!(listed["expires"].as_i64() > listed["created"].as_i64().map(|at| at + 89 * 86_400), "{listed}");
    assert!(
        listed["lastUsed"].as_i64().unwrap() > 0
            && listed["lastUsedFrom"].as_str().unwrap().starts_with("127.")
    );
    assert!(listed.get("token").is_none(), "shown once");
    let one = format!("/ocs/v2.php/cloud/user/service-tokens/{}?format=json", listed["id"]);
    // A token makes and ends no token, not even itself.
    for (method, path) in [(Method::GET, TOKENS), (Method::POST, TOKENS), (Method::DELETE, one.as_str())] {
        server.ask("-", method, path).form(form).bearer(&token).send().await.is(403, 403, REFUSED);
    }
    // An app password is not in the list.
    let (_, phone) = server.accounts.app_passwords().create(&user("admin"), "phone", None).await.unwrap();
    let other = format!("/ocs/v2.php/cloud/user/service-tokens/{}?format=json", phone.key);
    server.delete("admin", &other).send().await.is(404, 404, "There is no such service token");
    server.person("boss", &["admin"], &[]).await;
    server.delete("boss", &one).send().await.is(404, 404, "There is no such service token");
    server.delete("admin", &one).send().await.is(200, 200, "OK");
    assert_eq!(server.get("-", "/cloud/users").bearer(&token).send().await.code(), 997);
    assert_eq!(list().await, serde_json::json!([]));
    assert_eq!(server.accounts.app_passwords().list(&user("admin")).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_with_the_password_makes_a_token() {
    let server = Server::start().await;
    let form = "name=x&scopes%5B%5D=users:read";
    for who in ["sam", "jane"] {
        for method in [Method::GET, Method::POST] {
            let answer = server.ask(who, method, TOKENS).form(form).send().await;
            assert_eq!((answer.code(), answer.message().as_str()), (403, "Logged in user must be an admin"));
        }
    }
    let (phone, _) = server.accounts.app_passwords().create(&user("admin"), "phone", None).await.unwrap();
    let answer = server.post("-", TOKENS, form).basic("admin", phone.expose()).send().await;
    assert_eq!((answer.code(), answer.message().as_str()), (403, "An app password cannot do this"));
    // The store says so too.
    let by_sam = server.accounts.on_behalf_of(accounts::Actor::user("sam", None));
    let scopes = TokenScopes::parse(["users:read"]).unwrap();
    let sam = user("sam");
    let made =
        by_sam.app_passwords().create_service_token(&sam, "x", scopes, SourceNetworks::default(), None);
    assert!(made.await.unwrap_err().is_for_admins());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_request_for_a_token_says_what_is_wrong() {
    let server = Server::start().await;
    let too_long = "x".repeat(256);
    for (form, code, text) in [
        ("name=&scopes%5B%5D=users:read".to_owned(), 101, "1 to 255 bytes"),
        (format!("name={too_long}&scopes%5B%5D=users:read"), 101, "1 to 255 bytes"),
        ("name=x".to_owned(), 102, "at least one scope"),
        ("name=x&scopes%5B%5D=all".to_owned(), 102, "users:credentials"),
        ("name=x&scopes%5B%5D=frontend:a+b".to_owned(), 102, "frontend:"),
        ("name=x&scopes%5B%5D=apps&networks%5B%5D=10.1.2.3/8".to_owned(), 103, "10.0.0.0/8"),
        ("name=x&scopes%5B%5D=apps&expires=soon".to_owned(), 104, "2027-01-31"),
        ("name=x&scopes%5B%5D=apps&expires=2020-01-31".to_owned(), 104, "in the future"),
    ] {
        let answer = server.post("admin", TOKENS, &form).send().await;
        assert_eq!(answer.code(), code, "{form}: {answer:?}");
        assert!(answer.message().contains(text), "{form}: {answer:?}");
    }
    for _ in 0..accounts::MAX_APP_PASSWORDS {
        server.accounts.app_passwords().create(&user("admin"), "x", None).await.unwrap();
    }
    let answer = server.post("admin", TOKENS, "name=x&scopes%5B%5D=apps").send().await;
    assert_eq!(answer.code(), 105, "{answer:?}");
}

/// The same on the page.
#[tokio::test(flavor = "multi_thread")]
async fn administrator_makes_and_revokes_a_token_on_the_page() {
    let server = Server::start().await;
    let mut browser = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let page = browser.get("/settings").await.body;
    assert!(TokenScope::ALL.iter().all(|scope| page.contains(&format!("name=\"scope:{scope}\""))), "{page}");
    let fields = |password: &'static str| {
        [
            ("name", "nightly job"),
            ("scope:users:read", "1"),
            ("frontends", "wiki blog"),
            ("networks", "127.0.0.0/8 ::1"),
            ("expires", "90d"),
            ("password", password),
        ]
    };
    let refused = browser.post("/settings/service-tokens", &fields("wrong")).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let made = browser.post("/settings/service-tokens", &fields(PASSWORD)).await;
    assert_eq!(made.status, 303, "{made:?}");
    let token = tokens::shown(&browser.get(made.header("location")).await.body);
    browser.get("/settings").await;
    server.get("-", "/cloud/users").bearer(&token).send().await.ok();
    let page = browser.get("/settings").await.body;
    for shown in [
        "service token",
        "users:read frontend:blog frontend:wiki",
        "127.0.0.0/8 ::1/128",
        "from 127.",
        "ends ",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains(&token), "shown once");
    let key = server.accounts.app_passwords().list(&user("admin")).await.unwrap()[0].key.to_string();
    browser.post("/settings/app-passwords/revoke", &[("key", &key)]).await;
    assert_eq!(server.get("-", "/cloud/users").bearer(&token).send().await.code(), 997);
    for (field, value, text) in [
        ("expires", "soon", "2027-01-31"),
        ("networks", "10.1.2.3/8", "10.0.0.0/8"),
        ("frontends", "a/b", "frontend:"),
        ("name", " ", "1 to 255 bytes"),
    ] {
        let mut fields = fields(PASSWORD);
        fields.iter_mut().filter(|(name, _)| *name == field).for_each(|(_, old)| *old = value);
        let answer = browser.post("/settings/service-tokens", &fields).await;
        assert!(answer.status == 422 && answer.body.contains(text), "{field}: {answer:?}");
    }
    let mut jane = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    assert!(!jane.get("/settings").await.body.contains("service token"));
    let answer = jane.post("/settings/service-tokens", &fields(PASSWORD)).await;
    assert!(answer.status == 403 && answer.body.contains("Only administrators"), "{answer:?}");
    assert!(server.accounts.app_passwords().list(&user("jane")).await.unwrap().is_empty());
}

/// A new user in a group is a change of the group's members.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_a_new_user_need_the_scope_of_groups() {
    let server = Server::start().await;
    let create = |form: &str| server.ask("-", Method::POST, "/cloud/users?format=json").form(form);
    let plain = "userid=one&password=down+the+rabbit+hole";
    let grouped = "userid=two&password=down+the+rabbit+hole&groups%5B%5D=group1";
    let sub_admin = "userid=three&password=down+the+rabbit+hole&subadmin%5B%5D=group1";
    let writes = token(&server, "admin", &["users:write"], &[]).await;
    create(plain).bearer(&writes).send().await.ok();
    for (form, scope) in [(grouped, "groups:write"), (sub_admin, "admin")] {
        let answer = create(form).bearer(&writes).send().await.fails(403, REFUSED);
        let hint = answer.json()["ocs"]["meta"]["hint"].as_str().unwrap().to_owned();
        assert!(hint.ends_with(&format!("--scope {scope}")), "{hint}");
    }
    let both = token(&server, "admin", &["users:write", "groups:write"], &[]).await;
    create(grouped).bearer(&both).send().await.ok();
    let groups = server.accounts.groups();
    assert!(groups.has_member(&GroupId::parse("group1").unwrap(), &user("two")).await.unwrap());
}
