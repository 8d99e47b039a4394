//! A call whose body is held back until what it signed in with has ended.
//!
//! It must count for nothing then, as if the credential had ended before.

use std::net::IpAddr;

use accounts::{Actor, SourceNetworks, TokenScopes};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use user_backend_server::auth::session::Browser;

use super::browser::TestBrowser;
use super::*;

const ENDED: u16 = 997;
const HIDDEN: u16 = 998;
const DONE: u16 = 100;

const PHONE: &str = "key=phone&value=%2B4930123456";

/// A call that has signed in and waits for its body.
pub(super) struct HeldBack {
    stream: BufReader<TcpStream>,
    body: String,
}

impl HeldBack {
    /// Sends all but the body, and waits until the server asks for it (100-continue).
    ///
    /// By then the server has signed the caller in.
    pub(super) async fn of(ask: Ask<'_>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((ask.from, 0).into()).unwrap();
        let mut stream = BufReader::new(socket.connect(ask.server.address).await.unwrap());
        let body = String::from_utf8(ask.body).unwrap();
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", ask.method, ask.path);
        for (name, value) in &ask.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        stream.read_line(&mut line).await.unwrap();
        Self { stream, body }
    }

    /// Sends the body; returns the status, the header and the body of the answer.
    pub(super) async fn finish(mut self) -> (u16, String, String) {
        self.stream.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    /// The code in the envelope of the answer.
    async fn code(self) -> u16 {
        let (status, head, body) = self.finish().await;
        let answer = Answer { status, headers: HeaderMap::new(), body };
        assert_eq!(status == 401, answer.code() == ENDED, "{head} {answer:?}");
        answer.code()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CredentialKind {
    Password,
    AppPassword,
    Bearer,
    ServiceToken,
    Session,
}

const KINDS: [CredentialKind; 5] = [
    CredentialKind::Password,
    CredentialKind::AppPassword,
    CredentialKind::Bearer,
    CredentialKind::ServiceToken,
    CredentialKind::Session,
];

impl CredentialKind {
    fn is_token(self) -> bool {
        matches!(self, Self::AppPassword | Self::Bearer | Self::ServiceToken)
    }

    async fn sign<'a>(self, ask: Ask<'a>, id: &UserId) -> Ask<'a> {
        let (server, tokens) = (ask.server, ask.server.accounts.app_passwords());
        match self {
            Self::Password => ask.basic(id.as_str(), PASSWORD),
            Self::AppPassword => {
                let (token, _) = tokens.create(id, "phone", None).await.unwrap();
                ask.basic(id.as_str(), token.expose())
            }
            Self::Bearer => {
                let (token, _) = tokens.create(id, "phone", None).await.unwrap();
                ask.header("Authorization", &format!("Bearer {}", token.expose()))
            }
            Self::ServiceToken => {
                let scopes = TokenScopes::parse(["users:read", "users:write"]).unwrap();
                let made = tokens.create_service_token(id, "job", scopes, SourceNetworks::default(), None);
                ask.header("Authorization", &format!("Bearer {}", made.await.unwrap().0.expose()))
            }
            Self::Session => {
                let browser = Browser { address: IpAddr::from([127, 0, 0, 1]), agent: "test".to_owned() };
                let begun = server.app.begin_session(id.as_str(), PASSWORD, &browser, false).await.unwrap();
                let token = begun.unwrap().token;
                let csrf = server.app.request_tokens().token(token.expose());
                ask.header("Cookie", &format!("session={}", token.expose())).header("requesttoken", &csrf)
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nothing happens.
    None,
    PasswordByOwner,
    PasswordByOther,
    Disable,
    DisableAndEnable,
    Delete,
    Revoke,
    Wipe,
    Promote,
    Demote,
    SignOut,
}

const ENDS: [End; 11] = [
    End::None,
    End::PasswordByOwner,
    End::PasswordByOther,
    End::Disable,
    End::DisableAndEnable,
    End::Delete,
    End::Revoke,
    End::Wipe,
    End::Promote,
    End::Demote,
    End::SignOut,
];

impl End {
    async fn happen(self, server: &Server, id: &UserId) {
        let accounts = &server.accounts;
        let group = GroupId::parse("group2").unwrap();
        match self {
            Self::None => {}
            Self::PasswordByOwner | Self::PasswordByOther => {
                let new = Password::parse("Looking glass 1871 !").unwrap();
                let by = if self == Self::PasswordByOwner { id.as_str() } else { "admin" };
                let deadline = later(now(), Duration::from_secs(60));
                server.app.passwords().set(id, &new, Actor::user(by, None), deadline).await.unwrap();
            }
            Self::Disable => drop(accounts.users().set_enabled(id, false).await.unwrap()),
            Self::DisableAndEnable => {
                accounts.users().set_enabled(id, false).await.unwrap();
                accounts.users().set_enabled(id, true).await.unwrap();
            }
            Self::Delete => drop(accounts.users().delete(id).await.unwrap()),
            Self::Revoke => drop(accounts.app_passwords().revoke_all(id).await.unwrap()),
            Self::Wipe => drop(accounts.app_passwords().wipe(id).await.unwrap()),
            Self::Promote => drop(accounts.groups().add_subadmin(&group, id).await.unwrap()),
            Self::Demote => drop(accounts.groups().remove_member(&GroupId::admin(), id).await.unwrap()),
            Self::SignOut => drop(accounts.sessions().end_all(id, None).await.unwrap()),
        }
    }

    /// What becomes of a call with this kind of proof.
    fn expected(self, kind: CredentialKind) -> u16 {
        match self {
            Self::None => DONE,
            Self::Revoke if !kind.is_token() => DONE,
            Self::SignOut if kind != CredentialKind::Session => DONE,
            // The app password of a device survives that, and opens the account again.
            Self::DisableAndEnable
                if matches!(kind, CredentialKind::AppPassword | CredentialKind::Bearer) =>
            {
                DONE
            }
            Self::Demote if kind != CredentialKind::ServiceToken => HIDDEN,
            _ => ENDED,
        }
    }
}

async fn walk(store: &str) {
    let server = Server::with("", store).await;
    let jane = UserId::parse("jane").unwrap();
    let mut number = 0;
    for kind in KINDS {
        for end in ENDS {
            for method in [Method::GET, Method::PUT] {
                number += 1;
                let name = format!("boss{number}");
                // An administrator has all rights already.
                let groups: &[&str] = if end == End::Promote { &["group2"] } else { &["admin"] };
                server.person(&name, groups, &[]).await;
                let id = UserId::parse(&name).unwrap();
                // Devices change only what is harmless of their owner.
                let whose = match kind {
                    CredentialKind::AppPassword | CredentialKind::Bearer if method == Method::PUT => {
                        name.as_str()
                    }
                    _ if end == End::Promote => name.as_str(),
                    _ => "jane",
                };
                let ask = server.ask("-", method.clone(), &format!("/cloud/users/{whose}")).form(PHONE);
                let held = HeldBack::of(kind.sign(ask, &id).await).await;
                end.happen(&server, &id).await;
                let expected = match (end, whose) {
                    // One's own phone number stays one's own matter.
                    (End::Demote, whose) if whose == name => DONE,
                    _ => end.expected(kind),
                };
                assert_eq!(held.code().await, expected, "{kind:?} {end:?} {method}");
                if method == Method::PUT && whose == "jane" {
                    let jane = server.accounts.users().details(&jane).await.unwrap();
                    let is_set = jane.profile.value(accounts::ProfileField::Phone).is_some();
                    assert_eq!(is_set, expected == DONE, "{kind:?} {end:?}");
                    server.put("admin", "/cloud/users/jane", "key=phone&value=").send().await.ok();
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credential_ended_during_the_body_is_refused_sqlite() {
    walk("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credential_ended_during_the_body_is_refused_postgres() {
    on_postgres(async |store| walk(store).await).await;
}

/// `jane` leaves the reach of her sub-admin before the body with her new password comes.
#[tokio::test(flavor = "multi_thread")]
async fn target_promoted_during_the_body_is_out_of_reach() {
    for promote in [true, false] {
        let server = Server::start().await;
        let jane = UserId::parse("jane").unwrap();
        let form = "key=password&value=Looking+glass+1871+%21";
        let held = HeldBack::of(server.put("sam", "/cloud/users/jane", form)).await;
        let groups = server.accounts.groups();
        if promote {
            groups.add_member(&GroupId::admin(), &jane).await.unwrap();
        } else {
            groups.remove_member(&GroupId::parse("group1").unwrap(), &jane).await.unwrap();
        }
        assert_eq!(held.code().await, HIDDEN);
        server.get("jane", "/cloud/user").send().await.ok();
    }
}

/// The answer is that of a sign-in with a credential that has ended.
#[tokio::test(flavor = "multi_thread")]
async fn refusal_after_the_body_asks_for_the_password_again() {
    let server = Server::start().await;
    let held = HeldBack::of(server.put("Frank", "/cloud/users/Frank?format=json", PHONE)).await;
    End::PasswordByOther.happen(&server, &UserId::parse("Frank").unwrap()).await;
    let (status, head, body) = held.finish().await;
    assert_eq!(status, 401);
    assert!(head.to_lowercase().contains("www-authenticate: basic"), "{head}");
    assert!(body.contains("<statuscode>997</statuscode>") && body.contains("nothing was changed"), "{body}");
}

/// The forms of the pages.
#[tokio::test(flavor = "multi_thread")]
async fn form_of_an_ended_session_changes_nothing() {
    for (path, fields) in [
        ("/settings/password", "current=Wonder+land+1865+%21&password=Looking+glass+1871+%21"),
        ("/settings/app-passwords", "name=phone&password=Wonder+land+1865+%21"),
        ("/settings/app-passwords/revoke", "key=1"),
        ("/settings/sessions/end", "session=others"),
        ("/logout", "x=1"),
    ] {
        let server = Server::start().await;
        let frank = UserId::parse("Frank").unwrap();
        let mut browser = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
        browser.get("/settings").await;
        let body = format!("requesttoken={}&{fields}", browser.ticket);
        let ask =
            server.page(Method::POST, path).form(&body).header("Cookie", browser.cookie.as_deref().unwrap());
        let held = HeldBack::of(ask).await;
        End::SignOut.happen(&server, &frank).await;
        server.accounts.app_passwords().create(&frank, "first", None).await.unwrap();
        let (status, head, _) = held.finish().await;
        assert!(status == 303 && head.contains("/login"), "{path}: {head}");
        server.get("Frank", "/cloud/user").send().await.ok();
        assert_eq!(server.accounts.app_passwords().list(&frank).await.unwrap().len(), 1, "{path}");
    }
}
