//! The sockets at which programs check passwords: the saslauthd protocol.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::external_backend::mail_server_refusing;
use super::operators::Program;
use super::*;

/// A folder for sockets, which other users may enter.
fn socket_dir() -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// A server with a socket of that frontend.
struct WithSocket {
    server: Server,
    path: PathBuf,
    _dir: TempDir,
}

impl WithSocket {
    async fn start(frontend: &str, settings: &str, sections: &str) -> Self {
        let dir = socket_dir();
        let path = dir.path().join("mux");
        let table = format!("[frontends.{frontend}]\npath = {path:?}\n{settings}\n");
        Self { server: Server::with("", &format!("{table}{sections}")).await, path, _dir: dir }
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.unwrap()
    }

    /// What saslauthd's protocol answers.
    async fn check(&self, strings: &[&str]) -> String {
        let mut stream = self.connect().await;
        // A server that closes at once takes nothing.
        let _ = stream.write_all(&counted(strings)).await;
        rest(&mut stream).await
    }
}

fn counted(strings: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for string in strings {
        bytes.extend_from_slice(&u16::try_from(string.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(string.as_bytes());
    }
    bytes
}

/// All that is left to read; a connection that breaks ends it, too.
async fn rest(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

const YES: &str = "\0\x02OK";
const NO: &str = "\0\x02NO";
/// A connection that is closed without an answer: the outage of this protocol.
const NO_ANSWER: &str = "";

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

/// Runs a program as another user; `None` if it is not here, or the tests do not run as root.
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
    for (allowed, expected) in [("", "0: OK \"Success.\"\n"), ("allowed_users = [\"root\"]", "0: ")] {
        let found = WithSocket::start("saslauthd", &format!("mode = \"0666\"\n{allowed}"), "").await;
        let socket = found.path.to_str().unwrap();
        let words = ["-u", "Frank", "-p", PASSWORD, "-s", "smtp", "-f", socket];
        let Some(output) = as_another_user("testsaslauthd", &words) else {
            eprintln!("skipped: no testsaslauthd here, or these tests do not run as root");
            return;
        };
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{allowed}");
    }
}
