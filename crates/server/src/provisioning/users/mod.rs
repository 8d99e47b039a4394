//! Users: lists, one user, changes, groups of a user.

pub(crate) mod create;
pub(crate) mod credentials;
pub(crate) mod edit;
pub(crate) mod list;
pub(crate) mod membership;
pub(crate) mod phone_search;
mod representation;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod validate;
