//! The layer around an axum router and around a plain service.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;
use user_backend::{Resolver, StaticBackend};
use user_backend_tower::{BasicAuthLayer, ClientAddress, Denial, ForwardedFor, PeerAddress, SignedIn};

const CHALLENGE: &str = "Basic realm=\"Sign in\", charset=\"UTF-8\"";

fn people() -> StaticBackend {
    StaticBackend::new("people").unwrap().with_user("alice", "Wonderland-1").with_user("zoë", "pässword-1")
}

fn resolver() -> Resolver {
    Resolver::builder().backend(people()).build().unwrap()
}

fn app<A: ClientAddress>(layer: BasicAuthLayer<A>) -> Router {
    Router::new()
        .route("/", get(async |user: SignedIn| format!("hello {} of {}", user.name(), user.backend())))
        .layer(layer)
}

fn plain() -> Router {
    app(BasicAuthLayer::new(resolver(), PeerAddress))
}

fn request(peer: &str, credentials: Option<&str>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    if let Some(credentials) = credentials {
        let header = format!("Basic {}", BASE64_STANDARD.encode(credentials));
        request.headers_mut().insert("authorization", header.parse().unwrap());
    }
    request
}

const PEER: &str = "203.0.113.7:4711";

async fn ask(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn right_password_reaches_the_handler() {
    let app = plain();
    let response = ask(&app, request(PEER, Some("Alice:Wonderland-1"))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "hello alice of people");
    let response = ask(&app, request(PEER, Some("zoë:pässword-1"))).await;
    assert_eq!(text(response).await, "hello zoë of people");
}

#[tokio::test]
async fn unknown_user_and_wrong_password_get_one_response() {
    let app = plain();
    let mut seen = Vec::new();
    for credentials in ["alice:wrong", "nope:wrong", "alice:", ":", ":x", "al\0ice:x"] {
        let response = ask(&app, request(PEER, Some(credentials))).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{credentials:?}");
        assert_eq!(header(&response, "www-authenticate"), Some(CHALLENGE));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        seen.push((response.headers().clone(), text(response).await));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}

#[tokio::test]
async fn missing_credentials_get_a_challenge() {
    let response = ask(&plain(), request(PEER, None)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&response, "www-authenticate"), Some(CHALLENGE));
    for other in ["Bearer abc", "Digest username=\"alice\"", "Negotiate abc"] {
        let mut request = request(PEER, None);
        request.headers_mut().insert("authorization", other.parse().unwrap());
        let response = ask(&plain(), request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{other}");
    }
}

#[tokio::test]
async fn unreadable_credentials_are_a_bad_request() {
    for bad in ["Basic", "Basic !!!", "Basic YWxpY2U="] {
        let mut request = request(PEER, None);
        request.headers_mut().insert("authorization", bad.parse().unwrap());
        let response = ask(&plain(), request).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
    let mut twice = request(PEER, Some("alice:Wonderland-1"));
    twice.headers_mut().append("authorization", "Basic YTpi".parse().unwrap());
    assert_eq!(ask(&plain(), twice).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn outage_is_503_with_retry_after() {
    let down = people().unavailable();
    let resolver = Resolver::builder().backend(down).build().unwrap();
    let app = app(BasicAuthLayer::new(resolver, PeerAddress));
    for credentials in ["alice:Wonderland-1", "alice:wrong", "nope:wrong"] {
        let response = ask(&app, request(PEER, Some(credentials))).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{credentials}");
        assert!(header(&response, "retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert_eq!(header(&response, "www-authenticate"), None);
    }
}

/// How many wrong passwords for different names a source may try before it is throttled.
async fn throttled_after<A: ClientAddress>(
    app: &Router,
    make: impl Fn(usize) -> Request<Body>,
    _: &A,
) -> Option<usize> {
    for number in 0..200 {
        let response = ask(app, make(number)).await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(header(&response, "retry-after").unwrap().parse::<u64>().unwrap() >= 1);
            return Some(number);
        }
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    None
}

#[tokio::test(start_paused = true)]
async fn guesses_are_counted_per_client_address() {
    let app = plain();
    let guess = |number: usize| request(PEER, Some(&format!("user{number}:wrong")));
    assert!(throttled_after(&app, guess, &PeerAddress).await.is_some());
    let neighbour = ask(&app, request("203.0.113.8:4711", Some("zoë:pässword-1"))).await;
    assert_eq!(neighbour.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn clients_of_a_proxy_are_distinguished() {
    let forwarded = ForwardedFor::new(["127.0.0.1".parse().unwrap()]);
    let app = app(BasicAuthLayer::new(resolver(), forwarded.clone()));
    let from = |client: &str, credentials: &str| {
        let mut request = request("127.0.0.1:4711", Some(credentials));
        request.headers_mut().insert("x-forwarded-for", client.parse().unwrap());
        request
    };
    let guess = |number: usize| from("203.0.113.7", &format!("user{number}:wrong"));
    assert!(throttled_after(&app, guess, &forwarded).await.is_some());
    let neighbour = ask(&app, from("203.0.113.8", "alice:Wonderland-1")).await;
    assert_eq!(neighbour.status(), StatusCode::OK);
    // What the client itself sent precedes what the proxy added.
    let forged = ask(&app, from("203.0.113.9, 203.0.113.7", "user300:wrong")).await;
    assert_eq!(forged.status(), StatusCode::TOO_MANY_REQUESTS);
    let unreadable = ask(&app, from("unknown", "alice:Wonderland-1")).await;
    assert_eq!(unreadable.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn denying_rule_is_403() {
    let layer = BasicAuthLayer::new(resolver(), PeerAddress)
        .require(|user, parts| user.name().as_str() == "alice" || parts.uri.path() == "/public");
    let app = app(layer);
    assert_eq!(ask(&app, request(PEER, Some("alice:Wonderland-1"))).await.status(), StatusCode::OK);
    let response = ask(&app, request(PEER, Some("zoë:pässword-1"))).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(header(&response, "www-authenticate"), None);
    let wrong = ask(&app, request(PEER, Some("zoë:wrong"))).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "the rule is asked about signed-in users only");
}

#[tokio::test]
async fn response_of_the_application_keeps_status_and_headers() {
    let layer =
        BasicAuthLayer::new(resolver(), PeerAddress).realm("a \"b\" \\ ü").respond_with(|denial: &Denial| {
            Response::new(Body::from(format!("{{\"status\":{}}}", denial.status().as_u16())))
        });
    let app = Router::new().route("/", get(async || "in")).layer(layer);
    let response = ask(&app, request(PEER, None)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenge = r#"Basic realm="a \"b\" \\ ", charset="UTF-8""#;
    assert_eq!(header(&response, "www-authenticate"), Some(challenge));
    assert_eq!(text(response).await, "{\"status\":401}");
}

#[tokio::test]
async fn extractor_without_the_layer_is_a_server_error() {
    let open = Router::new()
        .route("/", get(async |user: SignedIn| user.name().to_string()))
        .route("/maybe", get(async |user: Option<SignedIn>| user.is_some().to_string()));
    let response = ask(&open, request(PEER, Some("alice:Wonderland-1"))).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let mut maybe = request(PEER, None);
    *maybe.uri_mut() = "/maybe".parse().unwrap();
    assert_eq!(text(ask(&open, maybe).await).await, "false");
}

#[tokio::test]
async fn header_is_marked_as_sensitive_for_the_service() {
    let service = tower::service_fn(async |request: Request<Body>| {
        Ok::<_, std::convert::Infallible>(Response::new(Body::from(format!("{:?}", request.headers()))))
    });
    let service = tower::Layer::layer(&BasicAuthLayer::new(resolver(), PeerAddress), service);
    let response = service.oneshot(request(PEER, Some("alice:Wonderland-1"))).await.unwrap();
    assert_eq!(text(response).await, r#"{"authorization": Sensitive}"#);
}

#[tokio::test(start_paused = true)]
async fn dropped_request_still_counts_its_guess() {
    let slow = people().with_delay(Duration::from_secs(5));
    let resolver = Resolver::builder().backend(slow).build().unwrap();
    let app = app(BasicAuthLayer::new(resolver.clone(), PeerAddress));
    let answer = ask(&app, request(PEER, Some("alice:wrong")));
    assert!(tokio::time::timeout(Duration::from_secs(1), answer).await.is_err());
    assert_eq!(resolver.pressure().under_way, 1);
    tokio::time::advance(Duration::from_secs(10)).await;
    let again = ask(&app, request(PEER, Some("alice:wrong"))).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
}
