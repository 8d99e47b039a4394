//! The IMAP backend against the rig's Dovecot.

use std::sync::Arc;
use std::time::Duration;

use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::resolver::StepOutcome;
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{
    Attempt, BackendError, BackendId, BackendPolicy, Credentials, DomainRules, LoginName, Outcome, Password,
    Phase, Rejection, Resolver, UserBackend, Verdict, clock, conformance,
};
use user_backend_tests::Rig;

const STARTTLS_PORT: u16 = 10143;
const TLS_PORT: u16 = 10993;

fn endpoint(rig: &Rig, tls: TlsMode) -> Endpoint {
    let port = if tls == TlsMode::Implicit { TLS_PORT } else { STARTTLS_PORT };
    Endpoint::new(rig.host(), port, tls).with_trust(ServerTrust::CaFile(rig.ca_file()))
}

fn backend(endpoint: Endpoint) -> ImapBackend {
    ImapBackend::new(ImapSettings::new(BackendId::parse("mail").unwrap(), endpoint)).unwrap()
}

async fn ask(backend: &ImapBackend, name: &str, password: &str) -> Result<Verdict, BackendError> {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    let deadline = clock::now() + Duration::from_secs(30);
    backend.authenticate(&Attempt::new(&name, &password, deadline)).await
}

/// The verdict in one word; an outage fails the test.
async fn verdict(backend: &ImapBackend, name: &str, password: &str) -> &'static str {
    match ask(backend, name, password).await.unwrap() {
        Verdict::Accepted(identity) => {
            assert_eq!(identity.name(), LoginName::parse(name).unwrap().canonical());
            "accepted"
        }
        Verdict::Rejected(rejection) => rejection.as_str(),
        Verdict::NotMine => "not mine",
    }
}

/// 200 bytes.
fn long_password() -> String {
    (1..=20).map(|tens| format!("{:03}-abcdef", tens * 10)).collect()
}

#[tokio::test]
async fn right_password_signs_in_and_another_does_not() {
    let Some(rig) = Rig::find() else { return };
    let long = long_password();
    let people = [
        ("alice", "Wonderland-1"),
        ("bob", r#"p@ss "w\ord" %41 {x}"#),
        ("carol", "pässwörd€-ключ"),
        ("dave", long.as_str()),
        ("erin", " edges are part of me "),
        ("mary-jane.o", "Dots-and-dash.1"),
        ("ingrid", "Only-by-mail-1"),
    ];
    for tls in [TlsMode::Implicit, TlsMode::Explicit] {
        let backend = backend(endpoint(&rig, tls));
        for (name, password) in people {
            assert_eq!(verdict(&backend, name, password).await, "accepted", "{name} over {tls}");
            let more = format!("{password}x");
            assert_eq!(verdict(&backend, name, &more).await, "bad_credentials", "{name} over {tls}");
            let mut less = password.to_owned();
            less.pop();
            assert_eq!(verdict(&backend, name, &less).await, "bad_credentials", "{name} over {tls}");
        }
        assert_eq!(verdict(&backend, "erin", "edges are part of me").await, "bad_credentials");
        assert_eq!(verdict(&backend, "bob", r#"p@ss "w\ord" A {x}"#).await, "bad_credentials");
    }
}

#[tokio::test]
async fn unknown_users_are_rejected() {
    let Some(rig) = Rig::find() else { return };
    let backend = backend(endpoint(&rig, TlsMode::Implicit));
    for name in ["nobody", "felix", "al\"ice", "al\\ice", "100%", "a b", "{5}", "{5+}", "*", "ключ"] {
        assert_eq!(verdict(&backend, name, "Wonderland-1").await, "bad_credentials", "{name}");
    }
    let (long_name, long_password) = ("n".repeat(255), "p".repeat(1024));
    assert_eq!(verdict(&backend, &long_name, &long_password).await, "bad_credentials");
    assert_eq!(verdict(&backend, "alice", &long_password).await, "bad_credentials");
}

#[tokio::test]
async fn disabled_account_is_rejected_even_with_the_right_password() {
    let Some(rig) = Rig::find() else { return };
    let backend = backend(endpoint(&rig, TlsMode::Implicit));
    let Verdict::Rejected(rejection) = ask(&backend, "disabled", "Right-but-disabled-1").await.unwrap()
    else {
        panic!("accepted");
    };
    assert_eq!(rejection, Rejection::AccountDisabled);
    assert!(!rejection.is_cacheable());
}

#[tokio::test]
async fn guests_are_refused_before_any_io() {
    // Nothing listens there.
    let nowhere = backend(Endpoint::new("127.0.0.1", 1, TlsMode::Implicit));
    let resolver = Resolver::builder().backend(nowhere).build().unwrap();
    for name in ["guest", "Anonymous", "ftp", "guest@example.com"] {
        let answer = resolver.authenticate(Credentials::new(name, "Wonderland-1")).await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::PolicyDenied), "{name}");
    }
    let Some(rig) = Rig::find() else { return };
    let backend = backend(endpoint(&rig, TlsMode::Implicit));
    for name in ["guest", "anonymous"] {
        assert_eq!(verdict(&backend, name, "Wonderland-1").await, "bad_credentials", "{name}");
    }
}

#[tokio::test]
async fn another_domain_is_not_mine() {
    let Some(rig) = Rig::find() else { return };
    let domain = DomainRules::for_domain("example.com").unwrap();
    let backend = Arc::new(backend(endpoint(&rig, TlsMode::Implicit)));
    let resolver =
        Resolver::builder().backend_with(backend, BackendPolicy::default(), domain).build().unwrap();
    let foreign = resolver.authenticate(Credentials::new("alice@example.org", "Wonderland-1")).await;
    assert_eq!(foreign.trace.steps[0].verdict, StepOutcome::NotMine);
    // Sent as typed, known in full: one mailbox is one user, however the name is typed.
    let answer = resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
    let proof = answer.authenticated().unwrap_or_else(|| panic!("{}", answer.trace));
    assert_eq!(proof.name().as_str(), "alice@example.com");
}

#[tokio::test]
async fn many_sign_in_at_once() {
    let Some(rig) = Rig::find() else { return };
    let backend = backend(endpoint(&rig, TlsMode::Explicit));
    let attempts = (0..16).map(|number| {
        let backend = &backend;
        async move {
            let password = if number % 2 == 0 { "Wonderland-1" } else { "Wonderland-2" };
            (number, verdict(backend, "alice", password).await)
        }
    });
    for (number, verdict) in join_all(attempts).await {
        assert_eq!(verdict, if number % 2 == 0 { "accepted" } else { "bad_credentials" });
    }
}

/// Runs all at once, in one task.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        let mut all = true;
        for (future, done) in &mut running {
            if done.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(output) => *done = Some(output),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, done)| done).collect()
}

/// What the attempt with the right password fails with.
async fn failure(endpoint: Endpoint) -> BackendError {
    ask(&backend(endpoint), "alice", "Wonderland-1").await.unwrap_err()
}

#[tokio::test]
async fn server_with_a_wrong_certificate_gets_no_password() {
    let Some(rig) = Rig::find() else { return };
    for tls in [TlsMode::Implicit, TlsMode::Explicit] {
        let good = || endpoint(&rig, tls);
        let cases = [
            (good().with_server_name("other.rig.test"), "not for other.rig.test; set server_name"),
            (good().with_trust(ServerTrust::System), "unknown authority; set ca_file"),
            (good().with_server_name("expired.rig.test"), "certificate expired on 20"),
        ];
        for (endpoint, text) in cases {
            let error = failure(endpoint).await;
            assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Tls), "{error}");
            assert!(error.detail().contains(text), "{error}");
        }
        let any =
            good().with_server_name("other.rig.test").with_trust(ServerTrust::DangerAcceptAnyCertificate);
        assert_eq!(verdict(&backend(any), "alice", "Wonderland-1").await, "accepted");
    }
}

#[tokio::test]
async fn server_without_clear_text_gets_none() {
    let Some(rig) = Rig::find() else { return };
    let error = failure(endpoint(&rig, TlsMode::None)).await;
    assert_eq!((error.kind(), error.phase()), ("misconfigured", Phase::Login));
    assert!(error.detail().contains("LOGINDISABLED"), "{error}");
}

#[tokio::test]
async fn wrong_tls_mode_is_detected() {
    let Some(rig) = Rig::find() else { return };
    let clear = Endpoint::new(rig.host(), STARTTLS_PORT, TlsMode::Implicit)
        .with_trust(ServerTrust::CaFile(rig.ca_file()));
    let error = failure(clear).await;
    assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Tls), "{error}");
    let silent = Endpoint::new(rig.host(), TLS_PORT, TlsMode::Explicit)
        .with_trust(ServerTrust::CaFile(rig.ca_file()))
        .with_timeout(Duration::from_secs(1));
    let error = failure(silent).await;
    assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Greeting), "{error}");
}

#[tokio::test]
async fn probe_reports_what_it_found() {
    let Some(rig) = Rig::find() else { return };
    for tls in [TlsMode::Implicit, TlsMode::Explicit, TlsMode::None] {
        let deadline = clock::now() + Duration::from_secs(10);
        let probe = backend(endpoint(&rig, tls)).probe(deadline).await.unwrap();
        assert!(probe.peer.is_some());
        let has = |name: &str| probe.capabilities.iter().any(|capability| capability == name);
        assert!(has("IMAP4rev1"), "{probe:?}");
        if tls == TlsMode::None {
            assert!(probe.tls.is_none() && has("LOGINDISABLED") && has("STARTTLS"), "{probe:?}");
        } else {
            assert!(has("AUTH=PLAIN") && has("SASL-IR") && !has("LOGINDISABLED"), "{probe:?}");
            let summary = probe.tls.unwrap();
            assert!(summary.version == "1.3" && summary.days_left.unwrap() >= 0, "{summary:?}");
        }
    }
}

#[tokio::test]
async fn stopped_or_frozen_server_is_an_outage() {
    let Some(rig) = Rig::find() else { return };
    {
        let _stopped = rig.stopped("imap");
        let error = failure(endpoint(&rig, TlsMode::Implicit)).await;
        assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Connect), "{error}");
    }
    {
        let _paused = rig.paused("imap");
        let short = Duration::from_millis(500);
        for tls in [TlsMode::Implicit, TlsMode::Explicit] {
            let error = failure(endpoint(&rig, tls).with_timeout(short)).await;
            assert_eq!(error.kind(), "unavailable", "{error}");
            assert!(error.detail().contains("no answer in time"), "{error}");
        }
    }
    let restored = backend(endpoint(&rig, TlsMode::Implicit));
    assert_eq!(verdict(&restored, "alice", "Wonderland-1").await, "accepted");
}

#[tokio::test]
async fn every_promise_is_kept() {
    let Some(rig) = Rig::find() else { return };
    for tls in [TlsMode::Implicit, TlsMode::Explicit] {
        let known = conformance::TestUser::new("alice", "Wonderland-1").unwrap();
        conformance::check(&backend(endpoint(&rig, tls)), &known).await.unwrap();
    }
}
