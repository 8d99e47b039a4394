//! Whether the server is ready, and what it is for monitors.

use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use user_backend::Phase;

use crate::auth::client_address::Origin;
use crate::state::AppState;
use crate::warnings::WarningKind;

/// Whether the server can do its work: the accounts answer.
///
/// A request from this machine reads the details, unless they have a listener of their own.
pub(crate) async fn ready(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
) -> (StatusCode, String) {
    if app.tells_all_to(&origin) {
        return in_detail(&app).await;
    }
    let (status, text) = accounts(&app).await;
    (status, text.to_owned())
}

/// Whether the server can do its work, and which backends cannot.
///
/// A backend that is away does not make the server unready: users of other backends sign in.
pub(crate) async fn in_detail(app: &AppState) -> (StatusCode, String) {
    let (status, text) = accounts(app).await;
    let mut text = text.to_owned();
    for outage in app.resolver().outages() {
        let phase = outage.phase.map_or("", Phase::as_str);
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "backend {} unavailable for {} s, {} attempts, {} undecided, phase {phase}: {}",
            outage.backend,
            outage.lasts.as_secs(),
            outage.attempts,
            outage.undecided,
            outage.reason
        );
    }
    if let Some((lasts, why)) = app.inner.valkey.as_ref().and_then(|valkey| valkey.outage()) {
        let seconds = lasts.as_secs();
        let _ = writeln!(text, "valkey unavailable for {seconds} s, half of each budget holds: {why}");
    }
    for backend in app.resolver().unrecognised() {
        let _ = writeln!(
            text,
            "backend {backend} refusals not recognised, taken for an outage: the log has its words, refusal_texts teaches them"
        );
    }
    (status, text)
}

async fn accounts(app: &AppState) -> (StatusCode, &'static str) {
    match app.accounts().credential_epoch().current().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            app.warn_about(WarningKind::NotReady, format_args!("not ready: {error}"));
            (StatusCode::SERVICE_UNAVAILABLE, "the accounts cannot be reached\n")
        }
    }
}

impl AppState {
    /// Whether a request at the main listener may read metrics and details of backends.
    pub(crate) fn tells_all_to(&self, origin: &Origin) -> bool {
        origin.local && self.settings().metrics_listen.is_none()
    }
}

/// `/status.php`: what clients and monitors of the PHP system query first.
///
/// It needs no sign-in.
pub(crate) async fn status(State(app): State<AppState>) -> Response<Body> {
    let (major, minor, micro) = app.settings().compat.version();
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
