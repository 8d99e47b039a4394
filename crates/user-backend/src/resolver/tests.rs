//! The rules of the chain and of the memory in front of it, each told by name.

use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::*;
use crate::backend::Probe;
use crate::error::BackendError;
use crate::identity::{DomainRules, NameRules};
use crate::memory::StaticBackend;
use crate::resolver::policy::{OnReject, OnUnavailable};
use crate::verdict::{Identity, Verdict};

/// A backend that is watched from outside: the chain owns a clone of the handle.
#[derive(Clone, Debug)]
struct Watched(Arc<StaticBackend>);

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UserBackend for Watched {
    fn id(&self) -> &BackendId {
        self.0.id()
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        self.0.authenticate(attempt).await
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.0.probe(deadline).await
    }
}

fn people(id: &str) -> StaticBackend {
    StaticBackend::new(id).unwrap()
}

fn watch(backend: StaticBackend) -> Watched {
    Watched(Arc::new(backend))
}

fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

fn go_on_without() -> Policy {
    policy(|policy| policy.on_unavailable = OnUnavailable::Continue)
}

fn chain(links: impl IntoIterator<Item = (Watched, Policy)>) -> Resolver {
    links
        .into_iter()
        .fold(Resolver::builder(), |builder, (backend, policy)| {
            builder.link(Arc::new(backend), policy, DomainRules::none())
        })
        .build()
        .unwrap()
}

async fn sign_in(resolver: &Resolver, name: &str, password: &str) -> Answer {
    resolver.authenticate(Credentials::new(name, password)).await
}

fn vouched_by(answer: &Answer) -> Option<&str> {
    answer.authenticated().map(|proof| proof.backend().as_str())
}

#[tokio::test]
async fn the_first_backend_that_accepts_decides() {
    let (one, two) =
        (watch(people("one").with_user("bob", "b")), watch(people("two").with_user("alice", "a")));
    let three = watch(people("three").with_user("alice", "a"));
    let resolver = chain([one, two, three.clone()].map(|backend| (backend, Policy::default())));
    let answer = sign_in(&resolver, "Alice", "a").await;
    assert_eq!(vouched_by(&answer), Some("two"));
    assert_eq!(answer.authenticated().unwrap().name().as_str(), "alice");
    assert_eq!(answer.authenticated().unwrap().freshness(), Freshness::Live);
    assert_eq!(three.0.asked(), 0);
    let said: Vec<_> = answer.trace.steps.iter().map(|step| step.verdict).collect();
    assert_eq!(said, [Said::Rejected, Said::Accepted, Said::Skipped]);
}

#[tokio::test]
async fn outage_is_never_a_rejection() {
    let down = || watch(people("down").unavailable());
    let up = || watch(people("up").with_user("alice", "a"));
    for (links, rule) in [
        (vec![(down(), Policy::default()), (up(), Policy::default())], Rule::OutageStops),
        (vec![(down(), go_on_without()), (up(), Policy::default())], Rule::OutageUndecided),
        (vec![(up(), Policy::default()), (down(), Policy::default())], Rule::OutageStops),
        (vec![(up(), Policy::default()), (down(), go_on_without())], Rule::OutageUndecided),
        (
            vec![(down(), go_on_without()), (up(), policy(|policy| policy.on_reject = OnReject::Stop))],
            Rule::OutageUndecided,
        ),
    ] {
        let answer = sign_in(&chain(links), "alice", "wrong").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        assert_eq!(answer.trace.ended_by, rule, "{answer:?}");
    }
}

#[tokio::test]
async fn an_outage_of_somebody_else_can_be_told_not_to_matter() {
    let resolver = chain([
        (watch(people("down").unavailable()), go_on_without()),
        (watch(people("up").with_user("alice", "a")), Policy::default()),
    ]);
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "a").await), Some("up"));
}

#[tokio::test]
async fn unavailable_is_never_remembered() {
    let down = watch(people("down").unavailable());
    let resolver = chain([(down.clone(), Policy::default())]);
    for asked in 1..4 {
        assert!(matches!(sign_in(&resolver, "alice", "a").await.outcome, Outcome::Unavailable { .. }));
        assert_eq!(down.0.asked(), asked);
    }
    assert_eq!(resolver.cache_stats(), CacheStats::default());
}

#[tokio::test]
async fn one_wrong_password_costs_one_failed_login_at_each_backend() {
    let (one, two) = (watch(people("one").with_user("alice", "a")), watch(people("two")));
    let resolver = chain([one.clone(), two.clone()].map(|backend| (backend, Policy::default())));
    for _ in 0..5 {
        let answer = sign_in(&resolver, "alice", "100%25").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    }
    assert_eq!((one.0.asked(), two.0.asked()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_right_password_in_memory_is_never_blocked_by_wrong_ones_and_the_account_is_not_locked() {
    let mail = watch(people("mail").with_user("alice", "right").with_user("bob", "b"));
    let resolver = chain([(mail.clone(), Policy::default())]);
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "right").await), Some("mail"));
    for number in 0..100 {
        let answer = sign_in(&resolver, "alice", &format!("wrong{number}")).await;
        assert_eq!(answer.authenticated(), None);
        assert_eq!(vouched_by(&sign_in(&resolver, "Alice", "right").await), Some("mail"));
    }
    // 1 right and 4 wrong: the budget of failures that may reach the server.
    assert_eq!(mail.0.asked(), 5);
    let throttled = sign_in(&resolver, "alice", "one more").await;
    assert_eq!(throttled.outcome, Outcome::Throttled { retry_after: Duration::from_secs(15 * 60) });
    assert_eq!(throttled.trace.ended_by, Rule::BudgetSpent);
    assert_eq!(vouched_by(&sign_in(&resolver, "bob", "b").await), Some("mail"));
    // When the time is over the server is asked again.
    tokio::time::advance(Duration::from_secs(15 * 60)).await;
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "right").await), Some("mail"));
}

#[tokio::test(start_paused = true)]
async fn an_outage_spends_no_budget() {
    let resolver = chain([(watch(people("down").unavailable()), Policy::default())]);
    for number in 0..20 {
        let answer = sign_in(&resolver, "alice", &format!("{number}")).await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn the_mail_server_is_not_asked_at_every_request() {
    let mail = watch(people("mail").with_user("alice", "a"));
    let resolver = chain([(mail.clone(), Policy::default())]);
    for _ in 0..100 {
        assert_eq!(vouched_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    }
    let cached = sign_in(&resolver, "ALICE", "a").await;
    assert!(matches!(cached.authenticated().unwrap().freshness(), Freshness::Cached { .. }));
    assert_eq!(cached.trace.ended_by, Rule::CachedAcceptance);
    assert_eq!(mail.0.asked(), 1);
    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    assert_eq!(mail.0.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_password_is_part_of_the_key_and_so_is_the_name() {
    let mail = watch(people("mail").with_user("alice", "a").with_user("bob", "b"));
    let resolver = chain([(mail.clone(), Policy::default())]);
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    for (name, password) in [("alice", "b"), ("bob", "a"), ("alic", "ea"), ("alice", "A")] {
        assert_eq!(sign_in(&resolver, name, password).await.authenticated(), None, "{name} {password}");
    }
}

#[tokio::test]
async fn a_refusal_for_one_spelling_says_nothing_about_another() {
    // This server tells `Frank` from `frank`.
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
    assert_eq!(vouched_by(&sign_in(&resolver, "Frank", "f").await), Some("unix"));
}

#[tokio::test(start_paused = true)]
async fn a_locked_account_is_asked_for_again_at_once() {
    let mail = watch(people("mail").with_refused_user("alice", "a", Rejection::AccountLocked));
    let resolver = chain([(mail.clone(), Policy::default())]);
    for asked in 1..3 {
        let answer = sign_in(&resolver, "alice", "a").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::AccountLocked));
        assert_eq!(mail.0.asked(), asked);
    }
}

#[tokio::test]
async fn a_rejection_can_be_final() {
    let (one, two) = (watch(people("one")), watch(people("two").with_user("alice", "a")));
    let resolver =
        chain([(one, policy(|policy| policy.on_reject = OnReject::Stop)), (two.clone(), Policy::default())]);
    let answer = sign_in(&resolver, "alice", "a").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::UnknownUser));
    assert_eq!((answer.trace.ended_by, two.0.asked()), (Rule::RejectionStops, 0));
}

#[tokio::test(start_paused = true)]
async fn one_deadline_holds_for_the_whole_chain_and_leaves_everybody_a_share() {
    let slow = |id: &str| watch(people(id).with_delay(Duration::from_secs(3600)));
    let resolver = chain([
        (slow("one"), go_on_without()),
        (slow("two"), go_on_without()),
        (watch(people("three").with_user("alice", "a")), Policy::default()),
    ]);
    let start = now();
    let answer = sign_in(&resolver, "alice", "a").await;
    assert_eq!(vouched_by(&answer), Some("three"));
    assert!(now() - start < Resolver::DEFAULT_DEADLINE);
    let resolver = chain([(slow("one"), go_on_without()), (slow("two"), go_on_without())]);
    let start = now();
    assert!(matches!(sign_in(&resolver, "alice", "a").await.outcome, Outcome::Unavailable { .. }));
    assert!(now() - start <= Resolver::DEFAULT_DEADLINE + Duration::from_millis(10));
}

#[tokio::test]
async fn nobody_is_asked_about_what_cannot_be_a_name_or_a_password() {
    let mail = watch(people("mail"));
    let resolver = chain([(mail.clone(), Policy::default())]);
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
        assert_eq!(answer.trace.ended_by, Rule::InvalidInput);
    }
    assert_eq!((mail.0.asked(), resolver.cache_stats()), (0, CacheStats::default()));
}

/// A backend whose attempts wait at a gate, and which may fall over.
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

#[tokio::test]
async fn a_panic_in_a_backend_is_unavailable_and_the_process_lives_on() {
    let (resolver, gate, _) = gated(1);
    gate.add_permits(2);
    let answer = sign_in(&resolver, "alice", "secret").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    assert!(!format!("{answer:?}").contains("secret"));
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "secret").await), Some("gated"));
}

#[tokio::test]
async fn a_check_under_way_does_not_survive_an_invalidation() {
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
        assert_eq!(answer.trace.ended_by, Rule::Invalidated);
        assert_eq!(resolver.cache_stats().accepted, 0);
    }
}

#[tokio::test]
async fn a_thousand_people_at_the_door_with_one_key_make_one_login() {
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
        assert_eq!(vouched_by(&one.await.unwrap()), Some("gated"));
    }
}

#[tokio::test]
async fn a_backend_that_lets_strangers_in_is_not_asked_again() {
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
    let open = OpenDoor(BackendId::parse("open").unwrap());
    let resolver = Resolver::builder().backend(open).build().unwrap();
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "a").await), Some("open"));
    let found = resolver.canary().await;
    assert_eq!(found, [(BackendId::parse("open").unwrap(), Canary::AcceptsAnybody)]);
    // Neither live nor from the cache.
    let answer = sign_in(&resolver, "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    assert_eq!(answer.trace.steps[0].verdict, Said::Misconfigured);
}

#[tokio::test]
async fn a_canary_proves_nothing_about_a_dead_backend_and_changes_nothing() {
    let resolver = chain([
        (watch(people("down").unavailable()), Policy::default()),
        (watch(people("up").with_user("alice", "a")), Policy::default()),
        (watch(people("quiet")), policy(|policy| policy.canary = false)),
    ]);
    let found: Vec<_> = resolver.canary().await.into_iter().map(|(_, canary)| canary).collect();
    assert!(matches!(found[0], Canary::Unknown(_)));
    assert_eq!(found[1..], [Canary::Refused, Canary::NotAsked]);
}

/// A backend with a switch.
#[derive(Debug)]
struct Switched {
    people: StaticBackend,
    down: StaticBackend,
    is_down: Arc<std::sync::atomic::AtomicBool>,
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

#[tokio::test(start_paused = true)]
async fn grace_bridges_an_outage_and_never_outlives_max_stale_or_an_invalidation() {
    let hour = Duration::from_secs(3600);
    let is_down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let build = |max_stale| {
        let backend = Switched {
            people: people("mail").with_user("alice", "a"),
            down: people("mail").unavailable(),
            is_down: Arc::clone(&is_down),
        };
        let policy = policy(|policy| policy.max_stale = max_stale);
        Resolver::builder().link(Arc::new(backend), policy, DomainRules::none()).build().unwrap()
    };
    let (with, without) = (build(Some(hour * 8)), build(None));
    for resolver in [&with, &without] {
        assert!(sign_in(resolver, "alice", "a").await.authenticated().is_some());
    }
    is_down.store(true, Ordering::SeqCst);
    tokio::time::advance(hour).await;
    let stale = sign_in(&with, "Alice", "a").await;
    assert!(matches!(stale.authenticated().unwrap().freshness(), Freshness::Stale { .. }), "{stale:?}");
    assert_eq!(stale.trace.ended_by, Rule::Grace);
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

#[test]
fn a_chain_that_cannot_work_is_refused_when_it_is_built() {
    assert_eq!(Resolver::builder().build().unwrap_err(), BuildError::NoBackend);
    let twice = Resolver::builder().backend(people("a")).backend(people("a")).build();
    assert_eq!(twice.unwrap_err().to_string(), "two backends have the id \"a\"");
    let strip = |domain: &str| DomainRules::for_domain(domain).unwrap().strip_domain(true);
    let collision = Resolver::builder()
        .link(Arc::new(people("a")), Policy::default(), strip("a.example"))
        .link(Arc::new(people("b")), Policy::default(), strip("b.example"))
        .build();
    assert!(matches!(collision.unwrap_err(), BuildError::Collision(_)));
}

#[tokio::test]
async fn no_backend_takes_over_anothers_user() {
    let mail = watch(people("mail").with_user("alice", "mail-password"));
    let files = watch(people("files").with_user("alice", "files-password").with_user("bob", "b"));
    let resolver = chain([mail.clone(), files.clone()].map(|backend| (backend, Policy::default())));
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "mail-password").await), Some("mail"));
    // An account of the same name elsewhere opens nothing, and is not even asked.
    let answer = sign_in(&resolver, "alice", "files-password").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    assert_eq!(files.0.asked(), 0);
    // Whoever is not known yet goes the whole way and stays where he was accepted.
    assert_eq!(vouched_by(&sign_in(&resolver, "bob", "b").await), Some("files"));
    let asked = mail.0.asked();
    assert!(sign_in(&resolver, "bob", "x").await.authenticated().is_none());
    assert_eq!(mail.0.asked(), asked);
}

#[tokio::test]
async fn a_pinned_user_never_notices_the_outage_of_another_backend() {
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let bob = CanonicalName::parse("bob").unwrap();
    pins.bind(&bob, &BackendId::parse("files").unwrap()).await.unwrap();
    let resolver = Resolver::builder()
        .backend(people("mail").unavailable())
        .backend(people("files").with_user("bob", "b").with_user("carol", "c"))
        .pins(pins)
        .build()
        .unwrap();
    assert_eq!(vouched_by(&sign_in(&resolver, "bob", "b").await), Some("files"));
    assert_eq!(sign_in(&resolver, "bob", "x").await.outcome, Outcome::Refused(Rejection::BadCredentials));
    // Nobody knows yet whose carol is: she might be the user of the backend that is down.
    assert!(matches!(sign_in(&resolver, "carol", "c").await.outcome, Outcome::Unavailable { .. }));
}

#[tokio::test]
async fn only_an_admin_moves_a_person_and_what_was_remembered_is_forgotten() {
    let both = |id: &str| watch(people(id).with_user("alice", "a"));
    let resolver = chain([both("mail"), both("files")].map(|backend| (backend, Policy::default())));
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    let (alice, files) = (CanonicalName::parse("alice").unwrap(), BackendId::parse("files").unwrap());
    let before = resolver.rebind(&alice, Some(&files)).await.unwrap();
    assert_eq!(before.unwrap().as_str(), "mail");
    assert_eq!(vouched_by(&sign_in(&resolver, "alice", "a").await), Some("files"));
}

#[tokio::test]
async fn reordering_entries_moves_nobody_and_a_missing_owner_lets_nobody_else_in() {
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let chain = |ids: &[&str]| {
        ids.iter()
            .fold(Resolver::builder().pins(Arc::clone(&pins)), |builder, id| {
                builder.backend(people(id).with_user("alice", "a"))
            })
            .build()
            .unwrap()
    };
    assert_eq!(vouched_by(&sign_in(&chain(&["mail", "files"]), "alice", "a").await), Some("mail"));
    assert_eq!(vouched_by(&sign_in(&chain(&["files", "mail"]), "alice", "a").await), Some("mail"));
    let answer = sign_in(&chain(&["files", "office"]), "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    assert_eq!(answer.trace.ended_by, Rule::OwnerMissing);
}

#[tokio::test]
async fn a_stripped_domain_does_not_hide_whose_a_name_is() {
    // alice@example.com of the mail server and alice of the file server are one name, so they are one person's.
    let strip = DomainRules::for_domain("example.com").unwrap().strip_domain(true);
    let mail = people("mail")
        .with_user("alice@example.com", "m")
        .with_names(NameRules::new().with_domain(strip.clone()));
    let resolver = Resolver::builder()
        .link(Arc::new(mail), Policy::default(), strip)
        .backend(people("files").with_user("alice", "f"))
        .build()
        .unwrap();
    assert_eq!(vouched_by(&sign_in(&resolver, "alice@example.com", "m").await), Some("mail"));
    assert_eq!(sign_in(&resolver, "alice", "f").await.authenticated(), None);
}

#[tokio::test]
async fn a_store_of_pins_that_fails_closes_the_door() {
    #[derive(Debug)]
    struct Failing;
    #[async_trait]
    impl PinStore for Failing {
        async fn owner(&self, _: &CanonicalName) -> Result<Option<BackendId>, PinError> {
            Err(PinError::new("disk full"))
        }
        async fn bind(&self, _: &CanonicalName, _: &BackendId) -> Result<BackendId, PinError> {
            Err(PinError::new("disk full"))
        }
        async fn rebind(
            &self,
            _: &CanonicalName,
            _: Option<&BackendId>,
        ) -> Result<Option<BackendId>, PinError> {
            Err(PinError::new("disk full"))
        }
    }
    let mail = people("mail").with_user("alice", "a");
    let resolver = Resolver::builder().backend(mail).pins(Arc::new(Failing)).build().unwrap();
    let answer = sign_in(&resolver, "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    assert_eq!(answer.trace.ended_by, Rule::PinsUnavailable);
}

#[tokio::test(start_paused = true)]
async fn a_trace_reads_like_a_story_and_an_answer_is_json() {
    let resolver = chain([
        (watch(people("mail").with_user("alice", "a")), Policy::default()),
        (watch(people("files").unavailable()), go_on_without()),
        (watch(people("office")), Policy::default()),
    ]);
    let answer = sign_in(&resolver, "alice", "wrong").await;
    insta::assert_snapshot!(answer.trace, @r#"
    1. mail    rejected: wrong name or password (0 ms)
    2. files   unavailable during connect: switched off (0 ms)
    3. office  rejected: unknown user (0 ms)
    => nobody accepted, and a backend that might have could not be asked (0 ms in all)
    "#);
    let json = serde_json::to_value(&answer).unwrap();
    assert_eq!(json["outcome"], "unavailable");
    assert_eq!(json["user"], serde_json::Value::Null);
    assert_eq!(json["trace"][1]["phase"], "connect");
    assert_eq!(json["trace"][0]["verdict"], "rejected");
    let json = serde_json::to_value(sign_in(&resolver, "ALICE", "a").await).unwrap();
    assert_eq!(
        (&json["outcome"], &json["user"], &json["backend"]),
        (&"authenticated".into(), &"alice".into(), &"mail".into())
    );
}

#[test]
fn credentials_do_not_show_their_password() {
    assert!(!format!("{:?}", Credentials::new("alice", "secret")).contains("secret"));
}
