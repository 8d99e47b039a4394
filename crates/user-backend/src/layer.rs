//! Earlier names of what is in [`brute_force`](crate::brute_force), [`cache`](crate::cache) and
//! [`middleware`](crate::middleware) now.

pub use crate::brute_force::{Budget, FailureLog, Lock, Place, Throttle};
pub use crate::cache::{CacheBounds, CacheStats};
pub use crate::middleware::{Breaker, Deadlined, Limited};

/// Limit of failed logins per backend and user.
pub mod budget {
    pub use crate::brute_force::Budget;
}

/// Rate limit per source.
pub mod throttle {
    pub use crate::brute_force::Place;
}
