//! The measured setup: a store with users, the server, and single requests to it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::large_store::{LargeStore, block_on};
use crate::process::Process;
use crate::{Outcome, people};

/// What all parts share.
#[derive(Debug)]
pub(crate) struct Plan {
    program: PathBuf,
    /// The admin command line, if its lists are measured too.
    pub(crate) occ: Option<PathBuf>,
    folder: TempDir,
    /// How often the server is measured.
    pub(crate) runs: usize,
    /// How often programs are measured in turns: fewer than 7 times says little.
    pub(crate) rounds: usize,
    /// How long each time.
    pub(crate) seconds: u32,
    /// How many wrong passwords are tried, half of them for existing users.
    pub(crate) guesses: usize,
}

impl Plan {
    /// Reads `OCS_RUNS`, `OCS_SECONDS` and `OCS_GUESSES` from the environment.
    ///
    /// Defaults: 5 (7 rounds of programs in turns), 5, and 2000 (at most 10^5).
    ///
    /// # Errors
    /// They are no numbers.
    pub(crate) fn new(program: PathBuf) -> Outcome<Self> {
        let number =
            |name: &str, usual: u32| std::env::var(name).map_or(Ok(usual), |text| text.parse::<u32>());
        let runs = |usual| number("OCS_RUNS", usual).map(|runs| runs.max(1) as usize);
        let (rounds, runs, seconds) = (runs(7)?, runs(5)?, number("OCS_SECONDS", 5)?.max(1));
        let guesses = number("OCS_GUESSES", 2_000)?.clamp(4, 100_000) as usize;
        let occ = std::env::var_os("OCS_OCC").map(PathBuf::from);
        Ok(Self { program, occ, folder: tempfile::tempdir()?, runs, rounds, seconds, guesses })
    }

    /// A new folder with a store of this many users, and the server.
    ///
    /// # Errors
    /// The store cannot be filled, or the server does not start.
    pub(crate) fn site(&self, people: usize, tls: bool) -> Outcome<Site> {
        self.site_with(people, tls, "")
    }

    /// The same with more settings of the server.
    ///
    /// # Errors
    /// The store cannot be filled, or the server does not start.
    pub(crate) fn site_with(&self, people: usize, tls: bool, settings: &str) -> Outcome<Site> {
        let folder = tempfile::tempdir_in(self.folder.path())?;
        block_on(people::fill(&folder.path().join("user-backend.db"), people))?;
        self.start(folder, tls, settings)
    }

    /// A server over a store that is there.
    ///
    /// # Errors
    /// The server does not start.
    pub(crate) fn site_over(&self, store: &LargeStore) -> Outcome<Site> {
        let folder = tempfile::tempdir_in(self.folder.path())?;
        self.start(folder, false, &format!("[store]\nurl = \"{}\"\n", store.url()))
    }

    /// A new folder that ends with everything else.
    pub(crate) fn folder(&self) -> Outcome<TempDir> {
        Ok(tempfile::tempdir_in(self.folder.path())?)
    }

    fn start(&self, folder: TempDir, tls: bool, settings: &str) -> Outcome<Site> {
        let mut text = format!("[server]\nlisten = \"127.0.0.1:0\"\n{settings}");
        if tls {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
            fs::write(folder.path().join("cert.pem"), made.cert.pem())?;
            let key = folder.path().join("key.pem");
            fs::write(&key, made.signing_key.serialize_pem())?;
            private(&key)?;
            text += "tls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n";
        }
        let config = folder.path().join("server.toml");
        fs::write(&config, text)?;
        private(&config)?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--config").arg(&config);
        let server = Process::start(&mut command, &folder.path().join("server.log"))?;
        Ok(Site { server, folder, tls })
    }
}

/// A server over a store.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) server: Process,
    folder: TempDir,
    tls: bool,
}

impl Site {
    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.server.address)
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder().join("server.toml")
    }

    /// Where files may be put.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks once, over plain HTTP, and gives the whole answer.
    ///
    /// # Errors
    /// No answer, or another status than 200.
    pub(crate) fn ask(&self, path: &str) -> Outcome<Answer> {
        self.ask_as(people::basic(0), path)
    }

    /// The same with this `Authorization` header.
    ///
    /// # Errors
    /// No answer, or another status than 200.
    pub(crate) fn ask_as(&self, caller: String, path: &str) -> Outcome<Answer> {
        parse(ask(&self.server.address, &caller, path)?)
    }

    /// The same until it works, because the first sign-in makes the account and may wait for the
    /// canary.
    ///
    /// # Errors
    /// No answer, or another status than 200, for five seconds.
    pub(crate) fn ask_until_known(&self, caller: &str, path: &str) -> Outcome<Answer> {
        let began = Instant::now();
        loop {
            let answer = self.ask_as(caller.to_owned(), path);
            if answer.is_ok() || began.elapsed() > Duration::from_secs(5) {
                return answer;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Asks once, over plain HTTP, with this `Authorization` header.
///
/// # Errors
/// No answer.
pub(crate) fn ask(address: &str, caller: &str, path: &str) -> Outcome<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {caller}\r\nocs-apirequest: true\r\n\
         connection: close\r\n\r\n"
    )?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    Ok(raw)
}

/// An answer, as it came and taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) raw: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Takes an answer apart.
///
/// What is chunked stays so.
///
/// # Errors
/// It is not one with status 200.
pub(crate) fn parse(raw: Vec<u8>) -> Outcome<Answer> {
    let end =
        raw.windows(4).position(|end| end == b"\r\n\r\n").ok_or("an answer without an end of its head")?;
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    if !status.contains(" 200 ") {
        return Err(format!("the server says {status}").into());
    }
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = raw[end + 4..].to_vec();
    Ok(Answer { raw, headers, body })
}

#[cfg(unix)]
pub(crate) fn private(path: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

#[cfg(not(unix))]
pub(crate) fn private(_: &Path) -> Outcome {
    Ok(())
}
