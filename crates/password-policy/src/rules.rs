//! The rules that look at a password alone.
//!
//! Classes of characters are ASCII's, as in the PHP application: digits and capitals must be those
//! on every keyboard. Length is not: a code point is one character (NIST SP 800-63B-4).

use serde::Serialize;

use crate::limits::MAX_PASSWORD_BYTES;
use crate::violation::Violation;

/// The effective rules of profile and settings.
///
/// Serializes to what the capabilities of the provisioning API list for a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Rules {
    /// Minimum number of code points.
    pub min_length: usize,
    /// Not in a list of breached passwords.
    ///
    /// True only with a range source.
    pub enforce_have_i_been_pwned: bool,
    /// Not on the list of common passwords.
    pub enforce_non_common_password: bool,
    /// At least one ASCII digit.
    pub enforce_numeric_characters: bool,
    /// At least one character that is no ASCII letter or digit.
    pub enforce_special_characters: bool,
    /// At least one small and one capital ASCII letter.
    pub enforce_upper_lower_case: bool,
    /// No context words of the user.
    pub enforce_no_context_words: bool,
}

/// Limits of every policy: blank and too long passwords.
pub(crate) fn hard_limits(password: &str) -> Option<Violation> {
    // White space and NUL, as the PHP application trims them; every kind of white space, where it
    // knows ASCII's only.
    if password.trim_matches(|c: char| c.is_whitespace() || c == '\0').is_empty() {
        return Some(Violation::Blank);
    }
    (password.len() > MAX_PASSWORD_BYTES).then_some(Violation::TooLong)
}

impl Rules {
    pub(crate) fn length(&self, password: &str) -> Option<Violation> {
        let short = password.chars().count() < self.min_length;
        short.then_some(Violation::TooShort { minimum: self.min_length })
    }

    pub(crate) fn numeric(&self, password: &str) -> Option<Violation> {
        let missing = self.enforce_numeric_characters && !password.bytes().any(|b| b.is_ascii_digit());
        missing.then_some(Violation::NoNumericCharacter)
    }

    pub(crate) fn upper_lower(&self, password: &str) -> Option<Violation> {
        let both = || {
            password.bytes().any(|b| b.is_ascii_uppercase())
                && password.bytes().any(|b| b.is_ascii_lowercase())
        };
        (self.enforce_upper_lower_case && !both()).then_some(Violation::NoUpperLowerCase)
    }

    pub(crate) fn special(&self, password: &str) -> Option<Violation> {
        let missing = self.enforce_special_characters && password.bytes().all(|b| b.is_ascii_alphanumeric());
        missing.then_some(Violation::NoSpecialCharacter)
    }
}
