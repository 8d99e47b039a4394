//! A real Valkey or Redis, on a socket in a directory of its own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certs::{Ca, Leaf};

/// How long it may take to start.
const START: Duration = Duration::from_secs(60);

/// The program of the Debian package `redis-server`.
const PROGRAM: &str = "/usr/bin/redis-server";

/// A running server, which ends with this value.
#[derive(Debug)]
pub struct ValkeyServer {
    dir: TempDir,
    options: Vec<String>,
    child: Option<Child>,
}

impl ValkeyServer {
    /// One that keeps nothing on disk; `None` if it is not installed.
    ///
    /// # Panics
    /// When it does not start, or is missing although `RIG_REQUIRED` is set.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// One with these options, such as `--appendonly yes`.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn with(options: &[&str]) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            assert!(env::var_os("RIG_REQUIRED").is_none(), "{PROGRAM} is not installed");
            println!("skipped: {PROGRAM} is not installed");
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut server = Self { dir, options, child: None };
        server.spawn();
        Some(server)
    }

    /// One that is also at a loopback port with TLS, where users sign in; and its authority.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn encrypted(port: u16, password: &str) -> Option<(Self, Ca)> {
        let ca = Ca::new();
        let (certificate, key) = ca.files(&Leaf::new(["127.0.0.1"]));
        let [certificate, key] = [certificate, key].map(|file| file.display().to_string());
        let [port, ca_file] = [port.to_string(), ca.file().display().to_string()];
        let tls = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let access = ["--tls-ca-cert-file", &ca_file, "--tls-auth-clients", "no", "--requirepass", password];
        let server = Self::with(&[&tls[..], &access, &["--bind", "127.0.0.1", "--save", ""]].concat())?;
        Some((server, ca))
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("valkey.sock")
    }

    /// Starts it on the data that it has on disk, if it does not run.
    ///
    /// # Panics
    /// When it does not start.
    pub fn spawn(&mut self) {
        if self.child.is_some() {
            return;
        }
        let _ = fs::remove_file(self.socket());
        let mut command = Command::new(PROGRAM);
        command.args(["--port", "0", "--daemonize", "no", "--unixsocketperm", "777"]);
        command.arg("--dir").arg(self.dir.path()).arg("--unixsocket").arg(self.socket());
        command.args(&self.options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("the server"));
        let began = Instant::now();
        while !Self::answers(&self.socket()) {
            assert!(began.elapsed() < START, "{PROGRAM} does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn answers(socket: &Path) -> bool {
        let mut ping = Command::new("redis-cli");
        let output = ping.arg("-s").arg(socket).arg("PING").output().expect("redis-cli");
        let text = String::from_utf8_lossy(&output.stdout);
        text.starts_with("PONG") || text.starts_with("NOAUTH")
    }

    /// Kills it without notice.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Freezes it, or lets it go on.
    pub fn freeze(&self, is_frozen: bool) {
        if let Some(child) = &self.child {
            let signal = if is_frozen { "-STOP" } else { "-CONT" };
            let _ = Command::new("kill").arg(signal).arg(child.id().to_string()).status();
        }
    }

    /// What it answers to a command.
    ///
    /// # Panics
    /// When `redis-cli` is missing.
    pub fn command(&self, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        let output = command.arg("-s").arg(self.socket()).args(words).output().expect("redis-cli");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for ValkeyServer {
    fn drop(&mut self) {
        self.kill();
    }
}
