//! Values of an entry's own fields.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::error::EntryError;
use crate::document::duration;
use crate::document::field_value::FieldValue;

/// The own fields of an entry, checked.
///
/// `Debug` shows their names only: values may be secrets.
#[derive(Clone, Default, PartialEq)]
pub struct OwnFields(pub(super) BTreeMap<String, FieldValue>);

impl OwnFields {
    /// A field that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Whether a field is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A field that is a length of time.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        duration::parse(self.text(name)?).ok()
    }

    /// A field as a type of yours; `None` when it is not there or of another type.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.clone().read().ok()
    }

    /// All of them as a type of yours.
    ///
    /// # Errors
    /// The mismatch, without the value.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, EntryError> {
        let fields = FieldValue::Table(self.0.clone().into_iter().collect());
        fields.read().map_err(|error| format!("{} does not fit", error.path()).into())
    }
}

impl fmt::Debug for OwnFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
