//! `cargo xtask lint`: checks of the code without running it.

use std::collections::BTreeSet;

use crate::library;
use crate::prerequisites;
use crate::step::{self, Outcome, StepLog};

/// Runs the lints.
///
/// # Errors
///
/// Names the lints that failed.
pub(crate) fn run() -> Outcome {
    let mut steps = StepLog::default();
    steps.run("install", "what is missing: libraries", || {
        prerequisites::install(&prerequisites::missing_libraries())
    });
    format(&mut steps);
    clippy(&mut steps);
    extras(&mut steps);
    steps.finish()
}

pub(crate) fn format(steps: &mut StepLog) {
    steps.run("format", "cargo fmt --check", || step::run(&mut step::cargo(&["fmt", "--all", "--check"])));
}

pub(crate) fn clippy(steps: &mut StepLog) {
    steps.run("clippy", "every crate, every feature; a warning is an error", || {
        let all = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        step::run(&mut step::cargo(&all))
    });
}

/// Maximum of crates in the library with default features, itself included.
const MAX_CRATES: usize = 120;

/// The number of different crates in the output of `cargo tree --prefix none`.
fn crates(tree: &str) -> usize {
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.len()
}

/// The lints that `cargo xtask test` leaves out.
///
/// Documentation, number of crates, minimum Rust, licences, banned crates, sources and spelling.
pub(crate) fn extras(steps: &mut StepLog) {
    steps.run("doc", "cargo doc; a warning is an error", || {
        let mut doc = step::cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
        step::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    steps.run("weight", "the number of crates that the library pulls in with its default features", || {
        let tree = ["tree", "-p", "user-backend", "-e", "normal", "--prefix", "none"];
        let crates = crates(&step::capture(&mut step::cargo(&tree))?);
        eprintln!("    user-backend: {crates} crates, at most {MAX_CRATES}");
        if crates > MAX_CRATES { Err("the library has become too heavy".into()) } else { Ok(()) }
    });
    library::minimum_rust(steps);
    steps.run("libsmbclient", "only the helper program links the C library", || {
        for package in ["occ", "user-backend-server"] {
            let tree = ["tree", "-p", package, "-e", "normal", "--prefix", "none"];
            if step::capture(&mut step::cargo(&tree))?.lines().any(|line| line.starts_with("pavao ")) {
                return Err(format!("{package} depends on pavao, so it needs libsmbclient").into());
            }
        }
        Ok(())
    });
    steps.run("deny", "licences, banned crates, sources of all dependencies (deny.toml)", || {
        prerequisites::tool("cargo-deny", "cargo-deny", "^0.20", 3)?;
        let check = ["deny", "--log-level", "error", "check", "bans", "licenses", "sources"];
        step::run(&mut step::cargo(&check))?;
        eprintln!(
            "    not checked: advisories, whose database is on the network (`cargo deny check advisories`)"
        );
        Ok(())
    });
    steps.run("typos", "spelling (typos.toml)", || {
        prerequisites::tool("typos", "typos-cli", "^1", 3)?;
        step::run(&mut step::program("typos"))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_counted_by_name() {
        let tree = "user-backend v0.1.0 (/x)\nnom v7.1.3\nmemchr v2.7.0\nnom v8.0.0\nmemchr v2.7.0 (*)\n";
        assert_eq!(crates(tree), 3);
    }
}
