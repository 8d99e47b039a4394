//! Programs that are measured beside ours, and servers that all of them ask.
//!
//! It needs root: each runs in namespaces that end with it.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Outcome, people};

/// A program that ends with this value.
#[derive(Debug)]
pub(crate) struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    /// Runs a script, and waits until a file is there or a port is open.
    fn start(script: &str, is_ready: impl Fn() -> bool) -> Outcome<Self> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]);
        let mut peer = Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
        let began = Instant::now();
        while !is_ready() {
            if peer.0.try_wait()?.is_some() || began.elapsed() > Duration::from_secs(20) {
                return Err(format!("it does not start: {script}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    /// The number of its first process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

/// saslauthd, which asks the mail server at this port, and its socket.
///
/// # Errors
/// It does not start.
pub(crate) fn saslauthd(folder: &Path, imap: u16, is_cached: bool) -> Outcome<(Peer, PathBuf)> {
    let place = folder.join(if is_cached { "saslauthd-cached" } else { "saslauthd" });
    fs::create_dir(&place)?;
    let (socket, place) = (place.join("mux"), place.display());
    let cache = if is_cached { "-c" } else { "" };
    let script =
        format!("saslauthd -a rimap -O 127.0.0.1/{imap} -n 5 {cache} -m {place}; exec sleep infinity");
    Ok((Peer::start(&script, || socket.exists())?, socket))
}

/// Dovecot's authentication with its cache, and its socket.
///
/// It caches what PAM says, but not what a mail server says; so it asks PAM, and PAM a script.
///
/// # Errors
/// It does not start.
pub(crate) fn dovecot_auth(folder: &Path) -> Outcome<(Peer, PathBuf)> {
    let place = folder.join("dovecot");
    fs::create_dir(&place)?;
    let check = place.join("check");
    let right = format!("{} {}", people::name(0), people::password(0));
    fs::write(&check, format!("#!/bin/sh\n[ \"$PAM_USER $(tr -d '\\0')\" = '{right}' ]\n"))?;
    fs::set_permissions(&check, Permissions::from_mode(0o755))?;
    let (config, socket) = (place.join("dovecot.conf"), place.join("base/auth-peer"));
    let (path, place) = (config.display(), place.display());
    fs::write(
        &config,
        format!(
            "protocols =\nssl = no\nlog_path = {place}/log\nbase_dir = {place}/base\nauth_mechanisms = plain\n\
             auth_failure_delay = 0\nauth_cache_size = 10M\nauth_cache_ttl = 1 hour\n\
             passdb {{\n  driver = pam\n  args = cache_key=%u peer\n}}\n\
             userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home=/tmp\n}}\n\
             service auth {{\n  unix_listener auth-peer {{\n    mode = 0666\n  }}\n}}\n{NO_PENALTY}"
        ),
    )?;
    let script = format!(
        "set -e; cp -a /etc/pam.d {place}/pam; mount --bind {place}/pam /etc/pam.d\n\
         printf 'auth required pam_exec.so expose_authtok {place}/check\\naccount required pam_permit.so\\n' \
         >/etc/pam.d/peer; exec dovecot -F -c {path}"
    );
    Ok((Peer::start(&script, || socket.exists())?, socket))
}

/// Dovecot would delay right passwords after a wrong one.
const NO_PENALTY: &str = "service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n";

/// Dovecot whose login processes live long, and its port for IMAP over TLS.
///
/// Every name has this password. `state` is that of the rig, with the certificate.
///
/// # Errors
/// It does not start.
pub(crate) fn dovecot_imap(folder: &Path, host: &str, state: &Path, password: &str) -> Outcome<(Peer, u16)> {
    let place = folder.join("dovecot");
    let mail = place.join("mail");
    fs::create_dir_all(&mail)?;
    // Its sessions are another user.
    for (folder, mode) in [(folder, 0o711), (&mail, 0o777)] {
        fs::set_permissions(folder, Permissions::from_mode(mode))?;
    }
    let port = TcpListener::bind((host, 0))?.local_addr()?.port();
    let config = place.join("dovecot.conf");
    let text = format!(
        "protocols = imap\ndefault_client_limit = 4096\nlisten = {host}\nlog_path = {place}/log\nbase_dir = {place}/base\n\
         state_dir = {place}/state\nssl = required\nssl_cert = <{state}/tls/server.crt\n\
         ssl_key = <{state}/tls/server.key\nauth_mechanisms = plain login\nauth_failure_delay = 0\n\
         mail_max_userip_connections = 0\nmail_location = maildir:~/%u\nfirst_valid_uid = 1\n\
         passdb {{\n  driver = static\n  args = password={password}\n}}\n\
         userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home={place}/mail\n}}\n\
         service imap-login {{\n  service_count = 0\n  process_min_avail = 2\n  inet_listener imap {{\n    port = 0\n  }}\n  \
         inet_listener imaps {{\n    port = {port}\n    ssl = yes\n  }}\n}}\n\
         service imap {{\n  service_count = 0\n  process_min_avail = 64\n}}\n\
         {NO_PENALTY}",
        place = place.display(),
        state = state.display(),
    );
    fs::write(&config, text)?;
    let script = format!("exec dovecot -F -c {}", config.display());
    Ok((Peer::start(&script, || TcpStream::connect((host, port)).is_ok())?, port))
}

/// nginx with password files, bcrypt and under `/sha/` SHA-1, and its address.
///
/// # Errors
/// It does not start.
pub(crate) fn nginx(folder: &Path) -> Outcome<(Peer, String)> {
    let place = folder.join("nginx");
    fs::create_dir(&place)?;
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    for (file, kind) in [("users", &["-nbB", "-C", "5"][..]), ("sha-users", &["-nbs"])] {
        let mut users = Vec::new();
        for name in [people::name(0), people::EXTERNAL.to_owned()] {
            let hash = Command::new("htpasswd").args(kind).args([&name, &people::password(0)]).output()?;
            users.extend(hash.stdout.iter().filter(|byte| !byte.is_ascii_whitespace()));
            users.push(b'\n');
        }
        fs::write(place.join(file), users)?;
    }
    fs::write(place.join("page"), "ok")?;
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", place.display()))
        .concat();
    // As root, because the folder is closed to others.
    let text = format!(
        "daemon off;\nuser root;\nworker_processes 2;\npid {place}/pid;\nerror_log {place}/log;\nevents {{}}\n\
         http {{\naccess_log off;\nkeepalive_requests 100000000;\n{temporary}\
         server {{\nlisten 127.0.0.1:{port};\nroot {place};\n\
         auth_basic users;\nauth_basic_user_file {place}/users;\n\
         location /sha/ {{\nalias {place}/;\nauth_basic_user_file {place}/sha-users;\n}}\n}}\n}}\n",
        place = place.display()
    );
    fs::write(place.join("nginx.conf"), text)?;
    let script = format!("exec nginx -e stderr -c {}/nginx.conf", place.display());
    let peer = Peer::start(&script, || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    Ok((peer, format!("127.0.0.1:{port}")))
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
