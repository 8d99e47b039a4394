//! How many attempts may be under way at one backend at once.
//!
//! Order: around the [breaker](super::circuit_breaker), inside everything that answers from memory.
//! Waiting for a permit is part of the attempt and ends while there is still time for the
//! server's answer: a password that was sent too late is a failed login that is not known here.
//! Cancellation: a caller that leaves gives its permit, or its place in the queue, back.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::{Instant, time_to_begin};
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
use crate::verdict::Verdict;

/// See the [module](self).
#[derive(Debug)]
pub struct ConcurrencyLimit {
    inner: Arc<dyn UserBackend>,
    permits: Semaphore,
    /// Permits of attempts without proven credentials: fewer than in all.
    guesses: Semaphore,
    max_concurrent: usize,
}

impl ConcurrencyLimit {
    /// At most `max_concurrent` attempts under way at `inner`; zero counts as one.
    ///
    /// A quarter of them, and at least one if there are two, is reserved for proven credentials:
    /// guesses at a slow server must not keep known users waiting.
    pub fn new(inner: Arc<dyn UserBackend>, max_concurrent: usize) -> Self {
        let max_concurrent = max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        let reserved = (max_concurrent / 4).max(1).min(max_concurrent - 1);
        Self {
            inner,
            permits: Semaphore::new(max_concurrent),
            guesses: Semaphore::new(max_concurrent - reserved),
            max_concurrent,
        }
    }

    /// A permit, and before it one of those for guesses unless the attempt is proven.
    async fn permit(
        &self,
        attempt: &Attempt<'_>,
    ) -> Result<(Option<SemaphorePermit<'_>>, SemaphorePermit<'_>), BackendError> {
        let permits = async {
            let guess = match attempt.is_proven {
                true => None,
                false => Some(self.guesses.acquire().await?),
            };
            Ok::<_, AcquireError>((guess, self.permits.acquire().await?))
        };
        match tokio::time::timeout_at(time_to_begin(attempt.deadline), permits).await {
            Ok(Ok(permits)) => Ok(permits),
            // No semaphore is ever closed: only time can run out.
            _ => {
                let text = format!("concurrency limit reached ({})", self.max_concurrent);
                Err(BackendError::unavailable(Phase::Connect, text).with_backend(self.inner.id()))
            }
        }
    }
}

impl fmt::Display for ConcurrencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limited({}, {})", self.max_concurrent, self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UserBackend for ConcurrencyLimit {
    fn id(&self) -> &BackendId {
        self.inner.id()
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let _permits = self.permit(attempt).await?;
        self.inner.authenticate(attempt).await
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        // A probe shows whether the peer answers, also when all permits are taken.
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
    async fn full_backend_is_unavailable_before_the_deadline() {
        let slow = StaticBackend::new("slow")
            .unwrap()
            .with_user("alice", "secret")
            .with_delay(Duration::from_secs(4));
        let limited = Arc::new(ConcurrencyLimit::new(Arc::new(slow), 1));
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
            "backend \"slow\" unavailable during connect: concurrency limit reached (1)"
        );
        assert_eq!(now() - start, Duration::from_secs(1));
        assert!(matches!(first.await.unwrap(), Ok(Verdict::Accepted(_))));
        let again =
            limited.authenticate(&Attempt::new(&name, &password, now() + Duration::from_secs(9))).await;
        assert!(matches!(again, Ok(Verdict::Accepted(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn proven_attempt_passes_guesses_at_a_slow_backend() {
        let slow = StaticBackend::new("slow").unwrap().with_user("alice", "secret");
        let slow = slow.with_delay(Duration::from_secs(3));
        let limit = Arc::new(ConcurrencyLimit::new(Arc::new(slow), 4));
        let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("secret").unwrap());
        let guesses: Vec<_> = (0..100)
            .map(|number| {
                let (limit, name) = (Arc::clone(&limit), name.clone());
                let guess = Password::parse(format!("guess {number}")).unwrap();
                tokio::spawn(async move {
                    let attempt = Attempt::new(&name, &guess, now() + Duration::from_secs(60));
                    limit.authenticate(&attempt).await
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let start = now();
        let attempt = Attempt::new(&name, &password, now() + Duration::from_secs(60)).as_proven(true);
        assert!(matches!(limit.authenticate(&attempt).await, Ok(Verdict::Accepted(_))));
        assert_eq!(now() - start, Duration::from_secs(3), "its own login and no other");
        let guessed = Attempt::new(&name, &password, now() + Duration::from_secs(60));
        assert!(limit.authenticate(&guessed).await.is_err() || now() - start > Duration::from_secs(30));
        for guess in guesses {
            guess.abort();
        }
    }
}
