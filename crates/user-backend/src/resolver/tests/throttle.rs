//! Guesses from one source (T48), and users who must not notice.

use super::*;
use crate::brute_force::{Certainty, SourceRateLimit as Throttle};

const CAFE: &str = "203.0.113.7";
const HOME: &str = "2001:db8:1:2::9";

/// Many failures may reach this server: only the throttle is in the way.
fn patient(server: Watched, change: impl FnOnce(&mut Throttle)) -> Resolver {
    let mut throttle = Throttle { first_delay: Duration::ZERO, ..Throttle::default() };
    change(&mut throttle);
    let policy = policy(|policy| policy.budget.failures = 1_000);
    let builder = Resolver::builder().backend_with(Arc::new(server), policy, NameRules::new());
    builder.throttle(throttle).lock(None).build().unwrap()
}

fn mail() -> Watched {
    watch(people("mail").with_user("alice", "a").with_user("bob", "b"))
}

#[tokio::test(start_paused = true)]
async fn guessing_from_one_source_ends_after_ten_failures() {
    let mail = mail();
    let resolver = patient(mail.clone(), |_| {});
    assert_eq!(accepted_by(&sign_in_from(&resolver, CAFE, "bob", "b").await), Some("mail"));
    for number in 0..100 {
        let answer = sign_in_from(&resolver, CAFE, "alice", &format!("guess {number}")).await;
        if number < 10 {
            assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
        } else {
            assert_eq!(
                answer.outcome,
                Outcome::Throttled { limit: GuessLimit::PerSource, retry_after: Duration::from_secs(1800) }
            );
            assert_eq!(answer.trace.ended_by, EndReason::SourceThrottled);
        }
    }
    assert_eq!(mail.attempts(), 11);
    // The owner at home, and a known user from the same source; but no password is revealed to
    // guesses.
    assert_eq!(accepted_by(&sign_in_from(&resolver, HOME, "alice", "a").await), Some("mail"));
    assert_eq!(sign_in_from(&resolver, CAFE, "alice", "a").await.trace.ended_by, EndReason::SourceThrottled);
    assert_eq!(accepted_by(&sign_in_from(&resolver, CAFE, "bob", "b").await), Some("mail"));
    tokio::time::advance(Duration::from_secs(1800)).await;
    let answer = sign_in_from(&resolver, CAFE, "alice", "guess 101").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
}

#[tokio::test(start_paused = true)]
async fn right_password_after_a_wrong_one_waits_and_signs_in() {
    let resolver = patient(mail(), |throttle| throttle.first_delay = Duration::from_secs(1));
    let _ = sign_in_from(&resolver, CAFE, "alice", "x").await;
    let start = now();
    assert_eq!(accepted_by(&sign_in_from(&resolver, CAFE, "alice", "a").await), Some("mail"));
    assert_eq!(now() - start, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn early_attempt_gets_retry_after() {
    let resolver = patient(mail(), |throttle| throttle.first_delay = Duration::from_secs(6));
    let _ = sign_in_from(&resolver, CAFE, "alice", "x").await;
    let answer = sign_in_from(&resolver, CAFE, "bob", "b").await;
    assert_eq!(
        answer.outcome,
        Outcome::Throttled { limit: GuessLimit::PerSource, retry_after: Duration::from_secs(6) }
    );
    insta::assert_snapshot!(answer.trace, @r"
    1. mail  not asked: the address is slowed down
    => too many failed sign-ins from this address, so no backend was asked: the last one from 203.0.113.7 was a moment ago (0 ms in all)
    ");
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(accepted_by(&sign_in_from(&resolver, CAFE, "bob", "b").await), Some("mail"));
}

#[tokio::test(start_paused = true)]
async fn outages_invalid_names_and_cache_hits_are_uncounted() {
    let down = patient(watch(people("mail").unavailable()), |_| {});
    let resolver = patient(mail(), |_| {});
    let _ = sign_in_from(&resolver, CAFE, "alice", "old").await;
    for number in 0..100 {
        let answer = sign_in_from(&down, CAFE, "alice", &format!("{number}")).await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        let _ = sign_in_from(&resolver, CAFE, " ", "x").await;
        let answer = sign_in_from(&resolver, CAFE, "guest", "x").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::PolicyDenied));
        // The same old password, every minute: it is asked again, and no failure is added (U10).
        tokio::time::advance(Duration::from_secs(60)).await;
        let answer = sign_in_from(&resolver, CAFE, "alice", "old").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    }
    assert_eq!(accepted_by(&sign_in_from(&resolver, CAFE, "bob", "b").await), Some("mail"));
}

#[tokio::test(start_paused = true)]
async fn wrong_password_made_right_is_accepted() {
    let is_down = Arc::new(AtomicBool::new(true));
    // "down" knows another password of alice: the server after she changed it back.
    let backend = Switched {
        people: people("mail").with_user("alice", "new"),
        down: people("mail").with_user("alice", "old"),
        is_down: Arc::clone(&is_down),
    };
    let throttle = Throttle { refuse_after: 1, ..Throttle::default() };
    let resolver = Resolver::builder().backend(backend).throttle(throttle).build().unwrap();
    assert!(sign_in_from(&resolver, CAFE, "alice", "new").await.authenticated().is_none());
    is_down.store(false, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(sign_in_from(&resolver, CAFE, "alice", "new").await.authenticated().is_some());
}

#[tokio::test]
async fn thousand_identical_attempts_from_one_place_make_one_login() {
    let (resolver, gate, arrived) = gated(0);
    let all: Vec<_> = (0..1000)
        .map(|_| {
            let resolver = resolver.clone();
            tokio::spawn(async move { sign_in_from(&resolver, CAFE, "alice", "secret").await })
        })
        .collect();
    arrived.acquire().await.unwrap().forget();
    gate.add_permits(1);
    for one in all {
        assert_eq!(accepted_by(&one.await.unwrap()), Some("gated"));
    }
}

#[tokio::test(start_paused = true)]
async fn cancelled_guess_counts() {
    let server = watch(people("mail").with_user("alice", "a").with_delay(Duration::from_secs(1)));
    let resolver = patient(server.clone(), |throttle| throttle.refuse_after = 3);
    for number in 0..20 {
        let guess = format!("guess {number}");
        let attempt = sign_in_from(&resolver, CAFE, "alice", &guess);
        assert!(tokio::time::timeout(Duration::from_millis(1), attempt).await.is_err() || number >= 3);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(server.attempts(), 3);
    let answer = sign_in_from(&resolver, CAFE, "alice", "a").await;
    assert_eq!(answer.trace.ended_by, EndReason::SourceThrottled);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_permit_ends_at_the_deadline() {
    let server = watch(people("mail").with_user("bob", "b").with_delay(Duration::from_secs(60)));
    let resolver = patient(server, |throttle| throttle.refuse_after = 1);
    let first = tokio::spawn({
        let resolver = resolver.clone();
        async move { sign_in_from(&resolver, CAFE, "alice", "x").await }
    });
    tokio::task::yield_now().await;
    let start = now();
    let answer = sign_in_from(&resolver, CAFE, "bob", "b").await;
    assert!(now() - start <= Resolver::DEFAULT_DEADLINE + Duration::from_millis(10));
    assert!(!matches!(answer.outcome, Outcome::Refused(_)), "{answer:?}");
    assert!(matches!(first.await.unwrap().outcome, Outcome::Unavailable { .. }));
}

#[tokio::test(start_paused = true)]
async fn t48_ten_thousand_waiting_hold_no_worker() {
    let server = watch(people("mail").with_user("bob", "b").with_delay(Duration::from_secs(1)));
    let resolver = patient(server.clone(), |_| {});
    let waiting: Vec<_> = (0..10_000)
        .map(|number| {
            let resolver = resolver.clone();
            let (name, guess) = (format!("user{number}"), format!("guess {number}"));
            tokio::spawn(async move { sign_in_from(&resolver, CAFE, &name, &guess).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(resolver.shared.flights.under_way(), 10);
    // There is one worker here, and it has time for another source.
    let start = now();
    assert_eq!(accepted_by(&sign_in_from(&resolver, HOME, "bob", "b").await), Some("mail"));
    assert_eq!(now() - start, Duration::from_secs(1));
    for one in waiting {
        let outcome = one.await.unwrap().outcome;
        assert!(matches!(outcome, Outcome::Refused(_) | Outcome::Throttled { .. }), "{outcome:?}");
    }
    assert_eq!(server.attempts(), 11);
}

#[tokio::test(start_paused = true)]
async fn failures_of_another_process_count_and_reset() {
    let resolver = patient(mail(), |_| {});
    let cafe = SourceNet::of(CAFE.parse().unwrap());
    for minutes in [29, 20, 31, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0] {
        resolver.count_failure(cafe, Certainty::Wrong, Duration::from_secs(minutes * 60));
    }
    let answer = sign_in_from(&resolver, CAFE, "alice", "a").await;
    assert_eq!(
        answer.outcome,
        Outcome::Throttled { limit: GuessLimit::PerSource, retry_after: Duration::from_secs(60) }
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(sign_in_from(&resolver, CAFE, "alice", "a").await.authenticated().is_some());
    let _ = sign_in_from(&resolver, CAFE, "alice", "x").await;
    let answer = sign_in_from(&resolver, CAFE, "bob", "b").await;
    assert_eq!(
        answer.outcome,
        Outcome::Throttled { limit: GuessLimit::PerSource, retry_after: Duration::from_secs(9 * 60) }
    );
    resolver.forgive(cafe);
    assert_eq!(resolver.pressure().throttled_places, 0);
    // All ten permits are free again, and no more.
    for number in 0..12 {
        let answer = sign_in_from(&resolver, CAFE, "alice", &format!("{number}")).await;
        assert_eq!(matches!(answer.outcome, Outcome::Refused(_)), number < 10, "{number}: {answer:?}");
    }
}
