//! Regressions of known faults in other projects.
//!
//! The comment names the project.

use super::*;
use crate::cache::CacheBounds;
use crate::secret::OutcomeKeyer;

fn mail() -> SwitchedServer {
    SwitchedServer::new("mail").with("alice", "a").with("bob", "b")
}

/// Enough budget to see the memory alone at work.
fn rich() -> BackendPolicy {
    policy(|policy| policy.budget.failures = 1_000_000)
}

async fn accepted(resolver: &Resolver, name: &str, password: &str) -> bool {
    sign_in(resolver, name, password).await.authenticated().is_some()
}

// Kinto 1413: the cache key had no password in it. Dovecot CVE-2025-30189: all users under one key
// (T40).
#[tokio::test(start_paused = true)]
async fn t40_cached_sign_in_accepts_no_other_user_or_password() {
    let server = mail();
    let resolver = server.alone(rich());
    assert!(accepted(&resolver, "alice", "a").await);
    for (name, password) in [("alice", "b"), ("alice", "aa"), ("bob", "a"), ("alicea", "a"), ("mallory", "a")]
    {
        assert!(!accepted(&resolver, name, password).await, "{name} {password}");
    }
}

// T40: the key covers the whole tuple, and where its parts begin and end.
#[test]
fn t40_no_two_tuples_share_a_key() {
    let keyer = OutcomeKeyer::random().unwrap();
    let mut words = vec![String::new()];
    for length in 0..4 {
        let longer: Vec<_> = words.iter().filter(|word| word.len() == length).cloned().collect();
        words.extend(longer.iter().flat_map(|word| ["a", "b", "\0"].map(|letter| format!("{word}{letter}"))));
    }
    let mut keys = std::collections::HashSet::new();
    for scope in ["", "a", "b"] {
        for name in &words {
            for password in &words {
                assert!(
                    keys.insert(keyer.key(scope.as_bytes(), name, password)),
                    "{scope:?} {name:?} {password:?}"
                );
            }
        }
    }
}

// Apache socache: a mismatch with the cache ended the chain. go-guardian: the backend was never
// asked. T41, "old cached".
#[tokio::test(start_paused = true)]
async fn t41_old_password_ends_with_its_cache_lifetime() {
    let server = mail();
    let resolver = server.alone(BackendPolicy::default());
    assert!(accepted(&resolver, "alice", "a").await);
    server.set("alice", "new");
    assert!(accepted(&resolver, "alice", "new").await);
    assert!(accepted(&resolver, "alice", "a").await, "within its lifetime");
    tokio::time::advance(Duration::from_secs(300)).await;
    assert!(!accepted(&resolver, "alice", "a").await);
    assert!(accepted(&resolver, "alice", "new").await);
}

// Radicale 2100: after a change the new entry was stored under the wrong salt and never hit again.
// T41, "normal".
#[tokio::test(start_paused = true)]
async fn new_password_is_cached_like_the_old_one() {
    let server = mail();
    let resolver = server.alone(BackendPolicy::default());
    for round in 0..5 {
        let password = format!("password {round}");
        server.set("alice", &password);
        let before = server.seen().len();
        for _ in 0..10 {
            assert!(accepted(&resolver, "alice", &password).await);
        }
        assert_eq!(server.seen().len(), before + 1);
    }
}

// Dovecot documents it as "early change": who tries the new password a moment too early waits. T41.
#[tokio::test(start_paused = true)]
async fn early_new_password_waits_for_the_short_lifetime() {
    let server = mail();
    let resolver = server.alone(BackendPolicy::default());
    assert!(!accepted(&resolver, "alice", "new").await);
    server.set("alice", "new");
    assert!(!accepted(&resolver, "alice", "new").await);
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(accepted(&resolver, "alice", "new").await);
    // And who changes it through us does not wait at all.
    server.set("alice", "newer");
    resolver.invalidate_user(&CanonicalName::parse("alice").unwrap());
    assert!(accepted(&resolver, "alice", "newer").await);
}

// Stalwart 0.5: the lifetime of a no was read from the setting for a yes.
#[tokio::test(start_paused = true)]
async fn accepted_and_refused_outcomes_have_own_lifetimes() {
    for (yes, no) in [(10, 100), (100, 10)] {
        let server = mail();
        let resolver = server.alone(policy(|policy| {
            policy.cache_accepted = Duration::from_secs(yes);
            policy.cache_rejected = Duration::from_secs(no);
        }));
        let _ = (sign_in(&resolver, "alice", "a").await, sign_in(&resolver, "alice", "x").await);
        tokio::time::advance(Duration::from_secs(50)).await;
        let _ = (sign_in(&resolver, "alice", "a").await, sign_in(&resolver, "alice", "x").await);
        let requests_with =
            |password: &str| server.seen().iter().filter(|(_, seen)| seen == password).count();
        assert_eq!((requests_with("a"), requests_with("x")), if yes < no { (2, 1) } else { (1, 2) });
    }
}

// Stalwart up to 0.9.4: an expired no was taken out of the map of yeses, so it never left. T43.
#[tokio::test(start_paused = true)]
async fn expired_entries_leave_their_maps() {
    let server = mail();
    let builder = Resolver::builder().backend_with(Arc::new(server.clone()), rich(), DomainRules::none());
    let resolver = builder.lock(None).build().unwrap();
    for number in 0..50 {
        assert!(!accepted(&resolver, "alice", &format!("x{number}")).await);
    }
    assert!(accepted(&resolver, "alice", "a").await);
    tokio::time::advance(Duration::from_secs(60)).await;
    server.down(true);
    for number in 0..50 {
        assert!(!accepted(&resolver, "alice", &format!("x{number}")).await);
    }
    let stats = resolver.cache_stats();
    assert_eq!((stats.accepted, stats.rejected), (1, 0));
}

// user_external returns false for everything; Radicale took an outage for a no and cached it. U4,
// T43.
#[tokio::test(start_paused = true)]
async fn outage_is_not_remembered_as_a_wrong_password() {
    let server = mail();
    let resolver = server.alone(BackendPolicy::default());
    server.down(true);
    let answer = sign_in(&resolver, "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    server.down(false);
    assert!(accepted(&resolver, "alice", "a").await);
}

// maddy keeps the last error only, so the answer depended on who was asked last.
#[tokio::test(start_paused = true)]
async fn order_of_an_outage_and_a_no_changes_nothing() {
    for down_first in [true, false] {
        let (up, down) = (mail(), SwitchedServer::new("files"));
        down.down(true);
        let both = if down_first { [down, up] } else { [up, down] };
        let resolver = both
            .into_iter()
            .fold(Resolver::builder(), |builder, server| {
                builder.backend_with(Arc::new(server), go_on_without(), DomainRules::none())
            })
            .build()
            .unwrap();
        let answer = sign_in(&resolver, "alice", "wrong").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{down_first}");
    }
}

// nextcloud/server 33657 and 45618: one typo, up to eight failed logins. T46.
#[tokio::test(start_paused = true)]
async fn t46_server_sees_a_password_once_and_as_it_was_typed() {
    for typed in ["100%25", "a%20b", "a+b", "p\u{e4}ss", "pa\u{308}ss", " a ", "\u{ff41}"] {
        let (one, two) = (mail(), SwitchedServer::new("files"));
        let resolver = Resolver::builder().backend(one.clone()).backend(two.clone()).build().unwrap();
        assert!(!accepted(&resolver, "Alice", typed).await);
        let login = ("Alice".to_owned(), typed.to_owned());
        assert_eq!((one.seen(), two.seen()), (vec![login.clone()], vec![login]));
    }
}

// T46: and a backend of another domain sees nothing.
#[tokio::test(start_paused = true)]
async fn backend_of_another_domain_is_not_asked() {
    let rules = |domain: &str| DomainRules::for_domain(domain).unwrap();
    let ours = people("ours").with_user("alice@ours.example", "a");
    let resolver = Resolver::builder()
        .backend_with(Arc::new(people("theirs")), BackendPolicy::default(), rules("theirs.example"))
        .backend_with(Arc::new(ours), BackendPolicy::default(), rules("ours.example"))
        .build()
        .unwrap();
    let answer = sign_in(&resolver, "alice@ours.example", "a").await;
    assert_eq!(accepted_by(&answer), Some("ours"));
    assert_eq!(answer.trace.steps[0].verdict, StepOutcome::NotMine);
}

// lamb 766, ceph 38316: the limit was looked up before the attempt and counted after it. T47.
#[tokio::test(start_paused = true)]
async fn burst_of_guesses_stays_within_the_budget() {
    let server = mail();
    let resolver = server.alone(BackendPolicy::default());
    let all: Vec<_> = (0..200)
        .map(|number| {
            let resolver = resolver.clone();
            tokio::spawn(async move { sign_in(&resolver, "alice", &format!("guess {number}")).await })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap().authenticated().is_none());
    }
    assert_eq!(server.seen().len(), 4);
}

// Authelia CVE-2026-47203: every spelling of a name had a budget of its own. T32, T47.
#[tokio::test(start_paused = true)]
async fn t32_another_spelling_is_not_another_budget() {
    let server = mail();
    let resolver = server.alone(BackendPolicy::default());
    let spellings = ["alice", "Alice", "ALICE", "\u{ff41}lice", "aLICE", "\u{ff21}LICE"];
    for (number, name) in spellings.iter().cycle().take(60).enumerate() {
        assert!(!accepted(&resolver, name, &format!("guess {number}")).await);
    }
    assert_eq!(server.seen().len(), 4);
}

// Radicale: a map of failed logins without a bound, searched from end to end at each login. T43.
#[tokio::test(start_paused = true)]
async fn guessing_fills_no_memory_and_never_blocks_the_owner() {
    let server = mail();
    let bounds = CacheBounds { entries: 1_000, bytes: 1 << 20 };
    let builder = Resolver::builder().backend_with(Arc::new(server.clone()), rich(), DomainRules::none());
    let resolver = builder.cache_bounds(bounds).build().unwrap();
    for number in 0..5_000 {
        assert!(!accepted(&resolver, "alice", &format!("guess {number}")).await);
        if number % 500 == 0 {
            assert!(accepted(&resolver, "alice", "a").await);
        }
    }
    assert!(accepted(&resolver, "alice", "a").await);
    // Guesses did not even push the right password out of the memory.
    assert_eq!(server.seen().iter().filter(|(_, password)| password == "a").count(), 1);
    assert!(resolver.cache_stats().rejected <= 250);
}

// Elasticsearch keys the flight by name: a slow wrong attempt delays the owner. T45.
#[tokio::test]
async fn slow_wrong_attempt_leaves_the_right_one_fast() {
    let (resolver, gate, arrived) = gated(0);
    let slow = tokio::spawn({
        let resolver = resolver.clone();
        async move { sign_in(&resolver, "alice", "guess").await }
    });
    arrived.acquire().await.unwrap().forget();
    let own = tokio::spawn({
        let resolver = resolver.clone();
        async move { sign_in(&resolver, "alice", "secret").await }
    });
    // Both are with the server at the same time.
    arrived.acquire().await.unwrap().forget();
    gate.add_permits(2);
    assert!(slow.await.is_ok() && own.await.unwrap().authenticated().is_some());
}

// hyper-util 299: a cancelled leader left its followers hanging. Authelia ran the work under the
// first caller. T45.
#[tokio::test]
async fn t45_ten_thousand_cancelled_callers_block_no_other() {
    let server = mail();
    let resolver = server.alone(policy(|policy| policy.cache_accepted = Duration::ZERO));
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..1_000 {
        let all: Vec<_> = (0..10)
            .map(|_| {
                let resolver = resolver.clone();
                tokio::spawn(async move { accepted(&resolver, "alice", "a").await })
            })
            .collect();
        for one in &all {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            for _ in 0..random % 3 {
                tokio::task::yield_now().await;
            }
            if random % 5 < 3 {
                one.abort();
            }
        }
        for one in all {
            assert!(one.await.unwrap_or(true));
        }
    }
    assert!(accepted(&resolver, "alice", "a").await);
}

// user_external 3 and 61: any backend could take over a local account of the same name. T30.
#[tokio::test(start_paused = true)]
async fn t30_mailbox_called_admin_is_not_the_admin() {
    let (accounts, mail) = (
        SwitchedServer::new("local").with("admin", "s3cret"),
        SwitchedServer::new("mail").with("admin", "mine"),
    );
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let admin = CanonicalName::parse("admin").unwrap();
    pins.bind(&admin, accounts.id(), None).await.unwrap();
    let resolver = Resolver::builder().backend(mail.clone()).backend(accounts).pins(pins).build().unwrap();
    assert!(!accepted(&resolver, "Admin", "mine").await);
    assert_eq!(mail.seen(), []);
    assert_eq!(accepted_by(&sign_in(&resolver, "admin", "s3cret").await), Some("local"));
}

// Dovecot CVE-2022-30550: two entries with the same driver and arguments were mixed up. T31.
#[tokio::test(start_paused = true)]
async fn t31_two_entries_for_one_server_are_two_backends_or_an_error() {
    let server = mail();
    let twice = Resolver::builder().backend(server.clone()).backend(server).build();
    assert!(matches!(twice.unwrap_err(), BuildError::DuplicateId { .. }));
    let (one, two) =
        (SwitchedServer::new("one").with("alice", "a"), SwitchedServer::new("two").with("alice", "a"));
    let resolver = Resolver::builder().backend(one).backend(two.clone()).build().unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("one"));
    resolver.invalidate_backend(&BackendId::parse("two").unwrap());
    assert_eq!(sign_in(&resolver, "alice", "a").await.trace.ended_by, EndReason::CachedAcceptance);
    assert_eq!(two.seen(), []);
}

// T38: and the domain that is stripped is the domain that is meant.
#[tokio::test(start_paused = true)]
async fn foreign_domain_is_not_stripped() {
    let strip = DomainRules::for_domain("example.com").unwrap().strip_domain(true);
    let server = watch(people("mail").with_user("alice@example.com", "a"));
    let resolver =
        Resolver::builder().backend_with(Arc::new(server), BackendPolicy::default(), strip).build().unwrap();
    for name in ["alice@evil.example", "alice@example.com@evil.example", "alice@sub.example.com", "alice@"] {
        assert_eq!(
            sign_in(&resolver, name, "a").await.outcome,
            Outcome::Refused(Rejection::UnknownUser),
            "{name}"
        );
    }
    assert_eq!(accepted_by(&sign_in(&resolver, "Alice@Example.com", "a").await), Some("mail"));
}

// T37, T42: a user who is disabled here is refused at once, whatever is remembered, stale or in
// progress.
#[tokio::test(start_paused = true)]
async fn local_disable_ends_memory_and_grace() {
    let server = mail();
    let resolver = server.alone(policy(|policy| policy.max_stale = Some(Duration::from_secs(86_400))));
    assert!(accepted(&resolver, "alice", "a").await);
    server.down(true);
    resolver.invalidate_user(&CanonicalName::parse("alice").unwrap());
    assert!(!accepted(&resolver, "alice", "a").await);
}
