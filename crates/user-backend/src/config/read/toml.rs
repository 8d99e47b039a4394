//! TOML 1.1, read by the crate toml.
//!
//! Its parser bounds the depth itself.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Document, MAX_SYNTAX_ERRORS, secret_in};
use crate::document::error::{Problem, SettingLocation};
use crate::document::section::Diagnostics;
use crate::document::source::Format;
use crate::document::tree::{Key, LineIndex, Member, Node, Value};

pub(super) fn read(text: &str, diagnostics: &Diagnostics) -> Option<Document> {
    let lines = LineIndex::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors.iter().take(MAX_SYNTAX_ERRORS) {
            let at = lines.position(error.span().map_or(0, |span| span.start));
            // The messages of this parser are fixed texts; they do not repeat the document.
            let mut problem = Problem::new(format!("a syntax error ({})", error.message()), "TOML");
            let start = error.span().map_or(0, |span| span.start);
            let behind_equals = text.get(..start).is_some_and(|before| before.trim_end().ends_with('='));
            if behind_equals && text.get(start..).is_some_and(|rest| rest.starts_with(char::is_alphabetic)) {
                problem = problem.hint("texts stand in quotes: class = \"imap\"");
            }
            diagnostics.push(Some(at), &SettingLocation::default(), problem);
        }
        return None;
    }
    let members = members(table.get_ref(), &lines);
    let secret = secret_in(&members);
    Some(Document { members, secret, dialect: Format::Toml })
}

fn members(table: &DeTable<'_>, lines: &LineIndex<'_>) -> Vec<Member> {
    let member = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| Member {
        key: Key::new(key.get_ref().as_ref()),
        at: lines.position(key.span().start),
        node: node(value, lines),
    };
    let mut members: Vec<Member> = table.iter().map(member).collect();
    // The parser sorts by name; the order of the file matters.
    members.sort_by_key(|member| member.at);
    members
}

fn node(value: &Spanned<DeValue<'_>>, lines: &LineIndex<'_>) -> Node {
    let at = lines.position(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) => Value::Integer(value),
            Err(_) => Value::OtherNumber(number.to_string()),
        },
        DeValue::Float(number) => Value::OtherNumber(number.to_string()),
        DeValue::Datetime(_) => Value::Foreign("a date or time"),
        DeValue::Array(values) => Value::List(values.iter().map(|value| node(value, lines)).collect()),
        DeValue::Table(table) => Value::Table(members(table, lines)),
    };
    Node { value, at }
}
