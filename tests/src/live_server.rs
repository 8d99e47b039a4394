//! Real servers that a test starts itself, with accounts, on a loopback port.
//!
//! They run until they are dropped.
//!
//! A server runs in private mount and PID namespaces, with a `passwd` and a `shadow` of its own
//! laid over the machine's, so no user is created on the host. That needs root.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::local_server::output;

/// A user of a server.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// The name.
    pub name: &'static str,
    /// The right password.
    pub password: &'static str,
    /// What `shadow` says after the hash: the day of the last change first.
    ///
    /// `0` demands a new password.
    pub shadow: &'static str,
}

impl Account {
    /// A user whose password is valid.
    #[must_use]
    pub const fn new(name: &'static str, password: &'static str) -> Self {
        Self { name, password, shadow: "20000:0:99999:7:::" }
    }
}

/// An OpenSSH server as Debian ships it.
#[derive(Debug)]
pub struct Sshd {
    directory: TempDir,
    port: u16,
    process: Child,
}

impl Sshd {
    /// Starts one with these configuration lines; `None` means that the test is skipped.
    ///
    /// Its PAM asks `pam_unix` only.
    ///
    /// # Panics
    /// When it does not start; without root or without the package, only if `RIG_REQUIRED` is set.
    #[must_use]
    pub fn start(accounts: &[Account], lines: &str) -> Option<Self> {
        crate::logging::on();
        if !Path::new("/usr/sbin/sshd").exists() || !is_root() {
            assert!(
                std::env::var_os("RIG_REQUIRED").is_none(),
                "sshd needs root and the package openssh-server"
            );
            eprintln!("skipped: no sshd (package openssh-server) or no root");
            return None;
        }
        let directory = tempfile::Builder::new().prefix("sshd-").tempdir_in(target()).expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at("host_key")));
        let (mut passwd, mut shadow) = (
            "root:x:0:0::/nonexistent:/bin/false\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n".to_owned(),
            "root:*:20000::::::\nsshd:*:20000::::::\n".to_owned(),
        );
        for (number, Account { name, password, shadow: rest }) in (20001..).zip(accounts) {
            passwd.push_str(&format!("{name}:x:{number}:65534::/nonexistent:/bin/false\n"));
            shadow.push_str(&format!("{name}:{}:{rest}\n", hash(password)));
        }
        let configuration = format!(
            "{lines}\nListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nPidFile none\nMaxStartups 100\nLogLevel ERROR\n\
             PubkeyAuthentication no\n",
            at("host_key").display()
        );
        let pam =
            ["auth", "account", "password"].map(|kind| format!("{kind} required pam_unix.so nodelay\n"));
        for (name, text) in [
            ("passwd", passwd),
            ("shadow", shadow),
            ("sshd_config", configuration),
            ("pam", format!("{}session required pam_permit.so\n", pam.concat())),
        ] {
            fs::write(at(name), text).expect("a file");
        }
        let inside = "set -e; cd \"$1\"; mount --bind passwd /etc/passwd; mount --bind shadow /etc/shadow; \
            mount --bind pam /etc/pam.d/sshd; mount -t tmpfs -o mode=755 tmpfs /run; mkdir /run/sshd; \
            exec /usr/sbin/sshd -D -e -f \"$1/sshd_config\" -o LogLevel=INFO";
        let mut process = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"])
            .args(["sh", "-c", inside, "sh"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut log = BufReader::new(process.stderr.take().expect("its log"));
        let mut output = String::new();
        while !output.contains("Server listening") {
            let before = output.len();
            log.read_line(&mut output).expect("its log");
            assert!(output.len() > before, "sshd did not start: {output}");
        }
        // It keeps logging, and must not block on the pipe.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Some(Self { directory, port, process })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The `known_hosts` file that `ssh-keyscan` makes, with hashed names where `is_hashed`.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn known_hosts(&self, is_hashed: bool) -> PathBuf {
        let mut scan = Command::new("ssh-keyscan");
        scan.args(is_hashed.then_some("-H")).args(["-p", &self.port.to_string(), "127.0.0.1"]);
        let output = scan.output().expect("ssh-keyscan");
        let path = self.directory.path().join(if is_hashed { "hashed_hosts" } else { "known_hosts" });
        fs::write(&path, output.stdout).expect("a file");
        path
    }

    /// The fingerprint of its key, as `ssh-keygen -l` prints it.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut list = Command::new("ssh-keygen");
        let output = list.arg("-lf").arg(self.directory.path().join("host_key.pub")).output();
        let text = String::from_utf8(output.expect("ssh-keygen").stdout).expect("a line of text");
        text.split(' ').nth(1).expect("a fingerprint").to_owned()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // What runs in the namespace ends with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The directory `target` of this checkout, which other users cannot write to.
fn target() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/servers");
    fs::create_dir_all(&target).expect("a directory");
    target.canonicalize().expect("a directory")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
}

/// As `shadow` has it.
///
/// The password is not on the command line.
fn hash(password: &str) -> String {
    output(Command::new("openssl").args(["passwd", "-6", "-stdin"]), password).trim().to_owned()
}
