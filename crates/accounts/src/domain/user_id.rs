//! The id of a user.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;
use user_backend::CanonicalName;

use crate::domain::error::AccountsError;

/// The id of the backend whose passwords this store keeps itself.
pub const LOCAL_BACKEND: &str = "local";

/// What the provisioning API calls that backend.
pub const LOCAL_BACKEND_IN_API: &str = "Database";

/// What a banned name is bound to in place of a backend.
pub const BANNED: &str = "(banned)";

/// A user id: the chosen spelling, and its canonical form.
///
/// `Frank` and `frank` are the same user: two ids are equal when their canonical names are. Cheap
/// to clone.
#[derive(Clone)]
pub struct UserId {
    spelling: Arc<str>,
    name: CanonicalName,
}

impl UserId {
    /// Takes any name that can be a login name.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it cannot.
    pub fn parse(id: &str) -> Result<Self, AccountsError> {
        let name = CanonicalName::parse(id)
            .map_err(|_| AccountsError::invalid("user id", id, "a name without control characters"))?;
        Ok(Self { spelling: id.into(), name })
    }

    /// Takes a name for a user who is about to be created.
    ///
    /// Only what is easy to type, in paths and on keyboards.
    ///
    /// # Errors
    /// [`NewIdError`], whose text is what clients of the provisioning API expect.
    pub fn for_new(id: &str) -> Result<Self, NewIdError> {
        if id.trim().is_empty() {
            return Err(NewIdError::Empty);
        }
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _.@-'".contains(&byte)) {
            return Err(NewIdError::Character);
        }
        if id.trim() != id {
            return Err(NewIdError::OuterBlank);
        }
        if has_only_dots(id) {
            return Err(NewIdError::Dots);
        }
        if id.ends_with('.') {
            return Err(NewIdError::LastDot);
        }
        if id.starts_with('@') || id.ends_with('@') {
            return Err(NewIdError::OuterAt);
        }
        if RESERVED.contains(&id.to_ascii_lowercase().as_str())
            || id.to_ascii_lowercase().starts_with("appdata_")
        {
            return Err(NewIdError::Reserved);
        }
        if ROUTE_WORDS.iter().any(|word| word.eq_ignore_ascii_case(id)) {
            return Err(NewIdError::RouteWord);
        }
        if id.len() > MAX_NEW_ID {
            return Err(NewIdError::TooLong);
        }
        Self::parse(id).map_err(|_| NewIdError::Character)
    }

    /// The id of a user who is known by canonical name only.
    pub fn from_canonical(name: CanonicalName) -> Self {
        Self { spelling: name.as_str().into(), name }
    }

    /// The spelling that was chosen.
    pub fn as_str(&self) -> &str {
        &self.spelling
    }

    /// The one form under which this user is known.
    pub const fn name(&self) -> &CanonicalName {
        &self.name
    }

    /// A stored id, which was parsed when it was written.
    pub(crate) fn stored(spelling: &str, name: &str) -> Result<Self, AccountsError> {
        match CanonicalName::parse(name) {
            Ok(parsed) if parsed.as_str() == name => Ok(Self { spelling: spelling.into(), name: parsed }),
            _ => Err(AccountsError::unreadable("a user's name is not in canonical form")),
        }
    }
}

/// Longest id of a new user, in bytes.
const MAX_NEW_ID: usize = 64;

/// Names that would collide with files of the PHP system in a data folder.
const RESERVED: &[&str] =
    &[".htaccess", "files_external", ".ocdata", "nextcloud.log", "owncloud.log", "__groupfolders"];

/// Words that stand in the place of an id in a route of the API.
///
/// A test of the server compares them with its routes.
const ROUTE_WORDS: &[&str] = &["details", "disabled", "recent"];

impl PartialEq for UserId {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for UserId {}

impl PartialOrd for UserId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UserId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(&other.name)
    }
}

impl Hash for UserId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.spelling)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

impl FromStr for UserId {
    type Err = AccountsError;

    fn from_str(id: &str) -> Result<Self, AccountsError> {
        Self::parse(id)
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.spelling)
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Why a text cannot become the id of a new user.
///
/// The texts are known to clients of the provisioning API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NewIdError {
    /// A character outside the list.
    #[error(r#"Only the following characters are allowed in a username: "a-z", "A-Z", "0-9", and "_.@-'""#)]
    Character,
    /// `.`, `..` and so on.
    #[error("Username must not consist of dots only")]
    Dots,
    /// Nothing, or only blanks.
    #[error("A valid username must be provided")]
    Empty,
    /// A dot at the end, which is read as the end of a sentence or dropped from a host name.
    #[error("Username must not end with a dot")]
    LastDot,
    /// An `@` at either end: half an address.
    #[error("Username must not begin or end with @")]
    OuterAt,
    /// A space at either end.
    #[error("Username contains whitespace at the beginning or at the end")]
    OuterBlank,
    /// A name that the system uses itself.
    #[error("Username is invalid because files already exist for this user")]
    Reserved,
    /// A word that stands in the place of an id in the addresses of the API.
    #[error("Username is a word that the addresses of this server use")]
    RouteWord,
    /// More than 64 bytes.
    #[error("Username must not be longer than 64 characters")]
    TooLong,
}

/// Whether browsers and file systems take the id for a folder, so that no address could name the
/// user.
pub(crate) fn has_only_dots(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_person_are_one_id() {
        let [typed, plain] = ["Frank", "frank"].map(|id| UserId::parse(id).unwrap());
        assert_eq!(typed, plain);
        assert_eq!((typed.as_str(), typed.name().as_str()), ("Frank", "frank"));
    }

    #[test]
    fn refusals_of_new_ids_have_their_documented_texts() {
        let errors: Vec<String> = [
            "",
            " ",
            "a\u{e9}",
            " a",
            "..",
            "a.",
            "@a",
            "a@",
            "@",
            ".htaccess",
            "Details",
            "x".repeat(65).as_str(),
        ]
        .map(|id| UserId::for_new(id).unwrap_err().to_string())
        .to_vec();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        A valid username must be provided
        A valid username must be provided
        Only the following characters are allowed in a username: "a-z", "A-Z", "0-9", and "_.@-'"
        Username contains whitespace at the beginning or at the end
        Username must not consist of dots only
        Username must not end with a dot
        Username must not begin or end with @
        Username must not begin or end with @
        Username must not begin or end with @
        Username is invalid because files already exist for this user
        Username is a word that the addresses of this server use
        Username must not be longer than 64 characters
        "#);
        assert!(UserId::for_new("o'Neil_x.y@example.com 2-").is_ok());
    }

    /// Each of these looks like `paul`, or like a part of it.
    #[test]
    fn t33_look_alike_letter_makes_no_new_account() {
        for id in [
            "p\u{430}ul",
            "\u{440}aul",
            "pau\u{406}",
            "p\u{3b1}ul",
            "\u{ff50}aul",
            "pa\u{200b}ul",
            "p\u{e4}ul",
            "\u{1d5c9}aul",
        ] {
            assert_eq!(UserId::for_new(id), Err(NewIdError::Character), "{id}");
        }
        assert!(UserId::for_new("paul").is_ok());
    }
}
