//! Brute-force protection: how many guesses there may be, per source, per user and per backend.
//!
//! | limit | counts per |
//! |---|---|
//! | [`per_source`] | network of the source |
//! | [`per_user`] | login name, from any source, at any backend |
//! | [`per_backend_user`] | backend and user |
//!
//! The resolver applies them in this order; see `docs/brute-force-protection.md` for what counts where.

mod bounded_table;
pub mod per_backend_user;
pub mod per_source;
pub mod per_user;
pub(crate) mod proven;

pub use per_backend_user::Budget;
pub(crate) use per_backend_user::Budgets;
pub(crate) use per_source::Throttles;
pub use per_source::{FailureLog, Place, Throttle};
pub use per_user::Lock;
pub(crate) use per_user::Locks;
