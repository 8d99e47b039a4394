//! Why a password is refused: every rule as data, and the text for users.
//!
//! The texts are those of the PHP application, letter by letter: clients and scripts compare them.

use std::error::Error;
use std::fmt;

use crate::context::ContextField;
use crate::limits::MAX_PASSWORD_BYTES;

/// One rule that a password breaks.
///
/// `Display` is the text for users.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// Nothing, or nothing but white space.
    Blank,
    /// More than [`MAX_PASSWORD_BYTES`] bytes.
    TooLong,
    /// On the list of common passwords.
    Common,
    /// Fewer code points than required.
    TooShort {
        /// The required number.
        minimum: usize,
    },
    /// No ASCII digit.
    NoNumericCharacter,
    /// No ASCII capital, or no ASCII small letter.
    NoUpperLowerCase,
    /// Nothing but ASCII letters and digits.
    NoSpecialCharacter,
    /// In the collection of breached passwords.
    Breached,
    /// Contains a context word of the user.
    ContextWord {
        /// The context field.
        field: ContextField,
    },
    /// One of the earlier passwords of this user.
    RecentlyUsed,
}

impl Violation {
    /// A stable name for programs: metrics, translated texts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::TooLong => "too_long",
            Self::Common => "common",
            Self::TooShort { .. } => "too_short",
            Self::NoNumericCharacter => "no_numeric_character",
            Self::NoUpperLowerCase => "no_upper_lower_case",
            Self::NoSpecialCharacter => "no_special_character",
            Self::Breached => "breached",
            Self::ContextWord { .. } => "context_word",
            Self::RecentlyUsed => "recently_used",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("A valid password must be provided"),
            Self::TooLong => {
                write!(f, "Password is too long. Maximum allowed length is {MAX_PASSWORD_BYTES} characters.")
            }
            Self::Common => {
                f.write_str("Password is among the 1,000,000 most common ones. Please make it unique.")
            }
            Self::TooShort { minimum } => {
                write!(f, "Password needs to be at least {minimum} characters long.")
            }
            Self::NoNumericCharacter => {
                f.write_str("Password needs to contain at least one numeric character.")
            }
            Self::NoUpperLowerCase => {
                f.write_str("Password needs to contain at least one lower and one upper case character.")
            }
            Self::NoSpecialCharacter => {
                f.write_str("Password needs to contain at least one special character.")
            }
            Self::Breached => f.write_str(
                "Password is present in compromised password list. Please choose a different password.",
            ),
            Self::ContextWord { field } => write!(f, "Password must not contain {field}."),
            Self::RecentlyUsed => f.write_str("Password must not have been used recently before."),
        }
    }
}

/// Every rule that a password breaks, in the order of the rules; never empty.
///
/// `Display` joins the texts with one space: that is the message and the hint of the provisioning
/// API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// `Err` with all violations, `Ok` if there are none.
    pub(crate) fn none_of(found: Vec<Violation>) -> Result<(), Self> {
        if found.is_empty() { Ok(()) } else { Err(Self(found)) }
    }

    /// The broken rules in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }

    /// Whether this rule is among them.
    pub fn contains(&self, violation: &Violation) -> bool {
        self.0.contains(violation)
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            violation.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for Violations {}
