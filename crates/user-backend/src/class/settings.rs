//! The own fields of a class, as a type that serde reads.

use std::fmt;

use serde::de::value::Error as NoFields;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

use crate::document::field_value::{FieldValue, MismatchError};

/// What serde says, and the path to the value.
pub(super) type Mismatch = serde_path_to_error::Error<MismatchError>;

/// The own fields of a class, as a struct that serde reads.
///
/// Its fields are the known ones.
///
/// A struct with `#[serde(flatten)]` in it does not say which fields it has, so unknown ones are
/// not found.
///
/// A `PathBuf` in it is as written. [`Entry::path`](super::Entry::path) makes it relative to the
/// configuration's directory.
///
/// ```
/// use std::path::PathBuf;
/// use std::sync::Arc;
/// use user_backend::class::{Class, ClassRegistry, Entry, EntryError, SettingsSpec};
/// use user_backend::config::{Format, Loader};
/// use user_backend::{StaticBackend, UserBackend};
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     file: PathBuf,
///     #[serde(default)]
///     groups: Vec<String>,
/// }
///
/// #[derive(Debug)]
/// struct Table;
///
/// impl Class for Table {
///     fn name(&self) -> &'static str {
///         "table"
///     }
///
///     fn settings(&self) -> Option<SettingsSpec> {
///         Some(SettingsSpec::of::<Settings>())
///     }
///
///     // A reload makes the backend again when this file has changed.
///     fn files(&self, entry: &Entry) -> Vec<PathBuf> {
///         entry.path("file").into_iter().collect()
///     }
///
///     fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
///         let Settings { file, groups } = entry.settings()?;
///         let file = entry.path("file").unwrap_or(file);
///         # let _ = (file, groups);
///         // A backend of yours that reads the file:
///         Ok(Arc::new(StaticBackend::new(entry.id().as_str())?))
///     }
/// }
///
/// let loader = Loader::new().with_registry(ClassRegistry::standard().with(Table));
/// let text = "[[user_backends]]\nclass = \"table\"\nfile = \"users\"\ngroup = \"staff\"";
/// let errors = loader.parse(text, Format::Toml, "app.toml").unwrap_err();
/// assert!(errors.to_string().starts_with("app.toml:4:1: user_backends[0].group: found an unknown field"));
/// ```
#[derive(Clone, Copy)]
pub struct SettingsSpec {
    names: fn() -> Option<&'static [&'static str]>,
    read: fn(FieldValue) -> Result<(), Mismatch>,
}

impl SettingsSpec {
    /// The fields of this type.
    pub const fn of<T: DeserializeOwned>() -> Self {
        Self { names: names::<T>, read: read::<T> }
    }

    /// The names of the fields, where they are known.
    pub(crate) fn names(&self) -> Option<&'static [&'static str]> {
        (self.names)()
    }

    /// The first error, with the way to it.
    pub(crate) fn check(&self, own: FieldValue) -> Result<(), Mismatch> {
        (self.read)(own)
    }
}

impl fmt::Debug for SettingsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SettingsSpec").field(&self.names()).finish()
    }
}

fn read<T: DeserializeOwned>(own: FieldValue) -> Result<(), Mismatch> {
    own.read::<T>().map(drop)
}

fn names<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut names = None;
    // An error in any case: there is nothing to read.
    let _ = T::deserialize(Names(&mut names));
    names
}

/// Has nothing to give, and notes which fields a struct asks for.
struct Names<'n>(&'n mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = NoFields;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoFields> {
        Err(NoFields::custom("no struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NoFields> {
        *self.0 = Some(fields);
        Err(NoFields::custom("only the names were wanted"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn settings_fields_follow_from_the_struct() {
        #[derive(Deserialize)]
        #[allow(dead_code, reason = "only its fields are used")]
        struct Own {
            realm: String,
            #[serde(rename = "users", default)]
            people: Vec<String>,
        }
        assert_eq!(SettingsSpec::of::<Own>().names(), Some(&["realm", "users"][..]));
        assert_eq!(SettingsSpec::of::<serde_json::Value>().names(), None);
    }
}
