//! The extractor and the response for axum.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Deref;

use axum::extract::ConnectInfo;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use user_backend::Authenticated;

use crate::denial::Denial;

/// The signed-in user, as an argument of a handler.
///
/// Dereferences to [`Authenticated`]. `Option<SignedIn>` is `None` on routes without the layer.
///
/// ```
/// use axum::{Router, routing::get};
/// use user_backend_tower::SignedIn;
///
/// async fn hello(user: SignedIn) -> String {
///     format!("Hello {}", user.name())
/// }
///
/// # let _: Router =
/// Router::new().route("/", get(hello)); // .layer(BasicAuthLayer::new(...))
/// ```
///
/// # Errors
/// 500 on a route that has no [`BasicAuthLayer`](crate::BasicAuthLayer): the route is not open by
/// mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn(pub Authenticated);

impl Deref for SignedIn {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

/// A handler takes [`SignedIn`] and its route has no layer that signs users in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this route takes a signed-in user and has no BasicAuthLayer")]
pub struct MissingLayer;

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        parts.extensions.get::<Authenticated>().cloned().map(Self).ok_or(MissingLayer)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Authenticated>().cloned().map(Self))
    }
}

impl IntoResponse for Denial {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.message()).into_response();
        self.set_headers(None, response.headers_mut());
        response
    }
}

/// The peer's address, if axum put it into the request.
pub(crate) fn peer(parts: &Parts) -> Option<SocketAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}
