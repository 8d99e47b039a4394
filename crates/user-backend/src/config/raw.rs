//! Sections of the program around the library.
//!
//! Read with the same eyes, typed by their owner.

use std::fmt;

use serde::de::DeserializeOwned;

use super::Config;
use crate::document::by_serde::{self, LocatedProblem, member};
use crate::document::error::{ConfigError, ConfigErrors, Problem, SettingLocation};
use crate::document::secret_values::names_a_secret;
use crate::document::tree::{Node, Value};

/// A top-level key that the caller asked the loader for.
#[derive(Clone)]
pub(super) struct RawSection {
    pub(super) name: String,
    /// Its name in the file.
    pub(super) key: String,
    pub(super) node: Node,
}

/// Without the value: it may hold secrets.
impl fmt::Debug for RawSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSection").field("name", &self.name).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Config {
    /// Deserialises the value of a key that the [`Loader`](super::Loader) had to read.
    ///
    /// `None` when it is not there or null. `user_backends` and `resolver` are also available as
    /// written in the file.
    ///
    /// # Errors
    /// [`ConfigErrors`] with the places of all values that do not fit. Values of fields whose names
    /// end in `password`, `secret`, `token` and the like are not repeated.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ConfigErrors> {
        let Some(section) = self.sections.iter().find(|section| section.name == name) else {
            return Ok(None);
        };
        by_serde::read_all(&section.node, names_a_secret(&section.key)).map(Some).map_err(|errors| {
            let error = |LocatedProblem { at, field, problem }: LocatedProblem| {
                let mut place = SettingLocation::section(section.key.clone());
                place.field = (!field.is_empty()).then_some(field);
                ConfigError::new(self.files.name(Some(at)), Some(at), place, problem)
            };
            // There is always one; an empty list would still not be a value.
            ConfigErrors::of(errors.into_iter().map(error).collect()).unwrap_or_else(|| {
                self.section_error(name, &[], "something that cannot be read", "a value that fits")
            })
        })
    }

    #[doc(hidden)]
    /// The members of a PHP array that is no list, such as `[1009 => '/ca.pem']`.
    ///
    /// Keys and plain values as texts. Empty when it is not there. A key may be the name of a
    /// constant, `PDO::MYSQL_ATTR_SSL_CA`.
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

    /// An error of the caller about an invalid value of the right type, with file and place.
    ///
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
            SettingLocation::section(section.map_or_else(|| name.to_owned(), |section| section.key.clone()));
        let mut node = section.map(|section| &section.node);
        let mut at = node.map(|node| node.at);
        for field in path {
            place = place.field(field);
            node = node.and_then(|node| member(node, field));
            at = node.map(|node| node.at).or(at);
        }
        ConfigErrors::from(ConfigError::new(self.files.name(at), at, place, Problem::new(found, expected)))
    }
}

#[cfg(test)]
#[cfg(all(feature = "config-toml", feature = "config-php"))]
mod tests;
