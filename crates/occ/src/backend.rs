//! The commands `backend:…`.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod login;
