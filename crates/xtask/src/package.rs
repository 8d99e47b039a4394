//! `cargo xtask package`: the published crates, packed as for a release.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fuzz::{has_nightly, nightly};
use crate::step::{self, Outcome, StepLog};

/// A crate for others to depend on, and what its tests are run with.
pub(crate) struct Published {
    pub(crate) name: &'static str,
    /// Features that build everywhere.
    pub(crate) features: &'static str,
}

const PUBLISHED: &[Published] = &[
    Published { name: "password-policy", features: "hibp" },
    Published {
        name: "user-backend",
        features: "certificate-details config-json config-php conformance crypto-provider http ldap metrics ring \
                   smb-helper smb-native smtp ssh xmpp",
    },
    Published { name: "user-backend-tower", features: "axum axum-login" },
];

/// Features whose dependencies are released together and do not fit other versions of each other.
///
/// So the oldest version of one and the newest of the next do not compile.
const LOCKSTEP: &[&str] = &["config-php"];

/// Packs the crates and runs their tests.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run() -> Outcome {
    let mut steps = StepLog::default();
    all(&mut steps);
    steps.finish()
}

/// The same as a part of `ci --full`.
pub(crate) fn all(steps: &mut StepLog) {
    let packed = steps.run("package", "cargo publish --dry-run of the published crates", || {
        let mut publish = step::cargo(&["publish", "--dry-run", "--quiet", "--allow-dirty"]);
        step::run(publish.args(published().flat_map(|published| ["-p", published.name])))
    });
    if packed.is_some() {
        steps.run("package-test", "the tests of what was packed, outside of the workspace", || {
            published().try_for_each(test)
        });
        minimal_versions(steps);
    }
}

/// What was packed, with the oldest versions that its `Cargo.toml` allows.
fn minimal_versions(steps: &mut StepLog) {
    if !has_nightly() {
        steps.skip("package-oldest", "there is no nightly toolchain (rustup toolchain install nightly)");
        return;
    }
    steps.run("package-oldest", "what was packed, with the oldest versions of its dependencies", || {
        published().try_for_each(|published| {
            outside(published, |folder| {
                let manifest = folder.join("Cargo.toml");
                fs::write(&manifest, for_users(&fs::read_to_string(&manifest)?))?;
                let mut lock = nightly();
                lock.args(["cargo", "generate-lockfile", "-Zdirect-minimal-versions", "--manifest-path"]);
                step::run(patched(lock.arg(&manifest), published))?;
                let features = published.features.split(' ').filter(|feature| !LOCKSTEP.contains(feature));
                let mut check = nightly();
                check.args(["cargo", "check", "--quiet", "--locked", "--features"]);
                check.arg(features.collect::<Vec<_>>().join(" "));
                check.env("CARGO_TARGET_DIR", step::target().join("package-oldest"));
                step::run(patched(check.arg("--manifest-path").arg(&manifest), published))
            })
        })
    });
}

/// What a manifest asks of those who depend on the crate: nothing for its own tests.
///
/// Without its `rust-version` too: the compiler of the check, which is newer, says what fits it.
fn for_users(manifest: &str) -> String {
    let mut own = false;
    let mut kept = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            let table = line.trim_start_matches('[');
            own =
                ["dev-dependencies", "bench]", "example]", "test]"].iter().any(|own| table.starts_with(own));
        }
        if !own && !line.starts_with("rust-version") {
            kept.extend([line, "\n"]);
        }
    }
    kept
}

/// Those that this repository has.
pub(crate) fn published() -> impl Iterator<Item = &'static Published> {
    PUBLISHED.iter().filter(|published| step::root().join("crates").join(published.name).exists())
}

fn test(published: &Published) -> Outcome {
    outside(published, |folder| {
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            if !folder.join(file).is_file() {
                return Err(format!("the package {} has no {file}", published.name).into());
            }
        }
        let mut test = step::cargo(&["test", "--quiet", "--features", published.features, "--manifest-path"]);
        test.arg(folder.join("Cargo.toml")).env("CARGO_TARGET_DIR", step::target().join("package-test"));
        step::run(patched(&mut test, published))
    })
}

/// Unpacks a crate outside of the workspace, for as long as the work takes.
fn outside(published: &Published, work: impl FnOnce(&Path) -> Outcome) -> Outcome {
    let name = published.name;
    let folder = std::env::temp_dir().join(format!("xtask-package-{}-{name}", std::process::id()));
    let done = unpack(name, &folder).and_then(|()| work(&folder));
    // What was unpacked is of no use afterwards.
    let _ = fs::remove_dir_all(&folder);
    done
}

fn unpack(name: &str, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    let archive = newest(&step::target().join("package"), name)?;
    let mut tar = step::program("tar");
    step::run(tar.arg("-xzf").arg(archive).arg("-C").arg(folder).arg("--strip-components=1"))
}

/// The workspace's crates are not in the registry yet.
fn patched<'c>(command: &'c mut Command, published: &Published) -> &'c mut Command {
    for other in self::published().filter(|other| other.name != published.name) {
        let path = step::root().join("crates").join(other.name);
        command.arg("--config").arg(format!("patch.crates-io.{}.path={path:?}", other.name));
    }
    command
}

/// The archive that was packed last: `name-VERSION.crate`.
fn newest(folder: &Path, name: &str) -> Outcome<std::path::PathBuf> {
    let mut archives = Vec::new();
    // Those of a dry run are in a folder of their own.
    let folders = [folder.to_owned(), folder.join("tmp-crate")].into_iter().filter(|folder| folder.is_dir());
    let folders = folders.map(fs::read_dir).collect::<Result<Vec<_>, _>>()?;
    for entry in folders.into_iter().flatten() {
        let path = entry?.path();
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let version = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        if version.is_some_and(|version| {
            version.starts_with(|c: char| c.is_ascii_digit()) && file.ends_with(".crate")
        }) {
            archives.push((fs::metadata(&path)?.modified()?, path));
        }
    }
    let (_, newest) =
        archives.into_iter().max().ok_or_else(|| format!("no package of {name} in {}", folder.display()))?;
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_crates_have_readme_licences_and_docs_metadata() {
        for published in published() {
            let folder = step::root().join("crates").join(published.name);
            for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
                assert!(folder.join(file).is_file(), "{} {file}", published.name);
            }
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            for line in
                ["[package.metadata.docs.rs]", "include = [", "rust-version = \"", "readme = \"README.md\""]
            {
                assert!(manifest.contains(line), "{} {line}", published.name);
            }
        }
    }

    /// All but the default ones, and those that need a C library or are for our fuzzing.
    #[test]
    fn packed_crates_are_tested_with_all_features() {
        for published in published() {
            let manifest =
                fs::read_to_string(step::root().join("crates").join(published.name).join("Cargo.toml"));
            let manifest = manifest.unwrap();
            let (_, features) = manifest.split_once("\n[features]\n").unwrap();
            let (features, _) = features.split_once("\n[").unwrap();
            let features = features.lines().filter_map(|line| line.split_once(" = [")).filter(|(name, _)| {
                !["default", "config-toml", "ftp", "imap", "smb", "fuzzing"].contains(name)
            });
            let mut expected: Vec<&str> = features.map(|(name, _)| name).collect();
            let mut listed: Vec<&str> = published.features.split_whitespace().collect();
            expected.sort_unstable();
            listed.sort_unstable();
            assert_eq!(listed, expected, "{}", published.name);
        }
    }

    #[test]
    fn manifest_for_users_has_nothing_for_tests() {
        let manifest = "[package]\nname = \"a\"\nrust-version = \"1.9\"\n\n[[bench]]\nname = \"b\"\n\n\
                        [dependencies.c]\nversion = \"1\"\n\n[dev-dependencies.d]\nversion = \"2\"\n\n[lints.rust]\ne = 1\n";
        let expected =
            "[package]\nname = \"a\"\n\n[dependencies.c]\nversion = \"1\"\n\n[lints.rust]\ne = 1\n";
        assert_eq!(for_users(manifest), expected);
    }

    #[test]
    fn newest_package_is_of_the_crate() {
        let folder = std::env::temp_dir().join(format!("xtask-newest-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(folder.join("tmp-crate")).unwrap();
        for file in ["tmp-crate/user-backend-0.1.0.crate", "user-backend-tower-0.1.0.crate", "other.txt"] {
            fs::write(folder.join(file), "").unwrap();
        }
        let found = newest(&folder, "user-backend").unwrap();
        assert_eq!(found, folder.join("tmp-crate/user-backend-0.1.0.crate"));
        assert!(newest(&folder, "missing").is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
