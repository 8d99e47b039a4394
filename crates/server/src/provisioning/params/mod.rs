//! Parameters of a call: query and body merged into one set, as in PHP.
//!
//! A name may say where in an array its value belongs (`groups[]=a`, `groups[0]=a`,
//! `fields[email]=x`). The body takes precedence over the query. Unlike in the original a text
//! where a list is wanted is a list of one, a list where a text is wanted is refused with a message
//! instead of a crash, and so is an unreadable body.

mod body;
mod form;
mod json;

use indexmap::IndexMap;
use thiserror::Error;

use crate::request_body::BodyError;

/// How many values, lists and maps one query or one body may hold.
const MOST: usize = 2000;

/// Memory of a node besides its text, in bytes.
const NODE_BYTES: usize = 160;

/// Maximum nesting depth of arrays.
const DEEPEST: usize = 8;

/// The parameters of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    entries: IndexMap<String, Value>,
    repeated: Vec<String>,
}

/// How many nodes may still be read from one query or one body, in whatever format.
struct Nodes(usize);

impl Default for Nodes {
    fn default() -> Self {
        Self(MOST)
    }
}

impl Nodes {
    /// Pays for one node.
    fn take(&mut self) -> Result<(), ParamError> {
        self.0 = self.0.checked_sub(1).ok_or(ParamError::TooMany)?;
        Ok(())
    }
}

/// A parameter: a text, or an array with keys, as in PHP.
#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Array(IndexMap<String, Self>),
}

// A parameter may be a password.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("…"),
            Self::Array(entries) => f.debug_list().entries(entries.iter().map(|(_, value)| value)).finish(),
        }
    }
}

/// Why parameters cannot be used.
///
/// Never repeats what was sent: it may be a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParamError {
    /// The body was not read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body is not what its content type says.
    #[error("The body is not valid {kind}")]
    Malformed {
        /// The expected type.
        kind: &'static str,
    },
    /// In the query or in the body.
    #[error("What was sent is not valid UTF-8")]
    Encoding,
    /// The content type is not supported.
    #[error(
        "The content type of the body is not supported; send application/x-www-form-urlencoded (curl: -d key=value), \
         application/json or multipart/form-data"
    )]
    MediaType,
    /// Nothing was sent where something is needed.
    #[error("The parameter {name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A list or a map where a text is needed.
    #[error("The parameter {name} must be a single value")]
    NotText {
        /// Its name.
        name: &'static str,
    },
    /// Something in a list is not a text.
    #[error("The parameter {name} must be a list of values")]
    NotTexts {
        /// Its name.
        name: &'static str,
    },
    /// Sent twice; the last one would win silently.
    #[error(
        "The parameter {name} was sent more than once; to change several fields in one call send fields[email]=... and so on"
    )]
    Repeated {
        /// Its name.
        name: &'static str,
    },
    /// A list that was sent as several texts; the last one would win silently.
    #[error("The parameter {name} was sent more than once; a list is sent as {name}[]=... and {name}[]=...")]
    RepeatedList {
        /// Its name.
        name: &'static str,
    },
    /// A key twice in one JSON object: programs disagree about which of the two counts.
    #[error("A key stands more than once in one JSON object")]
    SameKey,
    /// More nodes than a call may have, or too many levels.
    #[error("Too many parameters")]
    TooMany,
}

impl Params {
    /// Reads a query.
    ///
    /// # Errors
    /// [`ParamError`] when it is no UTF-8 or there is too much of it.
    pub fn of_query(query: &str) -> Result<Self, ParamError> {
        form::read(query.as_bytes())
    }

    /// The fields of a form of a page; a name may point into an array.
    ///
    /// # Errors
    /// [`ParamError::TooMany`]
    pub(crate) fn of_fields(fields: &[(&str, &str)]) -> Result<Self, ParamError> {
        let (mut params, mut nodes) = (Self::default(), Nodes::default());
        for (name, value) in fields {
            nodes.take()?;
            form::put(&mut params, name, (*value).to_owned(), &mut nodes)?;
        }
        Ok(params)
    }

    /// Adds the parameters of the body, which take precedence.
    #[must_use]
    pub fn overridden_by(mut self, body: Self) -> Self {
        self.entries.retain(|name, _| !body.entries.contains_key(name));
        self.entries.extend(body.entries);
        self.repeated = body.repeated;
        self
    }

    /// Whether a password in this query counts, given the parameters of this body.
    ///
    /// It is in `password`, or in `value` if the key is `password`.
    pub fn shows_password(&self, body: &Self) -> bool {
        let counts = |name| self.value(name).is_some() && body.value(name).is_none();
        let key = body.value("key").or_else(|| self.value("key")).and_then(Value::as_text);
        counts("password") || (counts("value") && key == Some("password"))
    }

    /// Keeps only the needed parameters, and the record of which of them were repeated.
    pub fn keep(&mut self, is_needed: impl Fn(&str) -> bool) {
        self.entries.retain(|name, _| is_needed(name));
        self.entries.shrink_to_fit();
        self.repeated.retain(|name| is_needed(name));
        self.repeated.shrink_to_fit();
    }

    /// About how many bytes of memory this holds.
    pub fn weight(&self) -> usize {
        let entries = self.entries.iter().map(|(name, value)| NODE_BYTES + name.len() + value.weight());
        entries.sum::<usize>() + self.repeated.iter().map(|name| NODE_BYTES + name.len()).sum::<usize>()
    }

    /// Whether this is JSON that was sent as a form, as curl does it with `-d '{…}'`.
    pub fn is_json_in_disguise(&self) -> bool {
        self.entries.keys().next().is_some_and(|name| name.trim_start().starts_with('{'))
    }

    /// A text, if it was sent.
    ///
    /// # Errors
    /// [`ParamError::NotText`]
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, ParamError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Array(_)) => Err(ParamError::NotText { name }),
        }
    }

    /// A text that must be sent; it may be empty.
    ///
    /// # Errors
    /// [`ParamError::Missing`], [`ParamError::NotText`]
    pub fn required(&self, name: &'static str) -> Result<&str, ParamError> {
        self.text(name)?.ok_or(ParamError::Missing { name })
    }

    /// As [`Self::required`], sent once only.
    ///
    /// # Errors
    /// [`ParamError::Repeated`], and those of [`Self::required`]
    pub fn once(&self, name: &'static str) -> Result<&str, ParamError> {
        if self.repeated.iter().any(|repeated| repeated == name) {
            return Err(ParamError::Repeated { name });
        }
        self.required(name)
    }

    /// An integer, converted from text as PHP does it.
    ///
    /// `abc` is 0, `12abc` is 12, and a number that is too large becomes the largest.
    ///
    /// # Errors
    /// [`ParamError::NotText`]
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, ParamError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()).map(leading_number))
    }

    /// A list of texts; nothing sent is an empty list, a single text a list of one.
    ///
    /// # Errors
    /// [`ParamError::NotTexts`], [`ParamError::RepeatedList`]
    pub fn texts(&self, name: &'static str) -> Result<Vec<&str>, ParamError> {
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Text(_)) if self.repeated.iter().any(|repeated| repeated == name) => {
                Err(ParamError::RepeatedList { name })
            }
            Some(Value::Text(text)) if text.is_empty() => Ok(Vec::new()),
            Some(Value::Text(text)) => Ok(vec![text]),
            Some(Value::Array(entries)) => entries
                .iter()
                .map(|(_, value)| value.as_text().ok_or(ParamError::NotTexts { name }))
                .collect(),
        }
    }

    /// A map of lists of texts, such as `search[key][]=number`.
    ///
    /// # Errors
    /// [`ParamError::NotTexts`]
    pub fn text_lists(&self, name: &'static str) -> Result<Vec<(&str, Vec<&str>)>, ParamError> {
        let wrong = ParamError::NotTexts { name };
        let entries = match self.value(name) {
            None => return Ok(Vec::new()),
            Some(Value::Text(_)) => return Err(wrong),
            Some(Value::Array(entries)) => entries,
        };
        let mut lists = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Value::Array(texts) = value else { return Err(wrong) };
            let texts: Option<Vec<&str>> = texts.iter().map(|(_, text)| text.as_text()).collect();
            lists.push((key.as_str(), texts.ok_or_else(|| wrong.clone())?));
        }
        Ok(lists)
    }

    /// A map of texts, such as `fields[email]=x&fields[quota]=y`; `None` if it is absent.
    ///
    /// # Errors
    /// [`ParamError::NotTexts`], [`ParamError::Repeated`]
    pub fn text_map(&self, name: &'static str) -> Result<Option<Vec<(&str, &str)>>, ParamError> {
        let entries = match self.value(name) {
            None => return Ok(None),
            Some(Value::Text(_)) => return Err(ParamError::NotTexts { name }),
            Some(Value::Array(entries)) => entries,
        };
        let texts: Option<Vec<_>> =
            entries.iter().map(|(key, value)| Some((key.as_str(), value.as_text()?))).collect();
        texts.ok_or(ParamError::NotTexts { name }).map(Some)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.entries.get(name)
    }

    /// Adds a value under a name; the last value of a name counts.
    fn put(&mut self, name: String, value: Value) {
        if let Some(before) = self.entries.get_mut(&name) {
            *before = value;
            self.repeated.push(name);
        } else {
            self.entries.insert(name, value);
        }
    }
}

impl Value {
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Array(_) => None,
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Array(entries) => {
                entries.iter().map(|(key, value)| NODE_BYTES + key.len() + value.weight()).sum()
            }
        }
    }
}

fn leading_number(text: &str) -> i64 {
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.bytes().take_while(u8::is_ascii_digit).map(|digit| i64::from(digit - b'0'));
    let number = digits.fold(0_i64, |number, digit| number.saturating_mul(10).saturating_add(digit));
    if negative { -number } else { number }
}

#[cfg(test)]
mod tests;
