//! `/metrics`: numbers for Prometheus.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::auth::client_address::{Connection, Origin};
use crate::problem::problem;
use crate::state::AppState;

/// The metrics, for requests from this machine only: they show how many sign-ins fail.
pub(crate) async fn show(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(connection): Extension<Connection>,
    Extension(metrics): Extension<Option<PrometheusHandle>>,
    headers: HeaderMap,
) -> Response<Body> {
    let origin = Origin::of(peer, connection.tls, &headers, &app.trusted_proxies());
    let Some(metrics) = metrics.filter(|_| origin.address.is_loopback()) else {
        return problem(StatusCode::NOT_FOUND, "there is nothing here");
    };
    app.resolver().report_metrics();
    let mut response = Response::new(Body::from(metrics.render()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}
