//! The commands `backend:…`.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod login;
#[cfg(unix)]
mod login_server;
