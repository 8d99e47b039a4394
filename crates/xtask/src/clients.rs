//! Third-party clients of the provisioning API, run against our server.
//!
//! A Python library and a Node library, in pinned versions from the registries, installed into
//! `target/tools`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::packages;
use crate::step::{self, Outcome, Steps};

/// The administrator's password on a server that runs for seconds.
const PASSWORD: &str = "down the rabbit hole 1865";

/// Cheap hashes, and a mail server that does not exist: mails stay in the queue.
const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:0"
passwords = { memory_kib = 7168, passes = 1 }

[mail]
host = "127.0.0.1"
port = 9
tls = "none"
from = "Cloud <noreply@example.com>"
"#;

/// Runs the clients.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run() -> Outcome {
    let mut steps = Steps::default();
    let ready = steps.run("install", "what is missing: Python, Node, libraries", || {
        let mut missing = packages::missing_libraries();
        missing.extend(self::missing());
        packages::install(&missing)
    });
    if ready.is_some() {
        check(&mut steps);
    }
    steps.finish()
}

/// The Debian packages, where they are missing.
pub(crate) fn missing() -> Vec<String> {
    let venv = step::have("python3")
        && step::capture(step::program("python3").args(["-c", "import venv, ensurepip"])).is_ok();
    let mut missing = Vec::new();
    if !venv {
        missing.extend(["python3", "python3-venv"].map(str::to_owned));
    }
    if !step::have("node") {
        missing.push("nodejs".into());
    }
    if !step::have("npm") {
        missing.push("npm".into());
    }
    missing
}

/// Installs the clients and runs each against its own server.
pub(crate) fn check(steps: &mut Steps) {
    let ready = steps.run("clients", "two libraries that others wrote for the API: installing them", || {
        // The same build as that of the tests, so that nothing is compiled twice.
        let build = ["test", "--no-run", "--quiet", "--workspace", "--all-features"];
        step::run(&mut step::cargo(&build))?;
        Ok((python()?, node()?))
    });
    let Some((python, node)) = ready else { return };
    steps.run("nc-py-api", "users, groups and apps from Python", || {
        let mut calls = step::program(python);
        on_a_server(calls.arg(here("python/calls.py")))
    });
    steps.run("node-client", "users, groups and apps from Node", || {
        on_a_server(step::program("node").arg(node))
    });
}

fn here(path: &str) -> PathBuf {
    step::root().join("tests/clients").join(path)
}

/// Creates a virtual environment with the Python library, and returns its interpreter.
fn python() -> Outcome<PathBuf> {
    let (folder, wanted) = (step::tools().join("clients-python"), here("python/requirements.txt"));
    let (interpreter, installed) = (folder.join("bin/python"), folder.join("requirements.txt"));
    if fs::read(&installed).ok() == Some(fs::read(&wanted)?) {
        return Ok(interpreter);
    }
    eprintln!("    installing nc-py-api and what it needs into {}", folder.display());
    step::run(step::program("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"];
    step::run(step::program(&interpreter).args(pip).arg(&wanted))?;
    fs::copy(wanted, installed)?;
    Ok(interpreter)
}

/// Creates a folder with the Node library, and returns the copy of the calls beside it.
fn node() -> Outcome<PathBuf> {
    let folder = step::tools().join("clients-node");
    let (calls, installed) = (folder.join("calls.mjs"), folder.join("node_modules/.installed"));
    fs::create_dir_all(&folder)?;
    fs::copy(here("node/calls.mjs"), &calls)?;
    let wanted = here("node/package-lock.json");
    if fs::read(&installed).ok() == Some(fs::read(&wanted)?) {
        return Ok(calls);
    }
    eprintln!("    installing nextcloud-node-client and what it needs into {}", folder.display());
    for file in ["package.json", "package-lock.json"] {
        fs::copy(here("node").join(file), folder.join(file))?;
    }
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    step::run(step::program("npm").args(install).current_dir(&folder))?;
    fs::copy(wanted, installed)?;
    Ok(calls)
}

/// Runs a program with a new server and the administrator `admin` in its environment.
fn on_a_server(client: &mut Command) -> Outcome {
    let server = ApiServer::start()?;
    step::run(client.env("CLIENT_URL", &server.url).env("CLIENT_PASSWORD", PASSWORD))
}

/// A server in its own folder; both are removed on drop.
struct ApiServer {
    process: Child,
    folder: PathBuf,
    url: String,
}

impl ApiServer {
    fn start() -> Outcome<Self> {
        let folder = step::target().join(format!("clients-{}", std::process::id()));
        // Left over from an interrupted run.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("user-backend.toml"), CONFIGURATION)?;
        let program = |word: &str| {
            let mut program = step::program(step::target().join("debug/user-backend-server"));
            program.arg(word).current_dir(&folder).env_remove("USER_BACKEND_CONFIG");
            program
        };
        let mut init = program("init");
        let mut init =
            init.arg("--password-from-stdin").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        if let Some(mut input) = init.stdin.take() {
            writeln!(input, "{PASSWORD}")?;
        }
        if !init.wait()?.success() {
            return Err("user-backend-server init failed".into());
        }
        let mut process = program("serve").stderr(Stdio::piped()).spawn()?;
        let log = process.stderr.take().map(BufReader::new);
        let mut server = Self { process, folder, url: String::new() };
        let mut lines = log.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let mut said = Vec::new();
        for line in lines.by_ref() {
            if let Some((_, address)) = line.split_once("address=") {
                server.url = format!("http://{}", address.trim());
                break;
            }
            said.push(line);
        }
        if server.url.is_empty() {
            return Err(format!("user-backend-server serve does not start:\n{}", said.join("\n")).into());
        }
        // Its output is read to the end, so that it never blocks; errors are shown.
        thread::spawn(move || {
            for line in lines.filter(|line| line.contains("ERROR")) {
                eprintln!("    server: {line}");
            }
        });
        Ok(server)
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
