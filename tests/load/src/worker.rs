//! Programs that sign in when they are told to: ours, a bare socket, a command, other languages.
//!
//! Each reads `run CALLERS MILLISECONDS` lines, signs in until the time is over, and prints
//! `{"ms": [...]}`: how long each sign-in took. Ours, the bare socket and commands run all callers
//! in one process; of the others there is one process for each caller.

use std::cell::RefCell;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use user_backend::{Config, Credentials, Outcome as SignIn, Resolver};

use crate::Outcome;
use crate::turns::Target;

/// The argument that turns this program into a worker.
pub(crate) const COMMAND: &str = "worker";

/// A process that signs in.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(command: &[String]) -> Outcome<Self> {
        let (program, arguments) = command.split_first().ok_or("no command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program} does not start: {error}"))?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, input, output })
    }

    fn answer(&mut self) -> Outcome<Vec<f64>> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("it ended: {}", self.child.wait()?).into());
        }
        let answer: Value = serde_json::from_str(&line)?;
        let times = answer["ms"].as_array().ok_or("an answer without times")?;
        Ok(times.iter().filter_map(Value::as_f64).collect())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn target(name: &'static str, command: &[String], most: usize, is_concurrent: bool) -> Outcome<Target> {
    let processes = if is_concurrent { 1 } else { most };
    let workers = (0..processes).map(|_| Worker::start(command)).collect::<Outcome<Vec<_>>>()?;
    let ids = workers.iter().map(|worker| worker.child.id()).collect();
    let workers = RefCell::new(workers);
    let ask = move |callers: usize, length: Duration| {
        let mut workers = workers.borrow_mut();
        let (used, each) = if is_concurrent { (1, callers) } else { (callers, 1) };
        let workers = workers.get_mut(..used).ok_or("more callers than processes")?;
        for worker in workers.iter_mut() {
            writeln!(worker.input, "run {each} {}", length.as_millis())?;
        }
        let mut times = Vec::new();
        for worker in workers {
            times.extend(worker.answer()?);
        }
        Ok(times)
    };
    Ok(Target::new(name, ask).processes(ids).at_most(most))
}

/// A program of another language, with as many processes as callers.
///
/// # Errors
/// It does not start.
pub(crate) fn script(name: &'static str, command: &[String], most: usize) -> Outcome<Target> {
    target(name, command, most, false)
}

/// A part of this program, with all callers in one process.
///
/// # Errors
/// It does not start.
pub(crate) fn part(name: &'static str, arguments: &[String], most: usize) -> Outcome<Target> {
    let mut command = vec![env::current_exe()?.display().to_string(), COMMAND.to_owned()];
    command.extend_from_slice(arguments);
    target(name, &command, most, true)
}

/// Serves as a worker.
///
/// # Errors
/// Wrong arguments, or a sign-in failed.
pub(crate) fn serve() -> Outcome {
    let arguments: Vec<String> = env::args().skip(2).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["ours", config, name, password] => ours(config, name, password),
        ["floor", dialogue, port, ca, name, password] => {
            floor(dialogue, port.parse()?, Path::new(ca), name, password)
        }
        ["command", program, ref arguments @ ..] => command(program, arguments),
        _ => {
            Err("worker ours CONFIG NAME PASSWORD | floor DIALOGUE PORT CA NAME PASSWORD | command ..."
                .into())
        }
    }
}

/// Reads a line, and runs this many callers until the end.
fn answer_lines(mut run: impl FnMut(usize, Instant) -> Outcome<Vec<f64>>) -> Outcome {
    for line in std::io::stdin().lines() {
        let line = line?;
        let mut words = line.split(' ').skip(1).map(str::parse::<u64>);
        let (Some(Ok(callers)), Some(Ok(length))) = (words.next(), words.next()) else {
            return Err(format!("expected run CALLERS MILLISECONDS, found {line}").into());
        };
        let times = run(usize::try_from(callers)?, Instant::now() + Duration::from_millis(length))?;
        println!("{}", json!({ "ms": times }));
    }
    Ok(())
}

/// Lets tasks call a function until the end.
fn in_tasks<F, R>(
    runtime: &tokio::runtime::Runtime,
    callers: usize,
    end: Instant,
    once: F,
) -> Outcome<Vec<f64>>
where
    F: Fn() -> R + Send + Clone + 'static,
    R: Future<Output = Result<(), String>> + Send,
{
    runtime.block_on(async {
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let once = once.clone();
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    while Instant::now() < end {
                        let began = Instant::now();
                        once().await?;
                        times.push(began.elapsed().as_secs_f64() * 1000.0);
                    }
                    Ok::<_, String>(times)
                })
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await??);
        }
        Ok(times)
    })
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// The library, with the backends of a configuration file.
fn ours(config: &str, name: &str, password: &str) -> Outcome {
    let runtime = runtime()?;
    let config = Config::load(config)?;
    let resolver = runtime.block_on(async { Resolver::from_config(&config) })?;
    let resolver = Arc::new(resolver);
    let (name, password) = (name.to_owned(), password.to_owned());
    answer_lines(|callers, end| {
        let (resolver, name, password) = (Arc::clone(&resolver), name.clone(), password.clone());
        in_tasks(&runtime, callers, end, move || {
            let (resolver, name, password) = (Arc::clone(&resolver), name.clone(), password.clone());
            async move {
                let credentials = Credentials::new(&name, &password).without_source();
                match resolver.authenticate(credentials).await.outcome {
                    SignIn::Authenticated(_) => Ok(()),
                    other => Err(format!("expected a sign-in, found {other:?}")),
                }
            }
        })
    })
}

/// The least that a client can do: connect, read the greeting, say the password, read the reply.
fn floor(dialogue: &str, port: u16, ca: &Path, name: &str, password: &str) -> Outcome {
    let runtime = runtime()?;
    let tls = if dialogue == "imap" {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Some(TlsConnector::from(Arc::new(config)))
    } else {
        None
    };
    let lines: Arc<[String]> = match dialogue {
        "imap" => Arc::new([format!("a LOGIN {name} {password}\r\n")]),
        "ftp" => Arc::new([format!("USER {name}\r\n"), format!("PASS {password}\r\n")]),
        other => return Err(format!("no dialogue {other}: imap, ftp").into()),
    };
    let last = if dialogue == "imap" { "a OK" } else { "230 " };
    let host = env::var(HOST)?;
    answer_lines(|callers, end| {
        let (tls, lines, host) = (tls.clone(), Arc::clone(&lines), host.clone());
        in_tasks(&runtime, callers, end, move || {
            let (tls, lines, host) = (tls.clone(), Arc::clone(&lines), host.clone());
            async move { once(&host, port, tls, &lines, last).await.map_err(|error| error.to_string()) }
        })
    })
}

/// The address of the servers, for the bare socket.
pub(crate) const HOST: &str = "RIG_HOST";

async fn once(
    host: &str,
    port: u16,
    tls: Option<TlsConnector>,
    lines: &[String],
    last: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let socket = TcpStream::connect((host, port)).await?;
    socket.set_nodelay(true)?;
    match tls {
        Some(tls) => {
            let name = ServerName::try_from(host.to_owned())?;
            dialogue(tls.connect(name, socket).await?, lines, last).await
        }
        None => dialogue(socket, lines, last).await,
    }
}

async fn dialogue(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    lines: &[String],
    last: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut stream = tokio::io::BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    for command in lines {
        stream.write_all(command.as_bytes()).await?;
        stream.flush().await?;
        line.clear();
        stream.read_line(&mut line).await?;
        while line.starts_with("* ") {
            line.clear();
            stream.read_line(&mut line).await?;
        }
    }
    if line.starts_with(last) { Ok(()) } else { Err(format!("the last reply is {line:?}").into()) }
}

/// A program that is started for each sign-in and ends with 0 if the password is right.
fn command(program: &str, arguments: &[&str]) -> Outcome {
    answer_lines(|callers, end| {
        std::thread::scope(|scope| {
            let call = || {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let began = Instant::now();
                    let mut command = Command::new(program);
                    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                    let ended = command.status().map_err(|error| format!("{program}: {error}"))?;
                    if !ended.success() {
                        return Err(format!("{program} ended with {ended}"));
                    }
                    times.push(began.elapsed().as_secs_f64() * 1000.0);
                }
                Ok(times)
            };
            let threads: Vec<_> = (0..callers).map(|_| scope.spawn(call)).collect();
            let mut times = Vec::new();
            for thread in threads {
                times.extend(thread.join().map_err(|_| "a caller broke off")??);
            }
            Ok(times)
        })
    })
}

/// The text of a script, written where it can be run.
///
/// # Errors
/// It cannot be written.
pub(crate) fn written(folder: &Path, name: &str, text: &str) -> Outcome<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}
