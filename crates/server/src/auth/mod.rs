//! Who a request comes from: credentials, sessions, and what slows guessing down.

pub(crate) mod app_password;
pub mod basic;
pub mod client_address;
pub mod cookie;
pub mod csrf;
pub mod failed_login_sync;
mod login_delay;
pub mod session;
pub mod sign_in;
