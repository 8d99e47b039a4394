//! The router: which door a request goes through, and what every answer carries.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version as HttpVersion};
use axum::middleware::{self, Next};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use user_backend::clock::{later, millis_since, now};

use super::origin::Origin;
use super::problem;
use crate::app::App;
use crate::ocs::code::Version;
use crate::ocs::endpoints::SPOKEN;
use crate::ocs::serve::serve;
use crate::{openapi, pages};

/// No call takes longer.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// What is known about the listener that a request came in by.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// The router of the whole server.
pub fn router(app: App, connection: Connection, metrics: Option<PrometheusHandle>) -> Router {
    let doors = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(tell_metrics))
        .route("/status.php", get(status))
        .merge(pages::router());
    openapi::routes()
        .into_iter()
        .fold(doors, |doors, (path, page)| doors.route(path, page))
        .fallback(ocs)
        .layer(middleware::from_fn(around))
        .layer(Extension(connection))
        .layer(Extension(metrics))
        .with_state(app)
}

/// Whether the server can do its work: the accounts answer.
async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    match app.accounts().credential_epoch().current().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the accounts cannot be reached\n")
        }
    }
}

/// What clients and monitors of the PHP system ask first, before anybody signs in: whether somebody is there, and who.
async fn status(State(app): State<App>) -> Response<Body> {
    let (major, minor, micro) = SPOKEN;
    let version = format!("{major}.{minor}.{micro}");
    let body = serde_json::json!({
        "installed": true,
        "maintenance": false,
        "needsDbUpgrade": false,
        "version": format!("{version}.0"),
        "versionstring": version,
        "edition": "",
        "productname": app.settings().name,
        "extendedSupport": false,
    });
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The metrics, for whoever asks from this machine: they tell how many people fail to sign in.
async fn tell_metrics(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(connection): Extension<Connection>,
    Extension(metrics): Extension<Option<PrometheusHandle>>,
    headers: HeaderMap,
) -> Response<Body> {
    let origin = Origin::of(peer, connection.tls, &headers, &app.trusted_proxies());
    let Some(metrics) = metrics.filter(|_| origin.address.is_loopback()) else {
        return problem(StatusCode::NOT_FOUND, "there is nothing here");
    };
    app.resolver().report_metrics();
    let mut response = Response::new(Body::from(metrics.render()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}

/// The API, or nothing.
async fn ocs(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let Some((version, rest)) = split(&path) else {
        return problem(
            StatusCode::NOT_FOUND,
            "there is nothing here; the API is at /ocs/v1.php and /ocs/v2.php",
        );
    };
    let origin = Origin::of(peer, connection.tls, request.headers(), &app.trusted_proxies());
    serve(&app, version, rest, origin, request).await
}

/// The version of the API that a path is about, and what follows.
fn split(path: &str) -> Option<(Version, &str)> {
    let rest = path.trim_start_matches('/').strip_prefix("ocs/")?.trim_start_matches('/');
    for (name, version) in [("v1.php", Version::V1), ("v2.php", Version::V2)] {
        if let Some(rest) = rest.strip_prefix(name)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return Some((version, rest));
        }
    }
    None
}

/// What every request gets: a number of its own, a time limit, a line in the log, and headers that keep browsers from being
/// clever.
async fn around(request: Request, next: Next) -> Response<Body> {
    let started = now();
    let hosts = request.headers().get_all(HOST).iter().count();
    let id = request_id();
    let (method, path) = (request.method().clone(), pages::loggable(request.uri().path()).to_owned());
    let span = tracing::info_span!("request", id = %id);
    // RFC 9112, 3.2: a proxy may have gone by another one of them.
    let wrong_host = hosts > 1 || (hosts == 0 && request.version() == HttpVersion::HTTP_11);
    let answered = {
        let next = async {
            if wrong_host {
                return problem(StatusCode::BAD_REQUEST, "a request has the header Host, once");
            }
            next.run(request).await
        };
        tokio::time::timeout_at(
            later(started, LONGEST_CALL),
            tracing::Instrument::instrument(next, span.clone()),
        )
        .await
    };
    let mut response = answered
        .unwrap_or_else(|_| problem(StatusCode::SERVICE_UNAVAILABLE, "this took too long, try again later"));
    add(response.headers_mut(), &id);
    let status = response.status().as_u16().to_string();
    metrics::counter!("user_backend_http_requests_total", "method" => known(&method), "status" => status)
        .increment(1);
    metrics::histogram!("user_backend_http_request_seconds").record(started.elapsed().as_secs_f64());
    let _entered = span.enter();
    tracing::info!(%method, path = ?path, status = response.status().as_u16(), ms = millis_since(started), "answered");
    response
}

fn add(headers: &mut HeaderMap, id: &str) {
    const FIXED: &[(&str, &str)] = &[
        ("pragma", "no-cache"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-permitted-cross-domain-policies", "none"),
        ("x-robots-tag", "none"),
        ("x-xss-protection", "1; mode=block"),
    ];
    for (name, value) in FIXED {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none';base-uri 'none';manifest-src 'self';frame-ancestors 'none'",
    ));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

/// A method as a label: those that anybody can make up are one.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::DELETE => "DELETE",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        _ => "other",
    }
}

/// Twenty letters and digits that nobody can guess. Without randomness none: an id that repeats would lie.
fn request_id() -> String {
    accounts::Token::random()
        .map(|token| token.expose().chars().filter(char::is_ascii_alphanumeric).take(20).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_api_say_which_version() {
        for (path, expected) in [
            ("/ocs/v1.php/cloud/users", Some((Version::V1, "/cloud/users"))),
            ("/ocs/v2.php//cloud", Some((Version::V2, "//cloud"))),
            ("//ocs//v1.php", Some((Version::V1, ""))),
            ("/ocs/v1.phpx", None),
            ("/ocs/v3.php/cloud", None),
            ("/", None),
        ] {
            assert_eq!(split(path), expected, "{path}");
        }
    }
}
