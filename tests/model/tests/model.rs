//! Checks the models, and that each bug is found.

#![allow(clippy::expect_used, reason = "tests")]

use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Checker, Model};
use user_backend_model::{budget, invalidation, pins, rights};

/// Tries all orders of the steps; returns the properties that do not hold, and how many states
/// there are.
fn violations<M>(model: M) -> (Vec<&'static str>, usize)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let expected: Vec<_> = model
        .properties()
        .into_iter()
        .map(|property| (property.name, matches!(property.expectation, stateright::Expectation::Sometimes)))
        .collect();
    let checker = model.checker().threads(2).spawn_bfs().join();
    let found = checker.discoveries();
    let broken = expected.into_iter().filter(|(name, is_example)| found.contains_key(name) != *is_example);
    (broken.map(|(name, _)| name).collect(), checker.unique_state_count())
}

#[test]
fn sign_ins_after_a_change_never_use_the_old_password() {
    let (broken, states) = violations(invalidation::Invalidation { bug: None });
    assert!(broken.is_empty(), "{broken:?}");
    assert!(states > 100_000, "{states}");
}

#[test]
fn budget_holds_over_crashed_servers() {
    let (broken, states) = violations(budget::Budget { bug: None });
    assert!(broken.is_empty(), "{broken:?}");
    assert!(states > 1_000, "{states}");
}

#[test]
fn name_has_one_owner() {
    let (broken, states) = violations(pins::Pins { bug: None });
    assert!(broken.is_empty(), "{broken:?}");
    assert!(states > 50, "{states}");
}

#[test]
fn weaker_credentials_end() {
    let (broken, states) = violations(rights::Rights { bug: None });
    assert!(broken.is_empty(), "{broken:?}");
    assert!(states > 50, "{states}");
}

#[test]
fn each_bug_of_invalidation_is_found() {
    use invalidation::Bug;
    const STALE: &str = "no yes after the answer to a change";
    for (bug, property) in [
        (Bug::MemoryBeforeEpoch, STALE),
        (Bug::ChangeWithoutEpoch, STALE),
        (Bug::EpochBeforeChange, STALE),
        (Bug::SeenBeforeInvalidation, STALE),
        (Bug::RememberedFromTheEnd, STALE),
        (Bug::OneCheckAcrossInvalidations, STALE),
        (Bug::SharedSlots, "another user's change disturbs no sign-in"),
    ] {
        let (broken, _) = violations(invalidation::Invalidation { bug: Some(bug) });
        assert!(broken.contains(&property), "{bug:?}: {broken:?}");
    }
}

#[test]
fn each_bug_of_the_budget_is_found() {
    use budget::Bug;
    for bug in [
        Bug::OwnBudgets,
        Bug::ReadThenWrite,
        Bug::CountedAfterwards,
        Bug::ClearedByAppPassword,
        Bug::RightClearsAll,
        Bug::DeadServersGiveBack,
    ] {
        let (broken, _) = violations(budget::Budget { bug: Some(bug) });
        assert!(broken.contains(&"no wrong password upstream beyond the budget"), "{bug:?}: {broken:?}");
    }
    let (broken, _) = violations(budget::Budget { bug: Some(Bug::RightClearsElsewhere) });
    assert!(broken.contains(&"no more guesses from elsewhere than the budget"), "{broken:?}");
}

#[test]
fn each_bug_of_pins_is_found() {
    use pins::Bug;
    for bug in [Bug::LookThenWrite, Bug::OwnerNotChecked, Bug::SpellingNotChecked, Bug::CreatedAfterALook] {
        let (broken, _) = violations(pins::Pins { bug: Some(bug) });
        assert!(broken.contains(&"no name with two owners"), "{bug:?}: {broken:?}");
    }
}

#[test]
fn each_bug_of_rights_is_found() {
    use rights::Bug;
    const WIPED: &str = "a wiped device opens nothing";
    for (bug, property) in [
        (Bug::RightCheckedEarlier, "no password by a right that ended"),
        (Bug::PromotionKeepsAppPasswords, "no app password from before a promotion"),
        (Bug::RenewedInTwoSteps, WIPED),
        (Bug::WipeIsNotInherited, WIPED),
    ] {
        let (broken, _) = violations(rights::Rights { bug: Some(bug) });
        assert!(broken.contains(&property), "{bug:?}: {broken:?}");
    }
}
