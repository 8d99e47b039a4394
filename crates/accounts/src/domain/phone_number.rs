//! Phone numbers: typed forms, and the international form (E.164) for comparisons.

use std::fmt;
use std::str::FromStr;

use phonenumber::Mode;
use phonenumber::country;
use serde::{Deserialize, Deserializer};

use crate::domain::error::AccountsError;

/// How many digits a number in E.164 has, with the code of its country.
const INTERNATIONAL: std::ops::RangeInclusive<usize> = 7..=15;

/// How many digits a national number may have.
const NATIONAL: std::ops::RangeInclusive<usize> = 3..=15;

/// The region of a telephone numbering plan, such as `DE`.
///
/// Numbers without a country code are read as numbers of this region.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PhoneRegion(country::Id);

impl FromStr for PhoneRegion {
    type Err = AccountsError;

    /// Two letters of a country (ISO 3166-1), in any case.
    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let known = (text.len() == 2).then(|| text.to_ascii_uppercase().parse().ok()).flatten();
        known.map(Self).ok_or_else(|| {
            AccountsError::invalid("region", text, "the two letters of a country, such as \"DE\"")
        })
    }
}

impl<'de> Deserialize<'de> for PhoneRegion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |_| {
            format!("invalid value: string {text:?}, expected the two letters of a country, such as \"DE\"")
        };
        text.parse().map_err(wrong).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for PhoneRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

/// A number in E.164, such as `+4971125242890`, or `None` if it is not one.
///
/// Without a region only numbers that begin with `+` and the code of their country are known. The
/// length is checked, but not whether the number has been assigned: tables of that are out of date
/// before they are delivered.
pub fn international_phone_number(text: &str, region: Option<PhoneRegion>) -> Option<String> {
    let text = text.trim();
    if !is_written_as_number(text) {
        return None;
    }
    let number = phonenumber::parse(region.map(|region| region.0), text).ok()?;
    let number = number.format().mode(Mode::E164).to_string();
    let digits = number.strip_prefix('+')?;
    let fits = INTERNATIONAL.contains(&digits.len()) && !digits.starts_with('0');
    (fits && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some(number)
}

/// A phone number as it is stored: in E.164, or as typed where its country is unknown.
///
/// `None` if it is not one.
pub(crate) fn stored_phone_number(text: &str, region: Option<PhoneRegion>) -> Option<String> {
    let typed = text.trim();
    let is_national = || {
        let digits = typed.bytes().filter(u8::is_ascii_digit).count();
        region.is_none()
            && !typed.starts_with('+')
            && is_written_as_number(typed)
            && NATIONAL.contains(&digits)
    };
    international_phone_number(typed, region).or_else(|| is_national().then(|| typed.to_owned()))
}

/// Digits and what people put between them.
///
/// Letters, such as those of an extension, would be lost.
fn is_written_as_number(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    rest.chars().all(|found| found.is_ascii_digit() || " -/.()\u{a0}".contains(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(text: &str) -> Option<PhoneRegion> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    #[test]
    fn numbers_become_international() {
        for (text, typed_in, expected) in [
            ("+49 711 / 25 24 28-90", "", Some("+4971125242890")),
            ("+49 (0)711 252428-90", "", Some("+4971125242890")),
            ("+49 (0) 209 12345", "", Some("+4920912345")),
            ("+39 06 12345678", "", Some("+390612345678")),
            ("+1 (555) 010-9999", "", Some("+15550109999")),
            ("0711 / 252 428-90", "DE", Some("+4971125242890")),
            ("0049 711/25 24 28-92", "DE", Some("+4971125242892")),
            ("+49 711 / 25 24 28-90", "US", Some("+4971125242890")),
            ("011 49 711 25242890", "US", Some("+4971125242890")),
            ("0123 / 456 789", "DE", Some("+49123456789")),
            ("0123 / 456 789", "FR", Some("+33123456789")),
            ("0711 123", "", None),
            ("+", "", None),
            ("+12", "", None),
            ("+49 711 x", "", None),
            ("0711 123 ext. 5", "DE", None),
            ("tel:+49-711-123456", "", None),
            ("+0123456789", "", None),
            ("+999 123456", "", None),
            ("+1234567890123456", "", None),
            ("", "DE", None),
        ] {
            let found = international_phone_number(text, region(typed_in));
            assert_eq!(found.as_deref(), expected, "{text} in {typed_in:?}");
        }
    }

    #[test]
    fn national_number_without_a_region_is_kept_as_typed() {
        for (text, typed_in, expected) in [
            (" 0123 / 456 789 ", "", Some("0123 / 456 789")),
            ("0123 / 456 789", "DE", Some("+49123456789")),
            ("12", "", None),
            ("+12", "", None),
            ("0711 x", "", None),
            ("1234567890123456", "", None),
            ("12", "DE", None),
        ] {
            let found = stored_phone_number(text, region(typed_in));
            assert_eq!(found.as_deref(), expected, "{text} in {typed_in:?}");
        }
    }

    #[test]
    fn regions_are_countries_in_two_letters() {
        for text in ["DE", "de", "GB", "US"] {
            assert!(text.parse::<PhoneRegion>().is_ok(), "{text}");
        }
        for text in ["", "D", "xx", "ZZ", "DEU", "Germany", "+49", "\u{e9}"] {
            assert!(text.parse::<PhoneRegion>().is_err(), "{text}");
        }
    }
}
