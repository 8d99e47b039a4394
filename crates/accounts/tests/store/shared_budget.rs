//! Failed logins at backends, counted for all servers: on PostgreSQL only.

use std::sync::Arc;
use std::time::Duration;

use accounts::StoredBudget;
use user_backend::BackendId;
use user_backend::brute_force::{
    AttemptLimit, BudgetEntry, BudgetReply, BudgetResult, SharedBudget, SourceHash, UserHash,
};

use crate::test_db::{TestDb, on_both};

const HOME: SourceHash = SourceHash::new(7);
const RIGHT: BudgetResult = BudgetResult::Right(HOME);
const WRONG: BudgetResult = BudgetResult::Wrong(HOME);

/// 4 failures in 15 minutes.
fn limit() -> AttemptLimit {
    AttemptLimit::default()
}

fn mail() -> BackendId {
    BackendId::parse("mail").unwrap()
}

fn alice() -> UserHash {
    "00112233445566778899aabbccddeeff".parse().unwrap()
}

async fn open(db: &TestDb) -> Option<Arc<StoredBudget>> {
    let budget = db.open().await.shared_budget();
    assert_eq!(budget.is_none(), db.is_sqlite(), "the one server of a SQLite file counts in memory");
    budget
}

async fn reserve(budget: &StoredBudget) -> BudgetReply {
    budget.reserve(&mail(), &alice(), limit()).await.unwrap()
}

async fn reserved(budget: &StoredBudget) -> BudgetEntry {
    match reserve(budget).await {
        BudgetReply::Reserved(entry) => entry,
        reply => panic!("{reply:?}"),
    }
}

async fn settle(budget: &StoredBudget, entry: BudgetEntry, result: BudgetResult) {
    budget.settle(&mail(), &alice(), entry, result).await.unwrap();
}

/// A wrong password from home.
async fn fail(budget: &StoredBudget) {
    settle(budget, reserved(budget).await, WRONG).await;
}

/// Lets all entries be older by this time.
async fn age(db: &TestDb, by: Duration) {
    let shift = i64::try_from(by.as_millis()).unwrap() << 20;
    let older =
        |column: &str| format!("{column} = ARRAY(SELECT entry - {shift} FROM unnest({column}) AS entry)");
    db.raw(&format!("UPDATE backend_failures SET {}, {}", older("wrong"), older("reserved"))).await.unwrap();
}

on_both! {
    async fn row_outlives_the_window_of_a_late_failure(db) {
        let Some(budget) = open(db).await else { return };
        fail(&budget).await;
        let kept = db.number("SELECT expires_at - (wrong[1] >> 20) FROM backend_failures").await;
        assert!(u128::try_from(kept).unwrap() > limit().per.as_millis() + 60_000, "{kept} ms");
    }

    async fn burst_from_several_servers_reserves_the_limit_and_no_more(db) {
        let mut servers = Vec::new();
        for _ in 0..4 {
            let Some(budget) = open(db).await else { return };
            servers.push(budget);
        }
        for round in 0..10 {
            let tasks: Vec<_> = (0..40).map(|number| {
                let budget = Arc::clone(&servers[number % 4]);
                tokio::spawn(async move { reserve(&budget).await })
            }).collect();
            let mut entries = Vec::new();
            for task in tasks {
                match task.await.unwrap() {
                    BudgetReply::Reserved(entry) => entries.push(entry),
                    reply => assert_eq!(reply, BudgetReply::ReachedByUnanswered),
                }
            }
            assert_eq!(entries.len(), 4, "round {round}");
            for entry in entries {
                settle(&servers[round % 4], entry, BudgetResult::Nothing).await;
            }
        }
    }

    async fn failures_expire_one_by_one(db) {
        let Some(budget) = open(db).await else { return };
        for _ in 0..4 {
            fail(&budget).await;
            age(db, Duration::from_secs(60)).await;
        }
        let BudgetReply::ReachedByFailures(wait) = reserve(&budget).await else { panic!("the limit is reached") };
        let expected = Duration::from_secs(11 * 60);
        assert!(wait <= expected && wait > expected - Duration::from_secs(30), "{wait:?}");
        // Another user and another backend are not affected.
        let other: UserHash = "ffeeddccbbaa99887766554433221100".parse().unwrap();
        assert!(matches!(budget.reserve(&mail(), &other, limit()).await.unwrap(), BudgetReply::Reserved(_)));
        let files = BackendId::parse("files").unwrap();
        assert!(matches!(budget.reserve(&files, &alice(), limit()).await.unwrap(), BudgetReply::Reserved(_)));
        age(db, Duration::from_secs(11 * 60)).await;
        fail(&budget).await;
        let BudgetReply::ReachedByFailures(wait) = reserve(&budget).await else { panic!("the limit is reached") };
        assert!(wait <= Duration::from_secs(60), "{wait:?}");
    }

    async fn right_password_ends_failures_and_keeps_attempts_under_way(db) {
        let Some(budget) = open(db).await else { return };
        for _ in 0..2 {
            fail(&budget).await;
        }
        let [guess, right] = [reserved(&budget).await, reserved(&budget).await];
        assert_eq!(reserve(&budget).await, BudgetReply::ReachedByUnanswered);
        settle(&budget, right, RIGHT).await;
        settle(&budget, guess, WRONG).await;
        for _ in 0..3 {
            fail(&budget).await;
        }
        assert!(matches!(reserve(&budget).await, BudgetReply::ReachedByFailures(_)));
    }

    async fn right_password_keeps_failures_since_it_was_reserved(db) {
        let Some(budget) = open(db).await else { return };
        let right = reserved(&budget).await;
        for _ in 0..3 {
            fail(&budget).await;
        }
        // The server may have seen the right password before the wrong ones.
        settle(&budget, right, RIGHT).await;
        fail(&budget).await;
        assert!(matches!(reserve(&budget).await, BudgetReply::ReachedByFailures(_)));
    }

    async fn right_password_keeps_failures_from_elsewhere(db) {
        let Some(budget) = open(db).await else { return };
        for _ in 0..3 {
            for result in [BudgetResult::Wrong(SourceHash::new(u32::MAX)), RIGHT] {
                let entry = reserved(&budget).await;
                settle(&budget, entry, result).await;
            }
        }
        fail(&budget).await;
        assert!(matches!(reserve(&budget).await, BudgetReply::ReachedByFailures(_)));
    }

    async fn settled_reservations_leave_no_row(db) {
        let Some(budget) = open(db).await else { return };
        for result in [BudgetResult::Nothing, RIGHT] {
            let entry = reserved(&budget).await;
            settle(&budget, entry, result).await;
            let empty = "DO $$ BEGIN ASSERT (SELECT count(*) FROM backend_failures) = 0; END $$";
            db.raw(empty).await.unwrap();
        }
    }

    async fn site_that_counts_in_valkey_too_has_half_here(db) {
        let Some(budget) = open(db).await else { return };
        assert_eq!(budget.renew_generation("marker", "process").await.unwrap(), None);
        budget.begin_generation("marker", "process").await.unwrap();
        for other in [("marker", "other"), ("other", "process")] {
            assert_eq!(budget.renew_generation(other.0, other.1).await.unwrap(), None);
        }
        assert!(budget.renew_generation("marker", "process").await.unwrap().is_some());
        for _ in 0..2 {
            fail(&budget).await;
        }
        assert!(matches!(reserve(&budget).await, BudgetReply::ReachedByFailures(_)));
        // No server has used it for the window and a minute.
        db.raw("UPDATE valkey_generation SET used_at = used_at - 961000").await.unwrap();
        for _ in 0..2 {
            fail(&budget).await;
        }
        assert!(matches!(reserve(&budget).await, BudgetReply::ReachedByFailures(_)));
    }

    async fn reservation_of_a_crashed_server_expires(db) {
        let Some(budget) = open(db).await else { return };
        for _ in 0..4 {
            reserved(&budget).await;
        }
        assert_eq!(reserve(&budget).await, BudgetReply::ReachedByUnanswered);
        age(db, limit().per).await;
        reserved(&budget).await;
    }
}
