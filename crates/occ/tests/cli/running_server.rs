//! `backend:login --server`: the running server answers.
#![cfg(unix)]

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use serde_json::Value;
use user_backend::ClassRegistry;
use user_backend_server::listener::{Listener, ShutdownHandle};
use user_backend_server::settings::ServerSettings;
use user_backend_server::state::AppState;

use crate::{CliOutput, OccFixture};

const PASSWORD: &str = "down the rabbit hole";

/// A server with the socket, and a user alice with a password.
struct SocketServer {
    occ: OccFixture,
    stop: ShutdownHandle,
}

impl SocketServer {
    fn start(more: &str) -> Self {
        let occ = OccFixture::with_people();
        let file = std::fs::read_to_string(occ.path().join("user-backend.toml")).unwrap();
        let file =
            file.replace("[server]\n", "[server]\nlisten = \"127.0.0.1:0\"\nrefusal_milliseconds = 0\n");
        // Only addresses are sent to the mail server, which is not there.
        let file = file.replace("class = \"imap\"\n", "class = \"imap\"\nnames = \"address\"\n");
        occ.write("user-backend.toml", &format!("[frontends.occ]\npath = \"occ.sock\"\n{more}\n{file}"));
        let mut reset = occ.command(&["user:resetpassword", "alice", "--password-from-env"]);
        let output = CliOutput::of(&reset.env("OC_PASS", PASSWORD).output().unwrap());
        assert_eq!(output.code, 0, "{output:?}");
        let path = occ.path().join("user-backend.toml");
        let (settings, config) = ServerSettings::load(&path, &ClassRegistry::standard()).unwrap();
        let stop = occ.block_on(async {
            let app = AppState::start(settings, &config).await.unwrap();
            let listening = Listener::open(app).unwrap();
            let stop = listening.shutdown_handle();
            tokio::spawn(listening.serve());
            stop
        });
        Self { occ, stop }
    }

    fn login(&self, words: &[&str], input: &[u8]) -> (i32, Value) {
        let all = [&["backend:login", "--server", "--password-from-stdin", "--output=json"], words].concat();
        let output = self.occ.run_with_input(&all, input);
        assert!(!format!("{output:?}").contains("rabbit"), "{output:?}");
        (output.code, serde_json::from_str(&output.out).unwrap_or_else(|_| panic!("{output:?}")))
    }

    /// What the socket answers to these bytes.
    fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.occ.path().join("occ.sock")).unwrap();
        // A server that closes at once takes nothing.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    }
}

impl Drop for SocketServer {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

#[test]
fn running_server_decides_and_its_limits_hold() {
    let server = SocketServer::start("[resolver]\nlock = { failures = 2, per = \"24h\" }\n");
    let pam = format!("{PASSWORD}\0");
    let (code, json) = server.login(&["Alice"], pam.as_bytes());
    assert_eq!((code, &json["outcome"], &json["backend"]), (0, &"authenticated".into(), &"local".into()));
    assert_eq!(json["user"], "alice");
    let made = server.occ.run(&["user:auth-tokens:add", "alice", "--output=json"]);
    let token: Value = serde_json::from_str(&made.out).unwrap();
    let (code, _) = server.login(&["alice"], token["token"].as_str().unwrap().as_bytes());
    assert_eq!(code, 0, "an app password is taken");
    let (code, json) = server.login(&["ghost"], b"guess\n");
    assert_eq!((code, &json["outcome"], &json["reason"]), (1, &"refused".into(), &"bad_credentials".into()));
    // The count is the server's: each of these is a process of its own.
    let mut codes = Vec::new();
    for number in 0..4 {
        codes.push(server.login(&["root"], format!("guess {number}\n").as_bytes()).0);
    }
    assert_eq!(codes, [1, 1, 1, 4]);
    let (code, json) = server.login(&["root"], b"guess\n");
    assert!(code == 4 && json["retry_after"].as_u64().unwrap() > 0, "{json}");
    // The mail server is not there.
    let (code, json) = server.login(&["mia@mail.example"], b"guess\n");
    assert_eq!((code, &json["outcome"]), (3, &"unavailable".into()));
    let plain = ["backend:login", "alice", "--server", "--password-from-stdin"];
    let output = server.occ.run_with_input(&plain, pam.as_bytes());
    assert_eq!(output.out, "alice is authenticated by local, at the server\n");
    let quiet = server.occ.run_with_input(&[&plain[..], &["-q"]].concat(), b"wrong\n");
    assert_eq!((quiet.code, quiet.out.as_str()), (1, ""));
}

#[test]
fn source_named_by_a_trusted_program_is_counted() {
    let throttle = "[resolver]\nlock = \"off\"\nthrottle = { first_delay = \"1ms\", longest_delay = \"2ms\", refuse_after = 3, per = \"30m\" }\n";
    let server = SocketServer::start(throttle);
    let guess = |number: u8, source: &str| {
        let name = format!("ghost{number}");
        server.login(&[&name, "--source", source, "--service=sshd"], b"wrong\n").0
    };
    let codes: Vec<i32> = (0..4).map(|number| guess(number, "192.0.2.1")).collect();
    assert_eq!(codes, [1, 1, 1, 4]);
    assert_eq!(guess(5, "192.0.2.2"), 1);
}

#[test]
fn socket_refuses_what_is_no_request() {
    let server = SocketServer::start("");
    let long = format!("{{\"name\":\"alice\",\"password\":\"{}\"}}\n", "x".repeat(20_000));
    for (bytes, expected) in [
        (&b"\n"[..], "{\"error\":\"expected an object with name and password\"}\n"),
        (b"{\"name\":\"alice\"}\n", "{\"error\":\"expected an object with name and password\"}\n"),
        (
            b"{\"name\":\"a\",\"password\":\"Wonderland\",\"x\":1}\n",
            "{\"error\":\"expected an object with name and password\"}\n",
        ),
        (
            b"{\"name\":\"a\xff\",\"password\":\"b\"}\n",
            "{\"error\":\"expected an object with name and password\"}\n",
        ),
        (long.as_bytes(), "{\"error\":\"the request is too long\"}\n"),
        // No line end: not a whole request.
        (b"{\"name\":\"alice\",\"password\":\"x\"}", ""),
        (b"", ""),
    ] {
        assert_eq!(server.ask(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
    }
    let nul = b"{\"name\":\"al\\u0000ice\",\"password\":\"x\"}\n";
    assert!(server.ask(nul).contains("\"outcome\":\"refused\""));
}

#[test]
fn silent_server_is_not_wrong_password() {
    let occ = OccFixture::with_store();
    let login = ["backend:login", "alice", "--server", "--password-from-stdin"];
    assert!(occ.run_with_input(&login, b"x\n").fails(2).contains("[frontends.occ]"));
    let file = std::fs::read_to_string(occ.path().join("user-backend.toml")).unwrap();
    occ.write("user-backend.toml", &format!("[frontends.occ]\npath = \"occ.sock\"\n{file}"));
    assert!(occ.run_with_input(&login, b"x\n").fails(3).contains("no server answers at"));
    let listener = UnixListener::bind(occ.path().join("occ.sock")).unwrap();
    for answer in ["", "nonsense\n", "{\"outcome\":\"authenticated\"}\n", "{\"error\":\"x\"}\n"] {
        let output = std::thread::scope(|scope| {
            let run = scope.spawn(|| occ.run_with_input(&login, b"x\n"));
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            stream.read_to_string(&mut request).unwrap();
            assert!(request.ends_with("}\n"), "{request}");
            stream.write_all(answer.as_bytes()).unwrap();
            drop(stream);
            run.join().unwrap()
        });
        assert_eq!(output.code, 3, "{answer}: {output:?}");
    }
}
