//! Formats user agents and timestamps for people.

use std::fmt;

use accounts::Timestamp;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

/// A timestamp in UTC: reader and server may be in different time zones.
#[derive(Clone, Copy, Debug)]
pub(super) struct DateTimeDisplay(pub(super) Timestamp);

impl DateTimeDisplay {
    /// The form for programs (`datetime` of HTML).
    pub(super) fn machine(&self) -> String {
        self.written(format_description!("[year]-[month]-[day]T[hour]:[minute]Z"))
    }

    fn written(self, form: &[FormatItem<'_>]) -> String {
        let moment = OffsetDateTime::from_unix_timestamp(self.0.seconds());
        moment.ok().and_then(|moment| moment.format(form).ok()).unwrap_or_else(|| "unknown".to_owned())
    }
}

impl fmt::Display for DateTimeDisplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(format_description!("[year]-[month]-[day] [hour]:[minute] UTC")))
    }
}

/// The browser and system of a user agent. Browsers pretend to be others, so the order matters.
pub(super) fn browser(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    let name = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Vivaldi/", "Vivaldi"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Chromium/", "Chromium"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(word), None) | (None, Some(word)) => word.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_by_their_names() {
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.0", "curl"),
            ("<script>", "Unknown browser"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser(agent), expected);
        }
    }

    #[test]
    fn moments_have_two_forms() {
        let when = DateTimeDisplay(Timestamp::from_millis(1_795_329_173_999));
        assert_eq!(
            (when.to_string().as_str(), when.machine().as_str()),
            ("2026-11-22 06:32 UTC", "2026-11-22T06:32Z")
        );
        assert_eq!(DateTimeDisplay(Timestamp::from_millis(i64::MAX)).to_string(), "unknown");
    }
}
