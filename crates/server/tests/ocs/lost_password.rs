//! Lost passwords: from the request to the new password, and all attacks on the way.

use std::sync::{Arc, Mutex};

use accounts::BaseUrl;
use accounts::{EmailMessage, MailTransport, MailWorker, SendError};
use user_backend::clock::Instant;
use user_backend_tests::{FakeServer, smtp};

use super::browser::TestBrowser;
use super::external_backend;
use super::*;

const NEW: &str = "Looking Glass 1871 !";

pub(super) fn mail_settings(port: u16) -> String {
    format!(
        "[mail]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"Cloud <noreply@example.org>\"\n"
    )
}

/// Keeps what it is given.
#[derive(Debug, Default)]
struct Table(Mutex<Vec<(String, String)>>);

#[async_trait::async_trait]
impl MailTransport for Table {
    async fn send(&self, letter: &EmailMessage, _: Instant) -> Result<(), SendError> {
        self.0.lock().unwrap().push((letter.to().to_string(), letter.text().to_owned()));
        Ok(())
    }
}

/// A server with mail, where Frank and jane have addresses.
async fn server() -> Server {
    server_with("").await
}

async fn server_with(lines: &str) -> Server {
    let server = Server::with(lines, &mail_settings(9)).await;
    for name in ["Frank", "jane", "outsider"] {
        let form = format!("key=confirmedEmail&value={name}%40example.org");
        server.put("admin", &format!("/cloud/users/{name}"), &form).send().await.ok();
    }
    server
}

/// Sends what waits; address and text of each mail.
pub(super) async fn deliver(server: &Server) -> Vec<(String, String)> {
    let table = Arc::new(Table::default());
    let base = BaseUrl::parse("https://cloud.example.org").unwrap();
    let (accounts, settings) = (server.accounts.clone(), server.app.resets().settings());
    let worker = MailWorker::new(accounts, table.clone(), base, "Cloud", settings);
    worker.with_keepers(Arc::new(server.app.clone())).deliver_due().await.unwrap();
    table.0.lock().unwrap().clone()
}

/// Regression: the owner's phone, or a thief's, made every link worthless.
#[tokio::test(flavor = "multi_thread")]
async fn app_password_voids_no_reset_link_and_the_password_does() {
    let server = server().await;
    let frank = UserId::parse("Frank").unwrap();
    let (token, _) = server.accounts.app_passwords().create(&frank, "phone", None).await.unwrap();
    let path = link(&server, "Frank").await;
    let mut browser = TestBrowser::new(&server);
    server.get("-", "/cloud/user").basic("Frank", token.expose()).send().await.ok();
    let user = server.accounts.users().get(&frank).await.unwrap();
    assert!(user.last_login.is_some(), "a device's sign-in is one");
    assert_eq!(browser.get(&path).await.status, 200);
    // Less than a minute after the device, whose sign-in is on record.
    server.get("Frank", "/cloud/user").send().await.ok();
    assert_eq!(browser.get(&path).await.status, 404);
}

/// The path of the link in a mail.
pub(super) fn path_of_link(text: &str) -> String {
    let (_, rest) = text.split_once("https://cloud.example.org/lost").unwrap_or_else(|| panic!("{text}"));
    format!("/lost{}", rest.split_whitespace().next().unwrap())
}

/// Asks for a link and takes it out of the mail.
async fn link(server: &Server, name: &str) -> String {
    let mut browser = TestBrowser::new(server);
    browser.get("/lostpassword").await;
    let answer = browser.post("/lostpassword", &[("user", name)]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/lostpassword?done=sent"));
    assert!(browser.get("/lostpassword?done=sent").await.body.contains("Check your mail"));
    let mut mails = deliver(server).await;
    mails.retain(|(_, text)| text.contains("/lostpassword/reset/"));
    assert_eq!(mails.len(), 1, "{mails:?}");
    path_of_link(&mails[0].1)
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_replaces_the_password_and_ends_all_credentials() {
    let server = server().await;
    let mut open = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let path = link(&server, "frank@EXAMPLE.org").await;
    assert!(path.starts_with("/lostpassword/reset/"), "{path}");
    let mut browser = TestBrowser::new(&server);
    for _ in 0..3 {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "a mail program that looks first uses nothing up");
        assert!(page.body.contains("<strong>Frank</strong>") && page.body.contains("At least 10 characters"));
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("set-cookie"), "");
    }
    for (fields, text) in [
        (vec![("password", "abc"), ("password2", "abc")], "most common ones"),
        (vec![("password", NEW), ("password2", "another one 1871")], "The two passwords differ."),
        (vec![("password", "")], "<p id=\"notice\""),
    ] {
        let refused = browser.post(&path, &fields).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains(text), "{}", refused.body);
    }
    let done = browser.post(&path, &[("password", NEW), ("password2", NEW)]).await;
    assert_eq!((done.status, done.header("location")), (303, "/login?done=reset"), "{}", done.body);
    assert_eq!(done.header("set-cookie"), "", "the reset does not sign in");
    assert!(browser.get("/login?done=reset").await.body.contains("Your password is set"));
    assert_eq!(open.get("/settings").await.status, 303, "his sessions have ended");
    server.get("-", "/cloud/user").basic("Frank", PASSWORD).send().await.fails(997, "Unauthorised");
    server.get("-", "/cloud/user").basic("Frank", NEW).send().await.ok();
    let again = browser.post(&path, &[("password", PASSWORD), ("password2", PASSWORD)]).await;
    assert_eq!(again.status, 404);
    assert!(again.body.contains("Could not reset password because the token is invalid"));
    let notices = deliver(&server).await;
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].0, "frank@example.org");
    assert!(notices[0].1.contains("changed"), "{}", notices[0].1);
}

/// A user who is created with an address and no password chooses one.
#[tokio::test(flavor = "multi_thread")]
async fn new_user_without_password_uses_the_link_in_the_welcome_mail() {
    let server = server().await;
    let form = "userid=anna&email=anna%40example.org";
    server.post("admin", "/cloud/users", form).send().await.ok();
    let mails = deliver(&server).await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].1.contains("within 7 days"), "{}", mails[0].1);
    let mut anna = TestBrowser::new(&server);
    let page = anna.get(&path_of_link(&mails[0].1)).await;
    assert!(page.body.contains("<h1>Welcome</h1>") && !page.body.contains("New password"), "{}", page.body);
    let done = anna.post(&path_of_link(&mails[0].1), &[("password", NEW), ("password2", NEW)]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let mut anna = TestBrowser::signed_in(&server, "anna", NEW).await;
    assert_eq!(anna.get("/settings").await.status, 200);
    // Welcome mails can be switched off.
    let setting = "/apps/provisioning_api/api/v1/config/apps/core/newUser.sendEmail";
    server.post("admin", setting, "value=no").send().await.ok();
    server.post("admin", "/cloud/users", "userid=ben&email=ben%40example.org").send().await.ok();
    assert!(!deliver(&server).await.iter().any(|mail| mail.0 == "ben@example.org"));
    // Who has signed in needs no link; the greeting alone comes again.
    deliver(&server).await;
    server.post("admin", "/cloud/users/anna/welcome", "").send().await.ok();
    let again = deliver(&server).await;
    assert!(again.len() == 1 && !again[0].1.contains("/lostpassword/"), "{again:?}");
}

/// T50: a reset request has the same response for every name.
///
/// The table holds GitLab's CVE-2023-7028 and NC's CVE-2021-32678.
#[tokio::test(flavor = "multi_thread")]
async fn t50_reset_request_has_one_response_for_all_names() {
    let server = Server::with("", &format!("{}{}", mail_settings(9), external_backend::imap().await)).await;
    let set = async |name: &str, address: &str| {
        let form = format!("key=confirmedEmail&value={address}");
        server.put("admin", &format!("/cloud/users/{name}"), &form).send().await.ok();
    };
    set("Frank", "frank%40example.org").await;
    set("jane", "shared%40example.org").await;
    server.put("sam", "/cloud/users/sam", "key=email&value=shared%40example.org").send().await.ok();
    set("outsider", "outsider%40example.org").await;
    server.put("admin", "/cloud/users/outsider/disable", "").send().await.ok();
    server.get("-", "/cloud/user").basic("mia@mail.example", external_backend::MAIL).send().await.ok();
    let mut browser = TestBrowser::new(&server);
    browser.get("/lostpassword").await;
    let mut seen = Vec::new();
    for typed in [
        "Frank",
        "frank@example.org",
        "ghost",
        "ghost@example.org",
        "outsider",
        "outsider@example.org",
        "admin",
        "mia@mail.example",
        "shared@example.org",
        "",
        &"x".repeat(300),
        "a\r\nBcc: eve@example.org",
        "frank@example.org,eve@example.org",
        "\u{131}",
    ] {
        browser.from = new_address();
        let answer = browser.post("/lostpassword", &[("user", typed)]).await;
        let headers: Vec<_> =
            answer.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let headers: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"))
            .collect();
        seen.push((answer.status, headers, answer.body));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    assert_eq!(seen[0].0, 303);
    let mut mails = deliver(&server).await;
    mails.retain(|(_, text)| text.contains("asked to set a new password"));
    let to: Vec<_> = mails.iter().map(|(to, _)| to.clone()).collect();
    let expected = ["frank", "frank", "shared"].map(|name| format!("{name}@example.org"));
    assert_eq!(to, [&expected[..2], &["mia@mail.example".to_owned()], &expected[2..]].concat());
    // Only users with a local password get a link; mia learns where hers is kept.
    let links: Vec<_> = mails.iter().map(|(_, text)| text.contains("/lostpassword/reset/")).collect();
    assert_eq!(links, [true, true, false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn name_is_one_text() {
    let server = server().await;
    let mut browser = TestBrowser::new(&server);
    browser.get("/lostpassword").await;
    let (cookie, ticket) = (browser.cookie.clone().unwrap(), browser.ticket.clone());
    for fields in [
        "user=Frank&user=eve@example.org",
        "user[]=Frank&user[]=eve@example.org",
        "user=Frank&user%5B%5D=eve",
        "user[0]=Frank",
    ] {
        let ask = server.page(Method::POST, "/lostpassword").header("Cookie", &cookie);
        assert_eq!(ask.form(&format!("{fields}&requesttoken={ticket}")).send().await.status, 400, "{fields}");
    }
    let json = server.page(Method::POST, "/lostpassword").header("Cookie", &cookie);
    let json = json.body("application/json", "{\"user\":[\"Frank\",\"eve@example.org\"]}").send().await;
    assert_eq!(json.status, 415);
    assert!(deliver(&server).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn o17_asking_and_trying_links_is_limited_by_place() {
    let server = server().await;
    let mut browser = TestBrowser::new(&server);
    browser.get("/lostpassword").await;
    for _ in 0..10 {
        assert_eq!(browser.post("/lostpassword", &[("user", "ghost")]).await.status, 303);
    }
    for typed in ["ghost", "Frank"] {
        let answer = browser.post("/lostpassword", &[("user", typed)]).await;
        assert_eq!(answer.status, 429);
        assert!(!answer.header("retry-after").is_empty());
    }
    let path = link(&server, "Frank").await;
    let guess = format!("/lostpassword/reset/{}", "A".repeat(43));
    for _ in 0..10 {
        assert_eq!(browser.get(&guess).await.status, 404);
    }
    assert_eq!(browser.get(&path).await.status, 429);
    assert_eq!(TestBrowser::new(&server).get(&path).await.status, 200, "other sources are not slowed down");
}

#[tokio::test(flavor = "multi_thread")]
async fn hundred_concurrent_requests_with_a_link_succeed_once() {
    let server = Arc::new(server().await);
    let path = link(&server, "Frank").await;
    let tries: Vec<_> = (0..100)
        .map(|number| {
            let (server, path) = (server.clone(), path.clone());
            tokio::spawn(async move {
                let password = format!("Looking+Glass+{number:03}+!");
                let ask = server.page(Method::POST, &path);
                let answer = ask.form(&format!("password={password}&password2={password}")).send().await;
                (answer.status, password.replace('+', " "))
            })
        })
        .collect();
    let mut won = Vec::new();
    for tried in tries {
        let (status, password) = tried.await.unwrap();
        match status {
            303 => won.push(password),
            status => assert!(matches!(status, 404 | 429 | 503), "{status}"),
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    server.get("-", "/cloud/user").basic("Frank", &won[0]).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_link_uses_public_url_and_not_the_request() {
    let server = server_with("allow_plaintext = true").await;
    let mut browser = TestBrowser::new(&server);
    browser.get("/lostpassword").await;
    let ask = server.page(Method::POST, "/lostpassword").header("X-Forwarded-Host", "evil.example");
    let ask = ask
        .header("Forwarded", "host=evil.example")
        .form(&format!("user=Frank&requesttoken={}", browser.ticket));
    assert_eq!(browser.send(ask).await.status, 303);
    let mails = deliver(&server).await;
    assert!(mails[0].1.contains("https://cloud.example.org/lostpassword/reset/"));
    assert!(!mails[0].1.contains("evil"));
}

#[tokio::test(flavor = "multi_thread")]
async fn disabled_resets_send_no_mail() {
    for (sections, status, location) in [
        (String::new(), 403, ""),
        (format!("{}[reset]\nlost_password_link = \"disabled\"\n", mail_settings(9)), 403, ""),
        (
            format!("{}[reset]\nlost_password_link = \"https://example.com/reset\"\n", mail_settings(9)),
            303,
            "https://example.com/reset",
        ),
    ] {
        let server = Server::with("", &sections).await;
        server
            .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=frank%40example.org")
            .send()
            .await
            .ok();
        let mut browser = TestBrowser::new(&server);
        let page = browser.get("/lostpassword").await;
        assert_eq!((page.status, page.header("location")), (status, location));
        browser.get("/login").await;
        let answer = browser.post("/lostpassword", &[("user", "Frank")]).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("Password reset is disabled"), "{}", answer.body);
        assert_eq!(server.accounts.outbox().waiting().await.unwrap(), 0);
    }
}

#[test]
fn unsafe_link_setting_stops_the_start() {
    let dir = TempDir::new().unwrap();
    let load = |name: &str, text: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        ServerSettings::load(&file, &ClassRegistry::standard())
            .map(|(settings, _)| settings)
            .map_err(|errors| errors.to_string())
    };
    for bad in [
        "javascript:alert(1)",
        "//evil.example/reset",
        "http://example.com/reset",
        "https://user:secret-1@example.com/reset",
        "https://example.com/\\r\\nSet-Cookie: a=b",
        "/reset",
        "Disabled",
    ] {
        let error = load("a.toml", &format!("[reset]\nlost_password_link = \"{bad}\"\n")).unwrap_err();
        assert!(error.contains("lost_password_link") && !error.contains("secret-1"), "{error}");
        let error = load("b.toml", &format!("lost_password_link = \"{bad}\"\n")).unwrap_err();
        assert!(error.contains("lost_password_link") && !error.contains("secret-1"), "{error}");
    }
    let php = "<?php $CONFIG = ['lost_password_link' => 'https://IFC.com/link/to/password/reset'];";
    let settings = load("config.php", php).unwrap();
    assert_eq!(settings.reset.lost_password_link().to_string(), "https://ifc.com/link/to/password/reset");
    let both = "lost_password_link = \"disabled\"\n[reset]\nlost_password_link = \"https://example.com/\"\n";
    assert!(load("c.toml", both).is_err());
    let minutes = load("d.toml", "lost_password_link = \"disabled\"\n[reset]\nminutes = 10\n").unwrap();
    assert_eq!(minutes.reset.life(), Duration::from_secs(600));
    let unreachable = format!("[server]\nlisten = \"0.0.0.0:8080\"\n{}", mail_settings(9));
    let error = load("e.toml", &unreachable).unwrap_err();
    assert!(error.contains("public_url"), "{error}");
}

/// The whole way with a mail server: what the program itself starts.
#[tokio::test(flavor = "multi_thread")]
async fn link_goes_out_by_mail_and_works() {
    let taken = smtp::takes_a_mail("RCPT TO:<frank@example.org>\r\n");
    let sink = FakeServer::start([vec![smtp::say("220 sink")], taken].concat()).await;
    let public = "public_url = \"https://cloud.example.org/base\"\nname = \"Cloud\"";
    let server = Server::with(public, &mail_settings(sink.port())).await;
    server
        .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=frank%40example.org")
        .send()
        .await
        .ok();
    let mut browser = TestBrowser::new(&server);
    browser.get("/lostpassword").await;
    browser.post("/lostpassword", &[("user", "Frank")]).await;
    assert_eq!(server.app.mail_worker().unwrap().unwrap().deliver_due().await.unwrap().sent, 1);
    let received = sink.received_text().replace("=\r\n", "");
    let (_, rest) =
        received.split_once("https://cloud.example.org/base").unwrap_or_else(|| panic!("{received}"));
    let path = rest.split_whitespace().next().unwrap();
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}");
    let done = browser.post(path, &[("password", NEW), ("password2", NEW)]).await;
    assert_eq!(done.status, 303);
    assert_eq!(server.accounts.outbox().waiting().await.unwrap(), 1, "the notice");
}
