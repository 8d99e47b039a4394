//! The password policy as this store has it.
//!
//! Its settings are kept with those of the other apps, and the whole of it can be switched off like
//! an app.

use password_policy::{Generated, PasswordPolicy, Policies, Scope, Settings};
use thiserror::Error;

use crate::domain::AccountsError;
use crate::service::local_password::rules::{Person, PolicyRules};
use crate::store::Accounts;

/// The app under which the settings are kept.
pub const POLICY_APP: &str = "password_policy";

/// The policy cannot be had.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A setting cannot be taken; weaker rules than the ones that were meant are no way out.
    #[error("the settings of the password policy cannot be used: {0}")]
    Settings(String),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] AccountsError),
    /// No valid password was found.
    #[error("Could not generate a valid password")]
    Generate,
}

impl PolicyRules {
    /// The rules as the store has them now.
    ///
    /// Cheap to read again: a few rows. `product` is what the installation is called: no good
    /// password either.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub async fn read(accounts: &Accounts, product: &str) -> Result<Self, PolicyError> {
        let (state, pairs) = accounts.apps().state_and_values(POLICY_APP).await?;
        if !state.unwrap_or(true) {
            return Ok(Self::new(None, product));
        }
        Self::of_settings(&pairs, product)
    }

    /// The rules that these settings, as pairs of key and value, make.
    ///
    /// # Errors
    /// [`PolicyError::Settings`].
    pub fn of_settings(pairs: &[(String, String)], product: &str) -> Result<Self, PolicyError> {
        let settings = Settings::from_pairs(pairs.iter().map(|(key, value)| (key, value)))
            .map_err(|errors| PolicyError::Settings(errors.to_string()))?;
        let policies =
            Policies::from_settings(&settings).map_err(|error| PolicyError::Settings(error.to_string()))?;
        Ok(Self::new(policies.of(Scope::Account).clone(), product))
    }

    /// Generates a password that the policy accepts for this user.
    ///
    /// # Errors
    /// [`PolicyError`]: no randomness, or rules that nothing passes.
    pub fn generate(&self, person: &Person<'_>) -> Result<Generated, PolicyError> {
        let usual;
        let policy = match self.policy() {
            Some(policy) => policy,
            None => {
                usual = PasswordPolicy::from_settings(&Settings::default())
                    .map_err(|error| PolicyError::Settings(error.to_string()))?;
                &usual
            }
        };
        policy.generate_for(&self.context(person)).map_err(|_| PolicyError::Generate)
    }
}
