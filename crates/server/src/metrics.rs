//! `/metrics`: numbers for Prometheus, and the listener of its own that they may have.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::{interval, timeout_at};
use user_backend::clock::{later, now};

use crate::auth::client_address::Origin;
use crate::auth::trusted_host;
use crate::health;
use crate::problem::problem;
use crate::state::AppState;

/// A monitor does not wait longer.
const LONGEST_CALL: Duration = Duration::from_secs(10);

/// How often what was measured is summed up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Sums up what was measured, for ever.
///
/// The recorder keeps every single duration until then, or until the metrics are read.
pub(crate) async fn keep_small(metrics: PrometheusHandle) {
    let mut turns = interval(UPKEEP);
    loop {
        turns.tick().await;
        metrics.run_upkeep();
    }
}

/// The metrics at the main listener, for requests from this machine only.
///
/// They show how many sign-ins fail. If metrics have a listener of their own, they are not shown
/// here.
pub(crate) async fn show(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    Extension(metrics): Extension<Option<PrometheusHandle>>,
) -> Response<Body> {
    if !app.tells_all_to(&origin) {
        return problem(StatusCode::NOT_FOUND, "not found");
    }
    render(&app, metrics.as_ref())
}

/// The routes of a listener for monitoring.
///
/// Who can reach it may read it.
pub(crate) fn router(app: AppState, address: SocketAddr, exporter: Option<PrometheusHandle>) -> Router {
    let metrics = exporter.clone();
    let guarded = app.clone();
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async |State(app): State<AppState>| health::in_detail(&app).await))
        .route("/metrics", get(async move |State(app): State<AppState>| render(&app, metrics.as_ref())))
        .layer(from_fn(move |request: Request, next: Next| {
            let app = guarded.clone();
            async move { guard(&app, address, request, next).await }
        }))
        .with_state(app)
}

/// Refuses requests for other hosts, which browsers send for pages of others.
async fn guard(app: &AppState, address: SocketAddr, request: Request, next: Next) -> Response<Body> {
    let is_health = request.uri().path() == "/healthz";
    if !is_health
        && !trusted_host::is_ours_at(address.ip(), &app.settings(), request.uri(), request.headers())
    {
        return problem(
            StatusCode::BAD_REQUEST,
            "this server does not answer under the name in the header Host; an operator adds names of it to \
             trusted_hosts in [server]",
        );
    }
    let answered = timeout_at(later(now(), LONGEST_CALL), next.run(request)).await;
    let mut response = answered
        .unwrap_or_else(|_| problem(StatusCode::SERVICE_UNAVAILABLE, "this took too long, try again later"));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn render(app: &AppState, metrics: Option<&PrometheusHandle>) -> Response<Body> {
    let Some(metrics) = metrics else {
        return problem(StatusCode::NOT_FOUND, "not found");
    };
    app.resolver().report_metrics();
    if let Some(valkey) = &app.inner.valkey {
        valkey.report_metrics();
    }
    let mut response = Response::new(Body::from(metrics.render()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}
