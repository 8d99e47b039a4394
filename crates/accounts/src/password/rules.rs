//! What is asked of a new password, as far as this crate needs to know. The rules themselves are another crate's.

use std::fmt;

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
