//! Mail addresses.

use crate::domain::error::AccountsError;
use crate::domain::text_type::text_type;

text_type! {
    /// A plausible mail address, trimmed and in lower case. Only a mail that arrives proves more than that.
    EmailAddress, checked
}

/// Accepts what looks like `LOCAL@DOMAIN`.
fn checked(text: &str) -> Result<String, AccountsError> {
    let address = text.trim().to_lowercase();
    let fits = address.len() <= 254
        && !address.contains(|c: char| c.is_control() || c.is_whitespace() || "<>(),;:\\\"[]".contains(c))
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
    if fits { Ok(address) } else { Err(AccountsError::invalid_text("email", text, "a mail address")) }
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
