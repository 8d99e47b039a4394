//! The rules of the chain and of the memory in front of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::canary as check;
use super::names::{DomainRules, NameRules};
use super::*;
use crate::backend::{Attempt, Probe};
use crate::brute_force::GuessLimit;
use crate::error::{BackendError, Phase};
use crate::memory::StaticBackend;
use crate::middleware::circuit_breaker::FAILURES;
use crate::resolver::policy::{OnReject, OnUnavailable};
use crate::verdict::{Authenticated, Freshness, Identity, Rejection, Verdict};

mod admit;
mod canary_state;
mod chain;
#[cfg(feature = "conformance")]
mod conformance;
mod embedding;
mod health;
mod lock;
mod memory;
mod model;
mod names;
#[cfg(feature = "metrics")]
mod observe;
mod oracle;
mod outage;
mod pins;
mod proven;
#[cfg(all(feature = "config-toml", feature = "imap"))]
mod reload;
mod restricted;
mod review;
mod secrets;
mod shared_budget;
mod throttle;
mod trace;
mod traps;

/// A backend that is watched from outside: the chain owns a clone of the handle.
type Watched = Arc<StaticBackend>;

fn people(id: &str) -> StaticBackend {
    StaticBackend::new(id).unwrap()
}

fn watch(backend: StaticBackend) -> Watched {
    Arc::new(backend)
}

fn policy(change: impl FnOnce(&mut BackendPolicy)) -> BackendPolicy {
    let mut policy = BackendPolicy::default();
    change(&mut policy);
    policy
}

fn go_on_without() -> BackendPolicy {
    policy(|policy| policy.on_unavailable = OnUnavailable::Continue)
}

fn chain(slots: impl IntoIterator<Item = (Watched, BackendPolicy)>) -> Resolver {
    slots
        .into_iter()
        .fold(Resolver::builder(), |builder, (backend, policy)| {
            builder.backend_with(Arc::new(backend), policy, DomainRules::none())
        })
        .build()
        .unwrap()
}

async fn sign_in(resolver: &Resolver, name: &str, password: &str) -> TracedOutcome {
    resolver.authenticate(Credentials::new(name, password).without_source()).await
}

async fn sign_in_from(resolver: &Resolver, source: &str, name: &str, password: &str) -> TracedOutcome {
    resolver.authenticate(Credentials::new(name, password).from_source(source.parse().unwrap())).await
}

fn accepted_by(answer: &TracedOutcome) -> Option<&str> {
    answer.authenticated().map(|proof| proof.backend().as_str())
}

/// A backend whose attempts wait until released, and may panic.
#[derive(Debug)]
struct Gated {
    id: BackendId,
    gate: Arc<Semaphore>,
    arrived: Arc<Semaphore>,
    panics: Mutex<usize>,
}

impl fmt::Display for Gated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gated")
    }
}

#[async_trait]
impl UserBackend for Gated {
    fn id(&self) -> &BackendId {
        &self.id
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        self.arrived.add_permits(1);
        let Ok(pass) = self.gate.acquire().await else { return Ok(Verdict::NotMine) };
        pass.forget();
        let mut panics = self.panics.lock().unwrap();
        if *panics > 0 {
            *panics -= 1;
            drop(panics);
            panic!("a bug in a backend");
        }
        Ok(Verdict::Accepted(Identity::new(attempt.name.canonical().clone())))
    }
    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

fn gated(panics: usize) -> (Resolver, Arc<Semaphore>, Arc<Semaphore>) {
    let (gate, arrived) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let backend = Gated {
        id: BackendId::parse("gated").unwrap(),
        gate: Arc::clone(&gate),
        arrived: Arc::clone(&arrived),
        panics: Mutex::new(panics),
    };
    (Resolver::builder().backend(backend).build().unwrap(), gate, arrived)
}

/// A backend that accepts every user.
#[derive(Debug)]
struct OpenDoor(BackendId);

impl fmt::Display for OpenDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("open door")
    }
}

#[async_trait]
impl UserBackend for OpenDoor {
    fn id(&self) -> &BackendId {
        &self.0
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        Ok(Verdict::Accepted(Identity::new(attempt.name.canonical().clone())))
    }
    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

/// A backend with a switch.
#[derive(Debug)]
struct Switched {
    people: StaticBackend,
    down: StaticBackend,
    is_down: Arc<AtomicBool>,
}

impl fmt::Display for Switched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("switched")
    }
}

#[async_trait]
impl UserBackend for Switched {
    fn id(&self) -> &BackendId {
        self.people.id()
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let now_down = self.is_down.load(Ordering::SeqCst);
        if now_down { &self.down } else { &self.people }.authenticate(attempt).await
    }
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.people.probe(deadline).await
    }
}

/// How a server is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutageKind {
    /// It accepts no connection.
    Unreachable,
    /// It answers a login that it cannot check it.
    Recognised,
    /// It answers a login in words that are not recognised.
    Unrecognised,
    /// It ends the connection without an answer to a login.
    Silent,
}

impl OutageKind {
    fn error(self) -> BackendError {
        let at = |phase| BackendError::unavailable(phase, "down");
        match self {
            Self::Unreachable => at(Phase::Connect),
            Self::Recognised => at(Phase::Login),
            Self::Unrecognised => at(Phase::Login).counting_as_guess(),
            Self::Silent => at(Phase::Login).without_answer(),
        }
    }
}

/// A server whose users change their passwords, with a switch and a record of requests.
#[derive(Clone)]
struct SwitchedServer(Arc<ServerState>);

struct ServerState {
    id: BackendId,
    people: Mutex<HashMap<String, String>>,
    is_down: AtomicBool,
    /// What an attempt gets while it is down.
    outage: Mutex<OutageKind>,
    seen: Mutex<Vec<(String, String)>>,
    /// When it refused a login.
    refused: Mutex<Vec<Instant>>,
}

impl SwitchedServer {
    fn new(id: &str) -> Self {
        Self(Arc::new(ServerState {
            id: BackendId::parse(id).unwrap(),
            people: Mutex::default(),
            is_down: AtomicBool::new(false),
            outage: Mutex::new(OutageKind::Unreachable),
            seen: Mutex::default(),
            refused: Mutex::default(),
        }))
    }

    fn down_as(self, outage: OutageKind) -> Self {
        *self.0.outage.lock().unwrap() = outage;
        self
    }

    fn with(self, name: &str, password: &str) -> Self {
        self.set(name, password);
        self
    }

    fn set(&self, name: &str, password: &str) {
        self.0.people.lock().unwrap().insert(name.to_owned(), password.to_owned());
    }

    fn down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::SeqCst);
    }

    /// The logins it has seen, as typed.
    fn seen(&self) -> Vec<(String, String)> {
        self.0.seen.lock().unwrap().clone()
    }

    fn alone(&self, policy: BackendPolicy) -> Resolver {
        Resolver::builder().backend_with(Arc::new(self.clone()), policy, DomainRules::none()).build().unwrap()
    }
}

impl fmt::Debug for SwitchedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl fmt::Display for SwitchedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("server")
    }
}

#[async_trait]
impl UserBackend for SwitchedServer {
    fn id(&self) -> &BackendId {
        &self.0.id
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let (name, password) = (attempt.name.canonical().as_str(), attempt.password.expose());
        self.0.seen.lock().unwrap().push((attempt.name.to_string(), password.to_owned()));
        tokio::task::yield_now().await;
        if self.0.is_down.load(Ordering::SeqCst) {
            return Err(self.0.outage.lock().unwrap().error());
        }
        let right = self.0.people.lock().unwrap().get(name).is_some_and(|right| right == password);
        Ok(if right {
            Verdict::Accepted(Identity::new(attempt.name.canonical().clone()))
        } else {
            self.0.refused.lock().unwrap().push(now());
            Verdict::Rejected(Rejection::BadCredentials)
        })
    }
    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}
