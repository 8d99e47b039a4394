//! Parsed types: a value is checked once, when it becomes one of these.

pub(crate) mod clock;
pub(crate) mod error;
pub(crate) mod id;
pub(crate) mod random;
pub(crate) mod token;
pub(crate) mod user_filter;
