//! The forms of pages: kept input, several tabs, languages, custom appearance.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use accounts::{TokenHash, UserChange};
use user_backend_server::ADMIN_PAGES;

use super::browser::TestBrowser;
use super::*;

/// A request of a browser that says where its form comes from.
async fn post_from(browser: &mut TestBrowser<'_>, site: &str, path: &str, form: &str) -> Answer {
    let ask = browser.server.page(Method::POST, path).header("Sec-Fetch-Site", site).form(form);
    browser.send(ask).await
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_form_keeps_input_and_marks_the_field() {
    let server = Server::start().await;
    let mut browser = TestBrowser::new(&server);
    let page = browser.get("/login").await;
    assert!(page.body.contains("<title>Sign in – user-backend</title>"), "{}", page.body);
    assert!(!page.body.contains("aria-invalid"));
    let page = browser.post("/login", &[("user", "<Frank>"), ("password", "wrong password 1")]).await;
    assert!(page.body.contains("<title>Error: Sign in – user-backend</title>"), "{}", page.body);
    assert!(page.body.contains("value=\"&#60;Frank&#62;\""), "{}", page.body);
    assert_eq!(page.body.matches("aria-invalid=\"true\" aria-describedby=\"notice\"").count(), 1);
    assert_eq!(page.body.matches(" autofocus").count(), 1, "the password is to be typed again");
    assert!(!page.body.contains("wrong password 1"));
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    for (path, fields, kept, wrong) in [
        (
            "/settings/app-passwords",
            &[("name", "My phone"), ("password", "wrong password 2")][..],
            "id=\"device-name\" name=\"name\" type=\"text\" value=\"My phone\"",
            "id=\"device-password\"",
        ),
        (
            "/settings/email",
            &[("email", "not an address"), ("current", PASSWORD)],
            "id=\"email\" name=\"email\" type=\"text\" value=\"not an address\"",
            "id=\"email\"",
        ),
        (
            "/settings/service-tokens",
            &[
                ("name", "Report"),
                ("scope:users:read", "1"),
                ("networks", "10.0.0.1/8"),
                ("password", PASSWORD),
            ],
            "name=\"scope:users:read\" value=\"1\" checked",
            "id=\"networks\"",
        ),
    ] {
        let page = admin.post(path, fields).await;
        assert!(page.body.contains(kept), "{kept}: {}", page.body);
        let (before, _) = page.body.split_once("aria-invalid").unwrap_or_else(|| panic!("{}", page.body));
        let (_, field) = before.rsplit_once("<input ").unwrap();
        assert!(field.starts_with(wrong) && field.contains(" autofocus"), "{wrong}: {field}");
        assert_eq!(page.body.matches("aria-invalid").count(), 1, "{path}");
        // The two forms with a field of that name are not mixed up.
        assert_eq!(page.body.matches("value=\"My phone\"").count(), usize::from(kept.contains("phone")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn form_in_a_second_tab_works_after_the_cookie_was_renewed() {
    let server = Server::start().await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let old_tab = frank.ticket.clone();
    frank.post("/login/confirm", &[("password", PASSWORD)]).await;
    let form = format!("requesttoken={old_tab}&for=Frank&displayname=Frank+F.");
    for site in ["none", "same-site", "cross-site"] {
        assert_eq!(post_from(&mut frank, site, "/settings/profile", &form).await.status, 403, "{site}");
    }
    let jane = format!("requesttoken={old_tab}&for=jane&displayname=x");
    for other in [jane.as_str(), "requesttoken=x&displayname=x", "for=&displayname=x"] {
        let refused = post_from(&mut frank, "same-origin", "/settings/profile", other).await;
        assert_eq!(refused.status, 403, "the tab of another user: {other}");
    }
    let done = post_from(&mut frank, "same-origin", "/settings/profile", &form).await;
    assert_eq!((done.status, done.header("location")), (303, "/settings?done=profile"));
    assert!(frank.get("/settings?done=profile").await.body.contains("<h1>Frank F.</h1>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_form_of_another_tab_signs_in() {
    let server = Server::start().await;
    let mut browser = TestBrowser::new(&server);
    browser.get("/login").await;
    let old_tab = browser.ticket.clone();
    browser.post("/login", &[("user", "Frank"), ("password", PASSWORD)]).await;
    let password = PASSWORD.replace(' ', "+");
    let form = format!("requesttoken={old_tab}&for=&user=jane&password={password}");
    let done = post_from(&mut browser, "same-origin", "/login", &form).await;
    assert_eq!((done.status, done.header("location")), (303, "/settings"));
    // Without a cookie the same page comes again, with the name, and works then.
    for site in ["same-origin", "none"] {
        let mut cleared = TestBrowser::new(&server);
        let again = post_from(&mut cleared, site, "/login", &form).await;
        assert_eq!(again.status, 403);
        assert!(again.body.contains("sent no cookie") && again.body.contains("value=\"jane\""), "{site}");
        let done = cleared.post("/login", &[("user", "jane"), ("password", PASSWORD)]).await;
        assert_eq!(done.status, 303);
    }
    let mut lost = TestBrowser::new(&server);
    let crossed = post_from(&mut lost, "cross-site", "/login", &form).await;
    assert!(crossed.status == 403 && !crossed.body.contains("value=\"jane\""), "{crossed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_app_password_is_shown_again_to_its_session_alone() {
    let server = Server::start().await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let path = "/settings/app-passwords/new";
    assert_eq!(frank.get(path).await.header("location"), "/settings#devices", "there is none yet");
    frank.get("/settings").await;
    let fields = [("name", "phone"), ("password", PASSWORD)];
    let made = frank.post("/settings/app-passwords", &fields).await;
    assert_eq!(made.header("location"), path);
    let page = frank.get(path).await;
    let token = tokens::shown(&page.body);
    assert!(page.body.contains("id=\"token-server\" type=\"text\" value=\"http://localhost\""));
    assert!(page.body.contains("<svg") && page.body.contains(&format!("<span>{}</span>", &token[..5])));
    assert_eq!(tokens::shown(&frank.get(path).await.body), token, "the same once more");
    let id = UserId::parse("Frank").unwrap();
    assert_eq!(server.accounts.app_passwords().list(&id).await.unwrap().len(), 1);
    let mut elsewhere = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    assert_eq!(elsewhere.get(path).await.status, 303, "another session");
    // The row of the session holds it, but not readable from the row alone.
    let row = server.accounts.sessions().find(&TokenHash::of(frank.token())).await.unwrap().unwrap();
    let row = String::from_utf8(row.data).unwrap();
    assert!(row.contains("\"shown\"") && !row.contains(&token), "{row}");
    frank.get("/settings").await;
    frank.post("/login/confirm", &[("password", PASSWORD)]).await;
    assert_eq!(frank.get(path).await.status, 303, "the cookie was renewed");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_speaks_the_language_of_the_user_or_of_the_browser() {
    let server = Server::with("default_language = \"es\"", "").await;
    let login = |wanted: &'static str| {
        let ask = server.page(Method::GET, "/login");
        async move { ask.header("Accept-Language", wanted).send().await }
    };
    for (wanted, code, text) in [
        ("de-AT, en;q=0.5", "de", "Anmelden"),
        ("fr", "fr", "Se connecter"),
        ("en-GB", "en", "Sign in"),
        ("it", "es", "Iniciar sesión"),
    ] {
        let page = login(wanted).await;
        assert!(page.body.contains(&format!("<html lang=\"{code}\">")), "{wanted}");
        assert!(page.body.contains(&format!("<h1>{text}</h1>")), "{wanted}: {}", page.body);
        assert_eq!(page.header("vary"), "accept-language");
    }
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let saved = frank.post("/settings/profile", &[("language", "de")]).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    let ask = server.page(Method::GET, "/settings").header("Accept-Language", "fr");
    let page = frank.send(ask).await;
    assert!(page.body.contains("<html lang=\"de\">") && page.body.contains("Sitzungen"), "{}", page.body);
    let bad = frank.post("/settings/profile", &[("language", "tlh")]).await;
    assert!(bad.status == 422 && bad.body.contains("<title>Fehler: "), "{bad:?}");
    // A language that other programs set stays, and the browser decides.
    let id = UserId::parse("Frank").unwrap();
    let change = UserChange::new().language(Some("it_CH".parse().unwrap()));
    server.accounts.users().change(&id, change).await.unwrap();
    let page = frank.get("/settings").await;
    assert!(page.body.contains("<option value=\"it_CH\" selected>"), "{}", page.body);
    assert_eq!(frank.post("/settings/profile", &[("language", "it_CH")]).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_form_changes_name_as_far_as_it_may() {
    let server = Server::start().await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    for (name, status) in [("Frank Böll", 303), ("", 303), ("x".repeat(65).as_str(), 422), ("a\nb", 422)] {
        let answer = frank.post("/settings/profile", &[("displayname", name)]).await;
        assert_eq!(answer.status, status, "{name}");
        frank.get("/settings").await;
    }
    let fixed = Server::with("allow_user_to_change_display_name = false", "").await;
    let mut frank = TestBrowser::signed_in(&fixed, "Frank", PASSWORD).await;
    let page = frank.get("/settings").await;
    assert!(!page.body.contains("name=\"displayname\"") && page.body.contains("name=\"language\""));
    assert_eq!(frank.post("/settings/profile", &[("displayname", "x")]).await.status, 403);
    let id = UserId::parse("Frank").unwrap();
    assert_eq!(fixed.accounts.users().find(&id).await.unwrap().unwrap().display_name, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn remember_me_needs_choice_and_permission() {
    const DAY: i64 = 24 * 60 * 60;
    let left = async |server: &Server, browser: &TestBrowser<'_>| {
        let session = server.accounts.sessions().find(&TokenHash::of(browser.token())).await;
        let session = session.unwrap().unwrap();
        session.expires.seconds() - session.created.seconds()
    };
    for (days, stay, expected) in [(30, true, 30 * DAY), (30, false, 2 * 60 * 60), (0, true, 2 * 60 * 60)] {
        let server = Server::with("", &format!("[pages]\nstay_signed_in_days = {days}\n")).await;
        let mut browser = TestBrowser::new(&server);
        let page = browser.get("/login").await;
        assert_eq!(page.body.contains("name=\"stay\""), days > 0);
        let mut fields = vec![("user", "Frank"), ("password", PASSWORD)];
        fields.extend(stay.then_some(("stay", "1")));
        let answer = browser.post("/login", &fields).await;
        let is_lasting = answer.header("set-cookie").contains(&format!("; Max-Age={expected}"));
        assert_eq!(is_lasting, expected > DAY, "{answer:?}");
        assert_eq!(left(&server, &browser).await, expected);
        browser.get("/settings").await;
        // A confirmed password gives the session another cookie for as long.
        let confirmed = browser.post("/login/confirm", &[("password", PASSWORD)]).await;
        let is_lasting = confirmed.header("set-cookie").contains("; Max-Age=");
        assert_eq!(is_lasting, expected > DAY, "{confirmed:?}");
        assert_eq!(left(&server, &browser).await, expected);
    }
}

/// Regression: the cookie was kept for days, for a session of two hours.
#[tokio::test(flavor = "multi_thread")]
async fn cookie_ends_with_the_session() {
    let outage = Arc::new(AtomicBool::new(false));
    let port = external_backend::mail_server_with(Arc::clone(&outage)).await;
    let sections = format!(
        "[pages]\nstay_signed_in_days = 30\n[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\n\
         port = {port}\ntls = \"none\"\ncache_accepted = \"off\"\nmax_stale = \"1h\"\n"
    );
    let server = Server::with("", &sections).await;
    let from = new_address();
    let signs_in = async || {
        let mut browser = TestBrowser::new(&server);
        browser.from = from;
        browser.get("/login").await;
        let fields = [("user", "mia@mail.example"), ("password", external_backend::MAIL), ("stay", "1")];
        let answer = browser.post("/login", &fields).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.header("set-cookie").to_owned()
    };
    assert!(signs_in().await.contains("; Max-Age=2592000"));
    // Accepted although the mail server is away: such a session does not last.
    outage.store(true, Ordering::SeqCst);
    assert!(!signs_in().await.contains("Max-Age"));
    // A confirmed password does not move the end of a session.
    let mut browser = TestBrowser::new(&server);
    browser.get("/login").await;
    browser.post("/login", &[("user", "Frank"), ("password", PASSWORD), ("stay", "1")]).await;
    server.raw("UPDATE sessions SET created_at = created_at - 864000000").await;
    browser.get("/settings").await;
    let confirmed = browser.post("/login/confirm", &[("password", PASSWORD)]).await;
    let (_, life) = confirmed.header("set-cookie").split_once("Max-Age=").unwrap();
    let days = life.parse::<u64>().unwrap() as f64 / 86_400.0;
    assert!((19.9..=20.0).contains(&days), "{days}");
}

/// Regression: the browser kept the cookie before, which opens nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn renewed_cookie_comes_with_a_failure_too() {
    let server = Server::start().await;
    let mut browser = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let before = browser.token().to_owned();
    server.raw("ALTER TABLE app_passwords RENAME TO elsewhere").await;
    let fields = [("name", "phone"), ("password", PASSWORD)];
    let failed = browser.post("/settings/app-passwords", &fields).await;
    assert_eq!(failed.status, 503, "{failed:?}");
    assert_ne!(browser.token(), before);
    assert_eq!(browser.get("/logout").await.status, 200, "still signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_address_is_a_page_for_people_and_json_for_programs() {
    let server = Server::with("public_url = \"http://127.0.0.1/cloud\"", "").await;
    let ask = |path: &str| server.page(Method::GET, path).header("Accept", "text/html,*/*;q=0.8");
    let page = ask("/nope").send().await;
    assert!(page.status == 404 && page.body.contains("<h1>Page not found</h1>"), "{page:?}");
    assert!(page.body.contains("href=\"/cloud/settings\""));
    assert_eq!(page.header("set-cookie"), "");
    for (path, location) in [("/LOGIN", "/cloud/login"), ("/settings/", "/cloud/settings")] {
        assert_eq!(ask(path).send().await.header("location"), location, "{path}");
    }
    for program in [ask("/nope").header("Accept", "*/*"), server.page(Method::POST, "/nope")] {
        let answer = program.send().await;
        assert!(answer.status == 404 && answer.json()["message"].is_string(), "{answer:?}");
    }
    let change = ask("/.well-known/change-password").send().await;
    assert_eq!((change.status, change.header("location")), (303, "/cloud/settings#change"));
}

#[tokio::test(flavor = "multi_thread")]
async fn installation_has_its_own_name_logo_colour_and_links() {
    let logo = TempDir::new().unwrap();
    let file = logo.path().join("logo.png");
    std::fs::write(&file, b"PNG small").unwrap();
    let pages = format!(
        "[pages]\nlogo = {file:?}\ncolor = \"#ffcc00\"\nimprint_url = \"https://example.org/imprint\"\n\
         help_url = \"mailto:help@example.org\"\n"
    );
    let server = Server::with("name = \"Wonderland\"", &pages).await;
    let page = server.page(Method::GET, "/login").send().await;
    for text in [
        "<span>Wonderland</span>",
        "href=\"https://example.org/imprint\"",
        "href=\"mailto:help@example.org\"",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("Privacy"));
    let icon = server.page(Method::GET, "/pages/icon.svg").send().await;
    assert_eq!((icon.header("content-type"), icon.body.len()), ("image/png", 9));
    assert!(icon.header("content-security-policy").ends_with("sandbox"));
    let style = server.page(Method::GET, "/pages/style.css").send().await.body;
    assert!(style.contains("--accent: #ffcc00; --accent-ink: #0d1219"), "as it is where it can be read");
    assert!(!style.contains("--accent: #ffcc00; --accent-ink: #ffffff"), "darker where it cannot");
}

/// The routes of the router in `web/mod.rs` that take forms.
fn form_routes() -> Vec<&'static str> {
    let source = include_str!("../../src/web/mod.rs");
    let routes = source.lines().filter(|line| line.contains(".route(") && line.contains("post("));
    routes.map(|line| line.split('"').nth(1).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn form_that_succeeds_leads_to_a_page_that_does_nothing() {
    const NEW: &str = "Looking Glass 1871 !";
    let server = Server::with("", &lost_password::mail_settings(9)).await;
    let last = async || server.accounts.audit().latest(1, None).await.unwrap()[0].seq;
    let mut walked = Vec::new();
    let mut walk = async |browser: &mut TestBrowser<'_>, route, path: &str, fields: &[(&str, &str)]| {
        let answer = browser.post(path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {answer:?}");
        let before = last().await;
        for _ in 0..2 {
            assert_eq!(browser.get(answer.header("location")).await.status, 200, "{path}: {answer:?}");
        }
        assert_eq!(last().await, before, "{path}: loading the next page again does nothing");
        browser.get("/settings").await;
        walked.push(route);
    };
    let mut frank = TestBrowser::new(&server);
    frank.get("/login").await;
    walk(&mut frank, "/login", "/login", &[("user", "Frank"), ("password", PASSWORD)]).await;
    for (route, fields) in [
        ("/login/confirm", &[("password", PASSWORD)][..]),
        ("/settings/profile", &[("displayname", "Frank F.")]),
        ("/settings/email", &[("email", "frank@example.org"), ("current", PASSWORD)]),
        ("/settings/app-passwords", &[("name", "phone"), ("password", PASSWORD)]),
        ("/settings/app-passwords/revoke", &[("key", "1")]),
        ("/settings/sessions/end", &[("session", "others")]),
    ] {
        walk(&mut frank, route, route, fields).await;
    }
    let (path, _) = mail_address::confirmation(&server).await;
    walk(&mut frank, "/address/confirm/{token}", &path, &[]).await;
    let (_, path) = login_flow::begin(&server).await;
    frank.get(&path).await;
    walk(&mut frank, "/login/v2/flow/{token}", &path, &[]).await;
    let fields = [("current", PASSWORD), ("password", NEW), ("password2", NEW)];
    walk(&mut frank, "/settings/password", "/settings/password", &fields).await;
    frank.get("/lostpassword").await;
    walk(&mut frank, "/lostpassword", "/lostpassword", &[("user", "Frank")]).await;
    let mails = lost_password::deliver(&server).await;
    let mail = mails.iter().find(|(_, text)| text.contains("/lostpassword/reset/")).unwrap();
    let path = lost_password::path_of_link(&mail.1);
    frank.get(&path).await;
    let fields = [("password", PASSWORD), ("password2", PASSWORD)];
    walk(&mut frank, "/lostpassword/reset/{token}", &path, &fields).await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let fields = [("name", "report"), ("scope:users:read", "1"), ("password", PASSWORD)];
    walk(&mut admin, "/settings/service-tokens", "/settings/service-tokens", &fields).await;
    walk(&mut admin, "/logout", "/logout", &[]).await;
    // Devices send these two; they answer with JSON.
    walked.extend(["/login/v2", "/login/v2/poll"]);
    walked.sort_unstable();
    let mut routes = form_routes();
    routes.sort_unstable();
    assert_eq!(walked, routes);
}

/// What a browser loads first: the page, the stylesheet, the script and the images.
#[tokio::test(flavor = "multi_thread")]
async fn first_load_of_a_page_is_small() {
    let server = Server::start().await;
    for number in 0..60 {
        let new = NewUser::new(UserId::parse(&format!("pupil{number:02}")).unwrap());
        let new = new.display_name(format!("Alice Liddell {number}").parse().unwrap());
        let new = new.email(format!("alice.liddell{number}@example.org").parse().unwrap());
        server.accounts.users().create(new.group(GroupId::parse("group3").unwrap())).await.unwrap();
    }
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let mut shared = 0;
    for path in ["/pages/style.css", "/pages/page.js", "/pages/icon.svg", "/pages/eye.svg"] {
        shared += admin.get(path).await.body.len();
    }
    let login = server.page(Method::GET, "/login").send().await.body.len();
    admin.post("/settings/app-passwords", &[("name", "phone"), ("password", PASSWORD)]).await;
    let mut sizes = vec![("/login".to_owned(), login)];
    let own = ["/settings/app-passwords/new", "/settings", "/logout", "/login/confirm", "/lostpassword"];
    let pages = ADMIN_PAGES.iter().filter(|page| *page.method == Method::GET);
    let pages = pages.map(|page| page.path.replace("{user}", "pupil00").replace("{group}", "group3"));
    for path in own.into_iter().map(str::to_owned).chain(pages) {
        let size = admin.get(&path).await.body.len();
        sizes.push((path, size));
    }
    assert!(sizes.len() > 20);
    for (path, size) in sizes {
        assert!(shared + size <= 30 * 1024, "{path}: {shared} + {size}");
    }
}

/// Lists that grow come in parts, and each part is as small as any page.
#[tokio::test(flavor = "multi_thread")]
async fn long_lists_come_in_small_parts() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let mut names = Vec::new();
    for user in ["admin", "Frank"] {
        let id = UserId::parse(user).unwrap();
        for number in 0..99 {
            let name = format!("Alice's telephone {number:02}");
            server.accounts.app_passwords().create(&id, &name, None).await.unwrap();
            names.push(name);
        }
    }
    for number in 0..400 {
        server
            .accounts
            .groups()
            .create(&GroupId::parse(&format!("class {number}")).unwrap(), None)
            .await
            .unwrap();
    }
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) ";
    for statement in [
        format!(
            "{numbers} INSERT INTO sessions (token, user_key, created_at, seen_at, confirmed_at, expires_at, data) \
             SELECT randomblob(32), users.key, own.created_at, own.seen_at - i * 1000, own.confirmed_at, own.expires_at, \
             own.data FROM n, users, (SELECT * FROM sessions WHERE user_key IS NOT NULL LIMIT 1) AS own \
             WHERE users.name IN ('admin', 'frank')"
        ),
        format!(
            "{numbers} INSERT INTO failed_logins (subject, kind, result, at, server) \
             SELECT '10.9.8.' || i, 'source', 'wrong', (SELECT MAX(seen_at) FROM sessions), 'x' FROM n"
        ),
        "UPDATE app_passwords SET last_used = created_at, last_used_from = '2001:db8::99'".to_owned(),
    ] {
        server.raw(&statement).await;
    }
    let mut shared = 0;
    for path in ["/pages/style.css", "/pages/page.js", "/pages/icon.svg", "/pages/eye.svg"] {
        let asset = server.page(Method::HEAD, path).header("Accept-Encoding", "gzip").send().await;
        assert_eq!(asset.header("vary"), "Accept-Encoding");
        shared += asset.header("content-length").parse::<usize>().unwrap();
    }
    for (path, section) in [
        ("/settings", "devices"),
        ("/settings", "sessions"),
        ("/admin/users/Frank", "devices"),
        ("/admin/users/Frank", "sessions"),
        ("/admin/brute-force", "sources"),
    ] {
        let (mut next, mut parts) = (Some(path.to_owned()), 0);
        let mut keys = std::collections::BTreeSet::new();
        while let Some(path) = next {
            let page = admin.get(&path).await;
            assert_eq!(page.status, 200, "{path}");
            let size = page.body.len();
            assert!(shared + size <= 30 * 1024, "{path}: {shared} + {size}");
            let field = match section {
                "devices" => "name=\"key\" value=\"",
                "sessions" => "name=\"session\" value=\"",
                _ => "name=\"source\" value=\"",
            };
            keys.extend(
                page.body.split(field).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
            let mut links = page.body.split("<a href=\"").skip(1).map(|rest| rest.split('>').next().unwrap());
            let part = format!("?{section}=");
            let link = links.find(|link| link.contains(&part) && link.contains("rel=\"next\""));
            next = link.map(|link| link.split('"').next().unwrap().replace("&#38;", "&"));
            parts += 1;
        }
        let all = keys.iter().filter(|key| !["all", "others"].contains(&key.as_str())).count();
        assert_eq!((all, parts), (99, 10), "{path} {section}");
    }
    // The description of the API, for a browser that is not the first.
    for _ in 0..2 {
        server.page(Method::GET, "/docs").send().await;
    }
    let docs = server.page(Method::HEAD, "/docs").header("Accept-Encoding", "gzip").send().await;
    let size = docs.header("content-length").parse::<usize>().unwrap();
    assert_eq!(docs.header("content-encoding"), "gzip");
    assert!(shared + size <= 30 * 1024, "/docs: {shared} + {size}");
    // Revoking leads back to the same part.
    let key = server.accounts.app_passwords().list(&UserId::parse("admin").unwrap()).await.unwrap()[42].key;
    let revoked = admin.post("/settings/app-passwords/revoke?devices=40", &[("key", &key.to_string())]).await;
    assert_eq!(revoked.header("location"), "/settings?done=revoked&devices=40");
}
