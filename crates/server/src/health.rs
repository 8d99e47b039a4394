//! Whether the server is ready, and what it is for monitors.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};

use crate::provisioning::service_info::API_VERSION;
use crate::state::AppState;

/// Whether the server can do its work: the accounts answer.
pub(crate) async fn ready(State(app): State<AppState>) -> (StatusCode, &'static str) {
    match app.accounts().credential_epoch().current().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the accounts cannot be reached\n")
        }
    }
}

/// `/status.php`: what clients and monitors of the PHP system ask first, without a sign-in.
pub(crate) async fn status(State(app): State<AppState>) -> Response<Body> {
    let (major, minor, micro) = API_VERSION;
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
