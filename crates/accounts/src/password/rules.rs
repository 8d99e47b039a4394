//! What is asked of a new password, as far as this crate needs to know. The rules themselves are those of `password-policy`.

use std::fmt;
use std::time::{Duration, SystemTime};

use password_policy::{Age, Context, Policy};

use crate::{Timestamp, User};

/// Which passwords may be chosen, and how long one may be kept.
pub trait PasswordRules: fmt::Debug + Send + Sync + 'static {
    /// Whether this person may choose this password. May block for a few seconds.
    ///
    /// # Errors
    /// Every broken rule in words that the person may read.
    fn check(&self, password: &str, person: &Person<'_>) -> Result<(), String>;

    /// How many of the person's latest passwords, the present one included, must not be chosen again.
    fn history(&self) -> u32;

    /// Whether a password that was set at `changed` is too old.
    fn is_expired(&self, changed: Timestamp, now: Timestamp) -> bool;
}

/// Whose password it is to become: what is known of the person must not be the password.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The user id.
    pub id: &'a str,
    /// What the user is called.
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

/// The rules of a [`Policy`]; the name of the product must not be a password either.
#[derive(Clone, Debug)]
pub struct PolicyRules {
    policy: Policy,
    product: String,
}

impl PolicyRules {
    /// These rules, at a product of this name.
    pub fn new(policy: Policy, product: impl Into<String>) -> Self {
        Self { policy, product: product.into() }
    }
}

impl PasswordRules for PolicyRules {
    fn check(&self, password: &str, person: &Person<'_>) -> Result<(), String> {
        let mut context = Context::default().user_id(person.id).product(&self.product);
        if let Some(name) = person.display_name {
            context = context.display_name(name);
        }
        if let Some(email) = person.email {
            context = context.mail(email);
        }
        self.policy.validate(password, &context).map_err(|broken| broken.to_string())
    }

    fn history(&self) -> u32 {
        u32::try_from(self.policy.history_size()).unwrap_or(u32::MAX)
    }

    fn is_expired(&self, changed: Timestamp, now: Timestamp) -> bool {
        matches!(self.policy.age(Some(on_the_wall(changed)), on_the_wall(now)), Age::Expired { .. })
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

    fn is_expired(&self, _: Timestamp, _: Timestamp) -> bool {
        false
    }
}
