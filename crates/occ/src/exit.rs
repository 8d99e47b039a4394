//! How a command ends: the exit codes, which scripts rely on, and the failures that have no answer to print.

use std::fmt;
use std::process::ExitCode;

use accounts::AccountsError;

/// How a command ended. The numbers are an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; authenticated; all backends are fine.
    Fine = 0,
    /// Refused: somebody who can tell says no.
    Refused = 1,
    /// The command line or the configuration is wrong, or a backend accepts anybody: a person has to change something.
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

/// Why there is no answer, and with which exit code the program ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    text: String,
    exit: Exit,
    no_store: bool,
    of_store: bool,
}

impl Failure {
    /// A wrong command line, a wrong configuration, output that cannot be written: in words for the person at the
    /// terminal.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::with(Exit::Usage, text)
    }

    /// What was asked for is refused, in the words that scripts know.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::with(Exit::Refused, text)
    }

    /// It may work later.
    pub(crate) fn unavailable(text: impl Into<String>) -> Self {
        Self::with(Exit::Unavailable, text)
    }

    /// There is no store yet.
    pub(crate) fn no_store(text: impl Into<String>) -> Self {
        Self { no_store: true, ..Self::with(Exit::Usage, text) }
    }

    fn with(exit: Exit, text: impl Into<String>) -> Self {
        Self { text: text.into(), exit, no_store: false, of_store: false }
    }

    /// Whether all that is wrong is that there is no store yet.
    pub(crate) fn is_no_store(&self) -> bool {
        self.no_store
    }

    /// The same, with what it is about in front.
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.text = format!("{what}: {}", self.text);
        self.of_store = false;
        self
    }

    /// Whether something is wrong with the store and the text does not say which store that is.
    pub(crate) fn is_of_store(&self) -> bool {
        self.of_store
    }

    /// With which code the program ends.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether it is an answer: the command was understood, and what it asks for is refused.
    pub(crate) fn is_refusal(&self) -> bool {
        self.exit == Exit::Refused
    }
}

/// By what the person can do about it: try again, mend something, or ask for something else.
impl From<AccountsError> for Failure {
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
