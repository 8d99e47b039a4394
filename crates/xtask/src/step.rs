//! Steps with their time and one summary; running programs.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The result of a command; the error is one plain sentence.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The steps of one command so far.
#[derive(Debug, Default)]
pub(crate) struct StepLog {
    done: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    took: Duration,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Ok,
    Failed,
    Skipped,
}

impl StepLog {
    /// Prints `name`, runs `work` and prints its time; `None` if it failed.
    pub(crate) fn run<T>(
        &mut self,
        name: &'static str,
        what: &str,
        work: impl FnOnce() -> Outcome<T>,
    ) -> Option<T> {
        eprintln!("==> {name}: {what}");
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        match &result {
            Ok(_) => eprintln!("    {name} ok, {}", seconds(took)),
            Err(error) => eprintln!("    {name} FAILED after {}: {error}", seconds(took)),
        }
        let end = if result.is_ok() { End::Ok } else { End::Failed };
        self.done.push(Step { name, took, end });
        result.ok()
    }

    /// Says that `name` cannot run on this machine, and why.
    pub(crate) fn skip(&mut self, name: &'static str, why: &str) {
        eprintln!("==> {name}: skipped, {why}");
        self.done.push(Step { name, took: Duration::ZERO, end: End::Skipped });
    }

    /// Prints the summary; an error names the steps that failed.
    pub(crate) fn finish(self) -> Outcome {
        eprintln!("\nsummary");
        for step in &self.done {
            let verdict = match step.end {
                End::Ok => "ok",
                End::Failed => "FAILED",
                End::Skipped => "skipped",
            };
            eprintln!("  {:<14} {verdict:<7} {:>9}", step.name, seconds(step.took));
        }
        let failed: Vec<_> = self.done.iter().filter(|s| s.end == End::Failed).map(|s| s.name).collect();
        match failed.is_empty() {
            true => Ok(()),
            false => Err(format!("failed: {}", failed.join(", ")).into()),
        }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// The top folder of this checkout.
pub(crate) fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).ancestors().nth(2).unwrap_or_else(|| Path::new(".")).to_path_buf()
}

/// The target directory of cargo.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The directory of tools that `xtask` installs.
pub(crate) fn tools() -> PathBuf {
    root().join("target/tools")
}

/// A program, run from the top folder without standard input, with our tools in PATH.
///
/// It does not get the variables that cargo sets for `xtask`: the build script of ring reads them,
/// and would run again, with everything that depends on it, at every switch between `cargo xtask`
/// and `cargo`.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).stdin(Stdio::null()).env("PATH", search_path());
    let of_xtask = |name: &OsString| {
        name.to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    };
    for (name, _) in env::vars_os().filter(|(name, _)| of_xtask(name)) {
        command.env_remove(name);
    }
    command
}

/// The cargo that runs us, with these arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Whether a program of this name can be started.
pub(crate) fn have(name: &str) -> bool {
    env::split_paths(&search_path()).any(|dir| dir.join(name).is_file())
}

fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let ours = std::iter::once(tools().join("bin"));
    env::join_paths(ours.chain(env::split_paths(&path))).unwrap_or(path)
}

/// Runs a command; an error names it and how it ended.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("{} does not start: {error}", line(command)))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`{}` ended with {status}", line(command)).into()),
    }
}

/// Runs a command and gives what it wrote to standard output.
pub(crate) fn capture(command: &mut Command) -> Outcome<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{} does not start: {error}", line(command)))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("`{}` ended with {}", line(command), output.status).into()),
    }
}

fn line(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let arguments = command.get_args().map(|a| a.to_string_lossy());
    std::iter::once(name).chain(arguments).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_step_names_itself() {
        let mut steps = StepLog::default();
        assert_eq!(steps.run("one", "", || Ok(1)), Some(1));
        assert_eq!(steps.run("two", "", || -> Outcome<()> { Err("no".into()) }), None);
        steps.skip("three", "not here");
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: two");
    }

    #[test]
    fn program_hears_nothing_of_the_package_of_xtask() {
        assert!(env::var_os("CARGO_PKG_NAME").is_some(), "cargo sets it for this test");
        let received = capture(&mut program("env")).unwrap();
        assert!(!received.contains("CARGO_PKG_") && !received.contains("CARGO_MANIFEST_"), "{received}");
    }

    #[test]
    fn failed_command_is_named() {
        let error = run(&mut program("false")).unwrap_err().to_string();
        assert!(error.starts_with("`false` ended with"), "{error}");
    }
}
