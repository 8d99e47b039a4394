//! SSH backend against Debian's OpenSSH, which the tests start themselves.

use user_backend::clock::now;
use user_backend::ssh::{HostKeyPin, SshBackend, SshSettings};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{
    Attempt, BackendError, BackendId, LoginName, Password, Rejection, UserBackend, Verdict, conformance,
};
use user_backend_tests::live_server::{Account, Sshd};

use crate::TIMEOUT;

const ACCOUNTS: &[Account] = &[
    Account::new("alice", "Wonderland-1"),
    Account::new("bob", r#"p@ss "w\ord" %41 {x}"#),
    Account::new("carol", "pässwörd€-ключ"),
    Account::new("erin", " edges are part of me "),
    Account { shadow: "0:0:99999:7:::", ..Account::new("mustchange", "Right-but-old-1") },
    // Expired in 1970.
    Account { shadow: "20000:0:99999:7::1:", ..Account::new("gone", "Right-but-gone-1") },
];

/// Passwords by the method `password`, checked by sshd itself.
const BARE: &str = "UsePAM no\nPasswordAuthentication yes\nKbdInteractiveAuthentication no";
/// By the method `password`, checked by PAM: Debian's own configuration.
const BY_PAM: &str = "UsePAM yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication no";
/// By a conversation with PAM.
const INTERACTIVE: &str = "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes";

fn settings(port: u16, pin: HostKeyPin) -> SshSettings {
    let endpoint =
        Endpoint::new("127.0.0.1", port, TlsMode::None).with_connect_timeout(TIMEOUT).with_timeout(TIMEOUT);
    SshSettings::new(BackendId::parse("shell").unwrap(), endpoint, pin)
}

fn backend(sshd: &Sshd) -> SshBackend {
    SshBackend::new(settings(sshd.port(), HostKeyPin::Fingerprint(sshd.fingerprint()))).unwrap()
}

async fn ask(backend: &SshBackend, name: &str, password: &str) -> Result<Verdict, BackendError> {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    backend.authenticate(&Attempt::new(&name, &password, now() + TIMEOUT)).await
}

fn is_accepted(answer: &Result<Verdict, BackendError>) -> bool {
    matches!(answer, Ok(Verdict::Accepted(_)))
}

#[tokio::test]
async fn sshd_keeps_every_promise() {
    for lines in [BARE, BY_PAM, INTERACTIVE] {
        let Some(sshd) = Sshd::start(ACCOUNTS, lines) else { return };
        let known = conformance::TestUser::new("alice", "Wonderland-1").unwrap().with_time(TIMEOUT);
        conformance::check(&backend(&sshd), &known).await.unwrap();
    }
}

#[tokio::test]
async fn sshd_right_passwords_sign_in_and_others_do_not() {
    for lines in [BARE, BY_PAM, INTERACTIVE] {
        let Some(sshd) = Sshd::start(ACCOUNTS, lines) else { return };
        let backend = backend(&sshd);
        for Account { name, password, .. } in &ACCOUNTS[..4] {
            let answer = ask(&backend, name, password).await;
            assert!(is_accepted(&answer), "{lines}: {name}: {answer:?}");
            let wrong = ask(&backend, name, &format!("{password}x")).await.unwrap();
            assert_eq!(wrong, Verdict::Rejected(Rejection::BadCredentials), "{lines}: {name}");
        }
        for (name, password) in [("nobody-here", "Wonderland-1"), ("Alice", "Wonderland-1"), ("root", "x")] {
            let answer = ask(&backend, name, password).await.unwrap();
            assert_eq!(answer, Verdict::Rejected(Rejection::BadCredentials), "{lines}: {name}");
        }
    }
}

#[tokio::test]
async fn sshd_reports_expired_passwords_and_accounts() {
    let Some(sshd) = Sshd::start(ACCOUNTS, INTERACTIVE) else { return };
    let interactive = backend(&sshd);
    let changed = ask(&interactive, "mustchange", "Right-but-old-1").await.unwrap();
    assert_eq!(changed, Verdict::Rejected(Rejection::CredentialsExpired));
    let wrong = ask(&interactive, "mustchange", "Right-but-old-2").await.unwrap();
    assert_eq!(wrong, Verdict::Rejected(Rejection::BadCredentials));
    let Some(sshd) = Sshd::start(ACCOUNTS, BY_PAM) else { return };
    for backend in [&interactive, &backend(&sshd)] {
        let gone = ask(backend, "gone", "Right-but-gone-1").await.unwrap();
        assert_eq!(gone, Verdict::Rejected(Rejection::AccountDisabled));
    }
}

#[tokio::test]
async fn sshd_requiring_a_key_or_more_is_not_a_yes() {
    let Some(sshd) =
        Sshd::start(ACCOUNTS, "UsePAM no\nAuthenticationMethods publickey\nPubkeyAuthentication yes")
    else {
        return;
    };
    let error = ask(&backend(&sshd), "alice", "Wonderland-1").await.unwrap_err();
    assert_eq!((error.kind(), error.counts_as_guess()), ("misconfigured", false), "{error}");
    let two =
        "UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods password,keyboard-interactive";
    let Some(sshd) = Sshd::start(ACCOUNTS, two) else { return };
    let error = ask(&backend(&sshd), "alice", "Wonderland-1").await.unwrap_err();
    assert!(error.kind() == "misconfigured" && error.detail().contains("partial success"), "{error}");
    let wrong = ask(&backend(&sshd), "alice", "wonderland-1").await.unwrap();
    assert_eq!(wrong, Verdict::Rejected(Rejection::BadCredentials));
}

#[tokio::test]
async fn sshd_key_is_found_in_known_hosts_and_no_other_is_believed() {
    let (Some(sshd), Some(other)) = (Sshd::start(ACCOUNTS, BARE), Sshd::start(ACCOUNTS, BARE)) else {
        return;
    };
    for is_hashed in [false, true] {
        let known = HostKeyPin::KnownHosts(sshd.known_hosts(is_hashed));
        let found = SshBackend::new(settings(sshd.port(), known.clone())).unwrap();
        assert!(is_accepted(&ask(&found, "alice", "Wonderland-1").await), "hashed: {is_hashed}");
        let error = SshBackend::new(settings(other.port(), known)).unwrap_err().to_string();
        assert!(error.contains(&format!("it has no key of [127.0.0.1]:{}", other.port())), "{error}");
    }
    let wrong = SshBackend::new(settings(sshd.port(), HostKeyPin::Fingerprint(other.fingerprint()))).unwrap();
    let error = ask(&wrong, "alice", "Wonderland-1").await.unwrap_err();
    assert!(error.kind() == "protocol" && error.detail().contains(&sshd.fingerprint()), "{error}");
    let probe = backend(&sshd).probe(now() + TIMEOUT).await.unwrap();
    assert_eq!(probe.capabilities, ["ssh-ed25519"]);
}
