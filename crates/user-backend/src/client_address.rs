//! The address of a client behind proxies, and networks.
//!
//! A program that serves a network gives every attempt its
//! [source](crate::Credentials::from_source): without it there is no rate limit per source. Behind
//! a proxy the peer of the connection is the proxy, and `X-Forwarded-For` has the client. Anyone
//! can send that header, so it counts only if a proxy that you trust wrote it:
//!
//! ```
//! use std::net::IpAddr;
//! use user_backend::{Network, client_address};
//!
//! let trusted: Vec<Network> = vec!["127.0.0.1".parse()?, "10.0.0.0/8".parse()?];
//! let proxy: IpAddr = "10.0.0.2".parse()?;
//! // The client made up the first address; the proxy appended the one that it saw.
//! let header = ["192.0.2.66, 203.0.113.7"];
//! assert_eq!(client_address(proxy, header, &trusted)?.to_string(), "203.0.113.7");
//! // A connection from anywhere else: the header does not count.
//! let stranger: IpAddr = "198.51.100.9".parse()?;
//! assert_eq!(client_address(stranger, header, &trusted)?, stranger);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// Finds the address of the client of a request.
///
/// `peer` is the other end of the connection, and `forwarded` are the values of all
/// `X-Forwarded-For` headers, in the order in which they were sent (none, if there is no such
/// header): with the crate `http`, that is `headers.get_all("x-forwarded-for")`.
///
/// The header is read from its end, where the nearest proxy writes. The result is the first address
/// that is not in `trusted`, or the first of all if every one is. IPv4 addresses mapped into IPv6
/// become IPv4 addresses.
///
/// # Errors
/// [`UnreadableHop`] when an entry that counts is not an IP address. Refuse such a request (400):
/// with the address of the proxy for a source, one client could exhaust the rate limit of all.
#[doc(alias = "proxy")]
#[doc(alias = "x-forwarded-for")]
pub fn client_address<T: AsRef<[u8]>>(
    peer: IpAddr,
    forwarded: impl IntoIterator<Item = T>,
    trusted: &[Network],
) -> Result<IpAddr, UnreadableHop> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.to_canonical();
    if !is_trusted(address) {
        return Ok(address);
    }
    let lines: Vec<T> = forwarded.into_iter().collect();
    for hop in lines.iter().rev().flat_map(|line| line.as_ref().rsplit(|byte| *byte == b',')) {
        address = parse_hop(hop).ok_or(UnreadableHop)?;
        if !is_trusted(address) {
            break;
        }
    }
    Ok(address)
}

/// A trusted proxy wrote something into `X-Forwarded-For` that is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("X-Forwarded-For cannot be read: the entry that the trusted proxy wrote is not an IP address")]
pub struct UnreadableHop;

/// An address, also with a port or in brackets.
fn parse_hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// An address, or a block of them such as `10.0.0.0/8` (RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "cidr")]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address belongs to it.
    ///
    /// An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                first_of(address.to_canonical(), self.prefix) == Some(self.first)
            }
            _ => false,
        }
    }

    /// Whether all addresses of another one belong to it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.first)
    }

    /// Whether every address of its kind belongs to it, as with `0.0.0.0/0`.
    pub(crate) fn is_everything(&self) -> bool {
        self.prefix == 0
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = NetworkError { block: None };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                (address, Some(prefix.parse().map_err(|_| error)?))
            }
            Some(_) => return Err(error),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        let first = first_of(address, prefix).ok_or(error)?;
        let network = Self { first, prefix };
        if first == address { Ok(network) } else { Err(NetworkError { block: Some(network) }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// Why a text is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected an address or a block such as 10.0.0.0/8 that begins with its first address")]
pub struct NetworkError {
    block: Option<Network>,
}

impl NetworkError {
    /// The enclosing block, if the text only fails to begin with the block's first address.
    pub fn block(&self) -> Option<Network> {
        self.block
    }
}

/// The first address of the block that an address is in.
///
/// `None` when the prefix is too long.
fn first_of(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => {
            let low = 32_u32.checked_sub(prefix.into())?;
            let mask = u32::MAX.checked_shl(low).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let low = 128_u32.checked_sub(prefix.into())?;
            let mask = u128::MAX.checked_shl(low).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trusted() -> Vec<Network> {
        ["127.0.0.1", "10.0.0.0/8"].iter().map(|text| text.parse().unwrap()).collect()
    }

    fn found(peer: &str, forwarded: &[&[u8]]) -> Result<String, UnreadableHop> {
        client_address(peer.parse().unwrap(), forwarded, &trusted()).map(|address| address.to_string())
    }

    #[test]
    fn header_counts_from_trusted_proxies_only() {
        for (peer, forwarded, client) in [
            ("203.0.113.7", &[][..], "203.0.113.7"),
            ("203.0.113.7", &[&b"192.0.2.1"[..]], "203.0.113.7"),
            ("203.0.113.7", &[b"\xff"], "203.0.113.7"),
            ("::ffff:203.0.113.7", &[b"192.0.2.1"], "203.0.113.7"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("::ffff:127.0.0.1", &[b"192.0.2.1"], "192.0.2.1"),
            ("10.1.2.3", &[b"6.6.6.6, 192.0.2.1"], "192.0.2.1"),
            ("10.1.2.3", &[b"6.6.6.6, 192.0.2.1, 10.9.9.9"], "192.0.2.1"),
            ("10.1.2.3", &[b"10.7.7.7, 10.9.9.9"], "10.7.7.7"),
            ("10.1.2.3", &[b"6.6.6.6", b"[2001:db8::1]"], "2001:db8::1"),
            ("10.1.2.3", &[b"[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.1.2.3", &[b"192.0.2.1:4711"], "192.0.2.1"),
            ("10.1.2.3", &[b"unknown, \xe9, 192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(found(peer, forwarded).as_deref(), Ok(client), "{peer}");
        }
    }

    #[test]
    fn unreadable_counting_entry_is_an_error() {
        for line in ["unknown", "", "192.0.2.1,", "fe80::1%eth0", "_hidden", "x, 10.9.9.9"] {
            assert_eq!(found("10.1.2.3", &[line.as_bytes()]), Err(UnreadableHop), "{line}");
        }
        assert_eq!(found("10.1.2.3", &[b"192.0.2.1", b"\xff"]), Err(UnreadableHop));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_lead_to_what_the_proxy_wrote(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let last = line.rsplit(|byte| *byte == b',').next().unwrap_or_default();
            let of = |line: &[u8]| client_address("127.0.0.1".parse().unwrap(), [line], &trusted());
            match parse_hop(last) {
                None => prop_assert_eq!(of(&line), Err(UnreadableHop)),
                Some(hop) if trusted().iter().any(|network| network.contains(hop)) => {}
                Some(hop) => prop_assert_eq!(of(&line), Ok(hop)),
            }
            let mut appended = line.clone();
            appended.extend_from_slice(b", 203.0.113.7");
            prop_assert_eq!(of(&appended).unwrap().to_string(), "203.0.113.7");
        }
    }

    #[test]
    fn network_contains_addresses_of_its_prefix() {
        let has = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.1"),
            ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
            ("::/0", "::1", "10.0.0.1"),
        ] {
            assert!(has(network, inside) && !has(network, outside), "{network}");
        }
    }

    #[test]
    fn invalid_block_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.1.0.0/8",
            "proxy",
            "10.0.0.0/8/8",
            "10.0.0.0/999",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let block = "10.1.2.3/8".parse::<Network>().unwrap_err().block();
        assert_eq!(block.map(|block| block.to_string()).as_deref(), Some("10.0.0.0/8"));
    }
}
