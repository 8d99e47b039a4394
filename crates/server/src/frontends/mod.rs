//! How other programs let this server sign their users in.

pub(crate) mod forward_auth;
