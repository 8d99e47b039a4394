//! Earlier names of what is in [`brute_force`](crate::brute_force), [`cache`](crate::cache) and
//! [`middleware`](crate::middleware) now.

pub use crate::brute_force::{
    AttemptLimit as Budget, FailedLoginObserver as FailureLog, Lockout as Lock, SourceNet as Place,
    SourceRateLimit as Throttle,
};
pub use crate::cache::{CacheBounds, CacheStats};
pub use crate::middleware::{CircuitBreaker as Breaker, ConcurrencyLimit as Limited, Timeout as Deadlined};

/// Limit of failed logins per backend and user.
pub mod budget {
    pub use crate::brute_force::AttemptLimit as Budget;
}

/// Rate limit per source.
pub mod throttle {
    pub use crate::brute_force::SourceNet as Place;
}
