//! Forward-auth: a reverse proxy asks about every request.
//!
//! If the answer is 200, it passes the request on to an application.
//!
//! nginx calls this `auth_request`, Caddy `forward_auth`, Traefik `forwardAuth`, and Envoy
//! `ext_authz`. The credentials are those of the request itself: HTTP Basic, a token, or the
//! session cookie.
//!
//! # Security
//! Only trusted proxies and this machine may ask, because their word decides which host and path a
//! rule is about. A request that two programs may read differently is refused. The answer
//! has all `Remote-*` headers, empty ones too, so that a proxy replaces what a client made up.

use std::net::SocketAddr;
use std::time::Duration;

use accounts::{
    AccountsError, ForwardAuthRule, ForwardAuthSettings, GroupId, LoginRedirect, Permissions, RequestPath,
};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::header::{ACCEPT, HOST, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::routing::any;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use user_backend::Outcome;
use user_backend_tower::AuthorizationHeader;

use crate::auth::client_address::Origin;
use crate::auth::cookie::Cookie;
use crate::auth::proof::{Accepted, ActiveSession, Proof};
use crate::auth::sign_in::Accepts;
use crate::auth::token_shape::is_token_shaped;
use crate::problem::{not_found, plaintext, problem};
use crate::settings::ServerSettings;
use crate::state::AppState;
use crate::warnings::WarningKind;
use crate::web::redirect::allowed_origin;

/// Where proxies ask.
///
/// Envoy appends the path of the request.
const PATH: &str = "/auth/forward";

/// How long a proxy waits while the store cannot be asked.
const STORE_RETRY: Duration = Duration::from_secs(1);

const NOT_A_PROXY: &str = "only this machine and the proxies in trusted_proxies of [resolver] may ask here";

const UNCLEAR: &str = "the proxy does not say clearly which host and path the request is for";

const WRONG: &str = "wrong name or password";

const NOT_SIGNED_IN: &str = "sign in first";

/// The routes of the frontend.
pub(crate) fn router() -> Router<AppState> {
    let appended = [String::new(), "/".to_owned(), "/{*asked}".to_owned()];
    appended.iter().fold(Router::new(), |router, rest| router.route(&format!("{PATH}{rest}"), any(answer)))
}

async fn answer(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let settings = app.settings();
    let Some(forward) = &settings.frontends.forward_auth else { return not_found() };
    let (parts, _) = request.into_parts();
    let peer = peer.ip().to_canonical();
    if !origin.local && !app.trusted_proxies().iter().any(|network| network.contains(peer)) {
        return problem(StatusCode::FORBIDDEN, NOT_A_PROXY);
    }
    if !origin.private && !settings.allow_plaintext {
        return problem(StatusCode::FORBIDDEN, plaintext(&origin));
    }
    let Ok(request) = AskedFor::of(&parts) else { return unclear(&app, origin) };
    let accepted = match identify(&app, &settings, origin, &parts.headers).await {
        Ok(Some(accepted)) => accepted,
        Ok(None) => return sign_in_first(&settings, forward, origin, &request, &parts.headers),
        Err(NotAccepted::Refused) => return challenge(forward, WRONG),
        Err(NotAccepted::Later(status, wait)) => return later(status, wait),
        Err(NotAccepted::Broken) => {
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "the accounts cannot be read");
        }
    };
    let Accepted { proof, standing } = accepted;
    let (user, source) = (standing.user.id.as_str(), origin.address);
    if let Proof::ServiceToken(_, service) = &proof
        && !service.scopes.allow_frontend(&forward.name)
    {
        tracing::info!(target: "audit", ?user, %source, frontend = "forward_auth", "service token without the scope");
        let text = format!("this service token needs the scope frontend:{}", forward.name);
        return problem(StatusCode::FORBIDDEN, &text);
    }
    match decide(&forward.rules, &request, &standing.groups) {
        Decision::Allowed => identity(&standing),
        Decision::Denied => {
            let host = request.host.as_deref().unwrap_or_default();
            tracing::info!(target: "audit", ?user, %source, frontend = "forward_auth", ?host, "denied by a rule");
            problem(StatusCode::FORBIDDEN, "your account may not open this")
        }
        Decision::Unclear => unclear(&app, origin),
    }
}

/// Why there is no user.
enum NotAccepted {
    /// Wrong credentials.
    Refused,
    /// Nothing was decided: 429 or 503, and how long to wait.
    Later(StatusCode, Duration),
    /// The store failed.
    Broken,
}

impl From<AccountsError> for NotAccepted {
    fn from(error: AccountsError) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "the store cannot be asked");
            return Self::Later(StatusCode::SERVICE_UNAVAILABLE, STORE_RETRY);
        }
        tracing::error!(%error, "the store failed");
        Self::Broken
    }
}

impl From<Outcome> for NotAccepted {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Throttled { retry_after, .. } => Self::Later(StatusCode::TOO_MANY_REQUESTS, retry_after),
            Outcome::Unavailable { retry_after } => Self::Later(StatusCode::SERVICE_UNAVAILABLE, retry_after),
            // Accepted without an account.
            Outcome::Refused(_) | Outcome::Authenticated(_) => Self::Refused,
        }
    }
}

/// The user of a request; `None` without credentials of this server.
///
/// HTTP Basic and our tokens decide alone. What else is in `Authorization` is the application's,
/// and the session cookie counts.
async fn identify(
    app: &AppState,
    settings: &ServerSettings,
    origin: Origin,
    headers: &HeaderMap,
) -> Result<Option<Accepted>, NotAccepted> {
    let from = origin.address;
    match AuthorizationHeader::of(headers) {
        Ok(AuthorizationHeader::Basic { name, password }) => {
            Ok(Some(app.sign_in(&name, &password, from, Accepts::ForwardAuth).await??))
        }
        Ok(AuthorizationHeader::Bearer(token)) if is_token_shaped(&token) => {
            Ok(Some(app.sign_in_with_token(&token, from, Accepts::ForwardAuth).await??))
        }
        Ok(AuthorizationHeader::Nothing | AuthorizationHeader::Other | AuthorizationHeader::Bearer(_)) => {
            let kind = Cookie::of(settings, &origin);
            let Some(cookie) = kind.read(headers) else { return Ok(None) };
            Ok(app.session(cookie).await?.map(ActiveSession::accepted))
        }
        Err(_) => Err(NotAccepted::Refused),
    }
}

/// What a proxy says about the request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AskedFor {
    /// As in `Host`, in lower case: with a port if it has one.
    host: Option<String>,
    /// Path and query, as in the request line.
    uri: Option<String>,
    /// Whether a browser could come back to it after signing in.
    is_get: bool,
}

/// The proxy contradicts itself, or a client added a header of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclear;

impl AskedFor {
    /// Reads what Envoy appends to the path, or else the headers.
    ///
    /// A proxy sends one kind of them; the other kind may come from the client, so it must not say
    /// something else.
    pub(super) fn of(parts: &Parts) -> Result<Self, Unclear> {
        let headers = &parts.headers;
        let appended = parts.uri.path().strip_prefix(PATH).filter(|rest| !rest.is_empty());
        if let Some(path) = appended {
            let uri = match parts.uri.query() {
                Some(query) => format!("{path}?{query}"),
                None => path.to_owned(),
            };
            let host = only(headers, &HOST)?.map(str::to_ascii_lowercase);
            let is_get = parts.method.is_safe();
            return Ok(Self { host, uri: Some(uri), is_get });
        }
        let text = |name| only(headers, &HeaderName::from_static(name));
        let mut host = text("x-forwarded-host")?.map(str::to_ascii_lowercase);
        let mut uri = text("x-forwarded-uri")?.map(str::to_owned);
        if let Some(url) = text("x-original-url")? {
            let (other_host, other_uri) = split_url(url)?;
            merge(&mut host, other_host)?;
            merge(&mut uri, Some(other_uri))?;
        }
        let method = match (text("x-forwarded-method")?, text("x-original-method")?) {
            (Some(one), Some(other)) if one != other => return Err(Unclear),
            (one, other) => one.or(other),
        };
        Ok(Self { host, uri, is_get: method.is_none_or(|method| matches!(method, "GET" | "HEAD")) })
    }

    /// The path, decoded, if proxies and applications agree on what it is.
    ///
    /// Encoded slashes, dot and empty segments, parameters, what may be decoded twice, and what may
    /// end the path, before or after decoding, are read differently by different programs. A
    /// request line has no fragment, so some programs do not cut at `#`.
    pub(super) fn path(&self) -> Option<RequestPath> {
        let raw = self.uri.as_deref()?.split('?').next()?;
        let path = percent_decode_str(raw).decode_utf8().ok()?;
        let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
        (slashes(&path) == slashes(raw)).then(|| RequestPath::parse(&path))?
    }

    /// The host without its port.
    pub(super) fn host_name(&self) -> Option<&str> {
        let host = self.host.as_deref()?;
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        Some(name.trim_end_matches('.'))
    }
}

/// The one value of a header.
///
/// An empty header counts as absent: this is how proxies remove a header.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Unclear> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| Unclear)?.trim();
    if values.next().is_some() {
        return Err(Unclear);
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Host and path of `X-Original-URL`: an absolute address, or a path.
fn split_url(url: &str) -> Result<(Option<String>, String), Unclear> {
    if url.starts_with('/') {
        return Ok((None, url.to_owned()));
    }
    let (_, rest) = url.split_once("://").ok_or(Unclear)?;
    let (host, uri) = rest.find('/').and_then(|at| rest.split_at_checked(at)).ok_or(Unclear)?;
    if host.contains(['?', '#', '@', '\\']) {
        return Err(Unclear);
    }
    Ok((Some(host.to_ascii_lowercase()), uri.to_owned()))
}

fn merge(known: &mut Option<String>, other: Option<String>) -> Result<(), Unclear> {
    match (&known, other) {
        (Some(known), Some(other)) if *known != other => Err(Unclear),
        (None, other) => {
            *known = other;
            Ok(())
        }
        _ => Ok(()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Allowed,
    Denied,
    Unclear,
}

/// The first rule that matches decides.
///
/// Where there are rules, what none of them matches is denied: a client can make up a host that
/// leads to the same application. A rule that may or may not match denies access.
fn decide(rules: &[ForwardAuthRule], request: &AskedFor, groups: &[GroupId]) -> Decision {
    let path = request.path();
    for rule in rules {
        if let Some(wanted) = &rule.host {
            match request.host_name() {
                Some(host) if host == wanted.as_str() => {}
                Some(_) => continue,
                None => return Decision::Unclear,
            }
        }
        if let Some(wanted) = &rule.path {
            match path.as_ref().and_then(|path| wanted.covers(path)) {
                Some(true) => {}
                Some(false) => continue,
                None => return Decision::Unclear,
            }
        }
        let may = rule.groups.as_ref().is_none_or(|any| any.iter().any(|group| groups.contains(group)));
        return if may { Decision::Allowed } else { Decision::Denied };
    }
    if rules.is_empty() { Decision::Allowed } else { Decision::Denied }
}

/// Who it is, for the application.
fn identity(standing: &Permissions) -> Response<Body> {
    let user = &standing.user;
    // A comma in a group's id would make two groups of it.
    let groups = standing.groups.iter().map(GroupId::as_str);
    let groups: Vec<_> = groups.filter(|id| !id.contains(|c: char| c == ',' || c.is_control())).collect();
    let mut response = Response::new(Body::empty());
    for (name, value) in [
        ("remote-user", user.id.as_str()),
        ("remote-name", user.display_name_or_id()),
        ("remote-email", user.confirmed_email.as_deref().unwrap_or_default()),
        ("remote-groups", &groups.join(",")),
    ] {
        let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else {
            return problem(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the account has a name that fits in no header",
            );
        };
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

/// For a request without credentials: to the login page and back, or a challenge.
fn sign_in_first(
    settings: &ServerSettings,
    forward: &ForwardAuthSettings,
    origin: Origin,
    request: &AskedFor,
    headers: &HeaderMap,
) -> Response<Body> {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let in_background = headers.get("x-requested-with").is_some_and(|value| value == "XMLHttpRequest");
    let is_page = request.is_get && !in_background && accept.to_ascii_lowercase().contains("text/html");
    let login = is_page.then(|| login_page(settings, origin, request)).flatten();
    let status = match forward.login_redirect {
        LoginRedirect::Redirect => StatusCode::SEE_OTHER,
        LoginRedirect::Location => StatusCode::UNAUTHORIZED,
        _ => return challenge(forward, NOT_SIGNED_IN),
    };
    let Some(login) = login.and_then(|login| HeaderValue::from_str(&login).ok()) else {
        return challenge(forward, NOT_SIGNED_IN);
    };
    let mut response = problem(status, NOT_SIGNED_IN);
    response.headers_mut().insert(LOCATION, login);
    response
}

/// The login page, which redirects back to the request; `None` for a disallowed host.
fn login_page(settings: &ServerSettings, origin: Origin, request: &AskedFor) -> Option<String> {
    let (host, uri) = (request.host.as_deref()?, request.uri.as_deref()?);
    let scheme = if origin.encrypted { "https" } else { "http" };
    let back = [uri, "/"].map(|uri| format!("{scheme}://{host}{uri}"));
    let back = back.iter().find(|back| allowed_origin(settings, back).is_some())?;
    let back = utf8_percent_encode(back, NON_ALPHANUMERIC);
    Some(format!("{}/login?redirect_url={back}", settings.public_url()))
}

/// Asks for a name and a password.
fn challenge(forward: &ForwardAuthSettings, text: &str) -> Response<Body> {
    let mut response = problem(StatusCode::UNAUTHORIZED, text);
    let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", forward.name);
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn later(status: StatusCode, wait: Duration) -> Response<Body> {
    let text = match status {
        StatusCode::TOO_MANY_REQUESTS => "too many failed sign-ins, try again later",
        _ => "passwords cannot be checked at the moment, try again later",
    };
    let mut response = problem(status, text);
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

fn unclear(app: &AppState, origin: Origin) -> Response<Body> {
    app.warn_about(
        WarningKind::Proxy,
        format_args!("refused: forward-auth for a client at {}: {UNCLEAR}", origin.address),
    );
    problem(StatusCode::FORBIDDEN, UNCLEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, headers: &[(&'static str, &str)]) -> Result<AskedFor, Unclear> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        AskedFor::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn every_proxy_is_understood() {
        let expected = AskedFor { host: Some("wiki.test".into()), uri: Some("/a?b".into()), is_get: true };
        for (target, headers) in [
            ("/auth/forward", vec![("x-forwarded-host", "Wiki.test"), ("x-forwarded-uri", "/a?b")]),
            ("/auth/forward", vec![("x-original-url", "https://wiki.test/a?b")]),
            (
                "/auth/forward",
                vec![
                    ("x-original-url", "https://wiki.test/a?b"),
                    ("x-forwarded-host", "wiki.test"),
                    ("x-forwarded-method", "HEAD"),
                ],
            ),
            ("/auth/forward/a?b", vec![("host", "wiki.test"), ("x-forwarded-host", "evil.test")]),
        ] {
            assert_eq!(request(target, &headers).unwrap(), expected, "{target} {headers:?}");
        }
        assert_eq!(request("/auth/forward", &[]).unwrap(), AskedFor { is_get: true, ..AskedFor::default() });
        assert!(!request("/auth/forward", &[("x-forwarded-method", "POST")]).unwrap().is_get);
    }

    #[test]
    fn contradicting_headers_are_unclear() {
        for headers in [
            [("x-forwarded-uri", "/public"), ("x-forwarded-uri", "/admin")],
            [("x-forwarded-host", "a.test"), ("x-forwarded-host", "b.test")],
            [("x-original-url", "https://a.test/admin"), ("x-forwarded-uri", "/public")],
            [("x-original-url", "https://a.test/"), ("x-forwarded-host", "b.test")],
            [("x-original-url", "/admin"), ("x-forwarded-uri", "/public")],
            [("x-original-url", "https://a.test?/public"), ("x-forwarded-host", "a.test")],
            [("x-original-url", "a.test"), ("x-forwarded-host", "a.test")],
            [("x-original-method", "GET"), ("x-forwarded-method", "POST")],
            [("x-forwarded-uri", "/\u{e4}"), ("x-forwarded-host", "a.test")],
        ] {
            assert_eq!(request("/auth/forward", &headers), Err(Unclear), "{headers:?}");
        }
    }

    fn rules() -> Vec<ForwardAuthRule> {
        serde_json::from_str(
            r#"[
                {"host": "wiki.test", "path": "/public"},
                {"host": "wiki.test", "path": "/admin", "groups": ["staff", "admin"]},
                {"host": "wiki.test", "path": "/closed", "groups": []},
                {"host": "files.test", "groups": ["staff"]},
                {"host": "wiki.test"}
            ]"#,
        )
        .unwrap()
    }

    #[test]
    fn first_matching_rule_decides() {
        let rules = rules();
        for (host, uri, groups, expected) in [
            ("wiki.test", "/public/a", &[][..], Decision::Allowed),
            ("wiki.test", "/admin", &[], Decision::Denied),
            ("wiki.test:8443", "/admin/x?y=/public", &["other"], Decision::Denied),
            ("wiki.test.", "/admin", &[], Decision::Denied),
            ("wiki.test", "/%61dmin/", &[], Decision::Denied),
            ("wiki.test", "/admin/x", &["other", "staff"], Decision::Allowed),
            ("wiki.test", "/administration", &[], Decision::Allowed),
            ("wiki.test", "/closed", &["admin", "staff"], Decision::Denied),
            ("wiki.test", "/", &[], Decision::Allowed),
            ("files.test", "/admin", &["admin"], Decision::Denied),
            ("files.test", "/..%2f;\\#", &["staff"], Decision::Allowed),
            // However it is read, no rule with a path is about it.
            ("wiki.test", "/Acme_Inc.", &[], Decision::Allowed),
            ("wiki.test", "/public/Acme_Inc./a%20b?x=%23", &[], Decision::Allowed),
            ("wiki.test", "/caff%c3%a8/caffe%cc%80~1", &[], Decision::Allowed),
            ("other.test", "/public", &["admin", "staff"], Decision::Denied),
        ] {
            let request = AskedFor { host: Some(host.into()), uri: Some(uri.into()), is_get: true };
            let groups: Vec<_> = groups.iter().map(|id| GroupId::parse(id).unwrap()).collect();
            assert_eq!(decide(&rules, &request, &groups), expected, "{host} {uri} {groups:?}");
        }
    }

    #[test]
    fn ambiguous_path_is_unclear() {
        let rules = rules();
        let staff = [GroupId::parse("staff").unwrap()];
        for uri in [
            "/public/../admin",
            "/public/%2e%2e/admin",
            "/public/..%2fadmin",
            "/public%2fadmin",
            "/public/./x",
            "//admin",
            "/public//admin",
            "/admin;x",
            "/public/..;/admin",
            "/public\\..\\admin",
            "/public/%5c",
            "/%2561dmin",
            "/public/%00",
            "/public/%ff",
            "/public/%zz",
            "/x#/../admin",
            "/#/../admin",
            "/public#",
            "/public#?x",
            "/public/%23",
            "/admin%23",
            "/admin%3fx",
            "/public%3F/../admin",
            "/public/%0a",
            "/public/%7f",
            "/public/%c2%85",
            "/public/%e2%80%8b/x",
            "/public/%ef%bc%8e%ef%bc%8e/admin",
            "/public%ef%bc%8fadmin",
            "/public/%e2%80%a5/admin",
            "/public/.../admin",
            "/public/%20/admin",
            "/public/.%20/admin",
            "/admin.",
            "/admin%20",
            "/admin%20.%20/x",
            "/admin./x",
            "/public./",
            "admin",
            "*",
            "http://wiki.test/public",
            "",
        ] {
            let request = AskedFor { host: Some("wiki.test".into()), uri: Some(uri.into()), is_get: true };
            assert_eq!(decide(&rules, &request, &staff), Decision::Unclear, "{uri}");
        }
        assert_eq!(decide(&rules, &AskedFor::default(), &staff), Decision::Unclear);
        assert_eq!(decide(&[], &AskedFor::default(), &[]), Decision::Allowed);
    }
}
