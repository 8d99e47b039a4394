//! `cargo xtask fuzz`: parsers of untrusted input, under libFuzzer.
//! Without a nightly toolchain, which libFuzzer needs, the recorded inputs and many mutated copies
//! of them take its place.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::prerequisites;
use crate::step::{self, Outcome, StepLog};

/// Where the targets are.
const PLACE: &str = "tests/fuzz";

/// Coverage only. The address sanitizer is for unsafe code, which our crates do not have, and the
/// build is long as it is. With libsmbclient, whose numbers one target judges.
const OPTIONS: [&str; 4] = ["--sanitizer", "none", "--features", "smb"];

/// Spoilt copies per target and second, where there is no libFuzzer.
const COPIES: u64 = 500;

/// `cargo xtask fuzz`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Only these targets, such as imap_guard; all when none is named
    targets: Vec<String>,
}

/// Runs the targets and prints a table.
///
/// # Errors
///
/// Prints the targets that failed, and the path of the failing input.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut steps = StepLog::default();
    let runs = campaign(&mut steps, args.seconds, &args.targets);
    if let Some(runs) = runs {
        print!("\n{}", Table(&runs));
    }
    steps.finish()
}

/// Half a minute for each target, for CI; the recorded inputs alone are a test already.
pub(crate) fn short(steps: &mut StepLog) {
    if !has_nightly() {
        steps.skip("fuzz", "there is no nightly toolchain (rustup toolchain install nightly)");
    } else if let Some(runs) = campaign(steps, 30, &[]) {
        print!("\n{}", Table(&runs));
    }
}

/// What one target did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    target: String,
    executions: u64,
    coverage: u64,
    peak_mib: u64,
    failed: bool,
}

impl Run {
    /// How often targets were run in all.
    pub(crate) fn executions(runs: &[Self]) -> u64 {
        runs.iter().map(|run| run.executions).sum()
    }
}

/// Runs the named targets, or all, for this time each.
/// `None` when they could not be run; a failing target is a failed step.
pub(crate) fn campaign(steps: &mut StepLog, seconds: u64, wanted: &[String]) -> Option<Vec<Run>> {
    let targets = steps.run("install", "what is missing: libraries, cargo-fuzz", || {
        prerequisites::install(&prerequisites::missing_libraries())?;
        chosen(wanted)
    })?;
    if !has_nightly() {
        eprintln!(
            "    no nightly toolchain is here, so libFuzzer cannot run (rustup toolchain install nightly);\n    \
             the recorded inputs and {} mutated copies of them are played to all targets instead",
            COPIES * seconds
        );
        return replay(steps, COPIES * seconds).map(|run| vec![run]);
    }
    steps.run(
        "build",
        "the targets and all they stand on, instrumented (a quarter of an hour when it is the first time)",
        || {
            prerequisites::tool("cargo-fuzz", "cargo-fuzz", "^0.13", 2)?;
            // The same versions as everywhere else.
            fs::copy(step::root().join("Cargo.lock"), step::root().join(PLACE).join("Cargo.lock"))?;
            if wanted.is_empty() {
                return step::run(cargo_fuzz("build").args(OPTIONS));
            }
            wanted.iter().try_for_each(|target| step::run(cargo_fuzz("build").args(OPTIONS).arg(target)))
        },
    )?;
    let folder = step::target().join("fuzz");
    let mut runs = Vec::new();
    steps.run("fuzz", &format!("{} targets, {seconds} s each", targets.len()), || {
        for target in &targets {
            runs.push(fuzz(target, seconds, &folder)?);
        }
        fs::write(folder.join("figures.json"), figures(&runs).to_string())?;
        let bad = |run: &&Run| run.failed || run.executions == 0;
        let bad: Vec<_> = runs.iter().filter(bad).map(|run| run.target.as_str()).collect();
        if bad.is_empty() { Ok(()) } else { Err(format!("something is wrong: {}", bad.join(", ")).into()) }
    });
    Some(runs)
}

/// Runs one target under libFuzzer; new inputs stay in the target folder.
fn fuzz(target: &str, seconds: u64, folder: &Path) -> Outcome<Run> {
    eprintln!("    {target} …");
    let grown = folder.join("corpus").join(target);
    fs::create_dir_all(&grown)?;
    let found = folder.join(format!("found-{target}-"));
    let log = folder.join(format!("{target}.log"));
    let file = fs::File::create(&log)?;
    let mut command = cargo_fuzz("run");
    command.args(OPTIONS).arg(target).arg(&grown).arg(step::root().join(PLACE).join("corpus").join(target));
    command.args(["--", "-rss_limit_mb=1024", "-timeout=20", "-print_final_stats=1", "-verbosity=1"]);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}", found.display()));
    command.arg(format!("-dict={PLACE}/dictionaries/{target}.dict"));
    command.stdout(file.try_clone()?).stderr(file);
    let status = command.status()?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let run = read(target, &text, !status.success());
    let per_second = run.executions / seconds;
    eprintln!("      {} executions, {per_second} a second, {} MiB", run.executions, run.peak_mib);
    if run.failed {
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        eprintln!("{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        eprintln!(
            "    {target} FAILED. Copy {}* to {PLACE}/corpus/{target}/ and it is a test: cargo nextest run -p user-backend-fuzz",
            found.display()
        );
    }
    Ok(run)
}

/// Reads what libFuzzer says of itself.
fn read(target: &str, text: &str, failed: bool) -> Run {
    let figure = |name: &str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
    };
    let coverage =
        text.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split(' ').next()?.parse().ok());
    Run {
        target: target.to_owned(),
        executions: figure("stat::number_of_executed_units:"),
        coverage: coverage.unwrap_or(0),
        peak_mib: figure("stat::peak_rss_mb:"),
        failed,
    }
}

/// Replays recorded inputs and mutated copies of them as a test on this toolchain.
fn replay(steps: &mut StepLog, copies: u64) -> Option<Run> {
    steps.run("replay", "recorded inputs and mutated copies of them", || {
        prerequisites::tool("cargo-nextest", "cargo-nextest", "^0.9", 6)?;
        let folder = step::target().join("fuzz");
        let mut nextest = step::cargo(&["nextest", "run", "-p", "user-backend-fuzz", "--test", "replay"]);
        nextest.args(["--all-features", "--profile", "long"]);
        nextest.env("FUZZ_MUTATIONS", copies.to_string()).env("ADVERSARIAL_REPORT", &folder);
        step::run(&mut nextest)?;
        let report: Value = serde_json::from_str(&fs::read_to_string(folder.join("replay.json"))?)?;
        let executions = report["fuzz"].as_u64().unwrap_or(0);
        Ok(Run { target: "all, replayed".into(), executions, coverage: 0, peak_mib: 0, failed: false })
    })
}

/// The names of the targets: each has a corpus.
fn chosen(wanted: &[String]) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(step::root().join(PLACE).join("corpus"))? {
        all.push(entry?.file_name().to_string_lossy().into_owned());
    }
    all.sort();
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(format!("there is no target \"{unknown}\": {}", all.join(", ")).into());
    }
    Ok(if wanted.is_empty() { all } else { wanted.to_vec() })
}

pub(crate) fn has_nightly() -> bool {
    let mut rustc = nightly();
    rustc.args(["rustc", "--version"]).stderr(std::process::Stdio::null());
    rustc.output().is_ok_and(|output| output.status.success())
}

/// `cargo fuzz` with the nightly toolchain, without the variables of the calling cargo.
fn cargo_fuzz(verb: &str) -> Command {
    let mut command = nightly();
    command.args(["cargo", "fuzz", verb, "--fuzz-dir"]).arg(step::root().join(PLACE));
    command.arg("--target-dir").arg(step::target().join("fuzz"));
    command
}

pub(crate) fn nightly() -> Command {
    let mut command = step::program("rustup");
    command.args(["run", "nightly"]);
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
        command.env_remove(name);
    }
    command
}

fn figures(runs: &[Run]) -> Value {
    let rows = runs.iter().map(|run| {
        let Run { target, executions, coverage, peak_mib, failed } = run;
        json!({ "target": target, "executions": executions, "coverage": coverage, "peak_mib": peak_mib, "failed": failed })
    });
    json!({ "fuzz": Run::executions(runs), "targets": rows.collect::<Vec<_>>() })
}

struct Table<'r>(&'r [Run]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<16} {:>12} {:>9} {:>9}", "target", "executions", "coverage", "peak MiB")?;
        for Run { target, executions, coverage, peak_mib, .. } in self.0 {
            writeln!(f, "{target:<16} {executions:>12} {coverage:>9} {peak_mib:>9}")?;
        }
        writeln!(f, "{:<16} {:>12}", "all", Run::executions(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_libfuzzer_are_found() {
        let text = "#2\tINITED cov: 411 ft: 5\n#99\tDONE   cov: 512 ft: 907 corp: 33/1Kb\n\
                    stat::number_of_executed_units: 1234\nstat::peak_rss_mb:              88\n";
        let run = read("ftp_reply", text, false);
        assert_eq!((run.executions, run.coverage, run.peak_mib, run.failed), (1234, 512, 88, false));
        assert!(Table(&[run]).to_string().ends_with("all                      1234\n"));
    }

    #[test]
    fn missing_target_is_named() {
        let error = chosen(&["imap_guard".into(), "nonsense".into()]).unwrap_err().to_string();
        assert!(error.starts_with("there is no target \"nonsense\": basic, "), "{error}");
        assert_eq!(chosen(&["name".into()]).unwrap(), ["name"]);
    }
}
