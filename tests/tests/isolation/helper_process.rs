//! A program that is its own helper, seen from outside.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::Signal;

use super::*;

/// A program that signs a user in.
pub(super) struct Program {
    child: Child,
    input: Option<ChildStdin>,
}

impl Program {
    /// Starts it and hands it the password.
    pub(super) fn start(words: &[&str], environment: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sign-in"));
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(password) = environment {
            command.env("OC_PASS", password);
        }
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(canary::PASSWORD.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
        Self { child, input: Some(input) }
    }

    /// Waits for the verdict.
    pub(super) async fn verdict(&mut self) -> String {
        let output = self.child.stdout.take().unwrap();
        let read = move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        tokio::task::spawn_blocking(read).await.unwrap()
    }

    pub(super) fn process(&self) -> Process {
        Process::open(self.child.id().try_into().unwrap()).unwrap()
    }

    pub(super) fn helper(&self) -> Process {
        let mut all = Process::started_by(self.child.id());
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn no_helper_outlives_its_parent() {
    let _alone = ALONE.lock().await;
    for (number, is_in_the_middle) in [true, false].into_iter().enumerate() {
        let host = SmbHost::start().await;
        host.be_silent(is_in_the_middle);
        let mut program = Program::start(&["pavao", &host.port().to_string()], None);
        if is_in_the_middle {
            host.wait_for_sessions(1).await;
        } else {
            assert_eq!(program.verdict().await, "bad_credentials", "{number}");
        }
        let helper = program.helper();
        // It cannot clean up after itself.
        program.process().signal(Signal::KILL);
        helper.ends();
    }
}

#[tokio::test]
async fn t62_program_is_its_own_helper_without_the_password() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    // What careless operators do.
    let mut program = Program::start(&["pavao", &host.port().to_string()], Some(canary::PASSWORD));
    assert_eq!(program.verdict().await, "bad_credentials");
    let arguments_and_environment = program.helper().arguments_and_environment();
    assert!(arguments_and_environment.starts_with(b"user-backend-smb-helper\0--user-backend-smb-helper\0"));
    assert_eq!(
        canary::count(&arguments_and_environment),
        0,
        "{}",
        String::from_utf8_lossy(&arguments_and_environment)
    );
}

#[test]
fn helper_word_at_a_terminal_starts_no_helper() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smb-helper"));
    let output = command.arg("--user-backend-smb-helper").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    // And a program that is not asked to be one is not one.
    let mut command = Command::new(env!("CARGO_BIN_EXE_smb-helper"));
    assert_eq!(command.arg("--help").stdin(Stdio::null()).output().unwrap().status.code(), Some(0));
}
