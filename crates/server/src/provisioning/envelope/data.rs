//! The data of a response: a tree of ordered maps, lists and scalars.
//!
//! It does not depend on the format.
//!
//! The API was born as arrays of PHP, and clients know the marks that left: a map without entries
//! is an empty list, a `false` is an empty element. One tree and two writers ([`xml`](super::xml),
//! [`json`](super::json)) keep those rules in one place each.

use smol_str::SmolStr;

/// A value of an answer.
///
/// Short texts and keys, which most are, take no memory of their own.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Nothing: `null`, `<key/>`.
    Null,
    /// `true` or `false`; in XML `1` and an empty element.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction; one without is written as a whole number.
    Float(f64),
    /// A text.
    Text(SmolStr),
    /// A list.
    List(Vec<Self>),
    /// A map that keeps its order.
    ///
    /// Without entries it is written as an empty list, as clients expect.
    Map(Vec<(SmolStr, Self)>),
}

impl Data {
    /// The empty answer: `<data/>`, `[]`.
    pub const NOTHING: Self = Self::List(Vec::new());

    /// A map.
    pub fn map<K: Into<SmolStr>, V: Into<Self>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// A list.
    pub fn list<V: Into<Self>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }

    /// A map with one entry.
    pub fn one(key: &str, value: impl Into<Self>) -> Self {
        Self::Map(vec![(key.into(), value.into())])
    }

    /// The entry of a map with this key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

impl From<bool> for Data {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Data {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Data {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Data {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Data {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Data {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl<T: Into<Self>> From<Option<T>> for Data {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Data {
    fn from(values: Vec<T>) -> Self {
        Self::list(values)
    }
}
