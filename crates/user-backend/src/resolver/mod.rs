//! The resolver.

pub mod policy;
