//! `application/x-www-form-urlencoded`, and names that point into arrays.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::{DEEPEST, MOST, ParamError, Params, Value};

/// Reads `a=b&c[]=d`.
///
/// # Errors
/// [`ParamError`] when it is no UTF-8 or there is too much of it.
pub(super) fn read(text: &[u8]) -> Result<Params, ParamError> {
    let mut params = Params::default();
    let fields = text.split(|byte| *byte == b'&').filter(|field| !field.is_empty());
    for (count, field) in fields.enumerate() {
        if count >= MOST {
            return Err(ParamError::TooMany);
        }
        let mut halves = field.splitn(2, |byte| *byte == b'=');
        let name = decoded(halves.next().unwrap_or_default())?;
        let value = decoded(halves.next().unwrap_or_default())?;
        put(&mut params, &name, value)?;
    }
    Ok(params)
}

/// Adds one field whose name may point into an array.
///
/// # Errors
/// [`ParamError::TooMany`]
pub(super) fn put(params: &mut Params, name: &str, value: String) -> Result<(), ParamError> {
    let (name, keys) = split(name);
    if name.is_empty() {
        return Ok(());
    }
    let Some((first, deeper)) = keys.split_first() else {
        return params.put(name.to_owned(), Value::Text(value));
    };
    if keys.len() > DEEPEST {
        return Err(ParamError::TooMany);
    }
    if !matches!(params.value(name), Some(Value::Array(_))) {
        params.put(name.to_owned(), Value::Array(Vec::new()))?;
    }
    let slot = params.entries.iter_mut().find(|(found, _)| found == name);
    let Some((_, Value::Array(entries))) = slot else { return Ok(()) };
    insert(entries, first, deeper, value);
    Ok(())
}

fn insert(entries: &mut Vec<(String, Value)>, key: &str, deeper: &[&str], value: String) {
    let key = if key.is_empty() { entries.len().to_string() } else { key.to_owned() };
    let at = entries.iter().position(|(found, _)| *found == key).unwrap_or(entries.len());
    if at == entries.len() {
        entries.push((key, Value::Array(Vec::new())));
    }
    let Some((_, slot)) = entries.get_mut(at) else { return };
    match deeper.split_first() {
        None => *slot = Value::Text(value),
        Some((next, rest)) => {
            if matches!(slot, Value::Text(_)) {
                *slot = Value::Array(Vec::new());
            }
            if let Value::Array(inner) = slot {
                insert(inner, next, rest, value);
            }
        }
    }
}

/// `a[b][]` is `a`, then `b`, then the next free place. A bracket that is not closed is part of the name.
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
