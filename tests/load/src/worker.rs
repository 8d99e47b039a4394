//! Programs that sign in when they are told to: ours, a bare socket, a command, other languages.
//!
//! Each reads `run CALLERS MILLISECONDS` lines, signs in until the time is over, at least once, and
//! prints `{"ms": [...]}`: how long each sign-in took, and from commands `"peak_mib"`: what the
//! largest took in memory. It ends when a sign-in fails, so nothing that failed is ever counted.
//! Ours, the bare socket and commands run all callers in one process; of the others there is one
//! process for each caller.

use std::cell::RefCell;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use user_backend::{Config, Credentials, Outcome as SignIn, Resolver};

use crate::Outcome;
use crate::turns::{AnswerTimes, Target};

/// The argument that turns this program into a worker.
pub(crate) const COMMAND: &str = "worker";

/// A process that signs in.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(command: &[String], errors: Stdio) -> Outcome<Self> {
        let (program, arguments) = command.split_first().ok_or("no command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("{program} does not start: {error}"))?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, input, output })
    }

    /// Says that it runs; it answers when the time is over.
    fn run(&mut self, callers: usize, length: Duration) -> Outcome {
        Ok(writeln!(self.input, "run {callers} {}", length.as_millis())?)
    }

    /// `None` if it ended, because a sign-in failed.
    fn answer(&mut self) -> Outcome<Option<AnswerTimes>> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let answer: Value = serde_json::from_str(&line)?;
        let times = answer["ms"].as_array().ok_or("an answer without times")?;
        let times = times.iter().filter_map(Value::as_f64).collect();
        Ok(Some(AnswerTimes { times, peak_of_ended: answer["peak_mib"].as_f64().unwrap_or_default() }))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program signs in with in a check: it is refused.
pub(crate) const WRONG_PASSWORD: &str = "Not-the-password-1";

/// How a program signs in.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    /// It and its arguments; the password is part of one.
    pub(crate) command: &'a [String],
    pub(crate) password: &'a str,
    /// As many callers at most.
    pub(crate) most: usize,
}

impl Program<'_> {
    fn target(&self, name: &'static str, is_concurrent: bool) -> Outcome<Target> {
        let processes = if is_concurrent { 1 } else { self.most };
        let start = |_| Worker::start(self.command, Stdio::inherit());
        let workers = (0..processes).map(start).collect::<Outcome<Vec<_>>>()?;
        let ids = workers.iter().map(|worker| worker.child.id()).collect();
        let workers = RefCell::new(workers);
        let ask = move |callers: usize, length: Duration| {
            let mut workers = workers.borrow_mut();
            let (used, each) = if is_concurrent { (1, callers) } else { (callers, 1) };
            let workers = workers.get_mut(..used).ok_or("more callers than processes")?;
            for worker in workers.iter_mut() {
                worker.run(each, length)?;
            }
            let mut all = AnswerTimes::default();
            for worker in workers {
                let answers = worker.answer()?.ok_or("a sign-in failed")?;
                all.times.extend(answers.times);
                all.peak_of_ended = all.peak_of_ended.max(answers.peak_of_ended);
            }
            Ok(all)
        };
        let target = Target::new(name, ask, self.refuses()?).processes(ids).at_most(self.most);
        Ok(if is_concurrent { target } else { target.process_per_caller() })
    }

    /// Signs in with a wrong password, and fails if that is accepted.
    fn refuses(&self) -> Outcome<Box<dyn Fn() -> Outcome>> {
        let wrong: Vec<String> =
            self.command.iter().map(|word| word.replace(self.password, WRONG_PASSWORD)).collect();
        if wrong == self.command {
            return Err("the password is not part of the command".into());
        }
        Ok(Box::new(move || {
            let mut worker = Worker::start(&wrong, Stdio::null())?;
            worker.run(1, Duration::from_millis(300))?;
            match worker.answer()? {
                None => Ok(()),
                Some(_) => Err("a wrong password is accepted".into()),
            }
        }))
    }

    /// A program of another language, with as many processes as callers.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn script(&self, name: &'static str) -> Outcome<Target> {
        self.target(name, false)
    }

    /// A part of this program, with all callers in one process.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn part(&self, name: &'static str) -> Outcome<Target> {
        let mut command = vec![env::current_exe()?.display().to_string(), COMMAND.to_owned()];
        command.extend_from_slice(self.command);
        Program { command: &command, ..*self }.target(name, true)
    }
}

/// A program that needs no password, started for each answer, one at a time.
///
/// # Errors
/// It does not start.
pub(crate) fn without_password(name: &'static str, command: &[&str]) -> Outcome<Target> {
    let mut words = vec![env::current_exe()?.display().to_string()];
    words.extend([COMMAND, "command"].iter().chain(command).map(|word| (*word).to_owned()));
    let worker = Worker::start(&words, Stdio::inherit())?;
    let id = worker.child.id();
    let worker = RefCell::new(worker);
    let ask = move |callers: usize, length: Duration| {
        let mut worker = worker.borrow_mut();
        worker.run(callers, length)?;
        Ok(worker.answer()?.ok_or("it failed")?)
    };
    Ok(Target::new(name, ask, || Ok(())).processes(vec![id]).at_most(1))
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
        ["command", ref words @ ..] => command(words),
        _ => Err("worker ours CONFIG NAME PASSWORD | floor DIALOGUE PORT CA NAME PASSWORD | \
                  command [NAME=VALUE ...] [<<<INPUT] PROGRAM ..."
            .into()),
    }
}

/// Reads a line, and runs this many callers until the end.
fn answer_lines(mut run: impl FnMut(usize, Instant) -> Outcome<AnswerTimes>) -> Outcome {
    for line in std::io::stdin().lines() {
        let line = line?;
        let mut words = line.split(' ').skip(1).map(str::parse::<u64>);
        let (Some(Ok(callers)), Some(Ok(length))) = (words.next(), words.next()) else {
            return Err(format!("expected run CALLERS MILLISECONDS, found {line}").into());
        };
        let answers = run(usize::try_from(callers)?, Instant::now() + Duration::from_millis(length))?;
        println!("{}", json!({ "ms": answers.times, "peak_mib": answers.peak_of_ended }));
    }
    Ok(())
}

/// Lets tasks, which have their number, call a function until the end.
fn in_tasks<F, R>(
    runtime: &tokio::runtime::Runtime,
    callers: usize,
    end: Instant,
    once: F,
) -> Outcome<AnswerTimes>
where
    F: Fn(usize) -> R + Send + Clone + 'static,
    R: Future<Output = Result<(), String>> + Send,
{
    runtime.block_on(async {
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let once = once.clone();
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    loop {
                        let began = Instant::now();
                        once(caller).await?;
                        times.push(began.elapsed().as_secs_f64() * 1000.0);
                        if Instant::now() >= end {
                            return Ok::<_, String>(times);
                        }
                    }
                })
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await??);
        }
        Ok(times.into())
    })
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// The library, with the backends of a configuration file.
///
/// In the name, `{}` is the number of the caller. Without it all callers are the same user, and each
/// has a resolver of its own: one resolver would let attempts that arrive together share one.
fn ours(config: &str, name: &str, password: &str) -> Outcome {
    let runtime = runtime()?;
    let config = Config::load(config)?;
    let mut resolvers = Vec::new();
    let (name, password): (Arc<str>, Arc<str>) = (name.into(), password.into());
    answer_lines(|callers, end| {
        while resolvers.len() < if name.contains("{}") { 1 } else { callers } {
            resolvers.push(runtime.block_on(async { Resolver::from_config(&config) })?);
        }
        let resolvers: Arc<[Resolver]> = resolvers.clone().into();
        let (name, password) = (Arc::clone(&name), Arc::clone(&password));
        in_tasks(&runtime, callers, end, move |caller| {
            let (resolvers, name, password) =
                (Arc::clone(&resolvers), Arc::clone(&name), Arc::clone(&password));
            async move {
                let resolver = resolvers.iter().cycle().nth(caller).ok_or("no resolver")?;
                let name = name.replace("{}", &caller.to_string());
                let credentials = Credentials::new(&name, &password).without_source();
                let answer = resolver.authenticate(credentials).await;
                match answer.outcome {
                    SignIn::Authenticated(_) => Ok(()),
                    other => Err(format!("expected a sign-in, found {other:?}\n{}", answer.trace)),
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
        in_tasks(&runtime, callers, end, move |_| {
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
///
/// As in a shell, words before it are variables of its environment and, after `<<<`, its input.
fn command(words: &[&str]) -> Outcome {
    let is_before = |word: &&&str| {
        word.starts_with("<<<") || word.split_once('=').is_some_and(|(name, _)| is_variable(name))
    };
    let (before, words) = words.split_at(words.iter().take_while(is_before).count());
    let input = before.iter().find_map(|word| word.strip_prefix("<<<"));
    let variables: Vec<_> = before.iter().filter_map(|word| word.split_once('=')).collect();
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let once = || -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{program}: {error}");
        let mut command = Command::new(program);
        command.args(arguments).envs(variables.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().map_err(failed)?;
        if let (Some(text), Some(mut pipe)) = (input, child.stdin.take()) {
            pipe.write_all(text.as_bytes()).map_err(failed)?;
        }
        let ended = child.wait().map_err(failed)?;
        if ended.success() { Ok(()) } else { Err(format!("{program} ended with {ended}")) }
    };
    answer_lines(|callers, end| {
        let times = std::thread::scope(|scope| {
            let call = || {
                let mut times = Vec::new();
                loop {
                    let began = Instant::now();
                    once()?;
                    times.push(began.elapsed().as_secs_f64() * 1000.0);
                    if Instant::now() >= end {
                        return Ok::<_, String>(times);
                    }
                }
            };
            let threads: Vec<_> = (0..callers).map(|_| scope.spawn(call)).collect();
            let mut times = Vec::new();
            for thread in threads {
                times.extend(thread.join().map_err(|_| "a caller broke off")??);
            }
            Ok::<_, Box<dyn std::error::Error>>(times)
        })?;
        let largest = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
        Ok(AnswerTimes { times, peak_of_ended: largest as f64 / 1024.0 })
    })
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// The words of a command.
pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
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
