//! Output: text for people, JSON for scripts, and no terminal escape sequences.
//!
//! Names come from users and certificates from servers; both may contain escape sequences, newlines
//! or bidirectional controls. They are shown as `\u{1b}`, never sent to the terminal.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use crate::exit::{CliError, Exit};

/// Output format: text, JSON in one line, or JSON in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Format {
    #[default]
    Plain,
    Json,
    JsonPretty,
}

/// The output of a command, as text and JSON, and its exit code.
#[derive(Debug)]
pub(crate) struct Output {
    /// For people; ends with a newline.
    pub(crate) plain: String,
    /// For scripts; `None` if the text is for scripts already.
    pub(crate) json: Option<Value>,
    /// The exit code.
    pub(crate) exit: Exit,
}

impl Output {
    /// Success messages.
    pub(crate) fn done<T: Into<String>>(sentences: impl IntoIterator<Item = T>) -> Self {
        let messages: Vec<String> = sentences.into_iter().map(Into::into).collect();
        let plain = messages.iter().map(|message| format!("{message}\n")).collect();
        Self { plain, json: Some(serde_json::json!({ "messages": messages })), exit: Exit::Fine }
    }

    /// A tree, as a nested list in the text.
    pub(crate) fn tree(tree: Value) -> Self {
        Self { plain: nested(&tree, 0), json: Some(tree), exit: Exit::Fine }
    }

    /// A refusal, as JSON for scripts.
    pub(crate) fn refusal(failure: &CliError) -> Self {
        let text = failure.to_string();
        let json = serde_json::json!({ "error": text });
        Self { plain: text + "\n", json: Some(json), exit: failure.exit() }
    }

    /// Output in both forms.
    pub(crate) fn new(plain: String, json: &impl Serialize, exit: Exit) -> Result<Self, CliError> {
        let json = serde_json::to_value(json).map_err(|error| CliError::new(format!("no JSON: {error}")))?;
        Ok(Self { plain, json: Some(json), exit })
    }
}

/// Standard output, reserved for the output of the command.
///
/// libsmbclient prints diagnostics to standard output, in the middle of our JSON. So standard
/// output is redirected to standard error at the start, and only this type keeps the original.
#[derive(Clone, Debug)]
pub(crate) struct StdoutGuard {
    #[cfg(unix)]
    out: Option<std::sync::Arc<std::fs::File>>,
}

impl StdoutGuard {
    /// Reserves standard output. Without a standard error nothing is changed.
    #[cfg(unix)]
    pub(crate) fn keep() -> Self {
        use std::os::fd::AsFd;
        let out = io::stdout().as_fd().try_clone_to_owned().ok().map(std::fs::File::from);
        let out = out.filter(|_| rustix::stdio::dup2_stdout(io::stderr()).is_ok());
        Self { out: out.map(std::sync::Arc::new) }
    }

    /// There is no libsmbclient on other systems.
    #[cfg(not(unix))]
    pub(crate) fn keep() -> Self {
        Self {}
    }

    /// Writes, and returns whether there still is a reader. A closed pipe is no error.
    pub(crate) fn write(&self, text: &[u8]) -> Result<bool, CliError> {
        match self.write_all(text) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(CliError::new(format!("the answer cannot be written: {error}"))),
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

/// JSON in many lines, indented by four blanks as that of the PHP program.
pub(crate) fn pretty(json: &Value) -> Result<String, CliError> {
    let failed = |error: &dyn std::fmt::Display| CliError::new(format!("no JSON: {error}"));
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    json.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))
        .map_err(|error| failed(&error))?;
    String::from_utf8(text).map_err(|error| failed(&error))
}

/// Writes the output of a command to standard output.
pub(crate) fn write(answers: &StdoutGuard, reply: &Output, format: Format) -> Result<(), CliError> {
    let text = match (&reply.json, format) {
        (None, _) => reply.plain.clone(),
        (Some(_), Format::Plain) => printable(&reply.plain),
        (Some(json), Format::Json) => printable_json(&format!("{json}\n")),
        (Some(json), Format::JsonPretty) => printable_json(&(pretty(json)? + "\n")),
    };
    answers.write(text.as_bytes()).map(drop)
}

/// Writes a line to standard error; errors are ignored.
pub(crate) fn eprintln_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// Escapes control, invisible and bidirectional characters as `\u{…}`.
///
/// Newlines are kept.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(['\n', '"', '\'', '\\']) {
        let (piece, end) = match piece.char_indices().next_back() {
            Some((at, end @ ('\n' | '"' | '\'' | '\\'))) => (piece.get(..at).unwrap_or_default(), Some(end)),
            _ => (piece, None),
        };
        // The standard library knows what is printable, and escapes quotes too, which are harmless
        // here.
        shown.extend(piece.escape_debug());
        shown.extend(end);
    }
    shown
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// Formats a tree as a nested list: `  - key: value`, indented by two spaces per level.
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

/// The same for JSON, with JSON escapes, so that its meaning does not change.
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

/// Formats rows in a frame under a line of headers.
pub(crate) fn framed(headers: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let width = |at: usize, header: &str| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.fold(header.chars().count(), usize::max)
    };
    let widths: Vec<usize> = headers.iter().enumerate().map(|(at, header)| width(at, header)).collect();
    let across: String = widths.iter().map(|width| format!("+{:-<1$}", "", width + 2)).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: String = cells.zip(&widths).map(|(cell, width)| format!("| {cell:width$} ")).collect();
        cells + "|\n"
    };
    let mut text = format!("{across}+\n{}{across}+\n", line(&mut headers.iter().copied()));
    text.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    text + &across + "+\n"
}

/// Formats rows as columns, two spaces apart; the first row is the header.
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
    fn output_cannot_steer_the_terminal() {
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
    fn tree_is_a_nested_list() {
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
    fn escaped_json_keeps_its_meaning() {
        let raw = "é \u{9b}\u{7f}\u{202e}\u{e0041}\u{1b}\"\\\n";
        let json = serde_json::to_string(raw).unwrap();
        let safe = printable_json(&json);
        assert_eq!(safe, r#""é \u009b\u007f\u202e\udb40\udc41\u001b\"\\\n""#);
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), raw);
    }

    #[test]
    fn table_stands_in_columns_even_with_a_hostile_cell() {
        let rows = [["ID", "CERT", "X"], ["mail", "a\u{1b}b\nc", "1"], ["f", "é", "2"]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "ID    CERT         X\nmail  a\\u{1b}b\\nc  1\nf     é            2\n");
    }
}
