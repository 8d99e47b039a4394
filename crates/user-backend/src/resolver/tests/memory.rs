//! What is remembered, shared and forgotten.

use super::*;

#[tokio::test]
async fn unavailable_is_never_remembered() {
    let down = watch(people("down").unavailable());
    let resolver = chain([(down.clone(), BackendPolicy::default())]);
    for asked in 1..4 {
        assert!(matches!(sign_in(&resolver, "alice", "a").await.outcome, Outcome::Unavailable { .. }));
        assert_eq!(down.attempts(), asked);
    }
    assert_eq!(resolver.cache_stats(), CacheStats::default());
}

#[tokio::test(start_paused = true)]
async fn cached_password_is_not_blocked_by_wrong_ones() {
    let mail = watch(people("mail").with_user("alice", "right").with_user("bob", "b"));
    let resolver = chain([(mail.clone(), BackendPolicy::default())]);
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "right").await), Some("mail"));
    for number in 0..100 {
        let answer = sign_in(&resolver, "alice", &format!("wrong{number}")).await;
        assert_eq!(answer.authenticated(), None);
        assert_eq!(accepted_by(&sign_in(&resolver, "Alice", "right").await), Some("mail"));
    }
    // 1 right and 4 wrong: the budget of failures that may reach the server.
    assert_eq!(mail.attempts(), 5);
    let throttled = sign_in(&resolver, "alice", "one more").await;
    // Less the delays after the wrong ones: three of one second.
    assert_eq!(
        throttled.outcome,
        Outcome::Throttled { limit: GuessLimit::PerUser, retry_after: Duration::from_secs(15 * 60 - 3) }
    );
    assert_eq!(throttled.trace.ended_by, EndReason::UserLocked);
    assert_eq!(accepted_by(&sign_in(&resolver, "bob", "b").await), Some("mail"));
    // When the time is over the server is asked again.
    tokio::time::advance(Duration::from_secs(15 * 60)).await;
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "right").await), Some("mail"));
}

#[tokio::test(start_paused = true)]
async fn outage_spends_no_budget() {
    let resolver = chain([(watch(people("down").unavailable()), BackendPolicy::default())]);
    for number in 0..20 {
        let answer = sign_in(&resolver, "alice", &format!("{number}")).await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn mail_server_is_not_asked_at_every_request() {
    let mail = watch(people("mail").with_user("alice", "a"));
    let resolver = chain([(mail.clone(), BackendPolicy::default())]);
    for _ in 0..100 {
        assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    }
    let cached = sign_in(&resolver, "ALICE", "a").await;
    assert!(matches!(cached.authenticated().unwrap().freshness(), Freshness::Cached { .. }));
    assert_eq!(cached.trace.ended_by, EndReason::CachedAcceptance);
    assert_eq!(mail.attempts(), 1);
    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    assert_eq!(mail.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn password_and_name_are_part_of_the_key() {
    let mail = watch(people("mail").with_user("alice", "a").with_user("bob", "b"));
    let resolver = chain([(mail.clone(), BackendPolicy::default())]);
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    for (name, password) in [("alice", "b"), ("bob", "a"), ("alic", "ea"), ("alice", "A")] {
        assert_eq!(sign_in(&resolver, name, password).await.authenticated(), None, "{name} {password}");
    }
}

#[tokio::test]
async fn refusal_for_one_spelling_says_nothing_about_another() {
    // This server distinguishes `Frank` and `frank`.
    #[derive(Debug)]
    struct CaseSensitive(BackendId);
    impl fmt::Display for CaseSensitive {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("case sensitive")
        }
    }
    #[async_trait]
    impl UserBackend for CaseSensitive {
        fn id(&self) -> &BackendId {
            &self.0
        }
        async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
            Ok(if attempt.name.as_str() == "Frank" {
                Verdict::Accepted(Identity::new(attempt.name.canonical().clone()))
            } else {
                Verdict::Rejected(Rejection::BadCredentials)
            })
        }
        async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
            Ok(Probe::of(None))
        }
    }
    let resolver =
        Resolver::builder().backend(CaseSensitive(BackendId::parse("unix").unwrap())).build().unwrap();
    assert_eq!(sign_in(&resolver, "frank", "f").await.outcome, Outcome::Refused(Rejection::BadCredentials));
    assert_eq!(accepted_by(&sign_in(&resolver, "Frank", "f").await), Some("unix"));
}

#[tokio::test]
async fn t28_panic_in_a_backend_is_unavailable_only() {
    let (resolver, gate, _) = gated(1);
    gate.add_permits(2);
    let answer = sign_in(&resolver, "alice", "secret").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    assert!(!format!("{answer:?}").contains("secret"));
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "secret").await), Some("gated"));
}

#[tokio::test]
async fn running_check_ends_with_an_invalidation() {
    type Invalidate = fn(&Resolver);
    let ways: [Invalidate; 3] = [
        |resolver| resolver.invalidate_user(&CanonicalName::parse("alice").unwrap()),
        |resolver| resolver.invalidate_backend(&BackendId::parse("gated").unwrap()),
        Resolver::invalidate_all,
    ];
    for invalidate in ways {
        let (resolver, gate, arrived) = gated(0);
        let early = tokio::spawn({
            let resolver = resolver.clone();
            async move { sign_in(&resolver, "alice", "old").await }
        });
        arrived.acquire().await.unwrap().forget();
        invalidate(&resolver);
        gate.add_permits(1);
        let answer = early.await.unwrap();
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        assert_eq!(answer.trace.ended_by, EndReason::Invalidated);
        assert_eq!(resolver.cache_stats().accepted, 0);
    }
}

#[tokio::test]
async fn thousand_identical_attempts_make_one_login() {
    let (resolver, gate, arrived) = gated(0);
    let all: Vec<_> = (0..1000)
        .map(|_| {
            let resolver = resolver.clone();
            tokio::spawn(async move { sign_in(&resolver, "alice", "secret").await })
        })
        .collect();
    arrived.acquire().await.unwrap().forget();
    // One pass is all there is: a second login would wait for ever.
    gate.add_permits(1);
    for one in all {
        assert_eq!(accepted_by(&one.await.unwrap()), Some("gated"));
    }
}

#[tokio::test(start_paused = true)]
async fn t44_grace_ends_with_max_stale_or_an_invalidation() {
    let hour = Duration::from_secs(3600);
    let is_down = Arc::new(AtomicBool::new(false));
    let build = |max_stale| {
        let backend = Switched {
            people: people("mail").with_user("alice", "a"),
            down: people("mail").unavailable(),
            is_down: Arc::clone(&is_down),
        };
        let policy = policy(|policy| policy.max_stale = max_stale);
        Resolver::builder().backend_with(Arc::new(backend), policy, DomainRules::none()).build().unwrap()
    };
    let (with, without) = (build(Some(hour * 8)), build(None));
    for resolver in [&with, &without] {
        assert!(sign_in(resolver, "alice", "a").await.authenticated().is_some());
    }
    is_down.store(true, Ordering::SeqCst);
    tokio::time::advance(hour).await;
    let stale = sign_in(&with, "Alice", "a").await;
    assert!(matches!(stale.authenticated().unwrap().freshness(), Freshness::Stale { .. }), "{stale:?}");
    assert_eq!(stale.trace.ended_by, EndReason::Grace);
    // Off by default; no grace for what was never accepted.
    assert!(matches!(sign_in(&without, "alice", "a").await.outcome, Outcome::Unavailable { .. }));
    assert!(matches!(sign_in(&with, "alice", "b").await.outcome, Outcome::Unavailable { .. }));
    tokio::time::advance(hour * 7).await;
    assert!(matches!(sign_in(&with, "alice", "a").await.outcome, Outcome::Unavailable { .. }));

    is_down.store(false, Ordering::SeqCst);
    tokio::time::advance(hour).await;
    assert!(sign_in(&with, "alice", "a").await.authenticated().is_some());
    is_down.store(true, Ordering::SeqCst);
    with.invalidate_user(&CanonicalName::parse("alice").unwrap());
    assert!(matches!(sign_in(&with, "alice", "a").await.outcome, Outcome::Unavailable { .. }));
}

/// Polls a future once, so that it has begun.
fn begin<F: Future>(future: &mut std::pin::Pin<Box<F>>) {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
}

#[tokio::test]
async fn invalidation_of_one_user_splits_no_other_attempt() {
    let (resolver, gate, arrived) = gated(0);
    let [alice, bob] = ["alice", "bob"].map(|name| CanonicalName::parse(name).unwrap());
    let mut first = Box::pin(sign_in(&resolver, "alice", "a"));
    begin(&mut first);
    resolver.invalidate_user(&bob);
    let mut second = Box::pin(sign_in(&resolver, "alice", "a"));
    begin(&mut second);
    assert_eq!(resolver.shared.flights.under_way(), 1);
    // Her own does.
    resolver.invalidate_user(&alice);
    let mut third = Box::pin(sign_in(&resolver, "alice", "a"));
    begin(&mut third);
    assert_eq!(resolver.shared.flights.under_way(), 2);
    gate.add_permits(2);
    for early in [first.await, second.await] {
        assert_eq!(early.trace.ended_by, EndReason::Invalidated);
    }
    assert!(third.await.authenticated().is_some());
    assert_eq!(arrived.available_permits(), 2);
}

#[tokio::test]
async fn outcome_read_after_an_invalidation_is_dropped() {
    let (resolver, gate, _) = gated(0);
    let mut late = Box::pin(sign_in(&resolver, "alice", "a"));
    begin(&mut late);
    gate.add_permits(1);
    while resolver.shared.flights.under_way() > 0 {
        tokio::task::yield_now().await;
    }
    resolver.invalidate_user(&CanonicalName::parse("alice").unwrap());
    let answer = late.await;
    assert_eq!((answer.authenticated(), answer.trace.ended_by), (None, EndReason::Invalidated));
}

#[tokio::test(start_paused = true)]
async fn invalidation_of_many_users_voids_no_others() {
    let names: Vec<_> = (0..80).map(|number| format!("user{number}")).collect();
    let people = names.iter().fold(people("mail"), |people, name| people.with_user(name, "right"));
    let resolver = chain([(watch(people.with_delay(Duration::from_secs(1))), BackendPolicy::default())]);
    let forget_others = || {
        // More than there are slots in the filter.
        for number in 0..40_000 {
            resolver.invalidate_user(&CanonicalName::parse(&format!("other{number}")).unwrap());
        }
    };
    let attempts: Vec<_> = names
        .iter()
        .map(|name| {
            let (resolver, name) = (resolver.clone(), name.clone());
            tokio::spawn(async move { sign_in(&resolver, &name, "right").await })
        })
        .collect();
    tokio::task::yield_now().await;
    forget_others();
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        assert!(answer.authenticated().is_some(), "{}", answer.trace);
    }
    forget_others();
    for name in &names {
        let answer = sign_in(&resolver, name, "right").await;
        assert_eq!(answer.trace.ended_by, EndReason::CachedAcceptance, "{name}");
    }
}
