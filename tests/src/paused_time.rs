//! Time that advances only by a script.
//!
//! A paused clock of tokio jumps to the next deadline as soon as nothing is ready, and a byte on
//! its way through a socket is not ready yet: over real sockets that would make a deadline pass at
//! random. A blocking task under way keeps the clock from jumping. The same task is the watchdog:
//! in paused time, a wait for a deadline that is never reached would wait for ever.

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

/// Real time after which something that should have ended counts as hanging.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Runs `work` in its own runtime, whose clock only `tokio::time::advance` moves.
///
/// `None` when it hangs.
///
/// # Panics
/// When the system gives no runtime, or `work` panics.
pub fn run<T>(work: impl Future<Output = T>) -> Option<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for one script");
    let (done, wait) = mpsc::channel::<()>();
    let result = runtime.block_on(async {
        let watchdog = tokio::task::spawn_blocking(move || wait.recv_timeout(TIME_LIMIT));
        tokio::time::pause();
        tokio::select! {
            biased;
            result = work => Some(result),
            _ = watchdog => None,
        }
    });
    drop(done);
    result
}
