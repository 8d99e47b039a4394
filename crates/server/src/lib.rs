//! The server: the user provisioning API over HTTP, on top of the accounts and the backends.
#![forbid(unsafe_code)]

pub mod ocs;
