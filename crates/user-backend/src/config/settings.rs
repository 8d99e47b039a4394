//! The settings of the resolver as a whole: `[resolver]` in TOML and JSON, `user_backends_resolver` in a `config.php`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use crate::brute_force::{Lockout, SourceRateLimit};
use crate::cache::CacheBounds;
use crate::document::error::Problem;
use crate::document::section::{Field, TableReader};
use crate::document::tree::quoted;
use crate::resolver::Resolver;

/// Global settings: one deadline, one cache, one rate limit for all backends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolverSettings {
    /// How long one attempt may take, all backends together (`deadline`, default 20 s).
    pub deadline: Duration,
    /// How many outcomes are remembered (`cache_entries`, default 100 000; `cache_bytes`, default 33 554 432).
    pub cache: CacheBounds,
    /// Proxies whose forwarding headers are trusted (`trusted_proxies`, default none).
    pub trusted_proxies: Vec<Network>,
    /// How failed sign-ins from one place are slowed down (`throttle`).
    pub throttle: SourceRateLimit,
    /// The lockout per user, for all sources (`lock`); `None` for `"off"`.
    pub lock: Option<Lockout>,
}

impl Default for ResolverSettings {
    fn default() -> Self {
        Self {
            deadline: Resolver::DEFAULT_DEADLINE,
            cache: CacheBounds::default(),
            trusted_proxies: Vec::new(),
            throttle: SourceRateLimit::default(),
            lock: Some(Lockout::default()),
        }
    }
}

/// An address, or a block of them such as `10.0.0.0/8` (RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address belongs to it. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                first_of(address.to_canonical(), self.prefix) == Some(self.first)
            }
            _ => false,
        }
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let problem = || Problem::new(quoted(text), "an address or a block such as \"10.0.0.0/8\"");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                (address, Some(prefix.parse().map_err(|_| problem())?))
            }
            Some(_) => return Err(problem()),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| problem())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        let first = first_of(address, prefix).ok_or_else(problem)?;
        let network = Self { first, prefix };
        if first != address {
            return Err(problem().hint(format!("the block of this address is \"{network}\"")));
        }
        Ok(network)
    }
}

/// Why a text is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a block such as 10.0.0.0/8 that begins with its first address")]
pub struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Self::read(text).map_err(|_| NetworkError)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// The first address of the block that an address is in; `None` when the prefix is too long.
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

/// Reads the table. Reports what is wrong; broken fields keep their defaults.
pub(super) fn read(section: &TableReader<'_>) -> ResolverSettings {
    section
        .only(&["deadline", "cache_entries", "cache_bytes", "trusted_proxies", "throttle", "lock"], |_| None);
    let mut settings = ResolverSettings::default();
    if let Some(deadline) = section.field("deadline").and_then(|field| field.duration()) {
        settings.deadline = deadline;
    }
    if let Some(entries) = number(section, "cache_entries", 1_000_000_000) {
        settings.cache.entries = entries;
    }
    if let Some(bytes) = number(section, "cache_bytes", u32::MAX) {
        settings.cache.bytes = bytes;
    }
    if let Some(field) = section.field("trusted_proxies") {
        settings.trusted_proxies = proxies(&field);
    }
    if let Some(field) = section.field("throttle") {
        settings.throttle = throttle(&field);
    }
    if let Some(field) = section.field("lock") {
        settings.lock = lock(&field);
    }
    settings
}

fn number(section: &TableReader<'_>, name: &str, most: u32) -> Option<usize> {
    let field = section.field(name)?;
    usize::try_from(field.integer(1..=most, &format!("a number between 1 and {most}"))?).ok()
}

fn proxies(field: &Field<'_>) -> Vec<Network> {
    let elements =
        field.elements("an array of addresses and blocks such as \"10.0.0.0/8\"").unwrap_or_default();
    let network = |element: &Field<'_>| {
        let text = element.text("an address or a block such as \"10.0.0.0/8\"")?;
        element.parsed(Network::read(text))
    };
    elements.iter().filter_map(network).collect()
}

fn throttle(field: &Field<'_>) -> SourceRateLimit {
    let mut throttle = SourceRateLimit::default();
    let expected = "an array with the fields `first_delay`, `longest_delay`, `refuse_after` and `per`";
    let Some(section) = field.section(expected) else { return throttle };
    section.only(&["first_delay", "longest_delay", "refuse_after", "per"], |_| None);
    for (name, slot) in [
        ("first_delay", &mut throttle.first_delay),
        ("longest_delay", &mut throttle.longest_delay),
        ("per", &mut throttle.per),
    ] {
        if let Some(length) = section.field(name).and_then(|field| field.duration()) {
            *slot = length;
        }
    }
    let failures = section.field("refuse_after");
    if let Some(failures) =
        failures.and_then(|field| field.integer(1..=1_000_000, "a number between 1 and 1000000"))
    {
        throttle.refuse_after = failures;
    }
    if throttle.first_delay > throttle.longest_delay {
        section.fail(
            None,
            Problem::new(
                "a first delay that is longer than the longest",
                "`first_delay` up to `longest_delay`",
            ),
        );
    }
    throttle
}

fn lock(field: &Field<'_>) -> Option<Lockout> {
    if field.is_off() {
        return None;
    }
    let mut lock = Lockout::default();
    let expected = "\"off\", or an array with the fields `failures` and `per`";
    let Some(section) = field.section(expected) else { return Some(lock) };
    section.only(&["failures", "per"], |_| None);
    let failures = section.field("failures");
    if let Some(failures) =
        failures.and_then(|field| field.integer(1..=1_000_000, "a number between 1 and 1000000"))
    {
        lock.failures = failures;
    }
    if let Some(per) = section.field("per").and_then(|field| field.duration()) {
        lock.per = per;
    }
    Some(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_the_addresses_that_share_its_prefix() {
        let has =
            |network: &str, address: &str| Network::read(network).unwrap().contains(address.parse().unwrap());
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
    fn what_is_no_block_is_refused() {
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
            assert!(Network::read(text).is_err(), "{text}");
        }
        assert_eq!(
            Network::read("10.1.2.3/8").unwrap_err().hints,
            ["the block of this address is \"10.0.0.0/8\""]
        );
    }
}
