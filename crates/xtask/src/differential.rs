//! `cargo xtask differential`: compares sign-ins with the PHP app's own classes. Both use the same
//! servers.

use std::path::PathBuf;

use crate::prerequisites;
use crate::rig::Rig;
use crate::step::{self, Outcome, StepLog};
use crate::test::on_rig;

/// `cargo xtask differential`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder with nextcloud/user_external 4.0.0, which is run and stays where it is
    #[arg(long = "app", value_name = "DIR", env = "USER_EXTERNAL")]
    app: Option<PathBuf>,
}

/// Runs the comparison and prints every difference.
///
/// # Errors
///
/// Names the steps that failed: a difference that `tests/tests/differential/expected.toml` does not
/// list.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut steps = StepLog::default();
    let Some(app) = &args.app else {
        steps.skip("differential", "USER_EXTERNAL does not name a folder with nextcloud/user_external");
        return steps.finish();
    };
    let app = std::fs::canonicalize(app)?;
    let rig = Rig::new(false);
    let ready = steps.run("install", "what is missing: libraries, test servers, PHP, smbclient", || {
        let mut missing = prerequisites::missing_libraries();
        missing.extend(rig.missing()?);
        missing.extend(self::missing());
        prerequisites::install(&missing)?;
        prerequisites::tool("cargo-nextest", "cargo-nextest", "^0.9", 6)
    });
    if ready.is_none() {
        return steps.finish();
    }
    let up = steps.run("rig", "starting the IMAP, FTP and SMB servers", || Ok((rig.up()?, rig.env()?)));
    let Some((guard, mut variables)) = up else { return steps.finish() };
    variables.push(("RIG_REQUIRED".into(), "1".into()));
    variables.push(("PROGRAMS_REQUIRED".into(), "1".into()));
    variables.push(("USER_EXTERNAL".into(), app.display().to_string()));
    let run = |tests: &str| {
        // The same programs as `cargo xtask test` builds.
        let words = ["nextest", "run", "--workspace", "--all-features", "--no-capture", "-E", tests];
        step::run(on_rig(&mut step::cargo(&words), &variables))
    };
    steps.run("sign-ins", "the same arguments, names and passwords for both programs", || {
        run("binary(differential)")
    });
    steps.run("import", "users whom the PHP app wrote, imported and signed in", || {
        run("package(occ) & test(import::php_app)")
    });
    drop(guard);
    steps.finish()
}

/// The Debian packages, where they are missing.
pub(crate) fn missing() -> Vec<String> {
    let modules = step::capture(step::program("php").arg("-m")).unwrap_or_default().to_lowercase();
    let has = |module: &str| modules.lines().any(|line| line == module);
    let mut missing = Vec::new();
    if modules.is_empty() {
        missing.push("php-cli".to_owned());
    }
    for module in ["curl", "mbstring"].into_iter().filter(|module| !has(module)) {
        missing.push(format!("php-{module}"));
    }
    if !step::have("smbclient") {
        missing.push("smbclient".to_owned());
    }
    missing
}
