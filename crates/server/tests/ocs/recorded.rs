//! Replays exchanges with version 25.0.2 of the PHP system, in their order.
//!
//! Status, code and message are the same, or the difference has a reason. `tests/exchanges.tsv` has
//! them; its last column names what is answered here instead, and why.

use std::fmt::Write as _;

use user_backend_server::provisioning::level_codes::CODES;

use super::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exchanges.tsv");

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compatibility.md");

/// How many columns a line has.
const COLUMNS: usize = 10;

/// A recorded exchange, and what this server answers.
struct Exchange {
    /// Its name, who asked and for what.
    about: String,
    /// Whether it is only a call that others need.
    is_setup: bool,
    /// What was answered there: status, code, message.
    there: String,
    /// What is to be answered here at level 25.
    expected: String,
    /// Why that differs.
    reason: Option<String>,
    here: String,
}

/// Asks a new server of this level everything.
async fn replay(level: &str) -> Vec<Exchange> {
    let server = Server::with(&format!("compat = \"{level}\""), "").await;
    let text = std::fs::read_to_string(FILE).unwrap();
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, method, path, headers, body, who, status, code, message, differs] = columns[..] else {
            panic!("{} columns instead of {COLUMNS}: {line}", columns.len());
        };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let (who, password) = match who.strip_prefix("wrong:") {
            Some(who) => (who, "wrong password 1"),
            None => (who, PASSWORD),
        };
        let mut ask = server.ask("-", method, path);
        if who != "-" {
            ask = ask.basic(who, password);
        }
        ask = ask.form(body);
        for header in headers.split(" | ").filter(|header| !header.is_empty()) {
            ask = match (header.strip_prefix('-'), header.split_once(": ")) {
                (Some(name), _) => ask.without(name),
                (None, Some((name, value))) => ask.header(name, value),
                (None, None) => panic!("{header}"),
            };
        }
        let answer = ask.send().await;
        let has_envelope = answer.body.contains("statuscode");
        let code_here = if has_envelope { answer.code().to_string() } else { String::new() };
        let message_here = match answer.body.starts_with('{') && !has_envelope {
            true => answer.json()["message"].as_str().unwrap_or_default().to_owned(),
            false => answer.message(),
        };
        let there = format!("{status} {code} {message}");
        let (expected, reason) = match differs.split_once(" # ") {
            Some((expected, reason)) => (expected.to_owned(), Some(reason.to_owned())),
            None => (there.clone(), None),
        };
        all.push(Exchange {
            about: format!("{name}\t{who}\t{path} {body:.60}"),
            is_setup: name == "setup",
            here: format!("{} {code_here} {}", answer.status, message_here.trim_end()),
            there,
            expected,
            reason,
        });
    }
    all
}

/// How often each of these occurs, by name.
type Counts = std::collections::BTreeMap<String, usize>;

/// Fails unless the page for people has these numbers, with a reason where asked for.
fn documented(counts: &Counts, with_reason: bool) {
    let document = document();
    for (what, count) in counts {
        let row = format!("| {what} | {count} |");
        let found = document.lines().find_map(|line| line.strip_prefix(&row));
        let found = found.unwrap_or_else(|| panic!("docs/compatibility.md should have {counts:#?}"));
        assert_eq!(found.trim_matches([' ', '|']).len() > 10, with_reason, "{row}{found}");
    }
}

fn document() -> String {
    std::fs::read_to_string(DOCUMENT).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_exchanges_are_repeated_or_differ_for_a_reason() {
    let (mut counts, mut wrong) = (Counts::new(), String::new());
    let mut same = 0;
    for exchange in replay("25").await {
        let Exchange { about, there, expected, here, .. } = &exchange;
        if here != expected {
            let _ = writeln!(wrong, "{about}\n  there {there:?}, here {here:?}");
        } else if here == there {
            same += usize::from(!exchange.is_setup);
            if exchange.reason.is_some() {
                let _ = writeln!(wrong, "{about} no longer differs");
            }
        }
        if let Some(reason) = exchange.reason {
            *counts.entry(reason).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    documented(&counts, true);
    documented(&Counts::from([("the same".to_owned(), same)]), false);
    let document = document();
    let rows = document.split("| exchanges | why |\n").nth(1).unwrap().lines();
    assert_eq!(rows.take_while(|line| line.starts_with('|')).count(), counts.len() + 2, "too many rows");
}

/// The rows of the table of levels that are no codes.
///
/// Tests in `compat.rs` get both answers of each.
const OTHER_ROWS: [&str; 6] = [
    "| `additional_mail` that the user has already | 100 | 101 |",
    "| text of 104 | `group X does not exist` | `Group X does not exist` |",
    "| `version` in the capabilities, in `/status.php` and in `occ status` | 25.0.2 | 31.0.0 |",
    "| `capabilities.provisioning_api.version` | 1.15.0 | 1.21.0 |",
    "| `capabilities.password_policy.policies` | none | `account`, beside the flat values |",
    "| order of `/cloud/user/fields` | later fields at the end | `bluesky`, `fediverse` after `twitter` |",
];

/// At level 31 only what the table of levels has is answered otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn recorded_exchanges_at_level_31_differ_as_documented() {
    let (mut counts, mut wrong) = (Counts::new(), String::new());
    let (old, new) = tokio::join!(replay("25"), replay("31"));
    for (old, new) in old.iter().zip(&new).filter(|(old, _)| !old.is_setup) {
        let parts = |exchange: &Exchange| {
            let (status, rest) = exchange.here.split_once(' ').unwrap();
            let (code, text) = rest.split_once(' ').unwrap();
            (status.to_owned(), code.to_owned(), text.to_owned())
        };
        let (before, after) = (parts(old), parts(new));
        let row = CODES
            .iter()
            .find(|row| (row.v25.to_string(), row.v31.to_string()) == (before.1.clone(), after.1.clone()));
        let what = match row {
            _ if before == after => "the same as at level 25",
            Some(row) if before.0 == after.0 => row.text,
            None if ["100", "200"].contains(&&*before.1) && after.1 == "101" => {
                "`additional_mail` that the user has already"
            }
            None if before.1 == "104" && before.2 == after.2.replacen('G', "g", 1) => "text of 104",
            _ => {
                let _ = writeln!(wrong, "{}\n  at 25 {:?}, at 31 {:?}", old.about, old.here, new.here);
                continue;
            }
        };
        *counts.entry(what.to_owned()).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    documented(&counts, false);
}

/// The table of levels in the document is that of the program.
#[test]
fn documented_levels_are_those_of_the_program() {
    let rows = CODES.iter().map(|row| format!("| {} | {} | {} |", row.text, row.v25, row.v31));
    let expected: Vec<String> = rows.chain(OTHER_ROWS.map(str::to_owned)).collect();
    let document = document();
    let table = document.split("| what | 25 | 31 |\n|---|---|---|\n").nth(1).unwrap();
    let found: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(found, expected);
}
