//! The command line: words, options, help. The words are an interface.

mod backend;
mod general;
mod group;
mod order;
mod store;
mod user;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, ColorChoice, CommandFactory, Parser, Subcommand};

pub(crate) use backend::{BackendCommand, CheckArgs, LoginArgs};
pub(crate) use general::{
    GeneralCommand, ImportFormat, ListCommandsArgs, MailTestArgs, StatusArgs, UserImportArgs,
};
pub(crate) use group::{AddArgs as GroupAddArgs, GroupCommand, ListArgs as GroupListArgs, MemberArgs};
pub(crate) use store::{
    AddressArg, AppEnableArgs, AppListArgs, AppsArg, AttemptsArgs, AuditArgs, ConfigDeleteArgs,
    ConfigGetArgs, ConfigListArgs, ConfigSetArgs, FlushArgs, ImportArgs, PinListArgs, PinRebindArgs,
    StoreCommand, SystemDeleteArgs, SystemGetArgs, SystemSetArgs, ValueType,
};
pub(crate) use user::{
    AddArgs as UserAddArgs, DeleteArgs as UserDeleteArgs, KeysArgs, LastSeenArgs, ListArgs as UserListArgs,
    ProfileArgs, ResetArgs, SettingArgs, SyncArgs, TokenAddArgs, TokenDeleteArgs, UserCommand, WelcomeArgs,
};

use user_backend::ClassRegistry;
use user_backend::environment::TakenPassword;

use crate::exit::Exit;
use crate::logging::LogFormat;
use crate::output::{Format, eprintln_line};

/// The exit codes of commands that work on the store.
macro_rules! exits {
    ($fine:literal) => {
        concat!(
            "Exit codes:\n  0  ",
            $fine,
            "\n  1  refused; the reason is printed\n  2  wrong command line or configuration, or a store that cannot be used\n  \
             3  the store is unavailable now"
        )
    };
}
pub(crate) use exits;

/// Manages users, and the backends that check their passwords
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
    /// Output format: text, JSON in one line, or JSON in many
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    pub(crate) output: Format,
    /// Log to standard error; twice for more. Never logs a password
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Format of the log
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    pub(crate) log_format: LogFormat,
    /// Never prompt at the terminal
    #[arg(short, long, global = true)]
    pub(crate) no_interaction: bool,
    /// No output except errors; see the exit code
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Do not print warnings about risky settings
    #[arg(long, global = true)]
    pub(crate) no_warnings: bool,
    /// No effect (there are no colours); accepted for old scripts
    #[arg(long, global = true, hide = true)]
    pub(crate) ansi: bool,
    /// No effect (there are no colours); accepted for old scripts
    #[arg(long, global = true, hide = true)]
    pub(crate) no_ansi: bool,
    /// The classes of backends that a configuration may name.
    #[arg(skip)]
    pub(crate) registry: ClassRegistry,
    /// The password of `--password-from-env`.
    #[arg(skip)]
    pub(crate) from_env: TakenPassword,
}

/// Source of a password.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Password {
    /// Take the password from the environment variable NC_PASS, otherwise OC_PASS
    #[arg(long)]
    pub(crate) password_from_env: bool,
    /// Take the password from standard input, up to the first line end or NUL
    #[arg(long, conflicts_with = "password_from_env")]
    pub(crate) password_from_stdin: bool,
}

/// A part of a list.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Maximum number of entries
    #[arg(short, long, value_name = "NUMBER", default_value_t = 500)]
    pub(crate) limit: u64,
    /// Number of entries to skip
    #[arg(short, long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) offset: u64,
}

/// The commands, by what they are about.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Backend(BackendCommand),
    #[command(flatten)]
    User(UserCommand),
    #[command(flatten)]
    Group(GroupCommand),
    #[command(flatten)]
    Store(StoreCommand),
    #[command(flatten)]
    General(GeneralCommand),
}

const GENERAL_HELP: &str = "\
Examples:
  occ backend:check
  occ backend:login alice --explain
  sudo -u www-data occ user:resetpassword admin
  occ user:list --info --output=json
  occ help user:add

Exit codes:
  0  success; authenticated
  1  refused
  2  wrong command line or configuration, or the output could not be written
  3  a backend or the store is unavailable
  4  throttled";

const PASSWORD_IS_NO_ARGUMENT: &str = "\
error: a password is never taken from the command line, where every user of this machine can read it

  no option                    prompts at the terminal
  --password-from-env          takes it from the environment variable NC_PASS or OC_PASS
  --password-from-stdin        takes it from standard input, up to the first line end or NUL

This password may have been seen, and your shell may have saved it: consider changing it.";

/// A command line that leads to no command: help, version, or a mistake.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The message of the parser.
    Clap(clap::Error),
    /// A password was given where it can be seen. It is not repeated.
    PasswordAsArgument,
}

impl Refused {
    /// Prints the error, and returns the exit code.
    pub(crate) fn print(&self) -> ExitCode {
        match self {
            Self::Clap(error) => {
                // A reader that went away is fine.
                let _ = error.print();
                if error.use_stderr() { Exit::Usage.into() } else { Exit::Fine.into() }
            }
            Self::PasswordAsArgument => {
                eprintln_line(PASSWORD_IS_NO_ARGUMENT);
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
    let words = order::command_first(words.into_iter().collect(), command);
    Cli::try_parse_from(&words).map_err(|mut error| {
        mean_something(&mut error);
        let takes_one = words.iter().any(|word| TAKE_A_PASSWORD.iter().any(|name| word == name));
        if takes_one && is_password(&error) { Refused::PasswordAsArgument } else { Refused::Clap(error) }
    })
}

/// Suggests commands for one that does not exist. The parser would suggest all that are remotely
/// similar.
fn mean_something(error: &mut clap::Error) {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return };
    let found = meant(word);
    error.remove(ContextKind::SuggestedSubcommand);
    if !found.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(found));
    }
}

/// Commands that begin like this, or else those with the fewest typing errors. With or without the
/// part before the last colon.
fn meant(word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let command = command();
    let shown = || command.get_subcommands().filter(|command| !command.is_hide_set());
    let names = || shown().map(clap::Command::get_name).chain(["help"]);
    if word.is_empty() {
        return vec!["help".to_owned()];
    }
    let begin: Vec<String> = names().filter(|name| name.starts_with(&word)).map(str::to_owned).collect();
    if !begin.is_empty() {
        return begin;
    }
    let slips = |name: &str| {
        let last = name.rsplit(':').next().unwrap_or(name);
        strsim::damerau_levenshtein(name, &word).min(strsim::damerau_levenshtein(last, &word))
    };
    let Some(fewest) = names().map(slips).min().filter(|fewest| *fewest <= 2 && *fewest < word.len()) else {
        return Vec::new();
    };
    names().filter(|name| slips(name) == fewest).map(str::to_owned).collect()
}

/// Commands after which users often write a password.
const TAKE_A_PASSWORD: [&str; 4] =
    ["backend:login", "user:add", "user:resetpassword", "user:auth-tokens:add"];

/// Whether the unexpected argument of an error may be a password. That is `--password X`, `-p X`, a
/// second word after the name, or a value of an option that takes none.
fn is_password(error: &clap::Error) -> bool {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return false };
    match error.kind() {
        ErrorKind::UnknownArgument if word.starts_with("--") => {
            word.starts_with("--pass") && !word.starts_with("--password-")
        }
        ErrorKind::UnknownArgument => !word.starts_with('-') || word.starts_with("-p"),
        ErrorKind::TooManyValues => word.contains("password"),
        _ => false,
    }
}
