//! The clock: the only reader of the wall clock in this crate.
//!
//! Tests decide what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// How far apart the clocks of several servers may be.
///
/// What began later than this from now began before the clock was set back: its age is unknown, so
/// it counts as ended.
pub const SKEW: Duration = Duration::from_secs(5 * 60);

/// A moment: milliseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// That many milliseconds after the beginning of 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the beginning of 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the beginning of 1970.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// `by` later; stops at the end of time.
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// `by` earlier; stops at the beginning of time.
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time until another moment; zero if that is earlier.
    ///
    /// It can be earlier if the clock was set back.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or_default())
    }
}

/// The wall clock: that of the machine, or one that a test sets.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stops until it is advanced.
    ///
    /// Clones share the time.
    pub fn manual(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.0))))
    }

    /// Moves a manual clock; the machine's clock does not listen.
    pub fn advance(&self, by: Duration) {
        if let Some(now) = &self.0 {
            now.store(Timestamp(now.load(Ordering::SeqCst)).after(by).0, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock back, as an operator might the machine's.
    pub fn set_back(&self, by: Duration) {
        if let Some(now) = &self.0 {
            now.store(Timestamp(now.load(Ordering::SeqCst)).before(by).0, Ordering::SeqCst);
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(now) => Timestamp(now.load(Ordering::SeqCst)),
            None => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Timestamp(0).after(since)
            }
        }
    }
}
