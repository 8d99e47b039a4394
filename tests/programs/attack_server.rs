//! The part of `cargo xtask soak` that attacks a server while its users sign in.
//!
//! Its backends are the servers of the rig, which fail meanwhile. Guesses at one user and at many
//! come from many sources; greedy clients take connections and memory; and a user signs in again
//! and again. At no time may a guess be right, the user be refused or limited, a name get more
//! guesses than the limit, or `/healthz` stay without an answer.
//!
//! `SOAK_SERVER` names the program, `SOAK_SECONDS` and `SOAK_SEED` are those of the soak.

// A broken test bench may stop the test.
#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep};
use user_backend_tests::greedy_clients::{Attack, ask, ask_from, resident};
use user_backend_tests::{Rig, Rng, report};

/// How much more memory it may take later than in the first third of the time.
///
/// What one attack takes is judged by `cargo xtask adversarial`: here guesses wait for servers that
/// fail, too. It must not pile up.
const MEMORY_MIB: u64 = 64;

/// How long the server may take to start, and the backends to be well.
const WELL: Duration = Duration::from_secs(90);

/// Where the owner is.
const HOME: Ipv4Addr = Ipv4Addr::new(127, 99, 0, 1);

/// The owner.
const OWNER: (&str, &str) = ("alice", "Wonderland-1");

/// The users at whom guesses are made, with the owner.
const OTHERS: usize = 200;

/// How often the owner signs in, and guesses are made at the owner and at others.
const OWNER_EVERY: Duration = Duration::from_millis(500);
const GUESS_EVERY: Duration = Duration::from_millis(100);

/// At most this many guesses at once.
const GUESSES_AT_ONCE: usize = 64;

/// At most this many guesses in this time.
const GUESSES: usize = 4;
const GUESSES_PER: Duration = Duration::from_secs(15 * 60);

/// How many connections of a greedy client there are from each of two sources, and its pause between
/// two requests: others use the machine, too.
fn greed(kind: Attack) -> (usize, Duration) {
    match kind {
        // Forty at once.
        Attack::Amplified => (20, Duration::from_secs(2)),
        _ => (3, Duration::from_millis(50)),
    }
}

fn main() -> ExitCode {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().expect(name));
    let (seconds, seed): (u64, u64) = (number("SOAK_SECONDS", 60), number("SOAK_SEED", 2026));
    let program = std::env::var_os("SOAK_SERVER").map(PathBuf::from).expect("SOAK_SERVER");
    let rig = Rig::find().expect("a rig of its own: cargo xtask soak");
    let server = Server::start(&program, &rig);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let complaints = runtime.expect("a runtime").block_on(attack(&server, seconds, seed));
    complaints.iter().for_each(|complaint| println!("FAILED: {complaint}"));
    match complaints.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The attacked server.
struct Server {
    running: Running,
    address: SocketAddr,
    _folder: TempDir,
}

/// Ends with this value.
struct Running(Child);

impl Server {
    fn start(program: &PathBuf, rig: &Rig) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (host, ca) = (rig.host(), rig.ca_file().display().to_string());
        let backend = |id: &str, class: &str, port: u16| {
            format!(
                "[[user_backends]]\nid = \"{id}\"\nclass = \"{class}\"\nhost = \"{host}\"\nport = {port}\n\
                 tls = \"implicit\"\nca_file = \"{ca}\"\ncache_accepted = \"2s\"\n"
            )
        };
        // Hashes of local passwords take memory that has a bound of its own, so they are small here.
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[server.passwords]\nmemory_kib = 7168\npasses = 1\n{}{}",
            backend("mail", "imap", 10993),
            backend("files", "ftp", 10990)
        );
        let file = folder.path().join("user-backend.toml");
        fs::write(&file, text).expect("a configuration");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a configuration of our own");
        let reports = std::env::var_os("ADVERSARIAL_REPORT").map(PathBuf::from);
        let log = reports.unwrap_or_else(|| folder.path().to_owned()).join("attacked-server.log");
        let mut command = Command::new(program);
        command.args(["serve", "--config"]).arg(&file).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).expect("a log"));
        let running = Running(command.spawn().expect("the server"));
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(&log).expect("its log");
            let line = text.lines().find(|line| line.contains("listening"));
            let address = line.and_then(|line| {
                line.split(['=', '"', ' ']).find_map(|part| part.parse::<SocketAddr>().ok())
            });
            if let Some(address) = address {
                return Self { running, address, _folder: folder };
            }
            assert!(began.elapsed() < WELL, "the server does not start: {text}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sign_in(name: &str, password: &str) -> String {
    let credentials = base64::prelude::BASE64_STANDARD.encode(format!("{name}:{password}"));
    format!(
        "GET /ocs/v2.php/cloud/user HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOCS-APIRequest: true\r\n\
         Authorization: Basic {credentials}\r\n\r\n"
    )
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    /// How often the owner and the guesses got each status.
    owner: BTreeMap<String, u64>,
    guesses: BTreeMap<String, u64>,
    /// When guesses at a name were judged: begin and end.
    judged: BTreeMap<String, Vec<(Instant, Instant)>>,
}

impl Seen {
    /// The names that got more guesses than the limit.
    fn above_limit(&self) -> Vec<&str> {
        let is_above = |times: &Vec<(Instant, Instant)>| {
            let mut times = times.clone();
            times.sort_by_key(|(_, end)| *end);
            // A failure counts from some time between begin and end of its attempt.
            times.windows(GUESSES + 1).any(|more| more[GUESSES].1.duration_since(more[0].0) < GUESSES_PER)
        };
        self.judged.iter().filter(|(_, times)| is_above(times)).map(|(name, _)| name.as_str()).collect()
    }
}

/// Attacks for so many seconds; returns what must not have been.
async fn attack(server: &Server, seconds: u64, seed: u64) -> Vec<String> {
    let address = server.address;
    assert!(owner_is_well(address).await, "{} does not sign in before the attack", OWNER.0);
    let (health, process) =
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", server.running.0.id());
    let before = resident(process);
    let (is_over, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
    for (number, kind) in (0..).zip(Attack::ALL) {
        let (connections, pause) = greed(kind);
        for source in 0..2 {
            for _ in 0..connections {
                let from = Ipv4Addr::new(127, 88, number, source + 1);
                tokio::spawn(kind.repeat(from, address, pause, Arc::clone(&is_over)));
            }
        }
    }
    let tasks = [
        tokio::spawn(sign_in_owner(address, Arc::clone(&is_over), Arc::clone(&seen))),
        tokio::spawn(guess(address, 1, Rng::new(seed), Arc::clone(&is_over), Arc::clone(&seen))),
        tokio::spawn(guess(address, OTHERS, Rng::new(!seed), Arc::clone(&is_over), Arc::clone(&seen))),
    ];
    let (mut rounds, mut missed, mut latest) = (0_u64, 0_u64, Duration::ZERO);
    // The most memory in the first third of the time, and later.
    let mut most = [before; 2];
    let (begin, time) = (Instant::now(), Duration::from_secs(seconds));
    while begin.elapsed() < time {
        let asked = tokio::task::spawn_blocking(move || ask(&address.to_string(), health)).await;
        let (status, took) = asked.expect("a question");
        rounds += 1;
        missed += u64::from(status != "200");
        latest = latest.max(took);
        let most = &mut most[usize::from(begin.elapsed() > time / 3)];
        *most = (*most).max(resident(process));
        sleep(Duration::from_millis(200)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("a task that does not panic");
    }
    let is_well = owner_is_well(address).await;
    let seen = std::mem::take(&mut *seen.lock().expect("what was seen"));
    let above = seen.above_limit();
    println!("\nattacked server: {seconds} s, seed {seed}");
    let row = |what: &str, figure: String| println!("{what:<34} {figure}");
    let statuses = |counts: &BTreeMap<String, u64>| {
        let counts: Vec<_> = counts.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        counts.join(", ")
    };
    row("sign-ins of the owner", statuses(&seen.owner));
    row("guesses", statuses(&seen.guesses));
    row("names guessed at, above the limit", format!("{}, {}", seen.judged.len(), above.len()));
    row("/healthz", format!("{rounds}, missed {missed}, latest {} ms", latest.as_millis()));
    let [early, late] = most;
    row("memory of the server, MiB", format!("{before} before, at most {early} early, {late} later"));
    report::leave(
        "attacked server",
        &json!({
            "seconds": seconds, "seed": seed, "owner": seen.owner, "guesses": seen.guesses, "above_limit": above.len(),
            "server_rounds": rounds, "server_missed": missed, "server_latest_ms": u64::try_from(latest.as_millis()).ok(),
            "before_mib": before, "early_mib": early, "late_mib": late,
        }),
    );
    let count =
        |counts: &BTreeMap<String, u64>, status: &str| counts.get(status).copied().unwrap_or_default();
    let unexpected = |counts: &BTreeMap<String, u64>, expected: &[&str]| -> u64 {
        counts.iter().filter(|(status, _)| !expected.contains(&status.as_str())).map(|(_, count)| count).sum()
    };
    [
        ("guesses were right", count(&seen.guesses, "200")),
        (
            "guesses had another answer than 401, 429 or 503",
            unexpected(&seen.guesses, &["200", "401", "429", "503"]),
        ),
        // An outage is no refusal, and guesses keep no one out.
        (
            "sign-ins of the owner had another answer than 200 or 503",
            unexpected(&seen.owner, &["200", "503"]),
        ),
        ("names got more guesses than the limit", u64::try_from(above.len()).unwrap_or(u64::MAX)),
        ("requests of /healthz were not answered", missed),
        (
            "MiB more memory later than early",
            Some(late.saturating_sub(early)).filter(|more| *more > MEMORY_MIB).unwrap_or(0),
        ),
        ("owner does not sign in after the attack", u64::from(!is_well)),
        // What decides nothing proves nothing.
        ("owner was never accepted", u64::from(count(&seen.owner, "200") == 0)),
        ("attack without a judged guess", u64::from(count(&seen.guesses, "401") == 0)),
        ("attack without a limit", u64::from(count(&seen.guesses, "429") == 0)),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(what, count)| format!("{count} {what}"))
    .collect()
}

/// Whether the owner signs in once the backends are well.
async fn owner_is_well(address: SocketAddr) -> bool {
    let began = Instant::now();
    while began.elapsed() < WELL {
        if ask_from(HOME, address, &sign_in(OWNER.0, OWNER.1)).await == "200" {
            return true;
        }
        sleep(Duration::from_millis(500)).await;
    }
    false
}

async fn sign_in_owner(address: SocketAddr, is_over: Arc<AtomicBool>, seen: Arc<Mutex<Seen>>) {
    let request = sign_in(OWNER.0, OWNER.1);
    while !is_over.load(Ordering::Relaxed) {
        let status = ask_from(HOME, address, &request).await;
        if status != "200" && status != "503" {
            eprintln!("WRONG: the owner got {status}");
        }
        *seen.lock().expect("what was seen").owner.entry(status).or_default() += 1;
        sleep(OWNER_EVERY).await;
    }
}

/// Guesses at this many users, each from another source.
async fn guess(
    address: SocketAddr,
    users: usize,
    mut rng: Rng,
    is_over: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
) {
    let at_once = Arc::new(Semaphore::new(GUESSES_AT_ONCE));
    let mut ticks = interval(GUESS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !is_over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let permit = Arc::clone(&at_once).acquire_owned().await.expect("an open semaphore");
        let name = match rng.below(users) {
            0 => OWNER.0.to_owned(),
            1 => "bob".to_owned(),
            number => format!("stranger-{number}"),
        };
        let password = format!("guess {:x}", rng.roll());
        let [.., high, low] = rng.roll().to_be_bytes();
        let from = Ipv4Addr::new(127, 90, high % 16, low.max(1));
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let begin = Instant::now();
            let status = ask_from(from, address, &sign_in(&name, &password)).await;
            if status == "200" {
                eprintln!("WRONG: a guess at {name} is right");
            }
            let mut seen = seen.lock().expect("what was seen");
            if status == "401" {
                seen.judged.entry(name).or_default().push((begin, Instant::now()));
            }
            *seen.guesses.entry(status).or_default() += 1;
            drop(permit);
        });
    }
    // Those under way end.
    let all = u32::try_from(GUESSES_AT_ONCE).expect("a small number");
    let _ = at_once.acquire_many(all).await;
}
