//! Request bodies: the maximum length of one, and the memory of all of them together.
//!
//! Bytes are charged while they arrive, and what is made of them stays charged until it is dropped.
//! Requests that need no credentials have their own budget, so they cannot use up that of signed-in
//! callers. No source may hold more than a quarter of a budget.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::EXPECT;
use futures_util::StreamExt;
use http_body::{Frame, SizeHint};
use thiserror::Error;
use tokio::time::timeout_at;
use user_backend::brute_force::SourceNet;
use user_backend::clock::{later, now};

/// How much of a body that is not needed is read to be dropped.
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

    /// What all bodies of one source together may hold, in bytes.
    ///
    /// Wider IPv6 networks have no more: one customer may have up to a /48.
    const fn share(self) -> usize {
        self.budget() / 4
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

impl BodyError {
    /// The status that a request is answered with, where no envelope says it otherwise.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// How long to wait before the same request may succeed, if it may.
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Busy => Some(Duration::from_secs(1)),
            Self::TooLong { .. } | Self::Incomplete => None,
        }
    }
}

/// The bytes that request bodies may hold.
///
/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct BodyBudget {
    anonymous: Arc<Mutex<BudgetUse>>,
    signed_in: Arc<Mutex<BudgetUse>>,
}

/// What is held at the moment, in bytes.
#[derive(Debug, Default)]
struct BudgetUse {
    all: usize,
    by_source: HashMap<SourceNet, usize>,
}

impl BodyBudget {
    /// Reads a body of a client at this address to its end.
    ///
    /// # Errors
    /// [`BodyError`]. What is left of the body then is [drained](Remainder) with the answer.
    ///
    /// # Cancellation
    /// Safe. What was charged is given back.
    pub async fn read(
        &self,
        sender: Sender,
        source: IpAddr,
        body: Body,
    ) -> Result<(Vec<u8>, Charge), BodyError> {
        if body.size_hint().lower() > sender.limit() as u64 {
            return Err(BodyError::TooLong { limit: sender.limit() });
        }
        let patience = later(now(), sender.patience());
        timeout_at(patience, self.receive(sender, source, body.into_data_stream()))
            .await
            .unwrap_or(Err(BodyError::Incomplete))
    }

    async fn receive(
        &self,
        sender: Sender,
        source: IpAddr,
        mut chunks: BodyDataStream,
    ) -> Result<(Vec<u8>, Charge), BodyError> {
        let limit = sender.limit();
        let held = match sender {
            Sender::Anonymous => &self.anonymous,
            Sender::SignedIn => &self.signed_in,
        };
        let mut charge = Charge { sender, place: SourceNet::of(source), held: Arc::clone(held), bytes: 0 };
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

/// Bytes that one request holds of the budget.
///
/// Dropping it gives them back.
#[derive(Debug)]
pub struct Charge {
    sender: Sender,
    place: SourceNet,
    held: Arc<Mutex<BudgetUse>>,
    bytes: usize,
}

impl Charge {
    /// Charges this many bytes from now on.
    ///
    /// # Errors
    /// [`BodyError::Busy`]: not enough left, in all or for this source. The charge is unchanged.
    pub fn set(&mut self, bytes: usize) -> Result<(), BodyError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // All contains this charge, and so does what each of its networks holds.
        let changed = |before: usize| before - self.bytes + bytes;
        let of_network =
            |held: &BudgetUse, network| changed(held.by_source.get(&network).copied().unwrap_or_default());
        let all = changed(held.all);
        let share = self.sender.share();
        let is_too_much = || self.place.levels().any(|network| of_network(&held, network) > share);
        if bytes > self.bytes && (all > self.sender.budget() || is_too_much()) {
            return Err(BodyError::Busy);
        }
        held.all = all;
        for network in self.place.levels() {
            match of_network(&held, network) {
                0 => held.by_source.remove(&network),
                of_network => held.by_source.insert(network, of_network),
            };
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        // Less is always granted.
        let _ = self.set(0);
    }
}

/// What a handler has left unread of the body of a request.
///
/// HTTP/1.1 can only go on after it: a connection that ends with something unread takes the answer
/// with it, and one that ends unannounced takes the next request with it.
#[derive(Clone, Debug)]
pub(crate) struct Remainder {
    body: Arc<Mutex<Body>>,
    /// Whether the client waits for `100 Continue` before it sends the body.
    is_waiting: bool,
    is_begun: Arc<AtomicBool>,
}

impl Remainder {
    /// Takes the body out of a request and gives it one of which the rest can be read later.
    ///
    /// `None`: it has no body.
    pub(crate) fn of(request: &mut Request) -> Option<Self> {
        if request.body().is_end_stream() {
            return None;
        }
        let is_waiting = request.headers().contains_key(EXPECT);
        let body = Arc::new(Mutex::new(std::mem::take(request.body_mut())));
        let remainder = Self { body, is_waiting, is_begun: Arc::default() };
        *request.body_mut() = Body::new(remainder.clone());
        Some(remainder)
    }

    /// Reads and drops the rest, within limits; returns whether the connection is reusable.
    pub(crate) async fn drain(mut self) -> bool {
        // Reading would ask for it.
        if self.is_waiting && !self.is_begun.load(Ordering::Relaxed) {
            return false;
        }
        let patience = later(now(), DRAIN_TIME);
        let drained = async {
            let mut left = DRAIN_BYTES;
            while let Some(frame) = poll_fn(|context| Pin::new(&mut self).poll_frame(context)).await {
                let Ok(frame) = frame else { return false };
                left = left.saturating_sub(frame.data_ref().map_or(1, |data| data.len().max(1)));
                if left == 0 {
                    return false;
                }
            }
            true
        };
        timeout_at(patience, drained).await.unwrap_or(false)
    }
}

impl HttpBody for Remainder {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_begun.store(true, Ordering::Relaxed);
        let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// What is held without and with credentials.
    fn held(budget: &BodyBudget) -> [usize; 2] {
        [&budget.anonymous, &budget.signed_in].map(|held| {
            let held = held.lock().unwrap();
            assert_eq!(held.all, held.by_source.values().sum::<usize>());
            held.all
        })
    }

    fn source(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    async fn read(budget: &BodyBudget, sender: Sender, body: Body) -> Result<(Vec<u8>, Charge), BodyError> {
        budget.read(sender, source(1), body).await
    }

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> =
            sizes.iter().map(|size| Ok::<_, BodyError>(Bytes::from(vec![b'a'; *size]))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    #[tokio::test]
    async fn charge_follows_what_is_held_and_ends_with_it() {
        let budget = BodyBudget::default();
        let (bytes, mut charge) = read(&budget, Sender::Anonymous, chunks(&[1000, 24])).await.unwrap();
        assert_eq!((bytes.len(), held(&budget)), (1024, [1024, 0]));
        for size in [24, 2048, 0, 5] {
            charge.set(size).unwrap();
            assert_eq!(held(&budget), [size, 0]);
        }
        drop(charge);
        assert_eq!(held(&budget), [0, 0]);
        assert!(budget.anonymous.lock().unwrap().by_source.is_empty(), "no source is remembered");
    }

    #[tokio::test]
    async fn one_ipv6_customer_has_one_share() {
        let budget = BodyBudget::default();
        let mut charges = Vec::new();
        for number in 0..1_000_u32 {
            let source = format!("2001:db8:7:{number:x}::1").parse().unwrap();
            let body = chunks(&[Sender::Anonymous.limit()]);
            charges.extend(budget.read(Sender::Anonymous, source, body).await.ok());
        }
        let held: usize = charges.iter().map(|(bytes, _)| bytes.len()).sum();
        assert_eq!(held, Sender::Anonymous.share());
        let body = chunks(&[Sender::Anonymous.limit()]);
        assert!(budget.read(Sender::Anonymous, source(1), body).await.is_ok());
        charges.clear();
        assert!(budget.anonymous.lock().unwrap().by_source.is_empty());
    }

    #[tokio::test]
    async fn body_beyond_its_limit_is_refused_announced_or_not() {
        let budget = BodyBudget::default();
        for sender in [Sender::Anonymous, Sender::SignedIn] {
            let limit = sender.limit();
            for body in [Body::from(vec![b'a'; limit + 1]), chunks(&[limit, 1])] {
                let refused = read(&budget, sender, body).await.unwrap_err();
                assert_eq!(refused, BodyError::TooLong { limit });
            }
            assert_eq!(read(&budget, sender, chunks(&[limit])).await.unwrap().0.len(), limit);
        }
        assert_eq!(held(&budget), [0, 0], "everything was given back");
    }

    #[tokio::test(start_paused = true)]
    async fn missing_body_holds_nothing_for_long() {
        let budget = BodyBudget::default();
        let endless = || Body::from_stream(stream::pending::<Result<Bytes, BodyError>>());
        for (sender, seconds) in [(Sender::Anonymous, 10), (Sender::SignedIn, 60)] {
            let begin = now();
            assert_eq!(read(&budget, sender, endless()).await.unwrap_err(), BodyError::Incomplete);
            assert_eq!(begin.elapsed().as_secs(), seconds);
        }
        assert_eq!(held(&budget), [0, 0]);
    }

    /// As many longest bodies as one source may hold.
    async fn fill(budget: &BodyBudget, sender: Sender, from: IpAddr) -> Vec<(Vec<u8>, Charge)> {
        let mut bodies = Vec::new();
        loop {
            match budget.read(sender, from, chunks(&[sender.limit()])).await {
                Ok(body) => bodies.push(body),
                Err(error) => {
                    assert_eq!(error, BodyError::Busy);
                    return bodies;
                }
            }
        }
    }

    #[tokio::test]
    async fn one_source_holds_a_quarter_and_all_sources_the_budget() {
        let budget = BodyBudget::default();
        for sender in [Sender::Anonymous, Sender::SignedIn] {
            let mut bodies = Vec::new();
            for number in 1..=4 {
                let of_one = fill(&budget, sender, source(number)).await;
                assert_eq!(of_one.len(), sender.share() / sender.limit(), "{sender:?}");
                bodies.extend(of_one);
            }
            assert!(fill(&budget, sender, source(5)).await.is_empty(), "{sender:?}");
            bodies.truncate(bodies.len() - 1);
            assert_eq!(fill(&budget, sender, source(5)).await.len(), 1, "{sender:?}");
        }
    }

    #[tokio::test]
    async fn exhausted_memory_budget_refuses_anonymous_callers_only() {
        let budget = BodyBudget::default();
        let _bodies = fill(&budget, Sender::Anonymous, source(1)).await;
        assert!(budget.read(Sender::SignedIn, source(1), chunks(&[1024])).await.is_ok());
        assert!(budget.read(Sender::Anonymous, source(2), chunks(&[1024])).await.is_ok());
    }

    fn request(body: Body, expects: bool) -> Request {
        let mut request = Request::new(body);
        if expects {
            request.headers_mut().insert(EXPECT, "100-continue".parse().unwrap());
        }
        request
    }

    #[tokio::test(start_paused = true)]
    async fn rest_of_a_body_is_drained_within_bounds() {
        let endless = || Body::from_stream(stream::pending::<Result<Bytes, BodyError>>());
        let broken = Body::from_stream(stream::iter([Err::<Bytes, _>(BodyError::Incomplete)]));
        for (body, expects, goes_on) in [
            (chunks(&[1000, 24]), false, true),
            (chunks(&[DRAIN_BYTES / 2, DRAIN_BYTES / 2]), false, false),
            (chunks(&[0, 0, 5]), false, true),
            (endless(), false, false),
            (broken, false, false),
            // The client waits for a word before it sends the body, and does not get it.
            (chunks(&[5]), true, false),
        ] {
            let mut request = request(body, expects);
            let remainder = Remainder::of(&mut request).unwrap();
            drop(request);
            assert_eq!(remainder.drain().await, goes_on);
        }
        assert!(Remainder::of(&mut request(Body::empty(), false)).is_none());
    }

    #[tokio::test]
    async fn read_body_leaves_nothing_to_drain() {
        let budget = BodyBudget::default();
        let mut request = request(chunks(&[1000, 24]), true);
        let remainder = Remainder::of(&mut request).unwrap();
        let (bytes, _charge) = read(&budget, Sender::Anonymous, request.into_body()).await.unwrap();
        assert_eq!(bytes.len(), 1024);
        assert!(remainder.drain().await);
    }
}
