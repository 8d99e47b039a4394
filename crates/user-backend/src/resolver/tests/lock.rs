//! Guessing at one person from many places (T47, T48), and what the person notices.
//!
//! Nothing.

use super::*;
use crate::brute_force::Lockout as Lock;

/// Many failures may reach this server, and there are many places.
///
/// Only the lock is in the way.
fn locked(server: &SwitchedServer, lock: Option<Lock>) -> Resolver {
    let policy = policy(|policy| policy.budget.failures = 1_000);
    Resolver::builder()
        .backend_with(Arc::new(server.clone()), policy, DomainRules::none())
        .lock(lock)
        .build()
        .unwrap()
}

fn mail() -> SwitchedServer {
    SwitchedServer::new("mail").with("alice", "right").with("bob", "b")
}

fn address(number: u32) -> String {
    std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string()
}

/// A guess from a new source.
///
/// When throttled it retries in time.
async fn guess(resolver: &Resolver, name: &str, number: u32) -> TracedOutcome {
    let password = format!("guess {number}");
    let answer = sign_in_from(resolver, &address(number), name, &password).await;
    match answer.outcome {
        Outcome::Throttled { retry_after, .. } if answer.trace.ended_by == EndReason::UserLocked => {
            tokio::time::advance(retry_after).await;
            sign_in_from(resolver, &address(number), name, &password).await
        }
        _ => answer,
    }
}

fn day() -> Duration {
    Lock::default().per
}

#[tokio::test(start_paused = true)]
async fn t47_thousand_sources_get_a_hundred_guesses_at_one_user() {
    let server = mail();
    let resolver = locked(&server, Some(Lock::default()));
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "right").await), Some("mail"));
    let start = now();
    for number in 0..101 {
        // In any spelling of her name.
        let name = ["alice", "Alice", "ALICE"][number as usize % 3];
        let answer = guess(&resolver, name, number).await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{number}");
    }
    assert!(now() - start >= Duration::from_secs(14 * 60), "and they took their time");
    for number in 101..1_000 {
        let answer = sign_in_from(&resolver, &address(number), "alice", &number.to_string()).await;
        assert!(matches!(answer.outcome, Outcome::Throttled { retry_after, .. } if retry_after > day() / 2));
    }
    assert_eq!(server.seen().len(), 102);
    let answer = sign_in_from(&resolver, "10.9.9.9", "alice", "x").await;
    insta::assert_snapshot!(answer.trace, @r"
    1. mail  not asked: the user is locked for a while
    => too many failed sign-ins of this user, from any address, so no backend was asked: more than 100 in a row in 24 h; the password that was right the last time is let through (0 ms in all)
    ");
    // In memory or not: her password was right the last time, so it is asked for whenever she
    // comes.
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(accepted_by(&sign_in(&resolver, "alice", "right").await), Some("mail"));
    }
    assert_eq!(accepted_by(&sign_in(&resolver, "bob", "b").await), Some("mail"));
}

#[tokio::test(start_paused = true)]
async fn lock_ends_a_day_after_the_first_failure() {
    let resolver = locked(&mail(), Some(Lock::default()));
    let start = now();
    for number in 0..101 {
        let _ = guess(&resolver, "alice", number).await;
    }
    // Her password was never accepted here: it is a guess like any other.
    let Outcome::Throttled { retry_after, .. } = sign_in(&resolver, "alice", "right").await.outcome else {
        panic!()
    };
    assert_eq!(retry_after, day() - (now() - start));
    tokio::time::advance(retry_after).await;
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "right").await), Some("mail"));
}

#[tokio::test(start_paused = true)]
async fn unknown_users_are_locked_like_known_ones() {
    let server = mail();
    let resolver = locked(&server, Some(Lock { failures: 3, ..Lock::default() }));
    let mut by_name = Vec::new();
    for name in ["alice", "ghost"] {
        let start = now();
        let mut answers = Vec::new();
        for number in 0..6 {
            let answer = sign_in_from(&resolver, &address(number), name, &format!("guess {number}")).await;
            answers.push((answer.outcome.as_str(), answer.trace.ended_by, now() - start));
        }
        by_name.push(answers);
    }
    assert_eq!(by_name[0], by_name[1]);
    assert_eq!(by_name[0].last().map(|last| last.1), Some(EndReason::UserLocked));
}

#[tokio::test(start_paused = true)]
async fn outage_cache_hit_and_grace_change_no_count() {
    let server = mail();
    let grace = policy(|policy| {
        policy.budget.failures = 1_000;
        policy.max_stale = Some(day());
    });
    let resolver = server.alone(grace);
    assert!(sign_in(&resolver, "alice", "right").await.authenticated().is_some());
    for number in 0..4 {
        let _ = guess(&resolver, "alice", number).await;
    }
    assert!(sign_in(&resolver, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(Duration::from_secs(600)).await;
    server.down(true);
    let start = now();
    for number in 4..100 {
        assert!(matches!(guess(&resolver, "alice", number).await.outcome, Outcome::Unavailable { .. }));
    }
    let stale = sign_in(&resolver, "alice", "right").await;
    assert_eq!(stale.trace.ended_by, EndReason::Grace);
    assert_eq!(now(), start);
    server.down(false);
    tokio::time::advance(Duration::from_secs(600)).await;
    // The fifth failure is the fifth: three seconds.
    let _ = guess(&resolver, "alice", 100).await;
    let start = now();
    let _ = guess(&resolver, "alice", 101).await;
    assert_eq!(now() - start, Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn t46_burst_of_guesses_reaches_the_server_one_by_one() {
    let server = watch(people("mail").with_user("alice", "right").with_delay(Duration::from_millis(100)));
    let generous = policy(|policy| policy.budget.failures = 1_000);
    let resolver = chain([(server.clone(), generous)]);
    let start = now();
    let burst: Vec<_> = (0..100)
        .map(|number| {
            let resolver = resolver.clone();
            tokio::spawn(async move {
                sign_in_from(&resolver, &address(number), "alice", &format!("guess {number}")).await
            })
        })
        .collect();
    let mut refused = 0;
    for one in burst {
        match one.await.unwrap().outcome {
            Outcome::Refused(_) => refused += 1,
            Outcome::Throttled { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(now() - start <= Duration::from_secs(5), "no attempt waits for longer");
    assert_eq!(refused, server.attempts());
    assert!((3..=5).contains(&refused), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn waiting_attempt_holds_no_permit_and_no_worker() {
    let server = watch(people("mail").with_user("bob", "b").with_delay(Duration::from_secs(30)));
    let resolver = chain([(server, policy(|policy| policy.budget.failures = 1_000))]);
    let waiting: Vec<_> = (0..10_000)
        .map(|number| {
            let resolver = resolver.clone();
            tokio::spawn(async move {
                sign_in_from(&resolver, &address(number), "alice", &number.to_string()).await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(resolver.shared.flights.under_way(), 1);
    // On the only worker there is, among 10,000 who wait.
    let start = now();
    let (bob, wrong) = tokio::join!(sign_in(&resolver, "carol", "x"), sign_in(&resolver, "dave", "x"));
    assert!(now() - start <= Resolver::DEFAULT_DEADLINE, "{bob:?} {wrong:?}");
    for one in waiting {
        assert!(!matches!(one.await.unwrap().outcome, Outcome::Refused(_) | Outcome::Authenticated(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn forgiven_or_switched_off_there_is_no_pause() {
    let server = mail();
    let resolver = locked(&server, Some(Lock { failures: 2, ..Lock::default() }));
    for number in 0..3 {
        let _ = guess(&resolver, "alice", number).await;
    }
    assert_eq!(sign_in(&resolver, "alice", "right").await.trace.ended_by, EndReason::UserLocked);
    resolver.unlock(&CanonicalName::parse("alice").unwrap());
    assert!(sign_in(&resolver, "alice", "right").await.authenticated().is_some());

    let off = locked(&server, None);
    let start = now();
    for number in 0..500 {
        assert!(matches!(guess(&off, "alice", number).await.outcome, Outcome::Refused(_)));
    }
    assert_eq!(now(), start);
}

#[tokio::test(start_paused = true)]
async fn reload_forgets_no_count_unless_the_lock_is_another() {
    let server = mail();
    let lock = Some(Lock { failures: 2, ..Lock::default() });
    let resolver = locked(&server, lock);
    for number in 0..3 {
        let _ = guess(&resolver, "alice", number).await;
    }
    let next = |lock| Resolver::builder().backend(server.clone()).lock(lock);
    resolver.replace(next(lock)).await.unwrap();
    assert_eq!(sign_in(&resolver, "alice", "right").await.trace.ended_by, EndReason::UserLocked);
    resolver.replace(next(None)).await.unwrap();
    assert!(sign_in(&resolver, "alice", "right").await.authenticated().is_some());
}
