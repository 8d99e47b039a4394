//! FTP backend against the rig's vsftpd.
//!
//! Explicit TLS required (10021), implicit TLS (10990), an expired certificate (10022), and a
//! clear-text server that also lets anonymous in (10023).

use std::time::Duration;

use user_backend::clock::now;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{
    Attempt, BackendError, BackendId, LoginName, Password, Phase, Rejection, UserBackend, Verdict,
    conformance,
};
use user_backend_tests::{Ca, Rig};

const EXPLICIT: u16 = 10021;
const IMPLICIT: u16 = 10990;
const EXPIRED: u16 = 10022;
const PLAINTEXT: u16 = 10023;
/// Only users in a list may sign in; `alice` is in it.
const LISTED: u16 = 10024;
/// Users in the list may not.
const UNLISTED: u16 = 10025;

const ALICE: (&str, &str) = ("alice", "Wonderland-1");

/// The rig's servers refuse or accept within milliseconds; a busy machine gets more.
const TIMEOUT: Duration = Duration::from_secs(30);

fn endpoint(rig: &Rig, port: u16, tls: TlsMode) -> Endpoint {
    Endpoint::new(rig.host(), port, tls)
        .with_trust(ServerTrust::CaFile(rig.ca_file()))
        .with_connect_timeout(TIMEOUT)
        .with_timeout(TIMEOUT)
}

fn settings(endpoint: Endpoint) -> FtpSettings {
    FtpSettings::new(BackendId::parse("files").unwrap(), endpoint)
}

async fn ask(settings: FtpSettings, (name, password): (&str, &str)) -> Result<Verdict, BackendError> {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    let backend = FtpBackend::new(settings).unwrap();
    let answer = backend.authenticate(&Attempt::new(&name, &password, now() + TIMEOUT)).await;
    answer.map_err(|error| error.with_backend(backend.id()))
}

/// Both ways to encrypt, the same answers.
async fn encrypted(rig: &Rig, credentials: (&str, &str)) -> Verdict {
    let explicit = ask(settings(endpoint(rig, EXPLICIT, TlsMode::Explicit)), credentials).await.unwrap();
    let implicit = ask(settings(endpoint(rig, IMPLICIT, TlsMode::Implicit)), credentials).await.unwrap();
    assert_eq!(explicit, implicit, "{credentials:?}");
    explicit
}

fn accepted_as(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Accepted(identity) => Some(identity.name().as_str()),
        _ => None,
    }
}

#[tokio::test]
async fn every_promise_is_kept() {
    let Some(rig) = Rig::find() else { return };
    let known = conformance::TestUser::new(ALICE.0, ALICE.1).unwrap();
    for (port, mode) in [(EXPLICIT, TlsMode::Explicit), (IMPLICIT, TlsMode::Implicit)] {
        let backend = FtpBackend::new(settings(endpoint(&rig, port, mode))).unwrap();
        conformance::check(&backend, &known).await.unwrap();
    }
}

#[tokio::test]
async fn t02_right_password_with_any_characters_signs_in() {
    let Some(rig) = Rig::find() else { return };
    for (name, password) in [
        ALICE,
        ("bob", r#"p@ss "w\ord" %41 {x}"#),
        ("carol", "pässwörd€-ключ"),
        ("erin", " edges are part of me "),
        ("mary-jane.o", "Dots-and-dash.1"),
        ("felix", "Only-by-files-1"),
    ] {
        assert_eq!(accepted_as(&encrypted(&rig, (name, password)).await), Some(name));
    }
}

#[tokio::test]
async fn wrong_password_an_unknown_and_a_disabled_user_are_rejected() {
    let Some(rig) = Rig::find() else { return };
    for credentials in [
        ("alice", "wonderland-1"),
        ("alice", "Wonderland-1 "),
        ("alice", "Wonderland-"),
        ("bob", r#"p@ss "w\ord" A {x}"#),
        ("carol", "password€-ключ"),
        ("erin", "edges are part of me"),
        ("unknown-user", "Wonderland-1"),
        ("ingrid", "Only-by-mail-1"),
        ("disabled", "Right-but-disabled-1"),
        ("Alice", "Wonderland-1"),
    ] {
        let verdict = encrypted(&rig, credentials).await;
        assert_eq!(verdict, Verdict::Rejected(Rejection::BadCredentials), "{credentials:?}");
    }
}

#[tokio::test]
async fn password_beyond_the_servers_limit_is_never_a_yes() {
    let Some(rig) = Rig::find() else { return };
    let long = "0123456789".repeat(20);
    for port in [(EXPLICIT, TlsMode::Explicit), (IMPLICIT, TlsMode::Implicit)] {
        let answer = ask(settings(endpoint(&rig, port.0, port.1)), ("dave", &long)).await;
        assert!(!matches!(answer, Ok(Verdict::Accepted(_) | Verdict::NotMine)), "{answer:?}");
    }
}

#[tokio::test]
async fn t05_passwordless_names_never_sign_in_at_a_real_server() {
    let Some(rig) = Rig::find() else { return };
    for name in ["anonymous", "ftp", "Anonymous", "FTP"] {
        let open = || settings(endpoint(&rig, PLAINTEXT, TlsMode::None));
        assert_eq!(
            ask(open(), (name, "me@example.com")).await.unwrap(),
            Verdict::Rejected(Rejection::PolicyDenied)
        );
    }
    assert_eq!(
        ask(settings(endpoint(&rig, PLAINTEXT, TlsMode::None)), ("guest", "guest")).await.unwrap(),
        Verdict::Rejected(Rejection::BadCredentials)
    );
}

#[tokio::test]
async fn clear_text_works_where_nothing_better_is_required() {
    let Some(rig) = Rig::find() else { return };
    let open = || settings(endpoint(&rig, PLAINTEXT, TlsMode::None));
    assert_eq!(accepted_as(&ask(open(), ALICE).await.unwrap()), Some("alice"));
    assert_eq!(ask(open(), ("alice", "wrong")).await.unwrap(), Verdict::Rejected(Rejection::BadCredentials));
}

#[tokio::test]
async fn server_requiring_tls_is_not_wrong_password() {
    let Some(rig) = Rig::find() else { return };
    let error = ask(settings(endpoint(&rig, EXPLICIT, TlsMode::None)), ALICE).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "backend \"files\" misconfigured, seen during login: the server refuses the login; it may require tls = \
         \"explicit\" (reply 530 to USER)"
    );
}

#[tokio::test]
async fn t10_server_without_tls_never_hears_a_name() {
    let Some(rig) = Rig::find() else { return };
    let error = ask(settings(endpoint(&rig, PLAINTEXT, TlsMode::Explicit)), ALICE).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "backend \"files\" misconfigured, seen during tls: the server refuses TLS (reply 530 to AUTH TLS)"
    );
    let error = ask(settings(endpoint(&rig, PLAINTEXT, TlsMode::Implicit)), ALICE).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Tls));
    assert!(error.detail().starts_with("the peer does not speak TLS here; "), "{error}");
}

#[tokio::test]
async fn bad_certificate_says_what_is_wrong_with_it() {
    let Some(rig) = Rig::find() else { return };
    let tls = |endpoint: Endpoint| async {
        let error = ask(settings(endpoint), ALICE).await.unwrap_err();
        assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Tls), "{error}");
        error.detail().to_owned()
    };
    for (port, mode) in [(EXPLICIT, TlsMode::Explicit), (IMPLICIT, TlsMode::Implicit)] {
        let right = || endpoint(&rig, port, mode);
        let other = tls(right().with_server_name("files.example.com")).await;
        assert!(other.starts_with("certificate is for "), "{other}");
        assert!(other.ends_with(", not for files.example.com; set server_name"), "{other}");
        let stranger = Ca::new();
        let unknown = tls(right().with_trust(ServerTrust::CaFile(stranger.file()))).await;
        assert_eq!(unknown, "certificate is signed by an unknown authority; set ca_file");
    }
    let expired = tls(endpoint(&rig, EXPIRED, TlsMode::Explicit)).await;
    assert!(expired.starts_with("certificate expired on 2020-"), "{expired}");
    let blind = settings(
        endpoint(&rig, EXPIRED, TlsMode::Explicit).with_trust(ServerTrust::DangerAcceptAnyCertificate),
    );
    assert_eq!(accepted_as(&ask(blind, ALICE).await.unwrap()), Some("alice"));
}

#[tokio::test]
async fn probe_reports_the_certificate_without_a_login() {
    let Some(rig) = Rig::find() else { return };
    for (port, mode, capabilities) in [
        (EXPLICIT, TlsMode::Explicit, ["220", "AUTH TLS"].as_slice()),
        (IMPLICIT, TlsMode::Implicit, &["220"]),
        (PLAINTEXT, TlsMode::None, &["220"]),
    ] {
        let backend = FtpBackend::new(settings(endpoint(&rig, port, mode))).unwrap();
        let probe = backend.probe(now() + TIMEOUT).await.unwrap();
        assert_eq!(probe.capabilities, capabilities);
        let peer = probe.peer.unwrap();
        assert!(peer.ip().is_loopback() && peer.port() == port, "{peer}");
        assert_eq!(probe.tls.is_some(), mode != TlsMode::None);
        if let Some(tls) = probe.tls {
            assert_eq!(tls.certificate.as_deref(), Some("localhost"));
            assert!(tls.days_left.unwrap() > 0);
        }
    }
}

#[tokio::test]
async fn stopped_or_frozen_server_is_unavailable_and_comes_back() {
    let Some(rig) = Rig::find() else { return };
    let backend = || {
        let endpoint = endpoint(&rig, EXPLICIT, TlsMode::Explicit);
        settings(endpoint.with_connect_timeout(Duration::from_secs(2)).with_timeout(Duration::from_secs(2)))
    };
    {
        let _broken = rig.stopped("ftp");
        let error = ask(backend(), ALICE).await.unwrap_err();
        assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Connect), "{error}");
    }
    {
        let _broken = rig.paused("ftp");
        let error = ask(backend(), ALICE).await.unwrap_err();
        assert_eq!((error.kind(), error.detail()), ("unavailable", "no answer in time"), "{error}");
    }
    assert_eq!(accepted_as(&encrypted(&rig, ALICE).await), Some("alice"));
}

#[tokio::test]
async fn user_lists_admit_the_listed_users() {
    let Some(rig) = Rig::find() else { return };
    let felix = ("felix", "Only-by-files-1");
    for (port, allowed, other) in [(LISTED, ALICE, felix), (UNLISTED, felix, ALICE)] {
        let at = |credentials| ask(settings(endpoint(&rig, port, TlsMode::Explicit)), credentials);
        let answer = at(allowed).await.unwrap();
        assert_eq!(accepted_as(&answer), Some(allowed.0), "{port}");
        // Refused at USER, with the right password too: another backend may know the user.
        let answer = at(other).await;
        assert!(matches!(answer, Ok(Verdict::Rejected(Rejection::UnknownUser))), "{port}: {answer:?}");
    }
}
