//! Replays exchanges with version 25.0.2 of the PHP system, in their order.
//!
//! Status, code and message are the same, or the difference has a reason. `tests/exchanges.tsv` has
//! them; its last column names what is answered here instead, and why.

use std::fmt::Write as _;

use super::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exchanges.tsv");

const DOCUMENT: &str = include_str!("../../../../docs/compatibility.md");

/// How many columns a line has.
const COLUMNS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn recorded_exchanges_are_repeated_or_differ_for_a_reason() {
    let server = Server::start().await;
    let text = std::fs::read_to_string(FILE).unwrap();
    let (mut same, mut reasons, mut wrong) = (0, std::collections::BTreeMap::new(), String::new());
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
        let here = format!("{} {code_here} {}", answer.status, message_here.trim_end());
        let there = format!("{status} {code} {message}");
        let (expected, reason) = match differs.split_once(" # ") {
            Some((expected, reason)) => (expected, Some(reason)),
            None => (there.as_str(), None),
        };
        if here != expected {
            let _ = writeln!(wrong, "{name}\t{who}\t{path} {body:.60}\n  there {there:?}, here {here:?}");
        } else if here == there {
            // Calls between the recorded ones, which they need.
            same += usize::from(name != "setup");
            if reason.is_some() {
                let _ = writeln!(wrong, "{name} no longer differs");
            }
        }
        if let Some(reason) = reason {
            *reasons.entry(reason.to_owned()).or_insert(0) += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // The page for people has the same numbers and reasons.
    let mut table = format!("| the same | {same} |\n");
    for (reason, count) in reasons {
        let _ = writeln!(table, "| {reason} | {count} |");
    }
    assert!(DOCUMENT.contains(&table), "docs/compatibility.md should have\n{table}");
}

/// The table of levels in the document is that of the program.
#[test]
fn documented_levels_are_those_of_the_program() {
    for row in user_backend_server::provisioning::level_codes::CODES {
        let line = format!("| {} | {} | {} |\n", row.text, row.v25, row.v31);
        assert!(DOCUMENT.contains(&line), "{line}");
    }
}
