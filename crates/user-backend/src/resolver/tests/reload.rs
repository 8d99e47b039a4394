//! Replacing the current chain.

use super::*;
use crate::brute_force::SourceRateLimit as Throttle;
use crate::cache::CacheBounds;
use crate::class::{Class, ClassRegistry, Entry, EntryError, FieldSpec};
use crate::config::{Config, Format, Loader};

fn id(text: &str) -> BackendId {
    BackendId::parse(text).unwrap()
}

fn ids(list: &[BackendId]) -> Vec<&str> {
    list.iter().map(BackendId::as_str).collect()
}

fn builder<'a>(backends: impl IntoIterator<Item = &'a Arc<Watched>>) -> ResolverBuilder {
    backends.into_iter().fold(Resolver::builder(), |builder, backend| {
        builder.backend_with(
            Arc::clone(backend) as Arc<dyn UserBackend>,
            BackendPolicy::default(),
            DomainRules::none(),
        )
    })
}

fn shared(backend: StaticBackend) -> Arc<Watched> {
    Arc::new(watch(backend))
}

#[tokio::test]
async fn reload_keeps_outcomes_of_unchanged_backends_only() {
    let mail = shared(people("mail").with_user("alice", "a"));
    let files = shared(people("files").with_user("bob", "b"));
    let office = shared(people("office").with_user("carol", "c"));
    let resolver = builder([&mail, &files, &office]).build().unwrap();
    for (name, password) in [("alice", "a"), ("bob", "b"), ("carol", "c")] {
        assert!(sign_in(&resolver, name, password).await.authenticated().is_some());
    }
    let asked = mail.attempts();
    let other = shared(people("files").with_user("bob", "new"));
    let archive = shared(people("archive"));
    let clone = resolver.clone();
    let reloaded = resolver.replace(builder([&archive, &other, &mail])).await.unwrap();
    assert_eq!(
        [&reloaded.kept, &reloaded.changed, &reloaded.added, &reloaded.removed].map(|list| ids(list)),
        [vec!["mail"], vec!["files"], vec!["archive"], vec!["office"]]
    );
    assert_eq!(reloaded.canaries, [id("archive"), id("files")].map(|id| (id, Canary::Refused)));
    // From memory, also through a clone that was made before.
    let alice = sign_in(&clone, "alice", "a").await;
    assert_eq!((alice.trace.ended_by, mail.attempts()), (EndReason::CachedAcceptance, asked));
    // Changed: asked again, and the old password is refused. Removed: its users do not move to
    // another backend.
    assert_eq!(sign_in(&clone, "bob", "b").await.outcome, Outcome::Refused(Rejection::BadCredentials));
    assert_eq!(accepted_by(&sign_in(&clone, "bob", "new").await), Some("files"));
    let carol = sign_in(&clone, "carol", "c").await;
    assert!(matches!(carol.outcome, Outcome::Unavailable { .. }), "{carol:?}");
    assert_eq!(carol.trace.ended_by, EndReason::OwnerMissing);
    assert_eq!(resolver.backends().len(), 3);
}

#[tokio::test]
async fn same_again_changes_nothing() {
    let mail = shared(people("mail").with_user("alice", "a"));
    let resolver = builder([&mail]).build().unwrap();
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert!(sign_in(&resolver, "alice", "x").await.authenticated().is_none());
    let asked = mail.attempts();
    let reloaded = resolver.replace(builder([&mail])).await.unwrap();
    assert_eq!((ids(&reloaded.kept), reloaded.canaries), (vec!["mail"], vec![]));
    for (password, rule) in [("a", EndReason::CachedAcceptance), ("x", EndReason::CachedRefusal)] {
        assert_eq!(sign_in(&resolver, "alice", password).await.trace.ended_by, rule);
    }
    assert_eq!(mail.attempts(), asked);
}

#[tokio::test]
async fn refusal_ends_with_its_chain() {
    let mail = shared(people("mail"));
    let resolver = builder([&mail]).build().unwrap();
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_none());
    let files = shared(people("files").with_user("alice", "a"));
    let _ = resolver.replace(builder([&mail, &files])).await.unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("files"));
}

#[tokio::test]
async fn attempt_in_flight_leaves_the_new_backend_alone() {
    for stays in [false, true] {
        let (gate, arrived) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let slow: Arc<dyn UserBackend> = Arc::new(Gated {
            id: id("mail"),
            gate: Arc::clone(&gate),
            arrived: Arc::clone(&arrived),
            panics: Mutex::default(),
        });
        let old = || {
            let quiet = policy(|policy| policy.canary = false);
            Resolver::builder().backend_with(Arc::clone(&slow), quiet, DomainRules::none())
        };
        let resolver = old().build().unwrap();
        let early = tokio::spawn({
            let resolver = resolver.clone();
            async move { sign_in(&resolver, "alice", "a").await }
        });
        arrived.acquire().await.unwrap().forget();
        let next = if stays { old().backend(people("new")) } else { builder([&shared(people("mail"))]) };
        let _ = resolver.replace(next).await.unwrap();
        gate.add_permits(1);
        let answer = early.await.unwrap();
        if stays {
            assert_eq!(accepted_by(&answer), Some("mail"));
        } else {
            assert_eq!(answer.trace.ended_by, EndReason::Invalidated);
            let later = sign_in(&resolver, "alice", "a").await;
            assert_eq!(later.outcome, Outcome::Refused(Rejection::UnknownUser));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn budgets_pins_throttle_and_breaker_of_what_stays_survive() {
    let mail = shared(people("mail").with_user("alice", "a"));
    let dead = shared(people("dead").unavailable());
    let lenient = |dead: &Arc<Watched>| {
        builder([&mail]).backend_with(
            Arc::clone(dead) as Arc<dyn UserBackend>,
            go_on_without(),
            DomainRules::none(),
        )
    };
    let resolver = lenient(&dead).build().unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    for number in 0..3 {
        tokio::time::advance(Duration::from_secs(60)).await;
        let from = sign_in_from(&resolver, "192.0.2.1", "alice", &format!("wrong {number}")).await;
        assert_eq!(from.outcome, Outcome::Refused(Rejection::BadCredentials), "{from:?}");
    }
    for number in 0..FAILURES {
        let _ = sign_in(&resolver, &format!("stranger {number}"), "x").await;
    }
    let open = dead.attempts();
    let office = shared(people("office"));
    let next = lenient(&dead).backend_with(office, BackendPolicy::default(), DomainRules::none());
    let reloaded = resolver.replace(next).await.unwrap();
    assert_eq!(ids(&reloaded.kept), ["mail", "dead"]);
    // The delay after three failures is not over.
    let start = now();
    let _ = sign_in_from(&resolver, "192.0.2.1", "bob", "x").await;
    assert_eq!(now() - start, Duration::from_millis(400));
    // The circuit breaker is still open: the dead one is not asked.
    let _ = sign_in(&resolver, "stranger", "y").await;
    assert_eq!(dead.attempts(), open);
    // One failure is left of four.
    assert!(matches!(sign_in(&resolver, "alice", "w4").await.outcome, Outcome::Refused(_)));
    assert!(matches!(sign_in(&resolver, "alice", "w5").await.outcome, Outcome::Throttled { .. }));
    // With other settings the circuit breaker starts closed, but failures still count: the server
    // counts them, too.
    let patient = policy(|policy| policy.cache_accepted = Duration::from_secs(60));
    let changed = Resolver::builder().backend_with(
        Arc::clone(&mail) as Arc<dyn UserBackend>,
        patient,
        DomainRules::none(),
    );
    let reloaded = resolver.replace(changed).await.unwrap();
    assert_eq!((ids(&reloaded.changed), ids(&reloaded.removed)), (vec!["mail"], vec!["dead", "office"]));
    assert!(matches!(sign_in(&resolver, "alice", "w6").await.outcome, Outcome::Throttled { .. }));
}

#[tokio::test(start_paused = true)]
async fn new_backend_passes_its_canary_before_the_first_yes() {
    let mail = shared(people("mail").with_user("alice", "a"));
    let resolver = builder([&mail]).build().unwrap();
    let slow = shared(people("slow").with_user("bob", "b").with_delay(Duration::from_secs(4)));
    let reload = tokio::spawn({
        let (resolver, next) = (resolver.clone(), builder([&mail, &slow]).backend(OpenDoor(id("open"))));
        async move { resolver.replace(next).await.unwrap() }
    });
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(slow.attempts(), 1, "the canary is being asked");
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    assert!(sign_in(&resolver, "bob", "b").await.authenticated().is_none());
    let reloaded = reload.await.unwrap();
    assert_eq!(reloaded.canaries, [(id("slow"), Canary::Refused), (id("open"), Canary::AcceptsAnyLogin)]);
    assert_eq!(accepted_by(&sign_in(&resolver, "bob", "b").await), Some("slow"));
    let stranger = sign_in(&resolver, "carol", "c").await;
    assert!(matches!(stranger.outcome, Outcome::Unavailable { .. }), "{stranger:?}");
    // The same again: it did not become better, and it is not asked.
    assert!(sign_in(&resolver, "carol", "c").await.authenticated().is_none());
}

#[tokio::test(start_paused = true)]
async fn abandoned_reload_changes_nothing() {
    let mail = shared(people("mail").with_user("alice", "a"));
    let resolver = builder([&mail]).build().unwrap();
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    let slow = shared(people("slow").with_delay(Duration::from_secs(4)));
    let given_up = tokio::time::timeout(Duration::from_secs(1), resolver.replace(builder([&slow]))).await;
    assert!(given_up.is_err());
    assert_eq!(sign_in(&resolver, "alice", "a").await.trace.ended_by, EndReason::CachedAcceptance);
    assert_eq!(resolver.backends().iter().map(|one| one.id().as_str()).collect::<Vec<_>>(), ["mail"]);
    // And the next one is not locked out by it.
    assert_eq!(ids(&resolver.replace(builder([&slow])).await.unwrap().removed), ["mail"]);
}

#[tokio::test]
async fn unusable_chain_leaves_the_old_one_in_place() {
    let mail = shared(people("mail").with_user("alice", "a"));
    let resolver = builder([&mail]).build().unwrap();
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert_eq!(resolver.replace(Resolver::builder()).await.unwrap_err(), BuildError::NoBackend);
    let twice = builder([&mail, &mail]);
    assert!(matches!(resolver.replace(twice).await, Err(BuildError::DuplicateId { .. })));
    assert_eq!(sign_in(&resolver, "alice", "a").await.trace.ended_by, EndReason::CachedAcceptance);
}

#[tokio::test]
async fn bounds_of_the_memory_count_from_the_next_start() {
    let mail = shared(people("mail"));
    let resolver = builder([&mail]).build().unwrap();
    let bounds = CacheBounds { entries: 5, ..CacheBounds::default() };
    let reloaded = resolver.replace(builder([&mail]).cache_bounds(bounds)).await.unwrap();
    assert_eq!(reloaded.at_next_start, ["cache_entries"]);
}

/// Swaps two chains repeatedly while users sign in.
///
/// Every answer is that of one of the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_sees_one_whole_chain() {
    let family = |letter: &str| -> Vec<_> {
        (0..3).map(|number| shared(people(&format!("{letter}{number}")))).collect()
    };
    let (old, new) = (family("old"), family("new"));
    let resolver = builder(&old).build().unwrap();
    let swapping = tokio::spawn({
        let resolver = resolver.clone();
        async move {
            for round in 0..50 {
                let next = if round % 2 == 0 { &new } else { &old };
                let quick = next.iter().fold(Resolver::builder(), |builder, backend| {
                    let quiet = policy(|policy| policy.canary = false);
                    builder.backend_with(
                        Arc::clone(backend) as Arc<dyn UserBackend>,
                        quiet,
                        DomainRules::none(),
                    )
                });
                let _ = resolver.replace(quick).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    let mut number = 0_u32;
    while !swapping.is_finished() {
        number += 1;
        let answer = sign_in(&resolver, &format!("user{number}"), "x").await;
        let backends: Vec<_> = answer.trace.steps.iter().map(|step| step.backend.to_string()).collect();
        assert!(
            backends == ["old0", "old1", "old2"] || backends == ["new0", "new1", "new2"],
            "{backends:?} {answer:?}"
        );
    }
    swapping.await.unwrap();
}

/// A class whose backends know the user named in their entry.
#[derive(Debug)]
struct Demo;

impl Class for Demo {
    fn name(&self) -> &'static str {
        "demo"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        const FIELDS: &[FieldSpec] =
            &[FieldSpec::text("user", "the only user"), FieldSpec::any("secret", "not used")];
        FIELDS
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let user = entry.text("user").unwrap_or_default();
        Ok(Arc::new(StaticBackend::new(entry.id().as_str())?.with_user(user, "secret")))
    }
}

fn registry() -> ClassRegistry {
    ClassRegistry::standard().with(Demo)
}

fn config(text: &str) -> Config {
    let loader = Loader::new().with_registry(registry());
    loader.parse(text, Format::Toml, "demo.toml").unwrap()
}

async fn reload(resolver: &Resolver, text: &str) -> BackendReload {
    let next = Resolver::builder().with_config(&config(text)).unwrap();
    resolver.replace(next).await.unwrap()
}

fn entry(id: Option<&str>, host: &str, more: &str) -> String {
    let id = id.map(|id| format!("id = \"{id}\"\n")).unwrap_or_default();
    format!("[[user_backends]]\nclass = \"demo\"\n{id}host = \"{host}\"\nport = 1\n{more}\n")
}

fn started(text: &str) -> Resolver {
    Resolver::builder().with_config(&config(text)).unwrap().build().unwrap()
}

#[tokio::test]
async fn entries_with_equal_settings_are_equal() {
    let alice = |more: &str| entry(Some("mail"), "a.example", &format!("user = \"alice\"\n{more}"));
    let resolver = started(&alice("secret = \"1\""));
    for (text, is_kept) in [
        (alice("secret = \"1\""), true),
        // Another place in the file, a comment, another global setting.
        (format!("# moved\n\n{}[resolver]\ndeadline = \"9s\"\n", alice("secret = \"1\"")), true),
        // A field that only the class knows, a policy, a domain rule, the host.
        (alice("secret = \"2\""), false),
        (alice("secret = \"2\"\ncache_accepted = \"1m\""), false),
        (alice("secret = \"2\"\ncache_accepted = \"1m\"\ndomain = \"a.example\""), false),
        (entry(Some("mail"), "b.example", "user = \"alice\""), false),
    ] {
        let reloaded = reload(&resolver, &text).await;
        assert_eq!(
            (reloaded.kept.len(), reloaded.changed.len()),
            (is_kept.into(), (!is_kept).into()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn another_host_inherits_users_only_with_an_explicit_id() {
    let user = "user = \"alice\"";
    for (id, expected) in [(Some("mail"), Some("mail")), (None, None)] {
        let resolver = started(&entry(id, "a.example", user));
        assert!(sign_in(&resolver, "alice", "secret").await.authenticated().is_some());
        let _ = reload(&resolver, &entry(id, "b.example", user)).await;
        let answer = sign_in(&resolver, "alice", "secret").await;
        assert_eq!(accepted_by(&answer), expected, "{answer:?}");
        if expected.is_none() {
            assert_eq!(answer.trace.ended_by, EndReason::OwnerMissing);
        }
    }
}

#[tokio::test]
async fn reordering_or_renaming_entries_moves_no_user() {
    let (a, b) = ("user = \"alice\"", "user = \"alice\"");
    let resolver = started(&(entry(Some("mail"), "a.example", a) + &entry(Some("files"), "b.example", b)));
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "secret").await), Some("mail"));
    let reloaded =
        reload(&resolver, &(entry(Some("files"), "b.example", b) + &entry(Some("mail"), "a.example", a)))
            .await;
    assert_eq!(ids(&reloaded.kept), ["files", "mail"]);
    resolver.invalidate_all();
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "secret").await), Some("mail"));
    let renamed = entry(Some("post"), "a.example", a) + &entry(Some("files"), "b.example", b);
    let reloaded = reload(&resolver, &renamed).await;
    assert_eq!((ids(&reloaded.added), ids(&reloaded.removed)), (vec!["post"], vec!["mail"]));
    let answer = sign_in(&resolver, "alice", "secret").await;
    assert_eq!((accepted_by(&answer), answer.trace.ended_by), (None, EndReason::OwnerMissing));
    let alice = CanonicalName::parse("alice").unwrap();
    let _ = resolver.rebind(&alice, Some(&id("post"))).await.unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "secret").await), Some("post"));
}

#[cfg(feature = "imap")]
#[tokio::test]
async fn wrong_configuration_changes_nothing_and_says_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, file) = (dir.path().join("ca.pem"), dir.path().join("user-backend.toml"));
    let pair = rcgen::generate_simple_self_signed(["mail".to_owned()]).unwrap();
    std::fs::write(&ca, pair.cert.pem()).unwrap();
    let text = |host: &str| {
        format!(
            "[[user_backends]]\nclass = \"imap\"\nhost = \"{host}\"\nca_file = \"ca.pem\"\ncanary = false\n\
             [[user_backends]]\nclass = \"imap\"\nhost = \"b.invalid\"\nca_file = \"ca.pem\"\ncanary = false\n"
        )
    };
    std::fs::write(&file, text("a.invalid")).unwrap();
    let config = Config::load(&file).unwrap();
    let resolver = Resolver::from_config(&config).unwrap();
    assert_eq!(resolver.reload(&config).await.unwrap().kept.len(), 2);
    // Renewed certificates under the same name.
    let other = rcgen::generate_simple_self_signed(["mail".to_owned()]).unwrap();
    std::fs::write(&ca, other.cert.pem()).unwrap();
    assert_eq!(resolver.reload(&config).await.unwrap().changed.len(), 2);
    std::fs::remove_file(&ca).unwrap();
    std::fs::write(&file, text("c.invalid")).unwrap();
    let error = resolver.reload(&Config::load(&file).unwrap()).await.unwrap_err().to_string();
    assert!(
        error.contains("user_backends[0].ca_file") && error.contains("user_backends[1].ca_file"),
        "{error}"
    );
    let hosts: Vec<_> = resolver.backends().iter().map(|backend| backend.id().to_string()).collect();
    assert_eq!(hosts, ["imap:a.invalid", "imap:b.invalid"]);
}

#[tokio::test(start_paused = true)]
async fn new_throttle_starts_empty_and_the_deadline_counts_at_once() {
    let mail = shared(people("mail").with_delay(Duration::from_secs(5)));
    let resolver = builder([&mail]).build().unwrap();
    let throttle = Throttle { refuse_after: 1, ..Throttle::default() };
    let next = builder([&mail]).throttle(throttle).deadline(Duration::from_secs(1));
    assert_eq!(ids(&resolver.replace(next).await.unwrap().kept), ["mail"]);
    let began = now();
    let answer = sign_in(&resolver, "alice", "x").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    assert!(now() - began <= Duration::from_secs(1));
}

#[tokio::test]
async fn reload_keeps_what_was_added_and_set_by_hand() {
    let first = shared(people("first").with_user("alice", "a"));
    let last = shared(people("last").with_user("bob", "b"));
    let by_hand = |builder: ResolverBuilder, backend: &Arc<Watched>| {
        builder.backend_with(
            Arc::clone(backend) as Arc<dyn UserBackend>,
            BackendPolicy::default(),
            DomainRules::none(),
        )
    };
    let around =
        |backend: Arc<dyn UserBackend>| -> Arc<dyn UserBackend> { Arc::new(Decorated(Arc::new(backend))) };
    let entries = |deadline: &str, hosts: &[&str]| {
        let entries = hosts.iter().map(|host| entry(None, host, "user = \"carol\""));
        format!("[resolver]\ndeadline = \"{deadline}\"\n{}", entries.collect::<String>())
    };
    let builder = by_hand(Resolver::builder().deadline(Duration::from_secs(3)), &first);
    let builder = builder.with_config_inside(&config(&entries("9s", &["a.example"])), around).unwrap();
    let resolver = by_hand(builder, &last).build().unwrap();
    let next = config(&entries("8s", &["b.example", "c.example"]));
    let reloaded = resolver.reload(&next).await.unwrap();
    assert_eq!(ids(&reloaded.kept), ["first", "last"]);
    assert_eq!(ids(&reloaded.added), ["demo:b.example:1", "demo:c.example:1"]);
    assert_eq!(ids(&reloaded.removed), ["demo:a.example:1"]);
    let there: Vec<_> = resolver.backends().iter().map(ToString::to_string).collect();
    let decorated: Vec<_> = there.iter().map(|backend| backend.contains("decorated")).collect();
    assert_eq!(decorated, [false, true, true, false], "{there:?}");
    let order: Vec<_> = resolver.backends().iter().map(|backend| backend.id().clone()).collect();
    assert_eq!(ids(&order), ["first", "demo:b.example:1", "demo:c.example:1", "last"]);
    assert_eq!(resolver.shared.chain.load().deadline, Duration::from_secs(3));
    assert!(sign_in(&resolver, "bob", "b").await.authenticated().is_some());
    // What was replaced is the next recipe.
    resolver.replace(by_hand(Resolver::builder(), &last)).await.unwrap();
    resolver.reload(&next).await.unwrap();
    let order: Vec<_> = resolver.backends().iter().map(|backend| backend.id().clone()).collect();
    assert_eq!(ids(&order), ["last", "demo:b.example:1", "demo:c.example:1"]);
    assert_eq!(resolver.shared.chain.load().deadline, Duration::from_secs(8));
}

#[tokio::test]
async fn configuration_without_backends_keeps_its_place() {
    let (first, last) = (shared(people("first")), shared(people("last")));
    let by_hand = |builder: ResolverBuilder, backend: &Arc<Watched>| {
        builder.backend_with(
            Arc::clone(backend) as Arc<dyn UserBackend>,
            BackendPolicy::default(),
            DomainRules::none(),
        )
    };
    let loader = Loader::new().with_registry(registry()).allow_no_backends();
    let empty = loader.parse("", Format::Toml, "demo.toml").unwrap();
    let one = config(&entry(Some("one"), "a.example", "user = \"alice\""));
    let builder = by_hand(Resolver::builder(), &first).with_config(&empty).unwrap();
    // A second configuration is replaced along with the first.
    let builder = by_hand(builder, &last).with_config(&one).unwrap();
    let resolver = builder.build().unwrap();
    let order = || resolver.backends().iter().map(|backend| backend.id().to_string()).collect::<Vec<_>>();
    assert_eq!(order(), ["first", "last", "one"]);
    for (config, expected) in [
        (&one, &["first", "one", "last"][..]),
        (&empty, &["first", "last"]),
        (&one, &["first", "one", "last"]),
    ] {
        resolver.reload(config).await.unwrap();
        assert_eq!(order(), expected);
    }
}

#[test]
fn builder_gives_the_same_in_any_order() {
    let text = "[resolver]\ndeadline = \"9s\"\nlock = \"off\"\n".to_owned()
        + &entry(None, "a.example", "user = \"alice\"");
    let config = config(&text);
    let deadline = Duration::from_secs(3);
    for builder in [
        Resolver::builder().deadline(deadline).with_config(&config).unwrap(),
        Resolver::builder().with_config(&config).unwrap().deadline(deadline),
    ] {
        assert_eq!((builder.recipe().deadline(), builder.recipe().lock()), (deadline, None));
    }
    let lock = Some(crate::brute_force::Lockout::default());
    let builder = Resolver::builder().lock(lock).with_config(&config).unwrap();
    assert_eq!((builder.recipe().deadline(), builder.recipe().lock()), (Duration::from_secs(9), lock));
}

/// A decorator of a third party.
#[derive(Debug)]
struct Decorated(Arc<dyn UserBackend>);

impl fmt::Display for Decorated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "decorated({})", self.0)
    }
}

#[async_trait]
impl UserBackend for Decorated {
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
