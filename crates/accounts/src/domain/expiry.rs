//! When a credential ends, as users write it.

use std::str::FromStr;
use std::time::Duration;

use time::{Date, Month};

use crate::domain::clock::Timestamp;
use crate::domain::error::AccountsError;

/// Expiry of a credential: a day, or a time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry(Form);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    After(Duration),
    At(Timestamp),
}

/// What can be written.
const EXPECTED: &str = "a day such as 2027-01-31, or a time such as 90d, 12h or 30m";

impl Expiry {
    /// The moment, which may have passed.
    pub fn seen_from(self, now: Timestamp) -> Timestamp {
        match self.0 {
            Form::After(duration) => now.after(duration),
            Form::At(at) => at,
        }
    }

    /// The moment, if it has not passed yet.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it has.
    pub fn in_future(self, now: Timestamp) -> Result<Timestamp, AccountsError> {
        let at = self.seen_from(now);
        if at > now {
            return Ok(at);
        }
        Err(AccountsError::invalid("expires", "a moment that has passed", "a moment in the future"))
    }
}

impl FromStr for Expiry {
    type Err = AccountsError;

    /// Reads a day, which ends when it begins in UTC, or a time from now.
    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let read = from_now(text).map(Form::After).or_else(|| day(text).map(Form::At));
        read.map(Self).ok_or_else(|| AccountsError::invalid_text("expires", text, EXPECTED))
    }
}

fn from_now(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1))?;
    let seconds = match unit {
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse::<u32>().ok())??;
    (number > 0).then(|| Duration::from_secs(u64::from(number) * seconds))
}

fn day(text: &str) -> Option<Timestamp> {
    let [year, month, day] = *text.split('-').collect::<Vec<_>>() else { return None };
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if (year.len(), month.len(), day.len()) != (4, 2, 2) || !is_digits {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    let begins = date.midnight().assume_utc();
    Some(Timestamp::from_millis(begins.unix_timestamp().saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_a_day_or_a_time_from_now() {
        let now = Timestamp::from_millis(1_000);
        let at = |text: &str| text.parse::<Expiry>().map(|end| end.seen_from(now).seconds());
        assert_eq!(at("2027-01-31"), Ok(1_801_353_600));
        assert_eq!(at("2028-02-29"), Ok(1_835_395_200));
        for (text, seconds) in [("90d", 7_776_000), ("12h", 43_200), ("30m", 1_800), ("2w", 1_209_600)] {
            assert_eq!(at(text), Ok(seconds + 1), "{text}");
        }
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "+1d",
            "1",
            "1y",
            "1.5d",
            "99999999999d",
            "2027-02-29",
            "2027-13-01",
            "2027-1-31",
            "31-01-2027",
            "2027-01-31T00:00:00",
            "+027-01-31",
            "never",
            "1ä",
        ] {
            let error = at(text).unwrap_err().to_string();
            assert!(error.contains("2027-01-31") && error.contains("90d"), "{text}: {error}");
        }
        let late =
            "2027-01-31".parse::<Expiry>().unwrap().in_future(Timestamp::from_millis(1_900_000_000_000));
        assert!(matches!(late, Err(AccountsError::Invalid { .. })), "{late:?}");
    }
}
