//! The one thread that talks to libsmbclient.
//!
//! libsmbclient has global state and blocks, so all calls of a process run one after the other. A
//! mutex is unfair (waits of many seconds were measured with 32 threads); in the blocking pool of
//! the runtime, a dead server would use up its threads. One thread with a short queue is fair and
//! bounded: first come, first served; a job that finds the queue full fails at once, and one whose
//! caller has stopped waiting is skipped.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::clock::Instant;
use crate::error::{BackendError, Phase};

type Job = Box<dyn FnOnce() + Send>;

/// The entrance to the thread.
///
/// The thread ends when this is dropped and its queue is empty.
#[derive(Debug)]
pub(super) struct Worker {
    queue: SyncSender<Job>,
}

impl Worker {
    /// Starts the thread; at most `waiting` jobs are queued after the one that runs.
    pub(super) fn start(waiting: usize) -> io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(waiting);
        thread::Builder::new().name("user-backend-smb".to_owned()).spawn(move || {
            for job in jobs {
                job();
            }
        })?;
        Ok(Self { queue })
    }

    /// Runs a job when it is next and waits for its result.
    ///
    /// # Errors
    /// An unavailable [`BackendError`] when the queue is full (at once), when the deadline passes,
    /// or when the job panics.
    ///
    /// # Cancellation
    /// A job whose caller has gone before its turn is never run; one that runs goes to its end, and
    /// its result is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let (answer, answered) = oneshot::channel();
        let has_begun = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&has_begun);
        let job = Box::new(move || {
            // In this order: a caller that is cancelled meanwhile must not assume that nothing was
            // sent.
            begins.store(true, Ordering::SeqCst);
            if answer.is_closed() {
                return;
            }
            if let Ok(value) = catch_unwind(AssertUnwindSafe(job)) {
                // The caller may have left.
                let _ = answer.send(value);
            }
        });
        self.queue.try_send(job).map_err(|error| {
            let detail = match error {
                TrySendError::Full(_) => "too many logins wait for libsmbclient",
                TrySendError::Disconnected(_) => "the libsmbclient thread has ended",
            };
            BackendError::unavailable(Phase::Login, detail)
        })?;
        let late = || {
            if has_begun.load(Ordering::SeqCst) {
                return BackendError::timed_out(Phase::Login);
            }
            BackendError::unavailable(Phase::Login, "other logins kept libsmbclient busy until time was up")
        };
        match timeout_at(deadline, answered).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(_)) => {
                let error = BackendError::unavailable(Phase::Login, "the call of libsmbclient broke down");
                Err(error.without_answer())
            }
            Err(_) => Err(late()),
        }
    }
}

#[cfg(test)]
mod tests;
