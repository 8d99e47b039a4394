//! Third-party clients of the provisioning API, run against our server.
//!
//! A Python library and a Node library, clients that are generated from the API description, and
//! schemathesis, which compares the description with the server; in pinned versions from the
//! registries, installed into `target/tools`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::prerequisites;
use crate::step::{self, Outcome, StepLog};

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
    let mut steps = StepLog::default();
    let ready = steps.run("install", "what is missing: Python, Node, libraries", || {
        let mut missing = prerequisites::missing_libraries();
        missing.extend(self::missing());
        prerequisites::install(&missing)
    });
    if ready.is_some() {
        check(&mut steps);
        compare(&mut steps);
    }
    steps.finish()
}

/// The Debian packages of a virtual environment, where they are missing.
pub(crate) fn missing_python() -> Vec<String> {
    let has_venv = step::have("python3")
        && step::capture(step::program("python3").args(["-c", "import venv, ensurepip"])).is_ok();
    if has_venv { Vec::new() } else { ["python3", "python3-venv"].map(str::to_owned).into() }
}

/// The Debian packages, where they are missing.
pub(crate) fn missing() -> Vec<String> {
    let mut missing = missing_python();
    if !step::have("node") {
        missing.push("nodejs".into());
    }
    if !step::have("npm") {
        missing.push("npm".into());
    }
    missing
}

/// Installs the clients and runs each against its own server.
pub(crate) fn check(steps: &mut StepLog) {
    let ready = steps.run("clients", "libraries and generators that others wrote: installing them", || {
        // The same build as that of the tests, so that nothing is compiled twice.
        let build = ["test", "--no-run", "--quiet", "--workspace", "--all-features"];
        step::run(&mut step::cargo(&build))?;
        let python = python("clients-python", &here("python/requirements.txt"))?;
        let generators = self::python("clients-generators", &here("generated/requirements.txt"))?;
        let node = node("clients-node", "node", "calls.mjs")?;
        Ok((python, node, generators, self::node("clients-typescript", "generated", "tasks.ts")?))
    });
    let Some((python, node, generators, tasks)) = ready else { return };
    steps.run("nc-py-api", "users, groups and apps from Python", || {
        let mut calls = step::program(python);
        on_a_server(calls.arg(here("python/calls.py")))
    });
    steps.run("node-client", "users, groups and apps from Node", || {
        on_a_server(step::program("node").arg(node))
    });
    steps
        .run("openapi-python-client", "a client generated from /openapi.json", || python_client(&generators));
    steps.run("openapi-fetch", "types generated from /openapi.json, checked by tsc", || {
        typescript_client(&tasks)
    });
}

/// Compares the description with the server, with random calls: a part of `ci --full`.
pub(crate) fn compare(steps: &mut StepLog) {
    steps.run("schemathesis", "whether /openapi.json says what the server does", || {
        step::run(&mut step::cargo(&["test", "--no-run", "--quiet", "--workspace", "--all-features"]))?;
        schemathesis(&python("clients-generators", &here("generated/requirements.txt"))?)
    });
}

/// Generates a Python client and does the tasks of `tasks.py` with it.
fn python_client(interpreter: &Path) -> Outcome {
    let server = ApiServer::start()?;
    let client = server.folder.join("client");
    let programs = interpreter.parent().ok_or("no folder of programs")?;
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut generate = step::program(programs.join("openapi-python-client"));
    let generate = generate.arg("generate").arg("--fail-on-warning").arg("--url").arg(server.description());
    // It formats what it writes with a program beside it.
    step::run(generate.arg("--output-path").arg(&client).env("PATH", path))?;
    let mut tasks = step::program(interpreter);
    server.ask(tasks.arg(here("generated/tasks.py")).arg(&client))
}

/// Generates types, checks `tasks.ts` with them, and runs it.
fn typescript_client(tasks: &Path) -> Outcome {
    let server = ApiServer::start()?;
    let folder = tasks.parent().ok_or("no folder of tasks")?;
    let tool = |name: &str| {
        let mut tool = step::program(folder.join("node_modules/.bin").join(name));
        tool.current_dir(folder);
        tool
    };
    step::run(tool("openapi-typescript").arg(server.description()).args(["--output", "api.d.ts"]))?;
    let strict = ["--strict", "--target", "es2022", "--module", "nodenext", "--types", "node"];
    step::run(tool("tsc").args(strict).arg(tasks))?;
    server.ask(step::program("node").arg(tasks.with_extension("js")))
}

/// Compares the description with the server.
fn schemathesis(interpreter: &Path) -> Outcome {
    let server = ApiServer::start()?;
    let mut compare = step::program(interpreter.with_file_name("schemathesis"));
    compare.arg("--config-file").arg(here("generated/schemathesis.toml"));
    compare.arg("run").arg(server.description()).args(["--auth", &format!("admin:{PASSWORD}")]);
    compare.args([
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "30",
        "--seed",
        "1",
        "--no-color",
    ]);
    step::run(compare.env("SCHEMATHESIS_HOOKS", here("generated/checks.py")).current_dir(&server.folder))
}

fn here(path: &str) -> PathBuf {
    step::root().join("tests/clients").join(path)
}

/// Creates a virtual environment with these Python libraries, and returns its interpreter.
pub(crate) fn python(folder: &str, wanted: &Path) -> Outcome<PathBuf> {
    let folder = step::tools().join(folder);
    let (interpreter, installed) = (folder.join("bin/python"), folder.join("requirements.txt"));
    if fs::read(&installed).ok() == Some(fs::read(wanted)?) {
        return Ok(interpreter);
    }
    eprintln!("    installing {} into {}", wanted.display(), folder.display());
    step::run(step::program("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"];
    step::run(step::program(&interpreter).args(pip).arg(wanted))?;
    fs::copy(wanted, installed)?;
    Ok(interpreter)
}

/// Creates a folder with Node libraries, and returns the copy of the calls beside them.
fn node(folder: &str, source: &str, calls: &str) -> Outcome<PathBuf> {
    let (folder, source) = (step::tools().join(folder), here(source));
    let (copy, installed) = (folder.join(calls), folder.join("node_modules/.installed"));
    fs::create_dir_all(&folder)?;
    fs::copy(source.join(calls), &copy)?;
    let wanted = source.join("package-lock.json");
    if fs::read(&installed).ok() == Some(fs::read(&wanted)?) {
        return Ok(copy);
    }
    eprintln!("    installing what {} needs into {}", source.display(), folder.display());
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), folder.join(file))?;
    }
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    step::run(step::program("npm").args(install).current_dir(&folder))?;
    fs::copy(wanted, installed)?;
    Ok(copy)
}

/// Runs a program with a new server and the administrator `admin` in its environment.
fn on_a_server(client: &mut Command) -> Outcome {
    ApiServer::start()?.ask(client)
}

/// A server in its own folder; both are removed on drop.
struct ApiServer {
    process: Child,
    folder: PathBuf,
    url: String,
}

impl ApiServer {
    /// Where its API description is.
    fn description(&self) -> String {
        format!("{}/openapi.json", self.url)
    }

    /// Runs a program with this server and its administrator `admin` in the environment.
    fn ask(&self, client: &mut Command) -> Outcome {
        step::run(client.env("CLIENT_URL", &self.url).env("CLIENT_PASSWORD", PASSWORD))
    }

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
        let mut output = Vec::new();
        for line in lines.by_ref() {
            if let Some((_, address)) = line.split_once("address=") {
                server.url = format!("http://{}", address.trim());
                break;
            }
            output.push(line);
        }
        if server.url.is_empty() {
            return Err(format!("user-backend-server serve does not start:\n{}", output.join("\n")).into());
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
