//! SMTP backend against Postfix and Exim, which the tests start themselves.

use user_backend::clock::now;
use user_backend::smtp::{SmtpBackend, SmtpSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, Verdict, conformance};
use user_backend_tests::local_server::{LocalServer, USERS};

use crate::{TIMEOUT, local_endpoint};

fn backend(server: &LocalServer, tls: TlsMode) -> SmtpBackend {
    SmtpBackend::new(SmtpSettings::new(BackendId::parse("mail").unwrap(), local_endpoint(server, tls)))
        .unwrap()
}

async fn ask(backend: &SmtpBackend, name: &str, password: &str) -> String {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    match backend.authenticate(&Attempt::new(&name, &password, now() + TIMEOUT)).await {
        Ok(Verdict::Accepted(identity)) => format!("accepted {}", identity.name()),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => format!("{} {}: {}", error.kind(), error.phase(), error.detail()),
    }
}

/// Right passwords, wrong ones and unknown users; then the conformance suite.
async fn signs_in(backend: &SmtpBackend) {
    for (name, password) in USERS {
        assert_eq!(ask(backend, name, password).await, format!("accepted {name}"));
        for (name, password) in [(name, "wrong"), ("unknown-user", password)] {
            assert_eq!(ask(backend, name, password).await, "bad_credentials", "{name}");
        }
    }
    let long = "x".repeat(1000);
    assert_eq!(ask(backend, "alice", &long).await, "bad_credentials");
    let known = conformance::TestUser::new("alice", "Wonderland-1").unwrap().with_time(TIMEOUT);
    conformance::check(backend, &known).await.unwrap();
}

#[tokio::test]
async fn postfix_with_dovecot_keeps_every_promise() {
    let Some(server) = LocalServer::postfix() else { return };
    for tls in [TlsMode::Explicit, TlsMode::Implicit, TlsMode::None] {
        let backend = backend(&server, tls);
        signs_in(&backend).await;
        let probe = backend.probe(now() + TIMEOUT).await.unwrap();
        let offered: Vec<_> = probe.capabilities.iter().map(String::as_str).collect();
        let both = ["AUTH=PLAIN", "AUTH=LOGIN"];
        let expected = if tls == TlsMode::None { [&["STARTTLS"], &both[..]].concat() } else { both.to_vec() };
        assert_eq!(offered, expected, "{tls}");
        assert_eq!(probe.tls.is_some(), tls != TlsMode::None);
    }
}

#[tokio::test]
async fn exim_with_login_keeps_every_promise() {
    let Some(server) = LocalServer::exim() else { return };
    for tls in [TlsMode::Explicit, TlsMode::Implicit] {
        signs_in(&backend(&server, tls)).await;
    }
    let answer = ask(&backend(&server, TlsMode::None), "alice", "Wonderland-1").await;
    let expected =
        "misconfigured login: the server offers no AUTH in clear text; it may require tls = \"explicit\"";
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn mail_server_with_a_foreign_certificate_hears_no_password() {
    let Some(server) = LocalServer::postfix() else { return };
    let other = user_backend_tests::Ca::new();
    for (tls, port) in [(TlsMode::Explicit, server.port), (TlsMode::Implicit, server.tls_port)] {
        let endpoint = Endpoint::new("127.0.0.1", port, tls).with_trust(ServerTrust::CaFile(other.file()));
        let backend =
            SmtpBackend::new(SmtpSettings::new(BackendId::parse("mail").unwrap(), endpoint)).unwrap();
        let answer = ask(&backend, "alice", "Wonderland-1").await;
        assert!(answer.starts_with("unavailable tls: certificate"), "{answer}");
    }
}
