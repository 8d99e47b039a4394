//! Decorators: backends around a backend, each usable alone.
//!
//! From the caller inwards the resolver uses [`timeout`], [`concurrency_limit`],
//! [`circuit_breaker`]. Each file says why it belongs where it is.

pub mod circuit_breaker;
pub mod concurrency_limit;
pub mod timeout;

pub use circuit_breaker::CircuitBreaker;
pub use concurrency_limit::ConcurrencyLimit;
pub use timeout::Timeout;
