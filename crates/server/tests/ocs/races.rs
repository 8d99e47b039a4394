//! O09 and O11: what happens at the same moment.
//!
//! `OCS_ROUNDS=1000` asks more often.

use futures_util::future::join_all;

use super::*;

fn rounds() -> usize {
    std::env::var("OCS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(30)
}

#[tokio::test(flavor = "multi_thread")]
async fn o09_last_administrator_is_protected() {
    let server = Server::start().await;
    for (method, path, form, code) in [
        (Method::DELETE, "/cloud/users/admin", "", 101),
        (Method::PUT, "/cloud/users/admin/disable", "", 101),
        (Method::DELETE, "/cloud/users/admin/groups", "groupid=admin", 105),
        (Method::DELETE, "/cloud/groups/admin", "", 102),
    ] {
        let answer = server.ask("admin", method.clone(), path).form(form).send().await;
        assert_eq!(answer.code(), code, "{method} {path}: {answer:?}");
    }
    server.get("admin", "/cloud/users").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn o09_one_administrator_remains_after_races() {
    let server = Server::start().await;
    server.person("one", &["admin"], &[]).await;
    server.person("other", &["admin"], &[]).await;
    server.delete("one", "/cloud/users/admin").send().await.ok();
    let accounts = &server.accounts;
    for round in 0..rounds() {
        let take = |by: &'static str, whom: &str| match round % 3 {
            0 => server.put(by, &format!("/cloud/users/{whom}/disable"), ""),
            1 => server.delete(by, &format!("/cloud/users/{whom}/groups?groupid=admin")),
            _ => server.delete(by, &format!("/cloud/users/{whom}")),
        };
        let (first, second) = tokio::join!(take("one", "other").send(), take("other", "one").send());
        let admins = accounts.groups().find(&GroupId::admin()).await.unwrap().unwrap();
        assert!(admins.members > admins.disabled, "round {round}: {admins:?} {first:?} {second:?}");
        for id in ["one", "other"] {
            let user = UserId::parse(id).unwrap();
            if accounts.users().find(&user).await.unwrap().is_none() {
                server.person(id, &["admin"], &[]).await;
            }
            accounts.users().set_enabled(&user, true).await.unwrap();
            accounts.groups().add_member(&GroupId::admin(), &user).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o11_one_of_a_hundred_wins() {
    let server = Server::start().await;
    let asks = (0..100).map(|nth| {
        let id = if nth % 2 == 0 { "racer" } else { "RACER" };
        server.post("admin", "/cloud/users", &format!("userid={id}&email=r%40example.org")).send()
    });
    let codes: Vec<u16> = join_all(asks).await.iter().map(Answer::code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 100).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 102).count(), 99, "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn o11_first_creation_owns_the_name() {
    let server = external_backend::server().await;
    for round in 0..rounds().min(6) {
        let id = format!("new{round}");
        let form = format!("userid={id}&password=down+the+rabbit+hole");
        let (created, entered) = tokio::join!(
            server.post("admin", "/cloud/users", &form).send(),
            server.get("-", "/cloud/user").basic(&id, external_backend::MAIL).send()
        );
        let seen = server.get("admin", &format!("/cloud/users/{id}?format=json")).send().await.ok().data();
        match (created.code(), seen["backend"].as_str().unwrap()) {
            // Created here: the mailbox of that name is unknown here from now on.
            (100, "Database") => {
                let now = server.get("-", "/cloud/user").basic(&id, external_backend::MAIL).send().await;
                assert_ne!(now.code(), 100, "round {round}: {now:?}");
                server.get("-", "/cloud/user").basic(&id, "down the rabbit hole").send().await.ok();
            }
            (102, "mail") => assert_eq!(entered.code(), 100, "round {round}: {entered:?}"),
            other => panic!("round {round}: {other:?} {created:?} {entered:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o11_deleted_user_cannot_sign_in() {
    let server = Server::start().await;
    for round in 0..rounds() {
        let id = format!("gone{round}");
        server.person(&id, &[], &[]).await;
        let path = format!("/cloud/users/{id}");
        let (deleted, _) =
            tokio::join!(server.delete("admin", &path).send(), server.get(&id, "/cloud/user").send());
        deleted.ok();
        server.get(&id, "/cloud/user").send().await.fails(997, "Unauthorised");
        server.get("admin", &path).send().await.fails(404, "User does not exist");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o11_deleting_a_group_keeps_its_members() {
    let server = Server::start().await;
    for round in 0..rounds() {
        server.post("admin", "/cloud/groups", "groupid=short").send().await.ok();
        let (added, deleted) = tokio::join!(
            server.post("admin", "/cloud/users/jane/groups", "groupid=short").send(),
            server.delete("admin", "/cloud/groups/short").send()
        );
        deleted.ok();
        assert!([100, 102].contains(&added.code()), "round {round}: {added:?}");
        let seen = server.get("admin", "/cloud/users/jane?format=json").send().await.ok().data();
        assert_eq!(seen["groups"], serde_json::json!(["group1"]), "round {round}");
    }
}
