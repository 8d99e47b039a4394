//! `cargo xtask ci`: all checks.
//! The list of steps below is the only one; `.ci/run` goes through it too.

use std::fmt;

use serde_json::Value;

use crate::bench::{self, Name};
use crate::step::{self, Outcome, StepLog};
use crate::{
    adversarial, browser, clients, cluster, counts, dist, fuzz, image, library, lint, package, soak, test,
};

/// `cargo xtask ci`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also the steps that need not run every time; what cannot run on this machine is skipped and
    /// named
    #[arg(long)]
    full: bool,
    /// Without `test`, after `cargo xtask test` has been run
    #[arg(long)]
    rest: bool,
    /// Prints the steps and runs none
    #[arg(long)]
    list: bool,
}

/// One entry of the list; it may come to several steps.
struct Task {
    name: &'static str,
    what: &'static str,
    when: When,
    run: fn(&mut StepLog),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Full,
}

const TEST: &str = "test";

const TASKS: &[Task] = &[
    Task {
        name: TEST,
        what: "`cargo xtask test`: format, clippy, all tests with real servers, doc tests, the example",
        when: When::Always,
        run: test::all,
    },
    Task {
        name: "plain",
        what: "a fresh clone compiles without system libraries",
        when: When::Always,
        run: plain,
    },
    Task {
        name: "soak",
        what: "three minutes of sign-ins while servers are frozen and killed",
        when: When::Always,
        run: soak::short,
    },
    Task {
        name: "lint",
        what: "documentation, number of crates, minimum Rust, licences, banned crates, spelling",
        when: When::Always,
        run: lint::extras,
    },
    Task {
        name: "counts",
        what: "`cargo xtask counts`: instructions of a cached sign-in and an IMAP sign-in, beside those recorded",
        when: When::Always,
        run: counts::library,
    },
    Task {
        name: "counts-server",
        what: "`cargo xtask counts --full`: those of a request to the server",
        when: When::Full,
        run: counts::server,
    },
    Task {
        name: "plain-test",
        what: "`cargo test` without system libraries and test servers",
        when: When::Full,
        run: plain_test,
    },
    Task {
        name: "features",
        what: "each crate without features and with each of its features alone",
        when: When::Full,
        run: features,
    },
    Task {
        name: "library",
        what: "the published crates: versions since the last tag, public items, pairs of features, crypto providers",
        when: When::Full,
        run: library::all,
    },
    Task {
        name: "package",
        what: "`cargo xtask package`: the published crates as for a release, and the tests of what was packed",
        when: When::Full,
        run: package::all,
    },
    Task {
        name: "dist",
        what: "`cargo xtask dist --test --reproducible`: packages, tried in a clean root; two builds, same bytes",
        when: When::Full,
        run: dist::step,
    },
    Task {
        name: "image",
        what: "`cargo xtask image`: container images of these programs, started alone and behind nginx",
        when: When::Full,
        run: image::step,
    },
    Task {
        name: "browser",
        what: "every page in Chromium in every look: light, dark, on a phone",
        when: When::Full,
        run: browser::full,
    },
    Task {
        name: "adversarial",
        what: "`cargo xtask adversarial`: scripts, certificates, mutated dialogues, faults, with figures",
        when: When::Full,
        run: adversarial::all,
    },
    Task {
        name: "fuzz",
        what: "every fuzz target under libFuzzer, 30 s each",
        when: When::Full,
        run: fuzz::short,
    },
    Task {
        name: "schemathesis",
        what: "random calls of every operation of /openapi.json: no server error, no undocumented answer",
        when: When::Full,
        run: clients::compare,
    },
    Task {
        name: "cluster",
        what: "`cargo xtask cluster`: several servers on one PostgreSQL while parts of the site fail",
        when: When::Full,
        run: cluster::full,
    },
    Task {
        name: "compose",
        what: "the tests against real servers with the servers in containers",
        when: When::Full,
        run: test::on_compose,
    },
    Task {
        name: "bench-accounts",
        what: "`cargo xtask bench accounts`",
        when: When::Full,
        run: |steps| bench::step(steps, "bench-accounts", Name::Accounts),
    },
    Task {
        name: "bench-cache",
        what: "`cargo xtask bench cache`",
        when: When::Full,
        run: |steps| bench::step(steps, "bench-cache", Name::Cache),
    },
    Task {
        name: "bench-ocs",
        what: "`cargo xtask bench ocs`",
        when: When::Full,
        run: |steps| bench::step(steps, "bench-ocs", Name::Ocs),
    },
];

/// Runs the steps, or prints them.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run(args: &Args) -> Outcome {
    if args.list {
        TASKS.iter().for_each(|task| println!("{task}"));
        return Ok(());
    }
    let mut steps = StepLog::default();
    for task in chosen(args.full, args.rest) {
        (task.run)(&mut steps);
    }
    steps.finish()
}

fn chosen(full: bool, rest: bool) -> impl Iterator<Item = &'static Task> {
    TASKS.iter().filter(move |task| (full || task.when == When::Always) && !(rest && task.name == TEST))
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.when == When::Full { "--full" } else { "" };
        write!(f, "{:<15} {when:<7} {}", self.name, self.what)
    }
}

/// A cargo that finds no C library, as on a machine without development packages.
fn without_libraries(arguments: &[&str]) -> std::process::Command {
    let mut cargo = step::cargo(arguments);
    cargo.env("PKG_CONFIG_LIBDIR", "/nonexistent").env_remove("PKG_CONFIG_PATH");
    cargo
}

fn plain(steps: &mut StepLog) {
    steps.run("plain", "cargo check, default features, no C library in reach", || {
        step::run(&mut without_libraries(&["check", "--quiet", "--all-targets"]))
    });
}

fn plain_test(steps: &mut StepLog) {
    steps.run("plain-test", "cargo build and cargo test, default features, no C library in reach", || {
        step::run(&mut without_libraries(&["build", "--quiet"]))?;
        step::run(test::on_rig(&mut without_libraries(&["test", "--quiet"]), &[]))
    });
}

/// What `cargo hack --each-feature` does.
fn features(steps: &mut StepLog) {
    steps.run("features", "clippy, no feature and each alone; a warning is an error", || {
        let metadata = ["metadata", "--no-deps", "--format-version", "1"];
        let metadata: Value = serde_json::from_str(&step::capture(&mut step::cargo(&metadata))?)?;
        for (package, features) in packages(&metadata) {
            for feature in std::iter::once("").chain(features) {
                eprintln!("    {package}, {}", if feature.is_empty() { "no feature" } else { feature });
                let check =
                    ["clippy", "--quiet", "-p", package, "--no-default-features", "--features", feature];
                step::run(step::cargo(&check).args(["--", "-D", "warnings"]))?;
            }
        }
        Ok(())
    });
}

/// The packages of the workspace that have features, with these.
fn packages(metadata: &Value) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages.filter_map(|package| {
        let features = package["features"].as_object().filter(|features| !features.is_empty())?;
        Some((
            package["name"].as_str()?,
            features.keys().map(String::as_str).filter(|name| *name != "default"),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = TASKS.iter().map(|task| task.name).collect();
        assert_eq!(names.len(), TASKS.len());
        let some = |full, rest| chosen(full, rest).map(|task| task.name);
        assert_eq!(some(false, false).collect::<Vec<_>>(), ["test", "plain", "soak", "lint", "counts"]);
        assert_eq!(some(false, true).collect::<Vec<_>>(), ["plain", "soak", "lint", "counts"]);
        assert_eq!(some(true, false).count(), TASKS.len());
    }

    #[test]
    fn ci_script_runs_the_command_of_the_readme_and_the_rest() {
        let script = std::fs::read_to_string(step::root().join(".ci/run")).unwrap();
        let cargo: Vec<_> = script.lines().filter(|line| line.starts_with("cargo ")).collect();
        assert_eq!(cargo, ["cargo xtask test", "cargo xtask ci --rest"]);
        let readme = std::fs::read_to_string(step::root().join("README.md")).unwrap();
        assert!(readme.contains("cargo xtask test"));
    }

    #[test]
    fn packages_with_features_are_found() {
        let metadata = serde_json::json!({ "packages": [
            { "name": "plain", "features": {} },
            { "name": "occ", "features": { "default": ["smb-native"], "smb": [], "smb-native": [] } },
        ] });
        let found: Vec<_> = packages(&metadata).map(|(name, all)| (name, all.collect::<Vec<_>>())).collect();
        assert_eq!(found, [("occ", vec!["smb", "smb-native"])]);
    }
}
