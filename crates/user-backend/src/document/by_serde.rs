//! Reads values by serde: the tree without positions, and errors with positions.
//!
//! The errors have this library's format.

use serde_path_to_error::{Path, Segment};

use super::error::Problem;
use super::field_value::FieldValue;
use super::secret_values::{carries_a_secret, names_a_secret};
use super::section::Field;
use super::tree::{Member, Node, Position, Value};

/// The same without places.
///
/// Numbers that are no integers keep their value.
pub(crate) fn field_value(node: &Node) -> FieldValue {
    match &node.value {
        Value::Null | Value::Broken => FieldValue::Null,
        Value::Bool(value) => FieldValue::Bool(*value),
        Value::Integer(value) => FieldValue::Integer(*value),
        Value::OtherNumber(text) => {
            finite(text).map_or_else(|| FieldValue::Text(text.clone()), FieldValue::Float)
        }
        Value::Text(text) => FieldValue::Text(text.clone()),
        Value::Foreign(kind) => FieldValue::Text((*kind).to_owned()),
        Value::List(nodes) => FieldValue::List(nodes.iter().map(field_value).collect()),
        // PHP writes an array with numbers for keys; a table it is only with a name in it.
        Value::Table(members) => match node.value.elements() {
            Some(nodes) if !members.is_empty() => {
                FieldValue::List(nodes.into_iter().map(field_value).collect())
            }
            _ => FieldValue::Table(
                members.iter().map(|member| (member.key.text(), field_value(&member.node))).collect(),
            ),
        },
    }
}

/// The same, for values that all formats can say.
///
/// `None` for others, such as dates and infinity. A table stays one, whatever its keys are.
pub(crate) fn common_value(node: &Node) -> Option<FieldValue> {
    Some(match &node.value {
        Value::OtherNumber(text) => FieldValue::Float(finite(text)?),
        Value::Foreign(_) => return None,
        Value::List(nodes) => FieldValue::List(nodes.iter().map(common_value).collect::<Option<_>>()?),
        Value::Table(members) => {
            let member = |member: &Member| Some((member.key.text(), common_value(&member.node)?));
            FieldValue::Table(members.iter().map(member).collect::<Option<_>>()?)
        }
        _ => field_value(node),
    })
}

fn finite(number: &str) -> Option<f64> {
    number.parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let members = node.value.members()?;
    members.iter().find(|member| member.key.text() == name).map(|member| &member.node)
}

/// Follows a path as far as it leads.
///
/// Returns its place, its name, and whether it may be a secret.
pub(crate) fn walk(node: &Node, path: &Path) -> (Position, String, bool) {
    let (mut node, mut field, mut secret) = (node, String::new(), false);
    for segment in path {
        let next = match segment {
            Segment::Map { key } => {
                let dot = if field.is_empty() { "" } else { "." };
                field += &format!("{dot}{key}");
                secret |= names_a_secret(key);
                member(node, key)
            }
            Segment::Seq { index } => {
                field += &format!("[{index}]");
                node.value.elements().and_then(|nodes| nodes.get(*index).copied())
            }
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    (node.at, field, secret)
}

/// serde's words in ours.
pub(crate) fn problem(message: &str, secret: bool) -> Problem {
    if let Some(field) = message.strip_prefix("missing field ") {
        return Problem::new("nothing", format!("the field {field}"));
    }
    let words;
    let (found, expected) = if let Some(parts) = message.split_once(", expected ") {
        parts
    } else if let Some((expected, found)) = message.rsplit_once(", found ") {
        // As the checks of this crate word it: "minutes must be between 5 and 60, found 4".
        words = expected.replacen(" must be ", " to be ", 1);
        (found, words.as_str())
    } else if let Some(expected) = message.strip_prefix("expected ") {
        ("another value", expected)
    } else {
        (message, "a value that fits")
    };
    let expected = match expected {
        "u8" => "a number between 0 and 255".to_owned(),
        "u16" => "a number between 0 and 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number that is not negative".to_owned(),
        "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a string" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "an array".to_owned(),
        words if words.starts_with("struct ") => "an array with named fields".to_owned(),
        words => words.to_owned(),
    };
    if message.starts_with("unknown field ") {
        return Problem::new("an unknown field", expected);
    }
    if secret || carries_a_secret(message) {
        return Problem::new("a value that does not fit", expected);
    }
    let value = found.split_once(": ").filter(|(what, _)| matches!(*what, "invalid type" | "invalid value"));
    let found = value.map_or(found, |(_, value)| value);
    let found = match found.split_once(' ') {
        Some(("string", text)) => text.to_owned(),
        Some(("integer" | "floating", number)) => {
            format!("the number {}", number.trim_start_matches("point ").trim_matches('`'))
        }
        Some(("boolean", value)) => value.trim_matches('`').to_owned(),
        _ if found == "sequence" => "an array".to_owned(),
        _ if found == "map" => "an array with named fields".to_owned(),
        _ => found.to_owned(),
    };
    Problem::new(found, expected)
}

/// The field that a path leads into first.
pub(crate) fn first_field(path: &Path) -> Option<String> {
    match path.iter().next() {
        Some(Segment::Map { key }) => Some(key.clone()),
        _ => None,
    }
}

/// The field that serde misses, if that is what it says.
pub(crate) fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Reports what serde says about a value within `field`.
///
/// The path begins with the field itself.
pub(crate) fn report(field: &Field<'_>, path: &Path, message: &str) {
    let mut within = field.clone();
    let mut secret = names_a_secret(field.place.field.as_deref().unwrap_or_default());
    for segment in path.iter().skip(1) {
        let next = match segment {
            Segment::Map { key } => {
                secret |= names_a_secret(key);
                member(within.node, key).map(|node| (within.place.field(key), node))
            }
            Segment::Seq { index } => {
                let nodes = within.node.value.elements();
                let node = nodes.and_then(|nodes| nodes.get(*index).copied());
                node.map(|node| (within.place.element(index), node))
            }
            _ => None,
        };
        let Some((place, node)) = next else { break };
        within = Field { diagnostics: within.diagnostics, place, node };
    }
    within.fail::<()>(problem(message, secret));
}
