//! Formats timestamps and parses expiry times.
//!
//! All times are UTC.

use accounts::{AccountsError, Expiry, Timestamp};
use time::OffsetDateTime;
use time::macros::format_description;

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

/// Reads when something ends.
pub(crate) fn end(text: &str) -> Result<Expiry, String> {
    text.parse().map_err(|error| match error {
        AccountsError::Invalid { expected, .. } => format!("expected {expected}"),
        error => error.to_string(),
    })
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
}
