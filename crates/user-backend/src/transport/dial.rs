//! Opening a connection to a host.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::{Endpoint, resolve, sooner, within};
use crate::clock::{Instant, now};
use crate::error::{BackendError, Phase};

/// Opens a connection, trying the host's addresses in turn.
///
/// Each gets an equal share of the time that is left. Small packets are sent at once
/// (`TCP_NODELAY`): login dialogues are all small packets.
///
/// # Errors
/// The [`BackendError`] of the last address that was tried.
///
/// # Cancellation
/// Safe: a half-open connection is closed.
pub async fn dial(endpoint: &Endpoint, deadline: Instant) -> Result<TcpStream, BackendError> {
    dial_with(endpoint, deadline, connect).await
}

/// The same for addresses that are known already: the first of them that answers.
pub(crate) async fn dial_first(
    addresses: &[SocketAddr],
    deadline: Instant,
) -> Result<TcpStream, BackendError> {
    first_of(addresses, deadline, connect).await
}

/// What [`dial`] does, for a library that opens the connection itself.
pub(crate) async fn dial_with<T, F>(
    endpoint: &Endpoint,
    deadline: Instant,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, BackendError>
where
    F: Future<Output = Result<T, BackendError>>,
{
    let deadline = sooner(endpoint.connect_timeout(), deadline);
    let found = resolve::find(endpoint, deadline).await?;
    let connected = first_of(&found.addresses, deadline, &connect).await;
    if connected.is_ok() {
        return connected;
    }
    resolve::forget(endpoint);
    // The host may have other addresses by now.
    if found.is_remembered {
        let again = resolve::find(endpoint, deadline).await?.addresses;
        if again != found.addresses {
            return first_of(&again, deadline, &connect).await;
        }
    }
    connected
}

async fn first_of<T, F>(
    addresses: &[SocketAddr],
    deadline: Instant,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, BackendError>
where
    F: Future<Output = Result<T, BackendError>>,
{
    let mut last = BackendError::timed_out(Phase::Connect);
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(now()) / left;
        match within(sooner(share, deadline), Phase::Connect, connect(*address)).await {
            Ok(connection) => return Ok(connection),
            Err(fault) => last = fault,
        }
    }
    Err(last)
}

async fn connect(address: SocketAddr) -> Result<TcpStream, BackendError> {
    let stream = TcpStream::connect(address).await.map_err(|error| cannot_connect(address, error))?;
    // A stream that refuses the option still works, only slower.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Maps a failure to connect.
pub(crate) fn cannot_connect(address: SocketAddr, error: io::Error) -> BackendError {
    let detail = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{address} refused the connection"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            format!("{address} cannot be reached")
        }
        kind => format!("cannot connect to {address}: {kind}"),
    };
    BackendError::unavailable(Phase::Connect, detail).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transport::TlsMode;

    fn soon() -> Instant {
        now() + Duration::from_secs(5)
    }

    #[tokio::test]
    async fn closed_port_is_unavailable_during_connect() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let fault = dial(&Endpoint::new("127.0.0.1", port, TlsMode::None), soon()).await.unwrap_err();
        assert_eq!(fault.phase(), Phase::Connect);
        assert_eq!(fault.detail(), format!("127.0.0.1:{port} refused the connection"));
    }

    #[tokio::test]
    async fn host_that_moved_is_found_at_its_new_address() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // Nothing listens there. The spelling makes it a host of this test alone.
        let endpoint = Endpoint::new("LocalHost", port, TlsMode::None);
        resolve::remember(&endpoint, "127.99.99.99:0".parse().unwrap());
        let stream = dial(&endpoint, soon()).await.unwrap();
        assert!(stream.peer_addr().unwrap().ip().is_loopback());
    }

    #[tokio::test]
    async fn small_packets_leave_at_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = dial(&Endpoint::new("localhost", port, TlsMode::None), soon()).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }
}
