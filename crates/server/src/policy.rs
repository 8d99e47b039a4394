//! The password policy as an app: its settings are kept with those of the other apps, take effect at once, and the whole of
//! it can be switched off.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use accounts::password::{PasswordRules, Person};
use accounts::{Accounts, AccountsError, Timestamp};
use password_policy::{Age, Context, Policies, Policy, Scope, Settings};

/// The app's id.
pub const APP: &str = "password_policy";

/// The rules that are in effect.
#[derive(Debug)]
pub struct Rules {
    product: String,
    current: RwLock<Arc<Current>>,
}

struct Current {
    pairs: Vec<(String, String)>,
    /// Nothing when the app is switched off.
    policies: Option<Policies>,
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl Rules {
    /// The default rules, until [`Self::refresh`] has read others.
    ///
    /// # Errors
    /// [`password_policy::SettingsError`] when the program is damaged.
    pub fn new(product: &str) -> Result<Self, password_policy::SettingsError> {
        let policies = Some(Policies::from_settings(&Settings::default())?);
        let current = RwLock::new(Arc::new(Current { pairs: Vec::new(), policies }));
        Ok(Self { product: product.to_owned(), current })
    }

    /// Takes over what the store says now.
    ///
    /// Settings that cannot be understood leave the rules as they are; a line in the log says so.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn refresh(&self, accounts: &Accounts) -> Result<(), AccountsError> {
        let enabled = accounts.apps().state(APP).await?.unwrap_or(true);
        let pairs = accounts.apps().values(APP).await?;
        let now = self.now();
        if now.pairs == pairs && now.policies.is_some() == enabled {
            return Ok(());
        }
        let policies = if enabled {
            let settings = Settings::from_pairs(pairs.iter().map(|(key, value)| (key, value)));
            let read = settings.map_err(|errors| errors.to_string());
            let read = read
                .and_then(|settings| Policies::from_settings(&settings).map_err(|error| error.to_string()));
            match read {
                Ok(policies) => Some(policies),
                Err(error) => {
                    tracing::error!(%error, "the settings of the password policy cannot be used");
                    return Ok(());
                }
            }
        } else {
            None
        };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(Current { pairs, policies });
        Ok(())
    }

    /// The policy for accounts, unless the app is switched off.
    pub fn policy(&self) -> Option<Policy> {
        self.now().policies.as_ref().map(|policies| policies.of(Scope::Account).clone())
    }

    fn now(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PasswordRules for Rules {
    fn check(&self, password: &str, person: &Person<'_>) -> Result<(), String> {
        let Some(policy) = self.policy() else {
            // Without rules one remains: an empty password would lock its owner out.
            let blank = password.trim().is_empty();
            return if blank { Err("A valid password must be provided".to_owned()) } else { Ok(()) };
        };
        let mut context = Context::default().user_id(person.id).product(&self.product);
        if let Some(name) = person.display_name {
            context = context.display_name(name);
        }
        if let Some(mail) = person.email {
            context = context.mail(mail);
        }
        policy.validate(password, &context).map_err(|violations| violations.to_string())
    }

    fn history(&self) -> u32 {
        let size = self.policy().map_or(0, |policy| policy.history_size());
        u32::try_from(size).unwrap_or(u32::MAX)
    }

    fn is_expired(&self, changed: Timestamp, now: Timestamp) -> bool {
        let at = |time: Timestamp| {
            let millis = u64::try_from(time.millis()).unwrap_or_default();
            std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis)
        };
        self.policy()
            .is_some_and(|policy| matches!(policy.age(Some(at(changed)), at(now)), Age::Expired { .. }))
    }
}
