//! Settings, with the names of the PHP application.
//!
//! One table of keys serves every form: a serde map (TOML, JSON) with typed values, and pairs of
//! texts, which is how the application's configuration is stored and how `occ config:app:set` hands
//! a value over. A key that is not set has the value of the profile.

mod keys;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::common::ListError;
use crate::limits::{MAX_HISTORY, MAX_PASSWORD_BYTES};
use crate::rules::Rules;

pub use keys::Value;

/// Settings that override the profile.
///
/// Serializes to and from a flat map: `minLength`, `enforceNonCommonPassword`, `minLength_sharing`,
/// … Unknown keys are an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `profile`: what holds where nothing is set.
    pub profile: Profile,
    /// The rules for accounts: `minLength`, …
    pub account: RuleSettings,
    /// The rules for shared links: `minLength_sharing`, … Unset ones are as for accounts.
    pub sharing: RuleSettings,
    /// `passwordContexts` lists `sharing`: shared links have their own rules.
    pub sharing_has_rules: bool,
    /// `historySize`: how many earlier passwords must not be reused; max.
    ///
    /// [`MAX_HISTORY`].
    ///
    /// Default 0, off.
    pub history_size: Option<i64>,
    /// `expiration`: after how many days a password must be changed.
    ///
    /// Default 0, never.
    pub expiration: Option<i64>,
    /// `maximumLoginAttempts`: failures in a row that lock an account for the day.
    ///
    /// Default 0, by the steps that exist only once for all scopes.
    pub maximum_login_attempts: Option<i64>,
    /// `haveIBeenPwnedSource`: a folder or an `https` address before the five digits.
    ///
    /// The folder is an absolute path. The address needs the feature `hibp`. Default none: no
    /// check.
    pub have_i_been_pwned_source: Option<String>,
}

/// The rules that each scope can set separately.
///
/// Negative numbers count as 0, as in the PHP application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSettings {
    /// `minLength`, in code points.
    ///
    /// `manual`: 10, `nist`: 15.
    pub min_length: Option<i64>,
    /// `enforceNonCommonPassword`.
    ///
    /// Default true.
    pub enforce_non_common_password: Option<bool>,
    /// `enforceUpperLowerCase`.
    ///
    /// Default false.
    pub enforce_upper_lower_case: Option<bool>,
    /// `enforceNumericCharacters`.
    ///
    /// Default false.
    pub enforce_numeric_characters: Option<bool>,
    /// `enforceSpecialCharacters`.
    ///
    /// Default false.
    pub enforce_special_characters: Option<bool>,
    /// `enforceHaveIBeenPwned`.
    ///
    /// Default true, and without effect until there is a range source.
    pub enforce_have_i_been_pwned: Option<bool>,
    /// `enforceNoContextWords`.
    ///
    /// `manual`: false, `nist`: true.
    pub enforce_no_context_words: Option<bool>,
}

/// A set of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Profile {
    /// The administrators' manual: ten characters, not a common password.
    #[default]
    Manual,
    /// NIST SP 800-63B-4 for a password that is the only factor.
    ///
    /// Fifteen characters, not a common password, nothing that is a context word of the user.
    Nist,
}

impl Profile {
    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Nist => "nist",
        }
    }
}

/// The use of a password.
///
/// The PHP application calls it a context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To sign in.
    #[default]
    Account,
    /// To open a shared link.
    Sharing,
}

impl Scope {
    /// The scope of this name.
    ///
    /// Every name but `sharing` means accounts, as in the PHP application.
    pub fn named(name: &str) -> Self {
        if name == "sharing" { Self::Sharing } else { Self::Account }
    }

    /// Its name in settings and capabilities.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Sharing => "sharing",
        }
    }
}

impl Settings {
    /// The rules of a scope.
    ///
    /// A scope without own rules has those of accounts.
    ///
    /// # Errors
    /// [`SettingsError::TooLongMinimum`]: no password could pass.
    pub(crate) fn rules(&self, scope: Scope) -> Result<Rules, SettingsError> {
        let account = &self.account;
        let own = match scope {
            Scope::Sharing if self.sharing_has_rules => &self.sharing,
            _ => account,
        };
        let nist = self.profile == Profile::Nist;
        let minimum = own.min_length.or(account.min_length).unwrap_or(if nist { 15 } else { 10 });
        let min_length = clamped(minimum);
        if min_length > MAX_PASSWORD_BYTES {
            return Err(SettingsError::TooLongMinimum { minimum });
        }
        let is = |of: fn(&RuleSettings) -> Option<bool>, default| {
            of(own).or_else(|| of(account)).unwrap_or(default)
        };
        Ok(Rules {
            min_length,
            enforce_have_i_been_pwned: is(|r| r.enforce_have_i_been_pwned, true),
            enforce_non_common_password: is(|r| r.enforce_non_common_password, true),
            enforce_numeric_characters: is(|r| r.enforce_numeric_characters, false),
            enforce_special_characters: is(|r| r.enforce_special_characters, false),
            enforce_upper_lower_case: is(|r| r.enforce_upper_lower_case, false),
            enforce_no_context_words: is(|r| r.enforce_no_context_words, nist),
        })
    }

    pub(crate) fn history(&self) -> usize {
        clamped(self.history_size.unwrap_or(0)).min(MAX_HISTORY)
    }

    /// Warnings about risky settings, for the log at start.
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        for scope in [Scope::Account, Scope::Sharing] {
            if scope == Scope::Sharing && !self.sharing_has_rules {
                continue;
            }
            let Ok(rules) = self.rules(scope) else { continue };
            if rules.min_length < 8 {
                notices.push(Notice::ShortMinimum { scope, minimum: rules.min_length });
            }
            if !rules.enforce_non_common_password {
                notices.push(Notice::CommonAllowed { scope });
            }
            if rules.enforce_numeric_characters
                || rules.enforce_special_characters
                || rules.enforce_upper_lower_case
            {
                notices.push(Notice::Composition { scope });
            }
        }
        if self.have_i_been_pwned_source.is_none() && self.account.enforce_have_i_been_pwned == Some(true) {
            notices.push(Notice::NoRangeSource);
        }
        if self.history_size.is_some_and(|size| clamped(size) > MAX_HISTORY) {
            notices.push(Notice::HistoryCapped);
        }
        if self.expiration.is_some_and(|days| days > 0) {
            notices.push(Notice::Expiration);
        }
        notices
    }
}

/// A setting that is honoured and yet makes passwords weaker than its author may think.
///
/// `Display` says why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Passwords of fewer than eight code points are allowed.
    ShortMinimum {
        /// For what.
        scope: Scope,
        /// How short.
        minimum: usize,
    },
    /// Common passwords are allowed.
    CommonAllowed {
        /// For what.
        scope: Scope,
    },
    /// Kinds of characters are required.
    Composition {
        /// For what.
        scope: Scope,
    },
    /// `enforceHaveIBeenPwned` is set without `haveIBeenPwnedSource`.
    NoRangeSource,
    /// `historySize` is more than [`MAX_HISTORY`].
    HistoryCapped,
    /// Passwords must be changed because time has passed.
    Expiration,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortMinimum { scope, minimum } => {
                write!(
                    f,
                    "{} passwords may have {minimum} characters, fewer than any guidance allows",
                    scope.name()
                )
            }
            Self::CommonAllowed { scope } => {
                write!(f, "{} passwords may be common ones, which are guessed first", scope.name())
            }
            Self::Composition { scope } => write!(
                f,
                "{} passwords must have certain kinds of characters, which nist sp 800-63b-4 forbids to ask for",
                scope.name()
            ),
            Self::NoRangeSource => {
                f.write_str("enforceHaveIBeenPwned has no effect without haveIBeenPwnedSource")
            }
            Self::HistoryCapped => write!(f, "historySize counts as {MAX_HISTORY}, the most that is kept"),
            Self::Expiration => f.write_str(
                "passwords expire, which nist sp 800-63b-4 forbids to ask for without a sign of compromise",
            ),
        }
    }
}

/// Why settings cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no setting of this name.
    #[error("there is no setting {key:?}{}", hint(*nearest))]
    Unknown {
        /// The name.
        key: String,
        /// The setting that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A value of the wrong kind.
    #[error("setting {key:?}: found {found}, expected {expected}")]
    Value {
        /// Of which setting.
        key: String,
        /// The found value.
        found: String,
        /// The allowed values.
        expected: &'static str,
    },
    /// A minimum that no password reaches.
    #[error(
        "setting \"minLength\": {minimum} is more than the {MAX_PASSWORD_BYTES} bytes that a password may have"
    )]
    TooLongMinimum {
        /// The minimum.
        minimum: i64,
    },
    /// A range source that cannot be used.
    #[error("setting \"haveIBeenPwnedSource\": {problem}")]
    Source {
        /// The reason.
        problem: &'static str,
    },
    /// The embedded list is damaged.
    #[error(transparent)]
    List(#[from] ListError),
}

/// Everything that is wrong with stored settings, one error for each key.
///
/// `Display` joins them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings(Vec<SettingsError>);

impl InvalidSettings {
    /// One error for each key that cannot be taken; never none.
    pub fn iter(&self) -> std::slice::Iter<'_, SettingsError> {
        self.0.iter()
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidSettings {}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

/// A number that may be negative in settings, as what it counts as.
pub(crate) fn clamped(number: i64) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX)
}
