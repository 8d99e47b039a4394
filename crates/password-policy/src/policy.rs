//! The policy: all rules combined, and the interface for embedders.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::SystemTime;

use crate::breached::{self, RangeSource};
use crate::common::CommonPasswords;
use crate::context::Context;
use crate::expiry::{self, Age};
use crate::generate::{self, GenerateError, Generated};
use crate::rules::{self, Rules};
use crate::settings::{Scope, Settings, SettingsError, clamped};
use crate::violation::{Violation, Violations};

/// The password policy of one scope.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    rules: Rules,
    common: &'static CommonPasswords,
    ranges: Option<Arc<dyn RangeSource>>,
    ask_ranges: bool,
    history: usize,
    expiration: u64,
    attempts: u64,
}

impl PasswordPolicy {
    /// The policy for accounts.
    ///
    /// # Errors
    /// [`SettingsError`]: a minimum that no password reaches, a range source that cannot be used, a damaged list.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        Self::scoped(settings, Scope::Account, breached::from_settings(settings)?)
    }

    fn scoped(
        settings: &Settings,
        scope: Scope,
        ranges: Option<Arc<dyn RangeSource>>,
    ) -> Result<Self, SettingsError> {
        let rules = settings.rules(scope)?;
        // The password of a shared link is no sign-in, and has no history.
        let for_accounts = |number: Option<i64>| match scope {
            Scope::Account => clamped(number.unwrap_or(0)) as u64,
            Scope::Sharing => 0,
        };
        let policy = Self {
            rules,
            common: CommonPasswords::embedded()?,
            ranges: None,
            ask_ranges: rules.enforce_have_i_been_pwned,
            history: if scope == Scope::Account { settings.history() } else { 0 },
            expiration: for_accounts(settings.expiration),
            attempts: for_accounts(settings.maximum_login_attempts),
        };
        Ok(policy.with_ranges(ranges))
    }

    /// The same policy with a range source of your own.
    ///
    /// It is asked unless `enforceHaveIBeenPwned` is set to false.
    #[must_use]
    pub fn with_ranges(mut self, ranges: Option<Arc<dyn RangeSource>>) -> Self {
        self.ranges = ranges.filter(|_| self.ask_ranges);
        self.rules.enforce_have_i_been_pwned = self.ranges.is_some();
        self
    }

    /// The rules as they are in effect, for capabilities and forms.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether a password may be chosen.
    ///
    /// Every rule is checked, independent of the others, in a fixed order: common, length, numeric,
    /// upper and lower case, special, breached, context words. Only nothing at all and what is too
    /// long are answered alone.
    ///
    /// # Blocking
    /// With a range source this may wait for it, five seconds at most: call it where blocking is
    /// allowed. Without one it takes about a microsecond.
    ///
    /// # Errors
    /// [`Violations`]: every broken rule. A range source that fails breaks no rule; it leaves a warning.
    pub fn validate(&self, candidate: &str, context: &Context<'_>) -> Result<(), Violations> {
        self.check(candidate, context, self.ranges.as_deref())
    }

    /// [`Self::validate`] without the range source: never blocks.
    ///
    /// For hints while the user types.
    ///
    /// # Errors
    /// [`Violations`]: every broken rule but [`Violation::Breached`].
    pub fn validate_offline(&self, candidate: &str, context: &Context<'_>) -> Result<(), Violations> {
        self.check(candidate, context, None)
    }

    fn check(
        &self,
        candidate: &str,
        context: &Context<'_>,
        ranges: Option<&dyn RangeSource>,
    ) -> Result<(), Violations> {
        if let Some(violation) = rules::hard_limits(candidate) {
            return Err(violation.into());
        }
        let common = self.rules.enforce_non_common_password && self.common.contains(candidate);
        let mut broken = Vec::new();
        broken.extend(common.then_some(Violation::Common));
        broken.extend(self.rules.length(candidate));
        broken.extend(self.rules.numeric(candidate));
        broken.extend(self.rules.upper_lower(candidate));
        broken.extend(self.rules.special(candidate));
        broken.extend(
            ranges.filter(|source| breached::breached(*source, candidate)).map(|_| Violation::Breached),
        );
        if self.rules.enforce_no_context_words {
            broken.extend(context.found_in(candidate).map(|field| Violation::ContextWord { field }));
        }
        Violations::none_of(broken)
    }

    /// Whether a password is not in the history of the user.
    ///
    /// Takes the stored hashes, newest first, the current one included, and checks the newest
    /// `historySize` of them with `verify`; it stops at the first match. Ask before the password is
    /// changed and [`Self::remember`] after it.
    ///
    /// # Blocking
    /// Each `verify` is a slow hash, 24 of them take half a second: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    /// [`Violation::RecentlyUsed`].
    pub fn validate_history<H>(
        &self,
        candidate: &str,
        newest_first: impl IntoIterator<Item = H>,
        mut verify: impl FnMut(&str, H) -> bool,
    ) -> Result<(), Violations> {
        let used = newest_first.into_iter().take(self.history).any(|hash| verify(candidate, hash));
        if used { Err(Violation::RecentlyUsed.into()) } else { Ok(()) }
    }

    /// Puts the hash of a new password in front of the stored ones and drops expired ones.
    ///
    /// Also for the first password of an account: it is one that the user had. Without a history
    /// nothing is kept.
    pub fn remember<H>(&self, newest_first: &mut Vec<H>, hash: H) {
        newest_first.insert(0, hash);
        newest_first.truncate(self.history);
    }

    /// How many earlier passwords are kept; 0 means none.
    pub fn history_size(&self) -> usize {
        self.history
    }

    /// Evaluates the age of a password.
    ///
    /// `changed` is when it was set, if known.
    ///
    /// # Security
    /// See [`Age`]: show it only after a right password.
    pub fn age(&self, changed: Option<SystemTime>, now: SystemTime) -> Age {
        expiry::age(self.expiration, changed, now)
    }

    /// After how many failed logins in a row an account is locked for the rest of the day.
    ///
    /// `None`: by the steps that hold for every account, which are not part of this crate.
    pub fn maximum_login_attempts(&self) -> Option<u64> {
        (self.attempts > 0).then_some(self.attempts)
    }

    /// Generates a password that passes.
    ///
    /// At least 16 characters, more than 80 bits, without characters that look alike.
    ///
    /// The range source is not asked: one of 2^90 random passwords is in no breach list.
    ///
    /// # Errors
    /// [`GenerateError`].
    pub fn generate(&self) -> Result<Generated, GenerateError> {
        self.generate_for(&Context::default())
    }

    /// [`Self::generate`] with context words of the user.
    ///
    /// # Errors
    /// [`GenerateError`].
    pub fn generate_for(&self, context: &Context<'_>) -> Result<Generated, GenerateError> {
        let length = self.rules.min_length.max(generate::SHORTEST);
        let special = self.rules.enforce_special_characters;
        generate::generate(length, special, |candidate| self.validate_offline(candidate, context).is_ok())
    }
}

/// The policies of all scopes.
#[derive(Clone, Debug)]
pub struct Policies {
    account: PasswordPolicy,
    sharing: Option<PasswordPolicy>,
}

impl Policies {
    /// Puts profile and settings together.
    ///
    /// # Errors
    /// As [`PasswordPolicy::from_settings`].
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let ranges = breached::from_settings(settings)?;
        let sharing = settings
            .sharing_has_rules
            .then(|| PasswordPolicy::scoped(settings, Scope::Sharing, ranges.clone()));
        Ok(Self {
            sharing: sharing.transpose()?,
            account: PasswordPolicy::scoped(settings, Scope::Account, ranges)?,
        })
    }

    /// The policy of a scope.
    ///
    /// A scope without own rules has those of accounts.
    pub fn of(&self, scope: Scope) -> &PasswordPolicy {
        match (scope, &self.sharing) {
            (Scope::Sharing, Some(sharing)) => sharing,
            _ => &self.account,
        }
    }

    /// The scopes with their own rules, for capabilities.
    pub fn iter(&self) -> impl Iterator<Item = (Scope, &PasswordPolicy)> {
        let sharing = self.sharing.as_ref().map(|policy| (Scope::Sharing, policy));
        std::iter::once((Scope::Account, &self.account)).chain(sharing)
    }
}
