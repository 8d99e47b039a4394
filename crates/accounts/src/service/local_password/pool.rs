//! The hashing threads and their queue.
//!
//! A thousand users signing in at once must neither starve the async executor nor take 19 MiB each.
//! The settings limit concurrent hashes, a bounded number of callers waits, and others are refused
//! as busy. A thread that has finished takes the next piece of work itself: to be woken for it
//! would take longer than all the rest that is not hashing.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::sync::{Semaphore, oneshot};
use user_backend::clock::{Instant, now};

use crate::service::local_password::memory::Expected;
use crate::service::local_password::settings::HashSettings;

/// Runs slow work on a bounded number of threads.
///
/// Cheap to clone; clones share the bounds.
#[derive(Clone, Debug)]
pub struct HashPool {
    places: Arc<Semaphore>,
    /// Places for work that is not of proven credentials: fewer than there are in all.
    usual: Arc<Semaphore>,
    begun: Arc<AtomicU64>,
    at_once: usize,
    queue: HashQueue,
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
        // Proven credentials have a sixteenth of it in addition.
        let all = places.saturating_add((places / 16).max(1)).min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(all)),
            usual: Arc::new(Semaphore::new(places)),
            begun: Arc::default(),
            at_once: settings.at_once(),
            queue: HashQueue::default(),
        }
    }

    /// Runs `work` when its turn comes.
    ///
    /// # Errors
    /// [`PoolError`]; work that has begun is finished and keeps its thread until then.
    ///
    /// # Cancellation
    /// Dropping the future leaves the queue. Work that has begun is finished.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        self.run_in(HashLane::Usual, deadline, work).await
    }

    /// The same in a lane: proven credentials go first and have places of their own.
    pub(super) async fn run_in<T: Send + 'static>(
        &self,
        lane: HashLane,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        if deadline <= now() {
            return Err(PoolError::Late);
        }
        let acquire =
            |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().map_err(|_| PoolError::Busy);
        let usual = if lane == HashLane::Usual { Some(acquire(&self.usual)?) } else { None };
        let place = (usual, acquire(&self.places)?);
        let (begun, expected) = (Arc::clone(&self.begun), Expected::new());
        let (answer, answered) = oneshot::channel();
        let ticket = self.queue.join(
            lane,
            Box::new(move || {
                // In this order, so that a caller who has the answer, or an error, finds the permit
                // free. Until then it stays with the work: a caller who leaves does not make room
                // for one more thread.
                let answer = answer;
                let held = (place, expected);
                begun.fetch_add(1, Ordering::Relaxed);
                let done = work();
                drop(held);
                // Who went away needs no answer.
                drop(answer.send(done));
            }),
        );
        Worker::start(&self.queue, self.at_once);
        let answered = tokio::time::timeout_at(deadline, answered).await;
        drop(ticket);
        answered.map_err(|_| PoolError::Late)?.map_err(|_| PoolError::Died)
    }

    /// Number of jobs that have begun: for metrics.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Free places for callers, running and waiting, without those for proven credentials.
    pub fn free_places(&self) -> usize {
        self.usual.available_permits()
    }
}

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HashLane {
    /// Name and password were right the last time.
    ///
    /// Guesses must not keep their user waiting.
    Proven,
    /// Everything else.
    Usual,
}

/// Work that waits for a thread, and the threads at work.
#[derive(Clone, Debug, Default)]
struct HashQueue(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// By lane, then by the number of the ticket: first come, first served.
    work: BTreeMap<(HashLane, u64), Box<dyn FnOnce() + Send>>,
    next: u64,
    threads: usize,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, next: _, threads } = self;
        f.debug_struct("Waiting").field("work", &work.len()).field("threads", threads).finish()
    }
}

impl HashQueue {
    fn join(&self, lane: HashLane, work: Box<dyn FnOnce() + Send>) -> Ticket<'_> {
        let mut waiting = self.lock();
        let number = (lane, waiting.next);
        waiting.next += 1;
        waiting.work.insert(number, work);
        Ticket { queue: self, number }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, given up when it is dropped.
struct Ticket<'a> {
    queue: &'a HashQueue,
    number: (HashLane, u64),
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let left = self.queue.lock().work.remove(&self.number);
        // What it keeps goes when others may come in again.
        drop(left);
    }
}

/// A thread that works until the queue is empty.
struct Worker {
    queue: HashQueue,
    done: bool,
}

impl Worker {
    fn start(queue: &HashQueue, at_once: usize) {
        {
            let mut waiting = queue.lock();
            if waiting.threads >= at_once || waiting.work.is_empty() {
                return;
            }
            waiting.threads += 1;
        }
        let worker = Self { queue: queue.clone(), done: false };
        tokio::task::spawn_blocking(move || worker.work());
    }

    fn work(mut self) {
        while let Some(work) = self.next() {
            // The caller sees that there is no answer.
            drop(catch_unwind(AssertUnwindSafe(work)));
        }
    }

    /// The next piece of work.
    ///
    /// Without one, the thread stops counting under the same lock, so no caller waits for it.
    fn next(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        let mut waiting = self.queue.lock();
        let next = waiting.work.pop_first();
        if next.is_none() {
            waiting.threads = waiting.threads.saturating_sub(1);
            self.done = true;
        }
        next.map(|(_, work)| work)
    }
}

impl Drop for Worker {
    /// The runtime ends and never began this.
    ///
    /// No caller must wait for an answer that will not come.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut waiting = self.queue.lock();
        waiting.threads = waiting.threads.saturating_sub(1);
        let left = if waiting.threads == 0 { std::mem::take(&mut waiting.work) } else { BTreeMap::new() };
        drop(waiting);
        drop(left);
    }
}
