//! Wrong passwords in a row at local users, where the policy limits them (A3).

use std::time::Duration;

use accounts::ResetSettings;
use accounts::{Actor, GroupId, NewUser};

use crate::fixture::{ALICE, Fixture, Remembering, deadline, password, word};
use crate::test_db::{TestDb, on_both, user};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// With alice, and another administrator, where three wrong passwords in a row are enough.
async fn house(place: &TestDb) -> Fixture {
    let house = Fixture::empty(place, r#"{"maximumLoginAttempts": 3}"#, ResetSettings::default()).await;
    for name in ["alice", "root", "other"] {
        let mut new = NewUser::new(user(name));
        if name != "alice" {
            new = new.group(GroupId::admin());
        }
        house.add(new, ALICE).await;
    }
    house
}

async fn guess(house: &Fixture, name: &str, guesses: std::ops::Range<u32>) -> Vec<String> {
    let mut told = Vec::new();
    for number in guesses {
        told.push(word(house.sign_in(name, &format!("guess {number}")).await));
    }
    told
}

on_both! {
    async fn three_failures_lock_the_user_in_every_process(place) {
        let here = house(place).await;
        for name in ["alice", "ghost"] {
            let wrong = if name == "alice" { "bad_credentials" } else { "unknown_user" };
            let told = guess(&here, name, 0..6).await;
            assert_eq!(told, [wrong, wrong, wrong, "account_locked", "account_locked", "account_locked"], "{name}");
        }
        assert_eq!(word(here.sign_in("alice", ALICE).await), "account_locked");
        assert_eq!(word(here.sign_in("Alice", ALICE).await), "account_locked");
        // Another process, or this one started again.
        let there = Fixture::empty(place, r#"{"maximumLoginAttempts": 3}"#, ResetSettings::default()).await;
        assert_eq!(word(there.sign_in("alice", ALICE).await), "account_locked");
        assert_eq!(word(there.sign_in("root", ALICE).await), "accepted root");
        // A lock, and no disabled account.
        assert!(here.accounts.users().get(&user("alice")).await.unwrap().enabled);
        here.clock.advance(DAY - Duration::from_millis(1));
        assert_eq!(word(there.sign_in("alice", ALICE).await), "account_locked");
        here.clock.advance(Duration::from_millis(1));
        assert_eq!(word(there.sign_in("alice", ALICE).await), "accepted alice");
    }

    async fn a_right_password_ends_the_row_and_a_new_one_forgives_it(place) {
        let house = house(place).await;
        for round in 0..5 {
            assert_eq!(guess(&house, "alice", round * 10..round * 10 + 2).await, ["bad_credentials"; 2]);
            assert_eq!(word(house.sign_in("alice", ALICE).await), "accepted alice");
        }
        guess(&house, "alice", 100..110).await;
        assert_eq!(word(house.sign_in("alice", ALICE).await), "account_locked");
        house.passwords.set(&user("alice"), &password("Looking-Glass"), Actor::system(), deadline()).await.unwrap();
        assert_eq!(word(house.sign_in("alice", "Looking-Glass").await), "accepted alice");
        guess(&house, "alice", 100..110).await;
        house.accounts.credential_epoch().forget(user("alice").name()).await.unwrap();
        assert_eq!(guess(&house, "alice", 110..111).await, ["bad_credentials"]);
    }

    async fn cached_password_passes_and_repeated_wrong_one_is_free(place) {
        let house = house(place).await;
        for _ in 0..20 {
            assert_eq!(word(house.sign_in("alice", "an old one on a phone").await), "bad_credentials");
        }
        let remembering = Remembering::of(&house.accounts, house.backend).await;
        assert_eq!(remembering.sign_in("alice", ALICE).await, "accepted alice");
        for number in 0..10 {
            remembering.sign_in("alice", &format!("guess {number}")).await;
        }
        assert_eq!(remembering.sign_in("alice", ALICE).await, "accepted alice");
        assert_eq!(remembering.sign_in("alice", "something else").await, "account_locked");
    }

    async fn the_last_administrator_is_never_locked_out(place) {
        let house = house(place).await;
        guess(&house, "root", 0..10).await;
        assert_eq!(word(house.sign_in("root", ALICE).await), "account_locked", "there is another one");
        house.accounts.users().set_enabled(&user("other"), false).await.unwrap();
        assert_eq!(guess(&house, "root", 10..30).await.last().unwrap(), "bad_credentials");
        assert_eq!(word(house.sign_in("root", ALICE).await), "accepted root");
    }

    async fn of_a_burst_no_more_than_three_are_compared(place) {
        let house = std::sync::Arc::new(house(place).await);
        let burst: Vec<_> = (0..30)
            .map(|number| {
                let house = house.clone();
                tokio::spawn(async move { word(house.sign_in("alice", &format!("guess {number}")).await) })
            })
            .collect();
        let mut compared = 0;
        for one in burst {
            match one.await.unwrap().as_str() {
                "bad_credentials" => compared += 1,
                other => assert_eq!(other, "account_locked"),
            }
        }
        assert_eq!(compared, 3);
    }

    async fn right_password_of_a_disabled_user_is_no_failure(place) {
        let house = house(place).await;
        house.accounts.users().set_enabled(&user("alice"), false).await.unwrap();
        for _ in 0..10 {
            assert_eq!(word(house.sign_in("alice", ALICE).await), "account_disabled");
            // Taken back behind the answer.
            settled(place).await;
        }
    }
}

/// Waits until no attempt is counted.
async fn settled(place: &TestDb) {
    while place.number("SELECT COALESCE(SUM(failures), 0) FROM login_failures").await > 0 {
        tokio::task::yield_now().await;
    }
}
