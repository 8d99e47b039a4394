//! Answers outside of the API's envelopes.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};

/// What people are told whose password travelled in the clear.
pub(crate) const PLAINTEXT_REFUSED: &str = "Passwords are not taken over plain HTTP from other machines: everybody on the way can read them. \
                             Use https, and change this password; an operator can set allow_plaintext = true in [server]";

/// An answer outside of the API's envelopes.
pub(crate) fn problem(status: StatusCode, message: &str) -> Response<Body> {
    let body = serde_json::json!({ "message": message }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
