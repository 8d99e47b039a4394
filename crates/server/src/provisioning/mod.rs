//! The user provisioning API (Open Collaboration Services) for PHP-system clients.
//!
//! A new endpoint is a row in `routes.rs` and an operation beside its function.
//!
//! | module | contents |
//! |---|---|
//! | [`envelope`] | the tree of an answer, XML and JSON, codes, the envelope around all of it |
//! | [`params`], [`call_path`] | what a caller sends |
//! | [`caller`] | who calls and what they may do |
//! | [`compat`] | what differs between versions of the PHP system |
//! | [`scope`] | which scope opens a call to a service token |
//! | [`call`] | one API call, as passed to an endpoint |
//! | [`operation`], `docs`, `schema` | a function and its documentation |
//! | `users`, `groups`, `apps`, `operators`, ... | the endpoints |
//! | [`routes`] | the one table of routes |
//! | [`serve`](mod@serve) | one call from beginning to end |

pub(crate) mod api_address;
mod app_passwords;
mod apps;
pub mod call;
pub mod call_path;
pub mod caller;
pub mod compat;
pub(crate) mod docs;
pub mod envelope;
pub(crate) mod groups;
pub mod level_codes;
pub mod operation;
mod operators;
pub mod params;
mod passwords;
mod path_hint;
mod preferences;
pub mod routes;
pub(crate) mod schema;
pub mod scope;
pub mod serve;
pub(crate) mod service_info;
mod service_tokens;
mod users;
