//! Languages and locales.

use std::str::FromStr;

use crate::domain::error::AccountsError;

/// A language, such as `de_DE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language(String);

/// A locale, such as `de_AT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale(String);

impl Language {
    /// Takes a short word.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it is something else.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        word(text, "language").map(Self)
    }

    /// The same; an empty text is no language.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_optional(text: &str) -> Result<Option<Self>, AccountsError> {
        if text.is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }

    /// The language as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Locale {
    /// Takes a short word.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it is something else.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        word(text, "locale").map(Self)
    }

    /// The same; an empty text is no locale.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_optional(text: &str) -> Result<Option<Self>, AccountsError> {
        if text.is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }

    /// The locale as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Language {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        Self::parse(text)
    }
}

impl FromStr for Locale {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        Self::parse(text)
    }
}

fn word(text: &str, field: &'static str) -> Result<String, AccountsError> {
    let fits = (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err(AccountsError::invalid_text(field, text, "a short word")) }
}
