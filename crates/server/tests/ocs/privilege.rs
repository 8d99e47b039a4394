//! Privilege escalation of sub-admins.
//!
//! Credentials outlive a promotion; other sub-admins; names that others own.

use super::browser::TestBrowser;
use super::*;

const OTHER: &str = "Looking glass 1871 !";
const FRESH: &str = "Hunting snarks 1876 !";
const APP_PASSWORD: &str = "/ocs/v2.php/core/getapppassword?format=json";

fn form(text: &str) -> String {
    text.replace(' ', "+").replace('!', "%21")
}

async fn set_password(server: &Server, who: &str, whose: &str, password: &str) -> u16 {
    let form = form(&format!("key=password&value={password}"));
    server.put(who, &format!("/cloud/users/{whose}"), &form).send().await.code()
}

/// `sam` creates credentials of `jane`, his user: an app password and a session.
async fn credentials_of_jane(server: &Server) -> (String, TestBrowser<'_>) {
    assert_eq!(set_password(server, "sam", "jane", OTHER).await, 100);
    let made = server.get("-", APP_PASSWORD).basic("jane", OTHER).send().await;
    let app_password = made.data()["apppassword"].as_str().unwrap().to_owned();
    server.get("-", "/cloud/user").basic("jane", &app_password).send().await.ok();
    let mut browser = TestBrowser::signed_in(server, "jane", OTHER).await;
    assert_eq!(browser.get("/settings").await.status, 200);
    (app_password, browser)
}

async fn is_refused(server: &Server, app_password: &str) {
    let answer = server.get("-", "/cloud/users").basic("jane", app_password).send().await;
    assert_eq!(answer.code(), 997, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_made_by_a_sub_admin_end_with_a_promotion() {
    let server = Server::with("app_passwords_on_new_password = \"keep\"", "").await;
    let (app_password, mut browser) = credentials_of_jane(&server).await;
    server.post("admin", "/cloud/users/jane/groups", "groupid=admin").send().await.ok();
    is_refused(&server, &app_password).await;
    assert_eq!(browser.get("/settings").await.status, 303, "signed out");
    // The fresh password that belongs to the story.
    assert_eq!(set_password(&server, "admin", "jane", FRESH).await, 100);
    server.get("-", "/cloud/users").basic("jane", FRESH).send().await.ok();
    assert_eq!(server.get("-", "/cloud/user").basic("jane", OTHER).send().await.code(), 997);
    is_refused(&server, &app_password).await;
    assert_eq!(set_password(&server, "sam", "jane", OTHER).await, 998);
    server.post("sam", "/cloud/users/sam/groups", "groupid=admin").send().await.fails(104, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_end_after_another_user_sets_password_or_group() {
    let server = Server::with("app_passwords_on_new_password = \"keep\"", "").await;
    let (app_password, mut browser) = credentials_of_jane(&server).await;
    assert_eq!(set_password(&server, "admin", "jane", FRESH).await, 100);
    is_refused(&server, &app_password).await;
    assert_eq!(browser.get("/settings").await.status, 303);
    let (app_password, mut browser) = credentials_of_jane(&server).await;
    server.post("admin", "/cloud/users/jane/subadmins", "groupid=group2").send().await.ok();
    is_refused(&server, &app_password).await;
    assert_eq!(browser.get("/settings").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_admin_cannot_take_over_a_fellow_sub_admin() {
    for setting in ["", "sub_admins_may_add = \"anybody\""] {
        let server = Server::with(setting, "").await;
        server.person("tom", &["group1"], &["group3"]).await;
        let added = server.post("sam", "/cloud/users/outsider/groups", "groupid=group1").send().await.code();
        assert_eq!(added, if setting.is_empty() { 103 } else { 100 });
        assert_eq!(set_password(&server, "sam", "tom", OTHER).await, 998);
        for (method, path) in [
            (Method::GET, "/cloud/users/tom"),
            (Method::PUT, "/cloud/users/tom/disable"),
            (Method::DELETE, "/cloud/users/tom"),
            (Method::POST, "/cloud/users/tom/wipe"),
        ] {
            server.ask("sam", method, path).send().await.fails(998, "");
        }
        server.get("tom", "/cloud/user").send().await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_admin_takes_no_name_of_a_backend() {
    let bare = "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\n";
    let stripped = format!("{bare}domain = \"example.com\"\nadd_domain = true\nstrip_domain = true\n");
    let domain = format!("{bare}domain = \"example.com\"\nadd_domain = true\n");
    let refusal = "Only administrators may use a name that may belong to a user of another backend";
    let any = "sub_admins_may_create = \"any-name\"";
    // Whether sam may take the name: a bare one, an address of the backend's domain, an address of
    // another.
    for (setting, backend, expected) in [
        ("", "", [true, true, true]),
        ("", bare, [false, false, false]),
        (any, bare, [true, true, true]),
        ("", &stripped, [false, false, true]),
        ("", &domain, [true, false, true]),
    ] {
        let server = Server::with(setting, backend).await;
        for (id, may) in ["newboss", "newboss@example.com", "newboss@other.example"].iter().zip(expected) {
            let new = form(&format!("userid={id}&password={OTHER}&groups[]=group1")).replace('@', "%40");
            let answer = server.post("sam", "/cloud/users?format=json", &new).send().await;
            if may {
                answer.ok();
            } else {
                let answer = answer.fails(403, refusal);
                assert!(answer.body.contains("sub_admins_may_create"), "{}", answer.body);
                server.post("admin", "/cloud/users", &new).send().await.ok();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_admin_finds_no_hidden_mail_address_by_a_search() {
    let server = Server::start().await;
    server.person("boss", &["admin", "group1"], &[]).await;
    server.put("admin", "/cloud/users/boss", "key=email&value=root-4711@example.com").send().await.ok();
    server.put("admin", "/cloud/users/jane", "key=email&value=jane-4711@example.com").send().await.ok();
    for list in ["/cloud/users", "/cloud/users/details", "/cloud/groups/group1/users/details"] {
        let found = async |who: &str, search: &str| {
            let path = format!("{list}?format=json&search={search}");
            let answer = server.get(who, &path).send().await.ok();
            (answer.body.contains("boss"), answer.body.contains("jane"))
        };
        assert_eq!(found("sam", "4711").await, (false, true), "{list}");
        assert_eq!(found("sam", "root-4711").await, (false, false), "{list}");
        assert_eq!(found("sam", "boss").await, (true, false), "{list}");
        assert_eq!(found("admin", "4711").await, (true, true), "{list}");
    }
}
