//! A value as PHP writes it.

use std::fmt::Write as _;

use serde_json::Value;

/// A literal, with one element per line.
pub(super) fn literal(value: &Value, depth: usize) -> String {
    let blanks = "  ".repeat(depth);
    let mut text = String::new();
    match value {
        Value::String(value) => text = quoted(value),
        Value::Array(list) if list.is_empty() => text.push_str("[]"),
        Value::Object(members) if members.is_empty() => text.push_str("[]"),
        Value::Array(list) => {
            text.push_str("[\n");
            for value in list {
                let _ = writeln!(text, "{blanks}  {},", literal(value, depth + 1));
            }
            let _ = write!(text, "{blanks}]");
        }
        Value::Object(members) => {
            text.push_str("[\n");
            for (key, value) in members {
                // A number is the key of a list.
                let key = if key.parse::<u32>().is_ok() { key.clone() } else { quoted(key) };
                let _ = writeln!(text, "{blanks}  {key} => {},", literal(value, depth + 1));
            }
            let _ = write!(text, "{blanks}]");
        }
        other => text = other.to_string(),
    }
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
