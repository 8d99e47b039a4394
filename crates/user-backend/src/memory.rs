//! The in-memory twin of a real backend.
//!
//! For documentation, for tests, for trying things out.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::identity::{BackendId, CanonicalName, IdError};
use crate::secret::{NoRandomness, OutcomeKey, OutcomeKeyer, Password};
use crate::transport::within;
use crate::verdict::{Identity, Rejection, Verdict};

/// An in-memory backend.
///
/// It counts its attempts and can simulate an outage.
///
/// In tests of a program it replaces a server;
/// [`Resolver::with_fixed_outcome`](crate::Resolver::with_fixed_outcome) replaces a resolver that
/// throttles or has an outage.
///
/// ```
/// # use user_backend::{StaticBackend, Resolver, Credentials};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
/// let resolver = Resolver::builder().backend(people).build()?;
/// let answer = resolver.authenticate(Credentials::new("Alice", "Wonderland-1")).await;
/// assert_eq!(answer.authenticated().map(|proof| proof.name().as_str()), Some("alice"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[doc(alias = "mock")]
#[doc(alias = "fake")]
pub struct StaticBackend {
    id: BackendId,
    users: HashMap<CanonicalName, StaticUser>,
    keyer: OutcomeKeyer,
    behaviour: Behaviour,
    attempts: AtomicUsize,
}

#[derive(Debug)]
struct StaticUser {
    password: Option<OutcomeKey>,
    refusal: Option<Rejection>,
}

#[derive(Debug, Default)]
struct Behaviour {
    down: AtomicBool,
    delay: Duration,
}

impl StaticBackend {
    /// A backend without users.
    ///
    /// # Errors
    /// [`StaticError`] when the id cannot be one, or the system has no randomness.
    pub fn new(id: &str) -> Result<Self, StaticError> {
        Ok(Self {
            id: BackendId::parse(id)?,
            users: HashMap::new(),
            keyer: OutcomeKeyer::random()?,
            behaviour: Behaviour::default(),
            attempts: AtomicUsize::new(0),
        })
    }

    /// Adds a user.
    ///
    /// With an invalid name or password, the user can never sign in.
    #[must_use]
    pub fn with_user(self, name: &str, password: &str) -> Self {
        self.user(name, password, None)
    }

    /// Adds a user whose correct password is refused, e.g. [`Rejection::AccountDisabled`].
    #[must_use]
    pub fn with_refused_user(self, name: &str, password: &str, refusal: Rejection) -> Self {
        self.user(name, password, Some(refusal))
    }

    /// Every answer takes this long.
    ///
    /// Nothing by default.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.behaviour.delay = delay;
        self
    }

    /// From now on every attempt is unavailable.
    #[must_use]
    pub fn unavailable(self) -> Self {
        self.set_available(false);
        self
    }

    /// Begins or ends an outage: while it lasts, every attempt is unavailable.
    ///
    /// For a backend that a test shares with a resolver.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use user_backend::{StaticBackend, Resolver, Credentials};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let people = Arc::new(StaticBackend::new("people")?.with_user("alice", "Wonderland-1"));
    /// let resolver = Resolver::builder().backend(Arc::clone(&people)).build()?;
    /// let alice = Credentials::new("alice", "Wonderland-1");
    /// people.set_available(false);
    /// assert_eq!(resolver.authenticate(alice).await.outcome.status(), 503);
    /// people.set_available(true);
    /// assert_eq!(resolver.authenticate(alice).await.outcome.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_available(&self, is_available: bool) {
        self.behaviour.down.store(!is_available, Ordering::SeqCst);
    }

    /// How many attempts reached this backend so far.
    pub fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }

    fn user(mut self, name: &str, password: &str, refusal: Option<Rejection>) -> Self {
        if let Ok(name) = CanonicalName::parse(name) {
            let password = Password::parse(password).ok().map(|password| self.key(&name, &password));
            self.users.insert(name, StaticUser { password, refusal });
        }
        self
    }

    fn key(&self, name: &CanonicalName, password: &Password) -> OutcomeKey {
        self.keyer.key(b"", name.as_str(), password.expose())
    }

    fn decide(&self, attempt: &Attempt<'_>) -> Verdict {
        let password = attempt.password;
        let Some((name, user)) =
            CanonicalName::parse(attempt.upstream_name).ok().and_then(|name| self.users.get_key_value(&name))
        else {
            return Verdict::Rejected(Rejection::UnknownUser);
        };
        match (user.password == Some(self.key(name, password)), user.refusal) {
            (true, None) => Verdict::Accepted(Identity::of(attempt.name)),
            (true, Some(refusal)) => Verdict::Rejected(refusal),
            (false, _) => Verdict::Rejected(Rejection::BadCredentials),
        }
    }

    async fn answer(&self, deadline: Instant, phase: Phase) -> Result<(), BackendError> {
        within(deadline, phase, async {
            if !self.behaviour.delay.is_zero() {
                tokio::time::sleep(self.behaviour.delay).await;
            }
            Ok(())
        })
        .await?;
        if self.behaviour.down.load(Ordering::SeqCst) {
            return Err(BackendError::unavailable(Phase::Connect, "switched off"));
        }
        if deadline <= crate::clock::now() {
            return Err(BackendError::timed_out(phase));
        }
        Ok(())
    }
}

impl fmt::Display for StaticBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "static({})", self.id)
    }
}

#[async_trait]
impl UserBackend for StaticBackend {
    fn id(&self) -> &BackendId {
        &self.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.answer(attempt.deadline, Phase::Login).await?;
        Ok(self.decide(attempt))
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.answer(deadline, Phase::Greeting).await?;
        Ok(Probe::of(None))
    }
}

/// Why a [`StaticBackend`] could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StaticError {
    /// The id cannot be one.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The system has no randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}
