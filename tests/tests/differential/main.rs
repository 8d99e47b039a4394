//! The PHP app's own classes beside ours.
//!
//! The same arguments, names and passwords, at the same servers.
//!
//! `USER_EXTERNAL` names a folder with the app (nextcloud/user_external), which is run and not part
//! of this repository; `cargo xtask differential` starts the servers and runs this. Each difference
//! must be a row of `expected.toml`, which says where the documentation explains it.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod expected;
mod ours;
mod php;
mod servers;

use std::collections::BTreeMap;

use expected::{Expected, Row};
use php::Php;
use user_backend_tests::Rig;
use user_backend_tests::pure_ftpd::PureFtpd;

/// How one program answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Signed in as this user, who joins these groups.
    Yes {
        id: String,
        groups: Vec<String>,
    },
    No,
    /// No decision: an outage, or settings that are refused.
    Error(String),
}

/// The kind of a difference, as in `expected.toml`; `None` when both answers agree.
fn difference(there: &Answer, here: &Answer) -> Option<&'static str> {
    match (there, here) {
        (Answer::Yes { id, .. }, Answer::Yes { id: other, .. }) if id != other => Some("another id"),
        (Answer::Yes { groups, .. }, Answer::Yes { groups: other, .. }) if groups != other => {
            Some("other groups")
        }
        (Answer::Yes { .. }, Answer::Yes { .. }) | (Answer::No, Answer::No) => None,
        (Answer::Yes { .. }, Answer::No) => Some("yes there, no here"),
        (Answer::Yes { .. }, Answer::Error(_)) => Some("yes there, error here"),
        (Answer::No, Answer::Yes { .. }) => Some("no there, yes here"),
        (Answer::No, Answer::Error(_)) => Some("no there, error here"),
        (Answer::Error(_), Answer::Yes { .. }) => Some("error there, yes here"),
        (Answer::Error(_), Answer::No) => Some("error there, no here"),
        (Answer::Error(_), Answer::Error(_)) => None,
    }
}

/// How many pairs there are at least.
const LEAST: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_programs_answer_alike_or_as_documented() {
    let Some(mut php) = Php::start() else { return };
    let expected = Expected::read();
    let pure_ftpd = PureFtpd::start(cases::PURE_FTPD);
    let pairs = cases::all(pure_ftpd.as_ref()).await;
    assert!(pairs.len() >= LEAST, "{} pairs", pairs.len());
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let (mut alike, mut used) = (0, vec![0_usize; expected.rows().len()]);
    let mut unexpected = Vec::new();
    let mut ours = ours::Ours::default();
    let rig = Rig::find();
    for pair in &pairs {
        let _paused = pair.paused.and_then(|service| Some(rig.as_ref()?.paused(service)));
        let there = php.sign_in(pair);
        let here = ours.sign_in(pair).await;
        let Some(kind) = difference(&there, &here) else {
            alike += 1;
            continue;
        };
        let text = format!("{pair}\n    there: {there:?}\n    here:  {here:?}");
        kinds.entry(kind).or_default().push(text.clone());
        match expected.find(pair, kind) {
            Some(row) => used[row] += 1,
            None => unexpected.push(format!("{kind}: {text}")),
        }
    }
    report(&kinds, &expected, &used);
    println!(
        "\nsummary: {} pairs, {alike} alike, {} differences of which {} are not documented",
        pairs.len(),
        pairs.len() - alike,
        unexpected.len()
    );
    let unused = expected.rows().iter().zip(&used).filter(|(row, used)| **used == 0 && cases::covers(row));
    let unused: Vec<&Row> = unused.map(|(row, _)| row).collect();
    assert!(unused.is_empty(), "expected differences that do not occur:\n{unused:#?}");
    assert!(
        unexpected.is_empty(),
        "{} differences are not expected:\n{}",
        unexpected.len(),
        unexpected.join("\n")
    );
}

/// Prints every difference by kind, and how many each row of the table explains.
fn report(kinds: &BTreeMap<&str, Vec<String>>, expected: &Expected, used: &[usize]) {
    for (kind, all) in kinds {
        println!("\n{kind}: {}", all.len());
        all.iter().for_each(|text| println!("  {text}"));
    }
    println!("\nexplained by:");
    for (row, used) in expected.rows().iter().zip(used) {
        println!("  {used:5}  {}: {}", row.difference, row.documented);
    }
}

/// Each expected difference names a row of the documentation's table, word for word.
#[test]
fn expected_differences_are_documented() {
    let documentation = include_str!("../../../docs/configuration.md");
    let section = documentation.split("## What differs from the PHP app").nth(1).expect("the section");
    let expected = Expected::read();
    for row in expected.rows() {
        let line = format!("| {} |", row.documented);
        assert!(section.contains(&line), "What differs has no row {:?}", row.documented);
    }
}
