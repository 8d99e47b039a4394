//! Every example does what it says.

#![allow(dead_code, unreachable_pub, reason = "the examples are programs of their own")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;
use user_backend::resolver::PinStore;
use user_backend::{BackendId, CanonicalName, Config, Credentials, Resolver, StaticBackend};
use user_backend_tower::ForwardedFor;

#[path = "../axum_basic.rs"]
mod axum_basic;
#[path = "../axum_form.rs"]
mod axum_form;
#[path = "../axum_session.rs"]
mod axum_session;
#[path = "../command_line.rs"]
mod command_line;
#[path = "../custom_backend.rs"]
mod custom_backend;
#[path = "../hyper_basic.rs"]
mod hyper_basic;
#[path = "../metrics_exporter.rs"]
mod metrics_exporter;
#[path = "../reload.rs"]
mod reload;
#[path = "../sqlite_pins.rs"]
mod sqlite_pins;

fn people() -> StaticBackend {
    StaticBackend::new("people").unwrap().with_user("alice", "Wonderland-1")
}

fn resolver(people: StaticBackend) -> Resolver {
    Resolver::builder().backend(people).build().unwrap()
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(credentials))
}

async fn ask(app: &Router, request: Request<Body>) -> Response<Body> {
    let mut request = request;
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 7], 4711))));
    app.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn axum_basic_protects_only_its_routes() {
    let app = axum_basic::app(axum_basic::resolver(None).unwrap());
    let get = |path: &str, credentials: &str| {
        Request::get(path).header("authorization", basic(credentials)).body(Body::empty()).unwrap()
    };
    assert_eq!(text(ask(&app, get("/", "bob:Builder-22")).await).await, "Hello bob, known to people\n");
    assert_eq!(ask(&app, get("/", "bob:wrong")).await.status(), StatusCode::UNAUTHORIZED);
    let about = Request::get("/about").body(Body::empty()).unwrap();
    assert_eq!(ask(&app, about).await.status(), StatusCode::OK);
}

fn form(credentials: &str) -> Request<Body> {
    let request = Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
    request.body(Body::from(credentials.to_owned())).unwrap()
}

fn with_cookie(path: &str, response: &Response<Body>) -> Request<Body> {
    let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn axum_form_keeps_a_session() {
    let app = axum_form::app(resolver(people()));
    let start = ask(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(start.headers()["location"], "/login");
    let wrong = ask(&app, form("name=alice&password=wrong")).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let signed_in = ask(&app, form("name=Alice&password=Wonderland-1")).await;
    assert_eq!(signed_in.headers()["location"], "/");
    let home = ask(&app, with_cookie("/", &signed_in)).await;
    assert_eq!(text(home).await, "Hello alice");
}

#[tokio::test]
async fn axum_form_says_outage_and_not_wrong_password() {
    let app = axum_form::app(resolver(people().unavailable()));
    let response = ask(&app, form("name=alice&password=Wonderland-1")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(response).await.contains("yours may well be right"));
}

fn with_own_sessions(resolver: Resolver) -> Router {
    axum_session::app(resolver, ForwardedFor::new(["203.0.113.0/24".parse().unwrap()]))
}

#[tokio::test]
async fn axum_session_ends_with_its_sign_in() {
    let resolver = resolver(people());
    let app = with_own_sessions(resolver.clone());
    let signed_in = ask(&app, form("name=Alice&password=Wonderland-1")).await;
    assert_eq!(signed_in.headers()["location"], "/");
    assert_eq!(text(ask(&app, with_cookie("/", &signed_in)).await).await, "Hello alice");
    resolver.invalidate_user(&CanonicalName::parse("alice").unwrap());
    assert_eq!(ask(&app, with_cookie("/", &signed_in)).await.headers()["location"], "/login");
}

#[tokio::test]
async fn axum_session_denies_with_the_fitting_status() {
    let app = with_own_sessions(resolver(people()));
    let wrong = ask(&app, form("name=alice&password=wrong")).await;
    assert_eq!(
        (wrong.status(), text(wrong).await.as_str()),
        (StatusCode::UNAUTHORIZED, "Wrong name or password.\n")
    );
    let mut unreadable = form("name=alice&password=Wonderland-1");
    unreadable.headers_mut().insert("x-forwarded-for", "somewhere".parse().unwrap());
    assert_eq!(ask(&app, unreadable).await.status(), StatusCode::BAD_REQUEST);
    let app = with_own_sessions(resolver(people().unavailable()));
    let outage = ask(&app, form("name=alice&password=x")).await;
    assert_eq!(outage.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(outage.headers().contains_key("retry-after") && outage.headers()["cache-control"] == "no-store");
}

#[tokio::test]
async fn hyper_basic_answers_over_a_socket() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(hyper_basic::serve(listener, resolver(people())));
    for (credentials, status, body) in [
        ("alice:Wonderland-1", "HTTP/1.1 200 OK", "Hello alice\n"),
        ("alice:wrong", "HTTP/1.1 401 Unauthorized", "Wrong name or password.\n"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let header = basic(credentials);
        let request =
            format!("GET / HTTP/1.1\r\nhost: x\r\nauthorization: {header}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(status) && answer.ends_with(body), "{answer}");
    }
}

#[tokio::test]
async fn command_line_exit_codes_follow_the_outcome() {
    for (people, password, code) in
        [(people(), "Wonderland-1", 0), (people(), "wrong", 1), (people().unavailable(), "Wonderland-1", 3)]
    {
        let answer = resolver(people).authenticate(Credentials::new("alice", password)).await;
        assert_eq!(command_line::verdict(&answer.outcome).0, code);
    }
}

#[test]
fn custom_backend_keeps_the_contract() {
    custom_backend::main().unwrap();
}

#[test]
fn metrics_exporter_counts_the_sign_ins() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(metrics_exporter::three_sign_ins())).unwrap();
    let text = handle.render();
    assert!(text.contains("authenticated") && text.contains("refused"), "{text}");
    assert!(text.contains("rule=\"cached_acceptance\"} 1"), "{text}");
    assert!(text.contains("user_backend_cache_outcomes{kind=\"accepted\"} 1"), "{text}");
}

#[tokio::test]
async fn reload_takes_changes_over_and_refuses_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("user-backend.toml");
    let entry = |host: &str| {
        format!(
            "[[user_backends]]\nid = \"mail\"\nclass = \"imap\"\nhost = \"{host}\"\nport = 1\ntls = \"implicit\"\n"
        )
    };
    std::fs::write(&file, entry("127.0.0.1")).unwrap();
    let resolver = Resolver::from_config(&Config::load(&file).unwrap()).unwrap();
    let summary = reload::reload(&resolver, &file).await.unwrap();
    assert_eq!(summary, "1 kept, 0 changed, 0 added, 0 removed");
    std::fs::write(&file, entry("127.0.0.2")).unwrap();
    let summary = reload::reload(&resolver, &file).await.unwrap();
    assert_eq!(summary, "0 kept, 1 changed, 0 added, 0 removed");
    std::fs::write(&file, "nonsense").unwrap();
    reload::reload(&resolver, &file).await.unwrap_err();
    assert_eq!(resolver.backends().len(), 1);
}

#[tokio::test]
async fn sqlite_pins_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pins.db");
    let pins = Arc::new(sqlite_pins::SqlitePins::open(&file).await.unwrap());
    let first = Resolver::builder().backend(people()).pins(Arc::clone(&pins) as Arc<_>).build().unwrap();
    let answer = first.authenticate(Credentials::new("Alice", "Wonderland-1")).await;
    assert!(answer.authenticated().is_some());
    drop(first);

    // After a restart another backend has a user of that name: it does not get the account.
    let pins = Arc::new(sqlite_pins::SqlitePins::open(&file).await.unwrap());
    let other = StaticBackend::new("other").unwrap().with_user("alice", "Other-1");
    let resolver = Resolver::builder()
        .backend(other)
        .backend(people())
        .pins(Arc::clone(&pins) as Arc<_>)
        .build()
        .unwrap();
    assert!(resolver.authenticate(Credentials::new("alice", "Other-1")).await.authenticated().is_none());
    let answer = resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
    assert_eq!(answer.authenticated().unwrap().backend().as_str(), "people");

    let alice = CanonicalName::parse("alice").unwrap();
    let other = BackendId::parse("other").unwrap();
    let owner = pins.bind(&alice, &other, Some("ALICE")).await.unwrap();
    assert_eq!((owner.backend.as_str(), owner.spelling.as_deref()), ("people", Some("Alice")));
    let before = pins.rebind(&alice, Some(&other)).await.unwrap();
    assert_eq!(before.map(|id| id.to_string()).as_deref(), Some("people"));
    let owner = pins.owner(&alice).await.unwrap().unwrap();
    assert_eq!((owner.backend.as_str(), owner.spelling), ("other", None));
    assert_eq!(pins.rebind(&alice, None).await.unwrap(), Some(other));
    assert_eq!(pins.owner(&alice).await.unwrap(), None);
}
