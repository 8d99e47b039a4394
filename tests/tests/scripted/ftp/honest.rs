//! What is sent to a good server, and to no other.

use std::io;
use std::sync::Mutex;

use tracing_subscriber::util::SubscriberInitExt;
use user_backend::{Credentials, Outcome, Rejection, Resolver};

use super::*;

#[tokio::test]
async fn deadline_of_the_attempt_holds_as_well() {
    let keys = Keys::good();
    let peer = FakeServer::start([ScriptStep::send("220 hello\r\n"), ScriptStep::Silence]).await;
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    let backend = backend(keys.endpoint(&peer, TlsMode::None));
    let answer = say(backend.authenticate(&Attempt::new(&name, &password, now() + SHORT)).await);
    assert!(answer.ends_with(": no answer in time"), "{answer}");
    let answer = say(backend.authenticate(&Attempt::new(&name, &password, now())).await);
    assert!(answer.ends_with(": no answer in time"), "{answer}");
    let error = backend.probe(now()).await.unwrap_err();
    assert_eq!(error.detail(), "no answer in time");
}

#[tokio::test]
async fn slow_replies_are_read_whole() {
    let keys = Keys::good();
    for mode in MODES {
        let peer = FakeServer::start(
            [
                keys.ready(mode),
                vec![
                    ScriptStep::Expect("USER "),
                    ScriptStep::Drip(b"331-a\r\n331 b\r\n".to_vec()),
                    ScriptStep::Expect("PASS "),
                    ScriptStep::Drip(b"230-a\r\nb\r\n230 c\r\n".to_vec()),
                ],
            ]
            .concat(),
        )
        .await;
        assert_eq!(ask(keys.endpoint(&peer, mode)).await, "accepted");
    }
}

#[tokio::test]
async fn t02_names_and_passwords_arrive_byte_for_byte() {
    let keys = Keys::good();
    let long = "0123456789".repeat(20);
    for (name, password) in [
        ("alice", "Wonderland-1"),
        ("alice", " blanks at both ends "),
        ("alice", "  "),
        ("alice", r#"p@ss "w\ord" %41 {x} '$(id)` %n ;:/"#),
        ("alice", "********"),
        ("alice", "pässwörd€-ключ-パス-🔑"),
        ("alice", "ÿÿ"),
        ("alice", long.as_str()),
        ("alice doe", "x"),
        ("müller", "x"),
        ("a%b@example.com", "x"),
        (r"OFFICE\alice", "x"),
        ("********", "x"),
        ("A-Lice_9", "x"),
    ] {
        for mode in MODES {
            let peer = FakeServer::start([keys.ready(mode), to_pass("230 welcome\r\n")].concat()).await;
            let answer = ask_for(&backend(keys.endpoint(&peer, mode)), name, password).await;
            assert_eq!(say(answer), "accepted", "{name:?} {password:?}");
            let auth = if mode == TlsMode::Explicit { "AUTH TLS\r\n" } else { "" };
            // Nothing else is ever sent: no PBSZ, no PROT, no PASV, no QUIT.
            assert_eq!(peer.received_text(), format!("{auth}USER {name}\r\nPASS {password}\r\n"));
        }
    }
}

/// Python CVE-2021-4189, curl CVE-2020-8284.
///
/// A server that names another address is not connected to.
#[tokio::test]
async fn t04_only_name_and_password_are_sent_on_one_connection() {
    let keys = Keys::good();
    for mode in MODES {
        let login = [
            ScriptStep::Expect("USER alice\r\n"),
            ScriptStep::send("331 go\r\n"),
            ScriptStep::Expect("PASS Wonderland-1\r\n"),
            ScriptStep::send("230 in\r\n"),
            // Anything else that is sent would be received here.
            ScriptStep::Silence,
        ];
        let peer = FakeServer::start([keys.ready(mode), login.to_vec()].concat()).await;
        assert_eq!(ask(keys.endpoint(&peer, mode)).await, "accepted");
        peer.ended(0).await;
        let received = peer.received_text();
        let tls = if mode == TlsMode::Explicit { "AUTH TLS\r\n" } else { "" };
        assert_eq!(received, format!("{tls}USER alice\r\nPASS Wonderland-1\r\n"), "{mode}");
        assert_eq!(peer.connections(), 1, "{mode}");
    }
}

#[tokio::test]
async fn denied_and_foreign_names_cost_no_connection() {
    let keys = Keys::good();
    let peer = FakeServer::start(keys.ready(TlsMode::None)).await;
    let endpoint = || keys.endpoint(&peer, TlsMode::None);
    for name in ["anonymous", "ftp", "guest", "Anonymous", "FTP", "ｆｔｐ", "ftp@example.com"] {
        let resolver = Resolver::builder().backend(backend(endpoint())).build().unwrap();
        let answer = resolver.authenticate(Credentials::new(name, "x")).await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::PolicyDenied), "{name}");
    }
    // By itself, without rules that deny names.
    let open = backend(endpoint());
    for name in ["anonymous", "ftp", "AnonymouS", "FTP"] {
        let verdict = ask_for(&open, name, "x").await.unwrap();
        assert_eq!(verdict, Verdict::Rejected(Rejection::PolicyDenied), "{name}");
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn cancelled_attempt_disconnects_and_the_next_one_works() {
    let keys = Keys::good();
    for mode in MODES {
        let peer = FakeServer::start(
            [keys.ready(mode), vec![ScriptStep::Expect("USER "), ScriptStep::Silence]].concat(),
        )
        .await;
        let hanging = backend(keys.endpoint(&peer, mode));
        let attempt = tokio::spawn(async move { ask_for(&hanging, "alice", "Wonderland-1").await });
        while !peer.received_text().contains("USER alice") {
            tokio::task::yield_now().await;
        }
        attempt.abort();
        assert!(attempt.await.unwrap_err().is_cancelled());
        let peer = FakeServer::start([keys.ready(mode), to_pass("230 welcome\r\n")].concat()).await;
        let backend = backend(keys.endpoint(&peer, mode));
        for _ in 0..3 {
            assert_eq!(say(ask_for(&backend, "alice", "Wonderland-1").await), "accepted");
        }
        assert_eq!(peer.connections(), 3, "a connection serves one login");
    }
}

#[tokio::test]
async fn probe_shows_no_name() {
    let keys = Keys::good();
    for mode in MODES {
        let peer = FakeServer::start(keys.ready(mode).into_iter().chain([ScriptStep::Silence])).await;
        let probe = backend(keys.endpoint(&peer, mode)).probe(now() + LONG).await.unwrap();
        assert_eq!(probe.peer.unwrap().port(), peer.port());
        let auth = if mode == TlsMode::Explicit { "AUTH TLS\r\n" } else { "" };
        assert_eq!(peer.received_text(), auth);
        assert_eq!(probe.tls.is_some(), mode != TlsMode::None);
        assert_eq!(probe.capabilities.join(" "), format!("220 {auth}").trim());
    }
}

/// Everything that was logged, by us or by a library.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn t60_no_log_at_any_level_holds_name_or_password() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    // Records of the crate `log` come in as well; the runtime of the test has this one thread.
    let _here = subscriber.finish().set_default();
    let (name, password) = ("Hidden-Canary-Name", "Hidden-Canary-Secret");
    let keys = Keys::good();
    for mode in MODES {
        for reply in
            ["230 welcome\r\n", "530 Hidden-Canary-Secret is wrong\r\n", "999 Hidden-Canary-Secret\r\n", ""]
        {
            let peer = FakeServer::start([keys.ready(mode), to_pass(reply)].concat()).await;
            let backend = backend(keys.endpoint(&peer, mode));
            let answer = ask_for(&backend, name, password).await;
            let shown = format!("{answer:?} {backend:?} {backend}");
            assert!(!shown.contains("Hidden-Canary-S"), "{shown}");
            assert!(peer.received_text().contains(password));
        }
    }
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("Sending custom command: PASS ********"), "the library does log its commands");
    let base64 = "VGVsbC1Ob2JvZHktU2VjcmV0";
    let bytes = format!("{:?}", password.as_bytes());
    for secret in [name, password, base64, bytes.trim_matches(['[', ']'])] {
        assert_eq!(text.matches(secret).count(), 0, "{secret} was logged");
    }
}
