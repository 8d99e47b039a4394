//! The page of `cargo xtask demo`, which nginx protects by forward-auth.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::step::{self, Outcome};

/// nginx and the server behind it; both end with this value.
#[derive(Debug)]
pub(crate) struct ProtectedPage {
    address: String,
    running: Vec<Child>,
}

impl Drop for ProtectedPage {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl ProtectedPage {
    /// Starts both, with these backends.
    ///
    /// # Errors
    /// One of them does not start.
    pub(crate) fn start(folder: &Path, backends: &str) -> Outcome<Self> {
        fs::create_dir_all(folder)?;
        remove_store(folder)?;
        let config = folder.join("user-backend.toml");
        let settings = "[server]\nlisten = \"127.0.0.1:0\"\nallow_plaintext = true\n[frontends.forward_auth]\n\
                        [resolver]\ntrusted_proxies = [\"127.0.0.1\"]\n";
        fs::write(&config, format!("{settings}\n{backends}"))?;
        let mut page = Self { address: String::new(), running: Vec::new() };
        let mut server = step::program(step::target().join("debug/user-backend-server"));
        let line = page.run(server.arg("serve").arg("--config").arg(&config), "address=")?;
        let address = line.rsplit_once("address=").map(|(_, address)| address.trim().to_owned());
        let server = address.ok_or("the server does not say where it listens")?;
        page.address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.to_string();
        let file = folder.join("nginx.conf");
        fs::write(&file, nginx(folder, &page.address, &server))?;
        fs::write(folder.join("index.html"), "for members only")?;
        let mut nginx = Command::new("/usr/sbin/nginx");
        page.run(nginx.args(["-e", "stderr", "-c"]).arg(&file), "nginx/")?;
        Ok(page)
    }

    /// Starts a program and returns the line of its log that says that it is ready.
    fn run(&mut self, command: &mut Command, ready: &str) -> Outcome<String> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take().ok_or("a program without a log")?;
        self.running.push(child);
        let mut lines = BufReader::new(log).lines();
        let mut seen = String::new();
        while let Some(Ok(line)) = lines.next() {
            if line.contains(ready) {
                // The rest is not read, and must not fill the pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(line);
            }
            seen += &line;
            seen.push('\n');
        }
        Err(format!("{command:?} does not start: {seen}").into())
    }

    /// Opens the page as a user; returns the status, and the user that nginx passes on.
    ///
    /// # Errors
    /// No answer.
    pub(crate) fn open(&self, credentials: Option<(&str, &str)>) -> Outcome<(u16, String)> {
        let basic = credentials.map(|(user, password)| BASE64_STANDARD.encode(format!("{user}:{password}")));
        let basic = basic.map_or_else(String::new, |basic| format!("Authorization: Basic {basic}\r\n"));
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "GET / HTTP/1.0\r\nHost: localhost\r\n{basic}\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let user = answer.lines().find_map(|line| line.strip_prefix("X-User: ")).unwrap_or_default();
        Ok((status.ok_or("nginx answers something else than HTTP")?, user.trim().to_owned()))
    }
}

/// Removes the store that an earlier demo left in a folder.
pub(crate) fn remove_store(folder: &Path) -> Outcome {
    for store in ["user-backend.db", "user-backend.db-wal", "user-backend.db-shm"] {
        match fs::remove_file(folder.join(store)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// The configuration of nginx, with the files of the documentation.
fn nginx(folder: &Path, address: &str, server: &str) -> String {
    let docs = step::root().join("docs/nginx");
    let (docs, folder) = (docs.display(), folder.display());
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\nuser root;\npid {folder}/nginx.pid;\nerror_log stderr notice;\nevents {{}}\n\
         http {{\n    access_log off;\n{temporary}    upstream user_backend {{ server {server}; keepalive 16; }}\n\
         \x20   server {{\n        listen {address};\n        root {folder};\n        include {docs}/user-backend-auth.conf;\n\
         \x20       location / {{ add_header X-User $user_backend_user; }}\n    }}\n}}\n"
    )
}
