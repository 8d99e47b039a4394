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
    /// What was done, in sentences.
    pub(crate) fn done<T: Into<String>>(sentences: impl IntoIterator<Item = T>) -> Self {
        let messages: Vec<String> = sentences.into_iter().map(Into::into).collect();
        let plain = messages.iter().map(|message| format!("{message}\n")).collect();
        Self { plain, json: Some(serde_json::json!({ "messages": messages })), exit: Exit::Fine }
    }

    /// A tree: for people as a nested list.
    pub(crate) fn tree(tree: Value) -> Self {
        Self { plain: nested(&tree, 0), json: Some(tree), exit: Exit::Fine }
    }

    /// A refusal, for scripts that read JSON.
    pub(crate) fn refusal(failure: &Failure) -> Self {
        let text = failure.to_string();
        let json = serde_json::json!({ "error": text });
        Self { plain: text + "\n", json: Some(json), exit: failure.exit() }
    }

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
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    #[cfg(unix)]
    out: Option<std::sync::Arc<std::fs::File>>,
}

impl Answers {
    /// Keeps standard output for ourselves. Without a second way out (a closed standard error) nothing is changed.
    #[cfg(unix)]
    pub(crate) fn keep() -> Self {
        use std::os::fd::AsFd;
        let out = io::stdout().as_fd().try_clone_to_owned().ok().map(std::fs::File::from);
        let out = out.filter(|_| rustix::stdio::dup2_stdout(io::stderr()).is_ok());
        Self { out: out.map(std::sync::Arc::new) }
    }

    /// Elsewhere there is no libsmbclient to keep away.
    #[cfg(not(unix))]
    pub(crate) fn keep() -> Self {
        Self {}
    }

    /// Writes. A reader that went away is fine: it has seen what it wanted. Tells whether there still is one.
    pub(crate) fn tell(&self, text: &[u8]) -> Result<bool, Failure> {
        match self.write_all(text) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::new(format!("the answer cannot be written: {error}"))),
        }
    }

    fn write_all(&self, text: &[u8]) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(out) = &self.out {
            return (&**out).write_all(text);
        }
        let mut out = io::stdout().lock();
        out.write_all(text).and_then(|()| out.flush())
    }
}

/// Writes an answer to standard output.
pub(crate) fn write(answers: &Answers, reply: &Reply, format: Format) -> Result<(), Failure> {
    let text = match (&reply.json, format) {
        (None, _) => reply.plain.clone(),
        (Some(_), Format::Plain) => printable(&reply.plain),
        (Some(json), Format::Json) => printable_json(&format!("{json}\n")),
        (Some(json), Format::JsonPretty) => printable_json(&format!("{json:#}\n")),
    };
    answers.tell(text.as_bytes()).map(drop)
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

/// A tree as a nested list: `  - key: value`, two more blanks for each level.
pub(crate) fn nested(tree: &Value, depth: usize) -> String {
    let mut text = String::new();
    let mut line = |key: Option<&str>, value: &Value| {
        let _ = write!(text, "{:1$}  - ", "", 2 * depth);
        let key = key.map(one_line);
        match (key, value) {
            (key, Value::Array(_) | Value::Object(_)) => {
                let _ = writeln!(text, "{}:", key.unwrap_or_default());
                text.push_str(&nested(value, depth + 1));
            }
            (Some(key), Value::Null) => {
                let _ = writeln!(text, "{key}:");
            }
            (key, value) => {
                let key = key.map(|key| key + ": ").unwrap_or_default();
                let value = value.as_str().map_or_else(|| value.to_string(), one_line);
                let _ = writeln!(text, "{}", format_args!("{key}{value}"));
            }
        }
    };
    match tree {
        Value::Array(items) => items.iter().for_each(|item| line(None, item)),
        Value::Object(members) => members.iter().for_each(|(key, value)| line(Some(key), value)),
        other => line(None, other),
    }
    text
}

/// The same for JSON, in JSON's own escapes, so that it means what it meant before.
pub(crate) fn printable_json(json: &str) -> String {
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
    fn a_tree_is_a_nested_list() {
        let tree = serde_json::json!({
            "user_id": "alice", "enabled": true, "groups": ["admin", "st\naff"], "quota": null, "n": 5,
            "storage": { "free": { "deep": false } }, "none": [],
        });
        assert_eq!(
            nested(&tree, 0),
            "  - user_id: alice\n  - enabled: true\n  - groups:\n    - admin\n    - st\\naff\n  - quota:\n  - n: 5\n  \
             - storage:\n    - free:\n      - deep: false\n  - none:\n"
        );
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
