//! Corrects API addresses: removes the prefix of old clients, and gives a hint.
//!
//! The hint is for clients that look for the API at another address.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::envelope::code::{Code, Version};
use super::envelope::format::Format;
use super::envelope::{OcsFailure, seal};
use crate::openapi::url_for_caller;
use crate::problem::not_found;
use crate::settings::ServerSettings;

/// The path prefix for web servers without URL rewriting, as PHP-system clients send it.
const FRONT_CONTROLLER: &str = "/index.php";

/// Takes `/index.php` from the beginning of a path.
pub(crate) fn without_front_controller(mut request: Request) -> Request {
    if let Some(uri) = rewritten(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn rewritten(uri: &Uri) -> Option<Uri> {
    let rest = uri.path().strip_prefix(FRONT_CONTROLLER)?;
    let rest = match rest {
        "" => "/",
        rest if rest.starts_with('/') => rest,
        _ => return None,
    };
    // For this machine only: a proxy that keeps others from them knows them by their own names.
    if matches!(rest.trim_start_matches('/'), "metrics" | "readyz") {
        return None;
    }
    let rest = match uri.query() {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

/// Whether a request for this path was meant for the API.
pub(crate) fn is_meant(path: &str) -> bool {
    path.split('/').any(|segment| segment == "ocs" || matches!(segment, "v1.php" | "v2.php"))
}

/// Says where the API is, in the format that the client accepts.
pub(crate) fn show(settings: &ServerSettings, headers: &HeaderMap, is_encrypted: bool) -> Response<Body> {
    let url = url_for_caller(settings, headers, is_encrypted);
    let message = "There is nothing at this address";
    let hint =
        format!("the API is at {url}/ocs/v1.php and {url}/ocs/v2.php, as in {url}/ocs/v1.php/cloud/users");
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.split([',', ';']).next().is_some_and(|first| first.trim().eq_ignore_ascii_case("text/html")) {
        return page(message, &url);
    }
    let failure = OcsFailure::new(Code::ABSENT, message).with_hint(hint);
    let Ok(sealed) = seal(&Err(failure), Version::V2, Format::choose(None, Some(accept))) else {
        return not_found();
    };
    respond(sealed.body, sealed.content_type)
}

fn page(message: &str, url: &str) -> Response<Body> {
    // The URL consists of letters that mean nothing in HTML, or comes from the settings.
    let url = url.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Not found</title>\n</head>\n<body>\n\
         <h1>Not found</h1>\n<p>{message}. The API for programs is at <code>{url}/ocs/v1.php</code> and \
         <code>{url}/ocs/v2.php</code>; <a href=\"{url}/docs\">read how to use it</a>, or \
         <a href=\"{url}/login\">sign in</a>.</p>\n</body>\n</html>\n"
    );
    respond(html.into_bytes(), "text/html; charset=utf-8")
}

fn respond(body: Vec<u8>, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_controller_is_taken_from_paths() {
        for (path, expected) in [
            ("/index.php/ocs/v1.php/cloud/users?format=json", Some("/ocs/v1.php/cloud/users?format=json")),
            ("/index.php", Some("/")),
            ("/index.php?x", Some("/?x")),
            ("/index.php/", Some("/")),
            ("/index.php/login/v2", Some("/login/v2")),
            ("/index.phpx", None),
            ("/ocs/index.php", None),
            ("/index.php/metrics", None),
            ("/index.php//readyz", None),
            ("/", None),
        ] {
            let found = rewritten(&path.parse().unwrap());
            assert_eq!(found.map(|uri| uri.to_string()).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn addresses_near_the_api_are_known() {
        for path in
            ["/ocs", "/ocs/", "/ocs/v3.php/cloud", "/nextcloud/ocs/v1.php/cloud/users", "/v1.php/cloud"]
        {
            assert!(is_meant(path), "{path}");
        }
        for path in ["/", "/docs", "/nope", "/cloud/ocsx"] {
            assert!(!is_meant(path), "{path}");
        }
    }
}
