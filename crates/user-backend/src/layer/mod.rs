//! What stands between the resolver and a backend. Each file is one concern and says in which order it belongs.
//!
//! From the caller inwards: `cache` (an answer from memory), `flight` (an identical attempt under way is joined),
//! [`throttle`] (failures from one source), [`lock`] (failures at one user), `flight` again (the attempt starts in a task
//! of its own), then, for each backend, [`budget`] (failed logins that may reach it), [`deadline`] (timeout), [`limit`]
//! (concurrent attempts), [`breaker`] (a server that is down is not asked). Credentials that are `proven` wait neither at
//! `throttle` nor at `lock`.
//!
//! Public are the decorators, which are backends themselves and work without a resolver, and the values that settings are made
//! of. The rest is the resolver's own: each of them is safe only in the order in which the resolver uses it.

// The core of the memory is also compiled by the crate that tries out schedules, which needs it to be visible there.
#![allow(unreachable_pub, reason = "public in the crate that tries out schedules")]

pub mod breaker;
pub mod budget;
pub(crate) mod cache;
pub mod deadline;
pub(crate) mod fence;
pub(crate) mod flight;
mod held;
pub mod limit;
pub mod lock;
pub(crate) mod proven;
pub mod throttle;

pub use breaker::Breaker;
pub use budget::Budget;
pub(crate) use budget::Budgets;
pub use cache::{CacheBounds, CacheStats};
pub(crate) use cache::{Lifetime, OutcomeCache};
pub use deadline::Deadlined;
pub(crate) use flight::Flights;
pub use limit::Limited;
pub use lock::Lock;
pub(crate) use lock::Locks;
pub(crate) use throttle::Throttles;
pub use throttle::{FailureLog, Place, Throttle};
