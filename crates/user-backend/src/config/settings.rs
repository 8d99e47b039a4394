//! The settings of the resolver as a whole.
//!
//! `[resolver]` in TOML and JSON, `user_backends_resolver` in a `config.php`.

use std::time::Duration;

use super::endpoint::Remark;
use super::fields::{RESOLVER_FIELDS, names_of};
use crate::brute_force::{Lockout, SourceRateLimit};
use crate::cache::CacheBounds;
use crate::client_address::{Network, NetworkError};
use crate::document::error::Problem;
use crate::document::section::{Field, TableReader};
use crate::document::tree::quoted;
use crate::resolver::Resolver;

/// Global settings: one deadline, one cache, one rate limit for all backends.
///
/// The table `resolver` of a file: `[resolver]` in TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolverSettings {
    /// How long one attempt may take, all backends together (`deadline`, default 25 s).
    pub deadline: Duration,
    /// Bounds of the cache: outcomes and bytes.
    ///
    /// `cache_entries`, default 100 000; `cache_bytes`, default 33 554 432.
    pub cache: CacheBounds,
    /// Proxies whose forwarding headers are trusted (`trusted_proxies`, default none).
    ///
    /// The resolver sees no requests: give them to [`client_address`](crate::client_address()), or
    /// to `ForwardedFor` of `user-backend-tower`, and again after a reload.
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

/// Reads the table.
///
/// Reports what is wrong; broken fields keep their defaults.
pub(super) fn read(section: &TableReader<'_>, remarks: &mut Vec<Remark>) -> ResolverSettings {
    section.only(&names_of(&RESOLVER_FIELDS), |_| None);
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
        let proxies = &settings.trusted_proxies;
        for (nth, proxy) in proxies.iter().enumerate() {
            let mut others = proxies.iter().enumerate().filter(|(other, _)| *other != nth);
            let covers =
                |(other, wider): &(usize, &Network)| wider.covers(proxy) && (*wider != proxy || *other < nth);
            if let Some((_, wider)) = others.find(covers) {
                remarks.push(("trusted_proxies", format!("no effect for {proxy}: {wider} is in the list")));
            }
        }
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
        let network: Network = element.parsed(text.parse().map_err(|error| no_network(text, error)))?;
        element.parsed(if network.is_everything() { Err(everything(text)) } else { Ok(network) })
    };
    elements.iter().filter_map(network).collect()
}

fn no_network(text: &str, error: NetworkError) -> Problem {
    let problem = Problem::new(quoted(text), "an address or a block such as \"10.0.0.0/8\"");
    problem.hints(error.block().map(|block| format!("the block of this address is \"{block}\"")))
}

/// With such a block, every client chooses the address that counts for it.
fn everything(text: &str) -> Problem {
    let problem = Problem::with_text(text, "the addresses of your proxies");
    problem.hint("this is every address, so every client could choose its own in X-Forwarded-For")
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
