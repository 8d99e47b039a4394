//! Mail addresses.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use url::Host;

use crate::domain::error::AccountsError;
use crate::domain::hidden_character::is_hidden;
use crate::domain::text_type::text_type;

text_type! {
    /// A plausible mail address, trimmed and in lower case.
    ///
    /// Only a mail that arrives proves more than that.
    EmailAddress, visible
}

impl EmailAddress {
    /// An address that was stored before hidden characters were refused.
    pub(crate) fn stored(text: &str) -> Result<Self, AccountsError> {
        checked(text).map(Self)
    }

    /// The form for comparisons: folded compatibility characters, domain in ASCII.
    ///
    /// Mail is sent to the address as it was written. Two addresses with one canonical form are one
    /// address to this program, so that no look-alike spelling of a confirmed address can be
    /// confirmed beside it.
    pub fn canonical(&self) -> Cow<'_, str> {
        if self.0.is_ascii() {
            return Cow::Borrowed(&self.0);
        }
        let folded = self.0.nfkc().collect::<String>().to_lowercase().nfkc().collect::<String>();
        let Some((local, domain)) = folded.rsplit_once('@') else { return Cow::Owned(folded) };
        match Host::parse(domain) {
            Ok(Host::Domain(ascii)) => Cow::Owned(format!("{local}@{ascii}")),
            _ => Cow::Owned(folded),
        }
    }
}

/// The same without characters that no reader sees: two addresses would look like one.
fn visible(text: &str) -> Result<String, AccountsError> {
    match text.trim().contains(is_hidden) {
        true => {
            Err(AccountsError::invalid_text("email", text, "a mail address without invisible characters"))
        }
        false => checked(text),
    }
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

    #[test]
    fn invisible_character_is_refused_unless_it_is_stored() {
        for text in [
            "uni\u{200b}@x.test",
            "u\u{ad}ni@x.test",
            "uni@x\u{2060}.test",
            "\u{202e}uni@x.test",
            "ы\u{200d}ы@x.test",
        ] {
            let error = EmailAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains("without invisible characters"), "{text:?}: {error}");
            assert!(EmailAddress::stored(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn spellings_of_one_address_have_one_canonical_form() {
        let canonical = |text: &str| EmailAddress::parse(text).unwrap().canonical().into_owned();
        for (typed, expected) in [
            ("Frank@Example.COM", "frank@example.com"),
            ("\u{ff46}rank@example.com", "frank@example.com"),
            ("FRAN\u{212a}@example.com", "frank@example.com"),
            ("\u{fb01}n@example.com", "fin@example.com"),
            ("frank@b\u{fc}cher.example", "frank@xn--bcher-kva.example"),
            ("frank@bu\u{308}cher.example", "frank@xn--bcher-kva.example"),
            ("frank@xn--bcher-kva.example", "frank@xn--bcher-kva.example"),
            ("frank@example\u{3002}com", "frank@example.com"),
            ("zoe\u{308}@example.com", "zo\u{eb}@example.com"),
        ] {
            assert_eq!(canonical(typed), expected, "{typed}");
        }
        // Another letter is another mailbox, however alike the two look.
        assert_ne!(canonical("fr\u{430}nk@example.com"), canonical("frank@example.com"));
    }
}
