//! The id of a group.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::domain::error::AccountsError;
use crate::domain::hidden_character::is_hidden;

/// The group whose members administer everything.
///
/// It is always there.
pub const ADMIN_GROUP: &str = "admin";

/// A group's id.
///
/// Letter case matters. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(Arc<str>);

impl GroupId {
    /// Between 1 and 255 bytes, no control characters, no space at either end.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it is something else.
    pub fn parse(id: &str) -> Result<Self, AccountsError> {
        let fits = !id.is_empty() && id.len() <= 255 && id.trim() == id && !id.contains(char::is_control);
        if fits { Ok(Self(id.into())) } else { Err(AccountsError::invalid("group id", id, GROUP_RULE)) }
    }

    /// Takes an id for a group that is about to be created.
    ///
    /// One that is there already may be another.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] also for one that ends with a dot, or begins or ends with `@`:
    /// half an address, or the end of a sentence. And for one with invisible characters, which
    /// looks like another.
    pub fn for_new(id: &str) -> Result<Self, AccountsError> {
        let found = Self::visible(id)?;
        if id.ends_with('.') || id.starts_with('@') || id.ends_with('@') {
            return Err(AccountsError::invalid("group id", id, NEW_GROUP_RULE));
        }
        Ok(found)
    }

    /// A group that may be made, without a character that no reader sees.
    ///
    /// # Errors
    /// It is no id of a group, or has such a character.
    pub fn visible(id: &str) -> Result<Self, AccountsError> {
        let found = Self::parse(id)?;
        found.check_visible()?;
        Ok(found)
    }

    /// Whether it has a character that no reader sees.
    ///
    /// Only groups that were there before such ids were refused have one.
    pub fn has_hidden(&self) -> bool {
        self.0.contains(is_hidden)
    }

    /// Fails for a hidden character, in an id that becomes a group.
    pub(crate) fn check_visible(&self) -> Result<(), AccountsError> {
        if self.has_hidden() {
            return Err(AccountsError::invalid(
                "group id",
                self.as_str(),
                "an id without invisible characters",
            ));
        }
        Ok(())
    }

    /// The group whose members administer everything.
    pub fn admin() -> Self {
        Self(ADMIN_GROUP.into())
    }

    /// Whether it is the group `admin`.
    pub fn is_admin(&self) -> bool {
        &*self.0 == ADMIN_GROUP
    }

    /// Fails for the group `admin`.
    ///
    /// Its members administer every group, and no sub-admin administers them.
    pub(crate) fn not_admin(&self) -> Result<(), AccountsError> {
        if self.is_admin() {
            return Err(AccountsError::invalid("sub-admin group", self.as_str(), "a group other than admin"));
        }
        Ok(())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn stored(id: &str) -> Self {
        Self(id.into())
    }
}

const NEW_GROUP_RULE: &str = "an id that does not end with a dot and does not begin or end with @";

const GROUP_RULE: &str = "1 to 255 bytes without control characters and outer blanks";

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GroupId {
    type Err = AccountsError;

    fn from_str(id: &str) -> Result<Self, AccountsError> {
        Self::parse(id)
    }
}

impl Serialize for GroupId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for GroupId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_letter_case() {
        assert_ne!(GroupId::parse("NG").unwrap(), GroupId::parse("ng").unwrap());
        assert!(GroupId::parse("a/b c++").is_ok());
        assert!(["", " a", "a\n"].iter().all(|id| GroupId::parse(id).is_err()));
    }

    #[test]
    fn new_group_has_no_invisible_character() {
        for id in ["\u{200b}g", "ad\u{ad}min", "\u{202e}g", "ы\u{200d}ы"] {
            assert!(GroupId::parse(id).is_ok() && GroupId::for_new(id).is_err(), "{id:?}");
        }
    }
}
