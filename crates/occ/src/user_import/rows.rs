//! The rows of a file of users: CSV or JSON.
//!
//! Every row knows its line.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::cli::ImportFormat;
use crate::exit::CliError;

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Backend,
    DisplayName,
    Email,
    Enabled,
    Groups,
    Hash,
    Id,
    Language,
    Password,
    Quota,
    Subadmin,
}

const NAMES: &str =
    "id, password, password_hash, display_name, email, groups, subadmin, quota, language, backend, enabled";

impl Field {
    /// The field of a column or key.
    ///
    /// Letter case, blanks, hyphens and underscores do not matter.
    fn named(name: &str) -> Option<Self> {
        let name: String =
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match name.as_str() {
            "id" | "uid" | "user" | "userid" | "username" | "login" => Self::Id,
            "password" => Self::Password,
            "passwordhash" => Self::Hash,
            "displayname" | "name" | "fullname" => Self::DisplayName,
            "email" | "mail" | "emailaddress" => Self::Email,
            "group" | "groups" => Self::Groups,
            "subadmin" | "subadminof" => Self::Subadmin,
            "quota" => Self::Quota,
            "language" | "lang" => Self::Language,
            "backend" => Self::Backend,
            "enabled" => Self::Enabled,
            _ => return None,
        })
    }
}

/// A row, before anything but its form is checked.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) hash: Option<Zeroizing<String>>,
    pub(super) display_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) subadmin: Vec<String>,
    pub(super) quota: Option<String>,
    pub(super) language: Option<String>,
    pub(super) backend: Option<String>,
    pub(super) is_disabled: bool,
}

impl Row {
    /// Sets a field; an empty text sets nothing.
    fn set(&mut self, field: Field, text: &str) -> Result<(), String> {
        let list = |text: &str| -> Vec<String> {
            let items = text.split(['|', ';']).map(str::trim).filter(|item| !item.is_empty());
            items.map(str::to_owned).collect()
        };
        let trimmed = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let secret = || Some(Zeroizing::new(text.to_owned())).filter(|text| !text.is_empty());
        match field {
            Field::Backend => self.backend = trimmed,
            Field::DisplayName => self.display_name = trimmed,
            Field::Email => self.email = trimmed,
            Field::Groups => self.groups = list(text),
            Field::Hash => self.hash = secret(),
            Field::Id => text.clone_into(&mut self.id),
            Field::Language => self.language = trimmed,
            Field::Password => self.password = secret(),
            Field::Quota => self.quota = trimmed,
            Field::Subadmin => self.subadmin = list(text),
            Field::Enabled => {
                self.is_disabled = match trimmed.map(|text| text.to_lowercase()).as_deref() {
                    None | Some("true" | "1" | "yes") => false,
                    Some("false" | "0" | "no") => true,
                    Some(other) => return Err(format!("enabled: found {other:?}, expected true or false")),
                };
            }
        }
        Ok(())
    }
}

/// A row with its line, or what is wrong with its form.
pub(super) type NumberedRow = (u64, Result<Row, String>);

/// Reads all rows.
///
/// # Errors
/// The file as a whole cannot be read.
pub(super) fn read(text: &str, format: ImportFormat) -> Result<Vec<NumberedRow>, CliError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        ImportFormat::Csv => csv(text),
        ImportFormat::Json => json(text),
    }
}

fn csv(text: &str) -> Result<Vec<NumberedRow>, CliError> {
    let header = text.lines().next().unwrap_or_default();
    let separator = if header.contains(';') && !header.contains(',') { b';' } else { b',' };
    if let Some(line) = unclosed_quote(text, separator) {
        return Err(CliError::new(format!("line {line}: a quote is opened and never closed")));
    }
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
    let wrong = |error: &dyn std::fmt::Display| CliError::new(format!("line 1: {error}"));
    let mut fields = Vec::new();
    for name in reader.headers().map_err(|error| wrong(&error))? {
        let field = Field::named(name);
        let field = field.ok_or_else(|| wrong(&format!("there is no column {name:?}; there are {NAMES}")))?;
        if fields.contains(&field) {
            return Err(wrong(&format!("the column {name:?} is there twice")));
        }
        fields.push(field);
    }
    if !fields.contains(&Field::Id) {
        return Err(wrong(&"the column id is missing"));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| CliError::new(error.to_string()))?;
        let line = record.position().map_or(0, |position| line_of(text, position));
        let mut row = Row::default();
        let row = if record.len() == fields.len() {
            let mut all = fields.iter().zip(&record);
            all.try_for_each(|(field, text)| row.set(*field, text)).map(|()| row)
        } else {
            Err(format!("found {} values, expected {}", record.len(), fields.len()))
        };
        rows.push((line, row));
    }
    Ok(rows)
}

/// The line of a quote that is opened and never closed.
///
/// The reader would take everything after it for one value. A quote opens a value only at its
/// start, and is written twice inside.
fn unclosed_quote(text: &str, separator: u8) -> Option<u64> {
    let (mut line, mut opened, mut at_start) = (1_u64, None, true);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, opened) {
            (b'"', Some(_)) if bytes.next_if_eq(&b'"').is_none() => opened = None,
            (b'"', None) if at_start => opened = Some(line),
            _ => {}
        }
        at_start = opened.is_none() && (byte == separator || matches!(byte, b'\r' | b'\n'));
        line += u64::from(byte == b'\n');
    }
    opened
}

/// The line of a record: empty lines before it are skipped, and count to it.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let rest = usize::try_from(position.byte()).ok().and_then(|at| text.as_bytes().get(at..));
    let blank = rest.unwrap_or_default().iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let lines = blank.filter(|byte| **byte == b'\n').count();
    position.line().saturating_add(u64::try_from(lines).unwrap_or_default())
}

/// Finds the lines of ascending positions in a text, counting no part of it twice.
struct LineCounter<'a> {
    text: &'a str,
    counted: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn line_of(&mut self, place: usize) -> u64 {
        let passed = self.text.as_bytes().get(self.counted..place).unwrap_or_default();
        let ends = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u64::try_from(ends).unwrap_or(u64::MAX));
        self.counted = place;
        self.line
    }
}

/// Reads a list entry by entry, so that the line of each is known.
fn json(text: &str) -> Result<Vec<NumberedRow>, CliError> {
    let mut lines = LineCounter { text, counted: 0, line: 1 };
    let wrong = |line: u64, why: &str| CliError::new(format!("line {line}: {why}"));
    let skip = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        text.len() - rest.trim_start().len()
    };
    let follows = |at: usize, what: char| text.get(at..).is_some_and(|rest| rest.starts_with(what));
    let mut at = skip(0);
    if !follows(at, '[') {
        return Err(wrong(lines.line_of(at), "expected a list of users"));
    }
    at = skip(at + 1);
    let mut rows = Vec::new();
    while !follows(at, ']') {
        if !rows.is_empty() {
            if !follows(at, ',') {
                return Err(wrong(lines.line_of(at), "expected a comma or the end of the list"));
            }
            at = skip(at + 1);
        }
        let rest = text.get(at..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                // The parser counts from the entry on, and may repeat what it found.
                let line = lines.line_of(at) + u64::try_from(error.line()).unwrap_or(1).saturating_sub(1);
                return Err(wrong(line, "this is no JSON"));
            }
            None => return Err(wrong(lines.line_of(at), "the list has no end")),
        };
        rows.push((lines.line_of(at), object(&value)));
        at = skip(at + values.byte_offset());
    }
    if skip(at + 1) < text.len() {
        return Err(wrong(lines.line_of(at + 1), "something follows the list"));
    }
    Ok(rows)
}

fn object(value: &Value) -> Result<Row, String> {
    let Value::Object(members) = value else { return Err("expected an object".to_owned()) };
    let mut row = Row::default();
    for (name, value) in members {
        let field =
            Field::named(name).ok_or_else(|| format!("there is no field {name:?}; there are {NAMES}"))?;
        let no_text = || format!("{name}: expected a text");
        match (field, value) {
            (_, Value::Null) => {}
            (Field::Groups | Field::Subadmin, Value::Array(items)) => {
                let items: Option<Vec<String>> =
                    items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                let items = items.ok_or_else(|| format!("{name}: expected a list of texts"))?;
                *(if field == Field::Groups { &mut row.groups } else { &mut row.subadmin }) = items;
            }
            (Field::Enabled, Value::Bool(enabled)) => row.is_disabled = !enabled,
            (Field::Quota, Value::Number(bytes)) => row.quota = Some(bytes.to_string()),
            (_, value) => row.set(field, value.as_str().ok_or_else(no_text)?)?,
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str, format: ImportFormat) -> Vec<(u64, Result<String, String>)> {
        let rows = read(text, format).unwrap();
        rows.into_iter().map(|(line, row)| (line, row.map(|row| row.id))).collect()
    }

    #[test]
    fn csv_rows_have_their_lines_and_values() {
        let text = "\u{feff}User-ID,Display Name,groups,enabled\nal,\"Al, the\nfirst\",staff|admin,no\n\nbo,,,\nci\ndo,,,maybe\n";
        let rows = ids(text, ImportFormat::Csv);
        assert_eq!(
            rows,
            [
                (2, Ok("al".to_owned())),
                (5, Ok("bo".to_owned())),
                (6, Err("found 1 values, expected 4".to_owned())),
                (7, Err("enabled: found \"maybe\", expected true or false".to_owned())),
            ]
        );
        let (_, row) = read(text, ImportFormat::Csv).unwrap().remove(0);
        let row = row.unwrap();
        assert_eq!(row.groups, ["staff", "admin"]);
        assert_eq!((row.display_name.as_deref(), row.is_disabled), (Some("Al, the\nfirst"), true));
        let rows = read("id;groups\nal;a|b\n", ImportFormat::Csv).unwrap();
        assert_eq!(rows[0].1.as_ref().unwrap().groups, ["a", "b"]);
    }

    #[test]
    fn closed_quotes_and_quotes_inside_values_are_read() {
        for text in [
            "id,name\na,\"b\"\"c\"\n",
            "id,name\na,5\" disk\n",
            "id,name\r\na,\"\"\r\n",
            "id,name\na,\"b\" c\n",
        ] {
            assert_eq!(ids(text, ImportFormat::Csv), [(2, Ok("a".to_owned()))], "{text:?}");
        }
    }

    #[test]
    fn json_rows_have_their_lines_and_values() {
        let text = "[\n{\"id\": \"al\", \"groups\": [\"a;b\"], \"quota\": 5},\n  {\n\"id\": 5},\n\"x\", {\"id\": \"d\", \"hat\": 1}\n]\n";
        let rows = ids(text, ImportFormat::Json);
        assert_eq!((rows[0].0, rows[0].1.as_deref()), (2, Ok("al")));
        assert_eq!((rows[1].0, rows[1].1.as_ref().unwrap_err().as_str()), (3, "id: expected a text"));
        assert_eq!((rows[2].0, rows[2].1.as_ref().unwrap_err().as_str()), (5, "expected an object"));
        assert!(rows[3].1.as_ref().unwrap_err().starts_with("there is no field \"hat\""));
        let first = read(text, ImportFormat::Json).unwrap().remove(0).1.unwrap();
        assert_eq!((first.groups, first.quota.as_deref()), (vec!["a;b".to_owned()], Some("5")));
        assert_eq!(ids(" [ ] ", ImportFormat::Json), []);
    }

    #[test]
    fn file_without_a_user_list_is_refused() {
        for (text, format, expected) in [
            ("", ImportFormat::Csv, "line 1: the column id is missing"),
            ("name\nal\n", ImportFormat::Csv, "line 1: the column id is missing"),
            ("id,hat\n", ImportFormat::Csv, "line 1: there is no column \"hat\""),
            ("id,name\na,\"b\nc,d\ne,f\n", ImportFormat::Csv, "line 2: a quote is opened and never closed"),
            ("id,name\na,\"b\n\"\"\"\nc,\"\"\"Wonderland-1", ImportFormat::Csv, "line 4: a quote is opened"),
            ("\"id\nal\n", ImportFormat::Csv, "line 1: a quote is opened and never closed"),
            ("id;name\na;\"b\n", ImportFormat::Csv, "line 2: a quote is opened and never closed"),
            ("id,user\n", ImportFormat::Csv, "line 1: the column \"user\" is there twice"),
            ("", ImportFormat::Json, "line 1: expected a list of users"),
            ("{}", ImportFormat::Json, "line 1: expected a list of users"),
            ("[{\"id\": \"a\"}\n{}]", ImportFormat::Json, "line 2: expected a comma"),
            ("[{\"id\":\n\"Wonderland-1", ImportFormat::Json, "line 2: this is no JSON"),
            ("[", ImportFormat::Json, "line 1: the list has no end"),
            ("[]\n1", ImportFormat::Json, "line 1: something follows"),
        ] {
            let error = read(text, format).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?}: {error}");
            assert!(!error.contains("Wonderland"), "{error}");
        }
    }
}
