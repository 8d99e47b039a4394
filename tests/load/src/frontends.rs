//! Frontends with cached answers, beside saslauthd, Dovecot and nginx; without a cache beside the
//! library.
//!
//! nginx uses a password file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::peers::{self, imap_server};
use crate::site::{Plan, private};
use crate::turns::{self, Comparison, Figure, Goal, Target};
use crate::worker::{Program, WRONG_PASSWORD, words};
use crate::{Outcome, people};

/// How many callers ask at once.
const CALLERS: [usize; 2] = [1, 32];

/// Dovecot wants clients with different numbers.
static CLIENT: AtomicU32 = AtomicU32::new(1);

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
///
/// # Errors
/// A program does not start or gives a wrong answer.
pub(crate) fn rows(plan: &Plan) -> Outcome<Vec<Value>> {
    let settings = "[frontends.saslauthd]\npath = \"mux\"\n[frontends.dovecot_auth]\npath = \"auth\"\n\
                    [frontends.forward_auth]\n";
    let site = plan.site_with(1000, false, settings)?;
    let folder = site.folder();
    let imap = imap_server()?;
    let backend = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {imap}\n\
         tls = \"none\"\ncache_accepted = \"off\"\ncache_rejected = \"off\"\n"
    );
    let cold_site = plan.site_with(1000, false, &format!("{settings}{backend}"))?;
    cold_site.ask_until_known(&people::external(&people::password(0)), "/auth/forward")?;
    let config = folder.join("library.toml");
    std::fs::write(&config, backend)?;
    private(&config)?;
    let (config, password) = (config.display().to_string(), people::password(0));
    let library = words(&["ours", &config, people::EXTERNAL, &password]);
    let library = Program { command: &library, password: &password, most: 1 };
    let boss = people::name(0);
    let at = |name, of, protocol, id| target(name, of, protocol).processes(vec![id]);
    let [ours, cold_ours] = [&site, &cold_site].map(|site| site.server.id());
    let http = |path| Protocol::Http(site.server.address.clone(), path);
    let saslauthd = peers::saslauthd(folder, imap, false)?;
    let cached_saslauthd = peers::saslauthd(folder, imap, true)?;
    let dovecot = peers::dovecot_auth(folder)?;
    let nginx = peers::nginx(folder)?;
    let mux = |site: &crate::site::Site| Protocol::Saslauthd(site.folder().join("mux"));
    let auth = |site: &crate::site::Site| Protocol::DovecotAuth(site.folder().join("auth"));
    let forward = Protocol::Http(cold_site.server.address.clone(), "/auth/forward");
    let targets = [
        at("saslauthd socket", &boss, mux(&site), ours).ours(),
        at("Dovecot auth socket", &boss, auth(&site), ours).ours(),
        at("forward-auth", &boss, http("/auth/forward"), ours).ours(),
        at("GET /cloud/user", &boss, http("/ocs/v2.php/cloud/user"), ours).ours(),
        at("saslauthd -a rimap", &boss, Protocol::Saslauthd(saslauthd.1), saslauthd.0.id()),
        at("saslauthd -a rimap -c", &boss, Protocol::Saslauthd(cached_saslauthd.1), cached_saslauthd.0.id()),
        at("Dovecot with its cache", &boss, Protocol::DovecotAuth(dovecot.1), dovecot.0.id()),
        at("nginx auth_basic, bcrypt 5", &boss, Protocol::Http(nginx.1, "/page"), nginx.0.id()),
        at("saslauthd socket, cold", people::EXTERNAL, mux(&cold_site), cold_ours).ours().at_most(1),
        at("Dovecot auth socket, cold", people::EXTERNAL, auth(&cold_site), cold_ours).ours().at_most(1),
        at("forward-auth, cold", people::EXTERNAL, forward, cold_ours).ours().at_most(1),
        library.part("library, cold")?.ours(),
    ];
    let faster = |ours, peer, goal| Comparison { ours, peer, figure: Figure::PerSecond, goal, callers: &[] };
    let cold = |ours| Comparison {
        ours,
        peer: "library, cold",
        figure: Figure::P50,
        goal: Goal::MoreAtMost(0.3),
        callers: &[],
    };
    turns::rows(
        "frontends",
        &targets,
        &CALLERS,
        plan.rounds,
        &[
            faster("saslauthd socket", "saslauthd -a rimap -c", Goal::TimesAtLeast(10.0)),
            faster("saslauthd socket", "saslauthd -a rimap", Goal::None),
            faster("Dovecot auth socket", "Dovecot with its cache", Goal::TimesAtLeast(1.0)),
            faster("forward-auth", "GET /cloud/user", Goal::TimesAtLeast(1.5)),
            faster("forward-auth", "nginx auth_basic, bcrypt 5", Goal::None),
            cold("saslauthd socket, cold"),
            cold("Dovecot auth socket, cold"),
            cold("forward-auth, cold"),
        ],
    )
}

/// A program that this user signs in at.
fn target(name: &'static str, user: &str, protocol: Protocol) -> Target {
    let (caller, stranger, asked) = (user.to_owned(), user.to_owned(), protocol.clone());
    Target::new(
        name,
        move |callers, length| {
            let end = Instant::now() + length;
            let asking = (0..callers).map(|_| {
                let (protocol, name) = (protocol.clone(), caller.clone());
                thread::spawn(move || {
                    let mut times = Vec::new();
                    let mut began = Instant::now();
                    ask(&protocol, &name, &people::password(0), &mut |is_yes| {
                        if !is_yes {
                            return Err("the right password was refused".into());
                        }
                        let now = Instant::now();
                        times.push((now - began).as_secs_f64() * 1000.0);
                        began = Instant::now();
                        Ok(now < end)
                    })
                    .map_err(|error| error.to_string())?;
                    Ok::<_, String>(times)
                })
            });
            let asking: Vec<_> = asking.collect();
            let mut times = Vec::new();
            for caller in asking {
                times.extend(caller.join().map_err(|_| "a caller broke off")??);
            }
            Ok(times.into())
        },
        move || {
            ask(&asked, &stranger, WRONG_PASSWORD, &mut |is_yes| {
                if is_yes { Err("a wrong password is accepted".into()) } else { Ok(false) }
            })
        },
    )
}

/// Asks again and again, while `answered` says so of the answer.
fn ask(
    protocol: &Protocol,
    name: &str,
    password: &str,
    answered: &mut dyn FnMut(bool) -> Outcome<bool>,
) -> Outcome {
    let verdict = |answer: &str, [yes, no]: [&str; 2]| match answer {
        _ if answer.starts_with(yes) => Ok(true),
        _ if answer.starts_with(no) => Ok(false),
        _ => Err(format!("neither {yes:?} nor {no:?}: {answer:?}")),
    };
    match protocol {
        Protocol::Saslauthd(path) => {
            let mut request = Vec::new();
            for text in [name, password, "smtp", ""] {
                request.extend_from_slice(&u16::try_from(text.len())?.to_be_bytes());
                request.extend_from_slice(text.as_bytes());
            }
            loop {
                let mut stream = UnixStream::connect(path)?;
                stream.write_all(&request)?;
                let mut answer = [0; 4];
                stream.read_exact(&mut answer)?;
                if !answered(verdict(&String::from_utf8_lossy(&answer[2..]), ["OK", "NO"])?)? {
                    return Ok(());
                }
            }
        }
        Protocol::DovecotAuth(path) => {
            let mut stream = BufReader::new(UnixStream::connect(path)?);
            let mut line = String::new();
            while line != "DONE\n" {
                line.clear();
                if stream.read_line(&mut line)? == 0 {
                    return Err("the connection ended".into());
                }
            }
            let id = CLIENT.fetch_add(1, Ordering::Relaxed);
            stream.get_mut().write_all(format!("VERSION\t1\t2\nCPID\t{id}\n").as_bytes())?;
            let response = BASE64_STANDARD.encode(format!("\0{name}\0{password}"));
            let mut id = 0;
            loop {
                id += 1;
                let request = format!("AUTH\t{id}\tPLAIN\tservice=smtp\tresp={response}\n");
                stream.get_mut().write_all(request.as_bytes())?;
                line.clear();
                stream.read_line(&mut line)?;
                if !answered(verdict(&line, ["OK\t", "FAIL\t"])?)? {
                    return Ok(());
                }
            }
        }
        Protocol::Http(address, path) => {
            let mut stream = BufReader::new(TcpStream::connect(address)?);
            stream.get_ref().set_nodelay(true)?;
            let credentials = BASE64_STANDARD.encode(format!("{name}:{password}"));
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n\
                 OCS-APIRequest: true\r\n\r\n"
            );
            let mut line = String::new();
            loop {
                stream.get_mut().write_all(request.as_bytes())?;
                let (mut is_yes, mut length) = (None, 0);
                line.clear();
                while line != "\r\n" {
                    line.clear();
                    if stream.read_line(&mut line)? == 0 {
                        return Err("the connection ended".into());
                    }
                    if is_yes.is_none() {
                        is_yes = Some(verdict(&line, ["HTTP/1.1 200 ", "HTTP/1.1 401 "])?);
                    }
                    if let Some((name, value)) = line.split_once(':')
                        && name.eq_ignore_ascii_case("content-length")
                    {
                        length = value.trim().parse()?;
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body)?;
                if !answered(is_yes == Some(true))? {
                    return Ok(());
                }
            }
        }
    }
}
