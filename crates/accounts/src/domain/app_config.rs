//! Ids of apps, and the keys and values of their configuration.

use std::fmt;

use zeroize::Zeroizing;

use crate::domain::error::AccountsError;
use crate::domain::profile_field::words;

words! {
    /// The type of a setting of an app, which no one but the command line checks.
    AppValueType ("type of a setting", "mixed, string, integer, float, boolean or array") {
        /// Not set.
        Mixed = "mixed",
        /// A text.
        String = "string",
        /// A whole number.
        Integer = "integer",
        /// A number.
        Float = "float",
        /// `1` or `0`.
        Boolean = "boolean",
        /// A list or a table, as JSON.
        Array = "array",
    }
}

/// A setting of an app: its value, and what is known about it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppSetting {
    /// The value.
    pub value: Zeroizing<String>,
    /// Its type.
    pub kind: AppValueType,
    /// It is rarely read; has no effect here.
    pub lazy: bool,
    /// It is a secret, which lists hide.
    pub sensitive: bool,
}

impl AppSetting {
    /// A value of which nothing is known.
    pub fn new(value: Zeroizing<String>) -> Self {
        Self { value, kind: AppValueType::Mixed, lazy: false, sensitive: false }
    }
}

impl fmt::Debug for AppSetting {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value: _, kind, lazy, sensitive } = self;
        let mut shown = f.debug_struct("AppSetting");
        shown.field("kind", kind).field("lazy", lazy).field("sensitive", sensitive).finish_non_exhaustive()
    }
}

/// An id or a key of configuration.
pub(crate) fn key(field: &'static str, key: &str) -> Result<(), AccountsError> {
    let fits =
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if fits { Ok(()) } else { Err(AccountsError::invalid(field, key, "1 to 255 bytes of printable ASCII")) }
}

/// A value: PostgreSQL has no text with NUL.
pub(crate) fn text(value: &str) -> Result<(), AccountsError> {
    let nul = value.contains('\0');
    if nul { Err(AccountsError::invalid("value", "a text with NUL", "a text without NUL")) } else { Ok(()) }
}
