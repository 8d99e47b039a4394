//! Formats timestamps and parses expiry times. All times are UTC.

use std::time::Duration;

use accounts::Timestamp;
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime};

/// `2026-11-22T06:32:53+00:00` (ISO 8601), the form for scripts.
pub(crate) fn iso(at: Timestamp) -> String {
    let form = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]"
    );
    shown(at, form)
}

/// The same, or `never`.
pub(crate) fn iso_or_never(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), iso)
}

/// `22.11.2026 06:32`.
pub(crate) fn dotted(at: Timestamp) -> String {
    shown(at, format_description!("[day].[month].[year] [hour]:[minute]"))
}

/// An expiry: a point in time, or a duration from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    After(Duration),
    At(Timestamp),
}

impl End {
    /// The point in time.
    pub(crate) fn seen_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::After(duration) => now.after(duration),
            Self::At(at) => at,
        }
    }
}

/// Parses a day (the expiry is its beginning in UTC) or a duration from now.
pub(crate) fn end(text: &str) -> Result<End, String> {
    let wrong = || "expected a day such as 2027-01-31, or a time such as 90d, 12h or 30m".to_owned();
    if let Some(at) = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
        let seconds = match unit {
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            "w" => 7 * 24 * 60 * 60,
            _ => return None,
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| number.parse::<u32>().ok()).flatten().map(|number| u64::from(number) * seconds)
    }) {
        return if at > 0 { Ok(End::After(Duration::from_secs(at))) } else { Err(wrong()) };
    }
    let [year, month, day] = *text.split('-').collect::<Vec<_>>() else { return Err(wrong()) };
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if (year.len(), month.len(), day.len()) != (4, 2, 2) || !is_digits {
        return Err(wrong());
    }
    let number = |text: &str| text.parse::<u16>().map_err(|_| wrong());
    let month = u8::try_from(number(month)?).ok().and_then(|month| Month::try_from(month).ok());
    let date = month
        .zip(u8::try_from(number(day)?).ok())
        .and_then(|(month, day)| Date::from_calendar_date(number(year).ok()?.into(), month, day).ok());
    let begins = date.ok_or_else(wrong)?.midnight().assume_utc();
    Ok(End::At(Timestamp::from_millis(begins.unix_timestamp().saturating_mul(1000))))
}

fn shown(at: Timestamp, form: &[time::format_description::FormatItem<'_>]) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.seconds());
    moment.ok().and_then(|moment| moment.format(form).ok()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_has_its_documented_formats() {
        let at = Timestamp::from_millis(1_795_329_173_999);
        assert_eq!(
            (iso(at).as_str(), dotted(at).as_str()),
            ("2026-11-22T06:32:53+00:00", "22.11.2026 06:32")
        );
        assert_eq!(iso_or_never(None), "never");
        assert_eq!(iso(Timestamp::from_millis(i64::MAX)), "unknown");
    }

    #[test]
    fn expiry_is_a_day_or_a_duration() {
        let now = Timestamp::from_millis(1_000);
        let at = |text: &str| end(text).map(|end| iso(end.seen_from(now)));
        assert_eq!(at("2027-01-31").as_deref(), Ok("2027-01-31T00:00:00+00:00"));
        assert_eq!(at("2028-02-29").as_deref(), Ok("2028-02-29T00:00:00+00:00"));
        for (text, seconds) in [("90d", 7_776_000), ("12h", 43_200), ("30m", 1_800), ("2w", 1_209_600)] {
            assert_eq!(end(text), Ok(End::After(Duration::from_secs(seconds))), "{text}");
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
            let error = end(text).unwrap_err();
            assert!(error.contains("2027-01-31") && error.contains("90d"), "{text}: {error}");
        }
    }
}
