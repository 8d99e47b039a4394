//! Frontends with cached answers, beside saslauthd, Dovecot and nginx.
//!
//! nginx uses a password file.
//!
//! All peers and ours run in turns, one second each, so that a busy machine slows all of them down
//! alike.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::measure::median;
use crate::site::Plan;
use crate::{Outcome, people};

/// How long each turn takes.
const TURN: Duration = Duration::from_secs(1);

/// Fewer rounds say little.
const MIN_ROUNDS: usize = 7;

/// How many callers ask at once.
const CALLERS: [usize; 2] = [1, 32];

/// A program that is measured.
#[derive(Clone, Debug)]
struct Target {
    name: &'static str,
    protocol: Protocol,
}

/// How it is asked.
#[derive(Clone, Debug)]
enum Protocol {
    /// A connection for each request.
    Saslauthd(PathBuf),
    /// Requests one after the other in a connection.
    DovecotAuth(PathBuf),
    /// The same, with the path of the request.
    Http(String, &'static str),
}

/// Result of a turn: answers per second, median and 99th percentile in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    per_second: f64,
    p50: f64,
    p99: f64,
}

/// The rows of the table: first the ratios with goals, and then what each target did.
pub(crate) fn rows(plan: &Plan) -> Outcome<Vec<Value>> {
    let settings = "[frontends.saslauthd]\npath = \"mux\"\n[frontends.dovecot_auth]\npath = \"auth\"\n\
                    [frontends.forward_auth]\n";
    let site = plan.site_with(1000, false, settings)?;
    let folder = site.folder();
    let imap = imap_server()?;
    let peers = Peers::start(folder, imap)?;
    let http = |path| Protocol::Http(site.server.address.clone(), path);
    let mut targets = vec![
        Target { name: "saslauthd socket", protocol: Protocol::Saslauthd(folder.join("mux")) },
        Target { name: "Dovecot auth socket", protocol: Protocol::DovecotAuth(folder.join("auth")) },
        Target { name: "forward-auth", protocol: http("/auth/forward") },
        Target { name: "GET /cloud/user", protocol: http("/ocs/v2.php/cloud/user") },
    ];
    targets.extend(peers.targets.iter().cloned());
    let rounds = plan.runs.max(MIN_ROUNDS);
    let mut turns = vec![[const { Vec::new() }; CALLERS.len()]; targets.len()];
    for target in &targets {
        // Answers come from memory from now on.
        turn(target, 1, Duration::from_millis(300))?;
    }
    for _ in 0..rounds {
        for (target, turns) in targets.iter().zip(&mut turns) {
            for (callers, turns) in CALLERS.into_iter().zip(turns) {
                turns.push(turn(target, callers, TURN)?);
            }
        }
    }
    let found = |name: &str, callers: usize| {
        let at = targets.iter().position(|target| target.name == name)?;
        let column = CALLERS.iter().position(|known| *known == callers)?;
        Some(medians(&turns[at][column]))
    };
    let mut rows = Vec::new();
    for (ours, peer, goal) in [
        ("saslauthd socket", "saslauthd -a rimap -c", Some(10.0)),
        ("saslauthd socket", "saslauthd -a rimap", None),
        ("Dovecot auth socket", "Dovecot with its cache", Some(1.0)),
        ("forward-auth", "GET /cloud/user", Some(1.5)),
        ("forward-auth", "nginx auth_basic, bcrypt 5", None),
    ] {
        for callers in CALLERS {
            let (Some(a), Some(b)) = (found(ours, callers), found(peer, callers)) else { continue };
            let ratio = a.per_second / b.per_second;
            rows.push(json!({
                "what": format!("{ours} beside {peer}, {callers} callers, answers/s"),
                "ours": a.per_second.round(), "peer": b.per_second.round(), "ratio": ratio,
                "goal": goal.map(|goal| format!("ratio >= {goal}")), "met": goal.map(|goal| ratio >= goal),
                "runs": rounds,
            }));
        }
    }
    for target in &targets {
        for callers in CALLERS {
            let Some(turn) = found(target.name, callers) else { continue };
            for (what, value) in [("p50", turn.p50), ("p99", turn.p99)] {
                rows.push(json!({
                    "what": format!("{}, {callers} callers, {what} ms", target.name),
                    "ours": (value * 1000.0).round() / 1000.0, "runs": rounds,
                }));
            }
        }
    }
    Ok(rows)
}

fn medians(turns: &[Turn]) -> Turn {
    let of = |value: fn(&Turn) -> f64| median(&turns.iter().map(value).collect::<Vec<_>>());
    Turn { per_second: of(|turn| turn.per_second), p50: of(|turn| turn.p50), p99: of(|turn| turn.p99) }
}

/// Lets callers ask for a while.
fn turn(target: &Target, callers: usize, length: Duration) -> Outcome<Turn> {
    let began = Instant::now();
    let asking = (0..callers).map(|_| {
        let target = target.clone();
        thread::spawn(move || ask(&target.protocol, began + length).map_err(|error| error.to_string()))
    });
    let asking: Vec<_> = asking.collect();
    let mut times = Vec::new();
    for caller in asking {
        let found = caller.join().map_err(|_| "a caller broke off")?;
        times.extend(found.map_err(|error| format!("{}: {error}", target.name))?);
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(f64::NAN);
    Ok(Turn { per_second: times.len() as f64 / seconds, p50: at(50), p99: at(99) })
}

/// Asks until the end, and returns how many milliseconds each answer took.
fn ask(protocol: &Protocol, end: Instant) -> Outcome<Vec<f64>> {
    let mut times = Vec::new();
    let (name, password) = (people::name(0), people::password(0));
    let mut timed = |answer: &mut dyn FnMut() -> Outcome<bool>| -> Outcome {
        while Instant::now() < end {
            let began = Instant::now();
            if !answer()? {
                return Err("the right password was refused".into());
            }
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(())
    };
    match protocol {
        Protocol::Saslauthd(path) => {
            let mut request = Vec::new();
            for text in [name.as_str(), &password, "smtp", ""] {
                request.extend_from_slice(&u16::try_from(text.len())?.to_be_bytes());
                request.extend_from_slice(text.as_bytes());
            }
            timed(&mut || {
                let mut stream = UnixStream::connect(path)?;
                stream.write_all(&request)?;
                let mut answer = [0; 4];
                stream.read_exact(&mut answer)?;
                Ok(answer.ends_with(b"OK"))
            })?;
        }
        Protocol::DovecotAuth(path) => {
            let mut stream = BufReader::new(UnixStream::connect(path)?);
            let mut line = String::new();
            while line != "DONE\n" {
                line.clear();
                stream.read_line(&mut line)?;
            }
            stream
                .get_mut()
                .write_all(format!("VERSION\t1\t2\nCPID\t{}\n", std::process::id()).as_bytes())?;
            let response = BASE64_STANDARD.encode(format!("\0{name}\0{password}"));
            let mut id = 0;
            timed(&mut || {
                id += 1;
                let request = format!("AUTH\t{id}\tPLAIN\tservice=smtp\tresp={response}\n");
                stream.get_mut().write_all(request.as_bytes())?;
                line.clear();
                stream.read_line(&mut line)?;
                Ok(line.starts_with("OK\t"))
            })?;
        }
        Protocol::Http(address, path) => {
            let mut stream = BufReader::new(TcpStream::connect(address)?);
            stream.get_ref().set_nodelay(true)?;
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nOCS-APIRequest: true\r\n\r\n",
                people::basic(0)
            );
            timed(&mut || {
                stream.get_mut().write_all(request.as_bytes())?;
                let (mut is_yes, mut length, mut line) = (None, 0, String::new());
                while line != "\r\n" {
                    line.clear();
                    if stream.read_line(&mut line)? == 0 {
                        return Err("the connection ended".into());
                    }
                    is_yes.get_or_insert_with(|| line.contains(" 200 "));
                    if let Some((name, value)) = line.split_once(':')
                        && name.eq_ignore_ascii_case("content-length")
                    {
                        length = value.trim().parse()?;
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body)?;
                Ok(is_yes == Some(true))
            })?;
        }
    }
    Ok(times)
}

/// A mail server that accepts every password, for the peers.
fn imap_server() -> Outcome<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

fn serve(stream: TcpStream) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"* OK [CAPABILITY IMAP4rev1] ready\r\n").ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut words = line.split_whitespace();
        let (tag, command) = (words.next()?, words.next()?);
        let capability =
            if command.eq_ignore_ascii_case("capability") { "* CAPABILITY IMAP4rev1\r\n" } else { "" };
        stream.get_mut().write_all(format!("{capability}{tag} OK done\r\n").as_bytes()).ok()?;
    }
}

/// The other programs; they end with this value.
#[derive(Debug)]
struct Peers {
    targets: Vec<Target>,
    running: Vec<Child>,
}

impl Drop for Peers {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Peers {
    /// Starts those that are installed.
    ///
    /// It needs root: each runs in a process namespace that ends with it.
    fn start(folder: &Path, imap: u16) -> Outcome<Self> {
        let mut peers = Self { targets: Vec::new(), running: Vec::new() };
        for (name, cache) in [("saslauthd -a rimap", ""), ("saslauthd -a rimap -c", "-c")] {
            let place = folder.join(format!("peer{}", peers.running.len()));
            fs::create_dir(&place)?;
            let script = format!(
                "saslauthd -a rimap -O 127.0.0.1/{imap} -n 5 {cache} -m {}; exec sleep infinity",
                place.display()
            );
            peers.run(&script)?;
            peers.add(name, Protocol::Saslauthd(place.join("mux")), &place.join("mux"))?;
        }
        let place = folder.join("dovecot");
        fs::create_dir(&place)?;
        let config = place.join("dovecot.conf");
        let socket = place.join("base/auth-peer");
        fs::write(
            &config,
            format!(
                "protocols =\nssl = no\nlog_path = {place}/log\nbase_dir = {place}/base\nauth_mechanisms = plain\n\
                 auth_cache_size = 10M\nauth_cache_ttl = 1 hour\npassdb {{\n  driver = imap\n  args = host=127.0.0.1 port={imap}\n}}\n\
                 userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home=/tmp\n}}\n\
                 service auth {{\n  unix_listener auth-peer {{\n    mode = 0666\n  }}\n}}\n",
                place = place.display()
            ),
        )?;
        peers.run(&format!("exec dovecot -F -c {}", config.display()))?;
        peers.add("Dovecot with its cache", Protocol::DovecotAuth(socket.clone()), &socket)?;
        let place = folder.join("nginx");
        fs::create_dir(&place)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let hash = Command::new("htpasswd")
            .args(["-nbB", "-C", "5", &people::name(0), &people::password(0)])
            .output()?;
        fs::write(place.join("users"), &hash.stdout)?;
        fs::write(place.join("page"), "ok")?;
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", place.display()))
            .concat();
        fs::write(
            place.join("nginx.conf"),
            format!(
                "daemon off;\nworker_processes 2;\npid {place}/pid;\nerror_log {place}/log;\nevents {{}}\nhttp {{\naccess_log off;\n\
                 keepalive_requests 100000000;\n{temporary}server {{\nlisten 127.0.0.1:{port};\nroot {place};\n\
                 auth_basic users;\nauth_basic_user_file {place}/users;\n}}\n}}\n",
                place = place.display()
            ),
        )?;
        peers.run(&format!("chmod -R a+rX {0}; exec nginx -e stderr -c {0}/nginx.conf", place.display()))?;
        let address = format!("127.0.0.1:{port}");
        peers.add("nginx auth_basic, bcrypt 5", Protocol::Http(address, "/page"), &place.join("pid"))?;
        Ok(peers)
    }

    fn run(&mut self, script: &str) -> Outcome {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "sh", "-c", script]);
        self.running.push(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
        Ok(())
    }

    /// Adds a target as soon as a file of it is there.
    fn add(&mut self, name: &'static str, protocol: Protocol, file: &Path) -> Outcome {
        let began = Instant::now();
        while !file.exists() {
            if began.elapsed() > Duration::from_secs(20) {
                return Err(format!("{name} does not start").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.targets.push(Target { name, protocol });
        Ok(())
    }
}
