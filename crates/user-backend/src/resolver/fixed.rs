//! A resolver with a fixed outcome, for tests of programs.

use super::builder::BuildError;
use super::trace::{EndReason, Trace};
use super::{NotAuthenticated, Outcome, Resolver, ResolverBuilder, TracedOutcome};

impl Resolver {
    /// A resolver for tests: every attempt has this outcome, and there is no backend.
    ///
    /// Shows what a program makes of outages and throttling without waiting for one. An accepting
    /// one is not possible: a proof of sign-in needs a backend, such as a
    /// [`StaticBackend`](crate::StaticBackend).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use user_backend::{Credentials, NotAuthenticated, Resolver};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let retry_after = Duration::from_secs(5);
    /// let resolver = Resolver::with_fixed_outcome(NotAuthenticated::Unavailable { retry_after })?;
    /// let answer = resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
    /// assert_eq!(answer.outcome.status(), 503);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BuildError::Randomness`]: the system has no randomness.
    #[doc(alias = "mock")]
    #[doc(alias = "fake")]
    pub fn with_fixed_outcome(outcome: NotAuthenticated) -> Result<Self, BuildError> {
        ResolverBuilder::default().make(Some(outcome))
    }
}

/// The answer with a fixed outcome.
pub(super) fn answer(outcome: NotAuthenticated) -> TracedOutcome {
    let rule = match outcome {
        NotAuthenticated::Refused(_) => EndReason::NotAccepted,
        NotAuthenticated::Throttled { .. } => EndReason::SourceThrottled,
        NotAuthenticated::Unavailable { .. } => EndReason::OutageStops,
    };
    TracedOutcome { outcome: Outcome::from(outcome), trace: Trace::new(rule) }
}
