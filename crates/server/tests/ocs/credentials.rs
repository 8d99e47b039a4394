//! The rights of credentials: every route, three roles, four credentials.
//!
//! The document with the table is generated.

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

use accounts::{Accounts, Clock, CredentialEpoch};
use user_backend::BackendId;
use user_backend_server::auth::proof::Requirement;
use user_backend_server::provisioning::caller::RequiredRole;
use user_backend_server::provisioning::routes::{ROUTES, Route, needs_of_field};
use user_backend_server::provisioning::scope::TokenScope;

use super::browser::TestBrowser;
use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// How a caller proves who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CredentialKind {
    Password,
    AppPassword,
    Bearer,
    FreshSession,
    OldSession,
}

const KINDS: [CredentialKind; 5] = [
    CredentialKind::Password,
    CredentialKind::AppPassword,
    CredentialKind::Bearer,
    CredentialKind::FreshSession,
    CredentialKind::OldSession,
];

/// The response when proof or role are insufficient; else the endpoint decides.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    WrongRole,
    NotWithAppPassword,
    NotConfirmed,
    MayGoOn,
}

fn model(route: &Route, role: &str, kind: CredentialKind) -> Cell {
    match route.role {
        RequiredRole::Anyone => return Cell::MayGoOn,
        RequiredRole::Admin if role != "admin" => return Cell::WrongRole,
        RequiredRole::SubAdmin if role == "jane" => return Cell::WrongRole,
        _ => {}
    }
    match (route.requires, kind) {
        (Requirement::Any, _) | (_, CredentialKind::Password) => {}
        (_, CredentialKind::AppPassword | CredentialKind::Bearer) => return Cell::NotWithAppPassword,
        (Requirement::RecentPassword, CredentialKind::OldSession) => return Cell::NotConfirmed,
        (_, CredentialKind::OldSession | CredentialKind::FreshSession) => {}
    }
    if route.operation.id == "AppKeySet" && role != "admin" { Cell::WrongRole } else { Cell::MayGoOn }
}

fn cell(answer: &Answer) -> Cell {
    match (answer.code(), answer.message().as_str()) {
        (403, message) if message.starts_with("Logged in user must be") => Cell::WrongRole,
        (
            403,
            "An app password cannot do this" | "You cannot request an new apppassword with an apppassword",
        ) => Cell::NotWithAppPassword,
        (403, "Password confirmation is required") => Cell::NotConfirmed,
        _ => Cell::MayGoOn,
    }
}

/// A session whose owner typed the password this long ago.
pub(super) async fn session(server: &Server, id: &str, age: Duration) -> String {
    let store = server.app.settings().store.clone().unwrap();
    let clock = Clock::manual(Clock::system().now().before(age));
    let accounts = Accounts::open(&store.with_clock(clock)).await.unwrap().as_system();
    let data = br#"{"address":"127.0.0.1","agent":"test","stale":false}"#;
    let epoch: CredentialEpoch = accounts.credential_epoch().current().await.unwrap();
    let token =
        accounts.sessions().begin_after(&UserId::parse(id).unwrap(), epoch, HOUR, data).await.unwrap();
    accounts.close().await;
    token.expose().to_owned()
}

async fn app_password(server: &Server, id: &str) -> Token {
    let id = UserId::parse(id).unwrap();
    server.accounts.app_passwords().create(&id, "phone", None).await.unwrap().0
}

impl<'a> Ask<'a> {
    /// With the cookie of a session and its request token.
    fn in_session(self, token: &str) -> Self {
        let csrf = self.server.app.request_tokens().token(token);
        self.header("Cookie", &format!("session={token}")).header("requesttoken", &csrf)
    }

    async fn proved(self, id: &str, kind: CredentialKind) -> Ask<'a> {
        let server = self.server;
        match kind {
            CredentialKind::Password => self.basic(id, PASSWORD),
            CredentialKind::AppPassword => self.basic(id, app_password(server, id).await.expose()),
            CredentialKind::Bearer => {
                let token = app_password(server, id).await;
                self.header("Authorization", &format!("Bearer {}", token.expose()))
            }
            CredentialKind::FreshSession => self.in_session(&session(server, id, Duration::ZERO).await),
            CredentialKind::OldSession => {
                self.in_session(&session(server, id, Duration::from_secs(16 * 60)).await)
            }
        }
    }
}

/// Calls every route with every role and every proof, on an empty database.
async fn walk(store: &str) {
    let server = Server::with("", store).await;
    let mut cells = 0;
    for route in ROUTES {
        // An unknown user: the endpoint refuses what the proof opens, so no user is changed.
        let path = route.path.replace("{user}", "ghost").replace("{group*}", "nogroup");
        let path = path.replace("{app}", "nosuchapp").replace("{key}", "key").replace("{collection}", "none");
        for role in ["admin", "sam", "jane"] {
            for kind in KINDS {
                let ask = server.ask("-", route.method.clone(), &format!("{path}?format=json"));
                let answer = ask.proved(role, kind).await.send().await;
                let found = cell(&answer);
                let at = format!("{role} {kind:?} {} {path}: {answer:?}", route.method);
                assert_eq!(found, model(route, role, kind), "{at}");
                if matches!(found, Cell::NotWithAppPassword | Cell::NotConfirmed) {
                    let hint = answer.json()["ocs"]["meta"]["hint"].as_str().unwrap().to_owned();
                    let way = match (found, route.scope) {
                        (Cell::NotConfirmed, _) => "/login/confirm".to_owned(),
                        (_, Some(scope)) => format!("occ user:auth-tokens:add --scope {}", scope.as_str()),
                        (_, None) => "sign in with the password of the account".to_owned(),
                    };
                    assert!(hint.contains(&way), "{hint} {at}");
                }
                cells += 1;
            }
            let id = UserId::parse(role).unwrap();
            server.accounts.app_passwords().revoke_all(&id).await.unwrap();
        }
    }
    assert_eq!(cells, ROUTES.len() * 3 * KINDS.len(), "no cell is left out");
    assert!(cells >= 700, "{cells}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_takes_the_proofs_of_the_table_sqlite() {
    walk("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_takes_the_proofs_of_the_table_postgres() {
    on_postgres(async |store| walk(store).await).await;
}

/// The fields of one's own, and what each needs.
const FIELDS: &[(&str, &str, Requirement)] = &[
    ("password", "down+the+rabbit+hole", Requirement::RecentPassword),
    ("email", "new%40example.org", Requirement::RecentPassword),
    ("confirmedEmail", "new%40example.org", Requirement::RecentPassword),
    ("additional_mail", "more{n}%40example.org", Requirement::RecentPassword),
    ("notify_email", "", Requirement::RecentPassword),
    ("quota", "1+GB", Requirement::Password),
    ("manager", "jane", Requirement::Password),
    ("displayname", "F", Requirement::Any),
    ("phone", "%2B493012345", Requirement::Any),
    ("language", "de", Requirement::Any),
    ("locale", "de_DE", Requirement::Any),
    ("biography", "x", Requirement::Any),
    ("emailScope", "v2-local", Requirement::Any),
];

/// Regression: the API accepted an app password where the page requires the password.
///
/// It also accepted a session that was hours old.
#[tokio::test(flavor = "multi_thread")]
async fn password_and_addresses_need_the_password() {
    for (key, value, required) in FIELDS {
        assert_eq!(needs_of_field(key, true).0, *required, "{key}");
        let mut server = Server::start().await;
        for (nth, kind) in KINDS.into_iter().enumerate() {
            let value = value.replace("{n}", &nth.to_string());
            for form in [format!("key={key}&value={value}"), format!("fields%5B{key}%5D={value}")] {
                let ask = server.ask("-", Method::PUT, "/cloud/users/Frank").form(&form);
                let answer = ask.proved("Frank", kind).await.send().await;
                let expected = match (required, kind) {
                    (Requirement::Any, _) | (_, CredentialKind::Password) => Cell::MayGoOn,
                    (_, CredentialKind::AppPassword | CredentialKind::Bearer) => Cell::NotWithAppPassword,
                    (Requirement::RecentPassword, CredentialKind::OldSession) => Cell::NotConfirmed,
                    _ => Cell::MayGoOn,
                };
                assert_eq!(cell(&answer), expected, "{kind:?} {form}: {answer:?}");
                if expected != Cell::MayGoOn {
                    server.get("Frank", "/cloud/user").send().await.ok();
                } else if matches!(*key, "quota" | "manager" | "confirmedEmail") {
                    answer.fails(103, "");
                } else if !form.starts_with("fields%5Badditional_mail") {
                    // The address of the other form is there already.
                    answer.ok();
                }
                if *key == "password" && expected == Cell::MayGoOn {
                    server = Server::start().await;
                }
            }
        }
    }
}

/// Regression: an administrator's app password set passwords, addresses and admins.
#[tokio::test(flavor = "multi_thread")]
async fn app_password_of_an_administrator_grants_no_rights() {
    let server = Server::start().await;
    let token = app_password(&server, "admin").await;
    for (method, path, form) in [
        (Method::PUT, "/cloud/users/Frank", "key=password&value=down+the+rabbit+hole"),
        (Method::PUT, "/cloud/users/Frank", "key=email&value=new%40example.org"),
        (Method::PUT, "/cloud/users/Frank", "fields%5Bphone%5D=&fields%5Bemail%5D=new%40example.org"),
        (Method::PUT, "/cloud/users/Frank", "key=phone&value="),
        (Method::PUT, "/cloud/users/Frank/additional_mail", "key=a%40example.org&value=b%40example.org"),
        (Method::POST, "/cloud/users/Frank/groups", "groupid=admin"),
        (Method::POST, "/cloud/users/Frank/subadmins", "groupid=group1"),
        (Method::POST, "/cloud/users", "userid=new&password=down+the+rabbit+hole&groups%5B%5D=admin"),
        (Method::DELETE, "/cloud/users/Frank", ""),
    ] {
        let ask = server.ask("-", method.clone(), path).basic("admin", token.expose()).form(form);
        let answer = ask.send().await;
        assert_eq!(cell(&answer), Cell::NotWithAppPassword, "{method} {path} {form}: {answer:?}");
    }
    let frank = server.get("Frank", "/cloud/user?format=json").send().await.ok().data();
    assert_eq!(frank["groups"], serde_json::json!(["group1", "group2"]));
    assert_eq!(frank["email"], serde_json::Value::Null);
}

/// Membership of `admin` needs more than its row says.
#[tokio::test(flavor = "multi_thread")]
async fn old_session_makes_no_administrator_unconfirmed() {
    let server = Server::start().await;
    let token = session(&server, "admin", Duration::from_secs(16 * 60)).await;
    let groups_of = |token: &str, method, group: &str| {
        let form = format!("groupid={group}");
        server.ask("-", method, "/cloud/users/Frank/groups").form(&form).in_session(token)
    };
    let groups = |method, group: &str| groups_of(&token, method, group);
    groups(Method::POST, "group3").send().await.ok();
    groups(Method::POST, "admin").send().await.fails(403, "Password confirmation is required");
    groups(Method::DELETE, "admin").send().await.fails(403, "Password confirmation is required");
    let confirm =
        |form: &str| server.page(Method::POST, "/index.php/login/confirm").form(form).in_session(&token);
    let wrong = confirm("password=wrong").send().await;
    assert_eq!((wrong.status, wrong.json()["message"].as_str()), (403, Some("Wrong password.")));
    groups(Method::POST, "admin").send().await.fails(403, "Password confirmation is required");
    let form = format!("password={}", PASSWORD.replace(' ', "+"));
    let right = confirm(&form).send().await;
    let (at, now) = (right.json()["lastLogin"].as_i64().unwrap(), Clock::system().now().seconds());
    assert!(right.status == 200 && (now - 60..=now).contains(&at), "{right:?}");
    // The session continues under a new cookie; the previous one, which others may know, is invalid
    // any more.
    let renewed = cookie_of(&right);
    let csrf = server.app.request_tokens().token(&renewed);
    assert_eq!(right.json()["requesttoken"], csrf.as_str());
    assert_eq!(groups(Method::POST, "admin").send().await.code(), 997);
    groups_of(&renewed, Method::POST, "admin").send().await.ok();
    groups_of(&renewed, Method::DELETE, "admin").send().await.ok();
}

/// The session that an answer hands to the browser.
fn cookie_of(answer: &Answer) -> String {
    let (pair, _) = answer.header("set-cookie").split_once(';').unwrap_or_else(|| panic!("{answer:?}"));
    pair.split_once('=').unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_confirmation_gives_the_session_a_new_cookie() {
    let server = Server::start().await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    for (path, fields) in [
        ("/login/confirm", &[("password", PASSWORD)][..]),
        ("/settings/app-passwords", &[("name", "phone"), ("password", PASSWORD)]),
        ("/settings/app-passwords", &[("name", ""), ("password", PASSWORD)]),
        ("/settings/password", &[("current", PASSWORD), ("password", "short")]),
        ("/settings/service-tokens", &[("name", "x"), ("password", PASSWORD)]),
    ] {
        frank.get("/settings").await;
        let before = frank.token().to_owned();
        frank.post(path, fields).await;
        assert_ne!(frank.token(), before, "{path}");
        // The page that came with it, or the next one, has valid forms.
        assert_eq!(frank.get("/settings").await.status, 200, "{path}");
        let old = server.page(Method::GET, "/settings").header("Cookie", &format!("session={before}"));
        assert_eq!(old.send().await.header("location"), "/login?redirect_url=/settings", "{path}");
    }
    let id = UserId::parse("Frank").unwrap();
    assert_eq!(server.accounts.sessions().list(&id).await.unwrap().len(), 1, "still one session");
    assert_eq!(server.accounts.app_passwords().list(&id).await.unwrap().len(), 1);
    // A wrong password renews nothing.
    let before = frank.token().to_owned();
    assert_eq!(frank.post("/login/confirm", &[("password", "wrong")]).await.status, 403);
    assert_eq!(frank.token(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmation_call_refuses_what_it_cannot_believe() {
    let server = Server::start().await;
    let token = session(&server, "Frank", Duration::from_secs(16 * 60)).await;
    let json = |body: &str| server.page(Method::POST, "/login/confirm").body("application/json", body);
    let right = format!("{{\"password\":\"{PASSWORD}\"}}");
    let other = session(&server, "jane", Duration::ZERO).await;
    let app = app_password(&server, "Frank").await;
    for (about, ask, status) in [
        ("no session", json(&right).in_session(&"A".repeat(43)), 401),
        (
            "token of another session",
            json(&right).in_session(&other).header("Cookie", &format!("session={token}")),
            412,
        ),
        (
            "a key twice",
            json(&format!("{{\"password\":\"x\",\"password\":\"{PASSWORD}\"}}")).in_session(&token),
            400,
        ),
        ("no password", json("{}").in_session(&token), 400),
        ("a list", json("{\"password\":[\"x\"]}").in_session(&token), 400),
        ("no JSON", json("{").in_session(&token), 400),
        ("an app password", json(&format!("{{\"password\":\"{}\"}}", app.expose())).in_session(&token), 403),
        ("an empty one", json("{\"password\":\"\"}").in_session(&token), 403),
    ] {
        let answer = ask.send().await;
        assert_eq!(answer.status, status, "{about}: {answer:?}");
    }
    let email = |token: &str| server.put("-", "/cloud/users/Frank", "key=email&value=").in_session(token);
    email(&token).send().await.fails(403, "Password confirmation is required");
    let confirmed = json(&right).in_session(&token).send().await;
    assert_eq!((confirmed.status, confirmed.header("cache-control")), (200, "no-store"), "{confirmed:?}");
    email(&cookie_of(&confirmed)).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_confirmations_count_as_failed_sign_ins() {
    let throttle = "[resolver]\nthrottle = { first_delay = \"1ms\", longest_delay = \"2ms\", refuse_after = 3, per = \"30m\" }\n";
    let server = Server::with("", throttle).await;
    let token = session(&server, "Frank", Duration::ZERO).await;
    let from = new_address();
    let confirm = |password: &str| {
        let ask = server.page(Method::POST, "/login/confirm").form(&format!("password={password}"));
        ask.in_session(&token).from(from)
    };
    for number in 0..3 {
        assert_eq!(confirm(&format!("guess{number}")).send().await.status, 403);
    }
    let refused = confirm("guess3").send().await;
    assert!(refused.status == 429 && !refused.header("retry-after").is_empty(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmation_page_leads_back_to_where_one_was() {
    let server = Server::start().await;
    let mut visitor = TestBrowser::new(&server);
    assert_eq!(visitor.get("/login/confirm").await.header("location"), "/login?redirect_url=/settings");
    let token = session(&server, "Frank", Duration::from_secs(16 * 60)).await;
    let mut frank = TestBrowser::new(&server);
    frank.cookie = Some(format!("session={token}"));
    let page = frank.get("/login/confirm?redirect_url=/docs").await;
    assert!(page.status == 200 && page.body.contains("Confirm your password"), "{page:?}");
    let wrong = frank.post("/login/confirm", &[("password", "wrong"), ("redirect_url", "/docs")]).await;
    assert!(wrong.status == 403 && wrong.body.contains("Wrong password."), "{wrong:?}");
    for (wanted, expected) in [("//evil.example", "/settings"), ("/docs", "/docs")] {
        frank.get("/login/confirm").await;
        let right = [("password", PASSWORD), ("redirect_url", wanted)];
        let answer = frank.post("/login/confirm", &right).await;
        assert_eq!((answer.status, answer.header("location")), (303, expected));
    }
    server.put("-", "/cloud/users/Frank", "key=email&value=").in_session(frank.token()).send().await.ok();
    let forged = server
        .page(Method::POST, "/login/confirm")
        .form("password=x")
        .header("Cookie", &format!("session={}", frank.token()));
    assert_eq!(forged.send().await.status, 403);
}

/// A mail server that accepts this password, and counts the passwords it gets.
async fn counting_mail_server() -> (u16, std::sync::Arc<AtomicUsize>) {
    let count = std::sync::Arc::new(AtomicUsize::new(0));
    (external_backend::mail_server_counting(external_backend::MAIL, count.clone()).await, count)
}

fn mail(port: u16) -> String {
    format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
    )
}

/// Regression: circuit breaker and canary blocked devices during a mail server outage.
#[tokio::test(flavor = "multi_thread")]
async fn app_password_works_during_an_outage() {
    // As after a restart: the mail server was never reached.
    let server = Server::with("", &mail(9)).await;
    let mia = UserId::parse("mia@mail.example").unwrap();
    let backend = BackendId::parse("mail").unwrap();
    server.accounts.users().remember(mia.name(), &backend, []).await.unwrap();
    let token = app_password(&server, "mia@mail.example").await;
    let device = || server.get("-", "/cloud/user").basic("mia@mail.example", token.expose());
    device().send().await.ok();
    for number in 0..8 {
        let ask = server.get("-", "/cloud/user").basic("mia@mail.example", &format!("guess {number}"));
        assert_eq!(ask.send().await.status, 503);
        device().send().await.ok();
    }
    let bearer =
        server.get("-", "/cloud/user").header("Authorization", &format!("Bearer {}", token.expose()));
    bearer.without("OCS-APIRequest").send().await.ok();
    server.delete("admin", "/cloud/apps/user_external").send().await.ok();
    device().send().await.fails(997, "Unauthorised");
}

/// Regression: each use of an app password allowed four more guesses at the mail server.
#[tokio::test(flavor = "multi_thread")]
async fn app_password_keeps_the_budget_of_guesses() {
    use std::sync::atomic::Ordering::SeqCst;
    let (port, count) = counting_mail_server().await;
    let server = Server::with("", &mail(port)).await;
    server.get("-", "/cloud/user").basic("mia@mail.example", external_backend::MAIL).send().await.ok();
    let token = app_password(&server, "mia@mail.example").await;
    let before = count.load(SeqCst);
    for round in 0..4 {
        for number in 0..3 {
            let guess = format!("guess {round} {number}");
            server.get("-", "/cloud/user").basic("mia@mail.example", &guess).send().await;
        }
        server.get("-", "/cloud/user").basic("mia@mail.example", token.expose()).send().await.ok();
    }
    assert_eq!(count.load(SeqCst) - before, 4, "guesses that reached the mail server");
}

/// Regression: a device that polled, or renewed its app password, ended the lockout.
#[tokio::test(flavor = "multi_thread")]
async fn app_password_keeps_the_lock_on_guesses() {
    let server = Server::with("", "[resolver]\nlock = { failures = 2, per = \"1d\" }\n").await;
    let mut token = app_password(&server, "Frank").await.expose().to_owned();
    let mut codes = Vec::new();
    for number in 0..6 {
        let guess = server.get("-", "/cloud/user").basic("Frank", &format!("guess {number}")).send().await;
        codes.push(guess.code());
        let rotate = server.ask("-", Method::POST, "/ocs/v2.php/core/apppassword/rotate?format=json");
        let rotated = rotate.basic("Frank", &token).send().await.is(200, 200, "OK");
        token = rotated.data()["newpassword"].as_str().unwrap().to_owned();
    }
    assert_eq!(codes, [997, 997, 997, 429, 429, 429]);
    server.get("-", "/cloud/user").basic("Frank", &token).send().await.ok();
}

/// Regression: `maximumLoginAttempts` counts on, too.
#[tokio::test(flavor = "multi_thread")]
async fn app_password_keeps_failed_attempts() {
    let server = Server::with("", "[resolver]\nlock = \"off\"\n").await;
    server.accounts.apps().set_value("password_policy", "maximumLoginAttempts", "3").await.unwrap();
    server.app.rules().await.unwrap();
    let id = UserId::parse("jane").unwrap();
    for number in 0..3 {
        let (token, made) = server.accounts.app_passwords().create(&id, "phone", None).await.unwrap();
        server
            .get("-", "/cloud/user")
            .basic("jane", &format!("guess {number}"))
            .send()
            .await
            .fails(997, "Unauthorised");
        server.get("-", "/cloud/user").basic("jane", token.expose()).send().await.ok();
        server.accounts.app_passwords().revoke(&id, made.key).await.unwrap();
    }
    server.get("jane", "/cloud/user").send().await.fails(997, "Unauthorised");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_app_password_is_counted_and_not_sent_on() {
    use std::sync::atomic::Ordering::SeqCst;
    let (port, count) = counting_mail_server().await;
    let throttle = "[resolver]\nthrottle = { first_delay = \"1ms\", longest_delay = \"2ms\", refuse_after = 3, per = \"30m\" }\n";
    let server = Server::with("", &format!("{throttle}{}", mail(port))).await;
    server.get("-", "/cloud/user").basic("mia@mail.example", external_backend::MAIL).send().await.ok();
    let before = count.load(SeqCst);
    let franks = app_password(&server, "Frank").await;
    let frank = UserId::parse("Frank").unwrap();
    let past = Clock::system().now().before(HOUR);
    let (expired, _) = server.accounts.app_passwords().create(&frank, "old", Some(past)).await.unwrap();
    let from = new_address();
    let ask =
        |name: &str, token: &Token| server.get("-", "/cloud/user").basic(name, token.expose()).from(from);
    ask("mia@mail.example", &franks).send().await.fails(997, "Unauthorised");
    ask("Frank", &expired).send().await.fails(997, "Unauthorised");
    let unknown = Token::random().unwrap();
    let bearer =
        server.get("-", "/cloud/user").header("Authorization", &format!("Bearer {}", unknown.expose()));
    bearer.from(from).send().await.fails(997, "Unauthorised");
    assert_eq!(count.load(SeqCst), before, "no app password reached the mail server");
    let throttled = server.get("-", "/cloud/user").basic("Frank", "guess").from(from).send().await;
    assert_eq!(throttled.status, 429, "three refusals from there");
    ask("Frank", &franks).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn app_password_of_a_disabled_user_opens_nothing() {
    let server = Server::start().await;
    let token = app_password(&server, "Frank").await;
    let ask = || server.get("-", "/cloud/user").basic("Frank", token.expose());
    ask().send().await.ok();
    server.put("admin", "/cloud/users/Frank/disable", "").send().await.ok();
    ask().send().await.fails(997, "Unauthorised");
    server.put("admin", "/cloud/users/Frank/enable", "").send().await.ok();
    ask().send().await.ok();
}

const DOCUMENT: &str = "../../docs/security/credentials.md";

/// The table of docs/security/credentials.md, written from the table of routes.
fn document() -> String {
    let mut text = include_str!("credentials.md").to_owned();
    text += "\n## Calls\n\n| call | role | proof | scope |\n|---|---|---|---|\n";
    let role = |role| match role {
        RequiredRole::Anyone => "none",
        RequiredRole::SignedIn => "signed in",
        RequiredRole::SubAdmin => "sub-admin",
        RequiredRole::Admin => "admin",
    };
    let proof = |required| match required {
        Requirement::Any => "any",
        Requirement::Password => "password",
        Requirement::RecentPassword => "recent password",
    };
    let scope = |scope: Option<TokenScope>| scope.map_or("", TokenScope::as_str);
    for route in ROUTES {
        let (call, requires) = (format!("{} {}", route.method, route.path), proof(route.requires));
        writeln!(text, "| `{call}` | {} | {requires} | {} |", role(route.role), scope(route.scope)).unwrap();
    }
    text += "\n## Fields of `PUT /cloud/users/{user}`\n\n| field | one's own | another user's | scope |\n|---|---|---|---|\n";
    let fields = ["password", "quota", "language", "locale"].into_iter();
    for field in fields.chain(accounts::ProfileField::ALL.iter().map(|field| field.as_str())) {
        let ((own, needed), (other, _)) = (needs_of_field(field, true), needs_of_field(field, false));
        writeln!(text, "| `{field}` | {} | {} | {} |", proof(own), proof(other), needed.as_str()).unwrap();
    }
    text
}

/// `UPDATE_DOCS=1` regenerates the document.
#[test]
fn credentials_document_matches_the_route_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, document()).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap();
    assert!(found == document(), "docs/security/credentials.md is stale: run this test with UPDATE_DOCS=1");
}
