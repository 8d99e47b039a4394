//! The server: the user provisioning API over HTTP, on top of the accounts and the backends.
//!
//! | room | what lives there |
//! |---|---|
//! | [`settings`] | what an operator says: `[server]` |
//! | [`policy`], [`apps`] | the rules for passwords; what apps tell about themselves |
//! | [`app`] | what all requests share, and the way from a password to a person |
//! | [`ocs`] | the API: envelopes, parameters, routes, endpoints |
//! | [`pages`] | pages for people: signing in, a lost password, the own account |
//! | [`http`] | who asks and from where; what every answer carries |
//! | [`openapi`] | the API described, for programs and for people |
//! | [`listen`] | listeners, TLS, the end of the server |
//! | `connections` | how many connections there may be, and how long one may take nothing |
#![forbid(unsafe_code)]

pub mod app;
pub mod apps;
mod connections;
pub mod http;
pub mod listen;
pub mod ocs;
pub mod openapi;
pub mod pages;
pub mod policy;
pub mod settings;
