//! The only module that reads a clock, so that tests can pause and move time.
//!
//! Deadlines are points on tokio's monotonic clock: they do not jump when the wall clock is set,
//! and a test under `tokio::time::pause` decides alone how fast they pass. Wall-clock time is read
//! for certificates only.

use std::time::{Duration, SystemTime};

pub use tokio::time::Instant;

/// Now, on the monotonic clock.
pub fn now() -> Instant {
    Instant::now()
}

/// `at + by`; saturates in the far future.
pub fn later(at: Instant, by: Duration) -> Instant {
    at.checked_add(by).unwrap_or(at + Duration::from_secs(30 * 365 * 24 * 60 * 60))
}

/// The latest time to begin a request that must be answered before `deadline`.
///
/// It is five seconds earlier, because servers may take seconds to reject a wrong password, or half
/// of the remaining time.
pub(crate) fn time_to_begin(deadline: Instant) -> Instant {
    let left = deadline.saturating_duration_since(now());
    deadline.checked_sub((left / 2).min(Duration::from_secs(5))).unwrap_or(deadline)
}

/// The current wall-clock time.
///
/// It is for comparison with the dates in certificates, never for deadlines.
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// Whole milliseconds since `start`; saturates instead of wrapping.
pub fn millis_since(start: Instant) -> u64 {
    millis(now().saturating_duration_since(start))
}

/// A duration as whole milliseconds; saturates instead of wrapping.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
