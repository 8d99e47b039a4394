//! A macro for types that hold a checked text.

/// A text type; `$check` returns the value to store.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes a text that can be one.
            ///
            /// # Errors
            /// [`AccountsError::Invalid`](crate::AccountsError::Invalid) when it cannot.
            pub fn parse(text: &str) -> Result<Self, crate::domain::error::AccountsError> {
                $check(text).map(Self)
            }

            /// The same; `None` for an empty text or white space.
            ///
            /// # Errors
            /// As [`Self::parse`].
            pub fn parse_optional(text: &str) -> Result<Option<Self>, crate::domain::error::AccountsError> {
                if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::domain::error::AccountsError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}
pub(crate) use text_type;
