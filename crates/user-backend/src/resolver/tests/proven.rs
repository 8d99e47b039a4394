//! Guesses by strangers never keep the owner of proven credentials out.

use super::*;
use crate::layer::{Lock, Throttle};

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

fn resolver(server: &Server, lock: Option<Lock>) -> Resolver {
    Resolver::builder()
        .link(Arc::new(server.clone()), Policy::default(), DomainRules::none())
        .lock(lock)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn owner_after_strangers_guesses_signs_in() {
    for lock in [None, Some(Lock::default())] {
        let server = Server::new("mail").with("alice", "right");
        let resolver = resolver(&server, lock);
        assert_eq!(vouched_by(&sign_in_from(&resolver, HOME, "alice", "right").await), Some("mail"));
        for _ in 0..5 {
            // What was remembered of her is gone by then, so the server has to be asked.
            tokio::time::advance(Policy::default().cache_accepted).await;
            guess_until_limited(&resolver, ATTACKER).await;
            let asked = server.seen().len();
            let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
            assert_eq!(vouched_by(&answer), Some("mail"), "{lock:?}: {}", answer.trace);
            assert_eq!(server.seen().len(), asked + 1);
            tokio::time::advance(Duration::from_secs(15 * 60)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn owner_behind_a_limited_address_signs_in() {
    let server = Server::new("mail").with("alice", "right");
    let throttle = Throttle { refuse_after: 3, ..Throttle::default() };
    let resolver = Resolver::builder().backend(server.clone()).throttle(throttle).build().unwrap();
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(Policy::default().cache_accepted).await;
    for number in 0..10 {
        let _ = sign_in_from(&resolver, HOME, &format!("stranger{number}"), "guess").await;
    }
    let stranger = sign_in_from(&resolver, HOME, "stranger", "guess").await;
    assert_eq!(stranger.trace.ended_by, Rule::SourceThrottled);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
}

#[tokio::test(start_paused = true)]
async fn password_changed_upstream_costs_one_failure_and_is_limited_again() {
    let server = Server::new("mail").with("alice", "right");
    let resolver = resolver(&server, None);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(Policy::default().cache_accepted).await;
    guess_until_limited(&resolver, ATTACKER).await;
    server.set("alice", "new");
    let asked = server.seen().len();
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    tokio::time::advance(Policy::default().cache_rejected).await;
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert!(matches!(answer.outcome, Outcome::Throttled { .. }), "{answer:?}");
    assert_eq!(server.seen().len(), asked + 1);
}
