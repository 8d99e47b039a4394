//! `application/x-www-form-urlencoded`, and names that point into arrays.

use std::borrow::Cow;

use indexmap::IndexMap;
use percent_encoding::percent_decode;

use super::{DEEPEST, Nodes, ParamError, Params, Value};

/// Reads `a=b&c[]=d`.
///
/// # Errors
/// [`ParamError`] when it is no UTF-8 or there is too much of it.
pub(super) fn read(text: &[u8]) -> Result<Params, ParamError> {
    let (mut params, mut nodes) = (Params::default(), Nodes::default());
    for field in text.split(|byte| *byte == b'&').filter(|field| !field.is_empty()) {
        nodes.take()?;
        let mut halves = field.splitn(2, |byte| *byte == b'=');
        let name = decoded(halves.next().unwrap_or_default())?;
        let value = decoded(halves.next().unwrap_or_default())?;
        put(&mut params, &name, value, &mut nodes)?;
    }
    Ok(params)
}

/// Adds one field whose name may point into an array.
///
/// The field itself is paid for, the arrays around it are not yet.
///
/// # Errors
/// [`ParamError::TooMany`]
pub(super) fn put(
    params: &mut Params,
    name: &str,
    value: String,
    nodes: &mut Nodes,
) -> Result<(), ParamError> {
    let (name, keys) = split(name);
    if name.is_empty() {
        return Ok(());
    }
    let Some((first, deeper)) = keys.split_first() else {
        params.put(name.to_owned(), Value::Text(value));
        return Ok(());
    };
    if keys.len() > DEEPEST {
        return Err(ParamError::TooMany);
    }
    for _ in &keys {
        nodes.take()?;
    }
    if !matches!(params.value(name), Some(Value::Array(_))) {
        params.put(name.to_owned(), Value::Array(IndexMap::new()));
    }
    if let Some(Value::Array(entries)) = params.entries.get_mut(name) {
        insert(entries, first, deeper, value);
    }
    Ok(())
}

fn insert(entries: &mut IndexMap<String, Value>, key: &str, deeper: &[&str], value: String) {
    let key = if key.is_empty() { entries.len().to_string() } else { key.to_owned() };
    let Some((next, rest)) = deeper.split_first() else {
        entries.insert(key, Value::Text(value));
        return;
    };
    let slot = entries.entry(key).or_insert_with(|| Value::Array(IndexMap::new()));
    if matches!(slot, Value::Text(_)) {
        *slot = Value::Array(IndexMap::new());
    }
    if let Value::Array(inner) = slot {
        insert(inner, next, rest, value);
    }
}

/// `a[b][]` is `a`, then `b`, then the next free place.
///
/// A bracket that is not closed is part of the name.
fn split(name: &str) -> (&str, Vec<&str>) {
    let Some((base, mut rest)) = name.find('[').map(|at| name.split_at(at)) else {
        return (name, Vec::new());
    };
    let mut keys = Vec::new();
    while let Some(inner) = rest.strip_prefix('[') {
        let Some((key, after)) = inner.split_once(']') else { break };
        keys.push(key);
        rest = after;
    }
    if keys.is_empty() { (name, keys) } else { (base, keys) }
}

fn decoded(text: &[u8]) -> Result<String, ParamError> {
    let blanks: Cow<'_, [u8]> = if text.contains(&b'+') {
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<u8>>().into()
    } else {
        text.into()
    };
    let decoded = percent_decode(&blanks).decode_utf8().map(Cow::into_owned);
    decoded.map_err(|_| ParamError::Encoding)
}
