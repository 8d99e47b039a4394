//! Reads `application/json`: an object of texts, numbers, lists and nested objects.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{DEEPEST, Nodes, ParamError, Params, Value};

/// Reads an object.
///
/// An empty list counts as one, because PHP clients write it so.
///
/// # Errors
/// [`ParamError`] when it is something else, there is too much of it, or a key stands twice in one
/// object.
pub(super) fn read(text: &[u8]) -> Result<Params, ParamError> {
    const WRONG: ParamError = ParamError::Malformed { kind: "JSON, or not an object" };
    let mut limits = Limits::default();
    let mut json = serde_json::Deserializer::from_slice(text);
    let root = Reader { limits: &mut limits, depth: 0 }.deserialize(&mut json);
    let root = root.and_then(|root| json.end().map(|()| root));
    let root = root.map_err(|_| limits.broken.unwrap_or(WRONG))?;
    let Some(Value::Array(entries)) = root else { return Err(WRONG) };
    if text.trim_ascii_start().first() == Some(&b'[') && !entries.is_empty() {
        return Err(WRONG);
    }
    Ok(Params { entries, repeated: Vec::new() })
}

/// The remaining limits of a document, and the one that it exceeded.
#[derive(Default)]
struct Limits {
    nodes: Nodes,
    broken: Option<ParamError>,
}

impl Limits {
    fn check<E: Error>(&mut self, checked: Result<(), ParamError>) -> Result<(), E> {
        checked.map_err(|error| {
            self.broken = Some(error);
            E::custom("refused")
        })
    }
}

/// Reads one value, or `None` for null, which counts as not sent.
struct Reader<'l> {
    limits: &'l mut Limits,
    /// How many arrays are around it.
    depth: usize,
}

impl Reader<'_> {
    /// Reads what is one level further down.
    fn inside(&mut self) -> Reader<'_> {
        Reader { limits: self.limits, depth: self.depth + 1 }
    }

    fn check_depth<E: Error>(&mut self) -> Result<(), E> {
        let checked = if self.depth > DEEPEST { Err(ParamError::TooMany) } else { Ok(()) };
        self.limits.check(checked)
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.depth > 0 {
            let taken = self.limits.nodes.take();
            self.limits.check(taken)?;
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    // As PHP turns them into texts.
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(if value { "1" } else { "" }.to_owned())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(value.to_string())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Self::Value, A::Error> {
        self.check_depth()?;
        let mut entries = IndexMap::new();
        while let Some(value) = elements.next_element_seed(self.inside())? {
            entries.extend(value.map(|value| (entries.len().to_string(), value)));
        }
        Ok(Some(Value::Array(entries)))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        self.check_depth()?;
        let mut entries = IndexMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.inside())?;
            let before = entries.insert(key, value);
            let checked = if before.is_some() { Err(ParamError::SameKey) } else { Ok(()) };
            self.limits.check(checked)?;
        }
        let entries = entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
        Ok(Some(Value::Array(entries.collect())))
    }
}
