//! People whose password is kept elsewhere: on a mail server that is played here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;

/// A mail server that accepts this password for every user.
async fn mail_server(password: &'static str) -> u16 {
    mail_server_counting(password, Arc::default()).await
}

/// The same; counts the passwords that it gets.
pub(super) async fn mail_server_counting(password: &'static str, count: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, password, "[AUTHENTICATIONFAILED] no", Arc::clone(&count)));
        }
    });
    port
}

/// The same; answers no one while `outage` is set.
pub(super) async fn mail_server_with(outage: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if !outage.load(Ordering::SeqCst) {
                tokio::spawn(talk(stream, MAIL, "[AUTHENTICATIONFAILED] no", Arc::default()));
            }
        }
    });
    port
}

/// A mail server that answers every password in these words.
pub(super) async fn mail_server_refusing(words: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, "is never right", words, Arc::default()));
        }
    });
    port
}

async fn talk(stream: TcpStream, password: &str, refusal: &str, count: Arc<AtomicUsize>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let mut words = line.split_whitespace();
        let (tag, command) = (words.next()?, words.next()?.to_ascii_uppercase());
        let answer = match command.as_str() {
            "CAPABILITY" => format!("* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n{tag} OK done\r\n"),
            "AUTHENTICATE" => {
                count.fetch_add(1, Ordering::SeqCst);
                let credentials = BASE64_STANDARD.decode(words.nth(1)?).ok()?;
                let right = credentials.ends_with(format!("\0{password}").as_bytes());
                if right { format!("{tag} OK in\r\n") } else { format!("{tag} NO {refusal}\r\n") }
            }
            _ => format!("{tag} OK done\r\n"),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

pub(super) const MAIL: &str = "the password of the mailbox";

/// The lines that configure it.
pub(super) async fn imap() -> String {
    imap_at(mail_server(MAIL).await)
}

/// The same for a server at this port.
fn imap_at(port: u16) -> String {
    format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
    )
}

/// Settings of a mail server for `mail.example` that never checks a password.
pub(super) async fn imap_in_outage() -> String {
    let port = mail_server_refusing("[UNAVAILABLE] later").await;
    format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n\
         domain = \"mail.example\"\n"
    )
}

pub(super) async fn server() -> Server {
    Server::with("", &imap().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn external_user_exists_after_the_first_sign_in() {
    let server = server().await;
    let own =
        server.get("-", "/cloud/user?format=json").basic("Mia@mail.example", MAIL).send().await.ok().data();
    assert_eq!((&own["id"], &own["backend"]), (&"mia@mail.example".into(), &"mail".into()));
    assert_eq!(own["email"], "mia@mail.example", "filled from a name that is an address");
    assert_eq!(own["groups"], serde_json::json!([]));
    assert_eq!(own["backendCapabilities"]["setPassword"], false);
    server.get("-", "/cloud/user").basic("mia@mail.example", "wrong").send().await.fails(997, "Unauthorised");
    server.get("admin", "/cloud/users/mia@mail.example").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn mailbox_of_the_same_name_is_unknown_here() {
    let server = server().await;
    for name in ["admin", "ADMIN", "Frank"] {
        server.get("-", "/cloud/user").basic(name, MAIL).send().await.fails(997, "Unauthorised");
    }
    server.get("admin", "/cloud/user").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn remembered_user_ends_with_a_change_of_another_process() {
    let server = server().await;
    let ask =
        async || server.get("-", "/cloud/user?format=json").basic("mia@mail.example", MAIL).send().await;
    ask().await.ok();
    // As `occ` does it.
    let store = server.app.settings().store.clone().unwrap();
    let other = accounts::Accounts::open(&store).await.unwrap().as_system();
    let mia = UserId::parse("mia@mail.example").unwrap();
    for round in 0..20 {
        // The second time, everything about her is remembered.
        for _ in 0..2 {
            let shown = ask().await.ok().data();
            assert_eq!(
                shown["display-name"],
                if round == 0 { mia.as_str().into() } else { format!("Mia {round}") }
            );
        }
        other.users().set_enabled(&mia, false).await.unwrap();
        ask().await.fails(997, "Unauthorised");
        other.users().set_enabled(&mia, true).await.unwrap();
        ask().await.ok();
        other.apps().set_enabled("user_external", false).await.unwrap();
        assert_eq!(ask().await.status, 503, "no backend is left that could check the password");
        other.apps().set_enabled("user_external", true).await.unwrap();
        let name = format!("Mia {}", round + 1).parse().unwrap();
        other.users().change(&mia, accounts::UserChange::new().display_name(Some(name))).await.unwrap();
    }
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disabled_user_of_the_mail_server_stays_out() {
    let server = server().await;
    let ask = || server.get("-", "/cloud/user").basic("mia@mail.example", MAIL);
    ask().send().await.ok();
    server.put("admin", "/cloud/users/mia@mail.example/disable", "").send().await.ok();
    ask().send().await.fails(997, "Unauthorised");
    ask().send().await.fails(997, "Unauthorised");
    server.put("admin", "/cloud/users/mia@mail.example/enable", "").send().await.ok();
    ask().send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn disabled_user_external_refuses_external_users() {
    let server = server().await;
    let ask = || server.get("-", "/cloud/user").basic("mia@mail.example", MAIL);
    ask().send().await.ok();
    server.delete("admin", "/cloud/apps/user_external").send().await.ok();
    assert_ne!(ask().send().await.code(), 100, "the local backend does not know that name");
    server.get("Frank", "/cloud/user").send().await.ok();
    server.post("admin", "/cloud/apps/user_external", "").send().await.ok();
    ask().send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_the_mail_server_take_app_passwords_too() {
    let passwords = Arc::new(AtomicUsize::new(0));
    let port = mail_server_counting(MAIL, Arc::clone(&passwords)).await;
    let server = Server::with("", &imap_at(port)).await;
    server.get("-", "/cloud/user").basic("mia@mail.example", MAIL).send().await.ok();
    let id = UserId::parse("mia@mail.example").unwrap();
    let (token, kept) = server.accounts.app_passwords().create(&id, "phone", None).await.unwrap();
    let ask = || server.get("-", "/cloud/user").basic("mia@mail.example", token.expose());
    ask().send().await.ok();
    server.accounts.app_passwords().revoke(&id, kept.key).await.unwrap();
    // The device goes on: the mail server sees no guess at the password, and the network is not
    // kept out.
    let before = passwords.load(Ordering::SeqCst);
    for _ in 0..12 {
        ask().send().await.fails(997, "Unauthorised");
    }
    server.accounts.users().delete(&id).await.unwrap();
    ask().send().await.fails(997, "Unauthorised");
    assert_eq!(passwords.load(Ordering::SeqCst), before);
    server.get("-", "/cloud/user").basic("mia@mail.example", MAIL).send().await.ok();
}

/// A deleted mail server user may sign in again, as in the original; a banned one not.
#[tokio::test(flavor = "multi_thread")]
async fn banned_mail_user_stays_out_until_unbanned() {
    let connections = Arc::new(AtomicUsize::new(0));
    let port = mail_server_counting(MAIL, Arc::clone(&connections)).await;
    let server = Server::with("", &imap_at(port)).await;
    let mia = UserId::parse("mia@mail.example").unwrap();
    let ask = || server.get("-", "/cloud/user").basic("mia@mail.example", MAIL);
    let exists = async || server.accounts.users().find(&mia).await.unwrap().is_some();
    ask().send().await.ok();
    let delete =
        |who: &str, query: &str| server.delete(who, &format!("/cloud/users/mia@mail.example{query}"));
    delete("admin", "").send().await.ok();
    ask().send().await.ok();
    delete("admin", "?ban=perhaps").send().await.fails(400, "The parameter ban must be true or false");
    server.accounts.groups().add_member(&GroupId::parse("group1").unwrap(), &mia).await.unwrap();
    delete("sam", "?ban=1").send().await.fails(403, "Logged in user must be an admin");
    assert!(exists().await);
    delete("admin", "?ban=1").send().await.ok();
    let before = connections.load(Ordering::SeqCst);
    for name in ["mia@mail.example", "MIA@mail.example"] {
        let ask = server.get("-", "/cloud/user").basic(name, MAIL);
        ask.send().await.fails(997, "Unauthorised");
    }
    assert!(!exists().await);
    assert_eq!(connections.load(Ordering::SeqCst), before, "the password stays here");
    let again = server.post(
        "admin",
        "/cloud/users?format=json",
        "userid=mia@mail.example&password=Looking+glass+1871+!",
    );
    let again = again.send().await.fails(102, "User already exists");
    assert!(again.body.contains("user:unban"), "{}", again.body);
    assert!(server.accounts.users().unban(&mia).await.unwrap());
    assert!(!server.accounts.users().unban(&mia).await.unwrap());
    ask().send().await.ok();
    assert!(exists().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_sign_in_brings_groups_quota_and_language() {
    let first =
        "on_first_sign_in = { groups = [\"staff\", \"mail users\"], quota = \"5 GB\", language = \"de\" }\n";
    let server = Server::with("", &[&imap().await, first].concat()).await;
    let ask = || server.get("-", "/cloud/user?format=json").basic("mia@mail.example", MAIL);
    let own = ask().send().await.ok().data();
    assert_eq!(own["groups"], serde_json::json!(["mail users", "staff"]));
    assert_eq!(own["quota"]["quota"], 5_u64 << 30, "{own}");
    assert_eq!(own["language"], "de");
    // Later sign-ins change nothing.
    let mia = UserId::parse("mia@mail.example").unwrap();
    server.accounts.groups().remove_member(&GroupId::parse("staff").unwrap(), &mia).await.unwrap();
    assert_eq!(ask().send().await.ok().data()["groups"], serde_json::json!(["mail users"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn user_outside_of_the_admitted_group_is_refused() {
    let server = Server::with("", &[&imap().await, "admit = { group = \"staff\" }\n"].concat()).await;
    let ask = |password: &str| server.get("-", "/cloud/user").basic("mia@mail.example", password);
    ask(MAIL).send().await.fails(997, "Unauthorised");
    let (mia, staff) = (UserId::parse("mia@mail.example").unwrap(), GroupId::parse("staff").unwrap());
    assert!(server.accounts.users().find(&mia).await.unwrap().is_none());
    // An account that is there, in the group.
    let mail = user_backend::BackendId::parse("mail").unwrap();
    server.accounts.users().remember(mia.name(), &mail, [staff.clone()]).await.unwrap();
    server.app.resolver().invalidate_user(mia.name());
    ask(MAIL).send().await.ok();
    let (token, _) = server.accounts.app_passwords().create(&mia, "phone", None).await.unwrap();
    ask(token.expose()).send().await.ok();
    // Out of the group, the remembered password and the app password open nothing any more.
    server.accounts.groups().remove_member(&staff, &mia).await.unwrap();
    ask(MAIL).send().await.fails(997, "Unauthorised");
    ask(token.expose()).send().await.fails(997, "Unauthorised");
    server.accounts.groups().add_member(&staff, &mia).await.unwrap();
    ask(token.expose()).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn app_password_is_taken_under_each_reading_of_the_name() {
    let domain = "domain = \"mail.example\"\nadd_domain = true\n";
    let server = Server::with("", &[&imap().await, domain].concat()).await;
    server.get("-", "/cloud/user").basic("mia", MAIL).send().await.ok();
    let mia = UserId::parse("mia@mail.example").unwrap();
    let (token, _) = server.accounts.app_passwords().create(&mia, "phone", None).await.unwrap();
    let ask = |name: &str| server.get("-", "/cloud/user").basic(name, token.expose());
    for name in ["mia", "Mia@mail.example", "mia%40mail.example"] {
        ask(name).send().await.ok();
    }
    for name in ["Frank", "mia@other.example", "nia"] {
        ask(name).send().await.fails(997, "Unauthorised");
    }
    // The bare name of two users is the other one's.
    server.accounts.users().create(NewUser::new(UserId::parse("mia").unwrap())).await.unwrap();
    ask("mia").send().await.fails(997, "Unauthorised");
    ask("mia@mail.example").send().await.ok();
}
