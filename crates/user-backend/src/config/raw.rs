//! Sections of the program around the library.
//!
//! Read with the same eyes, typed by their owner.

use std::fmt;

use serde::de::DeserializeOwned;

use super::{Config, Warning};
use crate::document::by_serde::{self, LocatedProblem, member};
use crate::document::error::{ConfigError, InvalidConfig, Problem, SettingLocation};
use crate::document::secret_values::names_a_secret;
use crate::document::tree::{Node, Position, Value};

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
    /// [`InvalidConfig`] with the places of all values that do not fit. Values of fields whose names
    /// end in `password`, `secret`, `token` and the like are not repeated.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, InvalidConfig> {
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
            InvalidConfig::of(errors.into_iter().map(error).collect()).unwrap_or_else(|| {
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
    ) -> InvalidConfig {
        let section = self.sections.iter().find(|section| section.name == name);
        let key = section.map_or_else(|| name.to_owned(), |section| section.key.clone());
        let place = path.iter().fold(SettingLocation::section(key), |place, field| place.field(field));
        let at = self.position_of(name, path);
        InvalidConfig::from(ConfigError::new(self.files.name(at), at, place, Problem::new(found, expected)))
    }

    /// Adds a warning of the caller about a value, with file and place.
    ///
    /// `setting` is the name of the section and the path to the value, such as `"mail.ca_file"`.
    pub fn add_warning(&mut self, setting: &'static str, text: impl Into<String>) {
        let mut path = setting.split('.');
        let name = path.next().unwrap_or_default();
        let warning = Warning::new(None, setting, text);
        let warning = match self.position_of(name, &path.collect::<Vec<_>>()) {
            Some(at) => warning.at(&self.files, at),
            None => warning,
        };
        self.warnings.push(warning);
    }

    /// The position of a value, or of the last table on the way to it; `None` without the section.
    fn position_of(&self, name: &str, path: &[&str]) -> Option<Position> {
        let mut node = &self.sections.iter().find(|section| section.name == name)?.node;
        for field in path {
            let Some(next) = member(node, field) else { break };
            node = next;
        }
        Some(node.at)
    }
}

#[cfg(test)]
#[cfg(all(feature = "config-toml", feature = "config-php"))]
mod tests;
