//! The rig of real servers: where it is, and how to make its servers fail.
//!
//! `cargo xtask test` starts the rig and passes it to the tests in the environment. Without it a
//! live test says that it is skipped; with `RIG_REQUIRED=1` a missing rig is a failure, so that
//! nothing passes silently.

use std::env;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The rig that is running.
#[derive(Clone, Debug)]
pub struct Rig {
    host: String,
    state: PathBuf,
    script: PathBuf,
}

impl Rig {
    /// Finds the rig, or says that the calling test is skipped.
    ///
    /// # Panics
    /// When `RIG_REQUIRED` is set and there is no rig.
    #[must_use]
    pub fn find() -> Option<Self> {
        crate::logging::on();
        let read = |name| env::var_os(name).filter(|value| !value.is_empty());
        match (read("RIG_HOST"), read("RIG_STATE"), read("RIG_SCRIPT")) {
            (Some(host), Some(state), Some(script)) => Some(Self {
                host: host.to_string_lossy().into_owned(),
                state: state.into(),
                script: script.into(),
            }),
            _ if read("RIG_REQUIRED").is_some() => {
                panic!(
                    "RIG_REQUIRED is set, but RIG_HOST, RIG_STATE and RIG_SCRIPT are not: run `cargo xtask rig up`"
                )
            }
            _ => {
                eprintln!("skipped: no rig of real servers (cargo xtask test brings it up)");
                None
            }
        }
    }

    /// The address of all servers.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The certificate of the authority that signed the servers' certificates.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.state.join("ca.crt")
    }

    /// The directory with certificates, password files and logs.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Freezes a server (`imap`, `ftp`, `smb`) until the guard is dropped.
    ///
    /// Connections are taken, nothing answers.
    pub fn paused(&self, server: &str) -> Broken {
        self.broken(server, "pause", "resume")
    }

    /// Stops a server until the guard is dropped: connections are refused.
    pub fn stopped(&self, server: &str) -> Broken {
        self.broken(server, "stop", "start")
    }

    /// The penalties per address of a Dovecot with Debian's configuration.
    ///
    /// The servers are `stock` and `trusted`.
    ///
    /// # Panics
    /// If the rig does not know.
    #[must_use]
    pub fn penalties(&self, server: &str) -> Vec<(IpAddr, u32)> {
        let mut command = Command::new(&self.script);
        let output = command.args(["penalty", server]).env("RIG_STATE", &self.state).output();
        let output = output.expect("the rig's script");
        assert!(output.status.success(), "rig penalty {server}: {output:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // Address, penalty, two times; a header first.
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
        };
        text.lines().filter_map(row).collect()
    }

    fn broken(&self, server: &str, verb: &str, mend: &'static str) -> Broken {
        self.run(verb, server);
        Broken { rig: self.clone(), server: server.to_owned(), mend }
    }

    fn run(&self, verb: &str, server: &str) {
        assert!(self.order(verb, server), "rig {verb} {server}");
    }

    /// Runs a command on a server; returns whether it succeeded.
    ///
    /// `pause`, `resume`, `stop`, `start` or `kill`.
    pub fn order(&self, verb: &str, server: &str) -> bool {
        let status = Command::new(&self.script).args([verb, server]).env("RIG_STATE", &self.state).status();
        status.is_ok_and(|status| status.success())
    }
}

/// A server that is out of order; dropping this mends it.
#[derive(Debug)]
#[must_use = "the server is restored when this is dropped"]
pub struct Broken {
    rig: Rig,
    server: String,
    mend: &'static str,
}

impl Drop for Broken {
    fn drop(&mut self) {
        self.rig.run(self.mend, &self.server);
    }
}
