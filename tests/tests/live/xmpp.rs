//! XMPP backend against Prosody, which the tests start themselves.

use user_backend::clock::now;
use user_backend::transport::{ServerTrust, TlsMode};
use user_backend::xmpp::{XmppBackend, XmppSettings};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, Verdict, conformance};
use user_backend_tests::local_server::{LocalServer, PROSODY_HOSTS, USERS};

use crate::{TIMEOUT, local_endpoint};

const MODES: [TlsMode; 3] = [TlsMode::Explicit, TlsMode::Implicit, TlsMode::None];

fn backend(server: &LocalServer, tls: TlsMode, virtual_host: &str) -> XmppBackend {
    let endpoint = local_endpoint(server, tls).with_server_name("127.0.0.1");
    let settings = XmppSettings::new(BackendId::parse("chat").unwrap(), endpoint);
    XmppBackend::new(settings.with_virtual_host(virtual_host)).unwrap()
}

async fn ask(backend: &XmppBackend, name: &str, password: &str) -> String {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    match backend.authenticate(&Attempt::new(&name, &password, now() + TIMEOUT)).await {
        Ok(Verdict::Accepted(identity)) => format!("accepted {}", identity.name()),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => format!("{} {}: {}", error.kind(), error.phase(), error.detail()),
    }
}

#[tokio::test]
async fn prosody_keeps_every_promise() {
    let Some(server) = LocalServer::prosody() else { return };
    for tls in MODES {
        for host in PROSODY_HOSTS {
            let backend = backend(&server, tls, host);
            let known = conformance::TestUser::new("alice", "Wonderland-1").unwrap().with_time(TIMEOUT);
            conformance::check(&backend, &known).await.unwrap();
        }
    }
}

#[tokio::test]
async fn prosody_accepts_right_passwords_only() {
    let Some(server) = LocalServer::prosody() else { return };
    for tls in MODES {
        for host in PROSODY_HOSTS {
            let backend = backend(&server, tls, host);
            for (name, password) in USERS {
                assert_eq!(ask(&backend, name, password).await, format!("accepted {name}"), "{tls} {host}");
                assert_eq!(ask(&backend, name, "wrong").await, "bad_credentials", "{tls} {host}");
            }
            // SCRAM asks for the name first.
            let unknown = if host.starts_with("only") { "bad_credentials" } else { "unknown_user" };
            assert_eq!(ask(&backend, "unknown-user", "Wonderland-1").await, unknown, "{tls} {host}");
            let address = format!("alice@{}", host.to_uppercase());
            assert_eq!(ask(&backend, &address, "Wonderland-1").await, format!("accepted alice@{host}"));
            for name in ["alice@other.example", "alice/x", "alice<x", "\"alice\""] {
                assert_eq!(ask(&backend, name, "Wonderland-1").await, "policy_denied", "{name}");
            }
        }
    }
}

#[tokio::test]
async fn prosody_offers_what_a_probe_says() {
    let Some(server) = LocalServer::prosody() else { return };
    for tls in MODES {
        for (host, expected) in [
            ("example.com", &["SCRAM-SHA-1", "PLAIN"][..]),
            ("plain.example.com", &["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]),
            ("only.example.com", &["PLAIN"]),
        ] {
            let probe = backend(&server, tls, host).probe(now() + TIMEOUT).await.unwrap();
            assert_eq!(probe.capabilities, expected, "{tls} {host}");
            assert_eq!(probe.tls.is_some(), tls != TlsMode::None);
        }
    }
    let unknown = backend(&server, TlsMode::Implicit, "elsewhere.example.com");
    let answer = ask(&unknown, "alice", "Wonderland-1").await;
    assert_eq!(answer, "misconfigured greeting: the server does not serve this `virtual_host`");
}

#[tokio::test]
async fn prosody_certificate_must_be_for_the_virtual_host() {
    let Some(server) = LocalServer::prosody() else { return };
    for tls in [TlsMode::Explicit, TlsMode::Implicit] {
        // The certificate is for 127.0.0.1.
        let settings = XmppSettings::new(BackendId::parse("chat").unwrap(), local_endpoint(&server, tls));
        let backend = XmppBackend::new(settings.with_virtual_host("example.com")).unwrap();
        let answer = ask(&backend, "alice", "Wonderland-1").await;
        assert!(answer.starts_with("unavailable tls: certificate"), "{answer}");
        let other = user_backend_tests::Ca::new();
        let endpoint = local_endpoint(&server, tls)
            .with_server_name("127.0.0.1")
            .with_trust(ServerTrust::CaFile(other.file()));
        let settings = XmppSettings::new(BackendId::parse("chat").unwrap(), endpoint);
        let backend = XmppBackend::new(settings.with_virtual_host("example.com")).unwrap();
        let answer = ask(&backend, "alice", "Wonderland-1").await;
        assert!(answer.starts_with("unavailable tls: certificate"), "{answer}");
    }
}
