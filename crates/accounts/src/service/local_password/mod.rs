//! Local passwords: storage, checks, import from another installation, changes.
//!
//! | file | contents |
//! |---|---|
//! | `settings` | how expensive a hash is, how many are made at once |
//! | `hash` | what is stored for one password, and whether a typed one matches it (pure) |
//! | `memory` | what a hash works in |
//! | `pool` | the few threads that hash, and the queue before them |
//! | `hasher` | the three together: one comparison per question |
//! | `rules` | what is asked of new passwords |
//! | `backend` | the backend `local`, for the resolver |
//! | `change` | setting a password: rules, history, hash, and the end of everything that the old one opened |
//!
//! Hashing is slow on purpose (about 20 ms and 19 MiB each), so it never runs on the async
//! executor, and never more often at once than there are cores.

pub(crate) mod backend;
pub(crate) mod change;
pub(crate) mod hash;
pub(crate) mod hasher;
pub(crate) mod memory;
pub(crate) mod policy;
pub(crate) mod pool;
pub(crate) mod rules;
pub(crate) mod settings;

#[cfg(test)]
mod tests;
