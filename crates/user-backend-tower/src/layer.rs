//! The layer: HTTP Basic (RFC 7617) over a resolver.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;
use user_backend::{Authenticated, Credentials, Resolver};

use crate::authorization::AuthorizationHeader;
use crate::client_address::ClientAddress;
use crate::denial::Denial;
use crate::respond::{PlainText, Respond};

type Rule = dyn Fn(&Authenticated, &Parts) -> bool + Send + Sync;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Lets only signed-in users through to a service.
///
/// The service finds the proof of sign-in, [`Authenticated`], among the extensions of the request.
/// A request that is not let through gets the status and headers of its [`Denial`]; the service is
/// not called.
///
/// # Order
/// Outside of a layer that caches responses, never inside of one. Inside of a layer that limits
/// connections or times out: the attempt itself has the deadline of the resolver and continues when
/// its request is dropped.
///
/// # Security
/// HTTP Basic sends the password with each request: serve it over TLS only.
#[derive(Clone)]
pub struct BasicAuthLayer<A, R = PlainText> {
    resolver: Resolver,
    address: A,
    respond: R,
    challenge: HeaderValue,
    rule: Option<Arc<Rule>>,
}

impl<A: ClientAddress> BasicAuthLayer<A> {
    /// Creates a layer that asks `resolver`, and counts failures by client address.
    ///
    /// `address` determines the client's address: [`PeerAddress`](crate::PeerAddress), or
    /// [`ForwardedFor`](crate::ForwardedFor) for a server behind a proxy.
    pub fn new(resolver: Resolver, address: A) -> Self {
        Self { resolver, address, respond: PlainText, challenge: challenge("Sign in"), rule: None }
    }
}

impl<A, R> BasicAuthLayer<A, R> {
    /// The realm, which browsers show when they ask for the password.
    ///
    /// Default: `Sign in`.
    ///
    /// What is not printable ASCII is left out: browsers do not agree on how to show it.
    #[must_use]
    pub fn realm(mut self, realm: &str) -> Self {
        self.challenge = challenge(realm);
        self
    }

    /// Lets only those signed-in users through for whom `rule` returns true.
    ///
    /// The others get 403.
    #[must_use]
    pub fn require(mut self, rule: impl Fn(&Authenticated, &Parts) -> bool + Send + Sync + 'static) -> Self {
        self.rule = Some(Arc::new(rule));
        self
    }

    /// Writes the bodies of denials, see [`Respond`].
    ///
    /// Default: [`PlainText`].
    #[must_use]
    pub fn respond_with<N>(self, respond: N) -> BasicAuthLayer<A, N> {
        let Self { resolver, address, challenge, rule, .. } = self;
        BasicAuthLayer { resolver, address, respond, challenge, rule }
    }
}

impl<A: fmt::Debug, R> fmt::Debug for BasicAuthLayer<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuthLayer")
            .field("address", &self.address)
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

impl<A: ClientAddress, R> BasicAuthLayer<A, R> {
    /// Decides one request.
    async fn decide(&self, parts: &Parts) -> Result<Authenticated, Denial> {
        let AuthorizationHeader::Basic { name, password } = AuthorizationHeader::of(&parts.headers)? else {
            return Err(Denial::NoCredentials);
        };
        let credentials = Credentials::new(&name, &password);
        let credentials = match self.address.of(parts)? {
            Some(address) => credentials.from_source(address),
            None => credentials.without_source(),
        };
        let proof = self.resolver.authenticate(credentials).await.into_result()?;
        match &self.rule {
            Some(rule) if !rule(&proof, parts) => Err(Denial::Forbidden),
            _ => Ok(proof),
        }
    }

    /// The response to a request that is not let through.
    fn deny<B>(&self, denial: &Denial) -> Response<B>
    where
        R: Respond<B>,
    {
        let mut response = self.respond.respond(denial);
        *response.status_mut() = denial.status();
        denial.set_headers(Some(&self.challenge), response.headers_mut());
        response
    }
}

impl<S, A: Clone, R: Clone> Layer<S> for BasicAuthLayer<A, R> {
    type Service = BasicAuth<S, A, R>;

    fn layer(&self, inner: S) -> Self::Service {
        BasicAuth { inner, layer: Arc::new(self.clone()) }
    }
}

/// The service that a [`BasicAuthLayer`] makes.
#[derive(Clone, Debug)]
pub struct BasicAuth<S, A, R = PlainText> {
    inner: S,
    layer: Arc<BasicAuthLayer<A, R>>,
}

impl<S, A, R> BasicAuth<S, A, R> {
    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, A, R, Body, ResBody> Service<Request<Body>> for BasicAuth<S, A, R>
where
    S: Service<Request<Body>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    A: ClientAddress,
    R: Respond<ResBody>,
    Body: Send + 'static,
    ResBody: Send + 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone may not be ready; the service that is ready answers this request.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let layer = Arc::clone(&self.layer);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match layer.decide(&parts).await {
                Ok(proof) => {
                    if let Some(header) = parts.headers.get_mut(AUTHORIZATION) {
                        // Debug output of the headers leaves it out.
                        header.set_sensitive(true);
                    }
                    parts.extensions.insert(proof);
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(denial) => Ok(layer.deny(&denial)),
            }
        })
    }
}

/// The value of `WWW-Authenticate` (RFC 7617, section 2.1).
fn challenge(realm: &str) -> HeaderValue {
    let printable = realm.chars().filter(|character| matches!(character, ' '..='~'));
    let quoted: String = printable
        .flat_map(|character| {
            let escape = matches!(character, '"' | '\\').then_some('\\');
            escape.into_iter().chain([character])
        })
        .collect();
    // Printable ASCII always makes a header value.
    HeaderValue::from_str(&format!("Basic realm=\"{quoted}\", charset=\"UTF-8\""))
        .unwrap_or(HeaderValue::from_static("Basic realm=\"Sign in\", charset=\"UTF-8\""))
}
