//! `user:resetpassword` with a password from the terminal, the environment or a pipe.
//!
//! And what becomes of the old one while a server runs.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Actor, UserId};
use accounts::{HashSettings, Hasher, LocalBackend, LocalPasswordService, NoRules};
use user_backend::clock::{later, now};
use user_backend::{Credentials, DomainRules, Outcome, Password, Resolver};

use crate::{CliOutput, OccFixture};

const OLD: &str = "down the rabbit hole";
const NEW: &str = "a mad tea-party at four";

/// alice with a password, and a server that has the store open.
struct OpenStore {
    occ: OccFixture,
    accounts: accounts::ActingAccounts,
    resolver: Resolver,
}

impl OpenStore {
    fn running() -> Self {
        let occ = OccFixture::with_people();
        let accounts = occ.accounts();
        let cheap = HashSettings::default().with_cost(7168, 1, 1).unwrap();
        let hasher = Hasher::new(cheap).unwrap();
        let passwords = LocalPasswordService::new(accounts.clone(), hasher.clone(), Arc::new(NoRules));
        let alice = UserId::parse("alice").unwrap();
        let old = Password::parse(OLD).unwrap();
        occ.block_on(passwords.set(&alice, &old, Actor::system(), minute())).unwrap();
        let local = LocalBackend::new(accounts.clone(), hasher, Arc::new(NoRules)).unwrap();
        let policy = local.policy();
        let resolver = Resolver::builder().pins(accounts.pin_store());
        let resolver = resolver.backend_with(Arc::new(local), policy, DomainRules::none()).build().unwrap();
        Self { occ, accounts, resolver }
    }

    fn accepts(&self, password: &str) -> bool {
        let answer = self.occ.block_on(self.resolver.authenticate(Credentials::new("alice", password)));
        matches!(answer.outcome, Outcome::Authenticated(_))
    }

    fn reset(&self, name: &str, value: &str) -> CliOutput {
        let mut command = self.occ.command(&["user:resetpassword", "alice", "--password-from-env"]);
        CliOutput::of(&command.env(name, value).output().unwrap())
    }
}

fn minute() -> user_backend::clock::Instant {
    later(now(), Duration::from_secs(60))
}

#[test]
fn running_server_refuses_the_old_password_at_once() {
    let server = OpenStore::running();
    assert!(server.accepts(OLD) && server.accepts(OLD), "also from memory");
    let alice = UserId::parse("alice").unwrap();
    let session = server.accounts.sessions().begin(Some(&alice), Duration::from_secs(60), b"");
    let session = server.occ.block_on(session).unwrap();
    let output = server.reset("OC_PASS", NEW);
    assert_eq!(
        (output.code, output.out.as_str(), output.err.as_str()),
        (0, "Successfully reset password for alice\n", "")
    );
    assert!(!server.accepts(OLD));
    assert!(server.accepts(NEW));
    let found = server.occ.block_on(server.accounts.sessions().find(&session.hash())).unwrap();
    assert!(found.is_none(), "the session of the old password goes on");
}

#[test]
fn a_refused_password_changes_nothing() {
    let server = OpenStore::running();
    let output = server.reset("OC_PASS", "banana");
    assert!(output.fails(1).starts_with("Password is among the 1,000,000 most common ones."), "{output:?}");
    assert!(server.reset("OC_PASS", &"x".repeat(470)).fails(1).contains("Password is too long."));
    assert!(server.accepts(OLD));
}

#[test]
fn first_nonempty_variable_counts() {
    let server = OpenStore::running();
    let mut both = server.occ.command(&["user:resetpassword", "alice", "--password-from-env"]);
    let output =
        CliOutput::of(&both.env("NC_PASS", NEW).env("OC_PASS", "another good one").output().unwrap());
    assert_eq!(output.code, 0, "{output:?}");
    assert!(server.accepts(NEW));
    let mut both = server.occ.command(&["user:resetpassword", "alice", "--password-from-env"]);
    let output = CliOutput::of(&both.env("NC_PASS", "").env("OC_PASS", "another good one").output().unwrap());
    assert_eq!(output.code, 0, "{output:?}");
    assert!(server.accepts("another good one"));
    assert_eq!(
        server.reset("NC_PASS", "").fails(1),
        "--password-from-env given, but NC_PASS/OC_PASS is empty!\n"
    );
}

#[test]
fn zero_is_a_password() {
    let server = OpenStore::running();
    // It is too short for the rules, and that is another refusal than being empty.
    let output = server.reset("OC_PASS", "0");
    let message = output.fails(1);
    assert!(message.ends_with("Password needs to be at least 10 characters long.\n"), "{message}");
    server.occ.run(&["app:disable", "password_policy"]);
    assert_eq!(server.reset("OC_PASS", "0").code, 0);
    assert!(server.accepts("0"));
}

#[test]
fn pipe_gives_a_password_too() {
    let server = OpenStore::running();
    let words = ["user:resetpassword", "alice", "--password-from-stdin", "-n"];
    let output = server.occ.run_with_input(&words, format!("{NEW}\n").as_bytes());
    assert_eq!((output.code, output.err.as_str()), (0, ""));
    assert!(server.accepts(NEW));
    assert_eq!(server.occ.run_with_input(&words, b"\n").fails(1), "Password cannot be empty!\n");
}

#[test]
fn mailed_link_changes_nothing_until_used() {
    let server = OpenStore::running();
    server.occ.set_mail(25);
    let output = server.occ.run(&["user:resetpassword", "alice", "--send-email"]);
    assert_eq!(output.out, "Password reset link to alice@example.com is waiting to be sent\n");
    assert_eq!(server.occ.block_on(server.accounts.outbox().waiting()).unwrap(), 1);
    assert!(server.accepts(OLD));
    assert_eq!(
        server.occ.run(&["user:welcome", "alice", "-r"]).out,
        "Welcome email to alice@example.com is waiting to be sent\n"
    );
    assert_eq!(server.occ.block_on(server.accounts.outbox().waiting()).unwrap(), 2);
}

#[test]
fn trace_log_has_no_new_password() {
    let server = OpenStore::running();
    let words = ["-vvv", "user:resetpassword", "alice", "--password-from-stdin"];
    let output = server.occ.run_with_input(&words, format!("{NEW}\n").as_bytes());
    assert_eq!(output.code, 0);
    assert!(output.err.contains("opening the store"), "the log is silent: {output:?}");
    assert!(!format!("{output:?}").contains("tea-party"), "{output:?}");
}

#[test]
fn slow_writer_is_waited_for() {
    let server = OpenStore::running();
    // Two commands and a server at once: SQLite lets one write, the others wait.
    let children: Vec<_> = (0..4)
        .map(|nth| {
            let mut add = server.occ.command(&["group:add", &format!("g{nth}")]);
            add.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for nth in 0..4 {
        let group = accounts::GroupId::parse(&format!("s{nth}")).unwrap();
        server.occ.block_on(server.accounts.groups().create(&group, None)).unwrap();
    }
    for child in children {
        let output = CliOutput::of(&child.wait_with_output().unwrap());
        assert_eq!(output.code, 0, "{output:?}");
    }
    let groups = server.occ.run(&["group:list", "--output=json"]).out;
    let groups: serde_json::Value = serde_json::from_str(&groups).unwrap();
    assert_eq!(groups.as_object().unwrap().len(), 10, "{groups}");
}

/// The program at its own terminal.
///
/// `setsid` makes it the controlling one, as `sudo` does.
#[cfg(target_os = "linux")]
struct Terminal {
    master: File,
    child: std::process::Child,
    seen: String,
}

#[cfg(target_os = "linux")]
impl Terminal {
    fn start(occ: &OccFixture, words: &[&str]) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let template = occ.command(words);
        let mut command = std::process::Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(template.get_program()).args(template.get_args());
        for (variable, value) in template.get_envs() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        command.current_dir(occ.path()).stdin(slave()).stdout(slave()).stderr(slave());
        let child = command.spawn().unwrap();
        Self { master: File::from(master), child, seen: String::new() }
    }

    /// Waits until the program has written this, and types the answer.
    fn answer(&mut self, question: &str, answer: &str) {
        self.press(question, &format!("{answer}\n"));
    }

    /// The same with any keys.
    ///
    /// Some mean something only once the program reads key by key, which is a moment later.
    fn press(&mut self, question: &str, keys: &str) {
        use rustix::termios::{LocalModes, tcgetattr};
        while !self.seen.contains(question) {
            assert!(self.read(), "{question} was never asked: {:?}", self.seen);
        }
        while tcgetattr(&self.master).unwrap().local_modes.contains(LocalModes::ICANON) {
            std::thread::yield_now();
        }
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Continues to read; a closed terminal is an error on Linux.
    fn read(&mut self) -> bool {
        let mut piece = [0; 1024];
        match self.master.read(&mut piece) {
            Ok(read) if read > 0 => {
                self.seen += &String::from_utf8_lossy(&piece[..read]);
                true
            }
            _ => false,
        }
    }

    fn end(mut self) -> (i32, String) {
        while self.read() {}
        let code = self.child.wait().unwrap().code().unwrap();
        (code, self.seen.replace("\r\n", "\n"))
    }
}

#[cfg(target_os = "linux")]
#[test]
fn terminal_prompts_twice_without_echo() {
    let server = OpenStore::running();
    let mut terminal = Terminal::start(&server.occ, &["user:resetpassword", "alice"]);
    terminal.answer("Enter a new password: ", NEW);
    terminal.answer("Confirm the new password: ", NEW);
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(
        seen,
        "Enter a new password: \nConfirm the new password: \nSuccessfully reset password for alice\n"
    );
    assert!(server.accepts(NEW) && !server.accepts(OLD));
}

#[cfg(target_os = "linux")]
#[test]
fn two_different_passwords_or_none_change_nothing() {
    let server = OpenStore::running();
    let mut terminal = Terminal::start(&server.occ, &["user:resetpassword", "alice"]);
    terminal.answer("Enter a new password: ", NEW);
    terminal.answer("Confirm the new password: ", "something else");
    let (code, seen) = terminal.end();
    assert!(code == 1 && seen.ends_with("Passwords did not match!\n"), "{code} {seen}");
    let mut terminal = Terminal::start(&server.occ, &["user:resetpassword", "alice"]);
    terminal.answer("Enter a new password: ", "");
    let (code, seen) = terminal.end();
    assert!(code == 1 && seen.ends_with("Password cannot be empty!\n"), "{code} {seen}");
    // Ctrl-D is nothing typed, too.
    let mut terminal = Terminal::start(&server.occ, &["user:resetpassword", "alice"]);
    terminal.press("Enter a new password: ", "\u{4}");
    let (code, seen) = terminal.end();
    assert!(code == 1 && seen.ends_with(": \nPassword cannot be empty!\n"), "{code} {seen}");
    let mut terminal = Terminal::start(&server.occ, &["user:resetpassword", "alice"]);
    terminal.answer("Enter a new password: ", NEW);
    terminal.press("Confirm the new password: ", "\u{4}");
    let (code, seen) = terminal.end();
    assert!(code == 1 && seen.ends_with(": \nPasswords did not match!\n"), "{code} {seen}");
    let mut terminal = Terminal::start(&server.occ, &["user:add", "bob"]);
    terminal.answer("Enter password: ", NEW);
    terminal.answer("Confirm password: ", NEW);
    let (code, seen) = terminal.end();
    assert!(code == 0 && seen.ends_with("The user \"bob\" was created successfully\n"), "{code} {seen}");
    assert!(server.accepts(OLD));
}

#[test]
fn test_sign_in_asks_the_store_and_binds_no_name() {
    let server = OpenStore::running();
    let try_it = |words: &[&str], password: &str| {
        let words = [&["backend:login", "--password-from-env", "--output=json"], words].concat();
        let output = CliOutput::of(&server.occ.command(&words).env("OC_PASS", password).output().unwrap());
        let json: serde_json::Value = serde_json::from_str(&output.out).unwrap_or_default();
        (output.code, json)
    };
    let (code, json) = try_it(&["alice"], OLD);
    assert_eq!((code, &json["outcome"], &json["backend"]), (0, &"authenticated".into(), &"local".into()));
    assert_eq!(try_it(&["alice"], "wrong").0, 1);
    assert_eq!(try_it(&["alice", "--backend", "local"], OLD).0, 0);
    // mallory is the mail server's, which is not there: no word of the store's counts.
    assert_eq!(try_it(&["mallory"], OLD).0, 3);
    let check = server.occ.run(&["backend:check", "local"]);
    assert!(check.code == 0 && check.out.contains("argon2id"), "{check:?}");
}
