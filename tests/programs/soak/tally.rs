//! The oracle, and the figures.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use user_backend_tests::report;

use crate::metrics::ProcessMetrics;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A right password.
    Right,
    /// A password that was never right.
    Wrong,
    /// The right password of a user who must not sign in.
    Unwelcome,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Accepted,
    AnotherPerson,
    Refused(&'static str),
    NotMine,
    Failed(&'static str),
}

/// One attempt.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) scenario: &'static str,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) answer: Answer,
    pub(crate) late: Duration,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(&'static str, Kind, String), u64>,
    wrong: Vec<String>,
    overruns: u64,
    latest: Duration,
    /// Attempts that were not made, because too many were under way.
    pub(crate) held_back: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, done: Done) {
        let is_wrong = match done.answer {
            Answer::Accepted => done.kind != Kind::Right,
            Answer::AnotherPerson | Answer::NotMine => true,
            Answer::Refused(_) => done.kind == Kind::Right,
            Answer::Failed(_) => false,
        };
        if is_wrong {
            let Done { scenario, name, kind, answer, .. } = &done;
            let wrong = format!("{name} at {scenario}, {kind:?}: {answer:?}");
            eprintln!("WRONG: {wrong}");
            self.wrong.push(wrong);
        }
        self.overruns += u64::from(done.late > Duration::from_millis(100));
        self.latest = self.latest.max(done.late);
        let word = match done.answer {
            Answer::Accepted => "accepted",
            Answer::AnotherPerson => "accepted as another",
            Answer::Refused(_) => "refused",
            Answer::NotMine => "not mine",
            Answer::Failed(kind) => kind,
        };
        *self.counts.entry((done.scenario, done.kind, word.to_owned())).or_default() += 1;
    }

    fn sum(&self, wanted: impl Fn(&(&'static str, Kind, String)) -> bool) -> u64 {
        self.counts.iter().filter(|(key, _)| wanted(key)).map(|(_, count)| count).sum()
    }

    /// Prints the figures and judges them.
    pub(crate) fn print(
        &self,
        seconds: u64,
        rate: u64,
        seed: u64,
        disturbances: &BTreeMap<String, u64>,
        metrics: &ProcessMetrics,
        ill: &[&str],
    ) -> bool {
        println!("\nsoak: {seconds} s, {rate} attempts a second, seed {seed}");
        let mut scenarios: Vec<&str> = self.counts.keys().map(|(scenario, ..)| *scenario).collect();
        scenarios.dedup();
        for scenario in scenarios {
            let mut line = format!("  {scenario:<20}");
            for kind in [Kind::Right, Kind::Wrong, Kind::Unwelcome] {
                let counts = self.counts.iter().filter(|((l, k, _), _)| *l == scenario && *k == kind);
                let words: Vec<_> = counts.map(|((.., word), count)| format!("{word} {count}")).collect();
                line.push_str(&format!(" | {kind:?}: {}", words.join(", ")));
            }
            println!("{line}");
        }
        let row = |what: &str, figure: String| println!("{what:<34} {figure}");
        let attempts = self.sum(|_| true);
        row("attempts", format!("{attempts}, held back {}", self.held_back));
        let words: Vec<_> = disturbances.iter().map(|(what, count)| format!("{what} {count}")).collect();
        row("disturbances", words.join(", "));
        row("wrong answers", self.wrong.len().to_string());
        row("late by more than 100 ms", format!("{}, latest {} ms", self.overruns, self.latest.as_millis()));
        row("not well again", if ill.is_empty() { "none".to_owned() } else { ill.join(", ") });
        let leaks = metrics.print();
        let decided = |word: &str| self.sum(|(.., outcome)| outcome == word);
        let (accepted, refused) = (decided("accepted"), decided("refused"));
        report::leave(
            "soak",
            &json!({
                "soak": attempts, "seconds": seconds, "rate": rate, "seed": seed, "accepted": accepted, "refused": refused,
                "disturbances": disturbances, "wrong": self.wrong.len(), "not_well_again": ill,
                "leaks": leaks.len(), "gauge": metrics.figures(),
            }),
        );
        let mut complaints = leaks;
        complaints.extend(self.wrong.iter().take(10).map(|done| format!("a wrong answer: {done}")));
        complaints.extend(ill.iter().map(|scenario| format!("{scenario} is not well again")));
        // What decides nothing proves nothing.
        if accepted * 20 < attempts || refused * 20 < attempts {
            complaints.push(format!("of {attempts} attempts {accepted} were accepted and {refused} refused"));
        }
        if disturbances.values().sum::<u64>() == 0 {
            complaints.push("nothing was disturbed".to_owned());
        }
        complaints.iter().for_each(|complaint| println!("FAILED: {complaint}"));
        complaints.is_empty()
    }
}
