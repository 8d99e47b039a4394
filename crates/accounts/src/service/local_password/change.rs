//! Sets a password: rules, history, hash, and the end of what the old one allowed.
//!
//! The command line, the provisioning API and the page of a reset link all come here, so no way
//! around the rules exists, for administrators neither. What is slow (rules, history, hashing) is
//! done before the transaction; the transaction checks that what it was based on still holds,
//! writes the hash, and ends sessions, reset links and everything remembered.

use std::sync::Arc;

use thiserror::Error;
use user_backend::clock::Instant;
use user_backend::{BackendId, Password};
use zeroize::Zeroizing;

use crate::domain::{AccountsError, Actor, LocalPassword, PasswordTooLong, StoredHash, User, UserId};
use crate::service::local_password::hash::PasswordHash;
use crate::service::local_password::hasher::{Hasher, HasherError};
use crate::service::local_password::pool::{HashPool, PoolError};
use crate::service::local_password::rules::{PasswordRules, Person};
use crate::service::local_password::settings::HashSettings;
use crate::store::change::{Change, LockedUser};
use crate::store::outbox::MailKind;
use crate::store::passwords::SetBy;
use crate::store::rights::Right;
use crate::store::{Accounts, ActingAccounts, app_passwords, outbox, passwords};

/// How many passwords are checked against the rules at once.
///
/// A rule may wait for a server.
const RULES_AT_ONCE: usize = 16;

/// How many may wait for that.
const RULES_WAITING: usize = 1024;

/// Number of tries if another change came first.
///
/// Each time, the history is checked again.
pub(crate) const ROUNDS: usize = 5;

/// Sets passwords.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct LocalPasswordService {
    accounts: Accounts,
    hasher: Hasher,
    rules: Arc<dyn PasswordRules>,
    rule_pool: HashPool,
    /// For checks of passwords that change nothing, so that they do not delay changes.
    question_pool: HashPool,
    app_passwords: AppPasswordPolicy,
}

/// What a new password means for the app passwords of its owner, if the owner sets it.
///
/// A password that someone else sets, or that is set through a reset link, always revokes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppPasswordPolicy {
    /// They go on working, so that no device has to be set up again.
    Keep,
    /// They are revoked, in case someone else knew the old password and made one.
    ///
    /// The default.
    #[default]
    Revoke,
}

/// A password was not set.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetError {
    /// There is no such user.
    #[error("user does not exist")]
    NoSuchUser,
    /// Another backend keeps this user's password.
    #[error("Setting the password is not supported by the users backend")]
    NotLocal {
        /// Who.
        backend: BackendId,
    },
    /// The rules refuse it, with a text for the user.
    #[error("{0}")]
    Refused(String),
    /// There was no room or no time to hash it, or no randomness.
    #[error(transparent)]
    Hasher(#[from] HasherError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] AccountsError),
}

impl From<PoolError> for SetError {
    fn from(error: PoolError) -> Self {
        Self::Hasher(error.into())
    }
}

impl From<PasswordTooLong> for SetError {
    fn from(error: PasswordTooLong) -> Self {
        Self::Refused(error.to_string())
    }
}

/// A password that may be stored, and what that rests on.
#[derive(Debug)]
pub(crate) struct Prepared {
    hash: StoredHash,
    /// The latest hash in the history that the new password was compared with.
    based_on: Option<StoredHash>,
}

impl LocalPasswordService {
    /// Sets passwords in this store, by these rules.
    pub fn new(accounts: impl Into<Accounts>, hasher: Hasher, rules: Arc<dyn PasswordRules>) -> Self {
        let pool = HashSettings::default().with_pool(RULES_AT_ONCE, RULES_WAITING).unwrap_or_default();
        Self {
            accounts: accounts.into(),
            hasher,
            rules,
            rule_pool: HashPool::new(&pool),
            question_pool: HashPool::new(&pool),
            app_passwords: AppPasswordPolicy::default(),
        }
    }

    /// What a new password means for app passwords if its owner sets it.
    #[must_use]
    pub fn with_app_passwords(mut self, app_passwords: AppPasswordPolicy) -> Self {
        self.app_passwords = app_passwords;
        self
    }

    /// Sets a user's password.
    ///
    /// When this returns, the old one is refused everywhere, and all sessions and reset links of
    /// this user have ended.
    ///
    /// # Errors
    /// [`SetError`]; nothing was changed then.
    ///
    /// # Cancellation
    /// Either everything was changed or nothing.
    pub async fn set(
        &self,
        id: &UserId,
        new: &Password,
        by: Actor,
        deadline: Instant,
    ) -> Result<(), SetError> {
        let accounts = self.accounts.on_behalf_of(by);
        let mut round = 1;
        loop {
            match self.set_once(&accounts, id, new, deadline).await {
                Err(SetError::Store(AccountsError::Stale { .. })) if round < ROUNDS => round += 1,
                done => return done,
            }
        }
    }

    async fn set_once(
        &self,
        accounts: &ActingAccounts,
        id: &UserId,
        new: &Password,
        deadline: Instant,
    ) -> Result<(), SetError> {
        let user = accounts.users().find(id).await?.ok_or(SetError::NoSuchUser)?;
        let prepared = self.prepare(&user, new, deadline).await?;
        let mut change = accounts.store().change().await?;
        let locked = locked(&mut change, id).await?;
        let by = SetBy::actor(&change, &locked);
        self.write(&mut change, &locked, &prepared, by).await?;
        change.commit().await?;
        Ok(())
    }

    /// The hash of a first password, for a user about to be created.
    ///
    /// # Errors
    /// [`SetError::Refused`] when the rules refuse it.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn first(
        &self,
        person: Person<'_>,
        new: &Password,
        deadline: Instant,
    ) -> Result<StoredHash, SetError> {
        let password = LocalPassword::new(new)?;
        self.ask_rules(person, &password, deadline).await?;
        let hash = self.hasher.hash(&password, deadline).await?;
        Ok(StoredHash::new(hash.expose()))
    }

    /// Everything that is slow.
    ///
    /// Nothing is changed.
    pub(crate) async fn prepare(
        &self,
        user: &User,
        new: &Password,
        deadline: Instant,
    ) -> Result<Prepared, SetError> {
        if !user.is_local() {
            return Err(SetError::NotLocal { backend: user.backend.clone() });
        }
        let password = LocalPassword::new(new)?;
        let history = self.accounts.passwords().history(&user.id, self.rules.history().max(1)).await?;
        let based_on = history.first().cloned();
        let looked_at = usize::try_from(self.rules.history()).unwrap_or(usize::MAX);
        let known = history.iter().take(looked_at).filter_map(|hash| PasswordHash::parse(hash.expose()).ok());
        let mut refusals = Vec::new();
        if self.hasher.is_any_of(known.collect(), &password, deadline).await? {
            refusals.push(RECENTLY_USED.to_owned());
        }
        match self.ask_rules(Person::of(user), &password, deadline).await {
            Ok(()) if refusals.is_empty() => {}
            Ok(()) => return Err(SetError::Refused(refusals.join(" "))),
            Err(SetError::Refused(broken)) => {
                refusals.insert(0, broken);
                return Err(SetError::Refused(refusals.join(" ")));
            }
            Err(error) => return Err(error),
        }
        let hash = self.hasher.hash(&password, deadline).await?;
        Ok(Prepared { hash: StoredHash::new(hash.expose()), based_on })
    }

    /// Writes a prepared password.
    pub(crate) async fn write(
        &self,
        change: &mut Change<'_>,
        locked: &LockedUser,
        prepared: &Prepared,
        by: SetBy,
    ) -> Result<(), SetError> {
        let LockedUser { key, user } = locked;
        if !user.is_local() {
            return Err(SetError::NotLocal { backend: user.backend.clone() });
        }
        if passwords::latest(change, *key).await? != prepared.based_on {
            return Err(AccountsError::Stale { what: "password" }.into());
        }
        passwords::change_password(change, locked, &prepared.hash, by).await?;
        if by != SetBy::Owner {
            return Ok(());
        }
        let kind = match self.app_passwords {
            AppPasswordPolicy::Keep => MailKind::PasswordChanged,
            AppPasswordPolicy::Revoke => {
                app_passwords::revoke_all(change, locked).await?;
                MailKind::PasswordChangedAll
            }
        };
        if let (true, Some(address)) = (change.notices(), user.confirmed_email.as_deref()) {
            outbox::put(change, kind, locked.name(), Some(address)).await?;
        }
        Ok(())
    }

    /// Whether the rules allow this password for this user; changes nothing.
    ///
    /// # Errors
    /// [`SetError::Refused`] says why not; [`SetError::Hasher`]: there was no room or no time to
    /// find out.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn check(&self, person: Person<'_>, text: &str, deadline: Instant) -> Result<(), SetError> {
        self.ask(&self.question_pool, person, Zeroizing::new(text.to_owned()), deadline).await
    }

    async fn ask_rules(
        &self,
        person: Person<'_>,
        password: &LocalPassword,
        deadline: Instant,
    ) -> Result<(), SetError> {
        self.ask(&self.rule_pool, person, Zeroizing::new(password.expose().to_owned()), deadline).await
    }

    /// Rules may wait for a server, so they have threads of their own.
    ///
    /// No sign-in waits for them.
    async fn ask(
        &self,
        pool: &HashPool,
        person: Person<'_>,
        text: Zeroizing<String>,
        deadline: Instant,
    ) -> Result<(), SetError> {
        let rules = Arc::clone(&self.rules);
        let id = person.id.to_owned();
        let (name, email) = (person.display_name.map(str::to_owned), person.email.map(str::to_owned));
        let work = move || {
            let person = Person { id: &id, display_name: name.as_deref(), email: email.as_deref() };
            rules.check(&text, &person)
        };
        pool.run(deadline, work).await?.map_err(SetError::Refused)
    }
}

/// Why an old password is refused.
const RECENTLY_USED: &str = "Password must not have been used recently before.";

/// The user, locked until the transaction ends, if the actor may set their password.
pub(crate) async fn locked(change: &mut Change<'_>, id: &UserId) -> Result<LockedUser, SetError> {
    match change.lock_target(id, Right::Access).await {
        Err(AccountsError::NotFound { .. }) => Err(SetError::NoSuchUser),
        other => Ok(other?),
    }
}
