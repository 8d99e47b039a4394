//! Connections that are ready before they are needed.
//!
//! Finding the address, connecting, TLS and the greeting cost more than the login itself. A backend
//! may prepare that part ahead: a prepared connection is open, encrypted and greeted, no user is
//! signed in on it, and it serves one login. This buys latency, not capacity: a server does no less
//! work, it does it earlier.
//!
//! The pool follows the traffic. Connections are prepared after a login was answered, and closed
//! [`LIFETIME`] later if unused. A pool that dialled for ever would fill the server's log with
//! sessions without a sign-in, which is what tools that ban addresses look for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::error::BackendError;

/// How long a prepared connection is kept.
///
/// Servers end silent ones after 60 seconds and more.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30);

/// A few prepared connections.
pub(crate) struct PreparedConnections<S> {
    size: usize,
    pool: Arc<Mutex<Pool<S>>>,
}

struct Pool<S> {
    ready: VecDeque<(u64, S)>,
    /// How many are being prepared.
    making: usize,
    next: u64,
}

impl<S: Send + 'static> PreparedConnections<S> {
    /// A pool of at most `size` connections, empty at first.
    pub(crate) fn new(size: usize) -> Self {
        Self { size, pool: Arc::new(Mutex::new(Pool { ready: VecDeque::new(), making: 0, next: 0 })) }
    }

    /// The youngest connection.
    ///
    /// The caller has to look whether the server still waits on it.
    pub(crate) fn take(&self) -> Option<S> {
        lock(&self.pool).ready.pop_back().map(|(_, connection)| connection)
    }

    /// Prepares what is missing, in the background.
    ///
    /// Call it after an answered login: a server that does not answer gets no connections.
    ///
    /// # Cancellation
    /// The work ends with the pool or the runtime. A failure is not retried before the next
    /// call.
    pub(crate) fn refill<F>(&self, make: impl Fn() -> F)
    where
        F: Future<Output = Result<S, BackendError>> + Send + 'static,
    {
        let mut pool = lock(&self.pool);
        let missing = self.size.saturating_sub(pool.ready.len() + pool.making);
        pool.making += missing;
        drop(pool);
        for _ in 0..missing {
            tokio::spawn(keep(Making(Arc::downgrade(&self.pool)), make()));
        }
    }
}

/// Prepares one connection and closes it when its time is over.
async fn keep<S: Send>(making: Making<S>, make: impl Future<Output = Result<S, BackendError>> + Send) {
    let made = make.await;
    let pool = making.0.clone();
    let ticket = match made {
        Ok(connection) => making.done(connection),
        Err(fault) => {
            tracing::debug!(phase = fault.phase().as_str(), "no connection prepared: {}", fault.detail());
            return;
        }
    };
    tokio::time::sleep(LIFETIME).await;
    if let (Some(ticket), Some(pool)) = (ticket, pool.upgrade()) {
        lock(&pool).ready.retain(|(kept, _)| *kept != ticket);
    }
}

/// One that is being prepared, counted until this is dropped.
struct Making<S>(Weak<Mutex<Pool<S>>>);

impl<S> Making<S> {
    fn done(self, connection: S) -> Option<u64> {
        let pool = self.0.upgrade()?;
        let mut pool = lock(&pool);
        let ticket = pool.next;
        pool.next += 1;
        pool.ready.push_back((ticket, connection));
        Some(ticket)
    }
}

impl<S> Drop for Making<S> {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            lock(&pool).making -= 1;
        }
    }
}

impl<S> fmt::Debug for PreparedConnections<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedConnections")
            .field("size", &self.size)
            .field("ready", &lock(&self.pool).ready.len())
            .finish()
    }
}

fn lock<S>(pool: &Mutex<Pool<S>>) -> MutexGuard<'_, Pool<S>> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
