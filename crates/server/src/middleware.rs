//! What stands around every request: its id, its time limit, its log line, its metrics, security headers.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version as HttpVersion};
use axum::middleware::Next;
use user_backend::clock::{later, millis_since, now};

use crate::problem::problem;

/// No call takes longer.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// What every request gets: an id, a time limit, a line in the log, metrics, and security headers.
pub(crate) async fn request_context(request: Request, next: Next) -> Response<Body> {
    let started = now();
    let hosts = request.headers().get_all(HOST).iter().count();
    let id = request_id();
    let (method, path) = (request.method().clone(), loggable(request.uri().path()).to_owned());
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
    add_headers(response.headers_mut(), &id);
    let status = response.status().as_u16().to_string();
    metrics::counter!("user_backend_http_requests_total", "method" => known(&method), "status" => status)
        .increment(1);
    metrics::histogram!("user_backend_http_request_seconds").record(started.elapsed().as_secs_f64());
    let _entered = span.enter();
    tracing::info!(%method, path = ?path, status = response.status().as_u16(), ms = millis_since(started), "answered");
    response
}

fn add_headers(headers: &mut HeaderMap, id: &str) {
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

/// A path for the log, without the token of a reset link.
fn loggable(path: &str) -> &str {
    const SECRET: &str = "/lostpassword/reset/";
    match path.find(SECRET) {
        Some(at) => path.get(..at + SECRET.len()).unwrap_or(SECRET),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_no_token() {
        assert_eq!(loggable("/lostpassword/reset/abc"), "/lostpassword/reset/");
        assert_eq!(loggable("//cloud/lostpassword/reset/abc/d"), "//cloud/lostpassword/reset/");
        assert_eq!(loggable("/settings"), "/settings");
    }

    #[test]
    fn mails_point_to_the_page_that_takes_tokens() {
        assert_eq!(loggable(&format!("/{}x", accounts::reset::RESET_PATH)), "/lostpassword/reset/");
    }
}
