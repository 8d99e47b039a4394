//! Mail addresses.

use std::fmt;
use std::str::FromStr;

use crate::domain::error::AccountsError;

/// A plausible mail address, trimmed and in lower case.
///
/// Only a mail that arrives proves more than that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Takes what looks like `LOCAL@DOMAIN`.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it does not.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        let address = text.trim().to_lowercase();
        let fits = address.len() <= 254
            && !address
                .contains(|c: char| c.is_control() || c.is_whitespace() || "<>(),;:\\\"[]".contains(c))
            && address.split_once('@').is_some_and(|(local, domain)| {
                let label = |label: &str| {
                    !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
                };
                (1..=64).contains(&local.len())
                    && !local.starts_with('.')
                    && !local.ends_with('.')
                    && !local.contains("..")
                    && !domain.contains('@')
                    && domain.split('.').all(label)
            });
        if fits {
            Ok(Self(address))
        } else {
            Err(AccountsError::invalid_text("email", text, "a mail address"))
        }
    }

    /// The same; a blank text is no address.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_optional(text: &str) -> Result<Option<Self>, AccountsError> {
        if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmailAddress {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_trimmed_lower_case_and_plausible() {
        assert_eq!(EmailAddress::parse(" Frank@Example.COM ").unwrap().as_str(), "frank@example.com");
        assert!(EmailAddress::parse("o'neil+tag@localhost").is_ok());
        for text in
            ["", "frank", "@x", "a@", "a@b@c", "a b@c", "a@b..c", "a@-b.c", "a\r\nbcc:x@y", "<a@b>", ".a@b"]
        {
            assert!(EmailAddress::parse(text).is_err(), "{text}");
        }
    }
}
