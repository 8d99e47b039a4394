//! How far a long command is, for a person who waits.

use std::io::{IsTerminal, Write as _};

/// A line on standard error.
///
/// Nothing when standard error goes somewhere else.
#[derive(Debug)]
pub(crate) struct Progress {
    total: u64,
    done: u64,
    wanted: bool,
}

impl Progress {
    /// Begins with nothing done.
    pub(crate) fn new(total: u64) -> Self {
        Self { total, done: 0, wanted: std::io::stderr().is_terminal() }
    }

    /// So many more are done.
    pub(crate) fn step(&mut self, rows: u64) {
        self.done += rows;
        if self.wanted && (self.done.is_multiple_of(100) || self.done == self.total) {
            // Errors are ignored.
            let _ = write!(std::io::stderr(), "\r{} of {} users …", self.done, self.total);
        }
    }

    /// Clears the line.
    pub(crate) fn end(&self) {
        if self.wanted {
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    }
}
