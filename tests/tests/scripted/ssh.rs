//! SSH backend against misbehaving servers: russh's server with a plan per request.
//!
//! Scripts cover what comes before the keys.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};
use russh::server::{Auth, Config, Handler, Response};
use russh::{MethodKind, MethodSet};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use user_backend::clock::now;
use user_backend::ssh::{HostKeyPin, SshBackend, SshSettings};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{
    Attempt, BackendError, BackendId, LoginName, Password, RefusalTexts, UserBackend, Verdict, conformance,
};
use user_backend_tests::{FakeServer, ScriptStep};

pub(crate) const LONG: Duration = Duration::from_secs(60);
/// For servers that never answer: no result depends on the speed of the machine.
const SHORT: Duration = Duration::from_secs(1);
const RIGHT: &str = "Wonderland-1";

/// What is done with one request.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Accept,
    /// Only the right password.
    Check,
    Reject(&'static [MethodKind]),
    Partial(&'static [MethodKind]),
    /// An instruction, and prompts with whether the answer may be seen.
    Ask(&'static str, &'static [(&'static str, bool)]),
    HangUp,
    Never,
}

const PASSWORD: &[MethodKind] = &[MethodKind::Password];
const INTERACTIVE: &[MethodKind] = &[MethodKind::KeyboardInteractive];
const QUESTION: Plan = Plan::Ask("", &[("Password: ", false)]);

/// A server with a plan.
#[derive(Clone)]
struct Script {
    none: Plan,
    password: Plan,
    conversation: &'static [Plan],
    banner: Option<String>,
    received: Arc<Mutex<Vec<String>>>,
    step: usize,
}

impl Script {
    fn password(password: Plan) -> Self {
        Self { password, ..Self::none(Plan::Reject(PASSWORD)) }
    }

    fn conversation(conversation: &'static [Plan]) -> Self {
        Self { conversation, ..Self::none(Plan::Reject(INTERACTIVE)) }
    }

    fn none(none: Plan) -> Self {
        let received = Arc::default();
        Self { none, password: Plan::Accept, conversation: &[Plan::Accept], banner: None, received, step: 0 }
    }

    async fn play(&self, plan: Plan, user: &str, answer: &str) -> Result<Auth, russh::Error> {
        let reject = |methods: &'static [MethodKind], partial_success| {
            Ok(Auth::Reject { proceed_with_methods: Some(MethodSet::from(methods)), partial_success })
        };
        match plan {
            Plan::Accept => Ok(Auth::Accept),
            Plan::Check if answer == RIGHT && user == "alice" => Ok(Auth::Accept),
            Plan::Check => reject(PASSWORD, false),
            Plan::Reject(methods) => reject(methods, false),
            Plan::Partial(methods) => reject(methods, true),
            Plan::Ask(instructions, prompts) => Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(instructions),
                prompts: prompts.iter().map(|(prompt, echo)| (Cow::Borrowed(*prompt), *echo)).collect(),
            }),
            Plan::HangUp => Err(russh::Error::Disconnect),
            Plan::Never => std::future::pending().await,
        }
    }
}

impl Handler for Script {
    type Error = russh::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, russh::Error> {
        self.play(self.none, user, "").await
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        self.received.lock().unwrap().push(format!("{user}:{password}"));
        self.play(self.password, user, password).await
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let answers: Vec<_> = response.into_iter().flatten().collect();
        let answers: Vec<_> = answers.iter().map(|answer| String::from_utf8_lossy(answer)).collect();
        self.received.lock().unwrap().extend(answers.iter().map(|answer| format!("{user}:{answer}")));
        let plan = self.conversation[self.step.min(self.conversation.len() - 1)];
        self.step += 1;
        self.play(plan, user, answers.first().map_or("", AsRef::as_ref)).await
    }

    async fn authentication_banner(&mut self) -> Result<Option<String>, russh::Error> {
        Ok(self.banner.clone())
    }
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn fingerprint(seed: u8) -> HostKeyPin {
    HostKeyPin::Fingerprint(key(seed).public_key().fingerprint(HashAlg::Sha256).to_string())
}

struct Server {
    port: u16,
    received: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(script: Script) -> Self {
        user_backend_tests::logging::on();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(Config {
            keys: vec![key(7)],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..Config::default()
        });
        let received = Arc::clone(&script.received);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, script) = (Arc::clone(&config), script.clone());
                tokio::spawn(async move {
                    if let Ok(session) = russh::server::run_stream(config, stream, script).await {
                        let _ = session.await;
                    }
                });
            }
        });
        Self { port, received, task }
    }

    /// How often a password arrived.
    fn passwords(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn settings(port: u16) -> SshSettings {
    settings_within(port, LONG)
}

fn impatient(port: u16) -> SshSettings {
    settings_within(port, SHORT)
}

fn settings_within(port: u16, timeout: Duration) -> SshSettings {
    let endpoint =
        Endpoint::new("127.0.0.1", port, TlsMode::None).with_connect_timeout(timeout).with_timeout(timeout);
    SshSettings::new(BackendId::parse("shell").unwrap(), endpoint, fingerprint(7))
}

async fn ask_for(settings: SshSettings, name: &str, password: &str) -> Result<Verdict, BackendError> {
    let backend = SshBackend::new(settings).unwrap();
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    backend.authenticate(&Attempt::new(&name, &password, now() + LONG)).await
}

pub(crate) async fn ask(settings: SshSettings) -> String {
    say(ask_for(settings, "alice", RIGHT).await)
}

/// An answer in words: `accepted`, the rejection, or `kind phase: detail`.
fn say(answer: Result<Verdict, BackendError>) -> String {
    match answer {
        Ok(Verdict::Accepted(_)) => "accepted".to_owned(),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => {
            let shown = format!("{} {}: {}", error.kind(), error.phase(), error.detail());
            assert!(!format!("{error:?} {shown}").contains(RIGHT), "{shown}");
            shown
        }
    }
}

#[tokio::test]
async fn ssh_backend_keeps_every_promise() {
    let server = Server::start(Script::password(Plan::Check)).await;
    let known = conformance::TestUser::new("alice", RIGHT).unwrap().with_time(LONG);
    conformance::check(&SshBackend::new(settings(server.port)).unwrap(), &known).await.unwrap();
}

#[tokio::test]
async fn ssh_answers_have_their_only_outcomes() {
    const QUIET: Plan = Plan::Ask("Welcome back", &[]);
    let not_recognised = "unavailable login: the server's answer is not recognised as a refusal (another question after the password)";
    for (script, outcome, passwords) in [
        (Script::password(Plan::Accept), "accepted", 1),
        (Script::password(Plan::Reject(PASSWORD)), "bad_credentials", 1),
        (Script::password(Plan::Reject(&[MethodKind::PublicKey])), "bad_credentials", 1),
        // Nothing left: the connection may as well have ended.
        (Script::password(Plan::Reject(&[])), "unavailable login: the server closed the connection", 1),
        (Script::password(Plan::HangUp), "unavailable login: the server closed the connection", 1),
        (
            Script::none(Plan::Accept),
            "misconfigured login: the server lets this user in without a password, so it proves nothing",
            0,
        ),
        (
            Script::none(Plan::Reject(&[MethodKind::PublicKey, MethodKind::HostBased])),
            "misconfigured login: the server takes no passwords from this user, only: publickey, hostbased",
            0,
        ),
        (Script::none(Plan::HangUp), "unavailable login: the server closed the connection", 0),
        (Script::conversation(&[QUESTION, Plan::Accept]), "accepted", 1),
        (Script::conversation(&[QUIET, QUESTION, QUIET, Plan::Accept]), "accepted", 1),
        (Script::conversation(&[QUESTION, Plan::Reject(INTERACTIVE)]), "bad_credentials", 1),
        (
            Script::conversation(&[
                QUESTION,
                Plan::Ask("The account is locked due to 3 failed logins.", &[]),
                Plan::Reject(INTERACTIVE),
            ]),
            "account_locked",
            1,
        ),
        (
            Script::conversation(&[
                QUESTION,
                Plan::Ask("Authentication service is temporarily unavailable", &[]),
                Plan::Reject(INTERACTIVE),
            ]),
            "unavailable login: the server refuses, and says that it cannot answer now",
            1,
        ),
        (
            Script::conversation(&[
                QUESTION,
                Plan::Ask("Your password has expired.", &[("New password: ", false)]),
                Plan::Accept,
            ]),
            "credentials_expired",
            1,
        ),
        (
            Script::conversation(&[QUESTION, Plan::Ask("", &[("Code: ", false)]), Plan::Accept]),
            not_recognised,
            1,
        ),
        (
            Script::conversation(&[QUESTION, Plan::Partial(&[MethodKind::PublicKey])]),
            "misconfigured login: the server wants more than a password: another method has to follow (partial success)",
            1,
        ),
        (
            Script::conversation(&[Plan::Accept]),
            "misconfigured login: the server lets this user in without a password, so it proves nothing",
            0,
        ),
        (
            Script::conversation(&[Plan::Reject(INTERACTIVE)]),
            "misconfigured login: the server never asks for the password; keyboard-interactive works with one question, \
             the password",
            0,
        ),
        (
            Script::conversation(&[Plan::Ask("", &[("Login: ", true)]), Plan::Accept]),
            "misconfigured login: the server asks a question whose answer may be seen; keyboard-interactive works with \
             one question, the password",
            0,
        ),
        (
            Script::conversation(&[Plan::Ask("", &[("Password: ", false), ("Code: ", false)]), Plan::Accept]),
            "misconfigured login: the server asks 2 questions at once; keyboard-interactive works with one question, \
             the password",
            0,
        ),
        (Script::conversation(&[QUIET]), "protocol login: the server talks without end", 0),
        (
            Script::conversation(&[QUESTION, Plan::HangUp]),
            "unavailable login: the server closed the connection",
            1,
        ),
    ] {
        let shown = format!("{:?} {:?} {:?}", script.none, script.password, script.conversation);
        let server = Server::start(script).await;
        assert_eq!(ask(settings(server.port)).await, outcome, "{shown}");
        assert_eq!(server.passwords(), passwords, "{shown}");
    }
}

#[tokio::test]
async fn ssh_answer_never_comes_is_unavailable() {
    for script in [
        Script::none(Plan::Never),
        Script::password(Plan::Never),
        Script::conversation(&[Plan::Never]),
        Script::conversation(&[QUESTION, Plan::Never]),
    ] {
        let server = Server::start(script).await;
        let error = ask_for(impatient(server.port), "alice", RIGHT).await.unwrap_err();
        assert!(error.is_timeout() && error.is_transient(), "{error}");
    }
}

#[tokio::test]
async fn ssh_unknown_key_gets_neither_name_nor_password() {
    let server = Server::start(Script::none(Plan::Accept)).await;
    let endpoint = Endpoint::new("127.0.0.1", server.port, TlsMode::None).with_connect_timeout(LONG);
    let wrong = SshSettings::new(BackendId::parse("shell").unwrap(), endpoint, fingerprint(8));
    let answer = ask(wrong).await;
    let HostKeyPin::Fingerprint(shown) = fingerprint(7) else { unreachable!() };
    assert_eq!(
        answer,
        format!(
            "protocol tls: the server's key is not the one in the settings; it shows ssh-ed25519 {shown}; unless the server got \
             a new key, another machine answers in its place"
        )
    );
    assert_eq!(server.passwords(), 0);
}

#[tokio::test]
async fn ssh_banner_is_bounded() {
    let talkative = |length: usize| Script {
        banner: Some("Welcome. ".repeat(length / 9)),
        ..Script::password(Plan::Check)
    };
    let server = Server::start(talkative(20_000)).await;
    assert_eq!(ask(settings(server.port)).await, "accepted");
    let server = Server::start(talkative(100_000)).await;
    assert_eq!(ask(settings(server.port)).await, "protocol login: the server sent more than 65536 bytes");
    assert_eq!(server.passwords(), 0);
}

#[tokio::test]
async fn ssh_banner_before_the_password_is_ignored() {
    let script = Script {
        banner: Some("Account locked. Permission denied. Temporarily unavailable.".to_owned()),
        ..Script::password(Plan::Reject(PASSWORD))
    };
    let server = Server::start(script.clone()).await;
    assert_eq!(ask(settings(server.port)).await, "bad_credentials");
    let server = Server::start(Script { password: Plan::HangUp, ..script }).await;
    let taught = RefusalTexts::parse(["Account locked. *"]).unwrap();
    let answer = ask(settings(server.port).with_refusal_texts(taught)).await;
    assert_eq!(answer, "unavailable login: the server closed the connection");
}

#[tokio::test]
async fn ssh_server_before_the_keys_is_never_believed() {
    let hello = || ScriptStep::send("SSH-2.0-x\r\n");
    let http = "HTTP/1.1 400 Bad Request\r\n\r\n";
    for (script, starts) in [
        (vec![], "unavailable tls: "),
        (vec![ScriptStep::send(http)], "unavailable tls: "),
        (vec![ScriptStep::send("SSH-1.5-x\r\n"), ScriptStep::Silence], "unavailable tls: no answer in time"),
        (vec![ScriptStep::Silence], "unavailable tls: no answer in time"),
        (vec![hello()], "unavailable tls: "),
        (vec![hello(), ScriptStep::Silence], "unavailable tls: no answer in time"),
        (vec![hello(), ScriptStep::Reset], "unavailable tls: "),
        (vec![hello(), ScriptStep::send([0xff; 64]), ScriptStep::Silence], "protocol tls: "),
        (vec![hello(), ScriptStep::send([0; 64]), ScriptStep::Silence], "unavailable tls: "),
        // USERAUTH_SUCCESS in clear text, which counts for nothing: 12 bytes, 10 of padding.
        (
            vec![hello(), ScriptStep::send(b"\0\0\0\x0c\x0a\x340123456789"), ScriptStep::Silence],
            "unavailable tls: no answer in time",
        ),
        (
            vec![hello(), ScriptStep::send("\0\0\0\x0c\x0a\x02234567890"), ScriptStep::Silence],
            "unavailable tls: ",
        ),
    ] {
        let peer = FakeServer::start(script.clone()).await;
        let answer = ask(impatient(peer.port())).await;
        assert!(answer.starts_with(starts), "{script:?}: {answer}");
        let received = peer.received_text();
        assert!(!received.contains("alice") && !received.contains(RIGHT), "{script:?}");
    }
}

#[tokio::test]
async fn ssh_flood_before_the_keys_ends_early() {
    let lines: &'static [u8] = b"SSH-2.0-x\r\n".repeat(100).leak();
    let ignored: &'static [u8] = b"\0\0\0\x0c\x0a\x02\0\0\0\0901234567".repeat(100).leak();
    for bytes in [lines, ignored, b"x".repeat(4096).leak(), b"more\r\n".repeat(100).leak()] {
        let start = ScriptStep::send("SSH-2.0-x\r\n");
        let flood = ScriptStep::Flood { bytes, total: 400_000_000 };
        for script in [vec![flood.clone()], vec![start, flood]] {
            let peer = FakeServer::start(script).await;
            let answer = ask(settings(peer.port())).await;
            assert!(
                answer.starts_with("protocol "),
                "{:?}: {answer}",
                bytes.escape_ascii().to_string().get(..20)
            );
        }
    }
}

#[tokio::test]
async fn cancelled_ssh_attempt_closes_the_connection() {
    // russh continues in a task of its own, and waits for keys that never come.
    let peer = FakeServer::start([ScriptStep::send("SSH-2.0-x\r\n"), ScriptStep::Silence]).await;
    let backend = SshBackend::new(settings(peer.port())).unwrap();
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse(RIGHT).unwrap());
    let attempt = Attempt::new(&name, &password, now() + LONG);
    tokio::select! {
        _ = backend.authenticate(&attempt) => panic!("there is no answer"),
        () = async { while peer.received().len() < 200 { tokio::task::yield_now().await } } => {}
    }
    tokio::time::timeout(LONG / 2, peer.ended(0)).await.expect("the connection is closed");
}
