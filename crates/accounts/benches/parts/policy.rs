//! Cost of checking a new password: the list of common ones, and all rules together.

use std::collections::HashSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use fst::Streamer;
use password_policy::{CommonPasswords, Context, PasswordPolicy, Settings};
use serde_json::{Value, json};

use super::{Outcome, shown};

/// The embedded list, to know what is on it.
static LIST: &[u8] = include_bytes!("../../../password-policy/data/common-passwords.fst");

/// How often everything is measured; a figure is the median.
const RUNS: usize = 21;

pub(super) fn measure(rows: &mut Vec<Value>) -> Outcome {
    let list = CommonPasswords::embedded()?;
    let mut all = Vec::new();
    let set = fst::Set::new(LIST)?;
    let mut stream = set.stream();
    while let Some(entry) = stream.next() {
        all.push(String::from_utf8(entry.to_vec())?);
    }
    // A step that has no factor in common with the number of entries jumps from one end of the list
    // to the other.
    let entries: Vec<&str> = (0..20_000).map(|n| all[n * 700_001 % all.len()].as_str()).collect();
    let others: Vec<String> = entries.iter().map(|entry| format!("{entry}~{}", entry.len())).collect();
    let peer: HashSet<&str> = all.iter().map(String::as_str).collect();
    let each = |contains: &dyn Fn(&str) -> bool, entries: &[&str]| {
        median(|| entries.iter().filter(|entry| contains(entry)).count() as u64, entries.len())
    };
    let nanos = Duration::from_nanos;
    let (ours, floor) =
        (each(&|entry| list.contains(entry), &entries), each(&|entry| peer.contains(entry), &entries));
    row(
        rows,
        "common password, on the list, another each time (peer: a HashSet of 10^6)",
        ours,
        Some(floor),
        nanos(300),
    );
    let entries: Vec<&str> = others.iter().map(String::as_str).collect();
    let (ours, floor) =
        (each(&|entry| list.contains(entry), &entries), each(&|entry| peer.contains(entry), &entries));
    row(rows, "common password, not on the list (peer: a HashSet of 10^6)", ours, Some(floor), nanos(300));

    let settings = |text: &str| -> Outcome<PasswordPolicy> {
        Ok(PasswordPolicy::from_settings(&serde_json::from_str::<Settings>(text)?)?)
    };
    let manual = settings("{}")?;
    let nist = settings(r#"{"profile": "nist"}"#)?;
    let context = Context::default()
        .user_id("alice.liddell")
        .display_name("Alice Pleasance Liddell")
        .mail("al.lidd@wonderland.example")
        .product("Looking-Glass");
    let long = "Zürich–Ævi–Ωραία–Жизнь ".repeat(20);
    let long: String = long
        .chars()
        .scan(0, |bytes, letter| {
            *bytes += letter.len_utf8();
            (*bytes <= 468).then_some(letter)
        })
        .collect();
    for (what, policy, password) in [
        ("policy `manual`, 26 letters", &manual, "correct horse battery stapl"),
        ("policy `nist` with four context words, 26 letters", &nist, "correct horse battery stapl"),
        ("policy `nist` with four context words, 468 bytes beyond ASCII", &nist, long.as_str()),
    ] {
        let ours = median(
            || (0..1_000).filter(|_| policy.validate(black_box(password), &context).is_ok()).count() as u64,
            1_000,
        );
        row(rows, what, ours, None, Duration::from_micros(2));
    }
    Ok(())
}

fn row(rows: &mut Vec<Value>, what: &str, ours: Duration, peer: Option<Duration>, goal: Duration) {
    let ratio = peer.map(|peer| ours.as_secs_f64() / peer.as_secs_f64());
    println!("{what}: {}", shown(ours));
    rows.push(json!({"what": what, "ours": shown(ours), "peer": peer.map(shown), "ratio": ratio,
        "goal": format!("<= {}", shown(goal)), "met": ours <= goal, "runs": RUNS}));
}

/// The median time of one of `number` pieces of work.
fn median(mut work: impl FnMut() -> u64, number: usize) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            black_box(work());
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2] / u32::try_from(number).unwrap_or(u32::MAX)
}
