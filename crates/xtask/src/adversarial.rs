//! `cargo xtask adversarial`: all adversarial tests, with figures.
//!
//! The tests assert what must hold on any machine. How late an answer may come is judged here,
//! where the machine is known to do nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fuzz;
use crate::prerequisites;
use crate::rig::Rig;
use crate::step::{self, Outcome, StepLog};
use crate::test::on_rig;

/// The tests that write figures.
const TESTS: &str = "(binary(scripted) & test(/^adversarial::/)) | (binary(live) & test(/^faults::/)) | binary(memory) | binary(isolation) | binary(replay) | (package(user-backend-server) & test(/^(attacks|bounds)::/))";

/// How much later a login may be because another file server hangs.
const ISOLATION_MS: u64 = 100;

/// How much more memory attackers may make the server hold.
const SERVER_MIB: u64 = 64;

/// How many mutated dialogues, unless the command line says otherwise.
const MUTATIONS: u32 = 3000;

/// `cargo xtask adversarial`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Without the test servers: no faults between us and them
    #[arg(long)]
    no_rig: bool,
    /// Servers in containers instead of processes on this machine
    #[arg(long, conflicts_with = "no_rig")]
    compose: bool,
    /// How many mutated dialogues are played at each backend
    #[arg(long, default_value_t = MUTATIONS)]
    mutations: u32,
    /// Seconds to run each fuzz target under libFuzzer; 0: only recorded and mutated inputs
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    fuzz_seconds: u64,
}

/// Runs the adversarial tests and prints their figures.
///
/// # Errors
///
/// Names the steps that failed; a figure that must be 0 and is not is a step, too.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut steps = StepLog::default();
    check(args, &mut steps);
    steps.finish()
}

/// The same without arguments, for CI.
pub(crate) fn all(steps: &mut StepLog) {
    check(&Args { no_rig: false, compose: false, mutations: MUTATIONS, fuzz_seconds: 0 }, steps);
}

fn check(args: &Args, steps: &mut StepLog) {
    let rig = (!args.no_rig).then(|| Rig::new(args.compose));
    let directory = step::target().join("adversarial");
    let ready = steps.run("install", "what is missing: libraries, test servers, cargo-nextest", || {
        let mut missing = prerequisites::missing_libraries();
        if let Some(rig) = &rig {
            missing.extend(rig.missing()?);
            missing.extend(prerequisites::missing_clock());
            missing.extend(prerequisites::missing_servers());
        }
        prerequisites::install(&missing)?;
        if directory.is_dir() {
            fs::remove_dir_all(&directory)?;
        }
        prerequisites::tool("cargo-nextest", "cargo-nextest", "^0.9", 6)
    });
    if ready.is_none() {
        return;
    }
    let mut guard = None;
    let mut variables = Vec::new();
    if let Some(rig) = &rig {
        let up = steps.run("rig", "starting the IMAP, FTP and SMB servers", || Ok((rig.up()?, rig.env()?)));
        let Some((running, env)) = up else { return };
        guard = Some(running);
        variables = env;
        variables.push(("RIG_REQUIRED".into(), "1".into()));
    }
    variables.push(("ADVERSARIAL_REPORT".into(), directory.display().to_string()));
    variables.push(("ADVERSARIAL_MUTATIONS".into(), args.mutations.to_string()));
    steps.run("tests", "scripts, certificates, mutations, faults, floods; one after the other", || {
        let mut nextest = step::cargo(&[
            "nextest",
            "run",
            "-p",
            "user-backend-tests",
            "-p",
            "user-backend-fuzz",
            "-p",
            "user-backend-server",
            "--all-features",
        ]);
        nextest.args(["--no-fail-fast", "--test-threads", "1", "-E", TESTS]);
        step::run(on_rig(&mut nextest, &variables))
    });
    drop(guard);
    let fuzzed = if args.fuzz_seconds == 0 { None } else { fuzz::campaign(steps, args.fuzz_seconds, &[]) };
    steps.run("figures", "what must be 0 is 0", || {
        let mut figures = Figures::read(&directory)?;
        figures.fuzz += fuzzed.as_deref().map_or(0, fuzz::Run::executions);
        print!("\n{figures}");
        figures.judge(rig.is_some())
    });
}

/// The figures of all tests together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    scripts: u64,
    handshakes: u64,
    mutations: u64,
    fuzz: u64,
    faults: u64,
    outcomes: BTreeMap<String, u64>,
    wrong: u64,
    panics: u64,
    overruns: u64,
    latest_ms: u64,
    peak_bytes: u64,
    secrets: u64,
    searched_bytes: u64,
    isolation_ms: Option<u64>,
    server_rounds: u64,
    server_missed: u64,
    server_latest_ms: u64,
    server_mib: u64,
}

impl Figures {
    fn read(directory: &Path) -> Outcome<Self> {
        let missing = |error| format!("no figures in {}: {error}", directory.display());
        let mut figures = Self::default();
        for entry in fs::read_dir(directory).map_err(missing)? {
            figures.add(&serde_json::from_str(&fs::read_to_string(entry?.path())?)?);
        }
        Ok(figures)
    }

    fn add(&mut self, report: &Value) {
        let figure = |name: &str| report[name].as_u64().unwrap_or(0);
        self.scripts += figure("scripts");
        self.handshakes += figure("handshakes");
        self.mutations += figure("mutations");
        self.fuzz += figure("fuzz");
        self.faults += figure("faults");
        self.wrong += figure("wrong");
        self.panics += figure("panics");
        self.overruns += figure("overruns");
        self.secrets += figure("secrets");
        self.searched_bytes += figure("searched");
        self.latest_ms = self.latest_ms.max(figure("latest_ms"));
        self.peak_bytes = self.peak_bytes.max(figure("peak_bytes"));
        self.server_rounds += figure("server_rounds");
        self.server_missed += figure("server_missed");
        self.server_latest_ms = self.server_latest_ms.max(figure("server_latest_ms"));
        self.server_mib = self.server_mib.max(figure("server_mib"));
        self.isolation_ms = self.isolation_ms.max(report["isolation_ms"].as_u64());
        for (kind, count) in report["outcomes"].as_object().into_iter().flatten() {
            *self.outcomes.entry(kind.clone()).or_default() += count.as_u64().unwrap_or(0);
        }
    }

    /// A skipped test counts as a failure.
    fn judge(&self, with_rig: bool) -> Outcome {
        let zeros = [
            ("wrong answers", self.wrong),
            ("panics", self.panics),
            ("deadline overruns", self.overruns),
            ("secret occurrences", self.secrets),
            ("requests that an attacked server did not answer", self.server_missed),
            (
                "MiB that attackers made the server hold",
                Some(self.server_mib).filter(|mib| *mib > SERVER_MIB).unwrap_or(0),
            ),
            (
                "ms that a hung file server cost others",
                self.isolation_ms.filter(|ms| *ms > ISOLATION_MS).unwrap_or(0),
            ),
        ];
        let ran = [
            ("scripts", self.scripts > 0),
            ("handshakes", self.handshakes > 0),
            ("mutations", self.mutations > 0),
            ("fuzz executions", self.fuzz > 0),
            ("faults", self.faults > 0 || !with_rig),
            ("attacks on the server", self.server_rounds > 1),
            ("the largest memory", self.peak_bytes > 0),
            ("searched output", self.searched_bytes > 0),
            ("the delay by a hung file server", self.isolation_ms.is_some()),
        ];
        let bad =
            zeros.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what}: {count}"));
        let absent = ran.iter().filter(|(_, ran)| !ran).map(|(what, _)| format!("{what}: none"));
        let complaints: Vec<_> = bad.chain(absent).collect();
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join(", ").into()) }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut row = |what: &str, figure: String| writeln!(f, "{what:<34} {figure}");
        row("scripts run", self.scripts.to_string())?;
        row("bad certificates and handshakes", self.handshakes.to_string())?;
        row("faults run", self.faults.to_string())?;
        row("mutated dialogues", self.mutations.to_string())?;
        row("fuzz executions", self.fuzz.to_string())?;
        for (kind, count) in &self.outcomes {
            row(&format!("  outcome {kind}"), count.to_string())?;
        }
        row("wrong answers", self.wrong.to_string())?;
        row("panics", self.panics.to_string())?;
        row("deadline overruns (> 100 ms)", format!("{}, latest {} ms", self.overruns, self.latest_ms))?;
        row("largest memory of one attempt", format!("{} KiB", self.peak_bytes.div_ceil(1024)))?;
        let delay = self.isolation_ms.map_or_else(|| "not measured".to_owned(), |ms| format!("{ms} ms"));
        row("delay by another, hung file server", delay)?;
        row("requests an attacked server missed", self.server_missed.to_string())?;
        row("its latest answer to others", format!("{} ms", self.server_latest_ms))?;
        row("memory that attackers made it hold", format!("{} MiB", self.server_mib))?;
        row("secret occurrences", format!("{} in {} KiB", self.secrets, self.searched_bytes / 1024))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_all_tests_are_added_and_what_is_not_0_is_named() {
        let mut figures = Figures::default();
        figures.add(
            &serde_json::json!({"scripts": 2, "outcomes": {"accepted": 1, "protocol": 1}, "searched": 9}),
        );
        figures.add(
            &serde_json::json!({"faults": 3, "outcomes": {"accepted": 3}, "overruns": 1, "latest_ms": 140}),
        );
        figures.add(&serde_json::json!({"mutations": 5, "fuzz": 7, "handshakes": 1, "peak_bytes": 4096}));
        figures.add(&serde_json::json!({"isolation_ms": 3}));
        figures.add(&serde_json::json!({"server_rounds": 300, "server_latest_ms": 40, "server_mib": 12}));
        figures.add(&serde_json::json!({"server_rounds": 1, "server_mib": 7}));
        assert_eq!((figures.scripts, figures.faults, figures.outcomes["accepted"]), (2, 3, 4));
        assert_eq!(figures.judge(true).unwrap_err().to_string(), "deadline overruns: 1");
        figures.overruns = 0;
        figures.judge(true).unwrap();
        figures.isolation_ms = Some(101);
        assert_eq!(
            figures.judge(true).unwrap_err().to_string(),
            "ms that a hung file server cost others: 101"
        );
        figures.isolation_ms = Some(100);
        figures.server_mib = SERVER_MIB + 1;
        assert_eq!(
            figures.judge(true).unwrap_err().to_string(),
            "MiB that attackers made the server hold: 65"
        );
        figures.server_mib = SERVER_MIB;
        figures.faults = 0;
        figures.judge(false).unwrap();
        assert_eq!(figures.judge(true).unwrap_err().to_string(), "faults: none");
    }
}
