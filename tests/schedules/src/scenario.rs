//! Concurrent operations, and what must hold in any order.

use std::sync::Arc;
use std::time::Duration;

use shuttle::future::{block_on, spawn, yield_now};
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::cache::single_flight::SingleFlight;
use crate::cache::{CacheBounds, Lifetime, OutcomeCache};
use crate::clock::{Instant, now};
use crate::identity::{BackendId, CanonicalName, LoginName};
use crate::secret::OutcomeKey;
use crate::verdict::{Identity, Rejection, VerifiedIdentity};

/// The way a sign-in goes through the core: look, join, look again, ask, store, answer.
#[derive(Clone)]
struct Server(Arc<ServerParts>);

struct ServerParts {
    cache: OutcomeCache,
    flights: SingleFlight<Option<bool>>,
    alice: LoginName,
    verified: VerifiedIdentity,
    /// Whether the password is right, at the server.
    right: AtomicBool,
    /// Whether another chain took the place of the one that knows that server.
    is_reloaded: AtomicBool,
    logins: AtomicUsize,
    at: Instant,
}

impl Server {
    fn new() -> Option<Self> {
        let alice = LoginName::parse("alice").ok()?;
        let backend = BackendId::parse("mail").ok()?;
        let identity = Identity::new(alice.canonical().clone());
        Some(Self(Arc::new(ServerParts {
            cache: OutcomeCache::new(CacheBounds { entries: 64, bytes: 1 << 20 }).ok()?,
            flights: SingleFlight::new(8),
            alice,
            verified: VerifiedIdentity { identity, backend },
            right: AtomicBool::new(true),
            is_reloaded: AtomicBool::new(false),
            logins: AtomicUsize::new(0),
            at: now(),
        })))
    }

    fn key(&self) -> OutcomeKey {
        self.0.cache.key(b"", "alice", "secret")
    }

    /// The answer from memory.
    fn recall(&self) -> Option<bool> {
        let (cache, key) = (&self.0.cache, self.key());
        if cache.accepted(&key, self.0.at).is_some() {
            return Some(true);
        }
        cache.rejected(&key, self.0.at).map(|_| false)
    }

    /// `None` when the account was changed meanwhile.
    async fn sign_in(self) -> Option<bool> {
        if let Some(known) = self.recall() {
            return Some(known);
        }
        // In this order: see the resolver.
        let (is_reloaded, change, began) = loop {
            let chain = self.0.is_reloaded.load(Ordering::SeqCst);
            let change = self.0.cache.last_change(std::iter::once(self.0.alice.canonical().clone()));
            let began = self.0.cache.epoch();
            if chain == self.0.is_reloaded.load(Ordering::SeqCst) {
                break (chain, change, began);
            }
        };
        let server = self.clone();
        let deadline = self.0.at + Duration::from_secs(5);
        let work = move || async move {
            if let Some(known) = server.recall() {
                return Some(known);
            }
            server.0.logins.fetch_add(1, Ordering::SeqCst);
            let right = !is_reloaded && server.0.right.load(Ordering::SeqCst);
            yield_now().await;
            let ServerParts { cache, alice, verified, at, .. } = server.0.as_ref();
            let minute = Duration::from_secs(60);
            if right {
                let lifetime = Lifetime { fresh: minute, stale: None, network: 0 };
                return cache.accept(server.key(), alice, verified, began, *at, lifetime).then_some(true);
            }
            cache.reject(
                server.key(),
                std::iter::once(alice.canonical().clone()),
                Rejection::BadCredentials,
                began,
                *at,
                minute,
            );
            Some(false)
        };
        self.0.flights.join(self.key(), change, deadline, work).await.unwrap_or(None)
    }
}

/// How an outcome is taken back.
#[derive(Clone, Copy, Debug)]
pub enum Forget {
    /// One user.
    User,
    /// One backend.
    Backend,
    /// Everything.
    All,
    /// The backend, because it is not in the chain any more.
    Reload,
}

/// A password stops being right while users sign in with it.
///
/// When the invalidation has returned, no sign-in succeeds: neither from memory, nor by a question
/// that is asked now, nor because a check under way stores its yes late.
///
/// # Panics
/// When that does not hold.
pub fn a_change_is_a_change(forget: Forget) {
    let Some(server) = Server::new() else { return };
    block_on(async move {
        let early: Vec<_> = (0..2).map(|_| spawn(server.clone().sign_in())).collect();
        // Another user is invalidated at the same time.
        let other = spawn({
            let server = server.clone();
            async move {
                let _ = CanonicalName::parse("bob").map(|bob| server.0.cache.invalidate_user(&bob));
            }
        });
        let change = spawn({
            let server = server.clone();
            async move {
                match forget {
                    Forget::Reload => server.0.is_reloaded.store(true, Ordering::SeqCst),
                    _ => server.0.right.store(false, Ordering::SeqCst),
                }
                let cache = &server.0.cache;
                match forget {
                    Forget::User => cache.invalidate_user(server.0.alice.canonical()),
                    Forget::Backend | Forget::Reload => cache.invalidate_backend(&server.0.verified.backend),
                    Forget::All => cache.invalidate_all(),
                }
                assert_ne!(server.recall(), Some(true), "from memory");
                assert_eq!(server.clone().sign_in().await, Some(false), "asked again");
                assert_ne!(server.recall(), Some(true), "from memory, later");
            }
        });
        for caller in early {
            let _ = caller.await;
        }
        let _ = (other.await, change.await);
        assert_ne!(server.recall(), Some(true), "in the end");
        assert_eq!(server.sign_in().await, Some(false));
    });
}

/// The same the other way round: a no from before an unlock refuses no user afterwards.
///
/// # Panics
/// When that does not hold.
pub fn an_unlock_is_an_unlock(forget: Forget) {
    let Some(server) = Server::new() else { return };
    block_on(async move {
        server.0.right.store(false, Ordering::SeqCst);
        let early: Vec<_> = (0..2).map(|_| spawn(server.clone().sign_in())).collect();
        let change = spawn({
            let server = server.clone();
            async move {
                server.0.right.store(true, Ordering::SeqCst);
                let cache = &server.0.cache;
                match forget {
                    Forget::User => cache.invalidate_user(server.0.alice.canonical()),
                    Forget::Backend | Forget::Reload => cache.invalidate_backend(&server.0.verified.backend),
                    Forget::All => cache.invalidate_all(),
                }
                // It may have joined a check that began during the invalidation, and its outcome
                // does not count.
                assert_ne!(server.clone().sign_in().await, Some(false), "asked again");
                assert_ne!(server.recall(), Some(false), "and from memory");
            }
        });
        for caller in early {
            let _ = caller.await;
        }
        let _ = change.await;
        // A late yes that is void may have taken the place of a good one: that costs a question.
        assert_ne!(server.recall(), Some(false), "in the end");
    });
}

/// Identical attempts make one login, in any order, and even if callers are cancelled.
///
/// # Panics
/// When that does not hold.
pub fn identical_attempts_make_one_login() {
    let Some(server) = Server::new() else { return };
    block_on(async move {
        let staying: Vec<_> = (0..3).map(|_| spawn(server.clone().sign_in())).collect();
        let leaving = spawn(server.clone().sign_in());
        yield_now().await;
        leaving.abort();
        let _ = leaving.await;
        for caller in staying {
            assert!(matches!(caller.await, Ok(Some(true))));
        }
        assert_eq!(server.0.logins.load(Ordering::SeqCst), 1);
        // What the one who left has started finds the answer in memory and ends.
        while server.0.flights.under_way() > 0 {
            yield_now().await;
        }
        assert_eq!(server.0.logins.load(Ordering::SeqCst), 1);
    });
}
