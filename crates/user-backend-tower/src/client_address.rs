//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};
use std::sync::Once;

use http::request::Parts;
use user_backend::{Network, UnreadableHop, client_address};

/// Finds the address of the client who sent a request.
///
/// Failed sign-ins are counted per source. Without an address one attacker is as good as another,
/// and only the limits per user hold.
pub trait ClientAddress: Clone + Send + Sync + 'static {
    /// The address; `None` without one, for example at a Unix socket.
    ///
    /// # Errors
    /// [`UnreadableHop`] if a proxy that is trusted named an address that cannot be read. The
    /// request is refused then: as the proxy's own it would share a count with all others.
    fn of(&self, parts: &Parts) -> Result<Option<IpAddr>, UnreadableHop>;
}

/// The address of the connection, for a server that clients reach directly.
///
/// Read from the request's extensions: a [`SocketAddr`], or with the feature `axum` a
/// `ConnectInfo<SocketAddr>`, which `into_make_service_with_connect_info` puts there. Without
/// either, a warning is logged once and attempts have no source.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeerAddress;

impl PeerAddress {
    fn find(parts: &Parts) -> Option<IpAddr> {
        let found = parts.extensions.get::<SocketAddr>().copied();
        #[cfg(feature = "axum")]
        let found = found.or_else(|| crate::axum::peer(parts));
        if found.is_none() {
            static WARNED: Once = Once::new();
            WARNED.call_once(|| {
                tracing::warn!(
                    "the request has no peer address: failed sign-ins are not counted per source; \
                     with axum, serve with into_make_service_with_connect_info::<SocketAddr>()"
                );
            });
        }
        found.map(|address| address.ip().to_canonical())
    }
}

impl ClientAddress for PeerAddress {
    fn of(&self, parts: &Parts) -> Result<Option<IpAddr>, UnreadableHop> {
        Ok(Self::find(parts))
    }
}

/// The address in `X-Forwarded-For`, for a server behind proxies.
///
/// The header is trusted only if the connection comes from a trusted network, and is read from its
/// end, where the own proxy writes: a client can invent its beginning.
#[derive(Clone, Debug)]
pub struct ForwardedFor {
    trusted: std::sync::Arc<[Network]>,
}

impl ForwardedFor {
    /// Trusts the proxies in these networks, for example `"10.0.0.0/8".parse()?`.
    pub fn new(trusted: impl IntoIterator<Item = Network>) -> Self {
        Self { trusted: trusted.into_iter().collect() }
    }
}

impl ClientAddress for ForwardedFor {
    fn of(&self, parts: &Parts) -> Result<Option<IpAddr>, UnreadableHop> {
        let Some(peer) = PeerAddress::find(parts) else { return Ok(None) };
        let lines = parts.headers.get_all("x-forwarded-for");
        client_address(peer, lines, &self.trusted).map(Some)
    }
}

/// No address: for a Unix socket, or a program on this machine only.
///
/// Failed sign-ins are not counted per source.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoClientAddress;

impl ClientAddress for NoClientAddress {
    fn of(&self, _: &Parts) -> Result<Option<IpAddr>, UnreadableHop> {
        Ok(None)
    }
}

impl<F> ClientAddress for F
where
    F: Fn(&Parts) -> Result<Option<IpAddr>, UnreadableHop> + Clone + Send + Sync + 'static,
{
    fn of(&self, parts: &Parts) -> Result<Option<IpAddr>, UnreadableHop> {
        self(parts)
    }
}
