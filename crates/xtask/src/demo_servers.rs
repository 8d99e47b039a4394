//! The servers of `cargo xtask demo` that are not in the rig.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::step::{self, Outcome};

/// The program that runs them; they end with this value.
#[derive(Debug)]
pub(crate) struct MoreServers {
    program: Child,
    backends: String,
}

impl MoreServers {
    /// Starts them all.
    ///
    /// # Errors
    /// One of them does not start.
    pub(crate) fn start() -> Outcome<Self> {
        let mut command = step::program(step::target().join("debug/local-servers"));
        command.env("RIG_REQUIRED", "1").env("PROGRAMS_REQUIRED", "1");
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = program.stdout.take().ok_or("a program without output")?;
        let mut servers = Self { program, backends: String::new() };
        for line in BufReader::new(output).lines() {
            let line = line?;
            if line.is_empty() {
                return Ok(servers);
            }
            servers.backends += &line;
            servers.backends.push('\n');
        }
        Err("one of the servers does not start".into())
    }

    /// The entries of a configuration that ask them.
    pub(crate) fn backends(&self) -> &str {
        self.backends.split_once('\n').map_or("", |(_, backends)| backends)
    }

    /// The password of their user, alice.
    pub(crate) fn password(&self) -> &str {
        let first = self.backends.lines().next().unwrap_or_default();
        first.strip_prefix("# ").unwrap_or_default()
    }
}

impl Drop for MoreServers {
    fn drop(&mut self) {
        // The end of its input: it ends its servers first.
        drop(self.program.stdin.take());
        let _ = self.program.wait();
    }
}
