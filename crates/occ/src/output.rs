//! Everything that is written: text for people, JSON for scripts, and nothing that could steer a terminal.
//!
//! Names come from people and certificates from servers; either may hold escape sequences, line ends or characters that
//! turn the text around. They are shown as `\u{1b}`, never sent to the terminal.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use crate::exit::{Exit, Failure};

/// The form of an answer: text for people, JSON in one line, JSON in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Format {
    #[default]
    Plain,
    Json,
    JsonPretty,
}

/// What a command answers: both forms, and how the program ends.
#[derive(Debug)]
pub(crate) struct Reply {
    /// For people; ends with a line end.
    pub(crate) plain: String,
    /// For scripts; `None` when the text is for scripts already.
    pub(crate) json: Option<Value>,
    /// The exit code.
    pub(crate) exit: Exit,
}

impl Reply {
    /// An answer in both forms.
    pub(crate) fn new(plain: String, json: &impl Serialize, exit: Exit) -> Result<Self, Failure> {
        let json = serde_json::to_value(json).map_err(|error| Failure::new(format!("no JSON: {error}")))?;
        Ok(Self { plain, json: Some(json), exit })
    }
}

/// Standard output, kept for our answer alone.
///
/// libsmbclient prints what it thinks of servers to standard output, in the middle of anybody's JSON. So the way out is
/// taken away at the start: what others print goes to standard error.
#[derive(Debug)]
pub(crate) struct Answers {
    #[cfg(unix)]
    out: Option<std::fs::File>,
}

impl Answers {
    /// Keeps standard output for ourselves. Without a second way out (a closed standard error) nothing is changed.
    #[cfg(unix)]
    pub(crate) fn keep() -> Self {
        use std::os::fd::AsFd;
        let out = io::stdout().as_fd().try_clone_to_owned().ok().map(std::fs::File::from);
        let out = out.filter(|_| rustix::stdio::dup2_stdout(io::stderr()).is_ok());
        Self { out }
    }

    /// Elsewhere there is no libsmbclient to keep away.
    #[cfg(not(unix))]
    pub(crate) fn keep() -> Self {
        Self {}
    }

    fn write_all(&self, text: &[u8]) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(mut out) = self.out.as_ref() {
            return out.write_all(text);
        }
        let mut out = io::stdout().lock();
        out.write_all(text).and_then(|()| out.flush())
    }
}

/// Writes an answer to standard output. A reader that went away is fine: it has seen what it wanted.
pub(crate) fn write(answers: &Answers, reply: &Reply, format: Format) -> Result<(), Failure> {
    let text = match (&reply.json, format) {
        (None, _) => reply.plain.clone(),
        (Some(_), Format::Plain) => printable(&reply.plain),
        (Some(json), Format::Json) => printable_json(&format!("{json}\n")),
        (Some(json), Format::JsonPretty) => printable_json(&format!("{json:#}\n")),
    };
    match answers.write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("the answer cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error, for the person at the terminal. Whether anybody reads it does not matter.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// The text without anything that steers a terminal: control characters, invisible ones and those that turn the
/// direction of writing are shown as `\u{…}`. Line ends stay.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(['\n', '"', '\'', '\\']) {
        let (piece, end) = match piece.char_indices().next_back() {
            Some((at, end @ ('\n' | '"' | '\'' | '\\'))) => (piece.get(..at).unwrap_or_default(), Some(end)),
            _ => (piece, None),
        };
        // The standard library knows what is printable, and escapes quotes too, which are harmless here.
        shown.extend(piece.escape_debug());
        shown.extend(end);
    }
    shown
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// The same for JSON, in JSON's own escapes, so that it means what it meant before.
fn printable_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        let plain = c == '\n' || (c.is_ascii() && !c.is_ascii_control());
        if plain || (!c.is_ascii() && printable(c.encode_utf8(&mut [0; 4])).starts_with(c)) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

/// Lays rows out in columns, two blanks apart; the first row is the head.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_can_steer_a_terminal() {
        for (raw, shown) in [
            ("alice", "alice"),
            ("Ærøskøbing हिन्दी 東京", "Ærøskøbing हिन्दी 東京"),
            ("OFFICE\\alice \"a\" 'b'", "OFFICE\\alice \"a\" 'b'"),
            ("two\nlines", "two\nlines"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{9b}2Jgone", "\\u{9b}2Jgone"),
            ("over\rwritten\u{7}", "over\\rwritten\\u{7}"),
            ("nul\0", "nul\\0"),
            ("\u{202e}ecila", "\\u{202e}ecila"),
            ("a\u{2066}b\u{200b}c\u{feff}", "a\\u{2066}b\\u{200b}c\\u{feff}"),
            ("line\u{2028}end\u{7f}", "line\\u{2028}end\\u{7f}"),
        ] {
            assert_eq!(printable(raw), shown);
        }
    }

    #[test]
    fn json_keeps_its_meaning_when_it_is_made_safe() {
        let raw = "é \u{9b}\u{7f}\u{202e}\u{e0041}\u{1b}\"\\\n";
        let json = serde_json::to_string(raw).unwrap();
        let safe = printable_json(&json);
        assert_eq!(safe, r#""é \u009b\u007f\u202e\udb40\udc41\u001b\"\\\n""#);
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), raw);
    }

    #[test]
    fn a_table_stands_in_columns_even_with_a_hostile_cell() {
        let rows = [["ID", "CERT", "X"], ["mail", "a\u{1b}b\nc", "1"], ["f", "é", "2"]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "ID    CERT         X\nmail  a\\u{1b}b\\nc  1\nf     é            2\n");
    }
}
