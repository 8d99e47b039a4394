//! Resolves host names; distinguishes unknown names from a failing name service.
//!
//! The first is a typing error and lasts until it is corrected; the second passes. The standard
//! library reports both in the same way, so the system is asked through a crate that keeps its
//! answer (`EAI_NONAME`, `EAI_AGAIN`, RFC 3493 section 6.1) apart. A machine without any network
//! may call every name unknown: that is why neither of the two is ever a rejection.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};

use super::{Endpoint, TlsMode, within};
use crate::clock::{Instant, now};
use crate::error::{BackendError, Phase};

/// How long the addresses of a host are remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);

/// At most so many hosts are remembered; more than a configuration has.
const MAX_HOSTS: usize = 64;

/// The addresses that were found last, of the whole program.
static REMEMBERED: LazyLock<Mutex<Remembered>> = LazyLock::new(Mutex::default);

/// Addresses of hosts, and when they were found.
#[derive(Debug, Default)]
struct Remembered(HashMap<String, (Instant, Vec<SocketAddr>)>);

impl Remembered {
    fn get(&self, host: &str, at: Instant) -> Option<&[SocketAddr]> {
        let (found_at, addresses) = self.0.get(host)?;
        let age = at.checked_duration_since(*found_at)?;
        (age < REMEMBERED_FOR).then_some(addresses)
    }

    fn put(&mut self, host: &str, addresses: &[SocketAddr], at: Instant) {
        if self.0.len() >= MAX_HOSTS {
            self.0.clear();
        }
        self.0.insert(host.to_owned(), (at, addresses.to_vec()));
    }
}

fn remembered() -> MutexGuard<'static, Remembered> {
    REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forgets the addresses of the host: none of them can be reached, and the host may have moved.
pub(crate) fn forget(endpoint: &Endpoint) {
    remembered().0.remove(endpoint.host());
}

/// Remembers an address of a host, as if it had just been looked up.
#[cfg(test)]
pub(super) fn remember(endpoint: &Endpoint, address: SocketAddr) {
    remembered().put(endpoint.host(), &[address], now());
}

/// The addresses of a host.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) addresses: Vec<SocketAddr>,
    /// Whether they were found some seconds ago.
    pub(super) is_remembered: bool,
}

/// All addresses of the host, in the order the system prefers.
///
/// They are remembered for 30 seconds: a look-up takes a thread of its own, and most of the time
/// that a login spends before its first byte.
///
/// # Errors
/// A misconfigured [`BackendError`] when the name does not exist, or when clear text to this
/// machine was configured and the name resolves to another machine; an unavailable one when no
/// answer came before the deadline.
///
/// # Cancellation
/// Safe. The system's resolver may finish its look-up in the background.
pub async fn resolve(endpoint: &Endpoint, deadline: Instant) -> Result<Vec<SocketAddr>, BackendError> {
    Ok(find(endpoint, deadline).await?.addresses)
}

/// The same, and whether they were remembered.
pub(super) async fn find(endpoint: &Endpoint, deadline: Instant) -> Result<Found, BackendError> {
    let host = endpoint.host();
    // An address needs no look-up, and no thread of the blocking pool.
    if let Ok(address) = host.parse::<IpAddr>() {
        let addresses = vec![SocketAddr::new(address, endpoint.port())];
        return Ok(Found { addresses, is_remembered: false });
    }
    if is_never_there(host) {
        return Err(no_such_host(host));
    }
    let known = remembered().get(host, now()).map(<[_]>::to_vec);
    let is_remembered = known.is_some();
    let mut addresses = match known {
        Some(addresses) => addresses,
        None => {
            let found = within(deadline, Phase::Resolve, look_up(host.to_owned())).await?;
            if !found.is_empty() {
                remembered().put(host, &found, now());
            }
            found
        }
    };
    if addresses.is_empty() {
        return Err(BackendError::unavailable(Phase::Resolve, format!("host \"{host}\" has no address")));
    }
    if endpoint.tls() == TlsMode::None
        && !endpoint.allows_plaintext()
        && endpoint.is_loopback()
        && let Some(far) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        return Err(BackendError::misconfigured(
            Phase::Resolve,
            format!("\"{host}\" resolves to {}, which is not this machine", far.ip()),
        ));
    }
    addresses.iter_mut().for_each(|address| address.set_port(endpoint.port()));
    Ok(Found { addresses, is_remembered })
}

/// Whether a name is set aside for never being there (RFC 6761 section 6.4).
///
/// No need to ask.
fn is_never_there(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("invalid"))
}

async fn look_up(host: String) -> Result<Vec<SocketAddr>, BackendError> {
    let name = host.clone();
    let found = tokio::task::spawn_blocking(move || {
        // One kind of socket, or else each address comes once for each kind.
        let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
        let found = getaddrinfo(Some(&name), None, Some(hints))?;
        found.map(|one| one.map(|one| one.sockaddr)).collect::<io::Result<_>>().map_err(LookupError::from)
    });
    match found.await {
        Ok(found) => found.map_err(|error| {
            meaning(&host, error.kind(), &error.to_string()).with_source(io::Error::from(error))
        }),
        Err(_) => Err(BackendError::unavailable(Phase::Resolve, "the look-up of the host broke down")),
    }
}

/// Maps a name without an address.
fn meaning(host: &str, kind: LookupErrorKind, message: &str) -> BackendError {
    match kind {
        LookupErrorKind::NoName | LookupErrorKind::NoData => no_such_host(host),
        _ => {
            // The words are this machine's, such as "Temporary failure in name resolution".
            let why = message.rsplit(": ").next().unwrap_or_default();
            BackendError::unavailable(Phase::Resolve, format!("cannot resolve host \"{host}\": {why}"))
        }
    }
}

fn no_such_host(host: &str) -> BackendError {
    let text = format!(
        "host \"{host}\" does not exist; is it spelled right, and does the name service of this machine work?"
    );
    BackendError::misconfigured(Phase::Resolve, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::BackendError;
    use crate::identity::BackendId;

    fn of(fault: BackendError) -> BackendError {
        assert_eq!(fault.phase(), Phase::Resolve);
        fault.with_backend(&BackendId::parse("mail").unwrap())
    }

    async fn resolved(host: &str) -> Result<Vec<SocketAddr>, BackendError> {
        resolve(&Endpoint::new(host, 143, TlsMode::Explicit), now() + Duration::from_secs(5)).await
    }

    #[test]
    fn only_unknown_hosts_are_misconfigured() {
        for kind in [LookupErrorKind::NoName, LookupErrorKind::NoData] {
            assert!(!of(meaning("mail", kind, "")).is_transient(), "{kind:?}");
        }
        for kind in [
            LookupErrorKind::Again,
            LookupErrorKind::Fail,
            LookupErrorKind::Family,
            LookupErrorKind::Memory,
            LookupErrorKind::Service,
            LookupErrorKind::System,
            LookupErrorKind::Unknown,
            LookupErrorKind::IO,
        ] {
            assert!(of(meaning("mail", kind, "")).is_transient(), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn unresolvable_name_is_reported_by_the_resolver() {
        // A label of more than 63 bytes fails in the system's resolver, before it sends a query.
        let fault = resolved(&"x".repeat(80)).await.unwrap_err();
        assert!(!of(fault).is_transient());
    }

    #[tokio::test]
    async fn invalid_tld_is_reported_without_a_network() {
        for host in ["mail.invalid", "MAIL.INVALID.", "invalid"] {
            let error = of(resolved(host).await.unwrap_err());
            assert_eq!(
                error.to_string(),
                format!(
                    "backend \"mail\" misconfigured, seen during resolve: host \"{host}\" does not exist; is it \
                     spelled right, and does the name service of this machine work?"
                )
            );
        }
        for host in ["invalid.example.com", "mail.invalids", ""] {
            assert!(!is_never_there(host), "{host}");
        }
    }

    #[test]
    fn addresses_are_remembered_for_30_seconds() {
        let (mut hosts, start) = (Remembered::default(), now());
        let address: SocketAddr = "192.0.2.1:0".parse().unwrap();
        hosts.put("mail", &[address], start);
        assert_eq!(hosts.get("mail", start), Some(&[address][..]));
        assert!(hosts.get("mail", start + Duration::from_millis(29_999)).is_some());
        assert!(hosts.get("mail", start + REMEMBERED_FOR).is_none());
        assert!(hosts.get("files", start).is_none());
        for n in 0..10 * MAX_HOSTS {
            hosts.put(&n.to_string(), &[address], start);
            assert!(hosts.0.len() <= MAX_HOSTS && hosts.get(&n.to_string(), start).is_some());
        }
    }

    #[tokio::test]
    async fn remembered_address_is_taken_within_its_time() {
        let endpoint = Endpoint::new("Remembered.example", 143, TlsMode::Explicit);
        let address: SocketAddr = "192.0.2.1:0".parse().unwrap();
        remember(&endpoint, address);
        let found = resolve(&endpoint, now() + Duration::from_secs(5)).await.unwrap();
        assert_eq!(found, ["192.0.2.1:143".parse().unwrap()]);
        forget(&endpoint);
        assert!(remembered().get(endpoint.host(), now()).is_none());
        // What is remembered does not make clear text go to another machine. The spelling makes it
        // a host of this test alone.
        let local = Endpoint::new("localHOST", 143, TlsMode::None);
        remember(&local, address);
        let error = resolve(&local, now() + Duration::from_secs(5)).await.unwrap_err();
        assert!(error.detail().contains("not this machine"), "{error}");
    }

    #[tokio::test]
    async fn port_is_the_endpoints() {
        let found = resolved("localhost").await.unwrap();
        assert!(!found.is_empty());
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 143), "{found:?}");
        assert_eq!(resolved("::1").await.unwrap(), ["[::1]:143".parse().unwrap()]);
    }
}
