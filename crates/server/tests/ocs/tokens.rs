//! App passwords that users and programs create and revoke themselves.

use user_backend_server::provisioning::routes::ROUTES;

use super::browser::TestBrowser;
use super::*;

const GET: &str = "/ocs/v2.php/core/getapppassword?format=json";
const DELETE: &str = "/ocs/v2.php/core/apppassword?format=json";
const ROTATE: &str = "/ocs/v2.php/core/apppassword/rotate?format=json";

/// What stands in the field of the page.
pub(super) fn shown(page: &str) -> String {
    let (_, rest) =
        page.split_once("id=\"token\" type=\"text\" value=\"").unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn program_gets_and_revokes_an_app_password() {
    let server = Server::start().await;
    let got =
        server.get("Frank", GET).header("User-Agent", "Notes/1.0 (Linux)").send().await.is(200, 200, "OK");
    let token = got.data()["apppassword"].as_str().unwrap().to_owned();
    let id = UserId::parse("Frank").unwrap();
    let listed = server.accounts.app_passwords().list(&id).await.unwrap();
    assert_eq!(listed.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["Notes/1.0 (Linux)"]);
    let with = |token: &str, method, path| server.ask("-", method, path).basic("Frank", token);
    with(&token, Method::GET, "/cloud/user").send().await.ok();
    let again = with(&token, Method::GET, GET).send().await;
    again.is(403, 403, "You cannot request an new apppassword with an apppassword");
    let rotated = with(&token, Method::POST, ROTATE).send().await.is(200, 200, "OK");
    let second = rotated.data()["newpassword"].as_str().unwrap().to_owned();
    with(&token, Method::GET, "/cloud/user").send().await.fails(997, "Unauthorised");
    with(&second, Method::DELETE, DELETE).send().await.is(200, 200, "OK");
    with(&second, Method::GET, "/cloud/user").send().await.fails(997, "Unauthorised");
    assert!(server.accounts.app_passwords().list(&id).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_ends_the_app_password_in_use() {
    let server = Server::start().await;
    for (method, path) in [(Method::DELETE, DELETE), (Method::POST, ROTATE)] {
        let own = server.ask("Frank", method.clone(), path).send().await;
        own.is(403, 403, "no app password in use");
        let anonymous = server.ask("-", method.clone(), path).send().await;
        anonymous.is(401, 997, "Current user is not logged in");
        let forged = server.ask("Frank", method, path).without("OCS-APIRequest").send().await;
        assert_eq!(forged.status, 412);
    }
    let token = server.get("jane", GET).send().await.data()["apppassword"].as_str().unwrap().to_owned();
    let borrowed = server.ask("-", Method::DELETE, DELETE).basic("Frank", &token).send().await;
    assert_eq!(borrowed.code(), 997);
    server.get("-", "/cloud/user").basic("jane", &token).send().await.ok();
    // A page is no program.
    let frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let ask = server.get("-", GET).header("Cookie", frank.cookie.as_deref().unwrap());
    assert_eq!(ask.header("requesttoken", &frank.ticket).send().await.code(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn app_password_is_made_on_the_page_shown_once_and_revoked() {
    let server = Server::start().await;
    let mut frank = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    for (name, password, status) in
        [("Phone", "wrong password 1", 403), ("", PASSWORD, 422), ("a\nb", PASSWORD, 422)]
    {
        let answer = frank.post("/settings/app-passwords", &[("name", name), ("password", password)]).await;
        assert_eq!(answer.status, status, "{name}");
    }
    let made = frank.post("/settings/app-passwords", &[("name", "Phone"), ("password", PASSWORD)]).await;
    assert_eq!((made.status, made.header("location")), (303, "/settings/app-passwords/new"));
    let shown_once = frank.get("/settings/app-passwords/new").await;
    assert_eq!((shown_once.status, shown_once.header("cache-control")), (200, "no-store"));
    let token = shown(&shown_once.body);
    server.get("-", "/cloud/user").basic("Frank", &token).send().await.ok();
    let page = frank.get("/settings").await;
    assert!(page.body.contains("<strong>Phone</strong>") && !page.body.contains(&token));
    // It opens no page, and confirms nothing there.
    let mut other = TestBrowser::new(&server);
    other.get("/login").await;
    assert_eq!(other.post("/login", &[("user", "Frank"), ("password", &token)]).await.status, 401);
    let more = frank.post("/settings/app-passwords", &[("name", "More"), ("password", &token)]).await;
    assert_eq!(more.status, 403);
    let key = server.accounts.app_passwords().list(&UserId::parse("Frank").unwrap()).await.unwrap()[0].key;
    let mut jane = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    jane.post("/settings/app-passwords/revoke", &[("key", &key.to_string())]).await;
    server.get("-", "/cloud/user").basic("Frank", &token).send().await.ok();
    let revoked = frank.post("/settings/app-passwords/revoke", &[("key", &key.to_string())]).await;
    assert_eq!(revoked.header("location"), "/settings?done=revoked");
    server.get("-", "/cloud/user").basic("Frank", &token).send().await.fails(997, "Unauthorised");
}

/// Regression: a wiped app password worked from memory for minutes.
///
/// The device could even exchange it for one that is not wiped.
#[tokio::test(flavor = "multi_thread")]
async fn wiped_app_password_ends_at_once_and_cannot_renew_itself() {
    let server = Server::start().await;
    let token = server.get("Frank", GET).send().await.data()["apppassword"].as_str().unwrap().to_owned();
    let with = |method, path| server.ask("-", method, path).basic("Frank", &token);
    let mut page = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    // Twice, so that the second is answered from memory.
    with(Method::GET, "/cloud/user").send().await.ok();
    with(Method::GET, "/cloud/user").send().await.ok();
    server.post("admin", "/cloud/users/Frank/wipe", "").send().await.ok();
    let renewed = with(Method::POST, ROTATE).send().await;
    assert_eq!(renewed.status, 401, "{renewed:?}");
    with(Method::GET, "/cloud/user").send().await.fails(997, "Unauthorised");
    assert_eq!(page.get("/settings").await.status, 303, "the session has ended as well");
    server.get("Frank", "/cloud/user").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_many_times_at_once_gives_one_new_app_password() {
    let server = Server::start().await;
    let token = server.get("Frank", GET).send().await.data()["apppassword"].as_str().unwrap().to_owned();
    let rotations = (0..8).map(|_| server.ask("-", Method::POST, ROTATE).basic("Frank", &token).send());
    let answers = futures_util::future::join_all(rotations).await;
    let new: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(new.len(), 1, "{answers:?}");
    let new = new[0].data()["newpassword"].as_str().unwrap().to_owned();
    server.get("-", "/cloud/user").basic("Frank", &new).send().await.ok();
    let listed = server.accounts.app_passwords().list(&UserId::parse("Frank").unwrap()).await.unwrap();
    assert_eq!(listed.len(), 1);
}

/// `HEAD` promises to change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn head_changes_nothing_at_any_route() {
    let server = Server::start().await;
    let seen = async || server.accounts.audit().latest(1, None).await.unwrap()[0].seq;
    let before = seen().await;
    for route in ROUTES.iter().filter(|route| route.method == Method::GET) {
        let path =
            route.path.replace("{user}", "jane").replace("{group*}", "group1").replace("{app}", "files");
        let answer = server.ask("admin", Method::HEAD, &path.replace("{key}", "key")).send().await;
        assert_eq!(answer.status == 405, route.path == "/core/getapppassword", "{} {answer:?}", route.path);
    }
    assert_eq!(seen().await, before);
    let admin = UserId::parse("admin").unwrap();
    assert!(server.accounts.app_passwords().list(&admin).await.unwrap().is_empty());
}
