//! The levels of `compat`: what version 25 answers, and what version 31 does instead.

use user_backend_server::provisioning::level_codes::CODES;

use super::lost_password::{deliver, mail_settings};
use super::*;

async fn at(level: &str) -> Server {
    Server::with(&format!("compat = {level}"), "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_those_of_their_level() {
    let servers = [at("\"25\"").await, at("\"31\"").await];
    // Written twice on purpose: in the program and here.
    for (row, method, path, form, old, new) in [
        (0, Method::PUT, "/cloud/users/Frank", "key=email&value=bogus", 102, 101),
        (0, Method::PUT, "/cloud/users/Frank", "key=additional_mail&value=bogus", 102, 101),
        (0, Method::PUT, "/cloud/users/Frank", "key=notify_email&value=x%40y.example", 102, 101),
        (0, Method::PUT, "/cloud/users/Frank", "key=quota&value=x", 102, 101),
        (0, Method::PUT, "/cloud/users/Frank", "key=phone&value=x", 102, 101),
        (0, Method::POST, "/cloud/users", "userid=new&password=down+the+rabbit+hole&language=xx", 102, 101),
        (1, Method::PUT, "/cloud/users/Frank", "key=nosuchkey&value=x", 103, 113),
        (1, Method::PUT, "/cloud/users/Frank", "key=phoneScope&value=v2-local", 103, 113),
        (2, Method::PUT, "/cloud/users/Frank", "key=password&value=abc", 103, 107),
        (4, Method::POST, "/cloud/users", "userid=new&password=x&subadmin[]=nogroup", 102, 109),
    ] {
        assert_eq!((CODES[row].v25, CODES[row].v31), (old, new));
        for (server, code) in servers.iter().zip([old, new]) {
            for version in ["v1", "v2"] {
                let path = format!("/ocs/{version}.php{path}?format=json");
                let answer = server.ask("admin", method.clone(), &path).form(form).send().await;
                let status = if version == "v1" { 200 } else { 400 };
                assert_eq!((answer.status, answer.code()), (status, code), "{form}: {answer:?}");
            }
        }
    }
    for (server, text) in servers.iter().zip(["group no does not exist", "Group no does not exist"]) {
        let form = "userid=new&password=down+the+rabbit+hole&groups[]=no";
        server.post("admin", "/cloud/users", form).send().await.fails(104, text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn password_of_another_backend_has_the_code_of_the_level() {
    let imap = "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\n";
    for (level, code) in [("25", 103), ("31", 112)] {
        let server = Server::with(&format!("compat = {level}"), imap).await;
        server.post("admin", "/cloud/users", "userid=ben&backend=mail").send().await.ok();
        let form = "key=password&value=down+the+rabbit+hole";
        let answer = server.put("admin", "/cloud/users/ben", form).send().await;
        answer.fails(code, "Setting the password is not supported by the users backend");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn additional_mail_twice_is_refused_by_version_31_only() {
    for (level, again) in [("25", 100), ("31", 101)] {
        let server = at(level).await;
        let add = "key=additional_mail&value=q%40example.org";
        server.put("admin", "/cloud/users/Frank", add).send().await.ok();
        assert_eq!(server.put("admin", "/cloud/users/Frank", add).send().await.code(), again);
        let path = "/cloud/users/Frank/additional_mail";
        // What is not there is added, what is gone stays gone, what is there already stays.
        for form in [
            "key=old%40example.org&value=new%40example.org",
            "key=old%40example.org&value=new%40example.org",
            "key=q%40example.org&value=new%40example.org",
            "key=q%40example.org&value=",
            "key=q%40example.org&value=",
        ] {
            server.put("admin", path, form).send().await.ok();
        }
        let seen = server.get("admin", "/cloud/users/Frank?format=json").send().await.ok().data();
        assert_eq!(seen["additional_mail"], serde_json::json!(["new@example.org"]));
        let no_collection = server.put("admin", "/cloud/users/Frank/phones", "key=x&value=y").send().await;
        no_collection.fails(103, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_and_status_are_those_of_their_level() {
    for (level, version) in [("25", "25.0.2"), ("31", "31.0.0")] {
        let server = at(level).await;
        let path = "/cloud/capabilities?format=json";
        let seen = server.get("jane", path).send().await.ok().data();
        assert_eq!(seen["version"]["string"], version);
        let policy = &seen["capabilities"]["password_policy"];
        assert_eq!(policy["minLength"], 10);
        let account = &policy["policies"]["account"];
        assert_eq!(account["minLength"], if level == "31" { 10.into() } else { serde_json::Value::Null });
        // Rules for passwords are for those who are signed in.
        let anonymous = server.get("-", path).send().await.ok().data();
        assert_eq!(anonymous["version"]["string"], version);
        assert_eq!(anonymous["capabilities"], serde_json::json!([]));
        let status = server.get("-", "/status.php").send().await.json();
        assert_eq!(status["versionstring"], version);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn editable_fields_have_the_order_of_their_level() {
    for (level, last) in [("25", "fediverse bluesky pronouns"), ("31", "biography profile_enabled pronouns")]
    {
        let server = at(level).await;
        let fields = server.get("jane", "/cloud/user/fields?format=json").send().await.ok().data();
        let fields: Vec<String> = serde_json::from_value(fields).unwrap();
        assert!(fields.join(" ").ends_with(last), "{fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_display_name_changes_nothing() {
    let server = Server::start().await;
    server.put("admin", "/cloud/users/Frank", "key=displayname&value=Frank+Y").send().await.ok();
    server.put("admin", "/cloud/users/Frank", "key=displayname&value=").send().await.ok();
    server.put("admin", "/cloud/users/Frank", "key=display&value=+").send().await.ok();
    let seen = server.get("admin", "/cloud/users/Frank?format=json").send().await.ok().data();
    assert_eq!(seen["displayname"], "Frank Y");
}

/// As in the PHP system: with a password the mail greets and has no link that sets one.
#[tokio::test(flavor = "multi_thread")]
async fn new_user_with_a_password_is_greeted_without_a_link() {
    let server = Server::with("", &mail_settings(9)).await;
    let form = "userid=anna&password=down+the+rabbit+hole&email=anna%40example.org";
    server.post("admin", "/cloud/users", form).send().await.ok();
    let letters = deliver(&server).await;
    let welcome: Vec<_> =
        letters.iter().filter(|(_, text)| text.contains("you have a new account")).collect();
    assert_eq!(welcome.len(), 1, "{letters:?}");
    assert!(welcome[0].1.contains("anna") && !welcome[0].1.contains("lostpassword/reset"), "{welcome:?}");
}
