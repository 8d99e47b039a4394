//! How long links in mails work, and how often one may ask for one: the table `[reset]`.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::service::password_reset::link::LostPassword;
use crate::store::rate_limits::RateLimit;

/// How long a reset link may work, in minutes.
const MINUTES: RangeInclusive<u64> = 5..=24 * 60;

/// How long a welcome link may work, in days.
const WELCOME_DAYS: RangeInclusive<u64> = 1..=30;

/// How long a link may work that confirms an address, in hours.
const CONFIRMATION_HOURS: RangeInclusive<u64> = 1..=7 * 24;

/// How links in mails work.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `lost_password_link` | `""` | `""`: mails with links; an address: the login page links there; `"disabled"`: neither. May also stand at the top of the file |
/// | `minutes` | `60` | how long a reset link works, 5 to 1440 |
/// | `welcome_days` | `7` | how long the link in a welcome mail works, 1 to 30 |
/// | `confirmation_hours` | `48` | how long a link works that confirms a mail address, 1 to 168 |
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawResetSettings")]
pub struct ResetSettings {
    lost_password_link: LostPassword,
    minutes: u64,
    welcome_days: u64,
    confirmation_hours: u64,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawResetSettings {
    lost_password_link: LostPassword,
    minutes: u64,
    welcome_days: u64,
    confirmation_hours: u64,
}

impl Default for RawResetSettings {
    fn default() -> Self {
        let lost_password_link = LostPassword::default();
        Self { lost_password_link, minutes: 60, welcome_days: 7, confirmation_hours: 48 }
    }
}

impl Default for ResetSettings {
    fn default() -> Self {
        let RawResetSettings { lost_password_link, minutes, welcome_days, confirmation_hours } =
            RawResetSettings::default();
        Self { lost_password_link, minutes, welcome_days, confirmation_hours }
    }
}

impl ResetSettings {
    /// How often one source may ask: 10 times in 5 minutes (IPv6 /64; /56: 40, /48: 160).
    pub const PER_PLACE: RateLimit = RateLimit { max: 10, window: Duration::from_secs(300) };

    /// How many wrong links one source may try, for passwords and addresses together.
    ///
    /// 10 in 5 minutes (IPv6 /64; /56: 40, /48: 160).
    pub const BAD_TOKENS: RateLimit = RateLimit { max: 10, window: Duration::from_secs(300) };

    /// Sets where users with a lost password are sent.
    #[must_use]
    pub fn with_lost_password_link(mut self, link: LostPassword) -> Self {
        self.lost_password_link = link;
        self
    }

    /// Sets how many minutes a reset link works (default 60).
    ///
    /// # Errors
    /// [`ResetSettingsError`] when it is less than 5 or more than 1440.
    pub fn with_minutes(mut self, minutes: u64) -> Result<Self, ResetSettingsError> {
        self.minutes = within("minutes", minutes, MINUTES)?;
        Ok(self)
    }

    /// Sets how many days the link in a welcome mail works (default 7).
    ///
    /// # Errors
    /// [`ResetSettingsError`] when it is less than 1 or more than 30.
    pub fn with_welcome_days(mut self, days: u64) -> Result<Self, ResetSettingsError> {
        self.welcome_days = within("welcome_days", days, WELCOME_DAYS)?;
        Ok(self)
    }

    /// Sets how many hours a link works that confirms a mail address (default 48).
    ///
    /// # Errors
    /// [`ResetSettingsError`] when it is less than 1 or more than 168.
    pub fn with_confirmation_hours(mut self, hours: u64) -> Result<Self, ResetSettingsError> {
        self.confirmation_hours = within("confirmation_hours", hours, CONFIRMATION_HOURS)?;
        Ok(self)
    }

    /// Where users with a lost password are sent.
    pub fn lost_password_link(&self) -> &LostPassword {
        &self.lost_password_link
    }

    /// How long a reset link works.
    pub const fn life(&self) -> Duration {
        Duration::from_secs(self.minutes * 60)
    }

    /// How long the link in a welcome mail works.
    pub const fn welcome_life(&self) -> Duration {
        Duration::from_secs(self.welcome_days * 24 * 60 * 60)
    }

    /// How long a link works that confirms a mail address.
    pub const fn confirmation_life(&self) -> Duration {
        Duration::from_secs(self.confirmation_hours * 60 * 60)
    }
}

impl TryFrom<RawResetSettings> for ResetSettings {
    type Error = ResetSettingsError;

    fn try_from(raw: RawResetSettings) -> Result<Self, ResetSettingsError> {
        let settings = Self::default().with_lost_password_link(raw.lost_password_link);
        let settings = settings.with_minutes(raw.minutes)?.with_welcome_days(raw.welcome_days)?;
        settings.with_confirmation_hours(raw.confirmation_hours)
    }
}

fn within(
    setting: &'static str,
    found: u64,
    allowed: RangeInclusive<u64>,
) -> Result<u64, ResetSettingsError> {
    let (least, most) = (*allowed.start(), *allowed.end());
    if allowed.contains(&found) { Ok(found) } else { Err(ResetSettingsError { setting, least, most, found }) }
}

/// A life that no link may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{setting} must be between {least} and {most}, found {found}")]
pub struct ResetSettingsError {
    setting: &'static str,
    least: u64,
    most: u64,
    found: u64,
}
