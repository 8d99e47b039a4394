//! The test rig: real IMAP, FTP and SMB servers, run by the scripts in `docker/`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;

use crate::prerequisites;
use crate::step::{self, Outcome};

/// `cargo xtask rig`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do
    action: Action,
    /// Which services; all when none is named (`down`, `env`: always all)
    services: Vec<Service>,
    /// Use containers instead of processes on this machine
    #[arg(long)]
    compose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Install what is missing, start the servers and say what listens where
    Up,
    /// End everything
    Down,
    /// Say what is up
    Status,
    /// Make a service hang: it accepts connections and never answers
    Pause,
    /// End the hang
    Resume,
    /// End a service: connections are refused
    Stop,
    /// Start a stopped service
    Start,
    /// Print the variables that tests read: `eval "$(cargo xtask rig env)"`
    Env,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    Imap,
    Ftp,
    Smb,
}

/// Runs one action.
///
/// # Errors
///
/// The output of the rig's script, or why packages could not be installed.
pub(crate) fn run(args: &Args) -> Outcome {
    let rig = Rig::new(args.compose);
    if args.action == Action::Up {
        prerequisites::install(&rig.missing()?)?;
    }
    if args.action == Action::Env {
        let quoted = |value: &str| value.replace('\'', r"'\''");
        rig.env()?.iter().for_each(|(name, value)| println!("export {name}='{}'", quoted(value)));
        return Ok(());
    }
    step::run(rig.script(&name(&args.action)).args(args.services.iter().map(name)))
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
}

/// One of the two rigs.
#[derive(Debug)]
pub(crate) struct Rig {
    path: PathBuf,
    compose: bool,
}

impl Rig {
    pub(crate) fn new(compose: bool) -> Self {
        let file = if compose { "docker/rig-compose.sh" } else { "docker/rig-native.sh" };
        Self { path: step::root().join(file), compose }
    }

    /// The Debian packages that this rig still needs.
    pub(crate) fn missing(&self) -> Outcome<Vec<String>> {
        if self.compose {
            return Ok(Vec::new());
        }
        let names = step::capture(&mut self.script("missing"))?;
        Ok(names.split_whitespace().map(str::to_owned).collect())
    }

    /// Starts what is down; what was started ends with the guard, however that comes about.
    pub(crate) fn up(&self) -> Outcome<Guard> {
        let down = self.down_services()?;
        let guard = if down.is_empty() {
            Guard::nothing()
        } else if down.len() == Service::value_variants().len() {
            Guard::new(self, &["down"], down)?
        } else {
            let mut stop = vec!["stop"];
            stop.extend(down.iter().map(String::as_str));
            Guard::new(self, &stop, down.clone())?
        };
        step::run(&mut self.script("up"))?;
        Ok(guard)
    }

    /// The variables that tests read.
    pub(crate) fn env(&self) -> Outcome<Vec<(String, String)>> {
        let lines = step::capture(&mut self.script("env"))?;
        Ok(lines.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// Stops a service until the guard is dropped, unless `others` ends it anyway.
    pub(crate) fn outage(&self, service: &str, others: &Guard) -> Outcome<Guard> {
        let ours = others.started.iter().any(|started| started == service);
        let guard = if ours { Guard::nothing() } else { Guard::new(self, &["start", service], Vec::new())? };
        step::run(self.script("stop").arg(service))?;
        Ok(guard)
    }

    fn down_services(&self) -> Outcome<Vec<String>> {
        let lines = step::capture(&mut self.script("status"))?;
        Ok(lines.lines().filter_map(|l| l.strip_suffix(" down")).map(str::to_owned).collect())
    }

    fn script(&self, verb: &str) -> Command {
        let mut command = step::program(&self.path);
        command.arg(verb);
        command
    }
}

/// Puts the rig back when it is dropped.
///
/// A shell waits beside us and does it. It ignores Ctrl-C and notices our end by the end of its
/// standard input, so it does the same when we are interrupted or killed.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Option<Child>,
    started: Vec<String>,
}

const WAIT: &str = r#"trap '' INT TERM HUP; read -r; echo "    rig: $2 ${*:3}" >&2; "$@""#;

impl Guard {
    const fn nothing() -> Self {
        Self { shell: None, started: Vec::new() }
    }

    fn new(rig: &Rig, end: &[&str], started: Vec<String>) -> Outcome<Self> {
        let mut shell = step::program("bash");
        shell.args(["-c", WAIT, "wait"]).arg(&rig.path).args(end).stdin(Stdio::piped());
        Ok(Self { shell: Some(shell.spawn()?), started })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            if let Err(error) = shell.wait() {
                eprintln!("the rig may still be up: {error}");
            }
        }
    }
}
