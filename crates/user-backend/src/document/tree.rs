//! One tree of values for TOML, JSON and `config.php`, so that all mean the same.
//!
//! Every value has its place in the file, so that errors have a line.

/// A place in a file, both numbers counted from 1.
///
/// Columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Which of the files that are read as one, in their order.
    pub(crate) source: usize,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    /// The start of the first file.
    pub(crate) const START: Self = Self { source: 0, line: 1, column: 1 };
}

/// Finds lines and columns from byte offsets.
#[derive(Debug)]
pub(crate) struct LineIndex<'t> {
    text: &'t str,
    source: usize,
    starts: Vec<usize>,
}

impl<'t> LineIndex<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self::of(text, 0)
    }

    /// The same for one of several files.
    pub(crate) fn of(text: &'t str, source: usize) -> Self {
        let behind_breaks = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self { text, source, starts: std::iter::once(0).chain(behind_breaks).collect() }
    }

    /// The position of a byte; offsets past the end give the end.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let end = offset.min(self.text.len());
        let before = self.text.as_bytes().get(start..end).unwrap_or_default();
        // A byte that does not continue a character starts one.
        let column = before.iter().filter(|byte| (**byte & 0xC0) != 0x80).count() + 1;
        Position { source: self.source, line, column }
    }
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) at: Position,
}

/// A value of any format.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is no integer of 64 bits, as written.
    OtherNumber(String),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Member>),
    /// Something only one format has, such as a date in TOML.
    Foreign(&'static str),
    /// Something that could not be read, which has been reported.
    Broken,
}

/// One member of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) key: Key,
    pub(crate) at: Position,
    pub(crate) node: Node,
}

/// The key of a member.
///
/// PHP takes `"0"` and `0` for the same key, and so do we in every format.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Name(String),
    Index(i64),
}

impl Key {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        match name.parse::<i64>() {
            Ok(index) if index.to_string() == name => Self::Index(index),
            _ => Self::Name(name),
        }
    }

    /// The key as text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Index(index) => index.to_string(),
        }
    }

    /// The key as an error shows it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Name(name) => shortened(&escaped(name)),
            Self::Index(index) => index.to_string(),
        }
    }

    pub(crate) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Name(name) if name == wanted)
    }
}

impl Value {
    /// The value as an error shows it: kind and content, in a few words.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => format!("the number {value}"),
            Self::OtherNumber(text) => format!("the number {}", shortened(text)),
            Self::Text(text) => quoted(text),
            Self::List(nodes) if nodes.is_empty() => "an empty array".to_owned(),
            Self::List(_) => "an array".to_owned(),
            Self::Table(_) => "an array with named fields".to_owned(),
            Self::Foreign(kind) => (*kind).to_owned(),
            Self::Broken => "something that cannot be read".to_owned(),
        }
    }

    /// The elements of an array, whether it was written with numbers for keys or without.
    ///
    /// Written order counts.
    pub(crate) fn elements(&self) -> Option<Vec<&Node>> {
        match self {
            Self::List(nodes) => Some(nodes.iter().collect()),
            Self::Table(members) if members.iter().all(|member| matches!(member.key, Key::Index(_))) => {
                Some(members.iter().map(|member| &member.node).collect())
            }
            _ => None,
        }
    }

    /// The named fields of a table.
    ///
    /// An empty array is an empty table: PHP does not distinguish them.
    pub(crate) fn members(&self) -> Option<&[Member]> {
        match self {
            Self::Table(members) => Some(members),
            Self::List(nodes) if nodes.is_empty() => Some(&[]),
            _ => None,
        }
    }
}

/// A text in quotes, with everything escaped that could play tricks on a terminal.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(&escaped(text)))
}

/// Backslashes stay single, because class names have them.
///
/// Control characters and the like are escaped.
fn escaped(text: &str) -> String {
    let escape = |c| if c == '\\' || c == '\'' { String::from(c) } else { char::escape_debug(c).to_string() };
    text.chars().map(escape).collect()
}

/// At most 120 characters of a text.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_start_at_one_and_count_characters() {
        let index = LineIndex::new("ab\nö€x\n");
        let at = |offset| {
            let Position { line, column, .. } = index.position(offset);
            (line, column)
        };
        assert_eq!([at(0), at(1), at(3), at(5), at(8)], [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]);
        assert_eq!((at(10), at(usize::MAX)), ((3, 1), (3, 1)));
    }

    #[test]
    fn numbers_are_one_kind_of_key_however_they_are_written() {
        assert_eq!(Key::new("12"), Key::Index(12));
        for name in ["012", "+1", "-0", "1.0", "", " 1"] {
            assert_eq!(Key::new(name), Key::Name(name.to_owned()));
        }
    }

    #[test]
    fn shown_values_have_no_terminal_controls() {
        assert_eq!(quoted("a\u{1b}[2J\"\n"), r#""a\u{1b}[2J\"\n""#);
        assert_eq!(quoted("\u{202e}\\OCA\\It's"), r#""\u{202e}\OCA\It's""#);
        assert_eq!(quoted(&"ä".repeat(500)).chars().count(), 123);
    }
}
