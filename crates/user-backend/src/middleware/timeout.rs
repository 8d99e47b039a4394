//! Ends an attempt at its deadline, also when the backend does not.
//!
//! The backends of this crate keep the deadline themselves; this is for those that do not. Order:
//! outermost of what is around a backend, so that waiting for a turn counts too. Cancellation: at
//! the deadline the backend's future is dropped, which promise 5 of [`UserBackend`] allows.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
use crate::verdict::Verdict;

/// See the [module](self).
#[derive(Debug)]
pub struct Timeout {
    inner: Arc<dyn UserBackend>,
}

impl Timeout {
    /// Keeps the deadline for `inner`.
    pub fn new(inner: Arc<dyn UserBackend>) -> Self {
        Self { inner }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deadlined({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UserBackend for Timeout {
    fn id(&self) -> &BackendId {
        self.inner.id()
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        match tokio::time::timeout_at(attempt.deadline, self.inner.authenticate(attempt)).await {
            Ok(answer) => answer,
            Err(_) => Err(BackendError::timed_out(Phase::Login).with_backend(self.id())),
        }
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        match tokio::time::timeout_at(deadline, self.inner.probe(deadline)).await {
            Ok(answer) => answer,
            Err(_) => Err(BackendError::timed_out(Phase::Greeting).with_backend(self.id())),
        }
    }
}
