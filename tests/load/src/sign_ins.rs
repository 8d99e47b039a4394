//! Sign-ins at real servers, beside what a user would pick instead.

use std::env;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use user_backend_tests::live_server::{Account, Sshd};
use user_backend_tests::local_server::{LocalServer, USERS};

use crate::Outcome;
use crate::site::{Plan, private};
use crate::turns::{self, Comparison, Figure, Ratio, Target};
use crate::worker::{self, part, script};

/// How many sign in at once.
const CALLERS: [usize; 3] = [1, 16, 64];

/// The user of the servers here.
const NAME: &str = USERS[0].0;
const PASSWORD: &str = USERS[0].1;

/// Where the rig of real servers is.
struct Bench {
    folder: TempDir,
    host: String,
    state: PathBuf,
    runs: usize,
}

impl Bench {
    fn new(plan: &Plan) -> Outcome<Self> {
        let read = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
        let (host, state) = (read(worker::HOST)?, PathBuf::from(read("RIG_STATE")?));
        Ok(Self { folder: tempfile::tempdir()?, host, state, runs: plan.runs })
    }

    fn ca(&self) -> String {
        self.state.join("ca.crt").display().to_string()
    }

    /// The right password of the rig's user.
    fn password(&self) -> Outcome<String> {
        let users = std::fs::read_to_string(self.state.join("users.tsv"))?;
        let line = users.lines().find_map(|line| line.strip_prefix("alice\t")).ok_or("no user alice")?;
        Ok(line.split('\t').next().unwrap_or_default().to_owned())
    }

    /// Ours with one backend; `memory` is what it remembers.
    fn ours(&self, name: &'static str, fields: &str, most: usize, password: &str) -> Outcome<Target> {
        let file = self.folder.path().join(format!("{}.toml", name.replace([' ', ','], "-")));
        let text = format!(
            "[[user_backends]]\nmax_concurrent = 64\ncache_accepted = \"off\"\ncache_rejected = \"off\"\n{fields}\n"
        );
        std::fs::write(&file, text)?;
        private(&file)?;
        Ok(part(name, &words(&["ours", &file.display().to_string(), NAME, password]), most)?.ours())
    }

    fn floor(&self, dialogue: &str, port: u16, password: &str) -> Outcome<Target> {
        let port = port.to_string();
        part("bare socket", &words(&["floor", dialogue, &port, &self.ca(), NAME, password]), 64)
    }

    fn php(&self, name: &'static str, client: &str, port: u16, password: &str) -> Outcome<Target> {
        let file = worker::written(self.folder.path(), "sign_in.php", include_str!("peers/sign_in.php"))?;
        let file = file.display().to_string();
        let port = port.to_string();
        let command = words(&[
            "php",
            "-d",
            "display_errors=stderr",
            &file,
            client,
            &self.host,
            &port,
            &self.ca(),
            NAME,
            password,
        ]);
        script(name, &command, 64)
    }

    fn python(&self, name: &'static str, place: &Place<'_>, password: &str, most: usize) -> Outcome<Target> {
        let file = worker::written(self.folder.path(), "sign_in.py", include_str!("peers/sign_in.py"))?;
        let python = env::var("PEERS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let (file, port) = (file.display().to_string(), place.port.to_string());
        script(
            name,
            &words(&[&python, &file, place.client, place.host, &port, place.ca, NAME, password]),
            most,
        )
    }

    fn rows(
        &self,
        title: &str,
        targets: &[Target],
        callers: &[usize],
        comparisons: &[Comparison],
    ) -> Outcome<Vec<Value>> {
        turns::rows(title, targets, callers, self.runs, comparisons)
    }
}

/// What a client of Python signs in at.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    client: &'a str,
    host: &'a str,
    port: u16,
    ca: &'a str,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A program that is started for each sign-in.
fn command(name: &'static str, arguments: &[&str], most: usize) -> Outcome<Target> {
    let mut all = words(&["command"]);
    all.extend(words(arguments));
    part(name, &all, most)
}

const fn compare(ours: &'static str, peer: &'static str, figure: Figure, goal: Ratio) -> Comparison {
    Comparison { ours, peer, figure, goal, callers: &[] }
}

/// Dovecot over TLS.
///
/// # Errors
/// A program is missing, or a sign-in failed.
pub(crate) fn imap(plan: &Plan) -> Outcome<Vec<Value>> {
    let bench = Bench::new(plan)?;
    let (host, ca, password) = (&bench.host, bench.ca(), bench.password()?);
    let fields = |warm| {
        format!(
            "class = \"imap\"\nhost = \"{host}\"\nport = 10993\ntls = \"implicit\"\nca_file = \"{ca}\"\nwarm = {warm}"
        )
    };
    let url = format!("imaps://{host}:10993");
    let account = format!("{NAME}:{password}");
    let place = Place { client: "imaplib", host, port: 10993, ca: &ca };
    let targets = [
        bench.ours("ours, cold", &fields(0), 64, &password)?,
        bench.ours("ours, connections prepared", &fields(64), 64, &password)?,
        bench.floor("imap", 10993, &password)?,
        bench.php("PHP libcurl", "curl", 10993, &password)?,
        bench.php("PHP imap_open", "imap_open", 10993, &password)?,
        bench.python("Python imaplib", &place, &password, 64)?,
        command("curl", &["curl", "-s", "--cacert", &ca, "-u", &account, &url, "-X", "CAPABILITY"], 16)?,
    ];
    bench.rows(
        "imap",
        &targets,
        &CALLERS,
        &[
            compare("ours, cold", "bare socket", Figure::P50, Ratio::AtMost(1.05)),
            compare("ours, cold", "bare socket", Figure::Cpu, Ratio::AtMost(1.10)),
            compare("ours, connections prepared", "ours, cold", Figure::P50, Ratio::Any),
            compare("ours, cold", "PHP libcurl", Figure::P50, Ratio::AtMost(0.55)),
            compare("ours, cold", "PHP imap_open", Figure::P50, Ratio::Any),
            compare("ours, cold", "Python imaplib", Figure::P50, Ratio::Any),
            compare("ours, cold", "curl", Figure::PerSecond, Ratio::Any),
        ],
    )
}

/// vsftpd, in clear text and with `AUTH TLS`.
///
/// # Errors
/// A program is missing, or a sign-in failed.
pub(crate) fn ftp(plan: &Plan) -> Outcome<Vec<Value>> {
    let bench = Bench::new(plan)?;
    let (host, ca, password) = (&bench.host, bench.ca(), bench.password()?);
    let plain = format!("class = \"ftp\"\nhost = \"{host}\"\nport = 10023\ntls = \"none\"");
    let tls =
        |warm| format!("class = \"ftp\"\nhost = \"{host}\"\nport = 10021\nca_file = \"{ca}\"\nwarm = {warm}");
    let python = |port, ca| Place { client: "ftplib", host, port, ca };
    let targets = [
        bench.ours("ours, clear text", &plain, 64, &password)?,
        bench.floor("ftp", 10023, &password)?,
        bench.php("PHP opendir, clear text", "ftp", 10023, &password)?,
        bench.python("Python ftplib, clear text", &python(10023, ""), &password, 64)?,
        bench.ours("ours, TLS", &tls(0), 64, &password)?,
        bench.ours("ours, TLS, connections prepared", &tls(64), 64, &password)?,
        bench.php("PHP opendir, TLS", "ftps", 10021, &password)?,
        bench.python("Python ftplib, TLS", &python(10021, &ca), &password, 64)?,
    ];
    bench.rows(
        "ftp",
        &targets,
        &CALLERS,
        &[
            compare("ours, clear text", "bare socket", Figure::P50, Ratio::AtMost(1.05)),
            compare("ours, clear text", "PHP opendir, clear text", Figure::P50, Ratio::Any),
            compare("ours, clear text", "Python ftplib, clear text", Figure::P50, Ratio::Any),
            compare("ours, TLS", "PHP opendir, TLS", Figure::P50, Ratio::AtMost(0.85)),
            compare("ours, TLS, connections prepared", "PHP opendir, TLS", Figure::P50, Ratio::AtMost(0.5)),
            compare("ours, TLS", "Python ftplib, TLS", Figure::P50, Ratio::Any),
        ],
    )
}

/// Samba.
///
/// # Errors
/// A program is missing, or a sign-in failed.
pub(crate) fn smb(plan: &Plan) -> Outcome<Vec<Value>> {
    let bench = Bench::new(plan)?;
    let (host, password) = (&bench.host, bench.password()?);
    let fields = |engine: &str| {
        format!("class = \"smb\"\nhost = \"{host}\"\nport = 10445\nshare = \"share\"\n{engine}")
    };
    let smbclient = format!("smbclient //{host}/share -p 10445 -U '{NAME}%{password}' -c exit");
    let twice = format!("{smbclient} && {smbclient}");
    let place = Place { client: "smbprotocol", host, port: 10445, ca: "" };
    let targets = [
        bench.ours("ours, by default", &fields(""), 16, &password)?,
        bench.ours("ours, native", &fields("engine = \"native\""), 16, &password)?,
        command("smbclient once", &["sh", "-c", &smbclient], 16)?,
        command("smbclient twice, as the PHP app", &["sh", "-c", &twice], 16)?,
        bench.python("Python smbprotocol", &place, &password, 16)?,
    ];
    bench.rows(
        "smb",
        &targets,
        &[1, 8, 16],
        &[
            Comparison {
                callers: &[8],
                ..compare(
                    "ours, by default",
                    "smbclient twice, as the PHP app",
                    Figure::PerSecond,
                    Ratio::AtLeast(9.0),
                )
            },
            compare("ours, by default", "smbclient once", Figure::PerSecond, Ratio::Any),
            Comparison {
                callers: &[1, 8],
                ..compare("ours, by default", "Python smbprotocol", Figure::PerSecond, Ratio::AtLeast(1.5))
            },
            compare("ours, native", "Python smbprotocol", Figure::PerSecond, Ratio::Any),
        ],
    )
}

/// HTTP, LDAP, SMTP, SSH and XMPP.
///
/// # Errors
/// A program is missing, or a sign-in failed.
pub(crate) fn classes(plan: &Plan) -> Outcome<Vec<Value>> {
    let bench = Bench::new(plan)?;
    let account = format!("{NAME}:{PASSWORD}");
    let ca = |server: &LocalServer| server.ca_file().display().to_string();
    let tls = |class: &str, server: &LocalServer, more: &str| {
        format!(
            "class = \"{class}\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"implicit\"\nca_file = \"{}\"\n{more}",
            server.tls_port,
            ca(server)
        )
    };
    let apache = LocalServer::apache().ok_or("no Apache")?;
    let slapd = LocalServer::slapd().ok_or("no slapd")?;
    let postfix = LocalServer::postfix().ok_or("no Postfix")?;
    let prosody = LocalServer::prosody().ok_or("no Prosody")?;
    let sshd = Sshd::start(&[Account::new(NAME, PASSWORD)], "").ok_or("no sshd")?;
    let (known_hosts, ssh_port) = (sshd.known_hosts(false).display().to_string(), sshd.port());
    let ssh =
        format!("class = \"ssh\"\nhost = \"127.0.0.1\"\nport = {ssh_port}\nknown_hosts = \"{known_hosts}\"");
    let template = "uid={name},ou=people,dc=example,dc=com";
    let at = |client, host, port, ca| Place { client, host, port, ca };
    let (apache_ca, slapd_ca, postfix_ca, prosody_ca) = (ca(&apache), ca(&slapd), ca(&postfix), ca(&prosody));
    // The shell of the account is /bin/false: 1 comes from it, after the sign-in.
    let sshpass = format!(
        "sshpass -p {PASSWORD} ssh -p {ssh_port} -o UserKnownHostsFile={known_hosts} -o PubkeyAuthentication=no \
         {NAME}@127.0.0.1 true; test $? -eq 1"
    );
    let ldap_tls = format!("LDAPTLS_CACERT={slapd_ca}");
    let ldap_url = format!("ldaps://127.0.0.1:{}", slapd.tls_port);
    let dn = template.replace("{name}", NAME);
    let most = 16;
    let targets = [
        bench.ours("ours, http", &tls("http", &apache, "path = \"/basic/\""), most, PASSWORD)?,
        command(
            "curl at Apache",
            &[
                "curl",
                "-sf",
                "--cacert",
                &apache_ca,
                "-u",
                &account,
                &format!("https://127.0.0.1:{}/basic/", apache.tls_port),
            ],
            most,
        )?,
        bench.ours("ours, ldap", &tls("ldap", &slapd, &format!("bind = \"{template}\"")), most, PASSWORD)?,
        command(
            "ldapwhoami",
            &["env", &ldap_tls, "ldapwhoami", "-x", "-H", &ldap_url, "-D", &dn, "-w", PASSWORD],
            most,
        )?,
        bench.ours("ours, smtp", &tls("smtp", &postfix, ""), most, PASSWORD)?,
        bench.python(
            "Python smtplib",
            &at("smtplib", "127.0.0.1", postfix.tls_port, &postfix_ca),
            PASSWORD,
            most,
        )?,
        bench.ours("ours, ssh", &ssh, 8, PASSWORD)?,
        command("sshpass", &["sh", "-c", &sshpass], 8)?,
        bench.python("Python paramiko", &at("paramiko", "127.0.0.1", ssh_port, &known_hosts), PASSWORD, 8)?,
        bench.ours("ours, xmpp", &tls("xmpp", &prosody, "virtual_host = \"example.com\""), most, PASSWORD)?,
        bench.python(
            "Python slixmpp",
            &at("slixmpp", "example.com", prosody.port, &prosody_ca),
            PASSWORD,
            most,
        )?,
    ];
    bench.rows(
        "classes",
        &targets,
        &[1, 8],
        &[
            compare("ours, http", "curl at Apache", Figure::P50, Ratio::Any),
            compare("ours, ldap", "ldapwhoami", Figure::P50, Ratio::Any),
            compare("ours, smtp", "Python smtplib", Figure::P50, Ratio::Any),
            compare("ours, ssh", "sshpass", Figure::P50, Ratio::Any),
            compare("ours, ssh", "Python paramiko", Figure::P50, Ratio::Any),
            compare("ours, xmpp", "Python slixmpp", Figure::P50, Ratio::Any),
        ],
    )
}
