//! What operators see: failed sign-in lines, fail2ban filters, health, metrics, the log.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use regex::Regex;

use super::program::{RunningServer, address_in, program};
use super::*;

/// The program with an administrator, and its address.
pub(super) struct Program {
    pub(super) running: RunningServer,
    pub(super) address: String,
    _dir: TempDir,
}

impl Program {
    pub(super) fn start(settings: &str, words: &[&str]) -> Self {
        Self::start_with(settings, words, "")
    }

    /// The same with more sections.
    pub(super) fn start_with(settings: &str, words: &[&str], sections: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nrefusal_milliseconds = 0\n{settings}\n{CHEAP}{sections}"
        );
        let file = dir.path().join("user-backend.toml");
        std::fs::write(&file, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // It may hold a secret.
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let init = program(&dir, &["init", "--password-from-env"]).env("OC_PASS", PASSWORD).output().unwrap();
        assert!(init.status.success(), "{init:?}");
        let (running, address) = RunningServer::serve_with(&dir, words);
        Self { running, address, _dir: dir }
    }

    /// Sends these bytes and returns the answer.
    fn exchange(&self, request: &[u8]) -> String {
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A call with these headers; each ends with CRLF.
    pub(super) fn call(&self, path: &str, headers: &str) -> String {
        self.exchange(
            format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOCS-APIRequest: true\r\n{headers}\r\n"
            )
            .as_bytes(),
        )
    }

    fn sign_in(&self, name: &str, password: &str, headers: &str) -> String {
        use base64::Engine;
        let credentials = base64::prelude::BASE64_STANDARD.encode(format!("{name}:{password}"));
        self.call("/ocs/v1.php/cloud/user", &format!("Authorization: Basic {credentials}\r\n{headers}"))
    }

    /// Fills in the form of the login page.
    fn sign_in_at_the_page(&self, name: &str) {
        let page = self.call("/login", "");
        let between = |start: &str, end: &str| {
            let rest = page.split_once(start).unwrap_or_else(|| panic!("{page}")).1;
            rest.split_once(end).unwrap().0.to_owned()
        };
        let token = percent_encoding(&between("name=\"requesttoken\" value=\"", "\""));
        let form = format!("user={name}&password={}&requesttoken={token}", percent_encoding(PASSWORD));
        let answer = self.exchange(
            format!(
                "POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                between("set-cookie: ", ";"),
                form.len()
            )
            .as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    }

    pub(super) fn failed(&mut self) -> String {
        self.running.until("failed sign-in")
    }
}

/// The fields after "failed sign-in".
fn fields(line: &str) -> &str {
    line.split_once("audit: failed sign-in ").unwrap_or_else(|| panic!("{line}")).1
}

#[test]
fn failed_sign_in_is_one_line_without_unknown_names() {
    let mut program = Program::start("", &[]);
    program.sign_in("Admin", "wrong", "");
    let first = program.failed();
    assert!(first.contains("  WARN request{id="), "{first}");
    assert_eq!(
        fields(&first),
        "user=\"admin\" source=127.0.0.1 frontend=\"basic\" backend=\"local\" reason=\"bad_credentials\""
    );
    program.sign_in("Admin", "wrong", "");
    assert!(fields(&program.failed()).ends_with("backend=\"local\" reason=\"repeated\""));
    let typed = "correct horse battery staple";
    let mut users = Vec::new();
    for password in ["one", "two"] {
        program.sign_in(typed, password, "");
        let line = program.failed();
        assert!(!line.contains("horse"), "{line}");
        let (user, rest) = fields(&line).split_once(" source=").unwrap();
        assert!(user.starts_with("user=\"(unknown ") && user.ends_with(")\""), "{line}");
        assert!(
            rest.ends_with("reason=\"bad_credentials\"") || rest.ends_with("reason=\"unknown_user\""),
            "{line}"
        );
        users.push(user.to_owned());
    }
    assert_eq!(users[0], users[1]);
    // Shaped like an app password, and none.
    program.call("/ocs/v1.php/cloud/user", &format!("Authorization: Bearer {}\r\n", "A".repeat(43)));
    assert_eq!(
        fields(&program.failed()),
        "user=\"-\" source=127.0.0.1 frontend=\"bearer\" backend=\"-\" reason=\"app_password\""
    );
    program.sign_in("a\tb", "x", "");
    assert!(fields(&program.failed()).ends_with("backend=\"-\" reason=\"invalid_input\""));
    let form = "login=admin&password=another+one";
    program.exchange(
        format!(
            "POST /ocs/v2.php/person/check HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOCS-APIRequest: true\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        )
        .as_bytes(),
    );
    assert!(fields(&program.failed()).starts_with("user=\"admin\" source=127.0.0.1 frontend=\"check\" "));
}

#[test]
fn early_disconnect_is_logged() {
    // Takes connections and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let backend = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n",
        silent.local_addr().unwrap().port()
    );
    let mut program = Program::start(&backend, &[]);
    let credentials = "Basic aXZ5OmEgZ3Vlc3M=";
    let mut stream = std::net::TcpStream::connect(&program.address).unwrap();
    write!(
        stream,
        "GET /ocs/v1.php/cloud/user HTTP/1.1\r\nHost: localhost\r\nOCS-APIRequest: true\r\n\
         Authorization: {credentials}\r\n\r\n"
    )
    .unwrap();
    // The canary at the start, and this one.
    let _held: Vec<_> = (0..2).map(|_| silent.accept().unwrap()).collect();
    drop(stream);
    let line = program.running.until("hung up");
    assert!(line.contains("  INFO request{id=") && !line.contains("ivy"), "{line}");
    assert!(line.contains("source=127.0.0.1 frontend=\"basic\""), "{line}");
}

/// What the shipped filter finds in a log, address by address; `None` without fail2ban.
fn filtered(log: &str) -> Option<Vec<IpAddr>> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("server.log");
    std::fs::write(&file, log).unwrap();
    let filter = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fail2ban/filter.d/user-backend.conf");
    let mut command = Command::new("fail2ban-regex");
    command.args(["--out", "ip"]).arg(&file).arg(filter).stdin(Stdio::null());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let why = "skipped: no fail2ban-regex here (Debian package fail2ban)";
            assert!(std::env::var_os("PROGRAMS_REQUIRED").is_none(), "{why}");
            eprintln!("{why}");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() || text.is_empty(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    Some(
        text.lines()
            .map(|line| line.trim().parse().unwrap_or_else(|error| panic!("{error}: {text}")))
            .collect(),
    )
}

/// What clients send so that a line looks like the failure of another client.
const FORGED: &[&str] = &[
    "x\" source=192.0.2.66 frontend=\"basic\" backend=\"local\" reason=\"bad_credentials\"",
    "x\nWARN audit: failed sign-in user=\"x\" source=192.0.2.66 frontend=\"basic\" backend=\"local\" reason=\"bad_credentials\"",
    "\n2026-11-29T10:00:00.000000Z  WARN audit: failed sign-in user=\"x\" source=192.0.2.66 frontend=\"basic\" backend=\"local\" reason=\"bad_credentials\"\n",
    "\u{2028}WARN audit: failed sign-in user=\"x\" source=192.0.2.66 frontend=\"basic\" backend=\"local\" reason=\"bad_credentials\"",
    "\\\" source=192.0.2.66 frontend=\\\"basic\\\"",
    "source=192.0.2.66",
    "192.0.2.66",
];

#[test]
fn fail2ban_filter_finds_failures_and_no_forged_ones() {
    for format in ["text", "json"] {
        let mut program = Program::start(
            "",
            &["--log-format", format, "--log-level", "user_backend_server=trace,audit=info"],
        );
        let mut log = String::new();
        for (number, forged) in FORGED.iter().enumerate() {
            program.sign_in(forged, "wrong", "");
            for part in ["failed sign-in", "answered"] {
                log += &(program.running.until(part) + "\n");
            }
            let path = percent_encoding(forged);
            let one_line = forged.replace(['\n', '\u{2028}'], " ");
            let headers = format!("X-Number: {number}\r\nUser-Agent: {one_line}\r\nReferer: {one_line}\r\n");
            program.call(&format!("/{path}"), &headers);
            log += &(program.running.until("answered") + "\n");
        }
        // What fail2ban must see: another address, and not the same wrong password again.
        program.sign_in("admin", "guess", "");
        log += &(program.failed() + "\n");
        program.sign_in("admin", "guess", "");
        let repeated = program.running.until("failed sign-in");
        assert!(repeated.contains("repeated"), "{repeated}");
        log += &(repeated + "\n");
        let Some(found) = filtered(&log) else { return };
        assert_eq!(found, vec![IpAddr::from([127, 0, 0, 1]); FORGED.len() + 1], "{format}: {log}");
    }
}

/// The pattern of the CrowdSec parser as a regular expression.
fn crowdsec_pattern() -> Regex {
    let parser = include_str!("../../../../docs/crowdsec/parsers/user-backend-logs.yaml");
    let quoted = |key: &str| {
        let line = parser.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap();
        line.trim().trim_matches('\'').to_owned()
    };
    let own = ["USER_BACKEND_VALUE", "USER_BACKEND_REASON"].map(|name| (name, quoted(&format!("{name}:"))));
    let standard = [
        ("TIMESTAMP_ISO8601", r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z".to_owned()),
        ("IP", "[0-9a-fA-F:.]+".to_owned()),
    ];
    let mut pattern = quoted("pattern:");
    for (name, expression) in own.into_iter().chain(standard) {
        while let Some(start) = pattern.find(&format!("%{{{name}:")) {
            let end = start + pattern[start..].find('}').unwrap();
            let group = pattern[start + name.len() + 3..end].to_owned();
            pattern.replace_range(start..=end, &format!("(?<{group}>{expression})"));
        }
    }
    Regex::new(&pattern).unwrap()
}

#[test]
fn crowdsec_parser_finds_failures_and_no_forged_ones() {
    let pattern = crowdsec_pattern();
    let mut program = Program::start("", &[]);
    for forged in FORGED {
        program.sign_in(forged, "wrong", "");
        let line = program.failed();
        let found = pattern.captures(&line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(&found["source_ip"], "127.0.0.1", "{line}");
    }
    program.sign_in("admin", "guess", "");
    let line = program.failed();
    assert_eq!(&pattern.captures(&line).unwrap()["username"], "admin", "{line}");
    program.sign_in("admin", "guess", "");
    let repeated = program.failed();
    assert!(!pattern.is_match(&repeated), "{repeated}");
}

#[test]
fn forwarded_requests_of_an_unnamed_proxy_are_one_line() {
    let mut program = Program::start("", &[]);
    for address in ["203.0.113.7", "203.0.113.8"] {
        program.call("/login", &format!("X-Forwarded-For: {address}\r\n"));
    }
    program.sign_in("admin", "wrong", "");
    let lines = program.running.lines_until("failed sign-in");
    let about = lines.iter().filter(|line| line.contains("is not named in trusted_proxies"));
    assert_eq!(about.count(), 1, "{lines:#?}");
}

#[test]
fn page_sign_in_line_has_the_address() {
    let mut program = Program::start("", &[]);
    program.sign_in_at_the_page("admin");
    let line = program.running.until("signed in at the page");
    assert!(line.contains("source=127.0.0.1"), "{line}");
}

#[test]
fn unit_has_limits_and_no_capabilities() {
    let unit = include_str!("../../../../docs/user-backend-server.service");
    let setting = |name: &str| unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    for (name, value) in [
        ("AmbientCapabilities", ""),
        ("CapabilityBoundingSet", ""),
        ("PrivateUsers", "yes"),
        ("NoNewPrivileges", "yes"),
        ("OOMPolicy", "continue"),
        ("LimitCORE", "0"),
    ] {
        assert_eq!(setting(name), Some(value), "{name}");
    }
    let [high, most, tasks] = ["MemoryHigh", "MemoryMax", "TasksMax"].map(|name| setting(name).unwrap());
    let mebibytes = |size: &str| {
        let (number, unit) = size.split_at(size.len() - 1);
        number.parse::<u64>().unwrap() * if unit == "G" { 1024 } else { 1 }
    };
    assert!(
        mebibytes(high) < mebibytes(most) && tasks.parse::<u32>().unwrap() <= 4096,
        "{high} {most} {tasks}"
    );
}

#[test]
fn fail2ban_filter_reads_all_documented_lines() {
    let line = |prefix: &str, source: &str, reason: &str| {
        format!(
            "{prefix} WARN request{{id=abc}}: audit: failed sign-in user=\"Zoë O'Neill\" source={source} \
             frontend=\"page\" backend=\"local,mail\" reason=\"{reason}\"\n"
        )
    };
    let time = "2026-11-29T10:00:00.000000Z ";
    let mut log = String::new();
    for prefix in [time, "host user-backend-server[4711]: 2026-11-29T10:00:00.000000Z "] {
        for source in ["203.0.113.7", "2001:db8::7"] {
            for reason in ["bad_credentials", "unknown_user", "source_throttled", "app_password"] {
                log += &line(prefix, source, reason);
            }
            log += &line(prefix, source, "repeated");
        }
    }
    for service in ["smtp", "a%22 source%3D192.0.2.66"] {
        let end = format!("credentials\" service=\"{service}\"\n");
        log += &line(time, "198.51.100.9", "bad_credentials").replace("credentials\"\n", &end);
    }
    // A program on this machine that named no address.
    log += &line(time, "-", "bad_credentials");
    // Another program's line, a name that is the rest of a line, something after the end.
    log += &line(time, "192.0.2.66", "bad_credentials").replace("audit:", "audits:");
    log += &line(time, "192.0.2.66", "bad_credentials").replace("Zoë", "a\" source=192.0.2.66 x=\"");
    log += &line(time, "192.0.2.66", "bad_credentials").replace("credentials\"\n", "credentials\" x\n");
    let Some(found) = filtered(&log) else { return };
    let expected = |address: &str| vec![address.parse::<IpAddr>().unwrap(); 4];
    let all = [expected("203.0.113.7"), expected("2001:db8::7")].concat();
    let of_services = vec!["198.51.100.9".parse().unwrap(); 2];
    assert_eq!(found, [all.clone(), all, of_services].concat());
}

fn percent_encoding(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn log_has_the_requested_level_and_format() {
    let refused = |words: &[&str], variable: &str| {
        let dir = TempDir::new().unwrap();
        let output = program(&dir, &[&["serve"], words].concat()).env("RUST_LOG", variable).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = refused(&["--log-level", "loud"], "");
    assert!(
        code == 2 && text.contains("--log-level") && text.contains("expected error, warn, info"),
        "{text}"
    );
    let (code, text) = refused(&["--log-level", "hyper=trace"], "");
    assert!(code == 2 && text.contains("expected one of user_backend_server"), "{text}");
    let (code, text) = refused(&[], "loud");
    assert!(code == 2 && text.starts_with("user-backend-server: RUST_LOG: found \"loud\""), "{text}");
    // The option counts.
    let (code, text) = refused(&["--log-level", "warn"], "loud");
    assert!(code == 2 && !text.contains("RUST_LOG"), "{text}");

    let mut json = Program::start("", &["--log-format", "json"]);
    json.sign_in("admin", "wrong", "");
    let line = json.failed();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        line["fields"],
        serde_json::json!({
            "message": "failed sign-in", "user": "admin", "source": "127.0.0.1", "frontend": "basic",
            "backend": "local", "reason": "bad_credentials",
        })
    );
    assert_eq!((&line["level"], &line["target"]), (&"WARN".into(), &"audit".into()));
}

#[test]
fn help_and_completion_know_the_options_of_the_log() {
    let dir = TempDir::new().unwrap();
    for words in [["serve", "--help"], ["completion", "bash"], ["completion", "fish"]] {
        let output = program(&dir, &words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        for option in ["log-level", "log-format"] {
            assert!(text.contains(option), "{words:?} {option}");
        }
    }
}

#[test]
fn metrics_have_a_listener_of_their_own() {
    let mut program = Program::start("metrics_listen = \"127.0.0.1:0\"\nmax_connections = 16", &[]);
    let line = program.running.until("metrics and health");
    let monitoring = address_in(&line);
    let ask = |address: &str, path: &str, host: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask(&monitoring, "/metrics", "localhost").contains("\nuser_backend_flights 0"));
    assert!(ask(&monitoring, "/readyz", "127.0.0.1").ends_with("\r\n\r\nready\n"));
    assert!(ask(&program.address, "/metrics", "localhost").starts_with("HTTP/1.1 404 "));
    for (path, status) in [("/login", "404"), ("/ocs/v1.php/cloud/users", "404"), ("/healthz", "200")] {
        assert!(ask(&monitoring, path, "localhost").starts_with(&format!("HTTP/1.1 {status} ")), "{path}");
    }
    assert!(ask(&monitoring, "/metrics", "evil.example").starts_with("HTTP/1.1 400 "));
    // Clients that take all connections of the server do not blind its operators.
    let _held: Vec<_> = (0..40).map(|_| std::net::TcpStream::connect(&program.address).unwrap()).collect();
    assert!(ask(&monitoring, "/readyz", "localhost").ends_with("\r\n\r\nready\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_the_unrecognised_backend() {
    let port = external_backend::mail_server_refusing("the moon is in the seventh house").await;
    let imap = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n\
         canary = false\n"
    );
    let server = Server::with("", &imap).await;
    assert_eq!(server.get("-", "/readyz").send().await.body, "ready\n");
    assert_eq!(server.get("-", "/cloud/user").basic("ivy", "right or wrong").send().await.code(), 503);
    let answer = server.get("-", "/readyz").send().await;
    assert!(answer.body.starts_with("ready\n") && answer.status == 200, "{answer:?}");
    assert!(answer.body.contains("\nbackend mail refusals not recognised"), "{answer:?}");
    assert!(!answer.body.contains("moon"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_the_unavailable_backend() {
    // Nothing listens at the port of a socket that was closed.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let imap = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
    );
    let server = Server::with("", &imap).await;
    let ready = |header: &'static str| server.get("-", "/readyz").header(header, "203.0.113.7").send();
    assert_eq!(ready("x-nothing").await.body, "ready\n");
    for _ in 0..2 {
        assert_eq!(server.get("-", "/cloud/user").basic("ivy", "right or wrong").send().await.code(), 503);
    }
    let answer = ready("x-nothing").await;
    assert_eq!(answer.status, 200);
    let (first, second) = answer.body.split_once('\n').unwrap();
    assert_eq!(first, "ready");
    assert!(
        second.starts_with("backend mail unavailable for 0 s, 2 attempts, 2 undecided, phase connect: "),
        "{answer:?}"
    );
    // Not for those who come through a proxy.
    assert_eq!(ready("x-forwarded-for").await.body, "ready\n");
}

/// A connection that is kept, and what it was answered.
async fn kept(stream: &mut TcpStream, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    loop {
        let mut bytes = [0; 4096];
        let length = stream.read(&mut bytes).await.unwrap();
        answer += std::str::from_utf8(&bytes[..length]).unwrap();
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            assert!(length > 0, "{answer}");
            continue;
        };
        let length_of = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok();
        let expected: usize = head.lines().find_map(length_of).unwrap_or_else(|| panic!("{head}"));
        if body.len() >= expected {
            return answer;
        }
        assert!(length > 0, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_before_the_body_keeps_or_closes_the_connection() {
    let server = Server::start().await;
    let long = "x".repeat(3 * 1024 * 1024);
    for (method, path, status) in [
        ("POST", "/nope", "404"),
        ("POST", "/ocs/v1.php/privatedata/setattribute/core/x", "200"),
        ("POST", "/ocs/v1.php/cloud/users/admin/disable", "405"),
        ("PUT", "/ocs/v1.php/cloud/users/Frank", "401"),
        ("POST", "/metrics", "405"),
        ("GET", "/healthz", "200"),
    ] {
        for (body, expect, goes_on) in [("a=b", "", true), (&long, "", false), ("a=b", "100-continue", false)]
        {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let expect = if expect.is_empty() { String::new() } else { format!("Expect: {expect}\r\n") };
            let sent = if expect.is_empty() { body } else { "" };
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n{expect}\r\n{sent}",
                body.len()
            );
            let answer = kept(&mut stream, &request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {expect}: {answer}");
            let announced = answer.to_ascii_lowercase().contains("connection: close");
            assert_eq!(announced, !goes_on, "{path} {} {expect}: {answer}", body.len());
            if goes_on {
                let next = kept(&mut stream, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
                assert!(next.ends_with("ok\n"), "{path}: {next}");
            }
        }
    }
}
