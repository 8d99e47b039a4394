//! Where a request comes from, and whether anybody on the way could read it.
//!
//! The word of a proxy is taken only from the addresses that the settings trust. The list in `X-Forwarded-For` is read from
//! its end, where our own proxy writes: what a caller made up stands at its beginning.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use user_backend::config::Network;

/// What is known about the listener that a request came in by.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The address of the one who asks.
    pub address: IpAddr,
    /// Whether the way is encrypted, or never leaves this machine.
    pub private: bool,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

impl Origin {
    /// Finds it out.
    pub fn of(peer: SocketAddr, tls: bool, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let peer = peer.ip().to_canonical();
        if !is_trusted(peer) {
            return Self { address: peer, private: tls || peer.is_loopback(), encrypted: tls };
        }
        let mut address = peer;
        for hop in hops(headers) {
            let Some(hop) = hop else { break };
            address = hop;
            if !is_trusted(hop) {
                break;
            }
        }
        // Several proxies in a row may each add a word; one that says http makes it so.
        let forwarded = headers.get_all("x-forwarded-proto").iter();
        let words: Vec<&str> =
            forwarded.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
        let said_https =
            !words.is_empty() && words.iter().all(|word| word.trim().eq_ignore_ascii_case("https"));
        let at_home = address == peer && peer.is_loopback();
        Self { address, private: at_home || said_https, encrypted: said_https || at_home && tls }
    }
}

/// The hops that proxies tell of, the nearest first; `None` for what is no address.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("?"));
    let mut hops: Vec<Option<IpAddr>> =
        lines.flat_map(|line| line.split(',')).map(|hop| address(hop.trim())).collect();
    hops.reverse();
    hops.into_iter()
}

/// An address, also with a port or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use user_backend::config::{Format, Loader};

    use super::*;

    fn origin(peer: &str, tls: bool, headers: &[(&'static str, &str)]) -> (String, bool) {
        let text = "[resolver]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]";
        let config = Loader::new().allow_no_backends().parse(text, Format::Toml, "t").unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        let origin = Origin::of(peer, tls, &map, &config.resolver().trusted_proxies);
        (origin.address.to_string(), origin.private)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        const FAKE: &[(&str, &str)] = &[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https")];
        for (peer, tls, headers, address, private) in [
            ("203.0.113.7", false, &[][..], "203.0.113.7", false),
            ("203.0.113.7", true, &[], "203.0.113.7", true),
            ("203.0.113.7", false, FAKE, "203.0.113.7", false),
            ("::1", false, &[], "::1", true),
            ("::ffff:127.0.0.1", false, &[], "127.0.0.1", true),
            ("127.0.0.1", false, &[], "127.0.0.1", true),
            ("10.1.2.3", false, FAKE, "192.0.2.1", true),
            ("127.0.0.1", false, FAKE, "192.0.2.1", true),
            ("127.0.0.1", false, &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1", false),
            (
                "127.0.0.1",
                false,
                &[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "http")],
                "192.0.2.1",
                false,
            ),
            (
                "10.1.2.3",
                false,
                &[("x-forwarded-proto", "https, http"), ("x-forwarded-for", "192.0.2.1")],
                "192.0.2.1",
                false,
            ),
            ("10.1.2.3", false, &[("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.9.9.9")], "192.0.2.1", false),
            (
                "10.1.2.3",
                false,
                &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "[2001:db8::1]")],
                "2001:db8::1",
                false,
            ),
            ("10.1.2.3", false, &[("x-forwarded-for", "192.0.2.1:4711")], "192.0.2.1", false),
            ("10.1.2.3", false, &[("x-forwarded-for", "unknown")], "10.1.2.3", false),
        ] {
            assert_eq!(origin(peer, tls, headers), (address.to_owned(), private), "{peer} {headers:?}");
        }
    }
}
