//! Mail addresses in API and pages: pending until confirmed, and never disclosed.

use accounts::UserFilter;

use super::browser::TestBrowser;
use super::external_backend;
use super::lost_password::{deliver, mail_settings};
use super::*;

/// The path of the link that confirms an address, and where it went.
pub(super) async fn confirmation(server: &Server) -> (String, String) {
    // A new user is greeted as well.
    let is_link = |(_, text): &(String, String)| text.contains("/address/");
    let (to, text) = deliver(server).await.into_iter().rfind(is_link).unwrap();
    let (_, rest) = text.split_once("https://cloud.example.org/address").unwrap_or_else(|| panic!("{text}"));
    (format!("/address{}", rest.split_whitespace().next().unwrap()), to)
}

/// `email` and `confirmedEmail` of a user.
async fn shown(server: &Server, name: &str) -> (serde_json::Value, serde_json::Value) {
    let seen = server.get("admin", &format!("/cloud/users/{name}?format=json")).send().await.ok().data();
    (seen["email"].clone(), seen["confirmedEmail"].clone())
}

async fn set(server: &Server, actor: &str, name: &str, address: &str) {
    let address = address.replace('@', "%40");
    let form = format!("key=email&value={address}");
    server.put(actor, &format!("/cloud/users/{name}"), &form).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn address_is_confirmed_by_link_and_button() {
    let server = Server::with("", &mail_settings(9)).await;
    set(&server, "Frank", "Frank", "frank@example.org").await;
    assert_eq!(shown(&server, "Frank").await, ("frank@example.org".into(), serde_json::Value::Null));
    let sign_in = || server.get("-", "/cloud/user").basic("frank@example.org", PASSWORD).send();
    sign_in().await.fails(997, "Unauthorised");
    let (path, to) = confirmation(&server).await;
    assert_eq!(to, "frank@example.org");
    let mut browser = TestBrowser::new(&server);
    for _ in 0..3 {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("<strong>frank@example.org</strong>"), "{}", page.body);
        assert!(
            page.body.contains("<strong>Frank</strong>") && !page.body.contains("assword"),
            "{}",
            page.body
        );
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!((page.header("cache-control"), page.header("set-cookie")), ("no-store", ""));
    }
    assert_eq!(shown(&server, "Frank").await.1, serde_json::Value::Null, "looking confirms nothing");
    sign_in().await.fails(997, "Unauthorised");
    // Another site cannot make a browser press it.
    let forged = server.page(Method::POST, &path).header("Sec-Fetch-Site", "cross-site").form("x=y");
    assert_eq!(forged.send().await.status, 403);
    let done = browser.post(&path, &[]).await;
    assert_eq!((done.status, done.header("location")), (303, "/address/confirm/done"), "{done:?}");
    assert_eq!(done.header("set-cookie"), "", "it signs no one in");
    assert!(browser.get("/address/confirm/done").await.body.contains("Your mail address is confirmed"));
    assert_eq!(shown(&server, "Frank").await.1, "frank@example.org");
    sign_in().await.ok();
    assert_eq!(browser.post(&path, &[]).await.status, 404);
    let guess = format!("/address/confirm/{}", "A".repeat(43));
    for _ in 0..9 {
        assert_eq!(browser.get(&guess).await.status, 404);
    }
    assert_eq!(browser.get(&guess).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_changes_the_address_at_the_page_with_the_password() {
    let server = Server::with("", &mail_settings(9)).await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let fields = [("email", "frank@example.org"), ("current", "wrong")];
    assert_eq!(frank.post("/settings/email", &fields).await.status, 403);
    let bad = frank.post("/settings/email", &[("email", "bogus"), ("current", PASSWORD)]).await;
    assert!(bad.status == 422 && bad.body.contains("This is not a mail address"), "{}", bad.body);
    assert_eq!(shown(&server, "Frank").await, (serde_json::Value::Null, serde_json::Value::Null));
    let done = frank.post("/settings/email", &[("email", "frank@example.org"), ("current", PASSWORD)]).await;
    assert_eq!((done.status, done.header("location")), (303, "/settings?done=email"));
    let page = frank.get("/settings?done=email").await;
    assert!(page.body.contains("Follow the link in the mail"), "{}", page.body);
    assert!(page.body.contains("Your mail address is not confirmed"), "{}", page.body);
    let (path, _) = confirmation(&server).await;
    assert_eq!(frank.post(&path, &[]).await.status, 303);
    assert!(!frank.get("/settings").await.body.contains("is not confirmed"));
    // The next one is pending, and the page says which one counts.
    frank.post("/settings/email", &[("email", "new@example.org"), ("current", PASSWORD)]).await;
    let page = frank.get("/settings").await;
    assert!(page.body.contains("new@example.org (confirmed: frank@example.org)"), "{}", page.body);
    frank.post("/settings/email", &[("email", ""), ("current", PASSWORD)]).await;
    assert_eq!(shown(&server, "Frank").await, (serde_json::Value::Null, serde_json::Value::Null));
    let notices = deliver(&server).await;
    assert!(notices.iter().any(|(to, text)| to == "frank@example.org" && text.contains("no longer belongs")));

    let fixed = Server::with("allow_user_to_change_display_name = false", &mail_settings(9)).await;
    let mut jane = TestBrowser::signed_in(&fixed, "jane", PASSWORD).await;
    assert!(!jane.get("/settings").await.body.contains("/settings/email"));
    let refused = jane.post("/settings/email", &[("email", "j@example.org"), ("current", PASSWORD)]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(shown(&fixed, "jane").await.0, serde_json::Value::Null);
}

/// M8, and no one learns whose an address is.
#[tokio::test(flavor = "multi_thread")]
async fn taken_address_gets_the_same_response_and_keeps_its_owner() {
    let server = Server::with("", &mail_settings(9)).await;
    server
        .put("admin", "/cloud/users/admin", "key=confirmedEmail&value=boss%40example.org")
        .send()
        .await
        .ok();
    let mut answers = Vec::new();
    for address in ["boss@example.org", "BOSS@example.org", "free@example.org"] {
        let form = format!("key=email&value={}", address.replace('@', "%40"));
        let answer = server.put("jane", "/cloud/users/jane", &form).send().await;
        let seen = server.get("jane", "/cloud/user?format=json").send().await.ok().data();
        answers.push((answer.status, answer.body.clone(), seen["confirmedEmail"].clone()));
        assert_eq!(server.accounts.outbox().waiting().await.unwrap(), 1, "one mail, for any address");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    set(&server, "jane", "jane", "boss@example.org").await;
    let own = server.get("-", "/cloud/user?format=json").basic("boss@example.org", PASSWORD).send().await;
    assert_eq!(own.ok().data()["id"], "admin");
    let mut browser = TestBrowser::new(&server);
    browser.get("/lostpassword").await;
    browser.post("/lostpassword", &[("user", "boss@example.org")]).await;
    let mails = deliver(&server).await;
    let links: Vec<_> = mails.iter().filter(|(_, text)| text.contains("/lostpassword/reset/")).collect();
    assert!(
        links.len() == 1 && links[0].0 == "boss@example.org" && links[0].1.contains("\"admin\""),
        "{mails:?}"
    );
    // A page of the same user says no more.
    let mut jane = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    for address in ["boss@example.org", "free@example.org"] {
        jane.post("/settings/email", &[("email", address), ("current", PASSWORD)]).await;
        let page = jane.get("/settings?done=email").await;
        assert!(page.body.contains(address), "{}", page.body);
        // Each confirmation gives the session a new cookie, and the forms another token.
        let body = page.body.replace(address, "ADDRESS").replace(&jane.ticket, "TOKEN");
        answers.push((page.status, body, serde_json::Value::Null));
    }
    let [taken, free] = &answers[answers.len() - 2..] else { panic!() };
    let steady =
        |text: &str| text.lines().filter(|line| !line.contains("<time")).collect::<Vec<_>>().join("\n");
    assert_eq!(steady(&taken.1), steady(&free.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_alone_set_a_confirmed_address() {
    let server = Server::with("", &mail_settings(9)).await;
    let form = "key=confirmedEmail&value=frank%40example.org";
    for (actor, code) in [("Frank", 103), ("sam", 103), ("jane", 998)] {
        server.put(actor, "/cloud/users/Frank", form).send().await.fails(code, "");
    }
    server.put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=bogus").send().await.fails(102, "");
    server.put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=").send().await.fails(102, "");
    server.put("admin", "/cloud/users/Frank", form).send().await.ok();
    assert_eq!(shown(&server, "Frank").await, ("frank@example.org".into(), "frank@example.org".into()));
    server.put("admin", "/cloud/users/jane", form).send().await.fails(102, "");
    let new = |id: &str, address: &str| {
        format!("userid={id}&password=Wonder+land+1865+!&groups[]=group1&confirmedEmail={address}")
    };
    let refused = server.post("sam", "/cloud/users", &new("x1", "x1%40example.org")).send().await;
    refused.fails(403, "Logged in user must be an admin");
    server.post("admin", "/cloud/users", &new("x1", "x1%40example.org")).send().await.ok();
    assert_eq!(shown(&server, "x1").await, ("x1@example.org".into(), "x1@example.org".into()));
    let taken = server.post("admin", "/cloud/users", &new("x2", "x1%40example.org")).send().await;
    taken.fails(101, "The email address belongs to another user");
    server.get("admin", "/cloud/users/x2").send().await.fails(404, "User does not exist");
    // One that is set in the usual way is pending, also if an administrator does it.
    let usual = "userid=x3&password=Wonder+land+1865+!&email=x3%40example.org";
    server.post("admin", "/cloud/users", usual).send().await.ok();
    assert_eq!(shown(&server, "x3").await, ("x3@example.org".into(), serde_json::Value::Null));
    assert_eq!(confirmation(&server).await.1, "x3@example.org");
    let unconfirmed = server.accounts.users().page(&UserFilter::new().unconfirmed()).await.unwrap();
    assert_eq!(unconfirmed.items.len(), 1);
}

/// The backend is a mail server for `mail.example`.
///
/// It accepts names with and without the domain.
async fn with_domain(server: &str, fields: &str) -> Server {
    let imap = external_backend::imap().await;
    let fields = format!("domain = \"mail.example\"\nadd_domain = true\n{fields}");
    Server::with(server, &format!("{}{imap}{fields}\n", mail_settings(9))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn address_signs_in_local_and_external_accounts() {
    let server = with_domain("", "strip_domain = true").await;
    server.get("-", "/cloud/user").basic("mia", external_backend::MAIL).send().await.ok();
    server
        .put("admin", "/cloud/users/mia", "key=confirmedEmail&value=mia%40private.example")
        .send()
        .await
        .ok();
    server
        .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=frank%40private.example")
        .send()
        .await
        .ok();
    set(&server, "jane", "jane", "jane@private.example").await;
    for (typed, password, id) in [
        ("mia@private.example", external_backend::MAIL, Some("mia")),
        ("MIA@Private.example", external_backend::MAIL, Some("mia")),
        ("mia@mail.example", external_backend::MAIL, Some("mia")),
        ("frank@private.example", PASSWORD, Some("Frank")),
        ("mia@private.example", "wrong", None),
        ("frank@private.example", external_backend::MAIL, None),
        ("jane@private.example", PASSWORD, None),
    ] {
        let answer = server.get("-", "/cloud/user?format=json").basic(typed, password).send().await;
        let found = (answer.status == 200).then(|| answer.data()["id"].as_str().unwrap().to_owned());
        assert_eq!(found.as_deref(), id, "{typed}: {answer:?}");
    }
    // Devices as well.
    let mia = UserId::parse("mia").unwrap();
    let (token, _) = server.accounts.app_passwords().create(&mia, "phone", None).await.unwrap();
    server.get("-", "/cloud/user").basic("mia@private.example", token.expose()).send().await.ok();
}

/// An id takes precedence over an address, also before its owner's first sign-in.
///
/// So an address never keeps a user of a mail server out.
#[tokio::test(flavor = "multi_thread")]
async fn confirmed_address_shuts_no_user_of_a_mail_server_out() {
    let server = with_domain("", "").await;
    server
        .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=ann%40mail.example")
        .send()
        .await
        .ok();
    let sign_in = |password: &'static str| {
        server.get("-", "/cloud/user?format=json").basic("ann@mail.example", password).send()
    };
    sign_in(PASSWORD).await.fails(997, "Unauthorised");
    assert_eq!(sign_in(external_backend::MAIL).await.ok().data()["id"], "ann@mail.example");
    server.get("Frank", "/cloud/user").send().await.ok();
    // Settings may say that the address of an account goes first.
    let server = with_domain("login_by_email = true", "").await;
    server
        .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=ann%40mail.example")
        .send()
        .await
        .ok();
    let own = server.get("-", "/cloud/user?format=json").basic("ann@mail.example", PASSWORD).send().await;
    assert_eq!(own.ok().data()["id"], "Frank");
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_admin_takes_no_confirmed_address_as_an_id() {
    let server = Server::with("", &mail_settings(9)).await;
    server
        .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=frank%40example.org")
        .send()
        .await
        .ok();
    let form = |id: &str| format!("userid={id}&password=Wonder+land+1865+!&groups[]=group1");
    server
        .post("sam", "/cloud/users", &form("frank%40example.org"))
        .send()
        .await
        .fails(102, "User already exists");
    server.post("sam", "/cloud/users", &form("other%40example.org")).send().await.ok();
    let own = server.get("-", "/cloud/user?format=json").basic("frank@example.org", PASSWORD).send().await;
    assert_eq!(own.ok().data()["id"], "Frank");
}

/// A3: the label promised what the server did not do.
#[tokio::test(flavor = "multi_thread")]
async fn label_of_the_sign_in_page_is_true() {
    let off = "login_by_email = false";
    for (server, takes_addresses) in [
        (Server::start().await, true),
        (Server::with(off, "").await, false),
        (Server::with("", &external_backend::imap().await).await, false),
        (Server::with("login_by_email = true", &external_backend::imap().await).await, true),
        (with_domain("", "").await, true),
        (with_domain(off, "").await, false),
    ] {
        server
            .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=frank%40private.example")
            .send()
            .await
            .ok();
        let page = TestBrowser::new(&server).get("/login").await;
        let label = if takes_addresses { ">Name or mail address<" } else { ">Name<" };
        assert!(page.body.contains(label), "{takes_addresses}: {}", page.body);
        let signed_in = server.get("-", "/cloud/user").basic("frank@private.example", PASSWORD).send().await;
        assert_eq!(signed_in.status == 200 && signed_in.code() == 100, takes_addresses, "{signed_in:?}");
    }
}

/// A9: nothing came, ever.
#[tokio::test(flavor = "multi_thread")]
async fn reset_of_an_external_account_names_its_server() {
    let help = "display_name = \"Example Mail\"\nhelp_url = \"https://mail.example/password\"";
    let server = with_domain("", help).await;
    let name = "ann@mail.example";
    server.get("-", "/cloud/user").basic(name, external_backend::MAIL).send().await.ok();
    let mut browser = TestBrowser::new(&server);
    let mut pages = Vec::new();
    for typed in [name, "nobody", "Frank"] {
        browser.get("/lostpassword").await;
        let page = browser.post("/lostpassword", &[("user", typed)]).await;
        pages.push((page.status, page.body));
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
    let mails = deliver(&server).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let (to, text) = &mails[0];
    assert_eq!(to, name);
    assert!(
        text.contains("kept by Example Mail") && text.contains("https://mail.example/password"),
        "{text}"
    );
    assert!(!text.contains("/lostpassword/reset/"), "{text}");
    let mut ann = TestBrowser::signed_in(&server, name, external_backend::MAIL).await;
    let page = ann.get("/settings").await;
    assert!(
        page.body.contains("<strong>Example Mail</strong>")
            && page.body.contains("https://mail.example/password")
    );
}

/// H2, second way, through the API and the pages.
#[tokio::test(flavor = "multi_thread")]
async fn address_of_a_sub_admin_opens_no_administrator() {
    let server = Server::with("", &mail_settings(9)).await;
    set(&server, "sam", "jane", "sam@evil.example").await;
    let (path, _) = confirmation(&server).await;
    let mut sam = TestBrowser::new(&server);
    assert_eq!(sam.post(&path, &[]).await.status, 303);
    sam.get("/lostpassword").await;
    sam.post("/lostpassword", &[("user", "jane")]).await;
    assert!(
        deliver(&server)
            .await
            .iter()
            .any(|(to, text)| to == "sam@evil.example" && text.contains("/lostpassword/reset/"))
    );
    server.post("admin", "/cloud/users/jane/groups", "groupid=admin").send().await.ok();
    sam.post("/lostpassword", &[("user", "jane")]).await;
    sam.post("/lostpassword", &[("user", "sam@evil.example")]).await;
    let mails = deliver(&server).await;
    assert!(mails.iter().all(|(_, text)| !text.contains("/lostpassword/reset/")), "{mails:?}");
    server.put("sam", "/cloud/users/jane", "key=email&value=sam%40evil.example").send().await.fails(998, "");
    server.post("sam", "/cloud/users/jane/welcome", "").send().await.fails(998, "");
    server
        .get("-", "/cloud/user")
        .basic("sam@evil.example", PASSWORD)
        .send()
        .await
        .fails(997, "Unauthorised");
    assert_eq!(shown(&server, "jane").await, ("sam@evil.example".into(), serde_json::Value::Null));
}
