//! The one thread that talks to libsmbclient.
//!
//! libsmbclient keeps global state and blocks, so all calls of a process take turns. Left to a mutex the turns are unfair
//! (waits of many seconds were measured with 32 threads); left to the blocking pool of the runtime, a dead server would
//! eat its threads. One thread with a short queue is fair and bounded: first come, first served; who comes when the
//! queue is full is told so at once; who has stopped waiting is not served any more.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;

use tokio::sync::oneshot;

use crate::clock::Instant;
use crate::error::{Fault, Phase};
use crate::transport::within;

type Job = Box<dyn FnOnce() + Send>;

/// The entrance to the thread. The thread ends when this is dropped and its queue is empty.
#[derive(Debug)]
pub(super) struct Worker {
    queue: SyncSender<Job>,
}

impl Worker {
    /// Starts the thread; at most `waiting` jobs stand in line behind the one that runs.
    pub(super) fn start(waiting: usize) -> io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(waiting);
        thread::Builder::new().name("user-backend-smb".to_owned()).spawn(move || {
            for job in jobs {
                job();
            }
        })?;
        Ok(Self { queue })
    }

    /// Runs a job when its turn comes and waits for what it returns.
    ///
    /// # Errors
    /// An unavailable [`Fault`] when the queue is full (at once), when the deadline passes, or when the job panics.
    ///
    /// # Cancellation
    /// A job whose caller has gone before its turn is never run; one that runs goes on to its end, unheard.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            if answer.is_closed() {
                return;
            }
            if let Ok(value) = catch_unwind(AssertUnwindSafe(job)) {
                // Nobody may listen any more.
                let _ = answer.send(value);
            }
        });
        self.queue.try_send(job).map_err(|error| {
            let detail = match error {
                TrySendError::Full(_) => "too many logins wait for libsmbclient",
                TrySendError::Disconnected(_) => "the libsmbclient thread has ended",
            };
            Fault::unavailable(Phase::Login, detail)
        })?;
        within(deadline, Phase::Login, async {
            answered
                .await
                .map_err(|_| Fault::unavailable(Phase::Login, "the call of libsmbclient broke down"))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
