//! Failed sign-ins by source, over processes and restarts (O17, T48), and the heartbeats of servers.

use std::time::Duration;

use accounts::{HEARTBEAT_INTERVAL, Instance, InvalidationWatcher, STALE_AFTER, Timestamp};
use user_backend::brute_force::{Certainty, SourceNet as Source, SourceRateLimit as Throttle};
use user_backend::{Credentials, Outcome, Resolver, StaticBackend};

use crate::test_db::on_both;

const PER: Duration = Duration::from_secs(30 * 60);

fn cafe() -> Source {
    "203.0.113.7".parse().unwrap()
}

fn home() -> Source {
    "2001:db8:1:2::9".parse().unwrap()
}

fn resolver() -> Resolver {
    let people = StaticBackend::new("people").unwrap().with_user("alice", "Wonderland-1");
    let mut throttle = Throttle::default();
    throttle.first_delay = Duration::ZERO;
    Resolver::builder().backend(people).throttle(throttle).build().unwrap()
}

async fn from_the_cafe(resolver: &Resolver) -> Outcome {
    let credentials = Credentials::new("alice", "Wonderland-1").from_source("203.0.113.7".parse().unwrap());
    resolver.authenticate(credentials).await.outcome
}

on_both! {
    async fn failures_of_one_server_are_seen_by_others_and_occ(place) {
        let accounts = place.open().await;
        let failures = accounts.failed_logins();
        let seen = accounts.credential_epoch().current().await.unwrap();
        let now = place.clock.now();
        let at = |minutes: u64| now.before(Duration::from_secs(minutes * 60));
        let batch = [(cafe(), at(40)), (cafe(), at(20)), (home(), at(10)), (cafe(), at(1))];
        assert!(failures.record("one", seen, &batch, PER).await.unwrap());
        // Others read them once, oldest first; who wrote them has no news. What no longer counts was not kept.
        let told = failures.of_others("two", 0, at(30)).await.unwrap();
        let places: Vec<_> = told.iter().map(|failure| (failure.source, failure.at)).collect();
        assert_eq!(places, [(cafe(), at(20)), (home(), at(10)), (cafe(), at(1))]);
        assert_eq!(failures.of_others("one", 0, at(30)).await.unwrap(), []);
        assert_eq!(failures.of(cafe(), at(30)).await.unwrap(), [at(20), at(1)]);
        assert_eq!(failures.of(home(), at(30)).await.unwrap(), [at(10)]);
        place.clock.advance(PER);
        assert!(failures.record("one", seen, &[], PER).await.unwrap());
        assert_eq!(failures.of(cafe(), Timestamp::from_millis(0)).await.unwrap(), []);
    }

    async fn a_flood_is_kept_within_bounds_and_the_newest_stay(place) {
        let accounts = place.open().await;
        let seen = accounts.credential_epoch().current().await.unwrap();
        let at = place.clock.now();
        accounts.failed_logins().record("one", seen, &[(home(), at)], PER).await.unwrap();
        let jump = format!("INSERT INTO failures (key, place, at, server) VALUES (100001, '203.0.113.9', {}, 'x')", at.millis());
        place.raw(&jump).await.unwrap();
        accounts.failed_logins().record("one", seen, &[], PER).await.unwrap();
        assert_eq!(accounts.failed_logins().of(home(), Timestamp::from_millis(0)).await.unwrap(), []);
        assert_eq!(accounts.failed_logins().of("203.0.113.9".parse().unwrap(), Timestamp::from_millis(0)).await.unwrap().len(), 1);
    }

    async fn reset_in_one_process_holds_in_every_other(place) {
        let [server, command] = [place.open().await, place.open().await];
        let resolver = resolver();
        let follower = InvalidationWatcher::start(server.clone(), [resolver.clone()]).await.unwrap();
        let seen = follower.catch_up().await.unwrap();
        let now = place.clock.now();
        server.failed_logins().record("one", seen, &[(cafe(), now); 12], PER).await.unwrap();
        for _ in 0..12 {
            resolver.count_failure(cafe(), Certainty::Wrong, Duration::from_secs(60));
        }
        assert!(matches!(from_the_cafe(&resolver).await, Outcome::Throttled { .. }));
        assert_eq!(command.failed_logins().reset(cafe()).await.unwrap(), 12);
        follower.catch_up().await.unwrap();
        assert!(matches!(from_the_cafe(&resolver).await, Outcome::Authenticated(_)));
        // What the server had not yet written when it was forgiven stays unwritten until it has heard of it.
        assert!(!server.failed_logins().record("one", seen, &[(cafe(), now)], PER).await.unwrap());
        assert_eq!(command.failed_logins().of(cafe(), Timestamp::from_millis(0)).await.unwrap(), []);
        let line = command.audit().latest(1, None).await.unwrap().pop().unwrap();
        assert_eq!((line.action.as_str(), line.target.as_str()), ("place.forgiven", "203.0.113.7"));
    }

    async fn server_runs_as_long_as_it_sends_heartbeats(place) {
        let accounts = place.open().await;
        let room = accounts.instances();
        let started = place.clock.now();
        room.report("one", started, "{}").await.unwrap();
        place.clock.advance(HEARTBEAT_INTERVAL);
        room.report("two", place.clock.now(), "{}").await.unwrap();
        room.report("one", started, r#"{"accepted":1}"#).await.unwrap();
        let told = |running: Vec<Instance>| running.into_iter().map(|one| (one.id, one.status)).collect::<Vec<_>>();
        let running = told(room.running().await.unwrap());
        assert_eq!(running, [("one".to_owned(), r#"{"accepted":1}"#.to_owned()), ("two".to_owned(), "{}".to_owned())]);
        room.unregister("one").await.unwrap();
        assert_eq!(room.running().await.unwrap().len(), 1);
        // Killed: it tells nothing any more.
        place.clock.advance(STALE_AFTER + Duration::from_secs(1));
        assert_eq!(room.running().await.unwrap(), []);
    }
}
