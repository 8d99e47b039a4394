//! How a peer is reached: settings, name resolution, connecting, TLS, deadlines.
//!
//! Shared by all backends.
//!
//! Every step takes a deadline and answers with a [`BackendError`] that says in which [`Phase`] it
//! failed. Nothing here knows a protocol, and nothing here ever sees a password.
//!
//! ```
//! use std::time::Duration;
//! use user_backend::transport::{Endpoint, TlsMode};
//!
//! let mail = Endpoint::new("mail.example.com", 993, TlsMode::Implicit).with_timeout(Duration::from_secs(10));
//! assert!(mail.check_plaintext().is_ok());
//! let clear = Endpoint::new("mail.example.com", 143, TlsMode::None);
//! assert!(clear.check_plaintext().is_err(), "clear text needs consent");
//! ```

#![allow(dead_code, reason = "not every class needs all of it")]

mod bounded;
mod certificate;
mod dial;
mod endpoint;
mod prepared;
mod prompt;
mod provider;
mod resolve;
mod tls;

pub use certificate::TlsSummary;
pub use dial::dial;
pub use endpoint::{Endpoint, ServerTrust, TlsMode};
pub use resolve::resolve;
pub use tls::{EncryptedStream, TlsClient};
// What a program needs of this depends on its classes, of which nothing is known here.
#[allow(unused_imports, reason = "not every class needs all of it")]
pub(crate) use {
    bounded::{BoundedStream, Duplex, Opened, broken, encrypt, open},
    dial::{cannot_connect, dial_first, dial_with},
    prepared::PreparedConnections,
    prompt::PromptSocket,
    resolve::forget,
};

use std::future::Future;

use crate::clock::{Instant, now};
use crate::error::{BackendError, Phase};

/// Runs `work` until it ends or the deadline passes.
///
/// # Errors
/// What `work` answers, or an unavailable [`BackendError`] in the given phase when time is up.
///
/// # Cancellation
/// Dropping the future drops `work`.
pub async fn within<T>(
    deadline: Instant,
    phase: Phase,
    work: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, BackendError> {
    tokio::time::timeout_at(deadline, work).await.unwrap_or_else(|_| Err(BackendError::timed_out(phase)))
}

/// The deadline of one step: `limit` from now, but at most `deadline`.
pub(crate) fn sooner(limit: std::time::Duration, deadline: Instant) -> Instant {
    now().checked_add(limit).map_or(deadline, |end| end.min(deadline))
}
