//! Fake mail servers, correct and adversarial, over real sockets and real TLS.

use std::sync::Arc;
use std::time::Duration;

use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{
    Attempt, BackendError, BackendId, LoginName, Password, Phase, UserBackend, Verdict, clock,
};
use user_backend_tests::{Ca, FakeServer, Leaf, ScriptStep};

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n";
const CLEAR_GREETING: &str = "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n";
const OFFER: &str = "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n{tag} OK\r\n";
/// NUL alice NUL Wonderland-1
const CREDENTIALS: &str = "AGFsaWNlAFdvbmRlcmxhbmQtMQ==";

fn endpoint(peer: &FakeServer, tls: TlsMode) -> Endpoint {
    Endpoint::new("127.0.0.1", peer.port(), tls)
}

fn backend(endpoint: Endpoint) -> ImapBackend {
    ImapBackend::new(ImapSettings::new(BackendId::parse("mail").unwrap(), endpoint)).unwrap()
}

async fn ask(endpoint: Endpoint) -> Result<Verdict, BackendError> {
    ask_before(endpoint, Duration::from_secs(30)).await
}

async fn ask_before(endpoint: Endpoint, time: Duration) -> Result<Verdict, BackendError> {
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    backend(endpoint).authenticate(&Attempt::new(&name, &password, clock::now() + time)).await
}

/// What came of it, in one word.
fn word(outcome: Result<Verdict, BackendError>) -> &'static str {
    match outcome {
        Ok(Verdict::Accepted(_)) => "accepted",
        Ok(Verdict::Rejected(rejection)) => rejection.as_str(),
        Ok(Verdict::NotMine) => "not mine",
        Err(error) => {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("Wonderland") && !text.contains(CREDENTIALS), "{text}");
            error.kind()
        }
    }
}

fn credentials_sent(peer: &FakeServer) -> usize {
    let received = peer.received_text();
    received.matches(CREDENTIALS).count() + received.matches("Wonderland").count()
}

/// A dialogue over STARTTLS up to the encrypted server's turn, then `rest`.
fn starttls(ca: &Ca, rest: Vec<ScriptStep>) -> Vec<ScriptStep> {
    let mut steps = vec![
        ScriptStep::send(CLEAR_GREETING),
        ScriptStep::Line,
        ScriptStep::send("{tag} OK begin\r\n"),
        ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"]))),
    ];
    steps.extend(rest);
    steps
}

#[tokio::test]
async fn both_ways_into_tls_lead_to_a_verdict() {
    let ca = Ca::new();
    for (answer, expected) in [
        ("{tag} OK in\r\n", "accepted"),
        ("{tag} NO [AUTHENTICATIONFAILED] no\r\n", "bad_credentials"),
        ("{tag} NO [UNAVAILABLE] later\r\n", "unavailable"),
        ("* BYE gone\r\n", "unavailable"),
        ("", "unavailable"),
    ] {
        let answer = || vec![ScriptStep::Line, ScriptStep::send(answer)];
        let rest = [vec![ScriptStep::Line, ScriptStep::send(OFFER)], answer()].concat();
        let upgraded = FakeServer::start(starttls(&ca, rest)).await;
        let explicit = endpoint(&upgraded, TlsMode::Explicit).with_trust(ServerTrust::CaFile(ca.file()));
        assert_eq!(word(ask(explicit).await), expected);

        let tls = vec![ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"]))), ScriptStep::send(GREETING)];
        let secure = FakeServer::start([tls, answer()].concat()).await;
        let implicit = endpoint(&secure, TlsMode::Implicit).with_trust(ServerTrust::CaFile(ca.file()));
        assert_eq!(word(ask(implicit).await), expected);

        for peer in [upgraded, secure] {
            assert_eq!((peer.connections(), credentials_sent(&peer)), (1, 1), "one attempt, one login");
        }
    }
}

#[tokio::test]
async fn t11_what_was_offered_in_clear_text_is_forgotten() {
    let ca = Ca::new();
    // Before TLS an attacker offers AUTH=PLAIN; the server itself offers LOGIN only.
    let lie = "* OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN] ready\r\n";
    let peer = FakeServer::start([
        ScriptStep::send(lie),
        ScriptStep::Expect(""),
        ScriptStep::send("{tag} OK\r\n"),
        ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"]))),
        ScriptStep::Line,
        ScriptStep::send("* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n"),
        ScriptStep::Line,
        ScriptStep::send("{tag} OK\r\n"),
    ])
    .await;
    let outcome = ask(endpoint(&peer, TlsMode::Explicit).with_trust(ServerTrust::CaFile(ca.file()))).await;
    assert_eq!(word(outcome), "accepted");
    let received: Vec<_> = peer.received_text().lines().map(|line| line[34..].to_owned()).collect();
    assert_eq!(received, ["STARTTLS", "CAPABILITY", "LOGIN \"alice\" \"Wonderland-1\""]);
}

#[tokio::test]
async fn t10_no_credential_is_sent_before_encryption() {
    let offers: [&[u8]; 6] = [
        b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] no STARTTLS here\r\n",
        b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED]\r\n",
        b"* OK [CAPABILITY IMAP4rev1 XSTARTTLS STARTTLSX]\r\n",
        b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome\r\n",
        b"* BYE [CAPABILITY STARTTLS] bye\r\n",
        b"* OK [CAPABILITY IMAP4rev1 STARTTLS]\r\n{tag} OK\r\n",
    ];
    let answers: [&[u8]; 14] = [
        b"{tag} NO\r\n",
        b"{tag} NO [UNAVAILABLE]\r\n",
        b"{tag} BAD\r\n",
        b"{tag} PREAUTH\r\n",
        b"* OK\r\n",
        b"* PREAUTH\r\n",
        b"* BYE\r\n",
        b"+ go\r\n",
        b"A0001 OK\r\n",
        b"{tag} OKAY\r\n",
        b"{tag} OK\n",
        b"{tag} OK\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n",
        b"{tag} OK\r\n* ",
        b"{tag} OK\r\nHTTP/1.1 400 Bad Request\r\n\r\n",
    ];
    let greetings = offers.into_iter().map(|greeting| (greeting, b"".as_slice()));
    let starttls = answers.into_iter().map(|answer| (CLEAR_GREETING.as_bytes(), answer));
    let silent = b"* OK no capabilities\r\n".as_slice();
    let without_capabilities = answers.into_iter().map(|answer| (silent, answer));
    for (greeting, answer) in greetings.chain(starttls).chain(without_capabilities) {
        let peer = FakeServer::start([
            ScriptStep::send(greeting),
            ScriptStep::Line,
            ScriptStep::send(answer),
            ScriptStep::Silence,
        ])
        .await;
        let short = endpoint(&peer, TlsMode::Explicit).with_timeout(Duration::from_millis(150));
        let outcome = word(ask(short).await);
        let shown = (String::from_utf8_lossy(greeting), String::from_utf8_lossy(answer));
        assert!(["unavailable", "misconfigured", "protocol"].contains(&outcome), "{outcome}: {shown:?}");
        assert_eq!(credentials_sent(&peer), 0, "{shown:?}");
        assert!(!peer.received_text().to_ascii_uppercase().contains("AUTHENTICATE"), "{shown:?}");
    }
}

#[tokio::test]
async fn t11_bytes_injected_after_starttls_are_detected() {
    let ca = Ca::new();
    for injected in ["* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", "A0001 OK\r\n", "*", "\r\n"] {
        let peer = FakeServer::start([
            ScriptStep::send(CLEAR_GREETING),
            ScriptStep::Line,
            ScriptStep::send(format!("{{tag}} OK\r\n{injected}")),
            ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"]))),
            ScriptStep::Silence,
        ])
        .await;
        let error = ask(endpoint(&peer, TlsMode::Explicit).with_trust(ServerTrust::CaFile(ca.file())))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.phase()), ("protocol", Phase::Tls), "{injected}: {error}");
    }
}

#[tokio::test]
async fn hidden_starttls_names_the_way_out() {
    let peer =
        FakeServer::start([ScriptStep::send("* OK [CAPABILITY IMAP4rev1] hi\r\n"), ScriptStep::Silence])
            .await;
    let error = ask(endpoint(&peer, TlsMode::Explicit)).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), ("misconfigured", Phase::Tls));
    assert!(error.detail().contains("STARTTLS") && error.detail().contains("tls = \"implicit\""), "{error}");
}

#[tokio::test]
async fn wrong_certificate_never_hears_the_password() {
    let (ca, other) = (Ca::new(), Ca::new());
    let here = || Leaf::new(["127.0.0.1"]);
    let shown = [
        (ca.server(&here().expired()), "certificate expired on "),
        (ca.server(&here().not_yet_valid()), "certificate is not valid before "),
        (ca.server(&Leaf::new(["mail.example.com"])), "certificate is for "),
        (ca.server(&Leaf::new([])), "certificate is for "),
        // Both authorities have the same name, as an impostor's would.
        (other.server(&here()), "certificate has a wrong signature"),
    ];
    for (server, text) in shown {
        for tls in [TlsMode::Implicit, TlsMode::Explicit] {
            let secure =
                vec![ScriptStep::Tls(Arc::clone(&server)), ScriptStep::send(GREETING), ScriptStep::Silence];
            let clear =
                vec![ScriptStep::send(CLEAR_GREETING), ScriptStep::Line, ScriptStep::send("{tag} OK\r\n")];
            let script = if tls == TlsMode::Implicit { secure } else { [clear, secure].concat() };
            let peer = FakeServer::start(script).await;
            let error =
                ask(endpoint(&peer, tls).with_trust(ServerTrust::CaFile(ca.file()))).await.unwrap_err();
            assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Tls), "{error}");
            assert!(error.detail().contains(text), "{error}");
            assert_eq!(credentials_sent(&peer), 0);
        }
    }
    let peer = FakeServer::start([ScriptStep::Tls(ca.server(&here())), ScriptStep::Silence]).await;
    let error = ask(endpoint(&peer, TlsMode::Implicit)).await.unwrap_err();
    assert!(error.detail().contains("unknown authority; set ca_file"), "{error}");
}

#[tokio::test]
async fn t09_claimed_login_is_no_login_inside_tls_either() {
    let ca = Ca::new();
    let tls = ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"])));
    let peer =
        FakeServer::start([tls, ScriptStep::send("* PREAUTH welcome alice\r\n"), ScriptStep::Silence]).await;
    let error =
        ask(endpoint(&peer, TlsMode::Implicit).with_trust(ServerTrust::CaFile(ca.file()))).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), ("protocol", Phase::Greeting), "{error}");
    // After STARTTLS there is no second greeting: a claim there comes before any question.
    let peer = FakeServer::start(starttls(
        &ca,
        vec![ScriptStep::send("* PREAUTH hi\r\n"), ScriptStep::Line, ScriptStep::send(OFFER)],
    ))
    .await;
    let outcome = ask(endpoint(&peer, TlsMode::Explicit).with_trust(ServerTrust::CaFile(ca.file()))).await;
    assert_eq!(word(outcome), "protocol");
}

#[tokio::test]
async fn clear_text_is_spoken_only_where_it_is_wanted() {
    let peer =
        FakeServer::start([ScriptStep::send(GREETING), ScriptStep::Line, ScriptStep::send("{tag} OK\r\n")])
            .await;
    assert_eq!(word(ask(endpoint(&peer, TlsMode::None)).await), "accepted");
    for greeting in [CLEAR_GREETING, "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN SASL-IR] hi\r\n"] {
        let peer = FakeServer::start([
            ScriptStep::send(greeting),
            ScriptStep::Line,
            ScriptStep::send("{tag} OK\r\n"),
        ])
        .await;
        assert_eq!(word(ask(endpoint(&peer, TlsMode::None)).await), "misconfigured");
        assert_eq!(peer.received_text(), "");
    }
    let remote = Endpoint::new("192.0.2.1", 143, TlsMode::None);
    let settings = ImapSettings::new(BackendId::parse("mail").unwrap(), remote);
    assert_eq!(ImapBackend::new(settings).unwrap_err().kind(), "misconfigured");
}

#[tokio::test]
async fn slow_server_is_still_a_server() {
    let ca = Ca::new();
    let peer = FakeServer::start([
        ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"]))),
        ScriptStep::Drip(GREETING.into()),
        ScriptStep::Line,
        ScriptStep::Drip("* OK still thinking\r\n* 1 FETCH (INTERNALDATE NIL)\r\n{tag} OK in\r\n".into()),
    ])
    .await;
    let outcome = ask(endpoint(&peer, TlsMode::Implicit).with_trust(ServerTrust::CaFile(ca.file()))).await;
    assert_eq!(word(outcome), "accepted");
}

#[tokio::test]
async fn t20_silence_is_unavailable_wherever_it_begins() {
    let ca = Ca::new();
    let tls = || ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"])));
    let scripts = [
        (TlsMode::None, vec![], Phase::Greeting),
        (TlsMode::None, vec![ScriptStep::send("* OK")], Phase::Greeting),
        (TlsMode::None, vec![ScriptStep::send("* OK hi\r\n")], Phase::Greeting),
        (TlsMode::None, vec![ScriptStep::send(GREETING)], Phase::Login),
        (
            TlsMode::None,
            vec![ScriptStep::send(GREETING), ScriptStep::Line, ScriptStep::send("{tag} OK")],
            Phase::Login,
        ),
        (TlsMode::Implicit, vec![], Phase::Tls),
        (TlsMode::Implicit, vec![tls()], Phase::Greeting),
        (TlsMode::Implicit, vec![tls(), ScriptStep::send(GREETING)], Phase::Login),
        (TlsMode::Explicit, vec![ScriptStep::send(CLEAR_GREETING)], Phase::Tls),
        (
            TlsMode::Explicit,
            vec![ScriptStep::send(CLEAR_GREETING), ScriptStep::Line, ScriptStep::send("{tag} OK\r\n")],
            Phase::Tls,
        ),
    ];
    let mut waiting = Vec::new();
    for (mode, mut script, phase) in scripts {
        script.push(ScriptStep::Silence);
        let ca_file = ca.file();
        // All at once: each has to wait for its time to be up.
        waiting.push(tokio::spawn(async move {
            let peer = FakeServer::start(script.clone()).await;
            let at = endpoint(&peer, mode).with_trust(ServerTrust::CaFile(ca_file));
            let second = Duration::from_secs(1);
            let (own, given) = tokio::join!(
                ask_before(at.clone().with_timeout(second), 60 * second),
                ask_before(at, second)
            );
            for error in [own.unwrap_err(), given.unwrap_err()] {
                assert_eq!((error.kind(), error.phase()), ("unavailable", phase), "{error}: {script:?}");
                assert_eq!(error.detail(), "no answer in time");
            }
        }));
    }
    for waiting in waiting {
        waiting.await.unwrap();
    }
}

#[tokio::test]
async fn disconnecting_server_is_unavailable_and_not_retried() {
    let ca = Ca::new();
    let tls = || ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"])));
    for (script, credentials) in [
        (vec![], 0),
        (vec![tls()], 0),
        (vec![tls(), ScriptStep::send("* OK [CAP")], 0),
        (vec![tls(), ScriptStep::send(GREETING), ScriptStep::Line], 1),
        (vec![tls(), ScriptStep::send(GREETING), ScriptStep::Line, ScriptStep::send("{tag} OK\r")], 1),
    ] {
        let peer = FakeServer::start(script).await;
        let outcome =
            ask(endpoint(&peer, TlsMode::Implicit).with_trust(ServerTrust::CaFile(ca.file()))).await;
        assert_eq!(word(outcome), "unavailable");
        assert_eq!((peer.connections(), credentials_sent(&peer)), (1, credentials));
    }
}

#[tokio::test]
async fn cancellation_leaves_a_working_backend() {
    let peer =
        FakeServer::start([ScriptStep::send(GREETING), ScriptStep::Line, ScriptStep::send("{tag} OK\r\n")])
            .await;
    let backend = backend(endpoint(&peer, TlsMode::None));
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    let attempt = Attempt::new(&name, &password, clock::now() + Duration::from_secs(30));
    // Dropped after one, two, three … steps, until it has no more steps.
    for steps in 1.. {
        let mut left = steps;
        let mut future = backend.authenticate(&attempt);
        let ended = std::future::poll_fn(|cx| {
            left -= 1;
            match future.as_mut().poll(cx) {
                std::task::Poll::Ready(outcome) => std::task::Poll::Ready(Some(outcome)),
                std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        })
        .await;
        if let Some(outcome) = ended {
            assert_eq!(word(outcome), "accepted");
            return;
        }
    }
}

#[tokio::test]
async fn probe_needs_no_credentials() {
    let ca = Ca::new();
    let offer = "* CAPABILITY IMAP4rev2 AUTH=PLAIN x(y \x1b[31m\r\n{tag} OK\r\n";
    let peer = FakeServer::start(starttls(
        &ca,
        vec![ScriptStep::Line, ScriptStep::send(offer), ScriptStep::Silence],
    ))
    .await;
    let at = endpoint(&peer, TlsMode::Explicit).with_trust(ServerTrust::CaFile(ca.file()));
    let probe = backend(at).probe(clock::now() + Duration::from_secs(30)).await.unwrap();
    assert_eq!(probe.capabilities, ["IMAP4REV2", "AUTH=PLAIN"]);
    assert_eq!(probe.peer.unwrap().port(), peer.port());
    assert_eq!(probe.tls.unwrap().version, "1.3");
    assert!(!peer.received_text().contains("LOGIN") && !peer.received_text().contains("AUTHENTICATE"));
}

/// Asks with this source, at a backend that forwards it.
async fn ask_from(endpoint: Endpoint, source: Option<&str>) -> &'static str {
    let settings = ImapSettings::new(BackendId::parse("mail").unwrap(), endpoint).with_forward_source(true);
    let backend = ImapBackend::new(settings).unwrap();
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    let attempt = Attempt::new(&name, &password, clock::now() + Duration::from_secs(30));
    word(backend.authenticate(&attempt.from_source(source.map(|source| source.parse().unwrap()))).await)
}

#[tokio::test]
async fn source_is_forwarded_before_the_credentials_under_tls() {
    let ca = Ca::new();
    let login = format!("AUTHENTICATE PLAIN {CREDENTIALS}");
    let id = |address: &str| format!("ID (\"x-originating-ip\" \"{address}\")");
    for (offers, source, answer, expected) in [
        (
            "ID ",
            Some("203.0.113.7"),
            "* ID (\"name\" \"Dovecot\")\r\n{tag} OK\r\n",
            vec![id("203.0.113.7"), login.clone()],
        ),
        ("ID ", Some("::ffff:203.0.113.7"), "{tag} OK\r\n", vec![id("203.0.113.7"), login.clone()]),
        ("ID ", Some("2001:db8::7"), "{tag} OK\r\n", vec![id("2001:db8::7"), login.clone()]),
        // With any answer.
        ("ID ", Some("203.0.113.7"), "{tag} NO\r\n", vec![id("203.0.113.7"), login.clone()]),
        ("ID ", Some("203.0.113.7"), "{tag} BAD\r\n", vec![id("203.0.113.7"), login.clone()]),
        // Not where it is not listed, and not without a source.
        ("", Some("203.0.113.7"), "", vec![login.clone()]),
        ("IDLE ", Some("203.0.113.7"), "", vec![login.clone()]),
        ("ID ", None, "", vec![login.clone()]),
    ] {
        let list = format!("CAPABILITY IMAP4rev1 {offers}SASL-IR AUTH=PLAIN");
        let mut rest = vec![ScriptStep::Line, ScriptStep::send(format!("* {list}\r\n{{tag}} OK\r\n"))];
        if !answer.is_empty() {
            rest.extend([ScriptStep::Line, ScriptStep::send(answer)]);
        }
        rest.extend([ScriptStep::Line, ScriptStep::send("{tag} OK in\r\n")]);
        let peer = FakeServer::start(starttls(&ca, rest)).await;
        let at = endpoint(&peer, TlsMode::Explicit).with_trust(ServerTrust::CaFile(ca.file()));
        assert_eq!(ask_from(at, source).await, "accepted", "{offers} {source:?} {answer}");
        let received: Vec<String> = peer.received_text().lines().map(|line| line[34..].to_owned()).collect();
        assert_eq!(received[2..], expected, "{offers} {source:?}");
    }
}

#[tokio::test]
async fn source_is_not_forwarded_in_clear_text_over_the_network() {
    let greeting = "* OK [CAPABILITY IMAP4rev1 ID SASL-IR AUTH=PLAIN] ready\r\n";
    let script = |id: bool| {
        let mut steps = vec![ScriptStep::send(greeting)];
        if id {
            steps.extend([ScriptStep::Line, ScriptStep::send("{tag} OK\r\n")]);
        }
        steps.extend([ScriptStep::Line, ScriptStep::send("{tag} OK in\r\n")]);
        steps
    };
    // To this machine no one else reads it.
    let peer = FakeServer::start(script(true)).await;
    assert_eq!(ask_from(endpoint(&peer, TlsMode::None), Some("203.0.113.7")).await, "accepted");
    assert!(peer.received_text().contains("x-originating-ip"));
    // A name of this machine that does not say so.
    let peer = FakeServer::start(script(false)).await;
    let at = Endpoint::new("0.0.0.0", peer.port(), TlsMode::None).with_plaintext_consent(true);
    assert_eq!(ask_from(at, Some("203.0.113.7")).await, "accepted");
    assert!(!peer.received_text().contains("x-originating-ip"));
}

#[tokio::test]
async fn timeout_at_dovecot_names_its_penalty() {
    let ca = Ca::new();
    for (names_itself, has_hint) in [("Dovecot (Debian) ready.", true), ("ready", false)] {
        let clear = format!("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] {names_itself}\r\n");
        let peer = FakeServer::start([
            ScriptStep::send(clear),
            ScriptStep::Line,
            ScriptStep::send("{tag} OK begin\r\n"),
            ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"]))),
            ScriptStep::Line,
            ScriptStep::send(OFFER),
            ScriptStep::Silence,
        ])
        .await;
        let at = endpoint(&peer, TlsMode::Explicit).with_trust(ServerTrust::CaFile(ca.file()));
        let error = ask_before(at, Duration::from_secs(2)).await.unwrap_err();
        assert!(error.is_timeout() && error.phase() == Phase::Login, "{error}");
        assert_eq!(error.detail().contains("auth penalty"), has_hint, "{error}");
        assert_eq!(error.detail().contains("docs/troubleshooting.md"), has_hint, "{error}");
    }
    assert!(Endpoint::DEFAULT_TIMEOUT > Duration::from_secs(17), "below Dovecot's longest delay");
}

/// Courier in clear text offers neither SASL PLAIN nor literals that go out at once.
#[tokio::test]
async fn umlaut_signs_in_where_only_login_is_offered() {
    let peer = FakeServer::start([
        ScriptStep::send("* OK [CAPABILITY IMAP4rev1 CHILDREN] Courier-IMAP ready\r\n"),
        ScriptStep::Line,
        ScriptStep::send("+ OK\r\n"),
        ScriptStep::Secret,
        ScriptStep::send("{tag} OK LOGIN Ok.\r\n"),
    ])
    .await;
    let backend = backend(endpoint(&peer, TlsMode::None));
    let (name, password) = (LoginName::parse("u3").unwrap(), Password::parse("défaut").unwrap());
    let attempt = Attempt::new(&name, &password, clock::now() + Duration::from_secs(30));
    assert_eq!(word(backend.authenticate(&attempt).await), "accepted");
    assert!(peer.received_text().ends_with(" LOGIN \"u3\" {7}\r\ndéfaut\r\n"), "{}", peer.received_text());
}
