//! The password policy as this store has it: its settings are kept with those of the other apps, and the whole of it can be
//! switched off like an app.

use std::time::{Duration, UNIX_EPOCH};

use password_policy::{Age, Context, Generated, Policies, Policy, Scope, Settings};
use thiserror::Error;

use crate::password::{PasswordRules, Person};
use crate::{Accounts, AccountsError, Timestamp};

/// The app under which the settings are kept.
pub const POLICY_APP: &str = "password_policy";

/// The policy as it was when somebody looked. Cheap to read again: a few rows.
#[derive(Clone, Debug)]
pub struct PolicyRules {
    product: String,
    /// Nothing when the app is switched off.
    policy: Option<Policy>,
}

/// The policy cannot be had.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A setting cannot be taken; weaker rules than the ones that were meant are no way out.
    #[error("the settings of the password policy cannot be used: {0}")]
    Settings(String),
    /// The store cannot tell.
    #[error(transparent)]
    Store(#[from] AccountsError),
    /// No password that passes was found.
    #[error("Could not generate a valid password")]
    Generate,
}

impl PolicyRules {
    /// Reads what the store says now. `product` is what the installation is called: no good password either.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub async fn read(accounts: &Accounts, product: &str) -> Result<Self, PolicyError> {
        let product = product.to_owned();
        if !accounts.apps().state(POLICY_APP).await?.unwrap_or(true) {
            return Ok(Self { product, policy: None });
        }
        let pairs = accounts.apps().values(POLICY_APP).await?;
        let settings = Settings::from_pairs(pairs.iter().map(|(key, value)| (key, value)))
            .map_err(|errors| PolicyError::Settings(errors.to_string()))?;
        let policies =
            Policies::from_settings(&settings).map_err(|error| PolicyError::Settings(error.to_string()))?;
        Ok(Self { product, policy: Some(policies.of(Scope::Account).clone()) })
    }

    /// The policy for accounts, unless it is switched off.
    pub const fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// Thinks up a password that passes for this person.
    ///
    /// # Errors
    /// [`PolicyError`]: no randomness, or rules that nothing passes.
    pub fn generate(&self, person: &Person<'_>) -> Result<Generated, PolicyError> {
        let usual;
        let policy = match &self.policy {
            Some(policy) => policy,
            None => {
                usual = Policy::from_settings(&Settings::default())
                    .map_err(|error| PolicyError::Settings(error.to_string()))?;
                &usual
            }
        };
        policy.generate_for(&self.context(person)).map_err(|_| PolicyError::Generate)
    }

    fn context<'a>(&'a self, person: &Person<'a>) -> Context<'a> {
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
            // Without rules one remains: nobody could ever type a blank password on purpose.
            None if password.trim().is_empty() => Err("A valid password must be provided".to_owned()),
            None => Ok(()),
        }
    }

    fn history(&self) -> u32 {
        self.policy.as_ref().map_or(0, |policy| u32::try_from(policy.history_size()).unwrap_or(u32::MAX))
    }

    fn is_expired(&self, changed: Timestamp, now: Timestamp) -> bool {
        let at = |time: Timestamp| {
            UNIX_EPOCH + Duration::from_millis(u64::try_from(time.millis()).unwrap_or_default())
        };
        let Some(policy) = &self.policy else { return false };
        matches!(policy.age(Some(at(changed)), at(now)), Age::Expired { .. })
    }
}
