//! JSON (RFC 8259), read by serde_json one level at a time.
//!
//! Only its raw values have positions.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Document, MAX_DEPTH, secret_in, syntax};
use crate::document::error::{Problem, SettingLocation};
use crate::document::section::Diagnostics;
use crate::document::source::Format;
use crate::document::tree::{Key, LineIndex, Member, Node, Position, Value};

pub(super) fn read(text: &str, diagnostics: &Diagnostics) -> Option<Document> {
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = LineIndex::new(bare);
    let reader = JsonReader { text: bare, lines, diagnostics };
    let raw: &RawValue = match serde_json::from_str(bare) {
        Ok(raw) => raw,
        Err(error) => {
            reader.broken(0, &error);
            return None;
        }
    };
    let node = reader.node(raw, MAX_DEPTH)?;
    let at = node.at;
    match node.value {
        Value::Table(members) => {
            let secret = secret_in(&members);
            Some(Document { members, secret, dialect: Format::Json })
        }
        other => {
            syntax(diagnostics, at, other.shown(), "an object: {\"user_backends\": [ … ]}");
            None
        }
    }
}

struct JsonReader<'t, 's> {
    text: &'t str,
    lines: LineIndex<'t>,
    diagnostics: &'s Diagnostics,
}

impl<'t> JsonReader<'t, '_> {
    fn node(&self, raw: &'t RawValue, depth: usize) -> Option<Node> {
        let text = raw.get();
        let start = self.offset(text);
        let at = self.lines.position(start);
        let value = match text.bytes().next() {
            Some(b'{' | b'[') if depth == 0 => {
                syntax(
                    self.diagnostics,
                    at,
                    format!("more than {MAX_DEPTH} brackets in one another"),
                    "fewer",
                );
                return None;
            }
            Some(b'{') => self.table(self.level::<ObjectMembers<'t>>(text, start)?, depth)?,
            Some(b'[') => {
                let elements = self.level::<Vec<&'t RawValue>>(text, start)?;
                Value::List(elements.into_iter().map(|raw| self.node(raw, depth - 1)).collect::<Option<_>>()?)
            }
            Some(b'"') => Value::Text(self.level(text, start)?),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') => Value::Null,
            _ => match text.parse() {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::OtherNumber(text.to_owned()),
            },
        };
        Some(Node { value, at })
    }

    fn table(&self, pairs: ObjectMembers<'t>, depth: usize) -> Option<Value> {
        let mut members: Vec<Member> = Vec::new();
        let mut keys = std::collections::HashSet::new();
        for (raw, value) in pairs.0 {
            let start = self.offset(raw.get());
            let at = self.lines.position(start);
            let key = Key::new(self.level::<String>(raw.get(), start)?);
            if !keys.insert(key.clone()) {
                syntax(
                    self.diagnostics,
                    at,
                    format!("`{}` for the second time", key.shown()),
                    "every key once",
                );
                continue;
            }
            members.push(Member { key, at, node: self.node(value, depth - 1)? });
        }
        Some(Value::Table(members))
    }

    /// Reads one level of a text that is known to be JSON.
    fn level<T: Deserialize<'t>>(&self, text: &'t str, start: usize) -> Option<T> {
        serde_json::from_str(text).map_err(|error| self.broken(start, &error)).ok()
    }

    fn broken(&self, start: usize, error: &serde_json::Error) {
        let within = self.lines.position(start);
        let at = match error.line() {
            0 => within,
            1 => Position { column: within.column + error.column().saturating_sub(1), ..within },
            line => Position { line: within.line + line - 1, column: error.column().max(1), ..within },
        };
        let whole = error.to_string();
        // After " at line" comes the place, which the error names anyway.
        let what = whole.split(" at line ").next().unwrap_or_default();
        let mut problem = Problem::new(format!("a syntax error ({what})"), "JSON");
        if let Some(hint) = self.slip(at) {
            problem = problem.hint(hint);
        }
        self.diagnostics.push(Some(at), &SettingLocation::default(), problem);
    }

    /// Syntax of other formats: a trailing comma, and comments.
    fn slip(&self, at: Position) -> Option<&'static str> {
        let line_start = self.text.split_inclusive('\n').take(at.line - 1).map(str::len).sum::<usize>();
        let line = self.text.get(line_start..)?;
        let behind = line.char_indices().nth(at.column - 1).map_or(line.len(), |(offset, _)| offset);
        let (before, rest) = self.text.split_at_checked(line_start + behind)?;
        if before.trim_end().ends_with(',') && rest.starts_with(['}', ']']) {
            return Some("JSON has no comma behind the last one: take it away");
        }
        rest.starts_with(['/', '#']).then_some("JSON has no comments")
    }

    /// The position of a part of the text.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }
}

/// The members of an object in written order, doubles included.
struct ObjectMembers<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for ObjectMembers<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairVisitor;
        impl<'de> Visitor<'de> for PairVisitor {
            type Value = ObjectMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(ObjectMembers(pairs))
            }
        }
        deserializer.deserialize_map(PairVisitor)
    }
}
