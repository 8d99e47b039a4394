//! Sections of the program around the library: read with the same eyes, typed by their owner.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value as Json};

use super::Config;
use crate::document::error::{ConfigError, ConfigErrors, Place, Problem};
use crate::document::source::{carries_a_password, names_a_secret};
use crate::document::tree::{Node, Position, Value};

/// A top-level key that somebody asked the loader for.
#[derive(Clone, Debug)]
pub(super) struct RawSection {
    pub(super) name: String,
    /// What the file calls it.
    pub(super) key: String,
    pub(super) node: Node,
}

impl Config {
    /// What stands under a key that the [`Loader`](super::Loader) was told to read, as a type of yours. `None` when it is
    /// not there or null.
    ///
    /// # Errors
    /// [`ConfigErrors`] with the place of the first value that does not fit. Values of fields whose names end in
    /// `password`, `secret`, `token` and the like are not repeated.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ConfigErrors> {
        let Some(section) = self.sections.iter().find(|section| section.name == name) else {
            return Ok(None);
        };
        serde_path_to_error::deserialize(json(&section.node)).map(Some).map_err(|error| {
            let (at, field, secret) = walk(&section.node, error.path());
            let mut place = Place::section(section.key.clone());
            place.field = (!field.is_empty()).then_some(field);
            let problem = problem(&error.inner().to_string(), secret || names_a_secret(&section.key));
            ConfigErrors::from(ConfigError::new(Arc::clone(&self.file), Some(at), place, problem))
        })
    }

    /// The members of a PHP array that is no list, such as `[1009 => '/ca.pem']`: keys and plain values as texts. Empty when it
    /// is not there. A key may be the name of a constant, `PDO::MYSQL_ATTR_SSL_CA`.
    pub fn section_members(&self, name: &str) -> Vec<(String, Option<String>)> {
        let section = self.sections.iter().find(|section| section.name == name);
        let members = section.and_then(|section| section.node.value.members()).unwrap_or_default();
        let plain = |value: &Value| match value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Integer(value) => Some(value.to_string()),
            Value::OtherNumber(text) | Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        members.iter().map(|member| (member.key.text(), plain(&member.node.value))).collect()
    }

    /// An error of yours about a value that fits its type and still is wrong, with the file and the place in it.
    /// `path` leads from the section to the value, such as `["smtp", "port"]`.
    pub fn section_error(
        &self,
        name: &str,
        path: &[&str],
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> ConfigErrors {
        let section = self.sections.iter().find(|section| section.name == name);
        let mut place =
            Place::section(section.map_or_else(|| name.to_owned(), |section| section.key.clone()));
        let mut node = section.map(|section| &section.node);
        let mut at = node.map(|node| node.at);
        for field in path {
            place = place.field(field);
            node = node.and_then(|node| member(node, field));
            at = node.map(|node| node.at).or(at);
        }
        ConfigErrors::from(ConfigError::new(Arc::clone(&self.file), at, place, Problem::new(found, expected)))
    }
}

/// The same as JSON, which is what serde knows. Numbers that are no integers keep their value.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null | Value::Broken => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Integer(value) => Json::from(*value),
        Value::OtherNumber(text) => {
            let number = text.parse::<f64>().ok().and_then(Number::from_f64);
            number.map_or_else(|| Json::String(text.clone()), Json::Number)
        }
        Value::Text(text) => Json::String(text.clone()),
        Value::Foreign(kind) => Json::String((*kind).to_owned()),
        Value::List(nodes) => nodes.iter().map(json).collect(),
        // PHP writes an array with numbers for keys; a table it is only with a name in it.
        Value::Table(members) => match node.value.elements() {
            Some(nodes) if !members.is_empty() => nodes.into_iter().map(json).collect(),
            _ => Json::Object(
                members.iter().map(|member| (member.key.text(), json(&member.node))).collect::<Map<_, _>>(),
            ),
        },
    }
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let members = node.value.members()?;
    members.iter().find(|member| member.key.text() == name).map(|member| &member.node)
}

/// Follows a path as far as it leads. Tells where that is, how it is called, and whether it may be a secret.
fn walk(node: &Node, path: &serde_path_to_error::Path) -> (Position, String, bool) {
    let (mut node, mut field, mut secret) = (node, String::new(), false);
    for segment in path {
        let next = match segment {
            serde_path_to_error::Segment::Map { key } => {
                let dot = if field.is_empty() { "" } else { "." };
                field += &format!("{dot}{key}");
                secret |= names_a_secret(key);
                member(node, key)
            }
            serde_path_to_error::Segment::Seq { index } => {
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
fn problem(said: &str, secret: bool) -> Problem {
    if let Some(field) = said.strip_prefix("missing field ") {
        return Problem::new("nothing", format!("the field {field}"));
    }
    let (found, expected) = said.split_once(", expected ").unwrap_or((said, "a value that fits"));
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
    if said.starts_with("unknown field ") {
        return Problem::new("an unknown field", expected);
    }
    if secret || carries_a_password(said) {
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

#[cfg(test)]
mod tests;
