//! Formats user agents, timestamps and waits for people.

use std::time::Duration;

use accounts::{Clock, Timestamp};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::language::PageLanguage;

/// A moment, as a page shows it: how long ago, and exactly.
///
/// A script writes the exact one in the reader's time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShownTime {
    /// The form for programs (`datetime` of HTML).
    pub(super) machine: String,
    /// In UTC: reader and server may be in different time zones.
    pub(super) exact: String,
    /// Such as `5 minutes ago`; the exact time for one that is to come.
    pub(super) ago: String,
}

impl ShownTime {
    pub(super) fn of(language: PageLanguage, at: Timestamp) -> Self {
        Self::seen_at(language, at, Clock::system().now())
    }

    fn seen_at(language: PageLanguage, at: Timestamp, now: Timestamp) -> Self {
        let exact = written(at, format_description!("[year]-[month]-[day] [hour]:[minute] UTC"));
        let ago = if at > now { exact.clone() } else { ago(language, at.until(now)) };
        Self {
            machine: written(at, format_description!("[year]-[month]-[day]T[hour]:[minute]Z")),
            exact,
            ago,
        }
    }
}

fn written(at: Timestamp, form: &[FormatItem<'_>]) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.seconds());
    moment.ok().and_then(|moment| moment.format(form).ok()).unwrap_or_else(|| "?".to_owned())
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn ago(language: PageLanguage, time: Duration) -> String {
    let count = |id: &str, n: u64| language.text_with(id, &[("n", n.into())]);
    match time.as_secs() {
        ..MINUTE => language.text("ago-now"),
        seconds @ MINUTE..HOUR => count("ago-minutes", seconds / MINUTE),
        seconds @ HOUR..DAY => count("ago-hours", seconds / HOUR),
        seconds => count("ago-days", seconds / DAY),
    }
}

/// How long to wait, in whole units, rounded up.
pub(super) fn wait(language: PageLanguage, time: Duration) -> String {
    let count = |id: &str, n: u64| language.text_with(id, &[("n", n.into())]);
    match whole_seconds(time) {
        seconds @ ..MINUTE => count("wait-seconds", seconds),
        seconds if seconds <= 90 * MINUTE => count("wait-minutes", seconds.div_ceil(MINUTE)),
        seconds => count("wait-hours", seconds.div_ceil(HOUR)),
    }
}

/// Whole seconds to wait, at least one.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
}

/// The browser and system of a user agent.
///
/// Browsers pretend to be others, so the order matters.
pub(super) fn browser(language: PageLanguage, agent: &str) -> String {
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
        (Some(name), Some(system)) => {
            language.text_with("browser-on", &[("browser", name.into()), ("system", system.into())])
        }
        (Some(word), None) | (None, Some(word)) => word.to_owned(),
        (None, None) => language.text("unknown-browser"),
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
            assert_eq!(browser(PageLanguage::English, agent), expected);
        }
    }

    #[test]
    fn moment_is_shown_as_its_age_and_exactly() {
        let at = Timestamp::from_millis(1_795_329_173_999);
        let seen =
            |seconds| ShownTime::seen_at(PageLanguage::English, at, at.after(Duration::from_secs(seconds)));
        let shown = seen(0);
        assert_eq!(
            (shown.exact.as_str(), shown.machine.as_str()),
            ("2026-11-22 06:32 UTC", "2026-11-22T06:32Z")
        );
        for (seconds, expected) in [
            (0, "just now"),
            (60, "1 minute ago"),
            (5 * 60 + 59, "5 minutes ago"),
            (3 * 3600, "3 hours ago"),
            (86_400, "yesterday"),
            (9 * 86_400, "9 days ago"),
        ] {
            assert_eq!(seen(seconds).ago, expected);
        }
        let future = ShownTime::seen_at(PageLanguage::English, at, at.before(Duration::from_secs(1)));
        assert_eq!(future.ago, future.exact);
        assert_eq!(ShownTime::of(PageLanguage::English, Timestamp::from_millis(i64::MAX)).exact, "?");
    }

    #[test]
    fn delays_are_shown_in_common_units() {
        for (seconds, expected) in [
            (0, "1 second"),
            (5, "5 seconds"),
            (60, "1 minute"),
            (697, "12 minutes"),
            (5400, "90 minutes"),
            (7201, "3 hours"),
        ] {
            assert_eq!(wait(PageLanguage::English, Duration::from_secs(seconds)), expected);
        }
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
    }
}
