//! Answers outside of the API's envelopes.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};

use crate::auth::client_address::Origin;

/// The message for a password that was sent in clear text.
pub(crate) const PLAINTEXT_REFUSED: &str = "Passwords are not taken over plain HTTP from other machines: anyone on the network can read them. \
                             Use https, and change this password; an operator can set allow_plaintext = true in [server]";

/// The message for a password over plain HTTP.
pub(crate) fn plaintext(origin: &Origin) -> &'static str {
    if origin.unnamed_proxy { UNNAMED_PROXY } else { PLAINTEXT_REFUSED }
}

const UNNAMED_PROXY: &str = "This request came through a proxy that the settings do not name, so it is not known whether the way to it \
                             is private, and passwords are not taken. An operator names its address in trusted_proxies of \
                             [resolver] and lets it send X-Forwarded-For and X-Forwarded-Proto";

/// The answer for an unknown path outside of the API.
pub(crate) fn not_found() -> Response<Body> {
    problem(StatusCode::NOT_FOUND, "not found; the API is at /ocs/v1.php and /ocs/v2.php")
}

/// An answer outside of the API's envelopes.
pub(crate) fn problem(status: StatusCode, message: &str) -> Response<Body> {
    let body = serde_json::json!({ "message": message }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
