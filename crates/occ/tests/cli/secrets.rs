//! Where the password comes from, and where it must never turn up.

use std::io::Read;
use std::net::TcpListener;
use std::process::Stdio;

use crate::{CliOutput, OccFixture, closed_port};

fn occ(port: u16) -> OccFixture {
    let text =
        format!("[[user_backends]]\nid = \"mail\"\nclass = \"imap\"\nhost = \"127.0.0.1\"\nport = {port}\n");
    OccFixture::with("user-backend.toml", &text)
}

#[test]
fn without_a_terminal_the_password_options_are_named() {
    for words in [&["backend:login", "alice"][..], &["backend:login", "alice", "-n"]] {
        let output = occ(1).run(words);
        let message = output.fails(2);
        assert!(
            message.contains("--password-from-env") && message.contains("--password-from-stdin"),
            "{message}"
        );
    }
}

#[test]
fn missing_password_is_2_and_an_impossible_one_is_refused() {
    let occ = occ(closed_port());
    let login = ["backend:login", "alice", "--password-from-env"];
    assert!(occ.run(&login).fails(2).contains("OC_PASS is not set"));
    for (password, words) in [
        (String::new(), "the password is empty"),
        ("two\nlines".to_owned(), "control character"),
        ("x".repeat(1025), "1025 bytes"),
    ] {
        let output = CliOutput::of(&occ.command(&login).env("OC_PASS", &password).output().unwrap());
        assert_eq!(output.code, 1, "{output:?}");
        assert!(output.out.starts_with("refused: ") && output.out.contains(words), "{}", output.out);
    }
    let login = ["backend:login", "alice", "--password-from-stdin"];
    assert!(occ.run(&login).fails(2).contains("standard input is empty"));
    assert!(occ.run_with_input(&login, b"\xff\xfe\n").fails(2).contains("not UTF-8"));
    assert_eq!(occ.run_with_input(&login, b"\n").code, 1);
    assert_eq!(occ.run_with_input(&login, &[b'x'; 100_000]).code, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn t62_password_leaves_the_environment_before_any_io() {
    let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = server.local_addr().unwrap().port();
    // The server says nothing: the program waits for its greeting, and we look.
    let store =
        format!("[store]\nurl = \"postgres://occ@127.0.0.1:{port}/x\"\n{}", OccFixture::CONFIGURATION);
    for (occ, words) in [
        (occ(port), &["backend:login", "alice", "--password-from-env"][..]),
        (
            OccFixture::with("user-backend.toml", &store),
            &["user:resetpassword", "alice", "--password-from-env"],
        ),
        (OccFixture::with("user-backend.toml", &store), &["user:add", "alice", "--password-from-env"]),
    ] {
        let mut command = occ.command(words);
        command.env("OC_PASS", "Wonderland-1").env("NC_PASS", "Wonderland-2");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (address, process) = (server.local_addr().unwrap(), child.id());
        let end = std::thread::spawn(move || {
            let output = CliOutput::of(&child.wait_with_output().unwrap());
            // Frees the accept below if the program never came.
            drop(std::net::TcpStream::connect(address));
            output
        });
        let (connection, _) = server.accept().unwrap();
        for file in ["environ", "cmdline"] {
            // Its environment is root's to see, and root runs these tests in CI.
            let Ok(mut opened) = std::fs::File::open(format!("/proc/{process}/{file}")) else { continue };
            let mut seen = Vec::new();
            opened.read_to_end(&mut seen).unwrap();
            let seen = String::from_utf8_lossy(&seen);
            // Not shown on failure: the rest of the environment is private.
            assert!(!seen.is_empty() && !seen.contains("Wonderland"), "{words:?}: in /proc/…/{file}");
            // The program was not started a second time, with the password in a pipe.
            assert!(file == "environ" || seen.contains("--password-from-env"), "{seen}");
        }
        // T61: no core dump.
        let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let cores = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
        assert!(cores.split_whitespace().take(2).eq(["0", "0"]), "core dumps are on: {cores}");
        drop(connection);
        let output = end.join().unwrap();
        assert_eq!(output.code, 3, "{output:?}");
        // The connection that freed the accept.
        drop(server.accept().unwrap());
    }
}

#[test]
fn t60_trace_log_has_no_password() {
    let occ = occ(closed_port());
    let words = ["-vvv", "backend:login", "alice", "--explain", "--password-from-stdin"];
    let output = occ.run_with_input(&words, b"Wonderland-1\n");
    assert!(output.err.contains("reading the configuration"), "the log is silent: {}", output.err);
    assert!(output.err.contains("attempt decided"), "the library's log is silent: {}", output.err);
    assert!(!format!("{output:?}").contains("Wonderland"), "{output:?}");
}

#[test]
fn t64_name_cannot_steer_the_terminal() {
    let occ = occ(closed_port());
    for name in ["\u{1b}[2Jalice", "al\u{202e}ice", "alice\r\nroot", "\u{9b}31malice"] {
        for form in ["plain", "json", "json_pretty"] {
            let words =
                ["-vv", "backend:login", "--explain", "--password-from-stdin", "--output", form, "--", name];
            let output = occ.run_with_input(&words, b"Wonderland-1\n");
            assert_eq!(output.code, 1, "{output:?}");
            let steering = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
            assert!(!output.out.contains(steering) && !output.err.contains(steering), "{output:?}");
        }
    }
}

#[test]
fn closed_pipe_is_no_panic_and_keeps_the_exit_code() {
    let occ = occ(closed_port());
    for words in [&["backend:check", "--output=json_pretty"][..], &["completion", "bash"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = occ.command(words);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(if words[0] == "backend:check" { 3 } else { 0 }), "{words:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn unwritable_answer_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = occ(1).command(&["backend:list"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"));
}

/// Regression: whether a value is a secret was a value of the app `occ`, under `APP/NAME`.
#[test]
fn sensitive_value_stays_hidden_until_unmarked() {
    let occ = OccFixture::with_people();
    let run = |words: &[&str]| {
        let output = occ.run(words);
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{words:?}: {output:?}");
        output.out
    };
    let secret = ["config:app:set", "mine", "pin/a", "--sensitive", "--value-from-stdin"];
    assert_eq!(occ.run_with_input(&secret, b"Wonderland-1\n").code, 0);
    let is_shown = || run(&["config:list"]).contains("Wonderland-1");
    assert!(!is_shown());
    // No value is a note about another one, and no two names are one.
    for (app, name) in [("occ", "mine/pin/a"), ("mine/pin", "a")] {
        run(&["config:app:set", app, name, "--value={}"]);
        run(&["config:app:delete", app, name]);
    }
    assert!(!is_shown());
    run(&["config:app:set", "mine/pin", "a", "--value=open"]);
    assert!(run(&["config:list"]).contains("\"open\""));
    assert!(occ.run(&["config:app:set", "mine", "pin/a", "--value=x"]).code != 0, "it is a secret");
    // A value that comes after it is another one.
    run(&["config:app:delete", "mine", "pin/a"]);
    run(&["config:app:set", "mine", "pin/a", "--value=Wonderland-1"]);
    assert!(is_shown());
}
