//! `application/json`: an object whose values are texts, numbers, lists and objects of such.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{DEEPEST, MOST, ParamError, Params, Value};

/// Reads an object. An empty list counts as one, because PHP clients write it so.
///
/// # Errors
/// [`ParamError`] when it is something else or there is too much of it.
pub(super) fn read(text: &[u8]) -> Result<Params, ParamError> {
    const WRONG: ParamError = ParamError::Malformed { kind: "JSON, or not an object" };
    let Json(Some(Value::Array(entries))) = serde_json::from_slice(text).map_err(|_| WRONG)? else {
        return Err(WRONG);
    };
    if text.trim_ascii_start().first() == Some(&b'[') && !entries.is_empty() {
        return Err(WRONG);
    }
    let mut params = Params::default();
    for (name, value) in entries {
        if depth(&value) > DEEPEST {
            return Err(ParamError::TooMany);
        }
        params.put(name, value)?;
    }
    Ok(params)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Text(_) => 0,
        Value::Array(entries) => 1 + entries.iter().map(|(_, value)| depth(value)).max().unwrap_or_default(),
    }
}

/// A value, or `None` for null, which counts as not sent.
struct Json(Option<Value>);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json(None))
    }

    // As PHP turns them into texts.
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json(Some(Value::Text(if value { "1" } else { "" }.to_owned()))))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json(Some(Value::Text(value.to_string()))))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json(Some(Value::Text(value.to_string()))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json(Some(Value::Text(value.to_string()))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json(Some(Value::Text(value.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(Json(value)) = elements.next_element()? {
            if entries.len() >= MOST {
                return Err(serde::de::Error::custom("too long"));
            }
            entries.extend(value.map(|value| (entries.len().to_string(), value)));
        }
        Ok(Json(Some(Value::Array(entries))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, Json(value))) = map.next_entry::<String, Json>()? {
            if entries.len() >= MOST {
                return Err(serde::de::Error::custom("too long"));
            }
            entries.extend(value.map(|value| (key, value)));
        }
        Ok(Json(Some(Value::Array(entries))))
    }
}
