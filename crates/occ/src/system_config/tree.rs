//! Finding and changing a value in a tree of JSON.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

/// What a setting is before anything is in it.
pub(super) fn empty(setting: &str) -> Value {
    if setting == "user_backends" { Value::Array(Vec::new()) } else { Value::Object(Map::new()) }
}

/// The value at the end of a way.
pub(super) fn find<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| match value {
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        Value::Object(members) => members.get(name),
        _ => None,
    })
}

/// Sets the value at the end of a way; what is missing on the way is made.
pub(super) fn set(value: &mut Value, path: &[String], to: Value) -> Result<(), String> {
    let Some((name, rest)) = path.split_first() else {
        *value = to;
        return Ok(());
    };
    let below = match value {
        Value::Array(list) => {
            let index = index(name, list.len())?;
            if index == list.len() {
                list.push(Value::Object(Map::new()));
            }
            list.get_mut(index).ok_or_else(|| out_of_range(name))?
        }
        Value::Object(members) => members.entry(name.clone()).or_insert_with(|| empty(name)),
        _ => return Err(no_table(name)),
    };
    set(below, rest, to)
}

/// Deletes the value at the end of a way; returns whether it was there.
pub(super) fn delete(value: &mut Value, path: &[String]) -> bool {
    let Some((last, way)) = path.split_last() else { return false };
    let parent = way.iter().try_fold(value, |value, name| match value {
        Value::Array(list) => list.get_mut(name.parse::<usize>().ok()?),
        Value::Object(members) => members.get_mut(name),
        _ => None,
    });
    match parent {
        Some(Value::Array(list)) => match last.parse::<usize>().ok().filter(|index| *index < list.len()) {
            Some(index) => {
                list.remove(index);
                true
            }
            None => false,
        },
        Some(Value::Object(members)) => members.shift_remove(last).is_some(),
        _ => false,
    }
}

/// A number below, or at, the length of a list.
pub(super) fn index(name: &str, length: usize) -> Result<usize, String> {
    name.parse().ok().filter(|index| *index <= length).ok_or_else(|| out_of_range(name))
}

fn out_of_range(name: &str) -> String {
    format!("found {name}, expected the number of an entry, or the next one")
}

pub(super) fn no_table(name: &str) -> String {
    format!("there is no {name} in a value that is no table")
}

/// The tree as text, with this indentation.
pub(super) fn print(value: &Value, indent: &str) -> Result<String, String> {
    let mut text = Vec::new();
    let mut serializer =
        Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(indent.as_bytes()));
    value.serialize(&mut serializer).map_err(|error| error.to_string())?;
    String::from_utf8(text).map_err(|error| error.to_string())
}
