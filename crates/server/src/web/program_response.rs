//! Answers of pages to programs: JSON that no cache keeps.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};

use super::format::whole_seconds;
use crate::provisioning::params::ParamError;

/// An object with a message.
pub(super) fn message(status: StatusCode, text: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "message": text }))
}

/// The answer to a body that cannot be used.
pub(super) fn unusable(error: &ParamError) -> Response<Body> {
    let (status, wait) = match error {
        ParamError::Body(error) => (error.status(), error.retry_after()),
        ParamError::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, None),
        _ => (StatusCode::BAD_REQUEST, None),
    };
    waiting(message(status, &error.to_string()), wait)
}

/// Any value.
pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Adds `Retry-After`.
pub(super) fn waiting(mut response: Response<Body>, wait: Option<Duration>) -> Response<Body> {
    if let Some(wait) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    response
}
