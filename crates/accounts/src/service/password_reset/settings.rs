//! How long a reset link works and how often one may ask for one: the table `[reset]`.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::service::password_reset::link::LostPassword;
use crate::store::rate_limits::RateLimit;

/// The shortest life of a token, in minutes.
const SHORTEST: u64 = 5;

/// The longest life of a token, in minutes.
const LONGEST: u64 = 24 * 60;

/// How resets work.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `lost_password_link` | empty | empty: mails; an address: the login page leads there; `"disabled"`: nothing |
/// | `minutes` | 60 | how long a link works, 5 to 1440 |
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Raw")]
pub struct ResetSettings {
    lost_password_link: LostPassword,
    life: Duration,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    lost_password_link: LostPassword,
    minutes: u64,
}

impl Default for Raw {
    fn default() -> Self {
        Self { lost_password_link: LostPassword::default(), minutes: 60 }
    }
}

impl Default for ResetSettings {
    fn default() -> Self {
        let Raw { lost_password_link, minutes } = Raw::default();
        Self { lost_password_link, life: Duration::from_secs(minutes * 60) }
    }
}

impl ResetSettings {
    /// How often one place may ask: 10 times in 5 minutes.
    pub const PER_PLACE: RateLimit = RateLimit { max: 10, window: Duration::from_secs(300) };

    /// How many mails one user gets: 5 in half an hour.
    pub const PER_USER: RateLimit = RateLimit { max: 5, window: Duration::from_secs(1800) };

    /// How many wrong tokens one place may try: 10 in 5 minutes.
    pub const BAD_TOKENS: RateLimit = RateLimit { max: 10, window: Duration::from_secs(300) };

    /// Sets where people who lost their password are sent.
    #[must_use]
    pub fn with_lost_password_link(mut self, link: LostPassword) -> Self {
        self.lost_password_link = link;
        self
    }

    /// Sets how many minutes a link works (default 60).
    ///
    /// # Errors
    /// [`ResetSettingsError`] when it is less than 5 or more than 1440.
    pub fn with_minutes(mut self, minutes: u64) -> Result<Self, ResetSettingsError> {
        if !(SHORTEST..=LONGEST).contains(&minutes) {
            return Err(ResetSettingsError { found: minutes });
        }
        self.life = Duration::from_secs(minutes * 60);
        Ok(self)
    }

    /// Where people who lost their password are sent.
    pub fn lost_password_link(&self) -> &LostPassword {
        &self.lost_password_link
    }

    /// How long a token lives.
    pub fn life(&self) -> Duration {
        self.life
    }
}

impl TryFrom<Raw> for ResetSettings {
    type Error = ResetSettingsError;

    fn try_from(raw: Raw) -> Result<Self, ResetSettingsError> {
        Self::default().with_lost_password_link(raw.lost_password_link).with_minutes(raw.minutes)
    }
}

/// A life that no token may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("minutes must be between {SHORTEST} and {LONGEST}, found {found}")]
pub struct ResetSettingsError {
    found: u64,
}
