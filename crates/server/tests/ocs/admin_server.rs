//! The pages of the administration about the server itself, and the routes of the API behind them.

use super::browser::TestBrowser;
use super::lost_password::{deliver, mail_settings};
use super::*;

const MAIL_NAME: &str = "mia@mail.example";

/// A server with a mail server that checks passwords.
async fn with_backend(more: &str) -> Server {
    let imap = external_backend::imap().await;
    Server::with("", &format!("{imap}display_name = \"Example Mail\"\n{more}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_show_their_state_and_a_test_its_trace() {
    let server = with_backend("").await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let page = admin.get("/admin/backends").await.body;
    assert!(page.contains("Example Mail") && page.contains("not asked yet"), "{page}");
    let fields = [("name", MAIL_NAME), ("password", external_backend::MAIL)];
    let tried = admin.post("/admin/backends/test", &fields).await;
    assert_eq!((tried.status, tried.header("location")), (303, "/admin/backends/test"), "{tried:?}");
    let shown = admin.get("/admin/backends/test").await.body;
    for text in [
        "mia@mail.example would be signed in.",
        "<strong>mail</strong>: accepted",
        "Decided by the rule “accepted”",
        "answers",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(!shown.contains(external_backend::MAIL), "no password is shown");
    let id = UserId::parse(MAIL_NAME).unwrap();
    assert!(server.accounts.users().find(&id).await.unwrap().is_none(), "a test makes no account");
    // Loading the page again shows the same and asks nothing.
    assert!(admin.get("/admin/backends/test").await.body.contains("would be signed in."));
    let tried =
        admin.post("/admin/backends/test", &[("name", MAIL_NAME), ("password", "wrong password")]).await;
    assert_eq!(tried.status, 303);
    let shown = admin.get("/admin/backends/test").await.body;
    assert!(shown.contains("mia@mail.example would be refused.") && shown.contains(": refused"), "{shown}");
    // An app password is for no backend.
    let (token, _) =
        server.accounts.app_passwords().create(&UserId::parse("jane").unwrap(), "x", None).await.unwrap();
    let refused = admin.post("/admin/backends/test", &[("name", "jane"), ("password", token.expose())]).await;
    assert!(refused.status == 422 && refused.body.contains("This is an app password."), "{refused:?}");
    assert!(!refused.body.contains(token.expose()));
    // A test of one backend asks no other.
    let one = "name=jane&password=wrong+password&backend=local";
    let data = server.post("admin", "/cloud/server/backends/test?format=json", one).send().await.ok().data();
    let verdicts: Vec<&str> =
        data["steps"].as_array().unwrap().iter().map(|step| step["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts.len(), 2, "{data}");
    assert_eq!(verdicts[1], "skipped", "{data}");
}

#[tokio::test(flavor = "multi_thread")]
async fn backend_in_outage_is_shown_with_its_reason() {
    let imap = external_backend::imap_in_outage().await;
    let server = Server::with("", &imap).await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    admin.get("/admin/backends").await;
    admin.post("/admin/backends/test", &[("name", MAIL_NAME), ("password", "some password")]).await;
    let shown = admin.get("/admin/backends/test").await.body;
    assert!(shown.contains("could not be checked. This says nothing about the password."), "{shown}");
    assert!(shown.contains("<span class=\"tag warn\">unavailable"), "{shown}");
    let state = server.get("admin", "/cloud/server/backends?format=json").send().await.ok().data();
    let mail = &state["backends"][1];
    assert_eq!(
        (mail["id"].as_str(), mail["lastAnswer"]["verdict"].as_str()),
        (Some("mail"), Some("unavailable"))
    );
    assert_eq!(mail["outage"]["attempts"], 1, "{state}");
    assert!(mail["outage"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limited_source_is_shown_and_released() {
    let throttle = "[resolver]\nthrottle = { first_delay = \"1ms\", longest_delay = \"2ms\", refuse_after = 3, per = \"30m\" }\n";
    let server = Server::with("", throttle).await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    assert!(admin.get("/admin/brute-force").await.body.contains("No failed sign-in counts"));
    let from = new_address();
    for number in 0..3 {
        let name = format!("unknown{number}");
        server.get("-", "/cloud/user").basic(&name, "wrong password 1").from(from).send().await;
    }
    let right = || server.get("-", "/cloud/user").basic("jane", PASSWORD).from(from);
    assert_eq!(right().send().await.code(), 429);
    server.app.sync_failed_logins(false).await.unwrap();
    let page = admin.get("/admin/brute-force").await.body;
    assert!(page.contains(&from.to_string()) && page.contains("3 failed sign-ins"), "{page}");
    assert!(page.contains("<span class=\"tag warn\">refused</span>"), "{page}");
    assert!(!page.contains("unknown0"), "no name that was typed is kept");
    let done = admin.post("/admin/brute-force", &[("source", &from.to_string())]).await;
    assert_eq!(done.header("location"), "/admin/brute-force?done=released");
    right().send().await.ok();
    let line = server.accounts.audit().latest(1, None).await.unwrap().remove(0);
    assert_eq!((line.actor.as_str(), line.action.as_str()), ("admin", "place.forgiven"));
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_user_is_released() {
    let server = Server::with("", "[resolver]\nlock = { failures = 1, per = \"1d\" }\n").await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    for _ in 0..2 {
        server.get("-", "/cloud/user").basic("jane", &format!("wrong {}", new_address())).send().await;
    }
    assert_eq!(server.get("jane", "/cloud/user").send().await.code(), 429);
    admin.get("/admin/users/jane").await;
    let done = admin.post("/admin/users/jane/unlock", &[]).await;
    assert_eq!(done.header("location"), "/admin/users/jane?done=released");
    server.get("jane", "/cloud/user").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn pin_is_found_and_given_to_another_backend() {
    let server = with_backend("").await;
    server.get("-", "/cloud/user").basic(MAIL_NAME, external_backend::MAIL).send().await.ok();
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let page = admin.get("/admin/pins?name=mia%40mail.example").await.body;
    assert!(
        page.contains("<strong>mia@mail.example</strong>") && page.contains("<small>mail · since"),
        "{page}"
    );
    let done = admin.post("/admin/pins", &[("name", MAIL_NAME), ("backend", "local")]).await;
    assert_eq!(done.header("location"), "/admin/pins?done=rebound");
    let owner = server.accounts.users().get(&UserId::parse(MAIL_NAME).unwrap()).await.unwrap().backend;
    assert_eq!(owner.as_str(), "local");
    server
        .get("-", "/cloud/user")
        .basic(MAIL_NAME, external_backend::MAIL)
        .send()
        .await
        .fails(997, "Unauthorised");
    assert!(admin.get("/admin/pins?backend=mail").await.body.contains("Nothing was found."));
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_log_is_filtered_and_paged() {
    let server = Server::start().await;
    for number in 0..60 {
        let form = format!("key=displayname&value=Jane+{number}");
        server.put("sam", "/cloud/users/jane", &form).send().await.ok();
    }
    server.post("admin", "/cloud/groups", "groupid=%3Cb%3E").send().await.ok();
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let all = admin.get("/admin/audit").await.body;
    assert!(all.contains("group.created") && all.contains("&#60;b&#62;"), "{all}");
    let groups = admin.get("/admin/audit?action=group.cr&actor=admin").await.body;
    assert!(groups.contains("group.created") && !groups.contains("user.changed"), "{groups}");
    let first = admin.get("/admin/audit?actor=sam&target=jane&action=user").await.body;
    assert_eq!(first.matches("<strong>user.changed</strong>").count(), 50, "{first}");
    let (_, older) = first.split_once("href=\"/admin/audit?actor=sam").unwrap();
    let older = format!("/admin/audit?actor=sam{}", older.split('"').next().unwrap().replace("&#38;", "&"));
    let second = admin.get(&older).await.body;
    assert_eq!(second.matches("<strong>user.changed</strong>").count(), 10, "{second}");
    assert!(admin.get("/admin/audit?action=group_").await.body.contains("Nothing was found."), "no wildcard");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_queue_hides_secrets_and_test_names_the_fault() {
    let server = Server::with("", &mail_settings(9)).await;
    server.put("admin", "/cloud/users/jane", "key=confirmedEmail&value=jane%40example.org").send().await.ok();
    deliver(&server).await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let done = {
        admin.get("/admin/users/jane").await;
        admin.post("/admin/users/jane/reset-mail", &[]).await
    };
    assert_eq!(done.header("location"), "/admin/users/jane?done=mailed", "{done:?}");
    let page = admin.get("/admin/mail").await.body;
    assert!(
        page.contains("1 mail waits to be sent.") && page.contains("<strong>reset request</strong>"),
        "{page}"
    );
    assert!(!page.contains("jane"), "what was typed as a name is not shown");
    let mails = deliver(&server).await;
    assert!(mails.iter().any(|(_, text)| text.contains("/lostpassword/reset/")), "{mails:?}");
    // No mail server listens there.
    let failed = admin.post("/admin/mail", &[("address", "n@example.org")]).await;
    assert_eq!(failed.status, 422, "{failed:?}");
    assert!(
        failed.body.contains("value=\"n@example.org\"") && failed.body.contains("aria-invalid"),
        "{failed:?}"
    );
    let none = Server::start().await;
    let mut admin = TestBrowser::signed_in(&none, "admin", PASSWORD).await;
    assert!(admin.get("/admin/mail").await.body.contains("No mail server is configured"));
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_is_shown_without_secrets() {
    let ldap = "[[user_backends]]\nclass = \"ldap\"\nid = \"directory\"\nhost = \"127.0.0.1\"\ntls = \"none\"\n\
                base = \"dc=example,dc=org\"\nname_attribute = \"uid\"\nservice_dn = \"cn=reader\"\nservice_password = \"very secret text\"\n";
    let server = Server::with("name = \"Wonder <land>\"", &format!("{}{ldap}", mail_settings(9))).await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let page = admin.get("/admin/config").await.body;
    assert!(page.contains("Wonder &#60;land&#62;") && page.contains("service_password"), "{page}");
    assert!(page.contains("***REMOVED SENSITIVE VALUE***") && !page.contains("very secret text"), "{page}");
    let api = server.get("admin", "/cloud/server/config?format=json").send().await.ok();
    assert!(!api.body.contains("very secret text"), "{api:?}");
    let xml = server.get("admin", "/cloud/server/config").send().await.ok();
    assert!(!xml.body.contains("very secret text"), "{xml:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_is_changed_and_taken_back() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    assert!(admin.get("/admin/policy").await.body.contains("At least 10 characters"));
    let done = admin.post("/admin/policy", &[("key", "minLength"), ("value", "14")]).await;
    assert_eq!(done.header("location"), "/admin/policy?done=saved", "{done:?}");
    let page = admin.get("/admin/policy").await.body;
    assert!(page.contains("At least 14 characters") && page.contains("value=\"14\""), "{page}");
    let form = "userid=short&password=twelve-chars";
    assert_eq!(server.post("admin", "/cloud/users", form).send().await.code(), 107);
    admin.post("/admin/policy", &[("key", "enforceSpecialCharacters"), ("value", "1")]).await;
    assert!(admin.get("/admin/policy").await.body.contains("a special character"));
    for key in ["minLength", "enforceSpecialCharacters"] {
        assert_eq!(admin.post("/admin/policy", &[("key", key), ("value", "")]).await.status, 303);
    }
    let page = admin.get("/admin/policy").await.body;
    assert!(page.contains("At least 10 characters") && !page.contains("a special character,"), "{page}");
}
