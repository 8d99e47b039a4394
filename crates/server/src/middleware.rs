//! Middleware of every request: id, time limit, log line, metrics, security headers.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, HOST, HeaderName, STRICT_TRANSPORT_SECURITY,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version as HttpVersion};
use axum::middleware::Next;
use user_backend::clock::{later, millis_since, now};

use crate::auth::client_address::{Connection, Origin};
use crate::auth::trusted_host;
use crate::frontends::nginx_mail;
use crate::problem::problem;
use crate::request_body::Remainder;
use crate::state::AppState;
use crate::warnings::WarningKind;

/// No call takes longer.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// Adds an id, a time limit, a log line, metrics and security headers to every request.
pub(crate) async fn request_context(
    State((app, connection)): State<(AppState, Connection)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let started = now();
    let id = request_id();
    let (method, path) = (request.method().clone(), loggable(request.uri().path()).to_owned());
    let span = tracing::info_span!("request", id = %id);
    let remainder = Remainder::of(&mut request);
    request.extensions_mut().insert(connection);
    let admitted = {
        let _entered = span.enter();
        admit(&app, peer, connection, &mut request)
    };
    let answered = {
        let next = async {
            match admitted {
                Ok(()) => next.run(request).await,
                Err(text) => problem(StatusCode::BAD_REQUEST, text),
            }
        };
        tokio::time::timeout_at(
            later(started, LONGEST_CALL),
            tracing::Instrument::instrument(next, span.clone()),
        )
        .await
    };
    let mut response = answered
        .unwrap_or_else(|_| problem(StatusCode::SERVICE_UNAVAILABLE, "this took too long, try again later"));
    add_headers(response.headers_mut(), &id, connection);
    if let Some(remainder) = remainder
        && !remainder.drain().await
    {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let status = response.status().as_u16().to_string();
    metrics::counter!("user_backend_http_requests_total", "method" => known(&method), "status" => status)
        .increment(1);
    metrics::histogram!("user_backend_http_request_seconds").record(started.elapsed().as_secs_f64());
    let _entered = span.enter();
    tracing::info!(%method, path = ?path, status = response.status().as_u16(), ms = millis_since(started), "answered");
    response
}

/// Determines the client's address, and refuses an untrusted host or origin.
///
/// `/healthz` is always answered.
fn admit(
    app: &AppState,
    peer: SocketAddr,
    connection: Connection,
    request: &mut Request,
) -> Result<(), &'static str> {
    let (headers, is_health) = (request.headers(), request.uri().path() == "/healthz");
    let hosts = headers.get_all(HOST).iter().count();
    // RFC 9112, 3.2: a proxy may have gone by another one of them.
    if hosts > 1 || (hosts == 0 && request.version() == HttpVersion::HTTP_11) {
        return Err("a request has the header Host, once");
    }
    if !is_health && !trusted_host::is_ours(&app.settings(), request.uri(), headers) {
        app.warn_about(
            WarningKind::Host,
            format_args!(
                "refused: the request is for a host that is not one of this server's ({:?}); if it is, name it in \
                 public_url or trusted_hosts of [server]",
                headers.get(HOST)
            ),
        );
        return Err(
            "this server does not answer under the name in the header Host; an operator adds names of it to \
                    trusted_hosts in [server]",
        );
    }
    match Origin::of(peer, connection.tls, headers, &app.trusted_proxies()) {
        Ok(origin) => {
            // nginx's mail proxy names its client in a header of its own.
            let is_mail_proxy = request.uri().path() == nginx_mail::PATH;
            if origin.unnamed_proxy && !is_mail_proxy {
                app.warn_about(
                    WarningKind::Proxy,
                    format_args!(
                        "requests are forwarded by {}, which is not named in trusted_proxies of [resolver]: its address \
                         counts for all of its clients, and it has none of the rights of this machine",
                        origin.address
                    ),
                );
            }
            if origin.silent_proxy && !is_mail_proxy {
                app.warn_about(
                    WarningKind::Proxy,
                    format_args!(
                        "the trusted proxy {} sends no X-Forwarded-For: its address counts for all of its clients",
                        origin.address
                    ),
                );
            }
            request.extensions_mut().insert(origin);
            Ok(())
        }
        Err(_) if is_health => Ok(()),
        Err(error) => {
            app.warn_about(
                WarningKind::Proxy,
                format_args!("refused: a request of the trusted proxy {peer}: {error}"),
            );
            Err("X-Forwarded-For cannot be read: the entry that the trusted proxy wrote is not an IP address")
        }
    }
}

fn add_headers(headers: &mut HeaderMap, id: &str, connection: Connection) {
    // Half a year. A proxy that ends TLS sends its own.
    if connection.tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=15552000"));
    }
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

/// The method as a metric label; unknown ones share one label.
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

/// Twenty unguessable letters and digits; `None` without randomness.
///
/// A repeated id would be misleading.
fn request_id() -> String {
    accounts::Token::random()
        .map(|token| token.expose().chars().filter(char::is_ascii_alphanumeric).take(20).collect())
        .unwrap_or_default()
}

/// A path for the log, without the token of a link.
fn loggable(path: &str) -> &str {
    for before in [accounts::RESET_PATH, accounts::CONFIRMATION_PATH, accounts::LOGIN_FLOW_PATH] {
        if let Some(at) = path.find(before) {
            return path.get(..at + before.len()).unwrap_or(before);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_has_no_token() {
        assert_eq!(loggable("/lostpassword/reset/abc"), "/lostpassword/reset/");
        assert_eq!(loggable("//cloud/lostpassword/reset/abc/d"), "//cloud/lostpassword/reset/");
        assert_eq!(loggable("/address/confirm/abc"), "/address/confirm/");
        assert_eq!(loggable("/login/v2/flow/abc"), "/login/v2/flow/");
        assert_eq!(loggable("/settings"), "/settings");
    }

    #[test]
    fn mails_link_to_the_token_page() {
        assert_eq!(loggable(&format!("/{}x", accounts::RESET_PATH)), "/lostpassword/reset/");
        assert_eq!(loggable(&format!("/{}x", accounts::CONFIRMATION_PATH)), "/address/confirm/");
    }
}
