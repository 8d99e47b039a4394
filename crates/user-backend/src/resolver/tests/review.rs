//! Regressions from security reviews of this code.

use super::*;

fn domain(domain: &str) -> DomainRules {
    DomainRules::for_domain(domain).unwrap()
}

fn two_domains(a: Watched, b: Watched) -> Resolver {
    Resolver::builder()
        .backend_with(Arc::new(a), BackendPolicy::default(), domain("a.example"))
        .backend_with(Arc::new(b), BackendPolicy::default(), domain("b.example"))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn outage_of_one_domain_is_not_the_business_of_another() {
    let b = people("b").with_user("bob@b.example", "b");
    let resolver = two_domains(watch(people("a").unavailable()), watch(b));
    for _ in 0..2 * FAILURES {
        let answer = sign_in(&resolver, "alice@a.example", "x").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    }
    assert_eq!(accepted_by(&sign_in(&resolver, "bob@b.example", "b").await), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn slow_refusal_is_awaited_and_counted() {
    let slow = watch(people("slow").with_user("alice", "a").with_delay(Duration::from_secs(8)));
    let resolver = chain([
        (slow.clone(), BackendPolicy::default()),
        (watch(people("two")), BackendPolicy::default()),
        (watch(people("three")), BackendPolicy::default()),
    ]);
    for number in 0..8 {
        let answer = sign_in(&resolver, "alice", &format!("wrong{number}")).await;
        if number < 4 {
            assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{}", answer.trace);
        } else {
            assert!(matches!(answer.outcome, Outcome::Throttled { .. }), "{}", answer.trace);
        }
    }
    assert_eq!(slow.attempts(), 4);
}

fn graceful(is_down: &Arc<AtomicBool>, rules: DomainRules, known: &[(&str, &str)]) -> Resolver {
    let all = |backend: StaticBackend| {
        known.iter().fold(backend, |backend, (name, password)| backend.with_user(name, password))
    };
    let backend = Switched {
        people: all(people("mail")),
        down: people("mail").unavailable(),
        is_down: Arc::clone(is_down),
    };
    let policy = policy(|policy| policy.max_stale = Some(Duration::from_secs(8 * 3600)));
    Resolver::builder().backend_with(Arc::new(backend), policy, rules).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn outage_is_not_the_time_to_guess_without_limit() {
    let is_down = Arc::new(AtomicBool::new(false));
    let resolver = graceful(&is_down, DomainRules::none(), &[("alice", "right")]);
    assert!(sign_in(&resolver, "alice", "right").await.authenticated().is_some());
    is_down.store(true, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(3600)).await;
    for number in 0..4 {
        let answer = sign_in_from(&resolver, "192.0.2.1", "alice", &format!("guess{number}")).await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{}", answer.trace);
    }
    // Too many could not be judged: memory answers no other one, and the outage stays an outage.
    let answer = sign_in_from(&resolver, "192.0.2.2", "alice", "right").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{}", answer.trace);
    // Where she was before it does.
    assert_eq!(sign_in(&resolver, "alice", "right").await.trace.ended_by, EndReason::Grace);
    // Who was never let in has nothing to be guessed.
    for number in 0..10 {
        let answer = sign_in(&resolver, "carol", &format!("guess{number}")).await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{}", answer.trace);
    }
}

#[tokio::test(start_paused = true)]
async fn invalidation_drops_refusals_of_every_spelling() {
    let rules = domain("a.example").add_domain(true).strip_domain(true);
    let mail = watch(people("mail").with_user("alice@a.example", "a"));
    let resolver = Resolver::builder()
        .backend_with(Arc::new(mail.clone()), BackendPolicy::default(), rules)
        .build()
        .unwrap();
    for asked in 1..3 {
        assert_eq!(sign_in(&resolver, "alice@a.example", "x").await.authenticated(), None);
        assert_eq!(mail.attempts(), asked);
        resolver.invalidate_user(&CanonicalName::parse("alice").unwrap());
    }
}

#[tokio::test]
async fn skipped_canary_proves_nothing() {
    let gate = Arc::new(Semaphore::new(0));
    // What this one says then: not mine.
    gate.close();
    let (id, arrived) = (BackendId::parse("mail").unwrap(), Arc::new(Semaphore::new(0)));
    let mail = Gated { id, gate, arrived, panics: Mutex::default() };
    let canary = check::canary(&mail, &domain("b.example").into(), now() + Duration::from_secs(5)).await;
    assert!(matches!(canary, Canary::Unknown(_)), "{canary:?}");
}

#[tokio::test(start_paused = true)]
async fn guesses_at_a_server_too_slow_to_answer_are_limited() {
    let tarpit = watch(people("mail").with_user("alice", "a").with_delay(Duration::from_secs(60)));
    let resolver = chain([(tarpit.clone(), BackendPolicy::default())]);
    for number in 0..4 {
        let answer = sign_in(&resolver, "alice", &format!("guess{number}")).await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    }
    assert!(matches!(sign_in(&resolver, "alice", "guess4").await.outcome, Outcome::Unavailable { .. }));
    assert_eq!(tarpit.attempts(), 4);
    // What was not called wrong may be tried again.
    assert!(matches!(sign_in(&resolver, "alice", "guess3").await.outcome, Outcome::Unavailable { .. }));
}

#[tokio::test(start_paused = true)]
async fn unknown_host_is_an_outage_for_sign_ins() {
    let is_lost = Arc::new(AtomicBool::new(false));
    let lost =
        LosesAnswers { people: people("lost").with_user("alice", "secret"), is_lost: Arc::clone(&is_lost) };
    let grace = policy(|policy| policy.max_stale = Some(Duration::from_secs(3600)));
    let resolver =
        Resolver::builder().backend_with(Arc::new(lost), grace, DomainRules::none()).build().unwrap();
    assert!(accepted_by(&sign_in(&resolver, "alice", "secret").await).is_some());
    is_lost.store(true, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(600)).await;
    for _ in 0..20 {
        let answer = sign_in(&resolver, "bob", "guess").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        assert_eq!(
            answer.trace.steps[0].verdict,
            StepOutcome::Misconfigured,
            "the breaker does not hide the reason"
        );
    }
    assert_eq!(sign_in(&resolver, "alice", "secret").await.trace.ended_by, EndReason::Grace);
    is_lost.store(false, Ordering::SeqCst);
    assert!(matches!(sign_in(&resolver, "alice", "wrong").await.outcome, Outcome::Refused(_)));
}

/// Its host does not exist while the switch is on.
///
/// The name service of this machine is lost.
#[derive(Debug)]
struct LosesAnswers {
    people: StaticBackend,
    is_lost: Arc<AtomicBool>,
}

impl fmt::Display for LosesAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lost")
    }
}

#[async_trait]
impl UserBackend for LosesAnswers {
    fn id(&self) -> &BackendId {
        self.people.id()
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        if self.is_lost.load(Ordering::SeqCst) {
            return Err(BackendError::misconfigured(Phase::Resolve, "no such host"));
        }
        self.people.authenticate(attempt).await
    }
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.people.probe(deadline).await
    }
}
