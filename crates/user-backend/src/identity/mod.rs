//! Login names and their canonical form.
//!
//! One canonicaliser serves cache, throttle, pins and storage, so that `Alice`, `alice` and `ＡＬＩＣＥ`
//! are one user everywhere. It is the `UsernameCaseMapped` profile of PRECIS (RFC 8265, section
//! 3.3): width mapping, lower case, NFC, and a refusal of confusable characters (controls,
//! zero-width joiners, bidi overrides).
//!
//! ```
//! use user_backend::LoginName;
//!
//! let name = LoginName::parse("ＡＬＩＣＥ")?;
//! assert_eq!(name.canonical().as_str(), "alice");
//! assert!(LoginName::parse("al\u{200b}ice").is_err(), "an invisible character");
//! # Ok::<(), user_backend::identity::NameError>(())
//! ```

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

use crate::ascii::{has_upper_case, is_graphic};

/// Longest login name that is taken, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 255;

/// Longest backend id that is taken, in bytes.
pub const MAX_ID_BYTES: usize = 128;

/// The stable name of one configured backend.
///
/// It appears in pins, caches, traces, metrics and error texts.
///
/// Between 1 and [`MAX_ID_BYTES`] bytes of printable ASCII without blanks, quotes or backslashes.
/// Cheap to clone: up to 23 bytes are copied, so that threads do not fight over a counter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendId(SmolStr);

impl BackendId {
    /// Checks and takes an id.
    ///
    /// # Errors
    /// [`IdError`] when it is empty, too long, or has a character that is not allowed.
    pub fn parse(id: &str) -> Result<Self, IdError> {
        if id.is_empty() {
            return Err(IdError::Empty);
        }
        if id.len() > MAX_ID_BYTES {
            return Err(IdError::TooLong { bytes: id.len() });
        }
        match id.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '\\' | '`')) {
            Some(found) => Err(IdError::Character { found }),
            None => Ok(Self(id.into())),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for BackendId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BackendId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Box::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl FromStr for BackendId {
    type Err = IdError;

    /// See [`Self::parse`].
    fn from_str(id: &str) -> Result<Self, IdError> {
        Self::parse(id)
    }
}

/// Why a text cannot be a backend id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdError {
    /// Nothing was given.
    #[error("a backend id cannot be empty")]
    Empty,
    /// More than [`MAX_ID_BYTES`] bytes.
    #[error("a backend id has at most {MAX_ID_BYTES} bytes, this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A space, a quote, a backslash, or something outside printable ASCII.
    #[error("a backend id cannot contain {found:?}")]
    Character {
        /// The first such character.
        found: char,
    },
}

/// A login name as typed: validated, not changed.
///
/// Holding one means: not empty, at most [`MAX_NAME_BYTES`] bytes, no control character, no space
/// at either end, and a [`CanonicalName`] exists for it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LoginName {
    typed: Box<str>,
    canonical: CanonicalName,
}

impl LoginName {
    /// Checks a typed name and finds its canonical form.
    ///
    /// # Errors
    /// [`NameError`]; such a name is refused before any backend is asked.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        let canonical = CanonicalName::parse(typed)?;
        Ok(Self { typed: typed.into(), canonical })
    }

    /// The name exactly as typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The name to send to a server.
    ///
    /// As typed if that differs from the canonical form by ASCII letter case only, else the
    /// canonical form. Some servers distinguish full-width or decomposed letters, which are one
    /// user here.
    pub fn spelling(&self) -> &str {
        match self.typed.eq_ignore_ascii_case(self.canonical.as_str()) {
            true => &self.typed,
            false => self.canonical.as_str(),
        }
    }

    /// The canonical form.
    pub fn canonical(&self) -> &CanonicalName {
        &self.canonical
    }

    /// The address in a name without an `@`, in which a program wrote `%40` for it.
    pub fn with_escaped_at(&self) -> Option<Self> {
        let spelled = self.spelling();
        let is_meant = spelled.contains("%40") && !spelled.contains('@');
        is_meant.then(|| Self::parse(&spelled.replace("%40", "@")).ok()).flatten()
    }
}

impl FromStr for LoginName {
    type Err = NameError;

    /// See [`Self::parse`].
    fn from_str(typed: &str) -> Result<Self, NameError> {
        Self::parse(typed)
    }
}

impl fmt::Debug for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.typed)
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

/// The canonical form of a login name: lower case, normal width, NFC.
///
/// Canonicalising it again changes nothing. Cheap to clone, as [`BackendId`] is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalName(SmolStr);

impl CanonicalName {
    /// Checks a name and brings it into canonical form.
    ///
    /// # Errors
    /// [`NameError`] when no canonical form exists.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        if typed.is_empty() {
            return Err(NameError::Empty);
        }
        if typed.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong { bytes: typed.len() });
        }
        if typed.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        if typed.starts_with(char::is_whitespace) || typed.ends_with(char::is_whitespace) {
            return Err(NameError::OuterBlank);
        }
        // RFC 8265 section 3.1: a name is one or more parts with single blanks between them.
        if typed.contains("  ") {
            return Err(NameError::Unsupported);
        }
        if typed.is_ascii() {
            return Ok(Self(typed.to_ascii_lowercase().into()));
        }
        let mut canonical = Self::pass(typed)?;
        // RFC 8265 section 3.3.1: a few code points need the rules twice or three times to settle.
        for _ in 0..3 {
            let again = Self::pass(&canonical)?;
            if again == canonical {
                return if canonical.len() <= MAX_NAME_BYTES {
                    Ok(Self(canonical.into()))
                } else {
                    Err(NameError::TooLong { bytes: canonical.len() })
                };
            }
            canonical = again;
        }
        Err(NameError::Unsupported)
    }

    /// Calls `use_it` with the canonical form, without allocating for ASCII names.
    ///
    /// Nearly all names are in ASCII.
    #[inline]
    pub(crate) fn with_canonical<T>(typed: &str, use_it: impl FnOnce(&str) -> T) -> Result<T, NameError> {
        if typed.is_empty() || typed.len() > MAX_NAME_BYTES || !is_graphic(typed) {
            return Self::parse(typed).map(|name| use_it(name.as_str()));
        }
        if !has_upper_case(typed) {
            return Ok(use_it(typed));
        }
        let mut buffer = [0_u8; MAX_NAME_BYTES];
        let lower = buffer.get_mut(..typed.len()).unwrap_or_default();
        lower.copy_from_slice(typed.as_bytes());
        lower.make_ascii_lowercase();
        match std::str::from_utf8(lower) {
            Ok(lower) => Ok(use_it(lower)),
            Err(_) => Err(NameError::Unsupported),
        }
    }

    fn pass(name: &str) -> Result<String, NameError> {
        let mut parts = Vec::new();
        for part in name.split(' ') {
            parts.push(UsernameCaseMapped::enforce(part).map_err(|_| NameError::Unsupported)?);
        }
        Ok(parts.join(" "))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts before and after the only `@`, or `None` when there is not exactly one.
    pub fn split_domain(&self) -> Option<(&str, &str)> {
        self.0.split_once('@').filter(|(_, domain)| !domain.contains('@'))
    }
}

impl Borrow<str> for CanonicalName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CanonicalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

impl fmt::Display for CanonicalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for CanonicalName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Brings what is read into canonical form.
impl<'de> Deserialize<'de> for CanonicalName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Box::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl FromStr for CanonicalName {
    type Err = NameError;

    /// See [`Self::parse`].
    fn from_str(typed: &str) -> Result<Self, NameError> {
        Self::parse(typed)
    }
}

/// Why a text is not a valid login name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing was typed.
    #[error("the login name is empty")]
    Empty,
    /// More than [`MAX_NAME_BYTES`] bytes.
    #[error("the login name has {bytes} bytes, at most {MAX_NAME_BYTES} are taken")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A control character, NUL and line ends among them.
    #[error("the login name has a control character")]
    Control,
    /// It begins or ends with a space.
    #[error("the login name begins or ends with a blank")]
    OuterBlank,
    /// A character that login names exclude (RFC 8264, section 8), such as an invisible one.
    #[error("the login name has a character that is not allowed in names")]
    Unsupported,
}

#[cfg(test)]
mod tests;
