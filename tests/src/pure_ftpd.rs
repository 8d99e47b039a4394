//! pure-ftpd from its Debian package, which need not be installed, with users of its own.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use crate::local_server::{output, target};
use crate::sandbox;

/// How long it may take to listen.
const START: Duration = Duration::from_secs(60);

/// The Unix user of every account: `nobody`.
const NOBODY: u32 = 65534;

/// A running server in clear text on loopback; it ends when this is dropped.
#[derive(Debug)]
pub struct PureFtpd {
    child: Child,
    _dir: TempDir,
    port: u16,
}

impl PureFtpd {
    /// Starts it with these names and passwords.
    ///
    /// `None`, and a line that says why, where the package cannot be had or run: it needs root.
    ///
    /// # Panics
    /// When files cannot be written or it does not start.
    #[must_use]
    pub fn start(users: &[(&str, &str)]) -> Option<Self> {
        let root = match sandbox::unpacked(&["pure-ftpd", "pure-ftpd-common"]) {
            Ok(root) => root,
            Err(why) => {
                sandbox::skip("pure-ftpd", &why);
                return None;
            }
        };
        if !rustix::process::geteuid().is_root() {
            sandbox::skip("pure-ftpd", "it needs root");
            return None;
        }
        let dir = TempDir::new_in(target()).expect("a directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let (passwords, database, home) =
            (dir.path().join("passwd"), dir.path().join("db"), dir.path().join("home"));
        fs::create_dir(&home).expect("a directory");
        let accounts: String = users
            .iter()
            .map(|(name, password)| {
                // The hashes of its own tool take seconds.
                let hash = output(Command::new("openssl").args(["passwd", "-6", "-stdin"]), password);
                format!("{name}:{}:{NOBODY}:{NOBODY}::{}/./::::::::::::\n", hash.trim(), home.display())
            })
            .collect();
        fs::write(&passwords, accounts).expect("a file");
        let mut make = Command::new(root.join("usr/bin/pure-pw"));
        make.arg("mkdb").arg(&database).arg("-f").arg(&passwords);
        assert!(make.status().expect("pure-pw").success(), "pure-pw mkdb");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let mut command = Command::new(root.join("usr/sbin/pure-ftpd"));
        // Without anonymous users, host names and TLS.
        command.args(["--noanonymous", "--dontresolve", "--tls", "0", "--bind"]);
        command.arg(format!("127.0.0.1,{port}"));
        command.arg("--login").arg(format!("puredb:{}", database.display()));
        command.arg("--pidfile").arg(dir.path().join("pid"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut server = Self { child: child.expect("pure-ftpd"), _dir: dir, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().expect("a process");
            assert!(ended.is_none() && began.elapsed() < START, "pure-ftpd does not listen: {ended:?}");
            thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for PureFtpd {
    fn drop(&mut self) {
        // A TERM lets it end its sessions as well.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
