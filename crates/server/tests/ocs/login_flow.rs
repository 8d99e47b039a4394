//! Signing a device in with a browser (login flow, version 2).

use accounts::{Accounts, Actor, Clock, LOGIN_FLOW_PATH, TokenHash};

use super::browser::TestBrowser;
use super::credentials::session;
use super::*;

/// What a device got: its token, and the path of the page.
pub(super) async fn begin(server: &Server) -> (String, String) {
    let ask = server.page(Method::POST, "/index.php/login/v2").header("User-Agent", "Rabbit <Phone> 1.0");
    let answer = ask.send().await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{answer:?}");
    let json = answer.json();
    assert_eq!(json["poll"]["endpoint"], "http://localhost/login/v2/poll");
    let page = json["login"].as_str().unwrap().strip_prefix("http://localhost").unwrap().to_owned();
    assert!(page.starts_with(&format!("/{LOGIN_FLOW_PATH}")), "{page}");
    (json["poll"]["token"].as_str().unwrap().to_owned(), page)
}

async fn poll(server: &Server, token: &str) -> Answer {
    let ask = server.page(Method::POST, "/index.php/login/v2/poll");
    ask.form(&format!("token={token}")).send().await
}

#[track_caller]
fn not_yet(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (404, "[]"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn device_gets_an_app_password_once_its_owner_agreed() {
    let server = Server::start().await;
    let (token, page) = begin(&server).await;
    not_yet(&poll(&server, &token).await);
    // The page asks for a sign-in first, and comes back.
    let mut browser = TestBrowser::new(&server);
    let to_login = browser.get(&page).await;
    assert_eq!(
        (to_login.status, to_login.header("location")),
        (303, &*format!("/login?redirect_url={page}"))
    );
    browser.get(to_login.header("location")).await;
    let fields = [("user", "Frank"), ("password", PASSWORD), ("redirect_url", page.as_str())];
    let signed_in = browser.post("/login", &fields).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, page.as_str()));
    let shown = browser.get(&page).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(
        shown.body.contains("Rabbit &#60;Phone&#62; 1.0") && shown.body.contains("127.1."),
        "{}",
        shown.body
    );
    not_yet(&poll(&server, &token).await);

    let granted = browser.post(&page, &[]).await;
    let done = format!("{page}?done=granted");
    assert_eq!((granted.status, granted.header("location")), (303, done.as_str()), "{granted:?}");
    assert_eq!(browser.get(&done).await.status, 200);
    assert_eq!(browser.get(&page).await.status, 404, "agreed already");
    let answer = poll(&server, &token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!((&json["server"], &json["loginName"]), (&"http://localhost".into(), &"Frank".into()));
    let password = json["appPassword"].as_str().unwrap();
    server.get("-", "/cloud/user").basic("Frank", password).send().await.ok();
    server
        .put("-", "/cloud/users/Frank", "key=password&value=x")
        .basic("Frank", password)
        .send()
        .await
        .fails(403, "An app password cannot do this");
    let listed = server.accounts.app_passwords().list(&UserId::parse("Frank").unwrap()).await.unwrap();
    assert_eq!(listed.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["Rabbit <Phone> 1.0"]);
    not_yet(&poll(&server, &token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_can_agree_with_a_form_of_the_page() {
    let server = Server::start().await;
    let (token, page) = begin(&server).await;
    let mut browser = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    // Without the request token, from another site, and with the token of another cookie.
    let cookie = browser.cookie.clone().unwrap();
    let ask = || server.page(Method::POST, &page).header("Cookie", &cookie);
    assert_eq!(ask().form("x=y").send().await.status, 403);
    let ticket = format!("requesttoken={}", browser.ticket);
    let foreign = ask().header("Sec-Fetch-Site", "cross-site").form(&ticket);
    assert_eq!(foreign.send().await.status, 403);
    let other = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    let stolen = server.page(Method::POST, &page).header("Cookie", other.cookie.as_deref().unwrap());
    assert_eq!(stolen.form(&ticket).send().await.status, 403);
    not_yet(&poll(&server, &token).await);
    // The page's own token is not the device's, and the other way round.
    not_yet(&poll(&server, page.rsplit('/').next().unwrap()).await);
    assert_eq!(browser.get(&format!("/{LOGIN_FLOW_PATH}{token}")).await.status, 404);
    for bad in ["", "x", "%00", &"a".repeat(43)] {
        not_yet(&poll(&server, bad).await);
    }
    assert_eq!(browser.post(&page, &[]).await.status, 303);
    assert_eq!(poll(&server, &token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_session_confirms_the_password_first() {
    let server = Server::start().await;
    let (_, page) = begin(&server).await;
    let old = session(&server, "Frank", Duration::from_secs(16 * 60)).await;
    let cookie = format!("session={old}");
    for method in [Method::GET, Method::POST] {
        let ask = server.page(method, &page).header("Cookie", &cookie);
        let ticket = server.app.request_tokens().token(&old);
        let answer = ask.form(&format!("requesttoken={ticket}")).send().await;
        let to = format!("/login/confirm?redirect_url={page}");
        assert_eq!((answer.status, answer.header("location")), (303, to.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grant_ends_with_the_credentials_of_its_owner() {
    let server = Server::start().await;
    let frank = UserId::parse("Frank").unwrap();
    for end in ["password", "disable", "delete"] {
        let (token, page) = begin(&server).await;
        let mut browser = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
        browser.get(&page).await;
        assert_eq!(browser.post(&page, &[]).await.status, 303);
        match end {
            "password" => {
                let form = format!("key=password&value={}", PASSWORD.replace(' ', "+"));
                server.put("admin", "/cloud/users/Frank", &form).send().await.ok();
            }
            "disable" => {
                server.put("admin", "/cloud/users/Frank/disable", "").send().await.ok();
                not_yet(&poll(&server, &token).await);
                server.put("admin", "/cloud/users/Frank/enable", "").send().await.ok();
            }
            _ => {
                server.delete("admin", "/cloud/users/Frank").send().await.ok();
            }
        }
        not_yet(&poll(&server, &token).await);
    }
    assert!(server.accounts.users().find(&frank).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_of_one_network_are_limited_and_hashed() {
    let server = Server::start().await;
    let from = new_address();
    let ask = || server.page(Method::POST, "/login/v2").from(from);
    let (mut last, mut tokens) = (200, Vec::new());
    for _ in 0..61 {
        let answer = ask().send().await;
        last = answer.status;
        if last == 200 {
            tokens.push(answer.json()["poll"]["token"].as_str().unwrap().to_owned());
        } else {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
        }
    }
    assert_eq!((last, tokens.len()), (429, 60));
    assert_eq!(server.page(Method::POST, "/login/v2").send().await.status, 200, "others are not affected");
    let files: Vec<Vec<u8>> = std::fs::read_dir(server.dir.path())
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let holds = |text: &str| {
        files.iter().any(|file| file.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    assert!(holds("login_flows") && tokens.iter().all(|token| !holds(token)));
}

/// Two servers that share a store, and two requests at once: one app password.
#[tokio::test(flavor = "multi_thread")]
async fn two_polls_at_once_get_one_app_password() {
    let server = Server::start().await;
    let (token, page) = begin(&server).await;
    let mut browser = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    browser.get(&page).await;
    assert_eq!(browser.post(&page, &[]).await.status, 303);
    let polls = futures_util::future::join_all((0..8).map(|_| poll(&server, &token))).await;
    assert_eq!(polls.iter().filter(|answer| answer.status == 200).count(), 1, "{polls:?}");
    let frank = UserId::parse("Frank").unwrap();
    assert_eq!(server.accounts.app_passwords().list(&frank).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_flow_gives_nothing() {
    let server = Server::start().await;
    let frank = UserId::parse("Frank").unwrap();
    let (waiting, agreed) = (begin(&server).await, begin(&server).await);
    let mut browser = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    browser.get(&agreed.1).await;
    assert_eq!(browser.post(&agreed.1, &[]).await.status, 303);
    // The same store, as a server sees it whose clock is 21 minutes ahead.
    let store = server.app.settings().store.clone().unwrap();
    let clock = Clock::manual(Clock::system().now().after(Duration::from_secs(21 * 60)));
    let later = Accounts::open(&store.with_clock(clock)).await.unwrap();
    let hash = |text: &str| TokenHash::of(text.rsplit('/').next().unwrap());
    let flows = later.on_behalf_of(Actor::user("Frank", None));
    assert!(flows.login_flows().find(&hash(&waiting.1)).await.unwrap().is_none());
    assert!(flows.login_flows().grant(&frank, &hash(&waiting.1), None).await.is_err());
    assert!(flows.login_flows().granted_by(&hash(&agreed.0)).await.unwrap().is_none());
    assert!(flows.login_flows().redeem(&frank, &hash(&agreed.0)).await.is_err());
    later.close().await;
    assert_eq!(poll(&server, &agreed.0).await.status, 200, "by the clock of this server");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_may_choose_what_the_program_may_do() {
    let server = Server::start().await;
    let (token, page) = begin(&server).await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    assert!(admin.get(&page).await.body.contains("name=\"scope:users:read\""));
    let chosen = [("scope:users:read", "1"), ("scope:groups:read", "1")];
    assert_eq!(admin.post(&page, &chosen).await.status, 303);
    let json = poll(&server, &token).await.json();
    let token = json["appPassword"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    server.get("-", "/cloud/users").header("Authorization", &bearer).send().await.ok();
    let refused = server.get("-", "/cloud/apps").header("Authorization", &bearer).send().await;
    refused.fails(403, "This service token may not do this");
    let made = server.accounts.app_passwords().list(&UserId::parse("admin").unwrap()).await.unwrap();
    let scopes: Vec<_> = made.iter().map(|made| made.service.as_ref().unwrap().to_string()).collect();
    assert_eq!(scopes, ["groups:read users:read"]);

    // Who is no administrator does not see the boxes, and cannot send them.
    let (token, page) = begin(&server).await;
    let mut sam = TestBrowser::signed_in(&server, "sam", PASSWORD).await;
    assert!(!sam.get(&page).await.body.contains("scope:"));
    assert_eq!(sam.post(&page, &chosen).await.status, 403);
    not_yet(&poll(&server, &token).await);

    // Who is one no longer when the program comes gives it nothing.
    server.post("admin", "/cloud/users/jane/groups", "groupid=admin").send().await.ok();
    let (token, page) = begin(&server).await;
    let mut jane = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    jane.get(&page).await;
    assert_eq!(jane.post(&page, &chosen).await.status, 303);
    server.delete("admin", "/cloud/users/jane/groups?groupid=admin").send().await.ok();
    not_yet(&poll(&server, &token).await);
}
