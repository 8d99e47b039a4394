//! The command line: words, options, help. The words are an interface.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, ColorChoice, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::exit::Exit;
use crate::output::{Format, complain};

/// Sees to the backends that people sign in with: what is configured, does it work, may this person in
#[derive(Debug, Parser)]
#[command(
    name = "occ",
    version,
    color = ColorChoice::Never,
    max_term_width = 100,
    disable_help_subcommand = false,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = GENERAL_HELP
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Common {
    /// The configuration: TOML, JSON or config.php [default: $USER_BACKEND_CONFIG, else
    /// ./user-backend.toml, else ./config/config.php]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The form of the answer: text for people, JSON in one line or in many
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    pub(crate) output: Format,
    /// Tell on standard error what happens; twice tells more. Never a password
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Never ask anything at the terminal
    #[arg(short, long, global = true)]
    pub(crate) no_interaction: bool,
    /// No colours. There are none; taken for the sake of old scripts
    #[arg(long, global = true, hide = true)]
    pub(crate) no_ansi: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the backends of the configuration in their order
    #[command(name = "backend:list", after_help = LIST_HELP)]
    BackendList(ListArgs),
    /// Reach each backend, look at its certificate, and see that it refuses a stranger
    #[command(name = "backend:check", after_help = CHECK_HELP)]
    BackendCheck(CheckArgs),
    /// Try whether a name and a password sign in, and see how that was decided
    #[command(name = "backend:login", after_help = LOGIN_HELP)]
    BackendLogin(LoginArgs),
    /// Print the script that completes the words of this program in a shell
    #[command(after_help = COMPLETION_HELP)]
    Completion(CompletionArgs),
}

/// Arguments of `backend:list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {}

/// Arguments of `backend:check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The backends to check [default: all]
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Do not offer a person who does not exist: one failed login less in the servers' logs
    #[arg(long)]
    pub(crate) no_canary: bool,
}

/// Arguments of `backend:login`.
#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// The login name, as the person types it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Take the password from the environment variable OC_PASS
    #[arg(long)]
    pub(crate) password_from_env: bool,
    /// Take the password from the first line of standard input
    #[arg(long, conflicts_with = "password_from_env")]
    pub(crate) password_from_stdin: bool,
    /// Tell backend by backend how the answer came about
    #[arg(long)]
    pub(crate) explain: bool,
    /// Ask this backend and no other
    #[arg(long, value_name = "ID")]
    pub(crate) backend: Option<String>,
}

/// Arguments of `completion`.
#[derive(Args, Debug)]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

const GENERAL_HELP: &str = "\
Examples:
  occ backend:list
  occ backend:check --output=json
  occ backend:login alice --explain
  occ help backend:login

Exit codes:
  0  fine; authenticated
  1  refused
  2  wrong command line or configuration, or the answer could not be written
  3  a backend is unavailable
  4  throttled";

const LIST_HELP: &str = "\
Nobody is asked: this only reads the configuration.

Examples:
  occ backend:list
  occ backend:list --config /etc/user-backend/user-backend.toml --output=json_pretty

Exit codes:
  0  the configuration is right
  2  wrong command line or configuration";

const CHECK_HELP: &str = "\
Two questions for each backend: does the server answer (address, connection, TLS, certificate, what \
it can do), and does it refuse a random name with a random password? One that accepts strangers is of \
no use. A certificate that ends within 14 days is pointed out. All are checked side by side. Nobody \
signs in, so a share that does not exist is not noticed: for that, try backend:login.

Examples:
  occ backend:check
  occ backend:check mail files --no-canary
  occ backend:check --output=json | jq '.backends[] | select(.state != \"ok\")'

Exit codes:
  0  all are fine
  2  one is misconfigured or accepts strangers, or the command line or the configuration is wrong
  3  one is unavailable or does not speak its protocol, and none calls for 2";

const LOGIN_HELP: &str = "\
The password is asked for at the terminal and not shown. It is never taken from the command line, \
where everybody on the machine could read it. A password in OC_PASS is taken out of the program's \
environment before anybody is asked.

Each call begins with an empty memory: it knows no cache, no pins and no budget of a server that runs, \
and a wrong password counts at every server that is asked, each time.

Examples:
  occ backend:login alice
  occ backend:login alice@example.com --explain
  OC_PASS=\"$password\" occ backend:login alice --password-from-env --output=json
  pass show alice | occ backend:login alice --password-from-stdin

Exit codes:
  0  authenticated
  1  refused: somebody who can tell says no
  2  wrong command line or configuration; a server's host does not exist
  3  unavailable: who could tell cannot be asked now; this says nothing about the password
  4  throttled: too many wrong passwords before; this says nothing about this one";

const COMPLETION_HELP: &str = "\
Examples:
  occ completion bash > /etc/bash_completion.d/occ
  source <(occ completion bash)
  occ completion zsh > \"${fpath[1]}/_occ\"
  occ completion fish > ~/.config/fish/completions/occ.fish";

const PASSWORD_IS_NO_ARGUMENT: &str = "\
error: a password is never taken from the command line, where everybody on this machine can read it

  leave it away                to be asked for it at the terminal
  --password-from-env          to take it from the environment variable OC_PASS
  --password-from-stdin        to take it from the first line of standard input

This one may have been seen, and your shell may remember it: think of changing it.";

/// A command line that leads to no command: help, version, or a mistake.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The parser's own words.
    Clap(clap::Error),
    /// Somebody wrote a password where it can be seen. It is not repeated.
    PasswordAsArgument,
}

impl Refused {
    /// Says so, and gives the exit code.
    pub(crate) fn print(&self) -> ExitCode {
        match self {
            Self::Clap(error) => {
                // A reader that went away is fine.
                let _ = error.print();
                if error.use_stderr() { Exit::Usage.into() } else { Exit::Fine.into() }
            }
            Self::PasswordAsArgument => {
                complain(PASSWORD_IS_NO_ARGUMENT);
                Exit::Usage.into()
            }
        }
    }
}

/// The command line as a whole, for help and completion.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Reads the command line.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, Refused> {
    let words: Vec<OsString> = words.into_iter().collect();
    Cli::try_parse_from(&words).map_err(|error| {
        let login = words.iter().any(|word| word == "backend:login");
        if login && is_password(&error) { Refused::PasswordAsArgument } else { Refused::Clap(error) }
    })
}

/// Whether what the parser did not expect behind `backend:login` is a password, or may be one: `--password X`, `-p X`, a
/// second word behind the name, a value of an option that takes none.
fn is_password(error: &clap::Error) -> bool {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return false };
    match error.kind() {
        ErrorKind::UnknownArgument if word.starts_with("--") => {
            word.starts_with("--pass") && !word.starts_with("--password-")
        }
        ErrorKind::UnknownArgument => !word.starts_with('-') || word.starts_with("-p"),
        ErrorKind::TooManyValues => word.starts_with("--password-"),
        _ => false,
    }
}
