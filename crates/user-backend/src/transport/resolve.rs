//! Resolves host names; distinguishes unknown names from a failing name service.
//!
//! The first is a typing error and lasts until it is corrected; the second passes. The standard
//! library reports both in the same way, so the system is asked through a crate that keeps its
//! answer (`EAI_NONAME`, `EAI_AGAIN`, RFC 3493 section 6.1) apart. A machine without any network
//! may call every name unknown: that is why neither of the two is ever a rejection.

use std::io;
use std::net::{IpAddr, SocketAddr};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};

use super::{Endpoint, TlsMode, within};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};

/// All addresses of the host, in the order the system prefers.
///
/// # Errors
/// A misconfigured [`BackendError`] when the name does not exist, or when clear text to this
/// machine was configured and the name resolves to another machine; an unavailable one when no
/// answer came before the deadline.
///
/// # Cancellation
/// Safe. The system's resolver may finish its look-up in the background.
pub async fn resolve(endpoint: &Endpoint, deadline: Instant) -> Result<Vec<SocketAddr>, BackendError> {
    let host = endpoint.host();
    // An address needs no look-up, and no thread of the blocking pool.
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, endpoint.port())]);
    }
    if is_never_there(host) {
        return Err(no_such_host(host));
    }
    let mut addresses = within(deadline, Phase::Resolve, look_up(host.to_owned())).await?;
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
    Ok(addresses)
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
    use std::time::Duration;

    use super::*;
    use crate::clock::now;
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

    #[tokio::test]
    async fn port_is_the_endpoints() {
        let found = resolved("localhost").await.unwrap();
        assert!(!found.is_empty());
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 143), "{found:?}");
        assert_eq!(resolved("::1").await.unwrap(), ["[::1]:143".parse().unwrap()]);
    }
}
