//! axe-core for the browser tests: it finds accessibility problems.

use std::path::PathBuf;

use crate::prerequisites;
use crate::step::{self, Outcome, StepLog};

/// The version of the npm package axe-core.
const AXE: &str = "axe-core@4.10.3";

/// Fetches axe-core into `target/tools`, once, and returns the variables for the tests.
///
/// Where npm or its registry cannot be reached, the step is skipped by name, and the tests run
/// without it.
pub(crate) fn variables(steps: &mut StepLog, is_full: bool) -> Vec<(String, String)> {
    let mut variables = vec![("BROWSER_REQUIRED".to_owned(), "1".to_owned())];
    if is_full {
        variables.push(("BROWSER_FULL".to_owned(), "1".to_owned()));
    }
    if !script().is_file() && fetch().is_err() {
        steps.skip("axe", "npm cannot fetch axe-core: the accessibility of the pages is not checked");
        return variables;
    }
    variables.push(("AXE_CORE".to_owned(), script().display().to_string()));
    variables
}

/// The browser tests again, with every page in every appearance.
pub(crate) fn full(steps: &mut StepLog) {
    let ready = steps.run("install", "what is missing: the browser, cargo-nextest", || {
        prerequisites::install(&prerequisites::missing_browser())?;
        prerequisites::tool("cargo-nextest", "cargo-nextest", "^0.9", 6)
    });
    if ready.is_none() {
        return;
    }
    let variables = variables(steps, true);
    steps.run("browser", "every page in Chromium: light, dark, on a phone", || {
        let tests =
            ["nextest", "run", "-p", "user-backend-server", "--test", "ocs", "-E", "test(/^chromium::/)"];
        step::run(step::cargo(&tests).envs(variables))
    });
}

fn folder() -> PathBuf {
    step::tools().join("axe")
}

fn script() -> PathBuf {
    folder().join("node_modules/axe-core/axe.min.js")
}

fn fetch() -> Outcome {
    std::fs::create_dir_all(folder())?;
    let install = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
    step::run(step::program("npm").args(install).arg(folder()).arg(AXE))
}
