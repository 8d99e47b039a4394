//! User profiles.

use crate::domain::profile_field::{ProfileField, ProfileScope};

/// One value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileEntry {
    /// The field.
    pub field: ProfileField,
    /// Its value.
    pub value: String,
    /// Visibility; unset means the default of the installation.
    pub scope: Option<ProfileScope>,
}

/// All that a user says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile(pub(crate) Vec<ProfileEntry>);

impl Profile {
    /// The value of a field, if it is set.
    pub fn value(&self, field: ProfileField) -> Option<&str> {
        self.entries(field).map(|entry| entry.value.as_str()).find(|value| !value.is_empty())
    }

    /// The scope of a field, if it is set.
    pub fn scope(&self, field: ProfileField) -> Option<ProfileScope> {
        self.entries(field).find_map(|entry| entry.scope)
    }

    /// All values of a field, in the order in which they were added.
    pub fn entries(&self, field: ProfileField) -> impl Iterator<Item = &ProfileEntry> {
        self.0.iter().filter(move |entry| entry.field == field)
    }
}
