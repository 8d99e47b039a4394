//! An attacker's guesses never keep the owner of proven credentials out.

use super::*;
use crate::brute_force::Lockout as Lock;

const HOME: &str = "203.0.113.7";
const ATTACKER: &str = "198.51.100.9";

async fn guess_until_limited(resolver: &Resolver, from: &str) {
    for number in 0..200 {
        let answer = sign_in_from(resolver, from, "alice", &format!("guess {number}")).await;
        if matches!(answer.outcome, Outcome::Throttled { .. }) {
            return;
        }
    }
    panic!("guesses are not limited");
}

fn resolver(server: &SwitchedServer, lock: Option<Lock>) -> Resolver {
    Resolver::builder()
        .backend_with(Arc::new(server.clone()), BackendPolicy::default(), DomainRules::none())
        .lock(lock)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn owner_after_guesses_of_others_signs_in() {
    for lock in [None, Some(Lock::default())] {
        let server = SwitchedServer::new("mail").with("alice", "right");
        let resolver = resolver(&server, lock);
        assert_eq!(accepted_by(&sign_in_from(&resolver, HOME, "alice", "right").await), Some("mail"));
        for _ in 0..5 {
            // Her cached outcome is gone by then, so the server has to be asked.
            tokio::time::advance(BackendPolicy::default().cache_accepted).await;
            guess_until_limited(&resolver, ATTACKER).await;
            let requests = server.seen().len();
            let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
            assert_eq!(accepted_by(&answer), Some("mail"), "{lock:?}: {}", answer.trace);
            assert_eq!(server.seen().len(), requests + 1);
            tokio::time::advance(Duration::from_secs(15 * 60)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reached_limits_hide_a_right_password() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let resolver = resolver(&server, None);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(BackendPolicy::default().cache_accepted).await;
    guess_until_limited(&resolver, ATTACKER).await;
    let requests = server.seen().len();
    for number in 0..50 {
        let password = if number % 7 == 3 { "right".to_owned() } else { format!("more {number}") };
        for source in [ATTACKER, "198.51.100.10"] {
            let answer = sign_in_from(&resolver, source, "alice", &password).await;
            assert!(matches!(answer.outcome, Outcome::Throttled { .. }), "{source} {password}: {answer:?}");
        }
    }
    assert_eq!(server.seen().len(), requests);
}

#[tokio::test(start_paused = true)]
async fn guesses_from_the_owners_network_limit_the_right_password() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let resolver = resolver(&server, None);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(BackendPolicy::default().cache_accepted).await;
    for number in 0..20 {
        let _ = sign_in_from(&resolver, HOME, "alice", &format!("guess {number}")).await;
    }
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert_eq!(answer.trace.ended_by, EndReason::SourceThrottled, "{}", answer.trace);
}

#[tokio::test(start_paused = true)]
async fn password_changed_upstream_costs_one_failure() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let resolver = resolver(&server, None);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(BackendPolicy::default().cache_accepted).await;
    guess_until_limited(&resolver, ATTACKER).await;
    server.set("alice", "new");
    let requests = server.seen().len();
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    tokio::time::advance(BackendPolicy::default().cache_rejected).await;
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert!(matches!(answer.outcome, Outcome::Throttled { .. }), "{answer:?}");
    assert_eq!(server.seen().len(), requests + 1);
}

/// A store that outlives resolvers, and may fail.
#[derive(Clone, Debug, Default)]
struct KeptElsewhere(Arc<Mutex<Vec<(CanonicalName, ProvenHash)>>>, Arc<AtomicBool>);

impl KeptElsewhere {
    fn check(&self) -> Result<(), ProvenStoreError> {
        let fails = self.1.load(Ordering::SeqCst);
        if fails { Err(ProvenStoreError::new("disk full")) } else { Ok(()) }
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[async_trait]
impl ProvenStore for KeptElsewhere {
    async fn contains(&self, credentials: &ProvenHash) -> Result<bool, ProvenStoreError> {
        self.check()?;
        Ok(self.0.lock().unwrap().iter().any(|(_, kept)| kept == credentials))
    }
    async fn add(&self, person: &CanonicalName, credentials: &ProvenHash) -> Result<(), ProvenStoreError> {
        self.check()?;
        self.0.lock().unwrap().push((person.clone(), credentials.clone()));
        Ok(())
    }
    async fn remove(&self, credentials: &ProvenHash) -> Result<(), ProvenStoreError> {
        self.check()?;
        self.0.lock().unwrap().retain(|(_, kept)| kept != credentials);
        Ok(())
    }
}

/// A resolver after a start.
fn started(server: &SwitchedServer, store: &KeptElsewhere, key: u8) -> Resolver {
    Resolver::builder()
        .backend_with(Arc::new(server.clone()), BackendPolicy::default(), DomainRules::none())
        .proven(Arc::new(store.clone()), ProvenKey::new([key; 32].into()))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn owner_after_a_restart_and_guesses_signs_in() {
    let (server, store) = (SwitchedServer::new("mail").with("alice", "right"), KeptElsewhere::default());
    let first = started(&server, &store, 1);
    assert!(sign_in_from(&first, HOME, "Alice", "right").await.authenticated().is_some());
    assert_eq!(store.0.lock().unwrap()[0].0.as_str(), "alice");
    for typed in ["Alice", "alice"] {
        let restarted = started(&server, &store, 1);
        guess_until_limited(&restarted, ATTACKER).await;
        let answer = sign_in_from(&restarted, HOME, typed, "right").await;
        assert_eq!(accepted_by(&answer), Some("mail"), "{typed}: {}", answer.trace);
    }
    // Another key proves no user, so the store alone cannot be used to check guesses.
    let other = started(&server, &store, 2);
    guess_until_limited(&other, ATTACKER).await;
    let answer = sign_in_from(&other, HOME, "alice", "right").await;
    assert!(matches!(answer.outcome, Outcome::Throttled { .. }), "{}", answer.trace);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_proven_no_longer_after_a_restart() {
    let (server, store) = (SwitchedServer::new("mail").with("alice", "right"), KeptElsewhere::default());
    let first = started(&server, &store, 1);
    for _ in 0..3 {
        assert!(sign_in(&first, "alice", "right").await.authenticated().is_some());
        first.invalidate_all();
    }
    assert_eq!(store.len(), 1, "written once");
    server.set("alice", "new");
    let restarted = started(&server, &store, 1);
    let answer = sign_in(&restarted, "alice", "right").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    assert_eq!(store.len(), 0);
    // A wrong password that was never proven is no reason to write.
    store.1.store(true, Ordering::SeqCst);
    let answer = sign_in(&restarted, "alice", "wrong").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    // A failing store refuses no user.
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(sign_in(&restarted, "alice", "new").await.authenticated().is_some());
}

fn is_proven(resolver: &Resolver, source: Option<&str>) -> bool {
    let key = resolver.proven_key("alice", "right", source.map(|source| source.parse().unwrap()));
    resolver.shared.chain.load().known.are_proven(&key)
}

/// Two devices of one user: behind two addresses, or one with IPv4 and IPv6.
#[tokio::test(start_paused = true)]
async fn remembered_sign_in_proves_the_second_network() {
    let (phone, ipv6) = ("203.0.113.8", "2001:db8::7");
    for (first, second) in [(HOME, phone), (phone, HOME), (HOME, ipv6), (ipv6, HOME)] {
        let (server, store) = (SwitchedServer::new("mail").with("alice", "right"), KeptElsewhere::default());
        let resolver = started(&server, &store, 1);
        for source in [first, second, second] {
            assert_eq!(accepted_by(&sign_in_from(&resolver, source, "alice", "right").await), Some("mail"));
        }
        assert_eq!(server.seen().len(), 1, "the others are answered from memory");
        assert_eq!(store.len(), 2, "each network is written once");
        let restarted = started(&server, &store, 1);
        for resolver in [&resolver, &restarted] {
            guess_until_limited(resolver, ATTACKER).await;
            let answer = sign_in_from(resolver, "192.0.2.1", "alice", "right").await;
            assert!(matches!(answer.outcome, Outcome::Throttled { .. }), "{}", answer.trace);
            for source in [second, first] {
                let answer = sign_in_from(resolver, source, "alice", "right").await;
                assert_eq!(accepted_by(&answer), Some("mail"), "{first} {second} {source}: {}", answer.trace);
            }
        }
        // The attempt was no guess at its source.
        assert!(resolver.shared.chain.load().sources.is_quiet(second.parse().unwrap()), "{second}");
    }
}

#[tokio::test(start_paused = true)]
async fn remembered_sign_in_proves_attempts_without_a_source() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let resolver = resolver(&server, None);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    assert!(!is_proven(&resolver, None));
    assert!(sign_in(&resolver, "alice", "right").await.authenticated().is_some());
    assert!(is_proven(&resolver, None) && server.seen().len() == 1);
}

#[tokio::test(start_paused = true)]
async fn joined_attempt_proves_its_own_network() {
    let (resolver, gate, arrived) = gated(0);
    let sources = [HOME, "203.0.113.8", "2001:db8::7"];
    let attempts = sources.map(|source| {
        let resolver = resolver.clone();
        tokio::spawn(async move { sign_in_from(&resolver, source, "alice", "right").await })
    });
    let _ = arrived.acquire().await.unwrap();
    while resolver.pressure().under_way == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    for attempt in attempts {
        assert!(attempt.await.unwrap().authenticated().is_some(), "all share one login");
    }
    for source in sources {
        assert!(is_proven(&resolver, Some(source)), "{source}");
    }
}

#[tokio::test(start_paused = true)]
async fn grace_proves_no_network() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let policy = policy(|policy| policy.max_stale = Some(Duration::from_secs(3600)));
    let resolver = server.alone(policy);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(BackendPolicy::default().cache_accepted).await;
    server.down(true);
    let answer = sign_in_from(&resolver, "203.0.113.8", "alice", "right").await;
    assert_eq!((answer.trace.ended_by, accepted_by(&answer)), (EndReason::Grace, Some("mail")));
    assert!(!is_proven(&resolver, Some("203.0.113.8")) && is_proven(&resolver, Some(HOME)));
}
