#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod authorization;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "axum-login")]
pub mod axum_login;
mod client_address;
mod denial;
mod layer;
mod respond;

pub use authorization::{AuthorizationHeader, BadHeader};
#[cfg(feature = "axum")]
pub use axum::{MissingLayer, SignedIn};
pub use client_address::{ClientAddress, ForwardedFor, NoClientAddress, PeerAddress};
pub use denial::Denial;
pub use layer::{BasicAuth, BasicAuthLayer};
pub use respond::{PlainText, Respond};
