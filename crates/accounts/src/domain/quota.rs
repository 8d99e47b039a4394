//! How much a user may store.

use std::fmt;
use std::str::FromStr;

use crate::domain::error::AccountsError;

/// How much a user may store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quota {
    /// The default of the installation.
    #[default]
    Default,
    /// As much as there is.
    Unlimited,
    /// That many bytes.
    Bytes(u64),
}

/// How the column says "unlimited", and the provisioning API too.
const UNLIMITED: i64 = -3;

impl Quota {
    pub(crate) fn stored(column: Option<i64>) -> Self {
        match column {
            None => Self::Default,
            Some(bytes) => u64::try_from(bytes).map_or(Self::Unlimited, Self::Bytes),
        }
    }

    pub(crate) fn column(self) -> Option<i64> {
        match self {
            Self::Default => None,
            Self::Unlimited => Some(UNLIMITED),
            Self::Bytes(bytes) => Some(i64::try_from(bytes).unwrap_or(i64::MAX)),
        }
    }

    /// `none`, `default`, or a size with a unit: `5 GB`, factor 1024, a decimal from MB on.
    ///
    /// A size that would be read back as another one is a number of bytes.
    pub fn to_human(self) -> String {
        let Self::Bytes(bytes) = self else { return self.to_string() };
        #[allow(clippy::cast_precision_loss, reason = "what is lost is found out below")]
        let mut size = bytes as f64;
        let mut unit = "B";
        for larger in ["KB", "MB", "GB", "TB", "PB"] {
            if size < 1024.0 {
                break;
            }
            (size, unit) = (size / 1024.0, larger);
        }
        let decimals = if matches!(unit, "B" | "KB") { 1.0 } else { 10.0 };
        let text = format!("{} {unit}", (size * decimals).round() / decimals);
        if text.parse().is_ok_and(|read: Self| read == self) { text } else { bytes.to_string() }
    }
}

impl FromStr for Quota {
    type Err = AccountsError;

    /// Parses `none`, `default`, bytes, or a number with a unit.
    ///
    /// For example `5 GB` or `1.5g`; the factor is 1024.
    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let refused = || AccountsError::invalid("quota", text, "none, default, or a size such as 5 GB");
        match text.trim().to_ascii_lowercase().as_str() {
            "default" => return Ok(Self::Default),
            "none" => return Ok(Self::Unlimited),
            _ => {}
        }
        let digits = text.trim();
        let unit_at = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let (number, unit) = digits.split_at(unit_at);
        let power = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" => 1,
            "m" | "mb" => 2,
            "g" | "gb" => 3,
            "t" | "tb" => 4,
            "p" | "pb" => 5,
            _ => return Err(refused()),
        };
        let factor = 1024_u64.pow(power);
        if let Ok(whole) = number.parse::<u64>() {
            let bytes = whole.checked_mul(factor).filter(|bytes| i64::try_from(*bytes).is_ok());
            return bytes.map(Self::Bytes).ok_or_else(refused);
        }
        let number: f64 = number.parse().map_err(|_| refused())?;
        #[allow(clippy::cast_precision_loss, reason = "powers of 1024 are exact")]
        let bytes = (number * factor as f64).round();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
        if bytes.is_finite() && (0.0..9e18).contains(&bytes) {
            Ok(Self::Bytes(bytes as u64))
        } else {
            Err(refused())
        }
    }
}

/// `none`, `default`, or a number of bytes.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Unlimited => f.write_str("none"),
            Self::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_for_people_is_read_back_as_the_same() {
        for (quota, text) in [
            (Quota::Unlimited, "none"),
            (Quota::Default, "default"),
            (Quota::Bytes(0), "0 B"),
            (Quota::Bytes(1023), "1023 B"),
            (Quota::Bytes(10 << 10), "10 KB"),
            (Quota::Bytes((10 << 10) + 1), "10241"),
            (Quota::Bytes(3 << 29), "1.5 GB"),
            (Quota::Bytes(5 << 30), "5 GB"),
            (Quota::Bytes(5_000_000_000), "5000000000"),
            (Quota::Bytes(2 << 50), "2 PB"),
            (Quota::Bytes(3000 << 50), "3000 PB"),
            (Quota::Bytes(u64::MAX >> 1), "9223372036854775807"),
        ] {
            assert_eq!(quota.to_human(), text);
            assert_eq!(text.parse::<Quota>().unwrap(), quota, "{text}");
        }
    }

    #[test]
    fn quota_is_read_as_people_write_it() {
        for (text, quota) in [
            ("none", Quota::Unlimited),
            ("Default", Quota::Default),
            ("0", Quota::Bytes(0)),
            ("5 GB", Quota::Bytes(5 << 30)),
            ("1.5g", Quota::Bytes(3 << 29)),
            ("10k", Quota::Bytes(10 << 10)),
            ("2 PB", Quota::Bytes(2 << 50)),
        ] {
            assert_eq!(text.parse::<Quota>().unwrap(), quota, "{text}");
        }
        for text in
            ["", "abc", "5XB", "-1", "-5 MB", "1e3", "1.2.3", "9000000 PB", "9999999999999999999999", "GB"]
        {
            assert!(text.parse::<Quota>().is_err(), "{text}");
        }
    }
}
