//! HTTP backend against Apache and nginx, which the tests start themselves.

use user_backend::clock::now;
use user_backend::http::{HttpAuth, HttpBackend, HttpSettings};
use user_backend::resolver::canary::Canary;
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{
    Attempt, BackendId, LoginName, Outcome, Password, Resolver, UserBackend, Verdict, conformance,
};
use user_backend_tests::local_server::{LocalServer, USERS};

use crate::{TIMEOUT, local_endpoint};

fn settings(server: &LocalServer, tls: TlsMode, path: &str) -> HttpSettings {
    HttpSettings::new(BackendId::parse("web").unwrap(), local_endpoint(server, tls)).with_path(path)
}

fn digest(server: &LocalServer) -> HttpSettings {
    settings(server, TlsMode::Implicit, "/digest/").with_auth(HttpAuth::Digest).with_md5_consent(true)
}

async fn ask(settings: HttpSettings, name: &str, password: &str) -> String {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    let backend = HttpBackend::new(settings).unwrap();
    match backend.authenticate(&Attempt::new(&name, &password, now() + TIMEOUT)).await {
        Ok(Verdict::Accepted(identity)) => format!("accepted {}", identity.name()),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => format!("{} {}: {}", error.kind(), error.phase(), error.detail()),
    }
}

/// Right passwords, wrong ones and unknown users.
async fn signs_in(make: impl Fn() -> HttpSettings) {
    for (name, password) in USERS {
        assert_eq!(ask(make(), name, password).await, format!("accepted {name}"));
        for (name, password) in [(name, "wrong"), ("nobody-here", password)] {
            assert_eq!(ask(make(), name, password).await, "bad_credentials", "{name}");
        }
    }
    assert_eq!(ask(make(), "alice:x", "Wonderland-1").await, "policy_denied");
}

#[tokio::test]
async fn apache_basic_keeps_every_promise() {
    let Some(server) = LocalServer::apache() else { return };
    for tls in [TlsMode::Implicit, TlsMode::None] {
        signs_in(|| settings(&server, tls, "/basic/")).await;
        let backend = HttpBackend::new(settings(&server, tls, "/basic/")).unwrap();
        let known = conformance::TestUser::new("alice", "Wonderland-1").unwrap();
        conformance::check(&backend, &known).await.unwrap();
    }
    let probe = HttpBackend::new(settings(&server, TlsMode::Implicit, "/basic/")).unwrap();
    let probe = probe.probe(now() + TIMEOUT).await.unwrap();
    assert_eq!(probe.capabilities, ["401", "Basic"]);
    assert!(probe.tls.is_some());
}

#[tokio::test]
async fn apache_digest_keeps_every_promise() {
    let Some(server) = LocalServer::apache() else { return };
    signs_in(|| digest(&server)).await;
    let known = conformance::TestUser::new("alice", "Wonderland-1").unwrap();
    conformance::check(&HttpBackend::new(digest(&server)).unwrap(), &known).await.unwrap();
    let without_consent = digest(&server).with_md5_consent(false);
    let answer = ask(without_consent, "alice", "Wonderland-1").await;
    assert!(answer.starts_with("misconfigured greeting: the server offers digest with MD5 only"), "{answer}");
    let answer =
        ask(settings(&server, TlsMode::Implicit, "/basic/").with_auth(HttpAuth::Digest), "alice", "x").await;
    assert!(answer.starts_with("misconfigured greeting: the server offers no digest"), "{answer}");
}

#[tokio::test]
async fn apache_webdav_signs_in_by_every_method() {
    let Some(server) = LocalServer::apache() else { return };
    for method in ["HEAD", "GET", "PROPFIND"] {
        signs_in(|| settings(&server, TlsMode::Implicit, "/dav/index.html").with_method(method)).await;
    }
}

#[tokio::test]
async fn apache_page_without_authentication_accepts_no_one() {
    let Some(server) = LocalServer::apache() else { return };
    let at = |path: &str| settings(&server, TlsMode::Implicit, path);
    for (path, begins) in [
        ("/forbidden/", "unavailable login: the server's answer is not recognised as a refusal (status 403)"),
        ("/moved/x", "misconfigured login: the server redirects"),
        ("/nothing-here/", "misconfigured login: there is nothing at this path"),
    ] {
        let answer = ask(at(path), "alice", "Wonderland-1").await;
        assert!(answer.starts_with(begins), "{path}: {answer}");
    }
    // A page that is open to all accepts everyone; the canary finds out, and no yes counts.
    let resolver = Resolver::builder().backend(HttpBackend::new(at("/open/")).unwrap()).build().unwrap();
    let found = resolver.canary().await;
    assert!(matches!(found[..], [(_, Canary::AcceptsAnyLogin)]), "{found:?}");
    let answer = resolver.authenticate(user_backend::Credentials::new("alice", "Wonderland-1")).await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    let open = HttpBackend::new(at("/open/")).unwrap().probe(now() + TIMEOUT).await.unwrap_err();
    assert!(open.detail().contains("asks for no password"), "{open}");
    let digest = ask(at("/open/").with_auth(HttpAuth::Digest), "alice", "Wonderland-1").await;
    assert!(digest.starts_with("misconfigured greeting: the server asks for no password"), "{digest}");
}

#[tokio::test]
async fn nginx_basic_keeps_every_promise() {
    let Some(server) = LocalServer::nginx() else { return };
    signs_in(|| settings(&server, TlsMode::Implicit, "/basic/")).await;
    let backend = HttpBackend::new(settings(&server, TlsMode::Implicit, "/basic/")).unwrap();
    let known = conformance::TestUser::new("alice", "Wonderland-1").unwrap();
    conformance::check(&backend, &known).await.unwrap();
    let answer = ask(settings(&server, TlsMode::Implicit, "/busy/"), "alice", "Wonderland-1").await;
    assert_eq!(answer, "unavailable login: the server cannot answer now (status 503)");
}

#[tokio::test]
async fn web_server_with_a_foreign_certificate_hears_no_password() {
    let Some(server) = LocalServer::nginx() else { return };
    let other = user_backend_tests::Ca::new();
    let endpoint = Endpoint::new("127.0.0.1", server.tls_port, TlsMode::Implicit)
        .with_trust(ServerTrust::CaFile(other.file()));
    let settings = HttpSettings::new(BackendId::parse("web").unwrap(), endpoint);
    let answer = ask(settings, "alice", "Wonderland-1").await;
    assert!(answer.starts_with("unavailable tls: certificate"), "{answer}");
}
