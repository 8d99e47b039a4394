//! Exit codes, which scripts rely on, and the error type of all commands.

use std::fmt;
use std::process::ExitCode;

use accounts::AccountsError;

/// How a command ended.
///
/// The numbers are an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; authenticated; all backends are fine.
    Fine = 0,
    /// Refused: a decision was possible, and it is no.
    Refused = 1,
    /// The command line or the configuration is wrong, or a backend accepts any login.
    Usage = 2,
    /// A backend or the store could not be asked: trying later may help.
    Unavailable = 3,
    /// Too many wrong passwords before: no answer about this one.
    Throttled = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Where the text of an error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// Standard output, as the PHP program writes its refusals.
    Output,
    /// Standard error: what the PHP program does not say at all, or what is no refusal.
    Error,
}

/// An error of a command, with its exit code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CliError {
    text: String,
    exit: Exit,
    stream: Stream,
    no_store: bool,
    of_store: bool,
}

impl CliError {
    /// A wrong command line or configuration, or output that cannot be written.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::with(Exit::Usage, text)
    }

    /// A refusal, with the text that scripts know.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self { stream: Stream::Output, ..Self::with(Exit::Refused, text) }
    }

    /// A refusal with the exit code 2, as the PHP program has it for a few.
    pub(crate) fn refused_as_usage(text: impl Into<String>) -> Self {
        Self { stream: Stream::Output, ..Self::with(Exit::Usage, text) }
    }

    /// A refusal without output: scripts read an empty standard output as "not set".
    ///
    /// The PHP program prints nothing either.
    pub(crate) fn refused_silently(text: impl Into<String>) -> Self {
        Self::with(Exit::Refused, text)
    }

    /// A temporary failure.
    pub(crate) fn unavailable(text: impl Into<String>) -> Self {
        Self::with(Exit::Unavailable, text)
    }

    /// There is no store yet.
    pub(crate) fn no_store(text: impl Into<String>) -> Self {
        Self { no_store: true, ..Self::with(Exit::Usage, text) }
    }

    fn with(exit: Exit, text: impl Into<String>) -> Self {
        Self { text: text.into(), exit, stream: Stream::Error, no_store: false, of_store: false }
    }

    /// Whether the only problem is that there is no store yet.
    pub(crate) fn is_no_store(&self) -> bool {
        self.no_store
    }

    /// Prefixes the text with its subject.
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.text = format!("{what}: {}", self.text);
        self.of_store = false;
        self
    }

    /// Whether the store failed and the text does not name it yet.
    pub(crate) fn is_of_store(&self) -> bool {
        self.of_store
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether this is a refusal: the command was understood, and is not allowed.
    pub(crate) fn is_refusal(&self) -> bool {
        self.exit == Exit::Refused || self.stream == Stream::Output
    }

    /// Whether the text belongs on standard output.
    pub(crate) fn is_for_output(&self) -> bool {
        self.stream == Stream::Output
    }
}

/// Maps by what the user can do: try again, fix something, or ask for something else.
impl From<AccountsError> for CliError {
    fn from(error: AccountsError) -> Self {
        let failure = match error {
            AccountsError::Unavailable { .. } => Self::unavailable(error.to_string()),
            AccountsError::Foreign { .. }
            | AccountsError::Full
            | AccountsError::NewerSchema { .. }
            | AccountsError::ReadOnly
            | AccountsError::Unreadable { .. } => Self::new(error.to_string()),
            _ => return Self::refused(error.to_string()),
        };
        Self { of_store: true, ..failure }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
