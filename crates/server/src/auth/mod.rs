//! Authentication: credentials, sign-in, sessions, and protection against guessing.
//!
//! | file | contents |
//! |---|---|
//! | `cookie`, `csrf`, `client_address`, `trusted_host` | what a request brings along |
//! | `sign_in` | from a name and a password to an account |
//! | `sign_in_log`, `unknown_names` | the log line of a failed sign-in |
//! | `app_password` | app passwords, before the resolver |
//! | `session` | sessions of the pages |
//! | `proof` | how the caller proved who they are, and whether that is enough |
//! | `login_delay` | how long a refusal takes |
//! | `failed_login_log`, `failed_login_sync` | failed sign-ins, for this server and between servers |

pub mod app_password;
pub(crate) mod app_password_memory;
pub mod client_address;
pub mod cookie;
pub mod csrf;
pub(crate) mod failed_login_log;
mod failed_login_sync;
mod login_delay;
pub mod proof;
pub(crate) mod proven_key;
mod sealed;
pub mod session;
pub mod sign_in;
pub(crate) mod sign_in_log;
pub(crate) mod token_shape;
pub mod trusted_host;
pub(crate) mod unknown_names;
