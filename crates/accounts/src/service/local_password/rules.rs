//! The interface of password rules, as this crate needs it.
//!
//! The rules themselves are those of `password-policy`.

use std::fmt;
use std::time::{Duration, SystemTime};

use password_policy::{Age, Context, PasswordPolicy};

use crate::domain::{Timestamp, User};

/// Which passwords may be chosen, and how long one may be kept.
pub trait PasswordRules: fmt::Debug + Send + Sync + 'static {
    /// Checks a new password of this user.
    ///
    /// May block for a few seconds.
    ///
    /// # Errors
    /// All violations, as messages for the user.
    fn check(&self, password: &str, person: &Person<'_>) -> Result<(), String>;

    /// How many recent passwords, including the current one, must not be reused.
    fn history(&self) -> u32;

    /// Number of wrong passwords in a row that lock a user for the day; `None`: no limit.
    ///
    /// For the resolver, which counts.
    fn maximum_login_attempts(&self) -> Option<u32>;

    /// Whether a password that was set at `changed` is too old.
    fn is_expired(&self, changed: Timestamp, now: Timestamp) -> bool;
}

/// The user whose password is set; context words about them must not be the password.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The user id.
    pub id: &'a str,
    /// Display name.
    pub display_name: Option<&'a str>,
    /// The mail address.
    pub email: Option<&'a str>,
}

impl<'a> Person<'a> {
    /// A user of the store.
    pub fn of(user: &'a User) -> Self {
        Self {
            id: user.id.as_str(),
            display_name: user.display_name.as_deref(),
            email: user.email.as_deref(),
        }
    }
}

/// The rules of a [`PasswordPolicy`].
///
/// The name of the product must not be a password either.
#[derive(Clone, Debug)]
pub struct PolicyRules {
    product: String,
    /// Nothing when the policy is switched off.
    policy: Option<PasswordPolicy>,
}

impl PolicyRules {
    /// These rules, or none, at a product of this name.
    ///
    /// [`PolicyRules::read`] has those of a store.
    pub fn new(policy: impl Into<Option<PasswordPolicy>>, product: impl Into<String>) -> Self {
        Self { product: product.into(), policy: policy.into() }
    }

    /// The policy for accounts, unless it is switched off.
    pub const fn policy(&self) -> Option<&PasswordPolicy> {
        self.policy.as_ref()
    }

    /// The context words of the user.
    pub(crate) fn context<'a>(&'a self, person: &Person<'a>) -> Context<'a> {
        let mut context = Context::default().user_id(person.id).product(&self.product);
        if let Some(name) = person.display_name {
            context = context.display_name(name);
        }
        if let Some(mail) = person.email {
            context = context.mail(mail);
        }
        context
    }
}

impl PasswordRules for PolicyRules {
    fn check(&self, password: &str, person: &Person<'_>) -> Result<(), String> {
        match &self.policy {
            Some(policy) => {
                policy.validate(password, &self.context(person)).map_err(|broken| broken.to_string())
            }
            // Without rules one remains: a blank password is never intended.
            None if password.trim().is_empty() => Err("A valid password must be provided".to_owned()),
            None => Ok(()),
        }
    }

    fn history(&self) -> u32 {
        self.policy.as_ref().map_or(0, |policy| u32::try_from(policy.history_size()).unwrap_or(u32::MAX))
    }

    fn maximum_login_attempts(&self) -> Option<u32> {
        let maximum = self.policy.as_ref()?.maximum_login_attempts()?;
        Some(u32::try_from(maximum).unwrap_or(u32::MAX))
    }

    fn is_expired(&self, changed: Timestamp, now: Timestamp) -> bool {
        let Some(policy) = &self.policy else { return false };
        matches!(policy.age(Some(on_the_wall(changed)), on_the_wall(now)), Age::Expired { .. })
    }
}

fn on_the_wall(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.millis()).unwrap_or_default())
}

/// Anything goes: for tests, and for installations that check elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRules;

impl PasswordRules for NoRules {
    fn check(&self, _: &str, _: &Person<'_>) -> Result<(), String> {
        Ok(())
    }

    fn history(&self) -> u32 {
        0
    }

    fn maximum_login_attempts(&self) -> Option<u32> {
        None
    }

    fn is_expired(&self, _: Timestamp, _: Timestamp) -> bool {
        false
    }
}
