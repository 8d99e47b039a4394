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
use serde_json::Value;

use crate::site::Plan;
use crate::turns::{self, Comparison, Figure, Ratio, Target};
use crate::{Outcome, people};

/// How many callers ask at once.
const CALLERS: [usize; 2] = [1, 32];

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

/// The rows of the table.
pub(crate) fn rows(plan: &Plan) -> Outcome<Vec<Value>> {
    let settings = "[frontends.saslauthd]\npath = \"mux\"\n[frontends.dovecot_auth]\npath = \"auth\"\n\
                    [frontends.forward_auth]\n";
    let site = plan.site_with(1000, false, settings)?;
    let folder = site.folder();
    let imap = imap_server()?;
    let peers = Peers::start(folder, imap)?;
    let ours = |name, protocol| Target::new(name, caller(protocol)).processes(vec![site.server.id()]).ours();
    let http = |path| Protocol::Http(site.server.address.clone(), path);
    let mut targets = vec![
        ours("saslauthd socket", Protocol::Saslauthd(folder.join("mux"))),
        ours("Dovecot auth socket", Protocol::DovecotAuth(folder.join("auth"))),
        ours("forward-auth", http("/auth/forward")),
        ours("GET /cloud/user", http("/ocs/v2.php/cloud/user")),
    ];
    let Peers { targets: others, running, .. } = peers;
    targets.extend(others);
    let compare = |ours, peer, goal| Comparison { ours, peer, figure: Figure::PerSecond, goal, callers: &[] };
    let rows = turns::rows(
        "frontends",
        &targets,
        &CALLERS,
        plan.runs,
        &[
            compare("saslauthd socket", "saslauthd -a rimap -c", Ratio::AtLeast(10.0)),
            compare("saslauthd socket", "saslauthd -a rimap", Ratio::Any),
            compare("Dovecot auth socket", "Dovecot with its cache", Ratio::AtLeast(1.0)),
            compare("forward-auth", "GET /cloud/user", Ratio::AtLeast(1.5)),
            compare("forward-auth", "nginx auth_basic, bcrypt 5", Ratio::Any),
        ],
    );
    drop(running);
    rows
}

/// Lets callers ask for a while, each in a thread.
fn caller(protocol: Protocol) -> impl Fn(usize, Duration) -> Outcome<Vec<f64>> {
    move |callers, length| {
        let end = Instant::now() + length;
        let asking = (0..callers).map(|_| {
            let protocol = protocol.clone();
            thread::spawn(move || ask(&protocol, end).map_err(|error| error.to_string()))
        });
        let asking: Vec<_> = asking.collect();
        let mut times = Vec::new();
        for caller in asking {
            times.extend(caller.join().map_err(|_| "a caller broke off")??);
        }
        Ok(times)
    }
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

/// A mail server that knows the callers, for the peers.
pub(crate) fn imap_server() -> Outcome<u16> {
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
        let is_login = command.eq_ignore_ascii_case("login");
        if is_login && !line.contains(&format!("\"{}\"", people::password(0))) {
            stream
                .get_mut()
                .write_all(format!("{tag} NO [AUTHENTICATIONFAILED] failed\r\n").as_bytes())
                .ok()?;
            continue;
        }
        let capability =
            if command.eq_ignore_ascii_case("capability") { "* CAPABILITY IMAP4rev1\r\n" } else { "" };
        stream.get_mut().write_all(format!("{capability}{tag} OK done\r\n").as_bytes()).ok()?;
    }
}

/// The other programs; they end with this value.
#[derive(Debug)]
pub(crate) struct Peers {
    targets: Vec<Target>,
    running: Vec<Running>,
    nginx: String,
}

/// A program that ends with this value.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peers {
    /// Starts those that are installed.
    ///
    /// It needs root: each runs in a process namespace that ends with it.
    fn start(folder: &Path, imap: u16) -> Outcome<Self> {
        let mut peers = Self { targets: Vec::new(), running: Vec::new(), nginx: String::new() };
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
        peers.nginx(folder)?;
        Ok(peers)
    }

    /// Only nginx.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn nginx_only(folder: &Path) -> Outcome<Self> {
        let mut peers = Self { targets: Vec::new(), running: Vec::new(), nginx: String::new() };
        peers.nginx(folder)?;
        Ok(peers)
    }

    /// Host and port of nginx.
    pub(crate) fn address(&self) -> &str {
        &self.nginx
    }

    /// nginx with password files: bcrypt, and SHA-1 under `/sha/`.
    fn nginx(&mut self, folder: &Path) -> Outcome {
        let place = folder.join("nginx");
        fs::create_dir(&place)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        for (file, kind) in [("users", &["-nbB", "-C", "5"][..]), ("sha-users", &["-nbs"])] {
            let mut users = Vec::new();
            for name in [people::name(0), "external".to_owned()] {
                let hash =
                    Command::new("htpasswd").args(kind).args([&name, &people::password(0)]).output()?;
                users.extend(hash.stdout.iter().filter(|byte| !byte.is_ascii_whitespace()));
                users.push(b'\n');
            }
            fs::write(place.join(file), users)?;
        }
        fs::write(place.join("page"), "ok")?;
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", place.display()))
            .concat();
        fs::write(
            place.join("nginx.conf"),
            format!(
                "daemon off;\nworker_processes 2;\npid {place}/pid;\nerror_log {place}/log;\nevents {{}}\nhttp {{\naccess_log off;\n\
                 keepalive_requests 100000000;\n{temporary}server {{\nlisten 127.0.0.1:{port};\nroot {place};\n\
                 auth_basic users;\nauth_basic_user_file {place}/users;\n\
                 location /sha/ {{\nalias {place}/;\nauth_basic_user_file {place}/sha-users;\n}}\n}}\n}}\n",
                place = place.display()
            ),
        )?;
        self.run(&format!("chmod -R a+rX {0}; exec nginx -e stderr -c {0}/nginx.conf", place.display()))?;
        let address = format!("127.0.0.1:{port}");
        self.nginx = address.clone();
        self.add("nginx auth_basic, bcrypt 5", Protocol::Http(address, "/page"), &place.join("pid"))?;
        Ok(())
    }

    fn run(&mut self, script: &str) -> Outcome {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "sh", "-c", script]);
        self.running.push(Running(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?));
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
        let started = self.running.last().map(|running| running.0.id());
        let target = Target::new(name, caller(protocol)).processes(started.into_iter().collect());
        self.targets.push(target);
        Ok(())
    }
}
