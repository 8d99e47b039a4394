//! Whose yes counts.

use super::*;

/// A server that is away at first, and comes back as it was or as another one.
#[derive(Debug)]
struct Returning {
    people: StaticBackend,
    is_away: AtomicBool,
    accepts_anybody: AtomicBool,
    strangers: Mutex<usize>,
    slow_to_strangers: Duration,
}

impl Returning {
    fn new() -> Self {
        Self {
            people: people("mail").with_user("alice", "a").with_user("bob", "b"),
            is_away: AtomicBool::new(true),
            accepts_anybody: AtomicBool::new(false),
            strangers: Mutex::default(),
            slow_to_strangers: Duration::ZERO,
        }
    }

    fn comes_back(&self) {
        self.is_away.store(false, Ordering::SeqCst);
    }

    fn strangers(&self) -> usize {
        *self.strangers.lock().unwrap()
    }
}

impl fmt::Display for Returning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("returning")
    }
}

#[async_trait]
impl UserBackend for Returning {
    fn id(&self) -> &BackendId {
        self.people.id()
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(BackendError::unavailable(Phase::Connect, "away"));
        }
        if attempt.name.as_str().starts_with("canary-") {
            *self.strangers.lock().unwrap() += 1;
            tokio::time::sleep(self.slow_to_strangers).await;
        }
        if self.accepts_anybody.load(Ordering::SeqCst) {
            return Ok(Verdict::Accepted(Identity::new(attempt.name.canonical().clone())));
        }
        self.people.authenticate(attempt).await
    }
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.people.probe(deadline).await
    }
}

async fn unproven(server: &Arc<Returning>) -> Resolver {
    let link = Arc::clone(server) as Arc<dyn UserBackend>;
    let resolver = Resolver::builder().link(link, Policy::default(), DomainRules::none()).build().unwrap();
    assert!(matches!(resolver.canary().await[0].1, Canary::Unknown(_)));
    resolver
}

#[tokio::test]
async fn recovered_server_gets_one_canary() {
    let server = Arc::new(Returning::new());
    let resolver = unproven(&server).await;
    server.comes_back();
    // A refusal needs no proof.
    assert!(sign_in(&resolver, "alice", "x").await.authenticated().is_none());
    assert_eq!(server.strangers(), 0);
    let (alice, bob) = tokio::join!(sign_in(&resolver, "alice", "a"), sign_in(&resolver, "bob", "b"));
    assert!(alice.authenticated().is_some() && bob.authenticated().is_some(), "{alice:?} {bob:?}");
    resolver.invalidate_all();
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert_eq!(server.strangers(), 1);
}

#[tokio::test]
async fn server_that_returns_accepting_strangers_is_not_trusted() {
    let server = Arc::new(Returning::new());
    let resolver = unproven(&server).await;
    server.comes_back();
    server.accepts_anybody.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let answer = sign_in(&resolver, "alice", "anything").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        assert_eq!(answer.trace.steps[0].verdict, Said::Misconfigured);
    }
    assert_eq!(server.strangers(), 1);
    // An operator fixes it and reruns the canary.
    server.accepts_anybody.store(false, Ordering::SeqCst);
    assert_eq!(resolver.canary().await[0].1, Canary::Refused);
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
}

#[tokio::test(start_paused = true)]
async fn slow_canary_result_is_used_by_the_next_attempt() {
    let server = Returning { slow_to_strangers: Duration::from_secs(15), ..Returning::new() };
    let server = Arc::new(server);
    let link = Arc::clone(&server) as Arc<dyn UserBackend>;
    let builder = Resolver::builder().link(link, Policy::default(), DomainRules::none());
    let resolver = builder.deadline(Duration::from_secs(10)).build().unwrap();
    let _ = resolver.canary().await;
    server.comes_back();
    let early = sign_in(&resolver, "alice", "a").await;
    assert!(matches!(early.outcome, Outcome::Unavailable { .. }), "{early:?}");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert_eq!(server.strangers(), 1);
}

#[tokio::test]
async fn what_was_proved_stays_proved_while_the_server_is_away() {
    let server = Arc::new(Returning::new());
    server.comes_back();
    let link = Arc::clone(&server) as Arc<dyn UserBackend>;
    let resolver = Resolver::builder().link(link, Policy::default(), DomainRules::none()).build().unwrap();
    assert_eq!(resolver.canary().await[0].1, Canary::Refused);
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    server.is_away.store(true, Ordering::SeqCst);
    assert!(matches!(resolver.canary().await[0].1, Canary::Unknown(_)));
    assert_eq!(sign_in(&resolver, "alice", "a").await.trace.ended_by, Rule::CachedAcceptance);
    server.comes_back();
    assert!(sign_in(&resolver, "bob", "b").await.authenticated().is_some());
    assert_eq!(server.strangers(), 1);
}
