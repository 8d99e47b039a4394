//! Request bodies: how long one may be, and how many bytes all of them together may hold.
//!
//! Bytes are charged while they arrive, and what is made of them stays charged until it is dropped. Requests that need no
//! credentials have their own budget, so they cannot use up that of signed-in callers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use futures_util::StreamExt;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;
use user_backend::clock::{later, now};

/// How much of a body that is too long is read to be dropped.
const DRAIN_BYTES: usize = 2 * 1024 * 1024;

/// And for how long.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Whose body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Credentials are not needed, or none were sent.
    Anonymous,
    /// The caller has signed in.
    SignedIn,
}

impl Sender {
    /// The longest body, in bytes.
    pub const fn limit(self) -> usize {
        match self {
            Self::Anonymous => 16 * 1024,
            Self::SignedIn => 1024 * 1024,
        }
    }

    /// How long a body may take to arrive.
    const fn patience(self) -> Duration {
        match self {
            Self::Anonymous => Duration::from_secs(10),
            Self::SignedIn => Duration::from_secs(60),
        }
    }

    /// Memory limit of all bodies together, in bytes.
    const fn budget(self) -> usize {
        match self {
            Self::Anonymous => 8 * 1024 * 1024,
            Self::SignedIn => 32 * 1024 * 1024,
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// It is longer than its sender may make it.
    #[error("The body has more than {limit} bytes")]
    TooLong {
        /// The limit that applies.
        limit: usize,
    },
    /// The connection ended before the body did, or the body took too long.
    #[error("The body could not be read to its end")]
    Incomplete,
    /// All bodies together hold as much as they may.
    #[error("Too many requests are being read at the moment, try again later")]
    Busy,
}

/// The bytes that request bodies may hold. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    anonymous: Arc<Semaphore>,
    signed_in: Arc<Semaphore>,
}

impl Default for BodyBudget {
    fn default() -> Self {
        let semaphore = |sender: Sender| Arc::new(Semaphore::new(sender.budget()));
        Self { anonymous: semaphore(Sender::Anonymous), signed_in: semaphore(Sender::SignedIn) }
    }
}

impl BodyBudget {
    /// Reads a body to its end.
    ///
    /// # Errors
    /// [`BodyError`]. What is left of a body that is too long is read and dropped, within bounds: a connection that ends with
    /// something unread takes the answer with it.
    ///
    /// # Cancellation
    /// Safe. What was charged is given back.
    pub async fn read(&self, sender: Sender, body: Body) -> Result<(Vec<u8>, Charge), BodyError> {
        let limit = sender.limit();
        let too_long = body.size_hint().lower() > limit as u64;
        let mut chunks = body.into_data_stream();
        let received = if too_long {
            Err(BodyError::TooLong { limit })
        } else {
            let patience = later(now(), sender.patience());
            timeout_at(patience, self.receive(sender, &mut chunks))
                .await
                .unwrap_or(Err(BodyError::Incomplete))
        };
        if matches!(received, Err(BodyError::TooLong { .. })) {
            // Whether it ended does not matter.
            let _ = timeout_at(later(now(), DRAIN_TIME), drain(&mut chunks)).await;
        }
        received
    }

    async fn receive(
        &self,
        sender: Sender,
        chunks: &mut BodyDataStream,
    ) -> Result<(Vec<u8>, Charge), BodyError> {
        let limit = sender.limit();
        let semaphore = match sender {
            Sender::Anonymous => &self.anonymous,
            Sender::SignedIn => &self.signed_in,
        };
        let mut charge = Charge { semaphore: Arc::clone(semaphore), permit: None };
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| BodyError::Incomplete)?;
            if bytes.len() + chunk.len() > limit {
                return Err(BodyError::TooLong { limit });
            }
            charge.set(bytes.len() + chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        Ok((bytes, charge))
    }
}

async fn drain(chunks: &mut BodyDataStream) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(chunk)) = chunks.next().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

/// Bytes that one request holds of the budget. Dropping it gives them back.
#[derive(Debug)]
pub struct Charge {
    semaphore: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Charge {
    /// Charges this many bytes from now on.
    ///
    /// # Errors
    /// [`BodyError::Busy`]: not enough left. The charge is unchanged.
    pub fn set(&mut self, bytes: usize) -> Result<(), BodyError> {
        let charged = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if let Some(less) = charged.checked_sub(bytes) {
            drop(self.permit.as_mut().and_then(|permit| permit.split(less)));
            return Ok(());
        }
        let more = u32::try_from(bytes - charged).map_err(|_| BodyError::Busy)?;
        let more = Arc::clone(&self.semaphore).try_acquire_many_owned(more).map_err(|_| BodyError::Busy)?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures_util::stream;

    use super::*;

    fn left(budget: &BodyBudget) -> (usize, usize) {
        (budget.anonymous.available_permits(), budget.signed_in.available_permits())
    }

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> =
            sizes.iter().map(|size| Ok::<_, BodyError>(Bytes::from(vec![b'a'; *size]))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    #[tokio::test]
    async fn charge_follows_what_is_held_and_ends_with_it() {
        let budget = BodyBudget::default();
        let full = left(&budget);
        let (bytes, mut charge) = budget.read(Sender::Anonymous, chunks(&[1000, 24])).await.unwrap();
        assert_eq!((bytes.len(), left(&budget)), (1024, (full.0 - 1024, full.1)));
        charge.set(24).unwrap();
        assert_eq!(left(&budget), (full.0 - 24, full.1));
        charge.set(2048).unwrap();
        assert_eq!(left(&budget), (full.0 - 2048, full.1));
        drop(charge);
        assert_eq!(left(&budget), full);
    }

    #[tokio::test]
    async fn body_beyond_its_limit_is_refused_announced_or_not() {
        let budget = BodyBudget::default();
        for sender in [Sender::Anonymous, Sender::SignedIn] {
            let limit = sender.limit();
            for body in [Body::from(vec![b'a'; limit + 1]), chunks(&[limit, 1])] {
                let refused = budget.read(sender, body).await.unwrap_err();
                assert_eq!(refused, BodyError::TooLong { limit });
            }
            assert_eq!(budget.read(sender, chunks(&[limit])).await.unwrap().0.len(), limit);
        }
        assert_eq!(left(&budget), left(&BodyBudget::default()), "everything was given back");
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_does_not_arrive_holds_nothing_for_long() {
        let budget = BodyBudget::default();
        let endless = || Body::from_stream(stream::pending::<Result<Bytes, BodyError>>());
        for (sender, seconds) in [(Sender::Anonymous, 10), (Sender::SignedIn, 60)] {
            let begin = now();
            assert_eq!(budget.read(sender, endless()).await.unwrap_err(), BodyError::Incomplete);
            assert_eq!(begin.elapsed().as_secs(), seconds);
        }
        assert_eq!(left(&budget), left(&BodyBudget::default()));
    }

    #[tokio::test]
    async fn exhausted_memory_budget_refuses_anonymous_callers_only() {
        let budget = BodyBudget::default();
        let mut held = Vec::new();
        let refused = loop {
            match budget.read(Sender::Anonymous, chunks(&[Sender::Anonymous.limit()])).await {
                Ok(body) => held.push(body),
                Err(error) => break error,
            }
        };
        assert_eq!((refused, held.len()), (BodyError::Busy, 512));
        assert!(budget.read(Sender::SignedIn, chunks(&[1024])).await.is_ok());
        held.pop();
        assert!(budget.read(Sender::Anonymous, chunks(&[1024])).await.is_ok());
    }
}
