//! How a program with accounts uses this crate: from settings to a changed password.

use std::error::Error;
use std::thread;
use std::time::{Duration, SystemTime};

use password_policy::{Age, Context, PasswordPolicy, Policies, Scope, Violation, Violations};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An account as a store would keep it; the "hash" is what a slow hash would be.
struct Account {
    name: &'static str,
    history: Vec<String>,
    changed: Option<SystemTime>,
}

impl Account {
    fn create(
        policy: &PasswordPolicy,
        name: &'static str,
        password: &str,
        now: SystemTime,
    ) -> Result<Self, Violations> {
        let mut account = Self { name, history: Vec::new(), changed: None };
        account.change(policy, password, now)?;
        Ok(account)
    }

    fn change(&mut self, policy: &PasswordPolicy, password: &str, now: SystemTime) -> Result<(), Violations> {
        policy.validate_history(password, &self.history, |candidate, hash| hash_of(candidate) == *hash)?;
        policy.validate(password, &Context::default().user_id(self.name))?;
        policy.remember(&mut self.history, hash_of(password));
        self.changed = Some(now);
        Ok(())
    }
}

fn hash_of(password: &str) -> String {
    password.chars().rev().collect()
}

fn configured(toml: &str) -> Result<Policies, Box<dyn Error>> {
    Ok(Policies::from_settings(&toml::from_str(toml)?)?)
}

#[test]
fn account_lives_through_its_passwords() {
    let policies = configured(
        r#"
        profile = "nist"
        minLength = 12
        historySize = 3
        expiration = 90
        maximumLoginAttempts = 20
        "#,
    )
    .unwrap();
    let policy = policies.of(Scope::Account);
    let start = SystemTime::UNIX_EPOCH;

    let refused = Account::create(policy, "alice", "alice in wonderland", start).err().unwrap();
    assert_eq!(refused.to_string(), "Password must not contain the user name.");
    let mut alice = Account::create(policy, "alice", "down the rabbit hole", start).unwrap();

    // the first password counts, until three newer ones have pushed it out
    for password in ["the pool of tears", "a caucus race of birds", "advice from a caterpillar"] {
        let again = alice.change(policy, "down the rabbit hole", start).unwrap_err();
        assert_eq!(again.iter().collect::<Vec<_>>(), [&Violation::RecentlyUsed]);
        alice.change(policy, password, start).unwrap();
    }
    alice.change(policy, "down the rabbit hole", start + DAY).unwrap();

    assert!(matches!(policy.age(alice.changed, start + 90 * DAY), Age::Valid { .. }));
    assert_eq!(policy.age(alice.changed, start + 91 * DAY), Age::Expired { since: start + 91 * DAY });
    assert_eq!(policy.maximum_login_attempts(), Some(20));
}

#[test]
fn refusal_has_a_text_and_a_code() {
    let policies = configured("").unwrap();
    let refused =
        policies.of(Scope::named("account")).validate("california", &Context::default()).unwrap_err();
    let error: &dyn Error = &refused;
    assert_eq!(error.to_string(), "Password is among the 1,000,000 most common ones. Please make it unique.");
    assert_eq!(refused.iter().map(Violation::code).collect::<Vec<_>>(), ["common"]);
}

#[test]
fn one_policy_serves_many_threads() {
    let policies = configured("enforceSpecialCharacters = true").unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let policy = policies.of(Scope::Account).clone();
                for _ in 0..200 {
                    let made = policy.generate().unwrap();
                    policy.validate(made.expose(), &Context::default()).unwrap();
                }
            });
        }
    });
}
