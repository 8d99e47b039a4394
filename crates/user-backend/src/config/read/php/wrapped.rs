//! The text that is given to the parser, and errors on their way back to the file.

use super::scan;
use crate::document::error::{Problem, SettingLocation};
use crate::document::tree::Position;

/// An error with its position, returned from the parser thread.
#[derive(Debug)]
pub(super) struct ParserProblem {
    pub(super) at: Position,
    pub(super) place: SettingLocation,
    pub(super) problem: Problem,
}

/// The text to parse: the file, or the manual's fragment as a complete statement.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) source: String,
    /// Position and length of the inserted text.
    put: (usize, usize),
    length: usize,
}

impl Wrapped {
    /// The position in the file of a byte of the parsed text.
    pub(super) fn original(&self, offset: usize) -> usize {
        let (start, length) = self.put;
        let offset = if offset < start { offset } else { offset.saturating_sub(length).max(start) };
        offset.min(self.length)
    }
}

pub(super) fn wrap(text: &str) -> Wrapped {
    let whole = |source: &str| Wrapped { source: source.to_owned(), put: (0, 0), length: text.len() };
    let (start, opening) = match scan::fragment(text) {
        Some(scan::Fragment { start, tagged: true }) => (start, " return ["),
        Some(scan::Fragment { start, tagged: false }) => (start, "<?php return ["),
        None => return whole(text),
    };
    let Some((before, behind)) = text.split_at_checked(start) else { return whole(text) };
    let body = behind.trim_end();
    let body = body.strip_suffix("?>").unwrap_or(body);
    // The new line ends a comment, should the fragment end with one.
    let source = format!("{before}{opening}{body}\n];");
    Wrapped { source, put: (start, opening.len()), length: text.len() }
}
