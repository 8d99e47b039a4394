//! Failed sign-ins by source and by user, over processes and restarts (O17, T48).
//!
//! Also the heartbeats of servers.

use std::time::Duration;

use accounts::{
    HEARTBEAT_INTERVAL, Instance, InvalidationWatcher, KeepFailures, LoginEvent, STALE_AFTER, Timestamp,
};
use user_backend::brute_force::{
    Certainty, SourceHash, SourceNet as Source, SourceRateLimit as Throttle, UserHash,
};
use user_backend::{Credentials, Outcome, Resolver, StaticBackend};

use crate::test_db::on_both;

const PER: Duration = Duration::from_secs(30 * 60);
const KEEP: KeepFailures = KeepFailures { sources: PER, users: Duration::from_secs(24 * 60 * 60) };

/// A wrong password from there.
fn failed(source: Source) -> LoginEvent {
    LoginEvent::SourceFailed(source, Certainty::Wrong)
}

fn someone(digit: char) -> UserHash {
    digit.to_string().repeat(32).parse().unwrap()
}

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
    async fn failures_of_one_server_are_seen_by_others_and_occ(db) {
        let accounts = db.open().await;
        let failures = accounts.failed_logins();
        let seen = accounts.credential_epoch().current().await.unwrap();
        let now = db.clock.now();
        let at = |minutes: u64| now.before(Duration::from_secs(minutes * 60));
        let unanswered = LoginEvent::SourceFailed(cafe(), Certainty::Unanswered);
        let batch = [(failed(cafe()), at(40)), (failed(cafe()), at(20)), (failed(home()), at(10)), (unanswered, at(1))];
        assert!(failures.record("one", seen, &batch, KEEP).await.unwrap());
        // Others read them once, oldest first; who wrote them has no news. What no longer counts
        // was not kept.
        let events = failures.of_others("two", 0, KEEP).await.unwrap();
        let places: Vec<_> = events.iter().map(|failure| (failure.event, failure.at)).collect();
        assert_eq!(places, batch[1..]);
        assert_eq!(failures.of_others("one", 0, KEEP).await.unwrap(), []);
        assert_eq!(failures.of(cafe(), at(30)).await.unwrap(), [at(20), at(1)]);
        assert_eq!(failures.of(home(), at(30)).await.unwrap(), [at(10)]);
        db.clock.advance(PER);
        assert!(failures.record("one", seen, &[], KEEP).await.unwrap());
        assert_eq!(failures.of(cafe(), Timestamp::from_millis(0)).await.unwrap(), []);
    }

    async fn failures_of_a_user_end_with_a_sign_in_a_reset_and_a_day(db) {
        let accounts = db.open().await;
        let failures = accounts.failed_logins();
        let seen = accounts.credential_epoch().current().await.unwrap();
        let now = db.clock.now();
        let at = |minutes: u64| now.before(Duration::from_secs(minutes * 60));
        let (alice, bob) = (someone('a'), someone('b'));
        let record = async |server: &str, events: &[(LoginEvent, Timestamp)]| {
            assert!(failures.record(server, seen, events, KEEP).await.unwrap());
        };
        let events_of_others = async || {
            let rows = failures.of_others("three", 0, KEEP).await.unwrap();
            rows.into_iter().map(|row| row.event).collect::<Vec<_>>()
        };
        let [home, other] = [1, SourceHash::new(u32::MAX).number()].map(SourceHash::new);
        let failed = |user| LoginEvent::UserFailed(user, home);
        let (signed_in, failed_elsewhere) =
            (LoginEvent::UserSignedIn(alice, home), LoginEvent::UserFailed(alice, other));
        record("one", &[(failed(alice), at(90)), (failed(bob), at(80)), (failed_elsewhere, at(70))]).await;
        record("two", &[(signed_in, at(60)), (failed(alice), at(50))]).await;
        assert_eq!(events_of_others().await, [failed(bob), failed_elsewhere, signed_in, failed(alice)]);
        // A failure after the reset stays.
        record("two", &[(LoginEvent::UserReset(bob), at(85)), (LoginEvent::UserReset(alice), at(40))]).await;
        assert_eq!(events_of_others().await, [failed(bob)]);
        db.clock.advance(KEEP.users);
        record("one", &[]).await;
        assert_eq!(db.number("SELECT COUNT(*) FROM failed_logins").await, 0);
    }

    async fn upgrade_keeps_failures_of_sources(db) {
        db.of_schema(9, &[]).await;
        let at = db.clock.now().millis();
        db.raw(&format!("INSERT INTO failures (place, at, server) VALUES ('203.0.113.7', {at}, 'old')")).await.unwrap();
        db.raw(&format!("INSERT INTO login_failures (name, failures, first_at) VALUES ('alice', 3, {at})")).await.unwrap();
        let accounts = db.open().await;
        assert_eq!(accounts.failed_logins().of(cafe(), Timestamp::from_millis(0)).await.unwrap().len(), 1);
        let rows = accounts.failed_logins().of_others("new", 0, KEEP).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.event).collect::<Vec<_>>(), [failed(cafe())]);
    }

    async fn upgrade_keeps_failures_of_users(db) {
        db.of_schema(15, &[]).await;
        let at = db.clock.now().millis();
        let alice = someone('a');
        db.raw(&format!(
            "INSERT INTO failed_logins (subject, kind, result, at, server) VALUES ('{alice}', 'user', 'wrong', {at}, 'old')"
        ))
        .await
        .unwrap();
        let rows = db.open().await.failed_logins().of_others("new", 0, KEEP).await.unwrap();
        let kept = LoginEvent::UserFailed(alice, SourceHash::new(0));
        assert_eq!(rows.iter().map(|row| row.event).collect::<Vec<_>>(), [kept]);
    }

    async fn ended_password_is_listed_for_a_day(db) {
        let accounts = db.open().await;
        let (alice, start) = (crate::test_db::user("alice"), db.clock.now());
        accounts.credential_epoch().forget(alice.name()).await.unwrap();
        db.clock.advance(Duration::from_secs(60));
        accounts.credential_epoch().forget(alice.name()).await.unwrap();
        let ended = async |not_before| accounts.credential_epoch().passwords_ended_since(not_before).await.unwrap();
        assert_eq!(ended(start).await, [(alice.name().clone(), db.clock.now())]);
        assert_eq!(ended(db.clock.now().after(Duration::from_millis(1))).await, []);
    }

    async fn only_administrator_is_the_last_enabled_one(db) {
        let accounts = db.open().await;
        let only = async || accounts.users().only_administrator().await.unwrap();
        assert_eq!(only().await, None);
        for name in ["root", "other"] {
            let new = accounts::NewUser::new(crate::test_db::user(name)).group(accounts::GroupId::admin());
            accounts.users().create(new).await.unwrap();
            assert_eq!(only().await.is_some(), name == "root");
        }
        accounts.users().set_enabled(&crate::test_db::user("other"), false).await.unwrap();
        assert_eq!(only().await, Some(crate::test_db::user("root")));
    }

    async fn flood_is_kept_within_bounds_and_the_newest_stay(db) {
        let accounts = db.open().await;
        let seen = accounts.credential_epoch().current().await.unwrap();
        let at = db.clock.now();
        accounts.failed_logins().record("one", seen, &[(failed(home()), at)], KEEP).await.unwrap();
        let jump = format!(
            "INSERT INTO failed_logins (key, subject, kind, result, at, server) \
             VALUES ({}, '203.0.113.9', 'source', 'wrong', {}, 'x')",
            accounts::MAX_FAILED_LOGINS + 1, at.millis()
        );
        db.raw(&jump).await.unwrap();
        accounts.failed_logins().record("one", seen, &[], KEEP).await.unwrap();
        assert_eq!(accounts.failed_logins().of(home(), Timestamp::from_millis(0)).await.unwrap(), []);
        assert_eq!(accounts.failed_logins().of("203.0.113.9".parse().unwrap(), Timestamp::from_millis(0)).await.unwrap().len(), 1);
    }

    async fn reset_in_one_process_holds_in_every_other(db) {
        let [server, command] = [db.open().await, db.open().await];
        let resolver = resolver();
        let follower = InvalidationWatcher::start(server.clone(), [resolver.clone()]).await.unwrap();
        let seen = follower.catch_up().await.unwrap();
        let now = db.clock.now();
        server.failed_logins().record("one", seen, &[(failed(cafe()), now); 12], KEEP).await.unwrap();
        for _ in 0..12 {
            resolver.count_failure(cafe(), Certainty::Wrong, Duration::from_secs(60));
        }
        assert!(matches!(from_the_cafe(&resolver).await, Outcome::Throttled { .. }));
        assert_eq!(command.failed_logins().reset(cafe()).await.unwrap(), 12);
        follower.catch_up().await.unwrap();
        assert!(matches!(from_the_cafe(&resolver).await, Outcome::Authenticated(_)));
        // What the server had not yet written when it was forgiven stays unwritten until it has
        // seen the reset.
        assert!(!server.failed_logins().record("one", seen, &[(failed(cafe()), now)], KEEP).await.unwrap());
        assert_eq!(command.failed_logins().of(cafe(), Timestamp::from_millis(0)).await.unwrap(), []);
        let line = command.audit().latest(1, None).await.unwrap().pop().unwrap();
        assert_eq!((line.action.as_str(), line.target.as_str()), ("place.forgiven", "203.0.113.7"));
    }

    async fn server_runs_as_long_as_it_sends_heartbeats(db) {
        let accounts = db.open().await;
        let room = accounts.instances();
        let started = db.clock.now();
        room.report("one", started, "{}").await.unwrap();
        db.clock.advance(HEARTBEAT_INTERVAL);
        room.report("two", db.clock.now(), "{}").await.unwrap();
        room.report("one", started, r#"{"accepted":1}"#).await.unwrap();
        let names_and_status = |running: Vec<Instance>| running.into_iter().map(|one| (one.id, one.status)).collect::<Vec<_>>();
        let running = names_and_status(room.running().await.unwrap());
        assert_eq!(running, [("one".to_owned(), r#"{"accepted":1}"#.to_owned()), ("two".to_owned(), "{}".to_owned())]);
        room.unregister("one").await.unwrap();
        assert_eq!(room.running().await.unwrap().len(), 1);
        // Killed: it reports nothing any more.
        db.clock.advance(STALE_AFTER + Duration::from_secs(1));
        assert_eq!(room.running().await.unwrap(), []);
    }
}
