//! Apps: the features that can be switched, and their configuration.

pub(crate) mod catalogue;
pub(crate) mod config;
mod manifest;
