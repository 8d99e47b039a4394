//! The core of the resolver's cache (epochs, cache, single-flight) under shuttle.
//!
//! It is compiled from the library's files.
//!
//! Shuttle runs the threads of a scenario one at a time and picks at every step who is next, so
//! that rare orders come up often, and can be replayed. A separate crate because the primitives are
//! chosen at compile time: a `cfg` would mean to build everything twice.

// Only a part of each file is used here.
#![allow(dead_code, unreachable_pub, unused_imports, missing_docs)]

#[path = "../../../crates/user-backend/src/ascii.rs"]
pub mod ascii;
#[path = "../../../crates/user-backend/src/clock.rs"]
pub mod clock;
#[path = "../../../crates/user-backend/src/identity/mod.rs"]
pub mod identity;
#[path = "../../../crates/user-backend/src/secret.rs"]
pub mod secret;
#[path = "../../../crates/user-backend/src/verdict.rs"]
pub mod verdict;

#[path = "../../../crates/user-backend/src/cache/mod.rs"]
pub mod cache;

pub mod scenario;

/// Shuttle's primitives, under the names of the library's `sync`.
mod sync {
    use std::future::Future;

    pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};

    use crate::clock::Instant;

    pub(crate) const SLOTS: usize = 4;

    pub(crate) fn spawn<F>(work: F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        drop(shuttle::future::spawn(work));
    }

    /// Time does not advance here.
    pub(crate) async fn timeout_at<F: Future>(_: Instant, work: F) -> Result<F::Output, ()> {
        Ok(work.await)
    }
}
