//! Setups that are measured: users, backends that answer at once, and a resolver.
//!
//! A separate crate, so that no feature that only tests need slows down what is measured: tokio's
//! `test-util` makes every look at the clock a look at a lock.

use std::error::Error;
use std::fmt;
use std::hint::black_box;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use tokio::runtime::Runtime;
use user_backend::cache::CacheBounds;
use user_backend::clock::Instant;
use user_backend::{
    Attempt, BackendError, BackendId, Credentials, Identity, Outcome, Probe, Rejection, Resolver,
    UserBackend, Verdict,
};

/// What everything here may come to.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The password of every user; any suffix is accepted too.
///
/// So one user can have many passwords.
pub const RIGHT: &str = "Wonderland-1";

/// A backend that knows every user and answers at once.
#[derive(Debug)]
pub struct Everybody(BackendId);

impl Everybody {
    /// One of this name.
    ///
    /// # Errors
    /// The name cannot be that of a backend.
    pub fn new(id: &str) -> Result<Self> {
        Ok(Self(BackendId::parse(id)?))
    }
}

impl fmt::Display for Everybody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "everybody({})", self.0)
    }
}

#[async_trait]
impl UserBackend for Everybody {
    fn id(&self) -> &BackendId {
        &self.0
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> std::result::Result<Verdict, BackendError> {
        Ok(if attempt.password.expose().starts_with(RIGHT) {
            Verdict::Accepted(Identity::new(attempt.name.canonical().clone()))
        } else {
            Verdict::Rejected(Rejection::BadCredentials)
        })
    }

    async fn probe(&self, _: Instant) -> std::result::Result<Probe, BackendError> {
        Ok(Probe::default())
    }
}

/// A resolver in the place of a backend.
///
/// What a program does that knows nothing but `Arc<dyn UserBackend>`.
#[derive(Debug)]
pub struct Behind(Resolver, BackendId);

impl Behind {
    /// The resolver, as a backend.
    ///
    /// # Errors
    /// None that is to be expected.
    pub fn a_trait_object(resolver: &Resolver) -> Result<Arc<dyn UserBackend>> {
        Ok(Arc::new(Self(resolver.clone(), BackendId::parse("resolver")?)))
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("resolver")
    }
}

#[async_trait]
impl UserBackend for Behind {
    fn id(&self) -> &BackendId {
        &self.1
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> std::result::Result<Verdict, BackendError> {
        let credentials = Credentials::new(attempt.upstream_name, attempt.password.expose());
        Ok(match self.0.authenticate(credentials).await.outcome {
            Outcome::Authenticated(proof) => Verdict::Accepted(proof.identity().clone()),
            _ => Verdict::Rejected(Rejection::BadCredentials),
        })
    }

    async fn probe(&self, _: Instant) -> std::result::Result<Probe, BackendError> {
        Ok(Probe::default())
    }
}

/// A resolver in front of one backend that knows every user.
///
/// # Errors
/// The resolver cannot be made.
pub fn resolver_with(bounds: CacheBounds) -> Result<Resolver> {
    Ok(Resolver::builder().backend(Everybody::new("mail")?).cache_bounds(bounds).build()?)
}

/// The same without the lockout.
///
/// Its tables for 100,000 users would have to be filled before the cache can be measured.
///
/// # Errors
/// The resolver cannot be made.
pub fn resolver_without_lockout(bounds: CacheBounds) -> Result<Resolver> {
    Ok(Resolver::builder().backend(Everybody::new("mail")?).cache_bounds(bounds).lock(None).build()?)
}

/// A login name of the usual length of a mail address.
pub fn person(number: usize) -> String {
    format!("p{number:07}@example.com")
}

/// Whether the user is signed in at the first poll: from the cache, without waiting.
pub fn at_once(resolver: &Resolver, name: &str, password: &str) -> bool {
    let attempt = pin!(resolver.authenticate(Credentials::new(name, password)));
    match attempt.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => black_box(&answer).authenticated().is_some(),
        Poll::Pending => false,
    }
}

/// What a future has to say at the first poll.
pub fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// The runtime for attempts that are not answered at once: everything on this thread.
///
/// # Errors
/// The system has no means.
pub fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_time().build()?)
}

/// Who signs in with which of their passwords.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    /// The number of the user.
    pub person: usize,
    /// The number of the password.
    pub password: usize,
    /// Whether it is a right one.
    pub right: bool,
}

/// Signs users in one by one; returns whether exactly the right ones were accepted.
pub fn sign_in(
    runtime: &Runtime,
    resolver: &Resolver,
    numbers: Range<usize>,
    who: impl Fn(usize) -> Who,
) -> bool {
    runtime.block_on(async {
        for who in numbers.map(who) {
            let password = format!("{}{}", if who.right { RIGHT } else { "wrong" }, who.password);
            let name = person(who.person);
            let answer = resolver.authenticate(Credentials::new(&name, &password)).await;
            if answer.authenticated().is_some() != who.right {
                return false;
            }
        }
        // What was spawned for the last one ends, too.
        tokio::task::yield_now().await;
        true
    })
}
