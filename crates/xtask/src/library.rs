//! What users of the published crates rely on: the minimum Rust, versions that keep their promise,
//! the public interface, every pair of features, each crypto provider.
//!
//! That no type of another crate is in the interface unintentionally is a test, see `public_types`.

use std::env;
use std::fs;

use serde_json::Value;

use crate::fuzz::{has_nightly, nightly};
use crate::package::{self, Published};
use crate::prerequisites;
use crate::step::{self, StepLog};

/// A version of Rust, without the patch.
type Rust = (u32, u32);

/// Compares the minimum Rust of each published crate with what its dependencies need.
pub(crate) fn minimum_rust(steps: &mut StepLog) {
    steps.run(
        "msrv",
        "the minimum Rust of the published crates, beside what their dependencies need",
        || {
            let metadata = ["metadata", "--format-version", "1"];
            let metadata: Value = serde_json::from_str(&step::capture(&mut step::cargo(&metadata))?)?;
            for Published { name, .. } in package::published() {
                let tree = ["tree", "-p", name, "-e", "normal", "--prefix", "none"];
                let tree = step::capture(&mut step::cargo(&tree))?;
                let own =
                    minimum(&metadata, name, None).ok_or_else(|| format!("{name} has no rust-version"))?;
                let Some((needed, by)) = needed(&metadata, name, &tree) else { continue };
                eprintln!("    {name}: Rust {}.{}; {by} needs {}.{}", own.0, own.1, needed.0, needed.1);
                if own < needed {
                    return Err(format!("rust-version of {name} is too low for {by}").into());
                }
            }
            Ok(())
        },
    );
}

/// The greatest minimum of the crates in the output of `cargo tree --prefix none`, but one.
fn needed(metadata: &Value, but: &str, tree: &str) -> Option<(Rust, String)> {
    let crates = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        (name != but).then_some((minimum(metadata, name, Some(version))?, name.to_owned()))
    });
    crates.max()
}

/// The `rust-version` of a crate.
fn minimum(metadata: &Value, name: &str, version: Option<&str>) -> Option<Rust> {
    let packages = metadata["packages"].as_array()?;
    let package = packages.iter().find(|package| {
        package["name"] == name && version.is_none_or(|version| package["version"] == version)
    })?;
    let mut numbers = package["rust_version"].as_str()?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// What need not run every time.
pub(crate) fn all(steps: &mut StepLog) {
    semantic_versions(steps);
    public_interface(steps);
    feature_pairs(steps);
    providers(steps);
}

/// Whether the version says what has changed since the last release.
fn semantic_versions(steps: &mut StepLog) {
    let mut describe = step::program("git");
    describe.args(["describe", "--tags", "--abbrev=0", "--match", "v*"]).stderr(std::process::Stdio::null());
    let tag = describe.output().ok().filter(|output| output.status.success());
    let tag = tag.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let Some(tag) = tag else {
        steps.skip("semver", "no version is tagged yet");
        return;
    };
    steps.run("semver", "cargo-semver-checks: what changed since the last tag, and the version", || {
        prerequisites::tool("cargo-semver-checks", "cargo-semver-checks", "*", 10)?;
        let mut check = step::cargo(&["semver-checks", "--baseline-rev", &tag]);
        step::run(check.args(package::published().flat_map(|published| ["-p", published.name])))
    });
}

/// Compares the public items with the list that was reviewed, `public-api.txt` of each crate.
fn public_interface(steps: &mut StepLog) {
    if !has_nightly() {
        steps.skip("public-api", "there is no nightly toolchain (rustup toolchain install nightly)");
        return;
    }
    let is_update = env::var_os("UPDATE_DOCS").is_some();
    let list =
        |published: &Published| step::root().join("crates").join(published.name).join("public-api.txt");
    if !is_update && package::published().any(|published| !list(published).is_file()) {
        steps.skip("public-api", "public-api.txt is missing: UPDATE_DOCS=1 writes it");
        return;
    }
    steps.run("public-api", "cargo-public-api: the public items, beside those that were reviewed", || {
        prerequisites::tool("cargo-public-api", "cargo-public-api", "*", 4)?;
        for published in package::published() {
            let mut command = nightly();
            command.args([
                "cargo",
                "public-api",
                "-sss",
                "-p",
                published.name,
                "--features",
                published.features,
            ]);
            let found = step::capture(&mut command)?;
            eprintln!("    {}: {} public items", published.name, found.lines().count());
            if is_update {
                fs::write(list(published), found)?;
            } else if fs::read_to_string(list(published))? != found {
                let name = published.name;
                return Err(
                    format!("the interface of {name} has changed: UPDATE_DOCS=1 writes the list").into()
                );
            }
        }
        Ok(())
    });
}

/// Each pair of features of the library; single ones are the step `features`.
fn feature_pairs(steps: &mut StepLog) {
    steps.run("feature-pairs", "cargo-hack: the library with each pair of features", || {
        prerequisites::tool("cargo-hack", "cargo-hack", "^0.6", 2)?;
        // Without what needs a C library and what is for no one else.
        let pairs = ["hack", "check", "--quiet", "-p", "user-backend", "--lib", "--feature-powerset"];
        let some = ["--depth", "2", "--exclude-features", "default,fuzzing,smb"];
        step::run(step::cargo(&pairs).args(some))
    });
}

/// The library in a program of its own with two crypto providers, one of which nothing else
/// compiles.
fn providers(steps: &mut StepLog) {
    steps.run("providers", "the library on aws-lc-rs and on ring, in one program", || {
        let manifest = step::root().join("tests/providers/Cargo.toml");
        for features in ["", "ring"] {
            let mut test = step::cargo(&["test", "--quiet", "--features", features, "--manifest-path"]);
            step::run(test.arg(&manifest).env("CARGO_TARGET_DIR", step::target().join("providers")))?;
        }
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greatest_minimum_of_the_dependencies_is_found() {
        let metadata = serde_json::json!({ "packages": [
            { "name": "ours", "version": "0.1.0", "rust_version": "1.89" },
            { "name": "old", "version": "1.0.0", "rust_version": "1.60.0" },
            { "name": "two", "version": "1.0.0", "rust_version": "1.99" },
            { "name": "two", "version": "2.0.0", "rust_version": "1.85.1" },
            { "name": "silent", "version": "1.0.0", "rust_version": null },
        ] });
        let tree = "ours v0.1.0 (/x)\nold v1.0.0 (proc-macro)\ntwo v2.0.0\nsilent v1.0.0\nold v1.0.0 (*)\n";
        assert_eq!(needed(&metadata, "ours", tree), Some(((1, 85), "two".to_owned())));
        assert_eq!(minimum(&metadata, "ours", None), Some((1, 89)));
        assert!((1, 100) > (1, 89), "numbers, and no texts");
    }
}
