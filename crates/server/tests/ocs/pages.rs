//! Signing in at the page, the own account, and what a session may do.

use std::sync::Arc;

use tokio::sync::Notify;
use user_backend_server::auth::session::Browser;
use user_backend_tests::{FakeServer, ScriptStep};

use super::browser::TestBrowser;
use super::external_backend;
use super::*;

const NEW: &str = "Looking Glass 1871 !";

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_sets_a_new_session_cookie_and_sign_out_ends_it() {
    let server = Server::start().await;
    let mut browser = TestBrowser::new(&server);
    let home = browser.get("/").await;
    assert_eq!((home.status, home.header("location")), (303, "/settings"));
    let away = browser.get("/settings").await;
    assert_eq!((away.status, away.header("location")), (303, "/login?redirect_url=/settings"));
    let page = browser.get("/login").await;
    assert_eq!(page.status, 200);
    let visitor = browser.cookie.clone().unwrap();
    let answer = browser.post("/login", &[("user", " FRANK "), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/settings"));
    let session = browser.cookie.clone().unwrap();
    assert_ne!(visitor, session);
    let page = browser.get("/settings").await;
    assert_eq!(page.status, 200);
    for text in ["Frank", "group1, group2", "this server", "this one"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert_eq!(browser.get("/login?redirect_url=/ocs").await.header("location"), "/ocs", "no second sign-in");
    // The cookie from before opens nothing.
    browser.cookie = Some(visitor);
    assert_eq!(browser.get("/settings").await.status, 303);
    browser.cookie = Some(session.clone());
    browser.get("/logout").await;
    let out = browser.post("/logout", &[]).await;
    assert_eq!((out.status, out.header("location")), (303, "/login?done=out"));
    assert_eq!(browser.cookie, None);
    browser.cookie = Some(session);
    assert_eq!(browser.get("/settings").await.status, 303, "what was kept of it opens nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn o16_every_page_has_a_strict_policy() {
    let server = Server::with("public_url = \"https://cloud.example.org\"", LETTERS).await;
    let mut browser = TestBrowser::new(&server);
    let login = browser.get("/login").await;
    let cookie = login.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    browser.post("/login", &[("user", "Frank"), ("password", PASSWORD)]).await;
    let guess = format!("/lostpassword/reset/{}", "A".repeat(43));
    for path in ["/", "/login", "/logout", "/settings", "/lostpassword", &guess] {
        let answer = browser.get(path).await;
        if !answer.body.is_empty() {
            let policy = answer.header("content-security-policy");
            assert_eq!(
                policy,
                "default-src 'none';style-src 'self';img-src 'self';script-src 'self';form-action 'self';base-uri 'none';\
                 frame-ancestors 'none'"
            );
            assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
            let scripts = answer.body.matches("<script").count();
            assert_eq!(scripts, answer.body.matches("<script src=\"/pages/page.js?v=").count(), "{path}");
            assert!(!answer.body.contains("style=") && !answer.body.contains(" onclick="), "{path}");
            assert!(answer.body.contains("<html lang=\"en\">"), "{path}");
        }
        assert!(answer.header("cache-control").contains("no-store"), "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    for (path, kind) in [
        ("/pages/style.css", "text/css; charset=utf-8"),
        ("/pages/page.js", "text/javascript; charset=utf-8"),
        ("/pages/icon.svg", "image/svg+xml"),
        ("/pages/eye.svg", "image/svg+xml"),
    ] {
        let asset = browser.get(path).await;
        assert_eq!((asset.status, asset.header("content-type")), (200, kind));
        assert!(asset.header("cache-control").starts_with("public"), "{path}");
    }
    let plain = Server::start().await;
    let cookie = TestBrowser::new(&plain).get("/login").await.header("set-cookie").to_owned();
    assert!(cookie.starts_with("session=") && !cookie.contains("Secure"), "this machine alone: {cookie}");
}

/// Mail that goes nowhere.
const LETTERS: &str =
    "[mail]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"Cloud <noreply@example.org>\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn t50_failure_page_is_the_same_for_every_account() {
    let imap = external_backend::imap().await;
    for (sections, text) in [
        (
            LETTERS.to_owned(),
            "Wrong password. <a href=\"/lostpassword\" rel=\"noreferrer\">Reset it?</a></p>",
        ),
        (
            "[reset]\nlost_password_link = \"https://example.com/link/to/password/reset\"\n".to_owned(),
            "Wrong password. <a href=\"https://example.com/link/to/password/reset\" rel=\"noreferrer\">Reset it?</a></p>",
        ),
        (format!("[reset]\nlost_password_link = \"disabled\"\n{LETTERS}"), ">Wrong password.</p>"),
        (String::new(), ">Wrong password.</p>"),
    ] {
        let server = Server::with("", &format!("{sections}{imap}")).await;
        server.put("admin", "/cloud/users/outsider/disable", "").send().await.ok();
        server.get("-", "/cloud/user").basic("mia@mail.example", external_backend::MAIL).send().await.ok();
        let frank = UserId::parse("Frank").unwrap();
        let (token, _) = server.accounts.app_passwords().create(&frank, "phone", None).await.unwrap();
        let mut browser = TestBrowser::new(&server);
        browser.get("/login").await;
        let mut seen = Vec::new();
        for (name, password) in [
            ("Frank", "wrong password 1"),
            ("ghost", "wrong password 1"),
            ("outsider", PASSWORD),
            ("mia@mail.example", "wrong password 1"),
            ("ghost@mail.example", "wrong password 1"),
            ("Frank", token.expose()),
            ("Frank", ""),
            ("", PASSWORD),
            ("a\0b", PASSWORD),
            (&"x".repeat(300), PASSWORD),
        ] {
            browser.from = new_address();
            let answer = browser.post("/login", &[("user", name), ("password", password)]).await;
            assert_eq!(answer.status, 401, "{name}");
            // The name that was typed stands in its field again.
            let body =
                answer.body.replace(&format!("type=\"text\" value=\"{name}\""), "type=\"text\" value=\"\"");
            seen.push((headers(&answer), body));
        }
        assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
        assert!(seen[0].1.contains(text), "{text}: {}", seen[0].1);
        assert_eq!(server.accounts.sessions().count(&frank).await.unwrap(), 0);
    }
}

/// All headers but those that are never the same twice.
fn headers(answer: &Answer) -> Vec<(String, String)> {
    let pairs =
        answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    pairs.filter(|(name, _)| !matches!(name.as_str(), "content-length" | "date" | "x-request-id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn outage_is_not_called_a_wrong_password() {
    let dead = "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\n";
    let server = Server::with("", &format!("{dead}{LETTERS}")).await;
    let mut browser = TestBrowser::new(&server);
    browser.get("/login").await;
    let answer = browser.post("/login", &[("user", "mia@mail.example"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, 503);
    assert!(!answer.header("retry-after").is_empty());
    assert!(answer.body.contains("Yours may well be right") && !answer.body.contains("Wrong password"));
    let answer = browser.post("/login", &[("user", "Frank"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, 303, "who is kept here does not notice");
}

#[tokio::test(flavor = "multi_thread")]
async fn o18_no_open_redirect_after_sign_in() {
    let server = Server::start().await;
    for (wanted, expected) in [
        ("/ocs/v2.php/cloud/user?format=json", "/ocs/v2.php/cloud/user?format=json"),
        ("//evil.example", "/settings"),
        ("https://evil.example", "/settings"),
        ("/\\evil.example", "/settings"),
        ("/a@evil.example", "/settings"),
        ("/\r\nSet-Cookie: x=y", "/settings"),
    ] {
        let mut browser = TestBrowser::new(&server);
        let encoded = percent_encoding::utf8_percent_encode(wanted, percent_encoding::NON_ALPHANUMERIC);
        let page = browser.get(&format!("/login?redirect_url={encoded}")).await;
        assert_eq!(page.body.contains("redirect_url"), wanted == expected, "{wanted}");
        let fields = [("user", "Frank"), ("password", PASSWORD), ("redirect_url", wanted)];
        assert_eq!(browser.post("/login", &fields).await.header("location"), expected, "{wanted}");
        let again = browser.get(&format!("/login?redirect_url={encoded}")).await;
        assert_eq!(again.header("location"), expected, "{wanted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o01_forged_form_of_another_site_is_refused() {
    let server = Server::start().await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let (ticket, cookie) = (frank.ticket.clone(), frank.cookie.clone().unwrap());
    let jane = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    let fields = |ticket: &str| format!("session=others&key=1&name=x&password=y&requesttoken={ticket}");
    for path in [
        "/logout",
        "/settings/password",
        "/settings/sessions/end",
        "/settings/app-passwords",
        "/settings/app-passwords/revoke",
    ] {
        for forged in ["", &"A".repeat(43), &jane.ticket] {
            let ask = server.page(Method::POST, path).header("Cookie", &cookie).form(&fields(forged));
            assert_eq!(ask.send().await.status, 403, "{path}");
        }
        let cross = server.page(Method::POST, path).header("Sec-Fetch-Site", "cross-site");
        let cross = cross.header("Cookie", &cookie).form(&fields(&ticket)).send().await;
        assert_eq!(cross.status, 403, "{path}");
        let text =
            server.page(Method::POST, path).header("Cookie", &cookie).body("text/plain", &fields(&ticket));
        assert_eq!(text.send().await.status, 415, "{path}");
    }
    // Signing a user in as another one is one, too (login CSRF).
    let form = format!("user=jane&password={}&requesttoken={}", PASSWORD.replace(' ', "+"), ticket);
    assert_eq!(server.page(Method::POST, "/login").form(&form).send().await.status, 403);
    assert_eq!(frank.get("/settings").await.status, 200, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn o01_session_calls_the_api_with_both_headers_only() {
    let server = Server::start().await;
    let frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let cookie = frank.cookie.as_deref().unwrap();
    let ask = || server.get("-", "/cloud/user?format=json").header("Cookie", cookie);
    let own = ask().header("requesttoken", &frank.ticket).send().await.ok().data();
    assert_eq!(own["id"], "Frank");
    for refused in [
        ask(),
        ask().header("requesttoken", &admin.ticket),
        ask().header("requesttoken", ""),
        ask().header("requesttoken", &frank.ticket).without("OCS-APIRequest"),
    ] {
        let answer = refused.send().await;
        assert_eq!((answer.status, answer.json()["message"].clone()), (412, "CSRF check failed".into()));
    }
    ask().header("Cookie", "session=x").send().await.fails(997, "Current user is not logged in");
    let bearer = ask().header("requesttoken", &frank.ticket).header("Authorization", "Bearer x");
    bearer.send().await.fails(997, "Current user is not logged in");
    let basic = ask().basic("jane", PASSWORD).send().await.ok().data();
    assert_eq!(basic["id"], "jane", "a password counts before a cookie, and needs no request token");
    let users =
        || server.get("-", "/cloud/users").header("Cookie", cookie).header("requesttoken", &frank.ticket);
    users().send().await.fails(403, "Logged in user must be at least a sub admin");
    server.put("admin", "/cloud/users/Frank/disable", "").send().await.ok();
    users().send().await.fails(997, "Current user is not logged in");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_password_wants_the_old_one_and_ends_every_session() {
    let server = Server::start().await;
    let mut other = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    for (current, new, again, status, text) in [
        ("wrong password 1", NEW, NEW, 403, "Wrong password."),
        (PASSWORD, NEW, "Looking Glass 1872 !", 422, "The two passwords differ."),
        (
            PASSWORD,
            "abc",
            "abc",
            422,
            "Password is among the 1,000,000 most common ones. Please make it unique. Password needs to be at least 10 characters long.",
        ),
        (PASSWORD, "", "", 422, "<p id=\"notice\""),
    ] {
        let fields = [("current", current), ("password", new), ("password2", again)];
        let answer = frank.post("/settings/password", &fields).await;
        assert_eq!(answer.status, status, "{text}: {}", answer.body);
        assert!(answer.body.contains(text), "{text}: {}", answer.body);
    }
    let kept = frank.cookie.clone();
    let fields = [("current", PASSWORD), ("password", NEW), ("password2", NEW)];
    let done = frank.post("/settings/password", &fields).await;
    assert_eq!((done.status, done.header("location")), (303, "/login?done=password"));
    frank.cookie = kept;
    assert_eq!((frank.get("/settings").await.status, other.get("/settings").await.status), (303, 303));
    server.get("-", "/cloud/user").basic("Frank", PASSWORD).send().await.fails(997, "Unauthorised");
    TestBrowser::signed_in(&server, "Frank", NEW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn external_users_sign_in_and_see_where_their_password_is() {
    let sections = format!(
        "[reset]\nlost_password_link = \"https://mail.example/forgot\"\n{}",
        external_backend::imap().await
    );
    let server = Server::with("", &sections).await;
    let mut mia = TestBrowser::signed_in(&server, "mia@mail.example", external_backend::MAIL).await;
    let page = mia.get("/settings").await;
    for text in ["can only be changed there: <strong>mail</strong>", "href=\"https://mail.example/forgot\""] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("/settings/password"), "there is nothing to fill in");
    let fields = [("current", external_backend::MAIL), ("password", NEW), ("password2", NEW)];
    let answer = mia.post("/settings/password", &fields).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("cannot be changed here"));
    // Switching the feature off ends what it began.
    server.delete("admin", "/cloud/apps/user_external").send().await.ok();
    assert_eq!(mia.get("/settings").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_seen_and_ended_by_their_owner_alone() {
    let server = Server::start().await;
    let mut jane = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(TestBrowser::signed_in(&server, "Frank", PASSWORD).await);
    }
    let label = |browser: &TestBrowser<'_>| accounts::TokenHash::of(browser.token()).label();
    let page = frank.get("/settings").await;
    assert_eq!(page.body.matches("signed in <time").count(), 4);
    assert!(!page.body.contains(frank.token()) && !page.body.contains(others[0].token()));
    let (jane_label, first) = (label(&jane), label(&others[0]));
    frank.post("/settings/sessions/end", &[("session", &jane_label)]).await;
    assert_eq!(jane.get("/settings").await.status, 200, "not his");
    frank.post("/settings/sessions/end", &[("session", &first)]).await;
    assert_eq!(
        (others[0].get("/settings").await.status, others[1].get("/settings").await.status),
        (303, 200)
    );
    frank.post("/settings/sessions/end", &[("session", "others")]).await;
    assert_eq!(
        (others[1].get("/settings").await.status, others[2].get("/settings").await.status),
        (303, 303)
    );
    assert_eq!((frank.get("/settings").await.status, jane.get("/settings").await.status), (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn display_names_are_escaped() {
    let server = Server::start().await;
    let name = "<script>alert(1)</script>\"'&amp;";
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let form = format!("key=displayname&value={encoded}");
    server.put("admin", "/cloud/users/Frank", &form).send().await.ok();
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let fields = [("name", name), ("password", PASSWORD)];
    let made = frank.post("/settings/app-passwords", &fields).await;
    assert_eq!(made.status, 303);
    for body in [frank.get(made.header("location")).await.body, frank.get("/settings").await.body] {
        assert!(body.contains("&#60;script&#62;") && !body.contains("<script>"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn session_begins_only_if_nothing_ended_meanwhile() {
    let server = Server::start().await;
    let (accounts, frank) = (&server.accounts, UserId::parse("Frank").unwrap());
    let before = accounts.credential_epoch().current().await.unwrap();
    let life = Duration::from_secs(60);
    accounts.sessions().begin_after(&frank, before, life, b"").await.unwrap();
    server.put("admin", "/cloud/users/Frank", "key=password&value=Looking+Glass+1871").send().await.ok();
    let late = accounts.sessions().begin_after(&frank, before, life, b"").await;
    assert!(matches!(late, Err(accounts::AccountsError::Stale { .. })), "{late:?}");
    assert_eq!(accounts.sessions().count(&frank).await.unwrap(), 0);
}

/// A user disabled and enabled during a slow sign-in gets no session from it.
#[tokio::test(flavor = "multi_thread")]
async fn overtaken_sign_in_begins_no_session() {
    let go_on = Arc::new(Notify::new());
    let slow = FakeServer::start(vec![
        ScriptStep::send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n"),
        ScriptStep::Line,
        ScriptStep::Wait(go_on.clone()),
        ScriptStep::send("{tag} OK in\r\n"),
        ScriptStep::Silence,
    ])
    .await;
    let imap = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n",
        slow.port()
    );
    let server = Server::with("", &imap).await;
    let form = "userid=mia%40mail.example&backend=mail";
    server.post("admin", "/cloud/users", form).send().await.ok();
    let mia = UserId::parse("mia@mail.example").unwrap();
    for overtaken in [true, false] {
        let received = slow.received_text().matches("AUTHENTICATE").count();
        let app = server.app.clone();
        let password = format!("{} {overtaken}", external_backend::MAIL);
        let signing_in = tokio::spawn(async move {
            let browser = Browser { address: new_address().into(), agent: String::new() };
            app.begin_session("mia@mail.example", &password, &browser, false).await.unwrap()
        });
        while slow.received_text().matches("AUTHENTICATE").count() == received {
            tokio::task::yield_now().await;
        }
        if overtaken {
            server.accounts.users().set_enabled(&mia, false).await.unwrap();
            server.accounts.users().set_enabled(&mia, true).await.unwrap();
        }
        go_on.notify_one();
        let begun = signing_in.await.unwrap();
        assert_eq!(begun.is_ok(), !overtaken, "{begun:?}");
        assert_eq!(server.accounts.sessions().count(&mia).await.unwrap(), u64::from(!overtaken));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn below_a_path_every_link_has_it() {
    let server = Server::with("public_url = \"http://127.0.0.1/cloud/\"", LETTERS).await;
    let mut browser = TestBrowser::new(&server);
    let page = browser.get("/login").await;
    for text in
        ["action=\"/cloud/login\"", "href=\"/cloud/lostpassword\"", "href=\"/cloud/pages/style.css?v="]
    {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let fields = [("user", "Frank"), ("password", PASSWORD)];
    assert_eq!(browser.post("/login", &fields).await.header("location"), "/cloud/settings");
}

/// Over plain HTTP from other machines no form is shown.
///
/// Its input would be sent before it could be refused.
#[tokio::test(flavor = "multi_thread")]
async fn plain_http_shows_no_password_form() {
    let proxy = "[resolver]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";
    let server = Server::with("", &format!("{proxy}{LETTERS}")).await;
    for path in ["/login", "/settings", "/lostpassword"] {
        let ask = || server.page(Method::GET, path).header("X-Forwarded-For", "192.0.2.1");
        let plain = ask().send().await;
        assert_eq!(plain.status, 403, "{path}");
        assert!(
            plain.body.contains("Passwords are not taken over plain HTTP") && !plain.body.contains("<form")
        );
        assert_ne!(ask().header("X-Forwarded-Proto", "https").send().await.status, 403, "{path}");
    }
    let login = server.page(Method::GET, "/login").header("X-Forwarded-For", "192.0.2.1");
    let login = login.header("X-Forwarded-Proto", "https").send().await;
    assert!(login.header("set-cookie").starts_with("__Host-session="), "secure because the way is");
}
