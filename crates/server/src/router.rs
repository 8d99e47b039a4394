//! The routes of the server: pages, health, metrics, documentation and the API.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{self, Response};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{BoxError, Router};
use http_body::Body as HttpBody;
use metrics_exporter_prometheus::PrometheusHandle;
use tower::{Service, ServiceExt as _};

use crate::auth::client_address::{Connection, Origin};
use crate::frontends::{forward_auth, nginx_mail};
use crate::middleware::request_context;
use crate::provisioning::api_address::{self, without_front_controller};
use crate::provisioning::envelope::code::Version;
use crate::provisioning::serve::serve;
use crate::state::AppState;
use crate::{health, metrics, openapi, web};

/// The router of the whole server.
///
/// Each layer of axum costs every request a box: what one route needs stays at that route.
pub(crate) fn router<B>(
    app: AppState,
    connection: Connection,
    exporter: Option<PrometheusHandle>,
) -> impl Service<http::Request<B>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let fixed = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show).layer(Extension(exporter)))
        .route("/status.php", get(health::status))
        .merge(web::router())
        .merge(forward_auth::router())
        .merge(nginx_mail::router());
    let paths = openapi::routes()
        .into_iter()
        .fold(fixed, |router, (path, page)| router.route(path, page))
        .fallback(ocs)
        .layer(from_fn_with_state((app.clone(), connection), request_context))
        .with_state(app);
    // Around all of it: a path is changed before it is looked up.
    paths.map_request(|request: http::Request<B>| without_front_controller(request.map(Body::new)))
}

/// The API, or nothing.
async fn ocs(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    request: Request,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let Some((version, rest)) = split(&path) else {
        if api_address::is_meant(&path) {
            return api_address::show(&app.settings(), request.headers(), origin.encrypted);
        }
        return Box::pin(web::missing(&app, request)).await;
    };
    serve(&app, version, rest, origin, request).await
}

/// The version of the API that a path is about, and what follows.
fn split(path: &str) -> Option<(Version, &str)> {
    let rest = path.trim_start_matches('/').strip_prefix("ocs/")?.trim_start_matches('/');
    for (name, version) in [("v1.php", Version::V1), ("v2.php", Version::V2)] {
        if let Some(rest) = rest.strip_prefix(name)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return Some((version, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_paths_name_their_version() {
        for (path, expected) in [
            ("/ocs/v1.php/cloud/users", Some((Version::V1, "/cloud/users"))),
            ("/ocs/v2.php//cloud", Some((Version::V2, "//cloud"))),
            ("//ocs//v1.php", Some((Version::V1, ""))),
            ("/ocs/v1.phpx", None),
            ("/ocs/v3.php/cloud", None),
            ("/", None),
        ] {
            assert_eq!(split(path), expected, "{path}");
        }
    }
}
