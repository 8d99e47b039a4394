use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::error::Phase;

/// Counts what was made and what is still open.
#[derive(Debug, Default)]
struct CountingServer {
    made: AtomicUsize,
    open: AtomicUsize,
}

struct Connection(Arc<CountingServer>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl CountingServer {
    fn connect(self: &Arc<Self>) -> impl Future<Output = Result<Connection, BackendError>> + Send + 'static {
        let server = Arc::clone(self);
        async move {
            server.made.fetch_add(1, Ordering::SeqCst);
            server.open.fetch_add(1, Ordering::SeqCst);
            Ok(Connection(server))
        }
    }

    fn counts(&self) -> (usize, usize) {
        (self.made.load(Ordering::SeqCst), self.open.load(Ordering::SeqCst))
    }
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_missing_connections_are_prepared() {
    let (server, warm) = (Arc::new(CountingServer::default()), PreparedConnections::new(2));
    assert!(warm.take().is_none());
    warm.refill(|| server.connect());
    warm.refill(|| server.connect());
    settle().await;
    assert_eq!(server.counts(), (2, 2));
    let taken = warm.take();
    warm.refill(|| server.connect());
    settle().await;
    assert_eq!(server.counts(), (3, 3));
    drop(taken);
    assert_eq!(server.counts(), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn pool_of_nothing_opens_nothing() {
    let (server, warm) = (Arc::new(CountingServer::default()), PreparedConnections::new(0));
    warm.refill(|| server.connect());
    settle().await;
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn unused_connection_is_closed_and_not_replaced() {
    let (server, warm) = (Arc::new(CountingServer::default()), PreparedConnections::new(1));
    warm.refill(|| server.connect());
    settle().await;
    tokio::time::advance(LIFETIME + Duration::from_secs(1)).await;
    settle().await;
    assert_eq!(server.counts(), (1, 0));
    assert!(warm.take().is_none());
}

#[tokio::test(start_paused = true)]
async fn connections_are_closed_with_their_pool() {
    let (server, warm) = (Arc::new(CountingServer::default()), PreparedConnections::new(3));
    warm.refill(|| server.connect());
    settle().await;
    drop(warm);
    assert_eq!(server.counts(), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn failed_preparation_waits_for_the_next_login() {
    let (tries, warm) = (Arc::new(AtomicUsize::new(0)), PreparedConnections::<Connection>::new(1));
    let fail = || {
        let tries = Arc::clone(&tries);
        async move {
            tries.fetch_add(1, Ordering::SeqCst);
            Err(BackendError::unavailable(Phase::Connect, "closed"))
        }
    };
    warm.refill(fail);
    settle().await;
    tokio::time::advance(LIFETIME * 10).await;
    settle().await;
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    warm.refill(fail);
    settle().await;
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}
