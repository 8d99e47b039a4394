//! Sign-ins at real servers, beside what a user would pick instead.

use std::env;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use user_backend_tests::live_server::{Account, Sshd};
use user_backend_tests::local_server::{LocalServer, USERS};

use crate::site::{Plan, private};
use crate::turns::{self, Comparison, Figure, Goal, Target};
use crate::worker::{self, Program, words};
use crate::{Outcome, peers};

/// How many sign in at once.
const CALLERS: [usize; 3] = [1, 16, 64];

/// The users of the rig, one for each caller.
const NAMES: &str = "load{}";

/// The user of the other servers.
const NAME: &str = USERS[0].0;
const PASSWORD: &str = USERS[0].1;

/// Where the rig of real servers is.
struct Bench {
    folder: TempDir,
    host: String,
    state: PathBuf,
    /// Who signs in; `{}` is the number of the caller.
    names: &'static str,
    rounds: usize,
    occ: Option<PathBuf>,
}

impl Bench {
    fn new(plan: &Plan, names: &'static str) -> Outcome<Self> {
        let read = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
        let (host, state) = (read(worker::HOST)?, PathBuf::from(read("RIG_STATE")?));
        Ok(Self {
            folder: tempfile::tempdir()?,
            host,
            state,
            names,
            rounds: plan.rounds,
            occ: plan.occ.clone(),
        })
    }

    fn ca(&self) -> String {
        self.state.join("ca.crt").display().to_string()
    }

    /// The first user.
    fn name(&self) -> String {
        self.names.replace("{}", "0")
    }

    /// The right password of the rig's users.
    fn password(&self) -> Outcome<String> {
        let users = std::fs::read_to_string(self.state.join("users.tsv"))?;
        let line = users.lines().find_map(|line| line.strip_prefix("alice\t")).ok_or("no user alice")?;
        Ok(line.split('\t').next().unwrap_or_default().to_owned())
    }

    /// A configuration with one backend that remembers nothing.
    fn config(&self, name: &str, fields: &str) -> Outcome<String> {
        let file = self.folder.path().join(format!("{}.toml", name.replace([' ', ','], "-")));
        let text = format!(
            "[[user_backends]]\nmax_concurrent = 64\ncache_accepted = \"off\"\ncache_rejected = \"off\"\n{fields}\n"
        );
        std::fs::write(&file, text)?;
        private(&file)?;
        Ok(file.display().to_string())
    }

    fn ours(&self, name: &'static str, fields: &str, most: usize, password: &str) -> Outcome<Target> {
        let command = words(&["ours", &self.config(name, fields)?, self.names, password]);
        Ok(Program { command: &command, password, most }.part(name)?.ours())
    }

    fn floor(&self, dialogue: &str, port: u16, password: &str) -> Outcome<Target> {
        let port = port.to_string();
        let command = words(&["floor", dialogue, &port, &self.ca(), &self.name(), password]);
        Program { command: &command, password, most: 64 }.part("bare socket")
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
            &self.name(),
            password,
        ]);
        Program { command: &command, password, most: 64 }.script(name)
    }

    fn python(&self, name: &'static str, place: &Place<'_>, password: &str, most: usize) -> Outcome<Target> {
        let file = worker::written(self.folder.path(), "sign_in.py", include_str!("peers/sign_in.py"))?;
        let python = env::var("PEERS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let (file, port) = (file.display().to_string(), place.port.to_string());
        let command =
            words(&[&python, &file, place.client, place.host, &port, place.ca, &self.name(), password]);
        Program { command: &command, password, most }.script(name)
    }

    fn rows(
        &self,
        title: &str,
        targets: &[Target],
        callers: &[usize],
        comparisons: &[Comparison],
    ) -> Outcome<Vec<Value>> {
        turns::rows(title, targets, callers, self.rounds, comparisons)
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

/// A program that is started for each sign-in.
fn command(name: &'static str, arguments: &[&str], password: &str, most: usize) -> Outcome<Target> {
    let mut all = words(&["command"]);
    all.extend(words(arguments));
    Program { command: &all, password, most }.part(name)
}

const fn compare(ours: &'static str, peer: &'static str, figure: Figure, goal: Goal) -> Comparison {
    Comparison { ours, peer, figure, goal, callers: &[] }
}

/// Dovecot over TLS, and one-shot commands.
///
/// # Errors
/// A program is missing, or a sign-in failed.
pub(crate) fn imap(plan: &Plan) -> Outcome<Vec<Value>> {
    let bench = Bench::new(plan, NAMES)?;
    let (host, ca, name, password) = (&bench.host, bench.ca(), bench.name(), bench.password()?);
    let (_dovecot, port) = peers::dovecot_imap(bench.folder.path(), host, &bench.state, &password)?;
    let fields = |warm| {
        format!(
            "class = \"imap\"\nhost = \"{host}\"\nport = {port}\ntls = \"implicit\"\nca_file = \"{ca}\"\nwarm = {warm}"
        )
    };
    let url = format!("imaps://{host}:{port}");
    let account = format!("{name}:{password}");
    let place = Place { client: "imaplib", host, port, ca: &ca };
    let occ = bench.occ.as_ref().ok_or("OCS_OCC is not set")?.display().to_string();
    let config = bench.config("occ", &fields(0))?;
    let login = [&occ, "backend:login", &name, "--quiet", "--config", &config];
    let [input, variable] = [format!("<<<{password}\n"), format!("OC_PASS={password}")];
    let from_input = [&[input.as_str()][..], &login, &["--password-from-stdin"]].concat();
    let from_environment = [&[variable.as_str()][..], &login, &["--password-from-env"]].concat();
    let targets = [
        bench.ours("ours, cold", &fields(0), 64, &password)?,
        bench.ours("ours, connections prepared", &fields(64), 64, &password)?,
        bench.floor("imap", port, &password)?,
        bench.php("PHP libcurl", "curl", port, &password)?,
        bench.php("PHP imap_open", "imap_open", port, &password)?,
        bench.python("Python imaplib", &place, &password, 64)?,
        command(
            "curl",
            &["curl", "-s", "--cacert", &ca, "-u", &account, &url, "-X", "CAPABILITY"],
            &password,
            16,
        )?,
        command("occ backend:login", &from_input, &password, 1)?.ours(),
        command("occ backend:login --password-from-env", &from_environment, &password, 1)?.ours(),
        worker::without_password("occ --version", &[&occ, "--version"])?.ours(),
        worker::without_password("true", &["true"])?,
    ];
    bench.rows(
        "imap",
        &targets,
        &CALLERS,
        &[
            compare("ours, cold", "bare socket", Figure::P50, Goal::TimesAtMost(1.05)),
            compare("ours, cold", "bare socket", Figure::Cpu, Goal::TimesAtMost(1.10)),
            compare("ours, connections prepared", "ours, cold", Figure::P50, Goal::None),
            compare("ours, cold", "PHP libcurl", Figure::P50, Goal::TimesAtMost(0.55)),
            compare("ours, cold", "PHP imap_open", Figure::P50, Goal::None),
            compare("ours, cold", "Python imaplib", Figure::P50, Goal::None),
            compare("ours, cold", "curl", Figure::PerSecond, Goal::None),
            compare("occ backend:login", "curl", Figure::P50, Goal::TimesAtMost(0.6)),
            compare("occ backend:login --password-from-env", "curl", Figure::P50, Goal::TimesAtMost(0.6)),
            compare("occ --version", "true", Figure::P50, Goal::AtMost(3.0)),
        ],
    )
}

/// vsftpd, in clear text and with `AUTH TLS`.
///
/// # Errors
/// A program is missing, or a sign-in failed.
pub(crate) fn ftp(plan: &Plan) -> Outcome<Vec<Value>> {
    let bench = Bench::new(plan, NAMES)?;
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
        // More connections at once than this wait a second: the length of the queue in vsftpd.
        &[1, 16, 32],
        &[
            compare("ours, clear text", "bare socket", Figure::P50, Goal::TimesAtMost(1.05)),
            compare("ours, clear text", "PHP opendir, clear text", Figure::P50, Goal::None),
            compare("ours, clear text", "Python ftplib, clear text", Figure::P50, Goal::None),
            compare("ours, TLS", "PHP opendir, TLS", Figure::P50, Goal::TimesAtMost(0.85)),
            compare(
                "ours, TLS, connections prepared",
                "PHP opendir, TLS",
                Figure::P50,
                Goal::TimesAtMost(0.5),
            ),
            compare("ours, TLS", "Python ftplib, TLS", Figure::P50, Goal::None),
        ],
    )
}

/// Samba.
///
/// # Errors
/// A program is missing, or a sign-in failed.
pub(crate) fn smb(plan: &Plan) -> Outcome<Vec<Value>> {
    let bench = Bench::new(plan, NAMES)?;
    let (host, name, password) = (&bench.host, bench.name(), bench.password()?);
    let fields = |more: &str| format!("class = \"smb\"\nhost = \"{host}\"\nport = 10445\n{more}");
    let smbclient = format!("smbclient //{host}/share -p 10445 -U '{name}%{password}' -c exit");
    let twice = format!("{smbclient} && {smbclient}");
    let place = Place { client: "smbprotocol", host, port: 10445, ca: "" };
    let targets = [
        bench.ours("ours, by default", &fields(""), 16, &password)?,
        bench.ours("ours, libsmbclient", &fields("share = \"share\""), 16, &password)?,
        command("smbclient once", &["sh", "-c", &smbclient], &password, 16)?,
        command("smbclient twice, as the PHP app", &["sh", "-c", &twice], &password, 16)?,
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
                    Goal::TimesAtLeast(9.0),
                )
            },
            compare("ours, by default", "smbclient once", Figure::PerSecond, Goal::None),
            Comparison {
                callers: &[1, 8],
                ..compare(
                    "ours, by default",
                    "Python smbprotocol",
                    Figure::PerSecond,
                    Goal::TimesAtLeast(1.5),
                )
            },
            compare("ours, libsmbclient", "Python smbprotocol", Figure::PerSecond, Goal::None),
        ],
    )
}

/// HTTP, LDAP, SMTP, SSH and XMPP.
///
/// # Errors
/// A program is missing, or a sign-in failed.
pub(crate) fn classes(plan: &Plan) -> Outcome<Vec<Value>> {
    let bench = Bench::new(plan, NAME)?;
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
            PASSWORD,
            most,
        )?,
        bench.ours("ours, ldap", &tls("ldap", &slapd, &format!("bind = \"{template}\"")), most, PASSWORD)?,
        command(
            "ldapwhoami",
            &[&ldap_tls, "ldapwhoami", "-x", "-H", &ldap_url, "-D", &dn, "-w", PASSWORD],
            PASSWORD,
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
        command("sshpass", &["sh", "-c", &sshpass], PASSWORD, 8)?,
        bench.python("Python paramiko", &at("paramiko", "127.0.0.1", ssh_port, &known_hosts), PASSWORD, 8)?,
        bench.ours(
            "ours, xmpp",
            &tls("xmpp", &prosody, "virtual_host = \"example.com\"\nserver_name = \"127.0.0.1\""),
            most,
            PASSWORD,
        )?,
        bench.python(
            "Python slixmpp",
            &at("slixmpp", "example.com", prosody.tls_port, &prosody_ca),
            PASSWORD,
            most,
        )?,
    ];
    bench.rows(
        "classes",
        &targets,
        &[1, 8],
        &[
            compare("ours, http", "curl at Apache", Figure::P50, Goal::None),
            compare("ours, ldap", "ldapwhoami", Figure::P50, Goal::None),
            compare("ours, smtp", "Python smtplib", Figure::P50, Goal::None),
            compare("ours, ssh", "sshpass", Figure::P50, Goal::None),
            compare("ours, ssh", "Python paramiko", Figure::P50, Goal::None),
            compare("ours, xmpp", "Python slixmpp", Figure::P50, Goal::None),
        ],
    )
}
