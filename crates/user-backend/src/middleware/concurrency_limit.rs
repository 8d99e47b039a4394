//! How many attempts may be under way at one backend at once.
//!
//! Order: around the [breaker](super::circuit_breaker), inside everything that answers from memory. Waiting for a turn is part of the
//! attempt and ends while there is still time to hear the server's answer: a password that was sent too late is a failed login
//! that nobody here knows of. Cancellation: a caller that leaves gives its place, or its turn, back.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::{Instant, time_to_begin};
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
use crate::verdict::Verdict;

/// See the [module](self).
#[derive(Debug)]
pub struct Limited {
    inner: Arc<dyn UserBackend>,
    turns: Semaphore,
    most: usize,
}

impl Limited {
    /// At most `most` attempts under way at `inner`; zero counts as one.
    pub fn new(inner: Arc<dyn UserBackend>, most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { inner, turns: Semaphore::new(most), most }
    }

    async fn turn(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, BackendError> {
        let busy = || {
            BackendError::unavailable(Phase::Connect, format!("{} attempts are under way already", self.most))
        };
        match tokio::time::timeout_at(time_to_begin(deadline), self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            // The semaphore is never closed: only time can run out.
            _ => Err(busy().with_backend(self.inner.id())),
        }
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limited({}, {})", self.most, self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UserBackend for Limited {
    fn id(&self) -> &BackendId {
        self.inner.id()
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let _turn = self.turn(attempt.deadline).await?;
        self.inner.authenticate(attempt).await
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        // A probe shows whether the peer answers, also when all turns are taken.
        self.inner.probe(deadline).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::now;
    use crate::identity::LoginName;
    use crate::memory::StaticBackend;
    use crate::secret::Password;

    #[tokio::test(start_paused = true)]
    async fn a_full_backend_is_unavailable_before_it_is_too_late_to_hear_an_answer() {
        let slow = StaticBackend::new("slow")
            .unwrap()
            .with_user("alice", "secret")
            .with_delay(Duration::from_secs(4));
        let limited = Arc::new(Limited::new(Arc::new(slow), 1));
        let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("secret").unwrap());
        let first = tokio::spawn({
            let (limited, name, password) = (Arc::clone(&limited), name.clone(), password.clone());
            async move {
                limited.authenticate(&Attempt::new(&name, &password, now() + Duration::from_secs(9))).await
            }
        });
        tokio::task::yield_now().await;
        let start = now();
        let error = limited
            .authenticate(&Attempt::new(&name, &password, start + Duration::from_secs(2)))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "backend \"slow\" unavailable during connect: 1 attempts are under way already"
        );
        assert_eq!(now() - start, Duration::from_secs(1));
        assert!(matches!(first.await.unwrap(), Ok(Verdict::Accepted(_))));
        let again =
            limited.authenticate(&Attempt::new(&name, &password, now() + Duration::from_secs(9))).await;
        assert!(matches!(again, Ok(Verdict::Accepted(_))));
    }
}
