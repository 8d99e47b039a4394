//! Identical attempts that arrive together share one.
//!
//! The first of them starts the work in its own task; the others wait for its answer. No cancelled
//! caller, and no panic, leaves others waiting: the work continues when the caller who started it
//! is gone, and if it panics all waiting callers are notified at once. Attempts share only when
//! name, password **and** the last invalidation that concerns them are the same: a question that
//! arrives after an invalidation is never answered by work that began before it; an invalidation of
//! another user has no effect.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::epochs::Epoch;
use crate::clock::Instant;
use crate::secret::OutcomeKey;
use crate::sync::{Mutex, MutexGuard, spawn, timeout_at};

/// See the [module](self).
#[derive(Debug)]
pub struct SingleFlight<T> {
    under_way: Arc<Mutex<Table<T>>>,
    most: usize,
}

type Table<T> = HashMap<(OutcomeKey, u64), watch::Receiver<Option<T>>>;

/// Why no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// Too many different attempts are under way.
    Full,
    /// The work died.
    Died,
    /// The caller's own deadline passed; the work continues.
    Late,
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// At most `most` different attempts under way at once.
    pub fn new(most: usize) -> Self {
        Self { under_way: Arc::default(), most }
    }

    /// Waits for the answer of the attempt `key`, and starts it with `start` if needed.
    ///
    /// `change` is the epoch of the last invalidation that concerns it.
    ///
    /// # Errors
    /// [`JoinError`] when there is no answer to wait for.
    ///
    /// # Cancellation
    /// Cancel safe: the work continues and its answer reaches the others.
    pub async fn join<F>(
        &self,
        key: OutcomeKey,
        change: Epoch,
        deadline: Instant,
        start: impl FnOnce() -> F,
    ) -> Result<T, JoinError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        await_result(self.get_or_start((key, change.number()), start)?, deadline).await
    }

    /// Waits for the answer of the attempt `key` if it is under way already.
    ///
    /// # Cancellation
    /// Safe, as [`Self::join`].
    pub async fn follow(
        &self,
        key: OutcomeKey,
        change: Epoch,
        deadline: Instant,
    ) -> Option<Result<T, JoinError>> {
        let answer = lock(&self.under_way).get(&(key, change.number())).cloned()?;
        Some(await_result(answer, deadline).await)
    }

    /// How many attempts are under way.
    pub fn under_way(&self) -> usize {
        lock(&self.under_way).len()
    }

    fn get_or_start<F>(
        &self,
        key: (OutcomeKey, u64),
        start: impl FnOnce() -> F,
    ) -> Result<watch::Receiver<Option<T>>, JoinError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut table = lock(&self.under_way);
        let full = table.len() >= self.most;
        match table.entry(key) {
            Entry::Occupied(flight) => Ok(flight.get().clone()),
            Entry::Vacant(_) if full => Err(JoinError::Full),
            Entry::Vacant(slot) => {
                let (send, receive) = watch::channel(None);
                slot.insert(receive.clone());
                drop(table);
                let landing = CompletionGuard { under_way: Arc::clone(&self.under_way), key };
                let work = start();
                spawn(async move {
                    let answer = work.await;
                    // Off the table first: a new caller finds the cache filled, or starts over.
                    drop(landing);
                    send.send_replace(Some(answer));
                });
                Ok(receive)
            }
        }
    }
}

async fn await_result<T: Clone>(
    mut answer: watch::Receiver<Option<T>>,
    deadline: Instant,
) -> Result<T, JoinError> {
    match timeout_at(deadline, answer.wait_for(Option::is_some)).await {
        Ok(Ok(answer)) => answer.clone().ok_or(JoinError::Died),
        Ok(Err(_)) => Err(JoinError::Died),
        Err(_) => Err(JoinError::Late),
    }
}

/// Takes a flight off the table, also when the work panics or the runtime drops it.
struct CompletionGuard<T> {
    under_way: Arc<Mutex<Table<T>>>,
    key: (OutcomeKey, u64),
}

impl<T> Drop for CompletionGuard<T> {
    fn drop(&mut self) {
        lock(&self.under_way).remove(&self.key);
    }
}

fn lock<T>(table: &Mutex<Table<T>>) -> MutexGuard<'_, Table<T>> {
    // The table is whole at every moment: no code that can panic runs under the lock.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tokio::task::{JoinHandle, spawn, yield_now};

    use super::super::epochs::InvalidationEpochs;
    use super::*;
    use crate::clock::now;
    use crate::secret::OutcomeKeyer;

    struct FlightFixture {
        flights: Arc<SingleFlight<usize>>,
        keyer: OutcomeKeyer,
        epochs: InvalidationEpochs,
        started: Arc<AtomicUsize>,
        gate: Arc<Semaphore>,
    }

    impl FlightFixture {
        fn new(most: usize) -> Self {
            Self {
                flights: Arc::new(SingleFlight::new(most)),
                keyer: OutcomeKeyer::random().unwrap(),
                epochs: InvalidationEpochs::default(),
                started: Arc::default(),
                gate: Arc::new(Semaphore::new(0)),
            }
        }

        /// Joins a call whose work waits at the gate and returns how many were started by then.
        fn join(&self, password: &str) -> JoinHandle<Result<usize, JoinError>> {
            let key = self.keyer.key(b"", "alice", password);
            let (flights, epoch) = (Arc::clone(&self.flights), self.epochs.epoch());
            let (started, gate) = (Arc::clone(&self.started), Arc::clone(&self.gate));
            spawn(async move {
                let work = move || async move {
                    let number = started.fetch_add(1, Ordering::SeqCst) + 1;
                    let _permit = gate.acquire().await;
                    number
                };
                flights.join(key, epoch, now() + Duration::from_secs(5), work).await
            })
        }

        async fn until(&self, condition: impl Fn(&Self) -> bool) {
            while !condition(self) {
                yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn a_thousand_identical_attempts_make_one_login() {
        let bench = FlightFixture::new(10);
        let all: Vec<_> = (0..1000).map(|_| bench.join("secret")).collect();
        bench.until(|bench| bench.started.load(Ordering::SeqCst) == 1).await;
        bench.gate.add_permits(1000);
        for one in all {
            assert_eq!(one.await.unwrap(), Ok(1));
        }
        assert_eq!((bench.started.load(Ordering::SeqCst), bench.flights.under_way()), (1, 0));
    }

    #[tokio::test]
    async fn different_passwords_never_share() {
        let bench = FlightFixture::new(10);
        let (one, other) = (bench.join("secret"), bench.join("Secret"));
        bench.until(|bench| bench.started.load(Ordering::SeqCst) == 2).await;
        bench.gate.add_permits(2);
        let mut both = [one.await.unwrap().unwrap(), other.await.unwrap().unwrap()];
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
    }

    #[tokio::test]
    async fn work_survives_its_caller() {
        let bench = FlightFixture::new(10);
        let leader = bench.join("secret");
        bench.until(|bench| bench.started.load(Ordering::SeqCst) == 1).await;
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        let follower = bench.join("secret");
        bench.gate.add_permits(1);
        assert_eq!(follower.await.unwrap(), Ok(1));
    }

    #[tokio::test]
    async fn panic_leaves_no_caller_waiting() {
        let bench = FlightFixture::new(10);
        let key = bench.keyer.key(b"", "alice", "secret");
        let deadline = now() + Duration::from_secs(5);
        let answer =
            bench.flights.join(key, bench.epochs.epoch(), deadline, || async { panic!("boom") }).await;
        assert_eq!(answer, Err(JoinError::Died));
        assert_eq!(bench.flights.under_way(), 0);
        bench.gate.add_permits(1);
        assert_eq!(bench.join("secret").await.unwrap(), Ok(1));
    }

    #[tokio::test]
    async fn attempt_after_an_invalidation_starts_again() {
        let bench = FlightFixture::new(10);
        let early = bench.join("secret");
        bench.until(|bench| bench.started.load(Ordering::SeqCst) == 1).await;
        bench.epochs.invalidate_everything();
        let late = bench.join("secret");
        bench.until(|bench| bench.started.load(Ordering::SeqCst) == 2).await;
        bench.gate.add_permits(2);
        assert_eq!((early.await.unwrap(), late.await.unwrap()), (Ok(1), Ok(2)));
    }

    #[tokio::test]
    async fn full_pool_refuses_at_once() {
        let bench = FlightFixture::new(1);
        let first = bench.join("secret");
        bench.until(|bench| bench.started.load(Ordering::SeqCst) == 1).await;
        assert_eq!(bench.join("other").await.unwrap(), Err(JoinError::Full));
        bench.gate.add_permits(1);
        assert_eq!(first.await.unwrap(), Ok(1));
    }
}
