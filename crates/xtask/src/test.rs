//! `cargo xtask test`: everything that must hold before a change is merged.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::browser;
use crate::clients;
use crate::database::{MARIADB, POSTGRES, Server};
use crate::image;
use crate::lint;
use crate::prerequisites;
use crate::rig::Rig;
use crate::step::{self, Outcome, StepLog};

/// The profile of nextest that keeps what the tests write.
const SEARCHED: &str = "searched";

/// `cargo xtask test`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Without the test servers: the tests that need them say that they are skipped
    #[arg(long)]
    no_rig: bool,
    /// Servers in containers instead of processes on this machine
    #[arg(long, conflicts_with = "no_rig")]
    compose: bool,
    /// Only the tests whose names contain one of these, and none of the other checks
    filter: Vec<String>,
}

/// Runs the checks.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut steps = StepLog::default();
    check(args, &mut steps);
    steps.finish()
}

/// The same without arguments, for CI.
pub(crate) fn all(steps: &mut StepLog) {
    check(&Args { no_rig: false, compose: false, filter: Vec::new() }, steps);
}

/// The tests against real servers once more, with the servers in containers.
pub(crate) fn on_compose(steps: &mut StepLog) {
    if !image::engine_answers() {
        return steps.skip("compose", "no container engine answers (docker/engine.sh up)");
    }
    // What follows the options of nextest may be its options, too.
    let filter = ["-E", "binary(live)"].map(str::to_owned).to_vec();
    check(&Args { no_rig: false, compose: true, filter }, steps);
}

fn check(args: &Args, steps: &mut StepLog) {
    let rig = (!args.no_rig).then(|| Rig::new(args.compose));
    let ready = steps.run("install", "what is missing: libraries, test servers, cargo-nextest", || {
        let mut missing = prerequisites::missing_libraries();
        if let Some(rig) = &rig {
            missing.extend(rig.missing()?);
            missing.extend(prerequisites::missing_clock());
            missing.extend(prerequisites::missing_servers());
            missing.extend(prerequisites::missing_valkey());
            missing.extend(prerequisites::missing_log_filter());
            missing.extend(prerequisites::missing_browser());
            missing.extend([POSTGRES.missing(), MARIADB.missing(), clients::missing()].concat());
        }
        prerequisites::install(&missing)?;
        prerequisites::tool("cargo-nextest", "cargo-nextest", "^0.9", 6)
    });
    if ready.is_none() {
        return;
    }
    if args.filter.is_empty() {
        lint::format(steps);
        lint::clippy(steps);
    }
    let mut variables = Vec::new();
    let mut guards = None;
    if let Some(rig) = &rig {
        let up = steps.run("rig", "starting the IMAP, FTP and SMB servers", || Ok((rig.up()?, rig.env()?)));
        let Some((running, env)) = up else { return };
        let databases = steps.run("databases", "starting PostgreSQL and MariaDB", || {
            Ok([Server::start(&POSTGRES, false)?, Server::start(&MARIADB, false)?])
        });
        let Some(databases) = databases else { return };
        let addresses = databases.each_ref().map(Server::variable);
        guards = Some((running, databases));
        variables = env;
        variables.push(("RIG_REQUIRED".into(), "1".into()));
        variables.extend(addresses);
        variables.extend(browser::variables(steps, false));
    }
    steps.run("tests", "cargo nextest run, every crate, every feature", || {
        let mut nextest = step::cargo(&["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]);
        let log = log();
        if log.is_dir() {
            fs::remove_dir_all(&log)?;
        }
        let nextest = on_rig(&mut nextest, &variables).args(["--profile", SEARCHED]).env("TRACE_TESTS", &log);
        step::run(nextest.args(&args.filter))
    });
    if args.filter.is_empty() {
        steps.run("secrets", "no password, in any form, in anything that the tests wrote", || {
            let search =
                ["run", "--quiet", "-p", "user-backend-tests", "--all-features", "--bin", "search-output"];
            // Its own choice, in any build directory.
            let written = step::root().join("target/nextest").join(SEARCHED).join("junit.xml");
            step::run(step::cargo(&search).arg("--").args([written, log()]))
        });
        if rig.is_some() {
            steps.run("occ-postgres", "the command line's tests again, with the store on PostgreSQL", || {
                let again = ["nextest", "run", "--workspace", "--all-features", "--no-fail-fast", "-E"];
                let mut nextest = step::cargo(&again);
                on_rig(&mut nextest, &variables).arg("binary_id(occ::cli)").env("OCC_TEST_POSTGRES", "1");
                step::run(&mut nextest)
            });
            clients::check(steps);
        }
        steps.run("doc-tests", "the examples in the libraries' documentation", || {
            let libraries = [
                "accounts",
                "password-policy",
                "user-backend",
                "user-backend-tower",
                "user-backend-examples",
            ];
            let libraries = libraries.into_iter().flat_map(|library| ["-p", library]);
            let mut doc = step::cargo(&["test", "--doc", "--all-features"]);
            step::run(on_rig(doc.args(libraries), &variables))
        });
        if step::root().join("examples/custom_backend.rs").is_file() {
            steps.run("example", "custom_backend, a backend by a third party", || {
                let example = ["run", "-p", "user-backend-examples", "--example", "custom_backend"];
                step::run(on_rig(&mut step::cargo(&example), &variables))
            });
        }
    }
    drop(guards);
}

/// Log files of the tests.
fn log() -> PathBuf {
    step::target().join("trace-of-tests")
}

/// Points a program to the rig, and to no other from the caller's environment.
pub(crate) fn on_rig<'a>(command: &'a mut Command, variables: &[(String, String)]) -> &'a mut Command {
    let rig = ["RIG_HOST", "RIG_STATE", "RIG_SCRIPT", "RIG_REQUIRED"];
    for name in rig.into_iter().chain([POSTGRES, MARIADB].map(|kind| kind.variable)) {
        command.env_remove(name);
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)))
}
