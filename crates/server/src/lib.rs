//! The server: the user provisioning API over HTTP, on top of the accounts and the backends.
//!
//! | module | what lives there |
//! |---|---|
//! | [`run`] | the program; call it with classes of your own to ship the server with them |
//! | [`settings`] | the settings in `[server]` |
//! | [`state`], [`start`], [`reload`] | what all requests share; how it is put together; settings that are read again |
//! | [`auth`] | credentials, sign-in, sessions, what slows guessing down |
//! | [`provisioning`] | the API: envelopes, parameters, routes, endpoints |
//! | `web` | pages: login, password reset, account |
//! | [`openapi`] | the API described, for programs and for people |
//! | [`listener`], `router`, `middleware` | sockets, TLS, shutdown; which request goes where; what every request gets |
//! | `health`, `metrics`, `mail` | for monitors; the welcome mail and the worker that sends mails |
#![forbid(unsafe_code)]

pub mod auth;
mod health;
pub mod listener;
pub mod mail;
mod metrics;
mod middleware;
pub mod openapi;
pub mod password_rules;
mod problem;
mod program;
pub mod provisioning;
pub mod reload;
mod router;
pub mod settings;
pub mod start;
pub mod state;
mod web;

pub use program::run;
