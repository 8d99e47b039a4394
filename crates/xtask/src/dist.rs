//! `cargo xtask dist`: Debian packages, program archive, SBOMs, checksums.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::prerequisites;
use crate::step::{self, Outcome, StepLog};

/// `cargo xtask dist`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cargo profile to build with
    #[arg(long, default_value = "release", value_name = "NAME")]
    profile: String,
    /// Also install, start, upgrade and remove the packages in a clean root directory
    #[arg(long)]
    test: bool,
    /// Also build once more in another directory and compare every byte
    #[arg(long)]
    reproducible: bool,
}

/// One program, in a build of its own: in one build, all would get the features of all.
struct Program {
    package: &'static str,
    binary: &'static str,
    features: &'static [&'static str],
    /// It prints its manual page and completions itself.
    describes_itself: bool,
}

const PROGRAMS: &[Program] = &[
    Program {
        package: "user-backend-server",
        binary: "user-backend-server",
        features: &[],
        describes_itself: true,
    },
    Program { package: "occ", binary: "occ", features: &[], describes_itself: true },
    Program {
        package: "user-backend-smb-helper",
        binary: "user-backend-smb-helper",
        features: &["--features", "smb"],
        describes_itself: false,
    },
];

/// Builds everything into `target/dist`.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run(args: &Args) -> Outcome {
    // Before a build of minutes.
    if args.test {
        if !prerequisites::is_root()? {
            return Err("--test needs root: it installs the packages in a root directory of its own".into());
        }
        prerequisites::install(&prerequisites::missing_for_packages())?;
    }
    if args.reproducible {
        unchanged()?;
    }
    let mut steps = StepLog::default();
    all(&mut steps, args);
    steps.finish()
}

/// The same as a part of `ci --full`.
pub(crate) fn step(steps: &mut StepLog) {
    all(steps, &Args { profile: "release".to_owned(), test: true, reproducible: true });
}

fn all(steps: &mut StepLog, args: &Args) {
    let root = step::root();
    let dist = folder(&root);
    let built =
        steps.run("dist-build", "the programs, each alone, with paths of this machine left out", || {
            prerequisites::install(&prerequisites::missing_libraries())?;
            build(&root, &args.profile)
        });
    let Some(built) = built else { return };
    let staged = steps.run("dist-stage", "manual pages, completions, configuration", || stage(&root, &built));
    if staged.is_none() {
        return;
    }
    let packed = steps.run("dist-deb", "Debian packages by cargo-deb", || {
        prerequisites::tool("cargo-deb", "cargo-deb", "^3", 4)?;
        deb(&root)
    });
    steps.run("dist-tar", "an archive of the programs", || archive(&root));
    steps.run("dist-sbom", "a bill of materials for each program by cargo-cyclonedx", || {
        prerequisites::tool("cargo-cyclonedx", "cargo-cyclonedx", "^0.5", 3)?;
        bills(&root)
    });
    steps.run("dist-sums", "SHA256SUMS of all files in target/dist", || checksums(&dist));
    if args.test && packed.is_some() {
        if step::have("mmdebstrap") && prerequisites::is_root().unwrap_or(false) {
            steps.run("dist-test", "install, start, upgrade and remove in a clean root", || test(&dist));
        } else {
            steps.skip("dist-test", "it needs mmdebstrap and root");
        }
    }
    if args.reproducible && packed.is_some() {
        steps.run("dist-repro", "a second build in another directory gives the same bytes", || {
            reproduce(&root, &args.profile)
        });
    }
}

/// Where everything goes; the manifests name files in it.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/dist")
}

/// Builds the programs from the sources in `root` into `target/dist/build` there; gives the folder
/// that they are in.
///
/// Rust and C get the same names for the folders of this machine, or they would be in the programs.
fn build(root: &Path, profile: &str) -> Outcome<PathBuf> {
    let target = folder(root).join("build");
    let home = std::env::var("CARGO_HOME").map_or_else(
        |_| PathBuf::from(std::env::var("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    let sysroot = step::capture(step::program("rustc").args(["--print", "sysroot"]).current_dir(root))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    // The last that fits counts.
    let names = [(home.as_path(), "/cargo"), (library.as_path(), "/rustc"), (root, "/user-backend")];
    let rust = names.map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()));
    let c = names.map(|(folder, name)| format!("-ffile-prefix-map={}={name}", folder.display()));
    for program in PROGRAMS {
        let mut cargo = step::cargo(&["build", "--locked", "--profile", profile, "-p", program.package]);
        cargo.args(program.features).current_dir(root);
        cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_INCREMENTAL", "0");
        // A path may have a space in it.
        cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"));
        cargo.env("CFLAGS", c.join(" "));
        step::run(&mut cargo)?;
    }
    Ok(target.join(if profile == "dev" { "debug" } else { profile }))
}

/// Collects what the packages hold.
fn stage(root: &Path, built: &Path) -> Outcome {
    let dist = folder(root);
    let stage = dist.join("stage");
    // Nothing of an earlier version.
    for name in files(&dist)? {
        fs::remove_file(dist.join(name))?;
    }
    if stage.is_dir() {
        fs::remove_dir_all(&stage)?;
    }
    fs::create_dir_all(&stage)?;
    for program in PROGRAMS {
        let binary = built.join(program.binary);
        let staged = stage.join(program.binary);
        fs::copy(&binary, &staged)?;
        step::run(step::program("strip").arg(&staged))?;
        if !program.describes_itself {
            continue;
        }
        let manual = step::capture(step::program(&binary).arg("manual"))?;
        fs::write(stage.join(format!("{}.1", program.binary)), manual)?;
        for shell in ["bash", "zsh", "fish"] {
            let script = step::capture(step::program(&binary).args(["completion", shell]))?;
            fs::write(stage.join(format!("{}.{shell}", program.binary)), script)?;
        }
    }
    let template = fs::read_to_string(root.join("crates/server/src/program/init.toml"))?;
    fs::write(stage.join("user-backend.toml"), packaged_configuration(&template)?)?;
    for (file, name) in [
        ("LICENSE-MIT", "LICENSE-MIT"),
        ("LICENSE-APACHE", "LICENSE-APACHE"),
        ("crates/smb-helper/debian/copyright", "user-backend-smb-helper.copyright"),
        ("docs/user-backend-server.service", "user-backend-server.service"),
    ] {
        fs::copy(root.join(file), stage.join(name))?;
    }
    Ok(())
}

/// The template of `init` with the paths of a package.
fn packaged_configuration(template: &str) -> Outcome<String> {
    let line = "#url = \"sqlite:user-backend.db\"";
    if template.matches(line).count() != 1 {
        return Err(format!("init.toml: expected one line {line}").into());
    }
    Ok(template.replace(line, "url = \"sqlite:/var/lib/user-backend/user-backend.db\""))
}

fn deb(root: &Path) -> Outcome {
    for program in PROGRAMS {
        // Quiet: it warns that it does not build what is built already.
        let mut cargo = step::cargo(&["deb", "--quiet", "--no-build", "--no-separate-debug-symbols"]);
        cargo.args(["-p", program.package]);
        cargo.arg("--output").arg(folder(root)).env("SOURCE_DATE_EPOCH", commit_time(root)?);
        step::run(cargo.current_dir(root))?;
    }
    Ok(())
}

fn archive(root: &Path) -> Outcome {
    let dist = folder(root);
    let name = format!("user-backend-{}-{}-linux.tar.gz", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    let mut tar = step::program("tar");
    // The same bytes each time: order, owner and time do not depend on this machine.
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=go-w"]);
    tar.arg(format!("--mtime=@{}", commit_time(root)?)).args(["--use-compress-program", "gzip -9n"]);
    step::run(tar.arg("-cf").arg(dist.join(name)).arg("-C").arg(dist.join("stage")).arg("."))
}

/// Writes one bill of materials for each program, without the folder of the sources in it.
///
/// cargo-cyclonedx lists what any member of the workspace compiles into these crates: the rest is removed.
fn bills(root: &Path) -> Outcome {
    let sources = root.display().to_string();
    let version = step::capture(step::program("rustc").arg("-vV").current_dir(root))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    for program in PROGRAMS {
        let manifest = manifest(root, program.package)?;
        let name = format!("{}.cdx", program.binary);
        let mut cargo = step::cargo(&["cyclonedx", "--format", "json", "--override-filename", &name]);
        cargo.args(program.features).args(["--target", host, "--manifest-path"]).arg(&manifest);
        cargo.env("SOURCE_DATE_EPOCH", commit_time(root)?);
        step::run(cargo.current_dir(root))?;
        let file = format!("{name}.json");
        let text = fs::read_to_string(manifest.with_file_name(&file))?.replace(&sources, "/user-backend");
        let bill = only_compiled(serde_json::from_str(&text)?, &compiled(root, program, host)?);
        fs::write(folder(root).join(&file), serde_json::to_string_pretty(&bill)?)?;
        // It writes one for every other crate of the workspace, too.
        let mut clean = step::program("git");
        step::run(clean.args(["clean", "-fq", "--", &format!("*/{file}")]).current_dir(root))?;
    }
    Ok(())
}

/// The crates that are compiled for a program with its own features, as "name version".
fn compiled(root: &Path, program: &Program, host: &str) -> Outcome<BTreeSet<String>> {
    let tree = ["tree", "--locked", "-e", "normal,build", "--prefix", "none", "--target", host, "-p"];
    let mut cargo = step::cargo(&tree);
    let tree = step::capture(cargo.arg(program.package).args(program.features).current_dir(root))?;
    let crates = tree.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some(format!("{} {}", words.next()?, words.next()?.strip_prefix('v')?))
    });
    Ok(crates.collect())
}

/// A bill of materials without the crates that are not compiled, and without what refers to them.
fn only_compiled(mut bill: Value, compiled: &BTreeSet<String>) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_compiled = |component: &Value| {
        compiled.contains(&format!("{} {}", text(&component["name"]), text(&component["version"])))
    };
    let mut dropped = BTreeSet::new();
    if let Some(components) = bill.get_mut("components").and_then(Value::as_array_mut) {
        let others = components.iter().filter(|component| !of_compiled(component));
        dropped.extend(others.map(|component| text(&component["bom-ref"])));
        components.retain(of_compiled);
    }
    if let Some(entries) = bill.get_mut("dependencies").and_then(Value::as_array_mut) {
        entries.retain(|entry| !dropped.contains(&text(&entry["ref"])));
        for entry in entries {
            if let Some(needed) = entry.get_mut("dependsOn").and_then(Value::as_array_mut) {
                needed.retain(|needed| !dropped.contains(&text(needed)));
            }
        }
    }
    bill
}

fn manifest(root: &Path, package: &str) -> Outcome<PathBuf> {
    let folder = package.strip_prefix("user-backend-").unwrap_or(package);
    let manifest = root.join("crates").join(folder).join("Cargo.toml");
    if manifest.is_file() { Ok(manifest) } else { Err(format!("no {}", manifest.display()).into()) }
}

/// Prints the files with their sizes and writes their checksums.
fn checksums(dist: &Path) -> Outcome {
    let mut names: Vec<String> = files(dist)?;
    names.retain(|name| name != "SHA256SUMS");
    for name in &names {
        let bytes = fs::metadata(dist.join(name))?.len();
        eprintln!("    {:>9} kB  {name}", bytes.div_ceil(1000));
    }
    let sums = step::capture(step::program("sha256sum").args(&names).current_dir(dist))?;
    fs::write(dist.join("SHA256SUMS"), sums)?;
    Ok(())
}

/// The names of the files in a folder, in order.
fn files(folder: &Path) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The time of the last commit, so that a build does not depend on the clock.
fn commit_time(root: &Path) -> Outcome<String> {
    let mut git = step::program("git");
    git.args(["log", "-1", "--format=%ct"]).current_dir(root);
    Ok(step::capture(&mut git)?.trim().to_owned())
}

/// Runs `docker/package-test.sh` with the packages.
fn test(dist: &Path) -> Outcome {
    step::run(step::program("docker/package-test.sh").arg(dist))
}

/// Whether the sources are those of the last commit, of which the second build makes its copy.
fn unchanged() -> Outcome {
    step::run(step::program("git").args(["diff", "--quiet", "HEAD"])).map_err(|_| {
        "--reproducible builds the last commit again, and files were changed since: commit them".into()
    })
}

/// Builds and packs a copy of the sources in another folder, and compares.
fn reproduce(root: &Path, profile: &str) -> Outcome {
    unchanged()?;
    let elsewhere = std::env::temp_dir().join(format!("user-backend-again-{}", std::process::id()));
    let done = reproduce_in(root, profile, &elsewhere);
    // Several gigabytes that are of no use afterwards.
    let _ = fs::remove_dir_all(&elsewhere);
    done
}

fn reproduce_in(root: &Path, profile: &str, elsewhere: &Path) -> Outcome {
    step::run(step::program("git").args(["clone", "--quiet", "--no-checkout", "."]).arg(elsewhere))?;
    let commit = step::capture(step::program("git").args(["rev-parse", "HEAD"]))?;
    let checkout = ["checkout", "--quiet", "--detach", commit.trim()];
    step::run(step::program("git").args(checkout).current_dir(elsewhere))?;
    let built = build(elsewhere, profile)?;
    stage(elsewhere, &built)?;
    deb(elsewhere)?;
    archive(elsewhere)?;
    bills(elsewhere)?;
    let (first, second) = (folder(root), folder(elsewhere));
    for name in files(&second)? {
        let bytes = fs::read(second.join(&name))?;
        if fs::read(first.join(&name))? != bytes {
            return Err(format!("{name}: the two builds differ").into());
        }
        eprintln!("    {name}: {} bytes, the same", bytes.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packaged_configuration_stores_accounts_under_var() {
        let template = include_str!("../../server/src/program/init.toml");
        let packaged = packaged_configuration(template).unwrap();
        assert!(packaged.contains("\nurl = \"sqlite:/var/lib/user-backend/user-backend.db\"\n"));
        assert!(packaged_configuration("[store]").is_err());
    }

    #[test]
    fn bill_names_only_what_is_compiled() {
        let bill = serde_json::json!({
            "components": [
                { "bom-ref": "#sqlx", "name": "sqlx", "version": "1.0.0" },
                { "bom-ref": "#mysql", "name": "mysql", "version": "1.0.0" },
                { "bom-ref": "#old", "name": "sqlx", "version": "0.9.0" },
            ],
            "dependencies": [
                { "ref": "#sqlx", "dependsOn": ["#old", "#other", "#mysql"] },
                { "ref": "#mysql", "dependsOn": ["#sqlx"] },
                { "ref": "#other" },
            ],
        });
        let bill = only_compiled(bill, &BTreeSet::from(["sqlx 1.0.0".to_owned()]));
        let expected = serde_json::json!({
            "components": [{ "bom-ref": "#sqlx", "name": "sqlx", "version": "1.0.0" }],
            "dependencies": [{ "ref": "#sqlx", "dependsOn": ["#other"] }, { "ref": "#other" }],
        });
        assert_eq!(bill, expected);
    }

    #[test]
    fn tree_of_a_program_names_its_own_crates() {
        let helper = PROGRAMS.last().unwrap();
        let crates = compiled(&step::root(), helper, "x86_64-unknown-linux-gnu").unwrap();
        assert!(crates.iter().any(|name| name.starts_with("user-backend ")), "{crates:?}");
        assert!(!crates.iter().any(|name| name.starts_with("sqlx-mysql ")), "{crates:?}");
    }

    #[test]
    fn each_program_has_a_manifest_with_package_metadata() {
        for program in PROGRAMS {
            let text = fs::read_to_string(manifest(&step::root(), program.package).unwrap()).unwrap();
            assert!(text.contains("[package.metadata.deb]"), "{}", program.package);
        }
    }
}
