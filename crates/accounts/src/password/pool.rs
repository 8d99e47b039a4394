//! The few threads that hash, and the queue before them.
//!
//! A thousand people signing in at once must neither starve the async executor nor take 19 MiB each: no more hashes are
//! under way than the settings say, a bounded number of callers waits, and everybody else is told at once that it is busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;
use tokio::sync::Semaphore;
use user_backend::clock::{Instant, now};

use super::memory::Expected;
use super::settings::HashSettings;

/// Runs slow work on a bounded number of threads. Cheap to clone; clones share the bounds.
#[derive(Clone, Debug)]
pub struct HashPool {
    at_work: Arc<Semaphore>,
    places: Arc<Semaphore>,
    begun: Arc<AtomicU64>,
}

/// The pool did not do the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PoolError {
    /// All places in the queue are taken.
    #[error("too many passwords are being checked at the moment")]
    Busy,
    /// The work broke off.
    #[error("checking a password broke off")]
    Died,
    /// The turn did not come, or the work did not end, before the deadline.
    #[error("a password could not be checked in time")]
    Late,
}

impl HashPool {
    /// A pool with the bounds of these settings.
    pub fn new(settings: &HashSettings) -> Self {
        let places = settings.at_once().saturating_add(settings.waiting()).min(Semaphore::MAX_PERMITS);
        Self {
            at_work: Arc::new(Semaphore::new(settings.at_once())),
            places: Arc::new(Semaphore::new(places)),
            begun: Arc::default(),
        }
    }

    /// Runs `work` when its turn comes.
    ///
    /// # Errors
    /// [`PoolError`]; work that has begun goes on to its end all the same and keeps its thread until then.
    ///
    /// # Cancellation
    /// Dropping the future gives up the place in the queue. Work that has begun goes on to its end.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        if deadline <= now() {
            return Err(PoolError::Late);
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PoolError::Busy)?;
        let expected = Expected::new();
        let turn = tokio::time::timeout_at(deadline, Arc::clone(&self.at_work).acquire_owned());
        let turn = turn.await.map_err(|_| PoolError::Late)?.map_err(|_| PoolError::Died)?;
        self.begun.fetch_add(1, Ordering::Relaxed);
        let working = tokio::task::spawn_blocking(move || {
            // All stay with the work: a caller who leaves does not make room for one more thread.
            let (_place, _turn, _expected) = (place, turn, expected);
            work()
        });
        match tokio::time::timeout_at(deadline, working).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(PoolError::Died),
            Err(_) => Err(PoolError::Late),
        }
    }

    /// How many pieces of work have begun so far: for metrics.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many more callers there is room for, at work and waiting together.
    pub fn free_places(&self) -> usize {
        self.places.available_permits()
    }
}
