//! The SMB backend against Samba.
//!
//! Right and wrong, every state of an account, and all traps that hand out sessions to unknown
//! users.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may")]

mod forged;
mod many;
mod relay;

use std::time::Duration;

use user_backend::clock::now;
use user_backend::conformance::{self, TestUser};
use user_backend::smb::{Isolation, SmbBackend, SmbEngine, SmbSettings};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::rig::Rig;

const SANE: u16 = 10445;
const BAD_USER: u16 = 10446;
const BAD_PASSWORD: u16 = 10447;
const GUEST_SHARE: u16 = 10448;
const ENCRYPTED: u16 = 10449;
const NO_PIPES: u16 = 10450;

/// The ways to ask one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoginMethod {
    /// libsmbclient, with this share.
    Share(&'static str),
    /// libsmbclient, with the srvsvc pipe.
    Pipe,
    /// The same in helper processes.
    HelpedShare(&'static str),
    /// The same in helper processes.
    HelpedPipe,
    /// smb2.
    Native,
    /// smb2, and libsmbclient in helper processes where smb2 does not suffice: the default.
    Auto,
}

const EVERY_WAY: [LoginMethod; 6] = [
    LoginMethod::Share("share"),
    LoginMethod::Pipe,
    LoginMethod::HelpedShare("share"),
    LoginMethod::HelpedPipe,
    LoginMethod::Native,
    LoginMethod::Auto,
];

fn backend(rig: &Rig, port: u16, how: LoginMethod) -> SmbBackend {
    backend_at(rig.host(), port, how, Endpoint::DEFAULT_TIMEOUT)
}

fn backend_at(host: &str, port: u16, how: LoginMethod, timeout: Duration) -> SmbBackend {
    let endpoint = Endpoint::new(host, port, TlsMode::None).with_timeout(timeout);
    let settings = SmbSettings::new(BackendId::parse("files").unwrap(), endpoint);
    let pipe = || settings.clone().with_engine(SmbEngine::Pavao);
    let helped = || Isolation::Program(env!("CARGO_BIN_EXE_smb-helper").into());
    let settings = match how {
        LoginMethod::Share(share) => settings.with_share(share),
        LoginMethod::Pipe => pipe(),
        LoginMethod::HelpedShare(share) => settings.with_share(share).with_isolation(helped()),
        LoginMethod::HelpedPipe => pipe().with_isolation(helped()),
        LoginMethod::Native => settings.with_engine(SmbEngine::Native),
        LoginMethod::Auto => settings.with_isolation(helped()),
    };
    SmbBackend::new(settings).unwrap()
}

/// The outcome as text: `yes NAME`, the rejection, `not mine`, or error kind and phase.
async fn outcome(backend: &SmbBackend, name: &str, password: &str) -> String {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    match backend.authenticate(&Attempt::new(&name, &password, now() + Duration::from_secs(20))).await {
        Ok(Verdict::Accepted(identity)) => format!("yes {}", identity.name()),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => {
            assert!(!error.to_string().contains(password.expose()), "{error}");
            format!("{} {}", error.kind(), error.phase())
        }
    }
}

/// The passwords of the rig as its table of accounts has them.
fn password(rig: &Rig, user: &str) -> String {
    let table = std::fs::read_to_string(rig.state().join("users.tsv")).unwrap();
    let row = table.lines().map(|line| line.split('\t').collect::<Vec<_>>()).find(|row| row[0] == user);
    row.unwrap_or_else(|| panic!("no {user} in the table"))[1].to_owned()
}

#[tokio::test]
async fn t02_right_smb_password_with_any_characters_signs_in() {
    let Some(rig) = Rig::find() else { return };
    for how in EVERY_WAY {
        let backend = backend(&rig, SANE, how);
        // Quotes, a backslash and a percent sign; UTF-8; 200 bytes; blanks at both ends; dots and
        // dashes in the name.
        for user in ["alice", "bob", "carol", "dave", "erin", "mary-jane.o", "sam"] {
            let right = password(&rig, user);
            assert_eq!(outcome(&backend, user, &right).await, format!("yes {user}"), "{how:?}");
            assert_eq!(
                outcome(&backend, user, &format!("{right}x")).await,
                "bad_credentials",
                "{how:?} {user}"
            );
        }
        let erin = password(&rig, "erin");
        assert_eq!(outcome(&backend, "erin", erin.trim()).await, "bad_credentials", "{how:?}");
        let dave = password(&rig, "dave");
        assert_eq!(outcome(&backend, "dave", &dave[..dave.len() - 1]).await, "bad_credentials", "{how:?}");
    }
}

#[tokio::test]
async fn every_promise_of_a_backend_is_kept() {
    let Some(rig) = Rig::find() else { return };
    let known = TestUser::new("alice", &password(&rig, "alice")).unwrap();
    for how in EVERY_WAY {
        let kept = conformance::check(&backend(&rig, SANE, how), &known).await;
        assert_eq!(kept, Ok(()), "{how:?}");
    }
}

#[tokio::test]
async fn t07_one_account_has_one_name() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    for how in EVERY_WAY {
        let backend = backend(&rig, SANE, how);
        for typed in ["Alice", "ALICE"] {
            assert_eq!(outcome(&backend, typed, &right).await, "yes alice", "{how:?} {typed}");
        }
        for typed in ["RIG\\alice", "BOGUS\\alice", "WORKGROUP/alice", "x+alice"] {
            assert_eq!(outcome(&backend, typed, &right).await, "policy_denied", "{how:?} {typed}");
        }
        assert_eq!(outcome(&backend, "alice@rig", &right).await, "not mine", "{how:?}");
    }
}

/// For accounts that have a Windows domain in their id.
///
/// The resolver sends no other such name.
#[tokio::test]
async fn name_with_a_windows_domain_is_asked_there_if_allowed() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    for engine in [SmbEngine::Pavao, SmbEngine::Native] {
        let endpoint = Endpoint::new(rig.host(), SANE, TlsMode::None);
        let settings = SmbSettings::new(BackendId::parse("files").unwrap(), endpoint);
        let settings = settings.with_engine(engine).with_share("share").with_domains(true);
        let backend = SmbBackend::new(settings).unwrap();
        // Samba takes any domain for its own, which is why only an account's own one is sent.
        for (typed, known) in [("RIG\\alice", "yes rig\\alice"), ("BOGUS/alice", "yes bogus/alice")] {
            assert_eq!(outcome(&backend, typed, &right).await, known, "{engine:?} {typed}");
            assert_eq!(outcome(&backend, typed, "wrong").await, "bad_credentials", "{engine:?} {typed}");
        }
        assert_eq!(outcome(&backend, "RIG\\guest", "anything").await, "policy_denied", "{engine:?}");
    }
}

#[tokio::test]
async fn wrong_password_and_an_unknown_name_are_rejected_everywhere() {
    let Some(rig) = Rig::find() else { return };
    for port in [SANE, BAD_USER, BAD_PASSWORD, GUEST_SHARE, ENCRYPTED, NO_PIPES] {
        for how in EVERY_WAY {
            let backend = backend(&rig, port, how);
            for (name, password) in [
                ("alice", "wrong"),
                ("alice", "wonderland-1"),
                ("unknown-user", "Wonderland-1"),
                ("nobody", "Wonderland-1"),
                ("root", "wrong"),
                ("ingrid", "Only-by-mail-1"),
            ] {
                assert_eq!(
                    outcome(&backend, name, password).await,
                    "bad_credentials",
                    "{port} {how:?} {name}"
                );
            }
        }
    }
}

#[tokio::test]
async fn t06_no_user_becomes_a_guest() {
    let Some(rig) = Rig::find() else { return };
    // With no name denied by the resolver; `public` is open to guests on three of the servers.
    for port in [SANE, BAD_USER, BAD_PASSWORD, GUEST_SHARE] {
        for how in
            EVERY_WAY.into_iter().chain([LoginMethod::Share("public"), LoginMethod::HelpedShare("public")])
        {
            let backend = backend_at(rig.host(), port, how, Endpoint::DEFAULT_TIMEOUT);
            for name in ["guest", "Guest", "GUEST"] {
                assert_eq!(
                    outcome(&backend, name, "anything").await,
                    "policy_denied",
                    "{port} {how:?} {name}"
                );
            }
            for name in ["nobody", "Nobody", "anonymous", "ftp", "unknown-user", "alice"] {
                assert_eq!(
                    outcome(&backend, name, "anything").await,
                    "bad_credentials",
                    "{port} {how:?} {name}"
                );
            }
        }
    }
}

#[tokio::test]
async fn guest_mapping_still_accepts_right_password() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    for port in [BAD_USER, BAD_PASSWORD, GUEST_SHARE] {
        for how in
            EVERY_WAY.into_iter().chain([LoginMethod::Share("public"), LoginMethod::HelpedShare("public")])
        {
            assert_eq!(
                outcome(&backend(&rig, port, how), "alice", &right).await,
                "yes alice",
                "{port} {how:?}"
            );
        }
    }
}

#[tokio::test]
async fn account_state_is_reported_as_far_as_the_engine_knows() {
    let Some(rig) = Rig::find() else { return };
    for how in EVERY_WAY {
        let backend = backend(&rig, SANE, how);
        let native = matches!(how, LoginMethod::Native | LoginMethod::Auto);
        for (user, exactly, vaguely) in [
            ("disabled", "account_disabled", "bad_credentials"),
            ("locked", "account_locked", "unavailable login"),
            ("mustchange", "credentials_expired", "unavailable login"),
            ("expired", "credentials_expired", "bad_credentials"),
        ] {
            let right = password(&rig, user);
            let expected = if native { exactly } else { vaguely };
            assert_eq!(outcome(&backend, user, &right).await, expected, "{how:?} {user}");
        }
        for user in ["disabled", "mustchange", "expired"] {
            assert_eq!(outcome(&backend, user, "wrong").await, "bad_credentials", "{how:?} {user}");
        }
    }
}

#[tokio::test]
async fn missing_share_or_pipe_is_no_decision() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    for (port, how) in [
        (SANE, LoginMethod::Share("no-such-share")),
        (NO_PIPES, LoginMethod::Pipe),
        (SANE, LoginMethod::HelpedShare("no-such-share")),
        (NO_PIPES, LoginMethod::HelpedPipe),
    ] {
        let backend = backend(&rig, port, how);
        assert_eq!(outcome(&backend, "alice", &right).await, "misconfigured login", "{port} {how:?}");
        assert_eq!(outcome(&backend, "alice", "wrong").await, "bad_credentials", "{port} {how:?}");
    }
    // What the text proposes works.
    for how in [LoginMethod::Share("share"), LoginMethod::Native] {
        assert_eq!(outcome(&backend(&rig, NO_PIPES, how), "alice", &right).await, "yes alice", "{how:?}");
    }
}

#[tokio::test]
async fn required_encryption_is_left_to_libsmbclient() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    for how in EVERY_WAY.into_iter().filter(|how| *how != LoginMethod::Native) {
        let backend = backend(&rig, ENCRYPTED, how);
        for _ in 0..2 {
            assert_eq!(outcome(&backend, "alice", &right).await, "yes alice", "{how:?}");
            assert_eq!(outcome(&backend, "alice", "wrong").await, "bad_credentials", "{how:?}");
        }
    }
    let native = backend(&rig, ENCRYPTED, LoginMethod::Native);
    assert_eq!(outcome(&native, "alice", &right).await, "misconfigured login");
    assert_eq!(outcome(&native, "alice", "wrong").await, "bad_credentials");
}

#[tokio::test]
async fn host_name_may_have_unreachable_addresses() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    let relay = relay::Relay::start(rig.host(), SANE, |_| (), |_| ()).await;
    for how in EVERY_WAY {
        let backend = backend_at("localhost", relay.port(), how, Endpoint::DEFAULT_TIMEOUT);
        assert_eq!(outcome(&backend, "alice", &right).await, "yes alice", "{how:?}");
        let probe = backend.probe(now() + Duration::from_secs(10)).await.unwrap();
        assert!(probe.peer.unwrap().is_ipv4());
    }
}

#[tokio::test]
async fn probe_needs_no_password() {
    let Some(rig) = Rig::find() else { return };
    for how in EVERY_WAY {
        let probe = backend(&rig, SANE, how).probe(now() + Duration::from_secs(10)).await.unwrap();
        assert_eq!(probe.peer.unwrap().port(), SANE, "{how:?}");
        assert_eq!(probe.capabilities, ["SMB 3.1.1", "signing required"], "{how:?}");
    }
}

#[tokio::test]
async fn stopped_or_paused_server_is_an_outage() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    let soon = |how| backend_at(rig.host(), SANE, how, Duration::from_secs(4));
    {
        let _stopped = rig.stopped("smb");
        for how in EVERY_WAY {
            assert_eq!(outcome(&soon(how), "alice", &right).await, "unavailable connect", "{how:?}");
        }
    }
    {
        let _paused = rig.paused("smb");
        for how in EVERY_WAY {
            let answer = outcome(&soon(how), "alice", "wrong").await;
            assert!(answer.starts_with("unavailable"), "{how:?}: {answer}");
        }
    }
    for how in EVERY_WAY {
        assert_eq!(outcome(&backend(&rig, SANE, how), "alice", &right).await, "yes alice", "{how:?}");
    }
}
