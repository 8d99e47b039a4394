//! The client address of a request, and whether its connection is private.
//!
//! The word of a proxy is taken only from the addresses that the settings trust. The list in
//! `X-Forwarded-For` is read from its end, where the trusted proxy writes: forged values stand
//! at its beginning. An entry that is needed and cannot be read refuses the request; it never makes
//! it one of the proxy's own. A request that says that it was forwarded has no rights of this
//! machine, even if a program here forwarded it.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
pub use user_backend::UnreadableHop;
use user_backend::{Network, client_address};

/// The listener of a request.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Whether it speaks TLS.
    pub tls: bool,
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Whether a header says that a request was forwarded.
///
/// Clients send none of these by themselves; proxies, balancers and content networks each have
/// their own.
fn is_forwarding(name: &HeaderName) -> bool {
    const NAMES: [&str; 14] = [
        "cdn-loop",
        "cf-connecting-ip",
        "client-ip",
        "fastly-client-ip",
        "forwarded",
        "forwarded-for",
        "proxy-connection",
        "true-client-ip",
        "via",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-proxyuser-ip",
        "x-real-ip",
    ];
    let name = name.as_str();
    NAMES.contains(&name) || name.starts_with("x-forwarded") || name.starts_with("x-original-")
}

/// The origin of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The address of the client.
    pub address: IpAddr,
    /// Whether the way is encrypted, or never leaves this machine.
    pub private: bool,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Whether the request was made on this machine and not forwarded.
    pub local: bool,
    /// Whether it was forwarded by a proxy that the settings do not name.
    pub unnamed_proxy: bool,
    /// Whether a trusted proxy forwarded the request without the client's address.
    ///
    /// A trusted proxy is one that the settings name.
    pub silent_proxy: bool,
}

impl Origin {
    /// Finds it out.
    ///
    /// # Errors
    /// [`UnreadableHop`]
    pub fn of(
        peer: SocketAddr,
        tls: bool,
        headers: &HeaderMap,
        trusted: &[Network],
    ) -> Result<Self, UnreadableHop> {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let peer = peer.ip().to_canonical();
        let forwarded = headers.keys().any(is_forwarding);
        let local = peer.is_loopback() && !forwarded;
        if !is_trusted(peer) {
            let private = tls || local;
            return Ok(Self {
                address: peer,
                private,
                encrypted: tls,
                local,
                unnamed_proxy: forwarded,
                silent_proxy: false,
            });
        }
        let address = client_address(peer, headers.get_all(X_FORWARDED_FOR), trusted)?;
        // Several proxies in a row may each add a word; one that says something else than https
        // makes it so.
        let mut words = headers
            .get_all("x-forwarded-proto")
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .peekable();
        let forwarded_https =
            words.peek().is_some() && words.all(|word| word.trim_ascii().eq_ignore_ascii_case(b"https"));
        Ok(Self {
            address,
            private: local || forwarded_https,
            encrypted: forwarded_https || local && tls,
            local,
            unnamed_proxy: false,
            silent_proxy: forwarded && !headers.contains_key(X_FORWARDED_FOR),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use user_backend::config::{Format, Loader};

    use super::*;

    fn origin(peer: &str, tls: bool, headers: &[(&'static str, &str)]) -> (String, bool) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let origin = of(peer, tls, &headers).unwrap();
        assert!(!origin.local || origin.private);
        (origin.address.to_string(), origin.private)
    }

    fn of(peer: &str, tls: bool, headers: &[(&'static str, &[u8])]) -> Result<Origin, UnreadableHop> {
        let text = "[resolver]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]";
        let config = Loader::new().allow_no_backends().parse(text, Format::Toml, "t").unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        Origin::of(peer, tls, &map, &config.resolver().trusted_proxies)
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
            ("10.1.2.3", false, &[("x-forwarded-for", "unknown, 192.0.2.1")], "192.0.2.1", false),
        ] {
            assert_eq!(origin(peer, tls, headers), (address.to_owned(), private), "{peer} {headers:?}");
        }
    }

    #[test]
    fn unreadable_hop_of_a_trusted_proxy_is_refused() {
        for line in [
            b"\xe9".as_slice(),
            b"unknown",
            b"",
            b"192.0.2.1,",
            b"fe80::1%eth0",
            b"192.0.2.1, \xe9",
            b"\xe9, 10.9.9.9",
            b"203.0.113.7\xff",
            b"_hidden",
        ] {
            for peer in ["127.0.0.1", "10.1.2.3"] {
                let found = of(peer, false, &[("x-forwarded-for", line)]);
                assert_eq!(found, Err(UnreadableHop), "{}", line.escape_ascii());
            }
            let found = of("203.0.113.7", false, &[("x-forwarded-for", line)]).unwrap();
            assert_eq!((found.address.to_string(), found.private), ("203.0.113.7".to_owned(), false));
        }
        // What nginx and Apache make of what a client sent in front of them.
        let found = of("127.0.0.1", false, &[("x-forwarded-for", b"\xe9, 203.0.113.7")]).unwrap();
        assert_eq!(
            (found.address.to_string(), found.private, found.local),
            ("203.0.113.7".to_owned(), false, false)
        );
        let lines: [(_, &[u8]); 2] = [("x-forwarded-for", b"\xe9"), ("x-forwarded-for", b"203.0.113.7")];
        assert_eq!(of("127.0.0.1", false, &lines).unwrap().address.to_string(), "203.0.113.7");
        let odd = [("x-forwarded-for", b"203.0.113.7".as_slice()), ("x-forwarded-proto", b"https, \xe9")];
        assert!(!of("127.0.0.1", false, &odd).unwrap().private);
    }

    #[test]
    fn forwarded_request_has_no_rights_of_this_machine() {
        for name in [
            "cf-connecting-ip",
            "forwarded",
            "true-client-ip",
            "via",
            "x-client-ip",
            "x-envoy-external-address",
            "x-forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-proto",
            "x-forwarded-server",
            "x-forwarded-ssl",
            "x-original-forwarded-for",
            "x-original-host",
            "x-original-uri",
            "x-original-url",
            "x-real-ip",
        ] {
            // ::1 is not named in the settings, 127.0.0.1 is.
            let stranger = of("::1", false, &[(name, b"127.0.0.1")]).unwrap();
            assert!(!stranger.local && !stranger.private && stranger.unnamed_proxy, "{name}");
            assert!(of("::1", true, &[(name, b"127.0.0.1")]).unwrap().private, "{name}: over TLS of ours");
            let named = of("127.0.0.1", false, &[(name, b"127.0.0.1")]).unwrap();
            assert!(!named.local && !named.private && !named.unnamed_proxy, "{name}");
            assert_eq!(named.silent_proxy, name != X_FORWARDED_FOR, "{name}");
        }
        for name in ["accept", "origin", "referer", "x-requested-with", "x-request-id"] {
            assert!(of("::1", false, &[(name, b"127.0.0.1")]).unwrap().local, "{name}");
        }
        assert!(of("::1", false, &[]).unwrap().local && of("127.0.0.1", false, &[]).unwrap().local);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_lead_to_what_the_proxy_wrote(
            line in proptest::collection::vec(1_u8.., 0..60),
        ) {
            let Ok(value) = HeaderValue::from_bytes(&line) else { return Ok(()) };
            if let Ok(found) = of("127.0.0.1", false, &[("x-forwarded-for", value.as_bytes())]) {
                proptest::prop_assert!(!found.private && !found.local);
            }
            let mut appended = line.clone();
            appended.extend_from_slice(b", 203.0.113.7");
            let found = of("127.0.0.1", false, &[("x-forwarded-for", &appended)]).unwrap();
            proptest::prop_assert_eq!(found.address.to_string(), "203.0.113.7");
            proptest::prop_assert!(!found.private && !found.local);
        }
    }
}
