//! The sockets at which programs check passwords: saslauthd's protocol and Dovecot's.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::external_backend::{imap_in_outage, mail_server_refusing};
use super::operators::Program;
use super::*;

/// A folder for sockets, which other users may enter.
pub(super) fn socket_dir() -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// A server with a socket of that frontend.
pub(super) struct WithSocket {
    pub(super) server: Server,
    pub(super) path: PathBuf,
    _dir: TempDir,
}

impl WithSocket {
    pub(super) async fn start(frontend: &str, settings: &str, sections: &str) -> Self {
        let dir = socket_dir();
        let path = dir.path().join("mux");
        let table = format!("[frontends.{frontend}]\npath = {path:?}\n{settings}\n");
        Self { server: Server::with("", &format!("{table}{sections}")).await, path, _dir: dir }
    }

    pub(super) async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.unwrap()
    }

    /// What saslauthd's protocol answers.
    pub(super) async fn check(&self, strings: &[&str]) -> String {
        let mut stream = self.connect().await;
        // A server that closes at once takes nothing.
        let _ = stream.write_all(&counted(strings)).await;
        rest(&mut stream).await
    }
}

pub(super) fn counted(strings: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for string in strings {
        bytes.extend_from_slice(&u16::try_from(string.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(string.as_bytes());
    }
    bytes
}

/// All that is left to read; a connection that breaks ends it, too.
pub(super) async fn rest(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

pub(super) const YES: &str = "\0\x02OK";
pub(super) const NO: &str = "\0\x02NO";
/// A connection that is closed without an answer: the outage of this protocol.
pub(super) const NO_ANSWER: &str = "";

#[tokio::test(flavor = "multi_thread")]
async fn saslauthd_accepts_and_refuses() {
    let found = WithSocket::start("saslauthd", "", "").await;
    let id = UserId::parse("Frank").unwrap();
    let (token, _) = found.server.accounts.app_passwords().create(&id, "phone", None).await.unwrap();
    let long = "a".repeat(1025);
    for (strings, expected) in [
        (&["Frank", PASSWORD, "smtp", ""][..], YES),
        (&["Frank", PASSWORD, "smtp", "", "192.0.2.1;4711"], YES),
        (&["Frank", token.expose(), "imap", ""], YES),
        // Ignored, as by saslauthd without -r.
        (&["Frank", PASSWORD, "smtp", "example.org"], YES),
        (&["Frank", "wrong", "smtp", ""], NO),
        (&["ghost", PASSWORD, "smtp", ""], NO),
        (&["jane", token.expose(), "imap", ""], NO),
        (&["Frank", "", "smtp", ""], NO),
        (&["", PASSWORD, "smtp", ""], NO),
        (&["Fra\0nk", PASSWORD, "smtp", ""], NO),
        (&["Frank\0", PASSWORD, "smtp", ""], NO),
        (&["Frank", &format!("{PASSWORD}\0"), "smtp", ""], NO),
        (&["Frank", &long], NO_ANSWER),
        (&["Frank", PASSWORD, "smtp", "", "", ""], NO_ANSWER),
    ] {
        assert_eq!(found.check(strings).await, expected, "{strings:?}");
    }
    // Half a request, and then none.
    let mut stream = found.connect().await;
    stream.write_all(&counted(&["Frank", PASSWORD, "smtp"])).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await, NO_ANSWER);
    // Byte by byte.
    let mut stream = found.connect().await;
    for byte in counted(&["Frank", PASSWORD, "smtp", ""]) {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(rest(&mut stream).await, YES);
}

#[tokio::test(flavor = "multi_thread")]
async fn saslauthd_joins_realm_if_settings_say_so() {
    let found = WithSocket::start("saslauthd", "join_realm = true", "").await;
    found.server.person("frank@example.org", &[], &[]).await;
    for (login, realm, expected) in
        [("frank", "example.org", YES), ("frank", "", YES), ("Frank", "elsewhere.org", NO)]
    {
        assert_eq!(found.check(&[login, PASSWORD, "imap", realm]).await, expected, "{login} {realm}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saslauthd_outage_is_no_answer() {
    let port = mail_server_refusing("[UNAVAILABLE] later").await;
    let backend = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
    );
    let found = WithSocket::start("saslauthd", "", &backend).await;
    assert_eq!(found.check(&["mia@mail.example", "right", "imap", ""]).await, NO_ANSWER);
    assert_eq!(found.check(&["Frank", PASSWORD, "imap", ""]).await, YES);
}

#[tokio::test(flavor = "multi_thread")]
async fn saslauthd_limit_on_guessing_is_no_answer() {
    let lock = "[resolver]\nlock = { failures = 2, per = \"24h\" }\n";
    let found = WithSocket::start("saslauthd", "", lock).await;
    let mut answers = Vec::new();
    for number in 0..4 {
        answers.push(found.check(&["Frank", &format!("guess {number}"), "smtp", ""]).await);
    }
    assert_eq!(answers, [NO, NO, NO, NO_ANSWER]);
    // A user of their own.
    assert_eq!(found.check(&["jane", PASSWORD, "smtp", ""]).await, YES);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_counted_apart_for_trusted_programs() {
    let throttle = "[resolver]\nlock = \"off\"\nthrottle = { first_delay = \"1ms\", longest_delay = \"2ms\", refuse_after = 3, per = \"30m\" }\n";
    let found = WithSocket::start("saslauthd", "", throttle).await;
    let guess = async |number: u8, address: &str| {
        let name = format!("ghost{number}");
        found.check(&[&name, "wrong", "smtp", "", address]).await
    };
    let mut answers = Vec::new();
    for number in 0..4 {
        answers.push(guess(number, "192.0.2.1;4711").await);
    }
    assert_eq!(answers, [NO, NO, NO, NO_ANSWER]);
    assert_eq!(guess(5, "192.0.2.2;4711").await, NO);
    assert_eq!(guess(6, "").await, NO);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_above_the_limit_are_closed() {
    let found = WithSocket::start("saslauthd", "max_connections = 2", "").await;
    let request = ["Frank", PASSWORD, "smtp", ""];
    let (first, mut second) = (found.connect().await, found.connect().await);
    // Taken in their order, so both are there when this one is taken.
    assert_eq!(found.check(&request).await, NO_ANSWER);
    second.write_all(&counted(&request)).await.unwrap();
    assert_eq!(rest(&mut second).await, YES);
    drop((first, second));
    // The server sees a little later that they are gone.
    while found.check(&request).await != YES {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_and_idle_connections_end_with_the_server() {
    let dir = socket_dir();
    let path = dir.path().join("mux");
    let table = format!("[frontends.saslauthd]\npath = {path:?}\nmode = \"0600\"\n");
    let server = Server::with("", &table).await;
    assert_eq!(std::fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let mut idle = UnixStream::connect(&path).await.unwrap();
    server.shutdown_handle.stop();
    assert_eq!(rest(&mut idle).await, "");
    while path.exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_of_another_server_is_an_error() {
    let found = WithSocket::start("saslauthd", "", "").await;
    let text =
        format!("[server]\nlisten = \"127.0.0.1:0\"\n[frontends.saslauthd]\npath = {:?}\n", found.path);
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("user-backend.toml"), text).unwrap();
    let output = program::program(&dir, &["serve"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    let expected = format!(
        "frontends.saslauthd: cannot listen on {}: another process serves this socket",
        found.path.display()
    );
    assert!(err.contains(&expected), "{err}");
    assert_eq!(found.check(&["Frank", PASSWORD, "smtp", ""]).await, YES);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_socket_counts_from_the_next_start() {
    let found = WithSocket::start("saslauthd", "", "").await;
    let file = found.server.dir.path().join("server.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[frontends.dovecot_auth]\npath = \"auth\"\n")).unwrap();
    let (settings, config) = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap();
    let report = found.server.app.reload(settings, &config).await.unwrap();
    assert_eq!(report.at_next_start, ["[frontends.dovecot_auth]"]);
    assert_eq!(found.check(&["Frank", PASSWORD, "smtp", ""]).await, YES);
}

#[test]
fn failed_sign_in_names_frontend_and_service() {
    use std::io::{Read, Write};

    let dir = socket_dir();
    let path = dir.path().join("mux");
    let table = format!("[frontends.saslauthd]\npath = {path:?}\n");
    let mut program = Program::start_with("", &["--log-level", "info,audit=info"], &table);
    for (strings, expected) in [
        (
            &["Admin", "wrong", "smtp", "", "192.0.2.1;4711"][..],
            "user=\"admin\" source=192.0.2.1 frontend=\"saslauthd\" backend=\"local\" reason=\"bad_credentials\" service=\"smtp\"",
        ),
        (
            &["admin", "wrong too", "a\" source=192.0.2.66 x=\"", ""],
            "user=\"admin\" source=- frontend=\"saslauthd\" backend=\"local\" reason=\"bad_credentials\" \
             service=\"a%22 source%3D192.0.2.66 x%3D%22\"",
        ),
    ] {
        let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
        stream.write_all(&counted(strings)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, NO);
        let line = program.running.until("failed sign-in");
        assert!(line.ends_with(&format!("audit: failed sign-in {expected}")), "{line}");
    }
}

/// Runs a program as another user; `None` if it is absent or the tests are not root.
fn as_another_user(name: &str, words: &[&str]) -> Option<Output> {
    use std::os::unix::process::CommandExt;

    const ANOTHER: u32 = 65534;
    let mut command = Command::new(name);
    command.args(words).stdin(Stdio::null()).current_dir("/").uid(ANOTHER).gid(ANOTHER);
    command.output().ok()
}

/// Runs a client program of a frontend.
fn client(name: &str, words: &[&str]) -> Option<Output> {
    match Command::new(name).args(words).stdin(Stdio::null()).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: no {name} here");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// With the program of the Debian package sasl2-bin.
#[tokio::test(flavor = "multi_thread")]
async fn testsaslauthd_accepts_refuses_and_sees_an_outage() {
    let port = mail_server_refusing("[UNAVAILABLE] later").await;
    let backend = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
    );
    let found = WithSocket::start("saslauthd", "", &backend).await;
    let socket = found.path.to_str().unwrap();
    for (name, password, expected) in [
        ("Frank", PASSWORD, (Some(0), "0: OK \"Success.\"\n", "")),
        ("Frank", "wrong", (Some(255), "0: NO \"authentication failed\"\n", "")),
        ("mia@mail.example", "right", (Some(255), "0: ", "size read failed\n")),
    ] {
        let words = ["-u", name, "-p", password, "-s", "smtp", "-f", socket];
        let Some(output) = client("testsaslauthd", &words) else { return };
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!((output.status.code(), out.as_str(), err.as_str()), expected, "{name}");
    }
}

/// With the same program, run as another user.
#[tokio::test(flavor = "multi_thread")]
async fn peer_outside_allowed_users_gets_no_answer() {
    for (allowed, expected) in [("", true), ("allowed_users = [\"root\"]", false)] {
        let found = WithSocket::start("saslauthd", &format!("mode = \"0666\"\n{allowed}"), "").await;
        let socket = found.path.to_str().unwrap();
        let words = ["-u", "Frank", "-p", PASSWORD, "-s", "smtp", "-f", socket];
        let Some(output) = as_another_user("testsaslauthd", &words) else {
            eprintln!("skipped: no testsaslauthd here, or these tests do not run as root");
            return;
        };
        // Its write may fail, too, and then it says nothing at all.
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!((text.contains("OK"), output.status.success()), (expected, expected), "{allowed}: {text}");
        assert!(!text.contains("NO"), "{allowed}: {text}");
    }
}

/// A client of Dovecot's auth protocol.
pub(super) struct AuthClient {
    pub(super) stream: BufReader<UnixStream>,
}

impl AuthClient {
    /// Connects and reads the server's part of the handshake.
    pub(super) async fn connect(found: &WithSocket) -> Self {
        let mut client = Self { stream: BufReader::new(found.connect().await) };
        let mut names = Vec::new();
        loop {
            let line = client.line().await;
            let (name, rest) = line.split_once('\t').unwrap_or((&line, ""));
            match name {
                "VERSION" => assert_eq!(rest, "1\t2"),
                "MECH" => assert!(matches!(rest, "PLAIN\tplaintext" | "LOGIN\tplaintext"), "{rest}"),
                "COOKIE" => assert_eq!(rest.len(), 32),
                _ => {}
            }
            names.push(name.to_owned());
            if name == "DONE" {
                break;
            }
        }
        assert_eq!(names, ["VERSION", "MECH", "MECH", "SPID", "CUID", "COOKIE", "DONE"]);
        client
    }

    pub(super) async fn ready(found: &WithSocket) -> Self {
        let mut client = Self::connect(found).await;
        client.send("VERSION\t1\t2\nCPID\t4711\n").await;
        client
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    /// The next line; empty when the server has hung up.
    pub(super) async fn line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.stream.read_line(&mut line).await;
        line.trim_end_matches('\n').to_owned()
    }

    pub(super) async fn plain(&mut self, id: u32, name: &str, password: &str) -> String {
        let response = base64(&format!("\0{name}\0{password}"));
        self.send(&format!("AUTH\t{id}\tPLAIN\tservice=smtp\trip=192.0.2.1\tresp={response}\n")).await;
        self.line().await
    }
}

pub(super) fn base64(text: &str) -> String {
    use ::base64::Engine;
    ::base64::prelude::BASE64_STANDARD.encode(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_auth_accepts_and_refuses() {
    let found = WithSocket::start("dovecot_auth", "", "").await;
    let id = UserId::parse("Frank").unwrap();
    let (token, _) = found.server.accounts.app_passwords().create(&id, "phone", None).await.unwrap();
    let mut client = AuthClient::ready(&found).await;
    for (number, name, password, expected) in [
        (1, "frank", PASSWORD, "OK\t1\tuser=Frank"),
        (2, "Frank", token.expose(), "OK\t2\tuser=Frank"),
        (3, "Frank", "wrong", "FAIL\t3\tuser=Frank"),
        (4, "a\tb", "wrong", "FAIL\t4\tuser=a\x01tb"),
        // The number of a request that is over may be used again.
        (1, "jane", PASSWORD, "OK\t1\tuser=jane"),
    ] {
        assert_eq!(client.plain(number, name, password).await, expected, "{name} {password}");
    }
    // PLAIN and LOGIN without an initial response, two at a time.
    client.send("AUTH\t5\tPLAIN\tservice=imap\nAUTH\t6\tLOGIN\tservice=imap\n").await;
    assert_eq!(
        (client.line().await, client.line().await),
        ("CONT\t5\t".into(), "CONT\t6\tVXNlcm5hbWU6".into())
    );
    client.send(&format!("CONT\t6\t{}\n", base64("Frank"))).await;
    assert_eq!(client.line().await, "CONT\t6\tUGFzc3dvcmQ6");
    client.send(&format!("CONT\t6\t{}\n", base64(PASSWORD))).await;
    assert_eq!(client.line().await, "OK\t6\tuser=Frank");
    client.send(&format!("CONT\t5\t{}\n", base64(&format!("\0jane\0{PASSWORD}")))).await;
    assert_eq!(client.line().await, "OK\t5\tuser=jane");
    // Cancelled, not offered, no base64, as another user, nothing to continue.
    client.send("AUTH\t7\tLOGIN\tservice=imap\nCANCEL\t7\nCONT\t7\tYWI=\n").await;
    assert_eq!(client.line().await, "CONT\t7\tVXNlcm5hbWU6");
    assert_eq!(client.line().await, "FAIL\t7");
    client.send("AUTH\t8\tCRAM-MD5\tservice=imap\nAUTH\t9\tPLAIN\tservice=imap\tresp=!\n").await;
    assert_eq!(
        (client.line().await, client.line().await),
        ("FAIL\t8".into(), "FAIL\t9\tcode=invalid_base64".into())
    );
    let other = base64(&format!("admin\0Frank\0{PASSWORD}"));
    client.send(&format!("AUTH\t10\tPLAIN\tservice=imap\tresp={other}\n")).await;
    assert_eq!(client.line().await, "FAIL\t10\tcode=authz_fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_auth_outage_and_limit_are_temporary() {
    let backend = imap_in_outage().await;
    let sections = format!("[resolver]\nlock = {{ failures = 2, per = \"24h\" }}\n{backend}");
    let found = WithSocket::start("dovecot_auth", "", &sections).await;
    let mut client = AuthClient::ready(&found).await;
    let outage = client.plain(1, "mia@mail.example", "right").await;
    assert!(outage.starts_with("FAIL\t1\tuser=mia@mail.example\tcode=temp_fail\ttemp\treason="), "{outage}");
    let mut answers = Vec::new();
    for number in 2..6 {
        let answer = client.plain(number, "Frank", &format!("guess {number}")).await;
        answers.push(answer.split('\t').any(|field| field == "temp"));
        assert!(answer.starts_with("FAIL\t"), "{answer}");
    }
    assert_eq!(answers, [false, false, false, true]);
    assert_eq!(client.plain(7, "jane", PASSWORD).await, "OK\t7\tuser=jane");
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_auth_closes_on_protocol_violations() {
    let found = WithSocket::start("dovecot_auth", "", "").await;
    let long = "a".repeat(9000);
    for text in [
        "VERSION\t2\t0\nCPID\t1\n",
        "CPID\t1\n",
        "VERSION\t1\t2\nAUTH\t1\tPLAIN\tservice=smtp\n",
        "VERSION\t1\t2\nCPID\t1\nVERSION\t1\t2\n",
        "VERSION\t1\t2\nCPID\t1\nUSER\t1\tFrank\n",
        "VERSION\t1\t2\nCPID\t1\nAUTH\t1\tPLAIN\n",
        &long,
        "GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut client = AuthClient::connect(&found).await;
        // It may be closed before all of it is taken.
        let _ = client.stream.get_mut().write_all(text.as_bytes()).await;
        assert_eq!(client.line().await, "", "{text}");
    }
    // A number that is in use.
    let mut client = AuthClient::ready(&found).await;
    client.send("AUTH\t1\tLOGIN\tservice=smtp\nAUTH\t1\tLOGIN\tservice=smtp\n").await;
    assert_eq!(client.line().await, "CONT\t1\tVXNlcm5hbWU6");
    assert_eq!(client.line().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_auth_bounds_open_requests() {
    let found = WithSocket::start("dovecot_auth", "", "").await;
    let mut client = AuthClient::ready(&found).await;
    for id in 1..=32 {
        client.send(&format!("AUTH\t{id}\tLOGIN\tservice=smtp\n")).await;
        assert_eq!(client.line().await, format!("CONT\t{id}\tVXNlcm5hbWU6"));
    }
    client.send("AUTH\t33\tLOGIN\tservice=smtp\n").await;
    let refused = client.line().await;
    assert!(refused.starts_with("FAIL\t33\tcode=temp_fail\ttemp\t"), "{refused}");
    client.send("CANCEL\t1\nAUTH\t34\tLOGIN\tservice=smtp\n").await;
    assert_eq!(client.line().await, "CONT\t34\tVXNlcm5hbWU6");
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_auth_idle_connection_ends_with_the_server() {
    let found = WithSocket::start("dovecot_auth", "", "").await;
    let mut client = AuthClient::ready(&found).await;
    assert_eq!(client.plain(1, "Frank", PASSWORD).await, "OK\t1\tuser=Frank");
    found.server.shutdown_handle.stop();
    assert_eq!(client.line().await, "");
}

/// With the program of the Debian package dovecot-core.
#[tokio::test(flavor = "multi_thread")]
async fn doveadm_accepts_and_refuses() {
    let found = WithSocket::start("dovecot_auth", "", "").await;
    let socket = found.path.to_str().unwrap();
    let configuration = found.server.dir.path().join("dovecot.conf");
    std::fs::write(&configuration, "").unwrap();
    let configuration = configuration.to_str().unwrap();
    for (name, password, code, expected) in [
        ("Frank", PASSWORD, 0, "passdb: Frank auth succeeded"),
        ("Frank", "wrong", 77, "passdb: Frank auth failed"),
        ("ghost", PASSWORD, 77, "passdb: ghost auth failed"),
    ] {
        let words = ["-c", configuration, "auth", "test", "-a", socket, "-x", "service=smtp", name, password];
        let Some(output) = client("doveadm", &words) else { return };
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(expected), "{name}: {text}");
        assert_eq!(output.status.code(), Some(code), "{name}: {text}");
    }
}
