//! Order, outages, one deadline, and what is refused without asking a backend.

use super::*;

#[tokio::test]
async fn first_accepting_backend_decides() {
    let (one, two) =
        (watch(people("one").with_user("bob", "b")), watch(people("two").with_user("alice", "a")));
    let three = watch(people("three").with_user("alice", "a"));
    let resolver = chain([one, two, three.clone()].map(|backend| (backend, BackendPolicy::default())));
    let answer = sign_in(&resolver, "Alice", "a").await;
    assert_eq!(accepted_by(&answer), Some("two"));
    assert_eq!(answer.authenticated().unwrap().name().as_str(), "alice");
    assert_eq!(answer.authenticated().unwrap().freshness(), Freshness::Live);
    assert_eq!(three.attempts(), 0);
    let verdicts: Vec<_> = answer.trace.steps.iter().map(|step| step.verdict).collect();
    assert_eq!(verdicts, [StepOutcome::Rejected, StepOutcome::Accepted, StepOutcome::Skipped]);
}

#[tokio::test]
async fn outage_is_never_a_rejection() {
    let down = || watch(people("down").unavailable());
    let up = || watch(people("up").with_user("alice", "a"));
    for (slots, rule) in [
        (vec![(down(), BackendPolicy::default()), (up(), BackendPolicy::default())], EndReason::OutageStops),
        (vec![(down(), go_on_without()), (up(), BackendPolicy::default())], EndReason::OutageUndecided),
        (vec![(up(), BackendPolicy::default()), (down(), BackendPolicy::default())], EndReason::OutageStops),
        (vec![(up(), BackendPolicy::default()), (down(), go_on_without())], EndReason::OutageUndecided),
        (
            vec![(down(), go_on_without()), (up(), policy(|policy| policy.on_reject = OnReject::Stop))],
            EndReason::OutageUndecided,
        ),
    ] {
        let answer = sign_in(&chain(slots), "alice", "wrong").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        assert_eq!(answer.trace.ended_by, rule, "{answer:?}");
    }
}

#[tokio::test]
async fn outage_can_be_configured_to_continue() {
    let resolver = chain([
        (watch(people("down").unavailable()), go_on_without()),
        (watch(people("up").with_user("alice", "a")), BackendPolicy::default()),
    ]);
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("up"));
}

#[tokio::test]
async fn one_wrong_password_costs_one_failed_login_at_each_backend() {
    let (one, two) = (watch(people("one").with_user("alice", "a")), watch(people("two")));
    let resolver = chain([one.clone(), two.clone()].map(|backend| (backend, BackendPolicy::default())));
    for _ in 0..5 {
        let answer = sign_in(&resolver, "alice", "100%25").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    }
    assert_eq!((one.attempts(), two.attempts()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn locked_account_is_retried_at_once() {
    let mail = watch(people("mail").with_refused_user("alice", "a", Rejection::AccountLocked));
    let resolver = chain([(mail.clone(), BackendPolicy::default())]);
    for asked in 1..3 {
        let answer = sign_in(&resolver, "alice", "a").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::AccountLocked));
        assert_eq!(mail.attempts(), asked);
    }
}

#[tokio::test]
async fn rejection_can_be_final() {
    let (one, two) = (watch(people("one")), watch(people("two").with_user("alice", "a")));
    let resolver = chain([
        (one, policy(|policy| policy.on_reject = OnReject::Stop)),
        (two.clone(), BackendPolicy::default()),
    ]);
    let answer = sign_in(&resolver, "alice", "a").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::UnknownUser));
    assert_eq!((answer.trace.ended_by, two.attempts()), (EndReason::RejectionStops, 0));
}

#[tokio::test(start_paused = true)]
async fn one_deadline_is_shared_by_the_whole_chain() {
    let slow = |id: &str| watch(people(id).with_delay(Duration::from_secs(3600)));
    let resolver = chain([
        (slow("one"), go_on_without()),
        (slow("two"), go_on_without()),
        (watch(people("three").with_user("alice", "a")), BackendPolicy::default()),
    ]);
    let start = now();
    let answer = sign_in(&resolver, "alice", "a").await;
    assert_eq!(accepted_by(&answer), Some("three"));
    assert!(now() - start < Resolver::DEFAULT_DEADLINE);
    let resolver = chain([(slow("one"), go_on_without()), (slow("two"), go_on_without())]);
    let start = now();
    assert!(matches!(sign_in(&resolver, "alice", "a").await.outcome, Outcome::Unavailable { .. }));
    assert!(now() - start <= Resolver::DEFAULT_DEADLINE + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn expired_deadline_names_the_silent_backend() {
    let slow = |id: &str| watch(people(id).with_delay(Duration::from_secs(3600)));
    let resolver = chain([(slow("one"), go_on_without()), (slow("two"), go_on_without())]);
    let start = now();
    let answer = sign_in(&resolver, "alice", "a").await;
    assert!(now() - start <= Resolver::DEFAULT_DEADLINE);
    let silent: Vec<_> =
        answer.trace.steps.iter().map(|step| (step.backend.as_str(), step.verdict)).collect();
    assert_eq!(silent, [("one", StepOutcome::Unavailable), ("two", StepOutcome::Unavailable)]);
}

#[tokio::test(start_paused = true)]
async fn grace_bridges_a_hanging_server() {
    let is_down = Arc::new(AtomicBool::new(false));
    let backend = Switched {
        people: people("mail").with_user("alice", "a"),
        down: people("mail").with_delay(Duration::from_secs(3600)),
        is_down: Arc::clone(&is_down),
    };
    let policy = policy(|policy| policy.max_stale = Some(Duration::from_secs(8 * 3600)));
    let resolver =
        Resolver::builder().backend_with(Arc::new(backend), policy, DomainRules::none()).build().unwrap();
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    is_down.store(true, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(3600)).await;
    let stale = sign_in(&resolver, "alice", "a").await;
    assert_eq!(stale.trace.ended_by, EndReason::Grace, "{stale:?}");
}

#[tokio::test]
async fn t01_invalid_name_or_password_reaches_no_server() {
    let mail = watch(people("mail"));
    let resolver = chain([(mail.clone(), BackendPolicy::default())]);
    let long = "x".repeat(1025);
    for (name, password) in [
        ("", "a"),
        ("alice", ""),
        ("al\0ice", "a"),
        ("alice", "a\r\nb"),
        (" alice", "a"),
        ("alice", &long),
        (&long, "a"),
    ] {
        let answer = sign_in(&resolver, name, password).await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::PolicyDenied));
        assert_eq!(answer.trace.ended_by, EndReason::InvalidInput);
    }
    assert_eq!((mail.attempts(), resolver.cache_stats()), (0, CacheStats::default()));
}

#[tokio::test]
async fn t34_blank_name_and_an_empty_password_reach_no_backend() {
    let mail = watch(people("mail"));
    let resolver = chain([(mail.clone(), BackendPolicy::default())]);
    for name in ["", " ", "   ", "\t", "\u{a0}", "\u{3000}", "\u{200b}", "\u{feff}"] {
        assert!(matches!(sign_in(&resolver, name, "a").await.outcome, Outcome::Refused(_)), "{name:?}");
    }
    for name in ["alice", "Alice", "ghost"] {
        assert!(matches!(sign_in(&resolver, name, "").await.outcome, Outcome::Refused(_)), "{name:?}");
    }
    assert_eq!(mail.attempts(), 0);
}

#[tokio::test]
async fn t05_backend_accepting_any_login_is_not_asked_again() {
    let open = OpenDoor(BackendId::parse("open").unwrap());
    let resolver = Resolver::builder().backend(open).build().unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("open"));
    let found = resolver.canary().await;
    assert_eq!(found, [(BackendId::parse("open").unwrap(), Canary::AcceptsAnyLogin)]);
    // Neither live nor from the cache.
    let answer = sign_in(&resolver, "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    assert_eq!(answer.trace.steps[0].verdict, StepOutcome::Misconfigured);
}

#[tokio::test]
async fn canary_of_an_unreachable_backend_changes_nothing() {
    let resolver = chain([
        (watch(people("down").unavailable()), BackendPolicy::default()),
        (watch(people("up").with_user("alice", "a")), BackendPolicy::default()),
        (watch(people("quiet")), policy(|policy| policy.canary = false)),
    ]);
    let found: Vec<_> = resolver.canary().await.into_iter().map(|(_, canary)| canary).collect();
    assert!(matches!(found[0], Canary::Unknown(_)));
    assert_eq!(found[1..], [Canary::Refused, Canary::NotAsked]);
}

#[test]
fn unusable_chain_is_refused_at_build() {
    assert_eq!(Resolver::builder().build().unwrap_err(), BuildError::NoBackend);
    let twice = Resolver::builder().backend(people("a")).backend(people("a")).build();
    assert_eq!(twice.unwrap_err().to_string(), "two backends have the id \"a\"");
    let strip = |domain: &str| DomainRules::for_domain(domain).unwrap().strip_domain(true);
    let collision = Resolver::builder()
        .backend_with(Arc::new(people("a")), BackendPolicy::default(), strip("a.example"))
        .backend_with(Arc::new(people("b")), BackendPolicy::default(), strip("b.example"))
        .build();
    assert!(matches!(collision.unwrap_err(), BuildError::Collision(_)));
}

/// A backend that refuses every user for one reason.
#[derive(Debug)]
struct Refusing(BackendId, Rejection);

impl fmt::Display for Refusing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refusing")
    }
}

#[async_trait]
impl UserBackend for Refusing {
    fn id(&self) -> &BackendId {
        &self.0
    }
    async fn authenticate(&self, _: &Attempt<'_>) -> Result<Verdict, BackendError> {
        Ok(Verdict::Rejected(self.1))
    }
    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

/// `530` to USER is an unknown user, `500 OOPS` to PASS a disabled one.
///
/// Their names may be those of a later backend.
#[tokio::test(start_paused = true)]
async fn refusal_for_any_reason_goes_on_to_the_next_backend() {
    for reason in [
        Rejection::BadCredentials,
        Rejection::UnknownUser,
        Rejection::AccountDisabled,
        Rejection::AccountLocked,
        Rejection::CredentialsExpired,
        Rejection::PolicyDenied,
    ] {
        let first = Refusing(BackendId::parse("files").unwrap(), reason);
        let resolver = Resolver::builder().backend(first).backend(people("mail").with_user("alice", "a"));
        let resolver = resolver.build().unwrap();
        assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"), "{reason}");
    }
}
