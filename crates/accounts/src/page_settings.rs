//! The settings in `[pages]`: what the pages look like, and where they lead.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use url::Url;

/// The name of the section.
pub(crate) const SECTION: &str = "pages";

/// The longest time to stay signed in, in days.
const MAX_STAY_DAYS: u16 = 90;

/// The section `[pages]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PageSettings {
    /// An image instead of the icon: SVG, PNG or WebP, at most 16 KiB (default: none).
    #[serde(deserialize_with = "logo")]
    pub logo: Option<PathBuf>,
    /// The colour of buttons and links, such as `#1f5fbf`.
    ///
    /// Where text could not be read, a darker or lighter one is used.
    #[serde(alias = "colour")]
    pub color: Option<Color>,
    /// The legal notice, linked on every page (default none).
    #[serde(deserialize_with = "link")]
    pub imprint_url: Option<String>,
    /// The privacy notice, linked on every page (default none).
    #[serde(deserialize_with = "link")]
    pub privacy_url: Option<String>,
    /// Where users get help, linked on every page (default none).
    ///
    /// A `mailto:` address will do.
    #[serde(deserialize_with = "link")]
    pub help_url: Option<String>,
    /// How many days users may stay signed in, at most 90 (default 0: not offered).
    ///
    /// Passwords of other servers are not checked again in this time.
    #[serde(deserialize_with = "stay")]
    pub stay_signed_in_days: u16,
}

impl PageSettings {
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        if let Some(logo) = &mut self.logo {
            *logo = folder.join(&logo);
        }
    }
}

/// A colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Color(pub [u8; 3]);

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let part = |at| text.get(at..at + 2).and_then(|part| u8::from_str_radix(part, 16).ok());
        let is_hex =
            text.len() == 7 && text.starts_with('#') && text.bytes().skip(1).all(|b| b.is_ascii_hexdigit());
        match (is_hex, part(1), part(3), part(5)) {
            (true, Some(red), Some(green), Some(blue)) => Ok(Self([red, green, blue])),
            _ => Err(format!("{text:?}, expected a colour such as \"#1f5fbf\"")),
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

fn logo<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if ["svg", "png", "webp"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
        return Ok(Some(path));
    }
    Err(de::Error::custom("expected a file whose name ends in .svg, .png or .webp"))
}

fn link<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_link = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "https" | "http" | "mailto"));
    if is_link && !text.contains(char::is_whitespace) {
        return Ok(Some(text));
    }
    Err(de::Error::custom("expected an address that begins with https://, http:// or mailto:"))
}

fn stay<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let days = u16::deserialize(deserializer)?;
    if days <= MAX_STAY_DAYS {
        return Ok(days);
    }
    Err(de::Error::custom(format!("expected at most {MAX_STAY_DAYS} days, found {days}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_or_refused_with_a_reason() {
        let read = |text: &str| toml_like(text).map_err(|error| error.to_string());
        let good = read(
            r##"{"logo": "a/Logo.SVG", "colour": "#1F5fbf", "help_url": "mailto:help@example.org", "stay_signed_in_days": 30}"##,
        );
        let good = good.unwrap();
        assert_eq!(good.color.map(|color| color.to_string()).as_deref(), Some("#1f5fbf"));
        assert_eq!((good.stay_signed_in_days, good.imprint_url), (30, None));
        for (bad, why) in [
            (r#"{"logo": "logo.html"}"#, "ends in .svg"),
            (r##"{"color": "#1f5fb"}"##, "a colour such as"),
            (r##"{"color": "#+f5fbf"}"##, "a colour such as"),
            (r#"{"imprint_url": "javascript:alert(1)"}"#, "https://"),
            (r#"{"privacy_url": "imprint"}"#, "https://"),
            (r#"{"stay_signed_in_days": 91}"#, "at most 90"),
            (r#"{"color_scheme": 1}"#, "unknown field"),
        ] {
            let error = read(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    fn toml_like(text: &str) -> Result<PageSettings, serde_json::Error> {
        serde_json::from_str(text)
    }
}
