//! Prepared connections.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use user_backend::clock::now;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::{Ca, FakeServer, Leaf, ScriptStep};

const LONG: Duration = Duration::from_secs(60);

fn endpoint(ca: &Ca, peer: &FakeServer) -> Endpoint {
    Endpoint::new("127.0.0.1", peer.port(), TlsMode::Implicit)
        .with_trust(ServerTrust::CaFile(ca.file()))
        .with_connect_timeout(LONG)
        .with_timeout(LONG)
}

fn mail(ca: &Ca, peer: &FakeServer) -> ImapBackend {
    let id = BackendId::parse("mail").unwrap();
    ImapBackend::new(ImapSettings::new(id, endpoint(ca, peer)).with_warm(1)).unwrap()
}

fn files(ca: &Ca, peer: &FakeServer) -> FtpBackend {
    let id = BackendId::parse("files").unwrap();
    FtpBackend::new(FtpSettings::new(id, endpoint(ca, peer)).with_warm(1)).unwrap()
}

async fn ask(backend: &impl UserBackend) -> &'static str {
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    match backend.authenticate(&Attempt::new(&name, &password, now() + LONG)).await {
        Ok(Verdict::Accepted(_)) => "accepted",
        Ok(_) => "rejected",
        Err(error) => error.kind(),
    }
}

/// Waits until a connection is ready.
///
/// The `Debug` of a backend has their number.
async fn prepared(backend: &impl UserBackend) {
    while !format!("{backend:?}").contains("ready: 1") {
        tokio::task::yield_now().await;
    }
}

/// Waits until the peer closed the prepared connection, and this runtime has noticed.
async fn hung_up(peer: &FakeServer) {
    peer.ended(1).await;
    // A later event is reported after the earlier ones.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_client, _server) =
        tokio::try_join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept()).unwrap();
}

fn tls(ca: &Ca, script: impl IntoIterator<Item = ScriptStep>) -> Vec<ScriptStep> {
    let encrypt = ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"])));
    std::iter::once(encrypt).chain(script).collect()
}

fn greet() -> ScriptStep {
    ScriptStep::send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n")
}

fn mail_session(answer: &str) -> Vec<ScriptStep> {
    vec![greet(), ScriptStep::Line, ScriptStep::send(answer), ScriptStep::Silence]
}

fn files_session(reply: &str) -> Vec<ScriptStep> {
    vec![
        ScriptStep::send("220 hello\r\n"),
        ScriptStep::Expect("USER alice"),
        ScriptStep::send("331 password?\r\n"),
        ScriptStep::Expect("PASS "),
        ScriptStep::send(reply),
        ScriptStep::Silence,
    ]
}

#[tokio::test]
async fn second_login_finds_its_connection_ready() {
    let ca = Ca::new();
    let peer = FakeServer::start(tls(&ca, mail_session("{tag} OK in\r\n"))).await;
    let backend = mail(&ca, &peer);
    assert_eq!(ask(&backend).await, "accepted");
    prepared(&backend).await;
    assert_eq!((peer.connections(), peer.received_text().lines().count()), (2, 1));
    assert_eq!(ask(&backend).await, "accepted");
    prepared(&backend).await;
    // Two logins, and one connection more that waits for the third.
    assert_eq!((peer.connections(), peer.received_text().lines().count()), (3, 2));

    let peer = FakeServer::start(tls(&ca, files_session("230 in\r\n"))).await;
    let backend = files(&ca, &peer);
    for logins in 1..=3 {
        assert_eq!(ask(&backend).await, "accepted");
        prepared(&backend).await;
        assert_eq!((peer.connections(), peer.received_text().matches("PASS").count()), (logins + 1, logins));
    }
}

#[tokio::test]
async fn refused_login_is_refused_on_a_prepared_connection_too() {
    let ca = Ca::new();
    let peer = FakeServer::start(tls(&ca, mail_session("{tag} NO [AUTHENTICATIONFAILED] no\r\n"))).await;
    let backend = mail(&ca, &peer);
    assert_eq!(ask(&backend).await, "rejected");
    prepared(&backend).await;
    assert_eq!(ask(&backend).await, "rejected");
    let peer = FakeServer::start(tls(&ca, files_session("530 Login incorrect.\r\n"))).await;
    let backend = files(&ca, &peer);
    assert_eq!(ask(&backend).await, "rejected");
    prepared(&backend).await;
    assert_eq!(ask(&backend).await, "rejected");
}

/// What a server does with a client that lets it wait.
fn ends(ca: &Ca, now: &Arc<Notify>, greeting: ScriptStep, last_words: &[ScriptStep]) -> Vec<ScriptStep> {
    let wait = [greeting, ScriptStep::Wait(Arc::clone(now))];
    tls(ca, wait.into_iter().chain(last_words.iter().cloned()))
}

#[tokio::test]
async fn server_closing_idle_connections_fails_no_login() {
    let ca = Ca::new();
    for last_words in
        [vec![ScriptStep::send("* BYE too slow\r\n")], vec![], vec![ScriptStep::send("{tag} OK in\r\n")]]
    {
        let now = Arc::new(Notify::new());
        let good = || tls(&ca, mail_session("{tag} OK in\r\n"));
        let peer = FakeServer::start_each([good(), ends(&ca, &now, greet(), &last_words), good()]).await;
        let backend = mail(&ca, &peer);
        assert_eq!(ask(&backend).await, "accepted");
        prepared(&backend).await;
        now.notify_one();
        hung_up(&peer).await;
        assert_eq!(ask(&backend).await, "accepted");
        // Nothing was sent on the second connection: the password is on the first and on the third.
        assert_eq!((peer.received_text().lines().count(), peer.received_on(1)), (2, Vec::<u8>::new()));
    }
    let now = Arc::new(Notify::new());
    let good = || tls(&ca, files_session("230 in\r\n"));
    let last_words = [ScriptStep::send("421 too slow\r\n")];
    let script = ends(&ca, &now, ScriptStep::send("220 hello\r\n"), &last_words);
    let peer = FakeServer::start_each([good(), script, good()]).await;
    let backend = files(&ca, &peer);
    assert_eq!(ask(&backend).await, "accepted");
    prepared(&backend).await;
    now.notify_one();
    hung_up(&peer).await;
    assert_eq!(ask(&backend).await, "accepted");
    assert_eq!(peer.received_on(1), b"");
}

#[tokio::test]
async fn name_is_sent_again_and_the_password_once() {
    let ca = Ca::new();
    let tired = [
        ScriptStep::send("220 hello\r\n"),
        ScriptStep::Expect("USER "),
        ScriptStep::send("421 too slow\r\n"),
    ];
    let good = || tls(&ca, files_session("230 in\r\n"));
    let peer = FakeServer::start_each([good(), tls(&ca, tired), good()]).await;
    let backend = files(&ca, &peer);
    assert_eq!(ask(&backend).await, "accepted");
    prepared(&backend).await;
    assert_eq!(ask(&backend).await, "accepted");
    let received = peer.received_text();
    assert_eq!((received.matches("USER").count(), received.matches("PASS").count()), (3, 2));
}

#[tokio::test]
async fn possibly_judged_password_is_not_resent() {
    let ca = Ca::new();
    let silent = [
        ScriptStep::send("220 hello\r\n"),
        ScriptStep::Line,
        ScriptStep::send("331 password?\r\n"),
        ScriptStep::Line,
    ];
    let good = || tls(&ca, files_session("230 in\r\n"));
    let peer = FakeServer::start_each([good(), tls(&ca, silent), good()]).await;
    let backend = files(&ca, &peer);
    assert_eq!(ask(&backend).await, "accepted");
    prepared(&backend).await;
    assert_eq!(ask(&backend).await, "unavailable");
    assert_eq!(peer.received_text().matches("PASS").count(), 2);
    assert_eq!(peer.connections(), 2);

    let good = || tls(&ca, mail_session("{tag} OK in\r\n"));
    let peer = FakeServer::start_each([good(), tls(&ca, [greet(), ScriptStep::Line]), good()]).await;
    let backend = mail(&ca, &peer);
    assert_eq!(ask(&backend).await, "accepted");
    prepared(&backend).await;
    assert_eq!(ask(&backend).await, "unavailable");
    assert_eq!((peer.connections(), peer.received_text().lines().count()), (2, 2));
}
