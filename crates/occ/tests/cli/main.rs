//! The real binary: its command line, output and exit codes.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bruteforce;
mod compatibility;
mod completion;
mod configuration;
mod database;
mod import;
mod live;
mod mail;
mod passwords;
mod people;
mod running_server;
mod secrets;
mod store;
mod system_config;
mod usage;
mod user_import;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use accounts::{Accounts, ActingAccounts, GroupId, NewUser, StoreSettings, UserId};
use database::{Database, DatabaseServer};
use tempfile::TempDir;
use user_backend::BackendId;

/// The program in an empty directory without a configuration.
struct OccFixture {
    dir: TempDir,
    /// Where the store is, if it is not in the directory.
    store: Option<Database>,
    runtime: tokio::runtime::Runtime,
}

/// Whether stores are on PostgreSQL.
///
/// `cargo xtask test` runs all of this a second time with this variable.
fn on_postgres() -> bool {
    std::env::var_os("OCC_TEST_POSTGRES").is_some()
}

impl OccFixture {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { dir: TempDir::new().unwrap(), store: None, runtime: runtime.unwrap() }
    }

    fn with(file: &str, text: &str) -> Self {
        let occ = Self::new();
        occ.write(file, text);
        occ
    }

    /// The configuration of tests with a store: cheap hashes, and a backend that is unused.
    const CONFIGURATION: &str = r#"
[server]
public_url = "https://cloud.example.com/"
data_directory = "/srv/data/"
passwords = { memory_kib = 7168, passes = 1 }

[[user_backends]]
id = "mail"
class = "imap"
host = "127.0.0.1"
port = 1
"#;

    /// Adds a mail server to the configuration.
    fn set_mail(&self, port: u16) {
        let mail = format!(
            "[mail]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"cloud@example.com\"\n"
        );
        let text = std::fs::read_to_string(self.path().join("user-backend.toml")).unwrap();
        self.write("user-backend.toml", &format!("{mail}\n{text}"));
    }

    /// A configuration beside which a store will be made.
    fn with_store() -> Self {
        let mut occ = Self::with("user-backend.toml", Self::CONFIGURATION);
        if on_postgres() {
            let database = Database::new(DatabaseServer::postgres().unwrap(), &occ.runtime);
            let url = database.url();
            occ.write("user-backend.toml", &format!("[store]\nurl = {url:?}\n{}", Self::CONFIGURATION));
            occ.store = Some(database);
        }
        occ
    }

    /// A store with root, alice, two users of the backend mail, and the group staff.
    fn with_people() -> Self {
        let occ = Self::with_store();
        let accounts = occ.accounts();
        let mail = BackendId::parse("mail").unwrap();
        let id = |id: &str| UserId::parse(id).unwrap();
        occ.block_on(async {
            let staff = GroupId::parse("staff").unwrap();
            accounts.groups().create(&staff, Some("The Staff".parse().unwrap())).await.unwrap();
            for user in [
                NewUser::new(id("root")).group(GroupId::admin()),
                NewUser::new(id("alice"))
                    .display_name("Alice".parse().unwrap())
                    .email("alice@example.com".parse().unwrap()),
                NewUser::new(id("mallory")).backend(mail.clone()),
                NewUser::new(id("mallory@example.com"))
                    .backend(mail)
                    .email("mallory@example.com".parse().unwrap()),
            ] {
                accounts.users().create(user).await.unwrap();
            }
            accounts.close().await;
        });
        occ
    }

    /// The store itself, as a server has it open.
    fn accounts(&self) -> ActingAccounts {
        let settings = match &self.store {
            Some(database) => StoreSettings::parse(&database.url()).unwrap(),
            None => StoreSettings::sqlite(self.path().join("user-backend.db")),
        };
        self.block_on(Accounts::open(&settings)).unwrap().as_system()
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }

    /// Whether there is a store.
    fn has_store(&self) -> bool {
        self.run(&["user:list", "--limit=1"]).code == 0
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_occ"));
        command.args(words).current_dir(self.dir.path()).stdin(Stdio::null());
        command.env_remove("USER_BACKEND_CONFIG").env_remove("NC_PASS").env_remove("OC_PASS");
        command.env_remove("SUDO_USER").env("USER", "tester").env("COLUMNS", "100");
        command
    }

    fn run(&self, words: &[&str]) -> CliOutput {
        CliOutput::of(&self.command(words).output().unwrap())
    }

    fn run_with_input(&self, words: &[&str], input: &[u8]) -> CliOutput {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not read what it is offered is no failure of the test.
        let _ = child.stdin.take().unwrap().write_all(input);
        CliOutput::of(&child.wait_with_output().unwrap())
    }
}

/// The program's output and exit code.
#[derive(Debug)]
struct CliOutput {
    out: String,
    err: String,
    code: i32,
}

impl CliOutput {
    fn of(output: &Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
            code: output.status.code().unwrap(),
        }
    }

    /// Expects a failure: errors on standard error, refusals on standard output.
    ///
    /// The PHP program writes refusals there.
    #[track_caller]
    fn fails(&self, code: i32) -> &str {
        let (text, silent) = if code == 1 { (&self.out, &self.err) } else { (&self.err, &self.out) };
        assert_eq!((self.code, silent.as_str()), (code, ""), "{self:?}");
        text
    }

    /// A refusal about which the PHP program writes nothing: standard output is empty.
    #[track_caller]
    fn fails_silently(&self) -> &str {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{self:?}");
        &self.err
    }
}

/// A loopback port without a listener.
fn closed_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
