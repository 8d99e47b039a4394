//! The PHP app, run by `driver.php`.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use user_backend_tests::Rig;

use crate::Answer;
use crate::cases::Pair;

/// A PHP process with the app in it; it ends with its standard input.
pub(crate) struct Php {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    _programs: TempDir,
}

impl Php {
    /// Nothing, with a message, without the app or without PHP.
    pub(crate) fn start() -> Option<Self> {
        let Some(app) = env::var_os("USER_EXTERNAL").filter(|folder| !folder.is_empty()).map(PathBuf::from)
        else {
            eprintln!("skipped: USER_EXTERNAL does not name a folder with nextcloud/user_external");
            return None;
        };
        assert!(app.join("lib/IMAP.php").is_file(), "{} holds no lib/IMAP.php", app.display());
        let loaded = Command::new("php").arg("-m").output().map(|output| output.stdout).unwrap_or_default();
        let loaded = String::from_utf8_lossy(&loaded).to_lowercase();
        let missing = ["curl", "mbstring"].iter().any(|module| !loaded.lines().any(|line| line == *module));
        if missing {
            eprintln!("skipped: no PHP with curl and mbstring (Debian: php-cli php-curl php-mbstring)");
            return None;
        }
        let programs = TempDir::new().unwrap();
        let mut command = Command::new("php");
        // Servers that do not answer are not waited for for a minute.
        command.args(["-d", "default_socket_timeout=5"]);
        if let Some(rig) = Rig::find() {
            let ca = rig.ca_file();
            command.arg("-d").arg(format!("curl.cainfo={}", ca.display()));
            command.arg("-d").arg(format!("openssl.cafile={}", ca.display()));
        }
        command.env("PATH", smbclient_with_port(programs.path()));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/driver.php")).arg(app);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { child, input, output, _programs: programs })
    }

    /// One sign-in, with an empty table of users.
    pub(crate) fn sign_in(&mut self, pair: &Pair) -> Answer {
        let input = self.input.as_mut().unwrap();
        let request = json!({
            "class": pair.class, "arguments": pair.arguments, "name": pair.name, "password": pair.password,
        });
        writeln!(input, "{}\n{request}", json!({ "reset": true })).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{pair}: {line:?}"));
        if let Some(error) = answer["error"].as_str() {
            return Answer::Error(error.to_owned());
        }
        match answer["uid"].as_str() {
            Some(id) => {
                let groups = answer["groups"].as_array().unwrap().iter();
                let groups = groups.map(|group| group.as_str().unwrap().to_owned()).collect();
                Answer::Yes { id: id.to_owned(), groups }
            }
            None => Answer::No,
        }
    }
}

impl Drop for Php {
    fn drop(&mut self) {
        drop(self.input.take());
        // Its end is all that matters.
        let _ = self.child.wait();
    }
}

/// A search path on which `smbclient` uses the port of the rig: the app cannot say one.
fn smbclient_with_port(folder: &Path) -> std::ffi::OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("smbclient")).find(|path| path.is_file());
    if let Some(found) = found {
        let script = folder.join("smbclient");
        std::fs::write(&script, format!("#!/bin/sh\nexec {} -p 10445 \"$@\"\n", found.display())).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    env::join_paths(std::iter::once(folder.to_owned()).chain(env::split_paths(&path))).unwrap()
}

/// Whether the app's SMB class can run.
pub(crate) fn has_smbclient() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join("smbclient").is_file())
}
