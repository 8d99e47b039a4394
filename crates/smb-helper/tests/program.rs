//! The program as it is started by hand and by the wrong caller.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::{Command, Output, Stdio};

fn run(argument: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_user-backend-smb-helper"))
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn help_names_its_callers() {
    let output = run("--help");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("occ") && text.contains("--version"), "{text}");
}

#[test]
fn unknown_argument_exits_with_usage() {
    let output = run("alice");
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
    assert!(String::from_utf8(output.stderr).unwrap().contains("Usage:"));
}

#[test]
fn helper_without_socket_ends_silently() {
    let output = run("--user-backend-smb-helper");
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(2), 0, 0));
}
