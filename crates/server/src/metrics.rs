//! `/metrics`: numbers for Prometheus.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::auth::client_address::Origin;
use crate::problem::problem;
use crate::state::AppState;

/// The metrics, for requests from this machine only: they show how many sign-ins fail.
pub(crate) async fn show(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    Extension(metrics): Extension<Option<PrometheusHandle>>,
) -> Response<Body> {
    let Some(metrics) = metrics.filter(|_| origin.local) else {
        return problem(StatusCode::NOT_FOUND, "not found");
    };
    app.resolver().report_metrics();
    let mut response = Response::new(Body::from(metrics.render()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}
