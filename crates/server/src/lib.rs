//! The server: the user provisioning API over HTTP, on top of the accounts and the backends.
//!
//! | module | what lives there |
//! |---|---|
//! | [`run`] | the program: command line, one run from start to end |
//! | [`settings`] | the settings in `[server]` |
//! | [`state`], [`reload`] | what all requests share; settings that are read again |
//! | [`auth`] | credentials, sign-in, sessions, what slows guessing down |
//! | [`provisioning`] | the API: envelopes, parameters, routes, endpoints |
//! | `web` | pages: login, password reset, account |
//! | [`openapi`] | the API described, for programs and for people |
//! | [`router`], [`listener`] | routes and middleware; sockets, TLS, shutdown |
#![forbid(unsafe_code)]

pub mod auth;
pub mod listener;
pub mod openapi;
pub mod password_rules;
mod problem;
mod program;
pub mod provisioning;
pub mod reload;
pub mod router;
pub mod settings;
pub mod state;
mod web;

pub use program::run;
