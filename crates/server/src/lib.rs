//! The server: the user provisioning API over HTTP, with pages and frontends.
//!
//! It is built on the crates `accounts` and `user-backend`.
//!
//! | module | contents |
//! |---|---|
//! | [`run`] | the program; call it with classes of your own to ship the server with them |
//! | [`settings`] | the settings in `[server]` |
//! | [`state`], [`start`], [`reload`] | shared state of all requests; construction; reloaded settings |
//! | [`auth`] | credentials, sign-in, sessions, what slows guessing down |
//! | [`provisioning`] | the API: envelopes, parameters, routes, endpoints |
//! | `web` | pages: login, password reset, account |
//! | `frontends` | how other programs let this server sign their users in |
//! | [`openapi`] | the API described, for programs and for people |
//! | [`listener`], `router`, `middleware` | sockets, TLS, shutdown; which request goes where; what every request gets |
//! | `connections`, `request_body` | how many connections there may be, and how much of a request is held |
//! | `warnings` | warnings about requests, each at most once a minute |
//! | `gzip` | public files, compressed once |
//! | `valkey` | failed logins at backends, counted in Valkey beside PostgreSQL |
//! | `health`, `metrics`, `mail` | for monitors; the welcome mail and the worker that sends mails |
#![forbid(unsafe_code)]

pub mod auth;
mod connections;
#[doc(hidden)]
pub mod frontends;
mod gzip;
mod health;
pub mod listener;
pub mod mail;
mod metrics;
mod middleware;
pub mod openapi;
pub mod page_assets;
mod password_rules;
mod problem;
mod program;
pub mod provisioning;
pub mod reload;
mod request_body;
mod router;
/// The settings, which the command line reads too.
pub mod settings {
    pub use accounts::{ServerSettings, SubAdminNames, SubAdminScope};
}
pub mod start;
pub mod state;
mod unreadable_head;
mod valkey;
mod warnings;
mod web;

pub use program::run;
#[doc(hidden)]
pub use web::admin::{ADMIN_PAGES, AdminPage};
