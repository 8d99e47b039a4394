//! The program: `init`, `serve`, TLS, the end.

use std::process::{Command, Stdio};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use user_backend_tests::settings;

use super::*;

pub(super) fn program(dir: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_user-backend-server"));
    command.args(words).current_dir(dir.path()).stdin(Stdio::null()).env_remove("USER_BACKEND_CONFIG");
    command
}

fn outcome_of(output: &std::process::Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn init_writes_a_configuration_and_the_first_administrator() {
    let dir = TempDir::new().unwrap();
    let init = |password: &str| {
        outcome_of(
            &program(&dir, &["init", "--password-from-env"]).env("OC_PASS", password).output().unwrap(),
        )
    };
    let (code, _, err) = init("abc");
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("at least 10 characters"), "{err}");
    let (code, out, err) = init(PASSWORD);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("created the administrator admin"), "{out}");
    assert!(
        out.contains("curl -u admin -H 'OCS-APIRequest: true' http://127.0.0.1:8080/ocs/v1.php/cloud/users"),
        "{out}"
    );
    assert!(std::fs::read_to_string(dir.path().join("user-backend.toml")).unwrap().contains("[server]"));
    let (code, _, err) = init(PASSWORD);
    assert_eq!(code, 1);
    assert!(err.contains("admin is there already"), "{err}");
}

#[cfg(unix)]
#[test]
fn generated_password_is_printed_once_and_works() {
    let dir = TempDir::new().unwrap();
    let text = format!("[server]\nlisten = \"127.0.0.1:0\"\n{CHEAP}");
    std::fs::write(dir.path().join("user-backend.toml"), text).unwrap();
    let init = || {
        let words = ["init", "--if-needed", "--generate-password"];
        outcome_of(&program(&dir, &words).output().unwrap())
    };
    let (code, out, err) = init();
    assert_eq!((code, err.as_str()), (0, ""));
    let shown = out.lines().filter_map(|line| line.strip_prefix("password: ")).collect::<Vec<_>>();
    let [password] = shown[..] else { panic!("{out}") };
    assert!(password.len() >= 16, "{out}");
    // There is an administrator now: nothing happens.
    assert_eq!(init(), (0, String::new(), String::new()));
    let again = ["init", "--generate-password"];
    let (code, out, err) = outcome_of(&program(&dir, &again).output().unwrap());
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("admin is there already"), "{err}");
    let both = ["init", "--generate-password", "--password-from-stdin"];
    assert_eq!(outcome_of(&program(&dir, &both).output().unwrap()).0, 2);

    let (_running, address) = RunningServer::serve(&dir);
    let answer = users_as(&address, "admin", password);
    assert!(answer.contains("<statuscode>100</statuscode>"), "{answer}");
}

/// The answer to this user who lists the users.
fn users_as(address: &str, name: &str, password: &str) -> String {
    use base64::Engine as _;
    use std::io::{Read as _, Write as _};

    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /ocs/v1.php/cloud/users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         OCS-APIRequest: true\r\nAuthorization: Basic {credentials}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(target_os = "linux")]
#[test]
fn init_leaves_no_password_in_the_environment() {
    use std::io::Read;

    let dir = TempDir::new().unwrap();
    let database = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = database.local_addr().unwrap();
    // It says nothing: the program waits for it, and we look.
    let text = format!("[server]\n{CHEAP}[store]\nurl = \"postgres://x@{address}/x\"\n");
    std::fs::write(dir.path().join("user-backend.toml"), text).unwrap();
    let mut init = program(&dir, &["init", "--password-from-env"]);
    init.env("NC_PASS", PASSWORD).env("OC_PASS", PASSWORD).stderr(Stdio::piped());
    let child = init.spawn().unwrap();
    let process = child.id();
    let end = std::thread::spawn(move || {
        let output = child.wait_with_output().unwrap();
        // Frees the accept below if the program never came.
        drop(std::net::TcpStream::connect(address));
        output
    });
    let (connection, _) = database.accept().unwrap();
    for file in ["environ", "cmdline"] {
        let mut seen = Vec::new();
        // The program is not dumpable, so only root may open the file: out of reach of all others.
        match std::fs::File::open(format!("/proc/{process}/{file}")) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => continue,
            opened => opened.unwrap().read_to_end(&mut seen).unwrap(),
        };
        let seen = String::from_utf8_lossy(&seen);
        // Not shown on failure: the rest of the environment is private.
        assert!(!seen.is_empty() && !seen.contains("land 1865"), "in /proc/…/{file}");
    }
    drop(connection);
    let output = end.join().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn settings_are_accepted_and_rejected_as_by_the_command_line() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("user-backend.toml");
    for text in settings::ACCEPTED {
        std::fs::write(&file, text).unwrap();
        ServerSettings::load(&file, &ClassRegistry::standard())
            .unwrap_or_else(|errors| panic!("{text}: {errors}"));
    }
    for (text, error) in settings::REJECTED {
        std::fs::write(&file, text).unwrap();
        let (code, out, err) = outcome_of(&program(&dir, &["serve"]).output().unwrap());
        assert_eq!((code, out.as_str()), (2, ""), "{text}: {err}");
        assert!(err.starts_with(&format!("user-backend-server: {error}")), "{text}: {err}");
    }
}

#[test]
fn configuration_errors_name_their_position() {
    let dir = TempDir::new().unwrap();
    for (text, expected) in [
        ("[server]\nlisten = \"nowhere\"", "listen"),
        ("[server]\nlissten = \"127.0.0.1:1\"", "lissten"),
        ("[server]\ntls_cert = \"c.pem\"", "tls_key"),
        ("[server]\nmetrics_listen = \"127.0.0.1:8080\"", "metrics_listen"),
        ("[server]\nmetrics_listen = \"9100\"", "metrics_listen"),
        ("[sever]\n", "sever"),
    ] {
        std::fs::write(dir.path().join("user-backend.toml"), text).unwrap();
        let (code, out, err) = outcome_of(&program(&dir, &["serve"]).output().unwrap());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(expected) && err.contains("user-backend.toml"), "{err}");
    }
    let (code, _, err) = outcome_of(&program(&dir, &["serve", "--config", "missing.toml"]).output().unwrap());
    assert_eq!(code, 2);
    assert!(err.contains("missing.toml") && err.contains("init"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_the_server_speaks_https() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let dir = TempDir::new().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    close_to_others(&key);
    let server = Server::with(&format!("tls_cert = {cert:?}\ntls_key = {key:?}"), "").await;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(server.address).await.unwrap();
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let answer = server.get("admin", "/cloud/users").over(stream).await.ok();
    assert_eq!(answer.header("strict-transport-security"), "max-age=15552000");
    assert_eq!(
        Server::start().await.get("-", "/healthz").send().await.header("strict-transport-security"),
        ""
    );
    // Plain HTTP gets a response that any client shows.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head =
        b"GET /ocs/v1.php/cloud/users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic eDp5\r\n\r\n";
    let answer = smuggling::exchange(&mut stream, head).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("type https:// instead"), "{answer}");
    assert!(server.shutdown_handle.reload_certificate().unwrap());
    std::fs::write(&cert, "no certificate").unwrap();
    assert!(server.shutdown_handle.reload_certificate().is_err(), "the old one stays");
}

fn close_to_others(_file: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// L6, M13: a key that others read, a certificate or a configuration that others write.
#[cfg(unix)]
#[test]
fn serve_refuses_open_files_and_keys() {
    use std::os::unix::fs::{PermissionsExt, chown};

    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let dir = TempDir::new().unwrap();
    let file = |name: &str| dir.path().join(name);
    let mode = |name: &str, mode| {
        std::fs::set_permissions(file(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n{CHEAP}"
    );
    for (name, text) in [
        ("user-backend.toml", text),
        ("cert.pem", made.cert.pem()),
        ("key.pem", made.signing_key.serialize_pem()),
    ] {
        std::fs::write(file(name), text).unwrap();
        mode(name, 0o600);
    }
    for (name, bits, code, command) in [
        ("key.pem", 0o644, 1, "chmod o-rwx "),
        ("key.pem", 0o660, 1, "chmod g-w "),
        ("cert.pem", 0o666, 1, "chmod go-w "),
        ("user-backend.toml", 0o664, 2, "chmod g-w "),
    ] {
        mode(name, bits);
        let (found, _, err) = outcome_of(&program(&dir, &["serve"]).output().unwrap());
        assert_eq!(found, code, "{name} {bits:o}: {err}");
        let shown = format!("mode {bits:04o}");
        assert!(
            err.contains(command) && err.contains(name) && err.contains(&shown),
            "{name} {bits:o}: {err}"
        );
        mode(name, 0o600);
    }
    // Only root gives files away.
    if chown(file("user-backend.toml"), Some(65534), None).is_ok() {
        let (found, _, err) = outcome_of(&program(&dir, &["serve"]).output().unwrap());
        assert!(found == 2 && err.contains("owner 65534") && err.contains("chown -h root "), "{err}");
        chown(file("user-backend.toml"), Some(0), None).unwrap();
    }
    drop(RunningServer::serve(&dir));
}

#[tokio::test(flavor = "multi_thread")]
async fn server_stops_on_a_signal() {
    let server = Server::start().await;
    server.get("admin", "/cloud/users").send().await.ok();
    let listening = Listener::open(server.app.clone()).unwrap();
    let shutdown_handle = listening.shutdown_handle();
    let serving = tokio::spawn(listening.serve());
    shutdown_handle.stop();
    serving.await.unwrap().unwrap();
}

/// The address that a line of the log names, whatever its format.
pub(super) fn address_in(line: &str) -> String {
    let address = line.split(['=', '"']).find(|part| part.starts_with("127.0.0.1:"));
    address.unwrap_or_else(|| panic!("{line}")).trim().to_owned()
}

/// The running program, ended when the test ends.
#[cfg(unix)]
pub(super) struct RunningServer {
    pub(super) child: std::process::Child,
    log: Option<std::io::Lines<std::io::BufReader<std::process::ChildStderr>>>,
}

#[cfg(unix)]
impl RunningServer {
    /// Starts `serve` in a folder; returns the address at which it listens, too.
    pub(super) fn serve(dir: &TempDir) -> (Self, String) {
        Self::serve_with(dir, &[])
    }

    /// The same with more words on the command line.
    pub(super) fn serve_with(dir: &TempDir, words: &[&str]) -> (Self, String) {
        use std::io::BufRead;

        let mut child = program(dir, &[&["serve"], words].concat()).stderr(Stdio::piped()).spawn().unwrap();
        let log = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
        let mut running = Self { child, log: Some(log) };
        let line = running.until("listening");
        (running, address_in(&line))
    }

    /// Waits for a line of the log.
    pub(super) fn until(&mut self, text: &str) -> String {
        self.lines_until(text).pop().unwrap()
    }

    /// The lines of the log up to one with this text, which is the last.
    pub(super) fn lines_until(&mut self, text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        for line in self.log.as_mut().unwrap().by_ref() {
            seen.push(line.unwrap());
            if seen.last().unwrap().contains(text) {
                return seen;
            }
        }
        panic!("{text} never came: {seen:#?}");
    }

    /// Reads and drops the rest of the log, so that the program never blocks on the pipe.
    pub(super) fn drop_log(&mut self) {
        let log = self.log.take().unwrap();
        std::thread::spawn(move || log.for_each(drop));
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }
}

#[cfg(unix)]
impl Drop for RunningServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn serve_has_metrics_reloads_and_stops() {
    use std::io::{BufRead, Read, Write};

    let dir = TempDir::new().unwrap();
    let file = dir.path().join("user-backend.toml");
    std::fs::write(&file, format!("[server]\nlisten = \"127.0.0.1:0\"\n{CHEAP}")).unwrap();
    let init = program(&dir, &["init", "--password-from-env"]).env("OC_PASS", PASSWORD).output().unwrap();
    assert!(init.status.success(), "{init:?}");
    let mut child = program(&dir, &["serve"]).stderr(Stdio::piped()).spawn().unwrap();
    let log = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let mut running = RunningServer { child, log: Some(log) };
    let line = running.until("listening");
    let address = line.split("address=").nth(1).unwrap().trim().to_owned();
    let get = |path: &str, headers: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(get("/ocs/v1.php/cloud/users", "OCS-APIRequest: true\r\n").contains("997"));
    let metrics = get("/metrics", "");
    assert!(
        metrics.contains("user_backend_http_requests_total{method=\"GET\",status=\"401\"} 1"),
        "{metrics}"
    );
    let line = running.until("answered");
    assert!(line.contains("/ocs/v1.php/cloud/users") && line.contains("id="), "{line}");

    let token = "A".repeat(43);
    assert!(get(&format!("/lostpassword/reset/{token}"), "").contains("404"));
    let line = running.until("lostpassword");
    assert!(line.contains("answered") && !line.contains(&token), "{line}");

    running.signal("-HUP");
    running.until("settings and backends read again");
    std::fs::write(&file, "[server\n").unwrap();
    running.signal("-HUP");
    running.until("settings and backends stay as they were");
    running.signal("-TERM");
    running.until("ending");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

/// T61: a password that came in a header, was compared, was refused, was remembered.
#[cfg(target_os = "linux")]
#[test]
fn t61_server_keeps_few_copies_of_the_password() {
    use std::io::BufRead;

    use user_backend_tests::canary;
    use user_backend_tests::process::Process;

    let dir = TempDir::new().unwrap();
    std::fs::write(
        dir.path().join("user-backend.toml"),
        format!("[server]\nlisten = \"127.0.0.1:0\"\n{CHEAP}"),
    )
    .unwrap();
    let mut init = program(&dir, &["init", "--admin", canary::NAME, "--password-from-env"]);
    let init = init.env("OC_PASS", canary::PASSWORD).output().unwrap();
    assert!(init.status.success(), "{init:?}");
    let mut child = program(&dir, &["serve"]).stderr(Stdio::piped()).spawn().unwrap();
    let log = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let mut running = RunningServer { child, log: Some(log) };
    let address = running.until("listening").split("address=").nth(1).unwrap().trim().to_owned();
    // The second time it is answered from memory.
    for (password, code) in [(canary::PASSWORD, "100"), (canary::PASSWORD, "100"), ("Another one 17", "997")]
    {
        let answer = users_as(&address, canary::NAME, password);
        assert!(answer.contains(&format!("<statuscode>{code}</statuscode>")), "{answer}");
    }
    let process = Process::open(running.child.id().try_into().unwrap()).unwrap();
    assert_eq!(process.core_limits(), Some(("0".to_owned(), "0".to_owned())));
    assert_eq!(canary::count(&process.arguments_and_environment()), 0);
    // Only root may look. The heap is wiped; threads that hash have buffers on their stacks: two or
    // three copies were seen.
    if let Some(mut found) = process.remembers(&canary::remains()) {
        let plain = found.remove("plain").unwrap_or(0);
        assert!(plain <= 6 && found.is_empty(), "{plain} and {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_are_added_at_run_time() {
    let server = Server::start().await;
    let form = "userid=m%40mail.example&backend=mail";
    server.post("admin", "/cloud/users", form).send().await.fails(101, "backend mail does not exist");
    let file = server.dir.path().join("next.toml");
    let imap = "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\n";
    std::fs::write(&file, imap).unwrap();
    let (settings, config) = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap();
    server.app.reload(settings, &config).await.unwrap();
    server.post("admin", "/cloud/users", form).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_keeps_equal_settings_and_names_the_deferred() {
    let imap = |port: u16| {
        format!(
            "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
        )
    };
    let server = Server::with("", &imap(9)).await;
    let again = async |lines: &str, sections: &str| {
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nrefusal_milliseconds = 0\n{lines}\n{CHEAP}{sections}"
        );
        std::fs::write(server.dir.path().join("server.toml"), text).unwrap();
        let (settings, config) =
            ServerSettings::load(&server.dir.path().join("server.toml"), &ClassRegistry::standard()).unwrap();
        server.app.reload(settings, &config).await.unwrap()
    };
    let ids = |ids: &[user_backend::BackendId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();

    let same = again("", &imap(9)).await;
    assert_eq!(ids(&same.backends.kept), ["local", "mail"], "{same:?}");
    assert!(same.changed.is_empty() && same.at_next_start.is_empty(), "{same:?}");

    let other = again("", &imap(10)).await;
    assert_eq!(
        (ids(&other.backends.kept), ids(&other.backends.changed)),
        (vec!["local".into()], vec!["mail".into()])
    );

    server.post("sam", "/cloud/users/outsider/groups", "groupid=group1").send().await.fails(103, "");
    let lines = "sub_admins_may_add = \"anybody\"\ndefault_quota = \"5 GB\"\nname = \"Cloud\"\npublic_url = \"https://c.example\"";
    let sections =
        imap(10) + "[store]\nurl = \"sqlite:other.db\"\n[resolver]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let some = again(lines, &sections).await;
    assert_eq!(
        some.changed,
        ["public_url", "default_quota", "sub_admins_may_add", "trusted_proxies"],
        "{some:?}"
    );
    assert_eq!(some.at_next_start, ["name", "[store]"], "{some:?}");
    server.post("sam", "/cloud/users/outsider/groups", "groupid=group1").send().await.ok();
    let seen = server.get("admin", "/cloud/users/jane?format=json").send().await.ok().data();
    assert_eq!(seen["quota"]["quota"], 5_368_709_120_u64);
    let service = server.get("-", "/config?format=json").send().await.ok().data();
    assert_eq!((&service["host"], &service["website"]), (&"c.example".into(), &"user-backend".into()));
    let proxied = server
        .get("admin", "/cloud/users")
        .header("X-Forwarded-For", "203.0.113.9")
        .from(Ipv4Addr::LOCALHOST);
    assert_eq!(
        proxied.send().await.status,
        403,
        "the proxy is believed, and it says that the way was not private"
    );
    assert!(format!("{:?}", server.app.settings()).contains("[store]"), "names of sections, no digests");
}

#[cfg(unix)]
#[test]
fn systemd_is_notified_of_ready_reload_watchdog_and_stop() {
    use std::io::BufRead;
    use std::os::unix::net::UnixDatagram;

    let dir = TempDir::new().unwrap();
    std::fs::write(
        dir.path().join("user-backend.toml"),
        format!("[server]\nlisten = \"127.0.0.1:0\"\n{CHEAP}"),
    )
    .unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let received = || {
        let mut bytes = [0; 512];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    // Without the watchdog's messages, which are sent all the time.
    let news = || std::iter::repeat_with(received).find(|text| !text.starts_with("WATCHDOG")).unwrap();
    let mut command = program(&dir, &["serve"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000").env_remove("WATCHDOG_PID");
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let log = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let mut running = RunningServer { child, log: Some(log) };
    assert_eq!(news().trim(), "READY=1");
    assert_eq!(
        std::iter::repeat_with(received).find(|text| text.starts_with("WATCHDOG")).unwrap().trim(),
        "WATCHDOG=1"
    );
    running.signal("-HUP");
    let reloading = news();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(news().trim(), "READY=1");
    running.until("no administrator yet: `user-backend-server init`");
    running.until("settings and backends read again");
    running.signal("-TERM");
    assert_eq!(news().trim(), "STOPPING=1");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}
