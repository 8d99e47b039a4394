//! Decorators: backends around a backend, each usable alone.
//!
//! From the caller inwards the resolver uses [`timeout`], [`concurrency_limit`],
//! [`circuit_breaker`]. Each file says why it belongs where it is.
//!
//! ```
//! use std::sync::Arc;
//! use user_backend::middleware::{CircuitBreaker, ConcurrencyLimit};
//! use user_backend::{StaticBackend, UserBackend};
//!
//! let people: Arc<dyn UserBackend> = Arc::new(StaticBackend::new("people")?);
//! let people = CircuitBreaker::new(Arc::new(ConcurrencyLimit::new(people, 8)));
//! assert!(!people.is_open());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod circuit_breaker;
pub mod concurrency_limit;
pub mod timeout;

pub use circuit_breaker::CircuitBreaker;
pub use concurrency_limit::ConcurrencyLimit;
pub use timeout::Timeout;
