//! A value without its place in the file, which serde reads.
//!
//! Not `serde_json::Value`: its cargo features are one decision for a whole program, and this
//! library takes none for its host.

use std::fmt::{self, Display};

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

/// A value of any format.
///
/// Numbers that are no integers of 64 bits are floating point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FieldValue {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    /// In written order.
    Table(Vec<(String, Self)>),
}

/// Why a value does not fit a type, in serde's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MismatchError(String);

impl Display for MismatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MismatchError {}

impl de::Error for MismatchError {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => Self(format!("invalid type: null, expected {expected}")),
            found => Self(format!("invalid type: {found}, expected {expected}")),
        }
    }
}

impl FieldValue {
    /// The value as a type of the caller's.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, serde_path_to_error::Error<MismatchError>> {
        serde_path_to_error::deserialize(self)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Integer(value) => Unexpected::Signed(*value),
            Self::Float(value) => Unexpected::Float(*value),
            Self::Text(text) => Unexpected::Str(text),
            Self::List(_) => Unexpected::Seq,
            Self::Table(_) => Unexpected::Map,
        }
    }
}

impl IntoDeserializer<'_, MismatchError> for FieldValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for FieldValue {
    type Error = MismatchError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MismatchError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Integer(value) => visitor.visit_i64(value),
            Self::Float(value) => visitor.visit_f64(value),
            Self::Text(text) => visitor.visit_string(text),
            Self::List(values) => {
                let mut values = SeqDeserializer::new(values.into_iter());
                let read = visitor.visit_seq(&mut values)?;
                values.end().map(|()| read)
            }
            Self::Table(members) => {
                let mut members = MapDeserializer::new(members.into_iter());
                let read = visitor.visit_map(&mut members)?;
                members.end().map(|()| read)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MismatchError> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, MismatchError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MismatchError> {
        match self {
            Self::Text(text) => {
                StringDeserializer::<MismatchError>::new(text).deserialize_enum(name, variants, visitor)
            }
            Self::Table(members) if members.len() == 1 => {
                let members = MapDeserializer::new(members.into_iter());
                MapAccessDeserializer::new(members).deserialize_enum(name, variants, visitor)
            }
            other => Err(de::Error::invalid_type(other.unexpected(), &"a text")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        port: u16,
        rate: f64,
        names: Vec<String>,
        mode: Mode,
        #[serde(default)]
        nothing: Option<u8>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
        Limit(u32),
    }

    fn table(members: Vec<(&str, FieldValue)>) -> FieldValue {
        FieldValue::Table(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn settings(mode: FieldValue, port: FieldValue) -> FieldValue {
        table(vec![
            ("port", port),
            ("rate", FieldValue::Integer(2)),
            ("names", FieldValue::List(vec![FieldValue::Text("a".to_owned())])),
            ("mode", mode),
            ("nothing", FieldValue::Null),
        ])
    }

    #[test]
    fn value_is_read_as_any_type_of_serde() {
        let fast = FieldValue::Text("fast".to_owned());
        let limit = table(vec![("limit", FieldValue::Integer(3))]);
        for (mode, expected) in [(fast, Mode::Fast), (limit, Mode::Limit(3))] {
            let read: Settings = settings(mode, FieldValue::Integer(80)).read().unwrap();
            let names = vec!["a".to_owned()];
            assert_eq!(read, Settings { port: 80, rate: 2.0, names, mode: expected, nothing: None });
        }
        let json: serde_json::Value = settings(FieldValue::Null, FieldValue::Float(0.5)).read().unwrap();
        assert_eq!((&json["port"], &json["mode"]), (&0.5.into(), &serde_json::Value::Null));
    }

    #[test]
    fn mismatch_names_path_and_value() {
        let fast = || FieldValue::Text("fast".to_owned());
        for (value, path, text) in [
            (settings(fast(), FieldValue::Null), "port", "invalid type: null, expected u16"),
            (settings(fast(), FieldValue::Integer(-1)), "port", "invalid value: integer `-1`, expected u16"),
            (
                settings(FieldValue::Text("slow".to_owned()), FieldValue::Integer(1)),
                "mode",
                "unknown variant `slow`, expected `fast` or `limit`",
            ),
            (
                settings(FieldValue::Bool(true), FieldValue::Integer(1)),
                "mode",
                "invalid type: boolean `true`, expected a text",
            ),
        ] {
            let error = value.read::<Settings>().unwrap_err();
            assert_eq!((error.path().to_string().as_str(), error.inner().to_string().as_str()), (path, text));
        }
    }
}
