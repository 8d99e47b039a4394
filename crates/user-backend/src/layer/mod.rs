//! What stands between the resolver and a backend. Each file is one concern and says in which order it belongs.
//!
//! From the caller inwards: [`cache`] (an answer from memory), [`throttle`] (failures from one place), [`flight`]
//! (identical attempts share one), then, for each backend, [`budget`] (failed logins that may reach it), [`deadline`]
//! (nobody overruns), [`limit`] (how many attempts may be under way at once), [`breaker`] (a dead server is left alone).

pub mod breaker;
pub mod budget;
pub mod cache;
pub mod deadline;
pub mod fence;
pub mod flight;
mod held;
pub mod limit;
pub mod throttle;

pub use breaker::Breaker;
pub use budget::Budgets;
pub use cache::{CacheBounds, CacheStats, Lifetime, OutcomeCache};
pub use deadline::Deadlined;
pub use fence::Fence;
pub use flight::Flights;
pub use limit::Limited;
pub use throttle::{Throttle, Throttles};
