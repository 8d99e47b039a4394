//! What invalidation epochs and single-flight are made of, in one place.
//!
//! The crate `schedules` beside the tests compiles the same files with the primitives of a
//! scheduler that tries out in which order threads can run. Nothing else may be used there to wait
//! or to share.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};

pub(crate) use tokio::spawn;
pub(crate) use tokio::time::timeout_at;

/// How many slots the filter of invalidations has.
///
/// A scheduler has a log for each, so there are few there.
pub(crate) const SLOTS: usize = 16_384;
