//! Limits of connections: how many in all and per source, and how long one may stall.
//!
//! A connection stalls when its client reads nothing of what is sent to it.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep_until};
use user_backend::brute_force::SourceNet;
use user_backend::clock::{later, now};

use crate::state::AppState;
use crate::warnings::WarningKind;

/// Timeout for a client that reads nothing.
const STALLED: Duration = Duration::from_secs(20);

/// Open files that are not connections: the store, backends, helpers, the log.
const OTHER_FILES: u64 = 64 + MONITORING as u64;

/// More connections are not held by default, however many files may be open.
const MOST: usize = 8192;

/// A listener for monitoring has these, beside those of the main one.
const MONITORING: usize = 64;

/// The connections that are open at one listener.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimiter {
    app: AppState,
    counts: Arc<Mutex<Counts>>,
    is_monitoring: bool,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_place: HashMap<SourceNet, usize>,
}

impl Counts {
    /// Counts a connection from there.
    ///
    /// `from_one`: how many one source may have, unless it is exempt.
    ///
    /// # Errors
    /// Which limit is reached.
    fn take(&mut self, place: SourceNet, all: usize, from_one: Option<usize>) -> Result<(), &'static str> {
        if self.all >= all {
            return Err("max_connections reached");
        }
        let share = SourceNet::share_of(all, self.all);
        // One customer may have up to a /48: wider networks have more, but never more than half.
        let is_full = |network: SourceNet, limit: usize| {
            let limit = limit.saturating_mul(network.allowance_factor() as usize).min(all.div_ceil(2));
            self.by_place.get(&network).is_some_and(|here| *here >= limit.min(share))
        };
        if from_one.is_some_and(|limit| place.levels().any(|network| is_full(network, limit))) {
            return Err("max_connections_per_source reached");
        }
        self.all += 1;
        for network in place.levels() {
            *self.by_place.entry(network).or_default() += 1;
        }
        Ok(())
    }

    fn give_back(&mut self, place: SourceNet) {
        self.all = self.all.saturating_sub(1);
        for network in place.levels() {
            if let Some(here) = self.by_place.get_mut(&network) {
                *here = here.saturating_sub(1);
                if *here == 0 {
                    self.by_place.remove(&network);
                }
            }
        }
    }
}

impl ConnectionLimiter {
    pub(crate) fn new(app: AppState) -> Self {
        Self { app, counts: Arc::default(), is_monitoring: false }
    }

    /// The limits of a monitoring listener, independent of those of the other listener.
    pub(crate) fn for_monitoring(app: AppState) -> Self {
        Self { app, counts: Arc::default(), is_monitoring: true }
    }

    /// Takes a new connection, unless there are too many.
    ///
    /// # Errors
    /// There are, or the client is gone.
    pub(crate) fn admit(&self, stream: TcpStream) -> io::Result<Guarded> {
        let address = stream.peer_addr()?.ip().to_canonical();
        let settings = self.app.settings();
        let all = match settings.max_connections {
            _ if self.is_monitoring => MONITORING,
            Some(limit) => limit.get() as usize,
            None => default_limit(),
        };
        let from_one = settings.max_connections_per_source.get() as usize;
        let is_proxy = self.app.trusted_proxies().iter().any(|network| network.contains(address));
        let slot = self.slot(address, all, (!is_proxy).then_some(from_one)).inspect_err(|full| {
            self.app.warn_about(
                WarningKind::ConnectionLimiter,
                format_args!(
                    "closed a new connection from {address}: {full} (max_connections, max_connections_per_source in \
                     [server]; a proxy belongs into trusted_proxies of [resolver])"
                ),
            );
        });
        let slot = slot.map_err(io::Error::other)?;
        stream.set_nodelay(true)?;
        Ok(Guarded { stream, stalled: None, _slot: slot })
    }

    fn slot(&self, address: IpAddr, all: usize, from_one: Option<usize>) -> Result<Slot, &'static str> {
        let place = SourceNet::of(address);
        self.lock().take(place, all, from_one)?;
        Ok(Slot { connections: self.clone(), place })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The default limit, from the limit of open files.
fn default_limit() -> usize {
    let files = user_backend::process::open_file_limit().unwrap_or(1024);
    usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(MOST).clamp(16, MOST)
}

/// The place of one connection among the open ones.
#[derive(Debug)]
struct Slot {
    connections: ConnectionLimiter,
    place: SourceNet,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.lock().give_back(self.place);
    }
}

/// A counted connection, which fails when its client reads nothing for too long.
#[derive(Debug)]
pub(crate) struct Guarded {
    stream: TcpStream,
    /// When a write that waits has waited long enough.
    stalled: Option<Pin<Box<Sleep>>>,
    _slot: Slot,
}

impl Guarded {
    /// The connection itself.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The result of a write: one that waits too long fails.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(later(now(), STALLED))));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::net::TcpListener;
    use user_backend::ClassRegistry;

    use super::*;
    use crate::settings::ServerSettings;

    #[tokio::test(flavor = "multi_thread")]
    async fn admitted_connections_send_at_once() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("server.toml");
        std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:0\"\n").unwrap();
        let (settings, config) = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap();
        let app = AppState::start(settings, &config).await.unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        for connections in [ConnectionLimiter::new(app.clone()), ConnectionLimiter::for_monitoring(app)] {
            let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let accepted = listener.accept().await.unwrap().0;
            assert!(!accepted.nodelay().unwrap());
            assert!(connections.admit(accepted).unwrap().stream().nodelay().unwrap());
        }
    }

    /// The /64 of this number in one /48; each is in a /56 of its own.
    fn net(number: u32) -> SourceNet {
        SourceNet::of(format!("2001:db8:7:{number:x}00::1").parse().unwrap())
    }

    #[test]
    fn one_ipv6_customer_never_has_more_than_half() {
        let mut counts = Counts::default();
        let mut taken = Vec::new();
        for number in (0..64).flat_map(|number| std::iter::repeat_n(number, 10)) {
            if counts.take(net(number), 100, Some(8)).is_ok() {
                taken.push(number);
            }
        }
        assert_eq!(taken.len(), 50);
        assert_eq!(taken.iter().filter(|number| **number == 0).count(), 8, "a /64");
        let other = SourceNet::of("198.51.100.7".parse().unwrap());
        assert!(counts.take(other, 100, Some(8)).is_ok());
        counts.give_back(other);
        for number in taken {
            counts.give_back(net(number));
        }
        assert!(counts.all == 0 && counts.by_place.is_empty(), "{counts:?}");
    }
}
