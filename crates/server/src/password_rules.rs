//! The password policy as an app.
//!
//! Its settings are stored with those of the other apps and take effect at once. The app can be
//! disabled.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use accounts::{Accounts, AccountsError, POLICY_APP, PolicyError, Timestamp};
use accounts::{PasswordRules, Person, PolicyRules};
use password_policy::{Generated, PasswordPolicy};

/// The rules that are in effect.
#[derive(Debug)]
pub struct Rules {
    product: String,
    current: RwLock<Arc<Current>>,
    /// The version of the store that they were read from last; see [`Accounts::version`].
    version: Mutex<Option<i64>>,
}

#[derive(Debug)]
struct Current {
    /// The settings that the rules are made of.
    pairs: Vec<(String, String)>,
    rules: PolicyRules,
}

impl Rules {
    /// The default rules, until [`Self::refresh`] has read others.
    ///
    /// # Errors
    /// When the program is damaged.
    pub fn new(product: &str) -> Result<Self, PolicyError> {
        let current = Current { pairs: Vec::new(), rules: PolicyRules::of_settings(&[], product)? };
        Ok(Self {
            product: product.to_owned(),
            current: RwLock::new(Arc::new(current)),
            version: Mutex::default(),
        })
    }

    /// Takes over what the store says now.
    ///
    /// Invalid settings leave the rules unchanged, with a line in the log.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn refresh(&self, accounts: &Accounts) -> Result<(), AccountsError> {
        let (state, pairs) = accounts.apps().state_and_values(POLICY_APP).await?;
        let enabled = state.unwrap_or(true);
        let now = self.now();
        if now.pairs == pairs && now.rules.policy().is_some() == enabled {
            return Ok(());
        }
        let rules = if enabled {
            match PolicyRules::of_settings(&pairs, &self.product) {
                Ok(rules) => rules,
                Err(error) => {
                    tracing::error!(%error, "the password policy stays as it was");
                    return Ok(());
                }
            }
        } else {
            PolicyRules::new(None, &self.product)
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Current { pairs, rules });
        Ok(())
    }

    /// Whether they were read from this version of the store; never if it has none.
    pub(crate) fn are_of(&self, version: Option<i64>) -> bool {
        version.is_some() && *self.version.lock().unwrap_or_else(PoisonError::into_inner) == version
    }

    /// They were read after the store had this version.
    pub(crate) fn are_now_of(&self, version: Option<i64>) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }

    /// The policy for accounts, unless the app is switched off.
    pub fn policy(&self) -> Option<PasswordPolicy> {
        self.now().rules.policy().cloned()
    }

    /// A password for this user that the policy accepts.
    ///
    /// # Errors
    /// No randomness, or rules that nothing passes.
    pub fn generate(&self, person: &Person<'_>) -> Result<Generated, PolicyError> {
        self.now().rules.generate(person)
    }

    fn now(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PasswordRules for Rules {
    fn check(&self, password: &str, person: &Person<'_>) -> Result<(), String> {
        self.now().rules.check(password, person)
    }

    fn history(&self) -> u32 {
        self.now().rules.history()
    }

    fn maximum_login_attempts(&self) -> Option<u32> {
        self.now().rules.maximum_login_attempts()
    }

    fn is_expired(&self, changed: Timestamp, now: Timestamp) -> bool {
        self.now().rules.is_expired(changed, now)
    }
}
