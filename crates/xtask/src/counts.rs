//! `cargo xtask counts`: how many instructions an operation takes, beside what is recorded.
//!
//! Counts repeat where times do not: on a busy machine too, and within one percent on another one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::prerequisites;
use crate::step::{self, Outcome, StepLog};

/// `cargo xtask counts`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also a request to the server; its release build takes minutes
    #[arg(long)]
    full: bool,
    /// Writes what was counted into tests/counts/counts.json
    #[arg(long)]
    record: bool,
}

/// By how much a count may differ from the recorded one without a word.
const NOTICED: f64 = 0.05;

const PACKAGE: &str = "user-backend-counts";

/// Counts by operation: `cached-hit`, `imap-login`, and `api-get` with `--full`.
type Counts = BTreeMap<String, u64>;

/// Counts and prints.
///
/// # Errors
///
/// Something cannot be built, installed or run.
pub(crate) fn run(args: &Args) -> Outcome {
    if !step::have("valgrind") {
        prerequisites::install(&["valgrind".to_owned()])?;
    }
    let mut recorded = recorded()?;
    let mut counted = in_library()?;
    if args.full {
        counted.extend(in_server()?);
    }
    print!("{}", table(&recorded, &counted));
    if args.record {
        recorded.extend(counted);
        fs::write(record(), serde_json::to_string_pretty(&recorded)? + "\n")?;
    }
    Ok(())
}

/// The file with what is recorded.
fn record() -> PathBuf {
    step::root().join("tests/counts/counts.json")
}

fn recorded() -> Outcome<Counts> {
    Ok(serde_json::from_str(&fs::read_to_string(record())?)?)
}

/// What the library takes, as a step of CI.
pub(crate) fn library(steps: &mut StepLog) {
    in_ci(steps, "counts", in_library);
}

/// What the server takes, as a step of `ci --full`.
pub(crate) fn server(steps: &mut StepLog) {
    in_ci(steps, "counts-server", in_server);
}

fn in_ci(steps: &mut StepLog, name: &'static str, count: fn() -> Outcome<Counts>) {
    // No package is installed for a figure that fails nothing.
    if !step::have("valgrind") {
        steps.skip(name, "valgrind is not installed");
        return;
    }
    let what = "instructions of an operation; nothing fails here, what changed by 5 % is marked";
    steps.run(name, what, || {
        print!("{}", table(&recorded()?, &count()?));
        Ok(())
    });
}

/// The operations of the library: in memory, on one thread.
fn in_library() -> Outcome<Counts> {
    step::run(&mut step::cargo(&["build", "--quiet", "--release", "-p", PACKAGE]))?;
    let program = step::target().join("release").join(PACKAGE);
    let mut counted = Counts::new();
    for (operation, few, many) in [("cached-hit", 1_000, 11_000), ("imap-login", 100, 600)] {
        let log = log(operation)?;
        let count = per_operation([few, many], &log, |times| {
            let mut counter = step::program("valgrind");
            counter.args(COUNTER).arg(format!("--log-file={}", log.display())).arg(&program);
            step::run(counter.args([operation, &times.to_string()]))
        })?;
        counted.insert(operation.to_owned(), count);
    }
    Ok(counted)
}

/// Instructions of one operation: those of many less those of few, so that starting costs nothing.
///
/// `run` runs a number of them under the counter, which writes this log.
fn per_operation([few, many]: [u64; 2], log: &Path, run: impl Fn(u64) -> Outcome) -> Outcome<u64> {
    let of = |times| -> Outcome<u64> {
        run(times)?;
        total(&fs::read_to_string(log)?).ok_or_else(|| format!("no count in {}", log.display()).into())
    };
    Ok(of(many)?.saturating_sub(of(few)?) / (many - few))
}

/// Requests to the server that memory answers.
fn in_server() -> Outcome<Counts> {
    for package in ["user-backend-server", "user-backend-load"] {
        step::run(&mut step::cargo(&["build", "--quiet", "--release", "-p", package]))?;
    }
    let release = step::target().join("release");
    let log = log("api-get")?;
    // In the place of the server.
    let counter = log.with_extension("sh");
    let text = format!(
        "#!/bin/sh\nexec valgrind {} --log-file='{}' '{}' \"$@\"\n",
        COUNTER.join(" "),
        log.display(),
        release.join("user-backend-server").display()
    );
    fs::write(&counter, text)?;
    fs::set_permissions(&counter, fs::Permissions::from_mode(0o755))?;
    let count = per_operation([200, 1_200], &log, |times| {
        let mut load = step::program(release.join("user-backend-load"));
        step::run(load.env("OCS_SERVER", &counter).args(["requests", &times.to_string()]))
    })?;
    Ok(Counts::from([("api-get".to_owned(), count)]))
}

const COUNTER: &[&str] = &["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];

fn log(name: &str) -> Outcome<PathBuf> {
    let folder = step::target().join("counts");
    fs::create_dir_all(&folder)?;
    Ok(folder.join(format!("{name}.log")))
}

/// The total in the log of the counter: `==1== I   refs:      1,234,567`.
fn total(log: &str) -> Option<u64> {
    let (_, digits) = log.lines().find(|line| line.contains("refs:"))?.rsplit_once(':')?;
    digits.trim().replace(',', "").parse().ok()
}

/// What was counted beside what is recorded.
fn table(recorded: &Counts, counted: &Counts) -> String {
    let mut text = format!("{:<12} {:>10} {:>10} {:>8}\n", "operation", "recorded", "counted", "change");
    for (operation, now) in counted {
        let before = recorded.get(operation).copied().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let change = if before == 0 { 0.0 } else { *now as f64 / before as f64 - 1.0 };
        let mark = if change.abs() > NOTICED { "  <- changed" } else { "" };
        text.push_str(&format!("{operation:<12} {before:>10} {now:>10} {:>+7.1} %{mark}\n", change * 100.0));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_of_a_log_is_read() {
        let log = "==7== Cachegrind\n==7== \n==7== I   refs:      1,234,567\n";
        assert_eq!(total(log), Some(1_234_567));
        assert_eq!(total("==7== Cachegrind\n"), None);
    }

    #[test]
    fn change_above_five_percent_is_marked() {
        let counts = |hit, get| Counts::from([("hit".to_owned(), hit), ("get".to_owned(), get)]);
        let text = table(&counts(100, 1000), &counts(106, 1049));
        let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(lines[1], ["get", "1000", "1049", "+4.9", "%"]);
        assert_eq!(lines[2], ["hit", "100", "106", "+6.0", "%", "<-", "changed"]);
    }
}
