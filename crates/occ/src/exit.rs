//! How a command ends: the exit codes, which scripts rely on, and the failures that have no answer to print.

use std::fmt;
use std::process::ExitCode;

/// How a command ended. The numbers are an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Authenticated; all backends are fine.
    Fine = 0,
    /// Refused: somebody who can tell says no.
    Refused = 1,
    /// The command line or the configuration is wrong, or a backend accepts anybody: a person has to change something.
    Usage = 2,
    /// A backend could not be asked: trying later may help.
    Unavailable = 3,
    /// Too many wrong passwords before: no answer about this one.
    Throttled = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why there is no answer: a wrong command line, a wrong configuration, output that cannot be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure, in words for the person at the terminal.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
