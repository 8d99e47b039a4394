//! What a user or a group is called.

use std::str::FromStr;

use crate::domain::error::AccountsError;

/// What a user is called: at most 64 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Takes a name without the blanks around it.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it is blank, too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        let name = text.trim();
        let fits = !name.is_empty() && name.chars().count() <= 64 && !name.contains(char::is_control);
        if fits { Ok(Self(name.to_owned())) } else { Err(refused(name, "at most 64 characters on one line")) }
    }

    /// The same; a blank text is no name.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_optional(text: &str) -> Result<Option<Self>, AccountsError> {
        if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        Self::parse(text)
    }
}

/// What a group is called: at most 255 bytes on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDisplayName(String);

impl GroupDisplayName {
    /// Takes a name without the blanks around it.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it is blank, too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        let name = text.trim();
        let fits = (1..=255).contains(&name.len()) && !name.contains(char::is_control);
        if fits { Ok(Self(name.to_owned())) } else { Err(refused(name, "at most 255 bytes on one line")) }
    }

    /// The same; a blank text is no name.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_optional(text: &str) -> Result<Option<Self>, AccountsError> {
        if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupDisplayName {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        Self::parse(text)
    }
}

fn refused(name: &str, expected: &'static str) -> AccountsError {
    AccountsError::invalid_text("display name", name, expected)
}
