//! What stands between the resolver and a backend. Each file is one concern and says in which order it belongs.
//!
//! From the caller inwards: [`cache`] (an answer from memory), [`flight`] (identical attempts share one), then, for each
//! backend, [`limit`] (how many attempts may be under way at once).

pub mod cache;
pub mod fence;
pub mod flight;
pub mod limit;

pub use cache::{CacheBounds, CacheStats, OutcomeCache};
pub use fence::Fence;
pub use flight::Flights;
pub use limit::Limited;
