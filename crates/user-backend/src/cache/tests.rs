//! The cache forgets what it must and keeps what it may.

use std::time::Duration;

use super::*;
use crate::clock::now;
use crate::verdict::Identity;

const MINUTE: Duration = Duration::from_secs(60);

struct CacheFixture {
    cache: OutcomeCache,
}

impl CacheFixture {
    fn new() -> Self {
        Self { cache: OutcomeCache::new(CacheBounds::default()).unwrap() }
    }

    fn key(&self, name: &str, password: &str) -> OutcomeKey {
        self.cache.key(b"scope", name, password)
    }

    fn accept(&self, typed: &str, identity: &str, backend: &str, password: &str, began: Epoch) -> OutcomeKey {
        let login = LoginName::parse(typed).unwrap();
        let verified = VerifiedIdentity {
            identity: Identity::new(CanonicalName::parse(identity).unwrap()),
            backend: BackendId::parse(backend).unwrap(),
        };
        let key = self.key(login.canonical().as_str(), password);
        let _ = self.cache.accept(
            key,
            &login,
            &verified,
            began,
            now(),
            Lifetime { fresh: MINUTE, stale: None, network: 0 },
        );
        key
    }

    fn hits(&self, key: &OutcomeKey) -> bool {
        self.cache.accepted(key, now()).is_some()
    }
}

#[tokio::test(start_paused = true)]
async fn acceptance_lives_as_long_as_set_and_not_longer() {
    let bench = CacheFixture::new();
    let key = bench.accept("alice", "alice", "mail", "secret", bench.cache.epoch());
    tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
    assert!(bench.hits(&key));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!bench.hits(&key));
    assert_eq!(bench.cache.stats().accepted, 0);
}

#[test]
fn another_password_is_another_question() {
    let bench = CacheFixture::new();
    bench.accept("alice", "alice", "mail", "secret", bench.cache.epoch());
    assert!(!bench.hits(&bench.key("alice", "Secret")));
    assert!(!bench.hits(&bench.key("bob", "secret")));
}

#[test]
fn invalidation_covers_the_typed_and_the_found_name() {
    for name in ["alice", "alice@example.com"] {
        let bench = CacheFixture::new();
        let key = bench.accept("Alice@Example.com", "alice", "mail", "secret", bench.cache.epoch());
        assert!(bench.hits(&key));
        bench.cache.invalidate_user(&CanonicalName::parse(name).unwrap());
        assert!(!bench.hits(&key), "{name}");
    }
}

#[test]
fn check_begun_before_an_invalidation_is_not_remembered() {
    let bench = CacheFixture::new();
    let began = bench.cache.epoch();
    bench.cache.invalidate_user(&CanonicalName::parse("alice").unwrap());
    let stale = bench.accept("alice", "alice", "mail", "old", began);
    assert!(!bench.hits(&stale));
    let fresh = bench.accept("alice", "alice", "mail", "new", bench.cache.epoch());
    assert!(bench.hits(&fresh));
}

#[test]
fn backend_is_forgotten_and_the_others_are_not() {
    let bench = CacheFixture::new();
    let mail = bench.accept("alice", "alice", "mail", "secret", bench.cache.epoch());
    let files = bench.accept("bob", "bob", "files", "secret", bench.cache.epoch());
    bench.cache.invalidate_backend(&BackendId::parse("mail").unwrap());
    assert!(!bench.hits(&mail));
    assert!(bench.hits(&files));
}

#[tokio::test(start_paused = true)]
async fn refusal_has_a_lifetime_of_its_own() {
    let bench = CacheFixture::new();
    let login = LoginName::parse("alice").unwrap();
    let key = bench.key("alice", "wrong");
    let began = bench.cache.epoch();
    bench.cache.reject(
        key,
        std::iter::once(login.canonical().clone()),
        Rejection::BadCredentials,
        began,
        now(),
        Duration::from_secs(30),
    );
    assert_eq!(bench.cache.rejected(&key, now()), Some(Rejection::BadCredentials));
    assert!(bench.cache.accepted(&key, now()).is_none());
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(bench.cache.rejected(&key, now()), None);
}

#[test]
fn lifetime_of_zero_remembers_nothing() {
    let bench = CacheFixture::new();
    let login = LoginName::parse("alice").unwrap();
    let key = bench.key("alice", "wrong");
    bench.cache.reject(
        key,
        std::iter::once(login.canonical().clone()),
        Rejection::BadCredentials,
        bench.cache.epoch(),
        now(),
        Duration::ZERO,
    );
    assert_eq!(bench.cache.stats(), CacheStats::default());
}

#[test]
fn neither_bound_is_passed() {
    for (entries, bytes) in [(100, 1 << 30), (1 << 20, 40_000), (4_000, 799_999)] {
        let bounds = CacheBounds { entries, bytes };
        let bench = CacheFixture { cache: OutcomeCache::new(bounds).unwrap() };
        for number in 0..5_000 {
            let name = format!("user{number}");
            bench.accept(&name, &name, "mail", "secret", bench.cache.epoch());
        }
        let stats = bench.cache.stats();
        assert!(stats.accepted > 0 && stats.accepted <= bounds.entries, "{stats:?}");
        assert!(stats.bytes <= bounds.bytes as u64, "{stats:?}");
    }
}

#[test]
fn t40_no_password_is_held() {
    let bench = CacheFixture::new();
    bench.accept("alice", "alice", "mail", "Wonderland-1", bench.cache.epoch());
    assert!(!format!("{:?}", bench.cache).contains("Wonderland"));
}

#[tokio::test(start_paused = true)]
async fn grace_accepts_only_the_last_accepted_password() {
    let bench = CacheFixture::new();
    let login = LoginName::parse("alice").unwrap();
    let verified = VerifiedIdentity {
        identity: Identity::new(login.canonical().clone()),
        backend: BackendId::parse("mail").unwrap(),
    };
    let lifetime = Lifetime { fresh: MINUTE, stale: Some(MINUTE * 60), network: 0 };
    let [old, new] = ["old", "new"].map(|password| {
        let key = bench.key("alice", password);
        assert!(bench.cache.accept(key, &login, &verified, bench.cache.epoch(), now(), lifetime));
        key
    });
    tokio::time::advance(MINUTE).await;
    assert!(!bench.hits(&old) && !bench.hits(&new));
    assert!(bench.cache.stale(&old, now()).is_none());
    assert!(bench.cache.stale(&new, now()).is_some());
    bench.cache.forget(&new);
    assert!(bench.cache.stale(&new, now()).is_none());
}
