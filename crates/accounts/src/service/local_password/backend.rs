//! The backend `local`: users whose password is in this store.
//!
//! | who and what | verdict |
//! |---|---|
//! | right password | accepted |
//! | right password, disabled user | `AccountDisabled` |
//! | right password, older than the policy allows | `CredentialsExpired` |
//! | wrong password, or a stored hash that no password has | `BadCredentials` |
//! | longer than what an old hash covers, and right so far | `CredentialsExpired`: a reset helps |
//! | no user of that name, or one whose password is kept elsewhere | `UnknownUser` |
//! | more than 469 bytes | `PolicyDenied` |
//! | the store fails, no permit or no time to hash | an error, never a rejection |
//!
//! That a user is disabled or must change the password is revealed only with the right one.
//! Everything else costs one comparison, or two if the password is not typed in Unicode's composed
//! form. Unknown users are compared with a dummy hash, so the time does not reveal who exists.
//!
//! # What is remembered
//! No accepted password: the stored hash is read and compared for every attempt, so a password that
//! was changed in any process counts at once. A resolver may remember instead, if an
//! [`InvalidationWatcher`](crate::InvalidationWatcher) makes it forget in time.
//!
//! # The resolver
//! It limits guesses, those of the policy (`maximumLoginAttempts`) included
//! ([`Resolver::set_max_failures_in_a_row`](user_backend::Resolver::set_max_failures_in_a_row));
//! this backend alone limits none.
//!
//! Give the backend to the resolver with [`LocalBackend::policy`], which keeps the resolver from
//! remembering; with an [`InvalidationWatcher`](crate::InvalidationWatcher), set `cache_accepted`
//! and `cache_rejected` to let it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use user_backend::brute_force::AttemptLimit;
use user_backend::clock::Instant;
use user_backend::transport::within;
use user_backend::{
    Attempt, BackendError, BackendId, BackendPolicy, CanonicalName, Identity, Phase, Probe, Rejection,
    UserBackend, Verdict,
};

use crate::domain::{AccountsError, LOCAL_BACKEND, LocalPassword, NoRandomness, StoredHash, UserId};
use crate::service::local_password::hash::{PasswordHash, PasswordMatch};
use crate::service::local_password::hasher::{CheckedPassword, Hasher};
use crate::service::local_password::pool::PoolError;
use crate::service::local_password::rules::PasswordRules;
use crate::store::passwords::StoredCredential;
use crate::store::{Accounts, ActingAccounts};

/// How often a hash is compared that was replaced during the comparison before.
const ROUNDS: usize = 3;

/// Checks the passwords that this store keeps.
///
/// Its id is `local`.
pub struct LocalBackend {
    id: BackendId,
    accounts: ActingAccounts,
    hasher: Hasher,
    rules: Arc<dyn PasswordRules>,
    /// The dummy hash for unknown users (timing).
    dummy_hash: StoredHash,
}

impl LocalBackend {
    /// A backend for this store.
    ///
    /// The rules say when a password is too old.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system has none to give.
    pub fn new(
        accounts: impl Into<Accounts>,
        hasher: Hasher,
        rules: Arc<dyn PasswordRules>,
    ) -> Result<Self, NoRandomness> {
        Ok(Self {
            // The id is a constant that satisfies every rule for ids.
            id: BackendId::parse(LOCAL_BACKEND).map_err(|_| NoRandomness)?,
            accounts: accounts.into().as_system(),
            dummy_hash: StoredHash::new(hasher.dummy().expose()),
            hasher,
            rules,
        })
    }

    /// How a resolver should treat this backend.
    ///
    /// It remembers nothing, because other processes change passwords too; a program with an
    /// [`InvalidationWatcher`](crate::InvalidationWatcher) may let it. It lets as many attempts in
    /// as the pool has places. The budget is 100 failures in 15 minutes: there is no lockout
    /// upstream to protect users from, and NIST SP 800-63B-4 asks for at most 100 guesses.
    pub fn policy(&self) -> BackendPolicy {
        let settings = self.hasher.settings();
        let mut policy = BackendPolicy::default();
        policy.cache_accepted = Duration::ZERO;
        policy.cache_rejected = Duration::ZERO;
        policy.budget = AttemptLimit::new(100, Duration::from_secs(15 * 60));
        policy.max_concurrent = settings.at_once().saturating_add(settings.waiting());
        policy
    }

    async fn decide(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let Ok(password) = LocalPassword::new(attempt.password) else {
            return Ok(Verdict::Rejected(Rejection::PolicyDenied));
        };
        self.compare_with_stored(attempt, &password).await
    }

    async fn compare_with_stored(
        &self,
        attempt: &Attempt<'_>,
        password: &LocalPassword,
    ) -> Result<Verdict, BackendError> {
        let Ok(name) = CanonicalName::parse(attempt.upstream_name) else {
            return Ok(Verdict::Rejected(Rejection::UnknownUser));
        };
        let id = UserId::from_canonical(name);
        let mut kept = self.find(&id).await?;
        for _ in 0..ROUNDS {
            // Unknown users take the same path, with a dummy hash (timing).
            let hash = kept.as_ref().map_or(&self.dummy_hash, |kept| &kept.hash).clone();
            let checked = self.compare(parse(&hash, &id), password, attempt).await?;
            if kept.is_none() {
                return Ok(Verdict::Rejected(Rejection::UnknownUser));
            }
            match checked.found {
                PasswordMatch::No => return Ok(Verdict::Rejected(Rejection::BadCredentials)),
                PasswordMatch::Truncated => return Ok(Verdict::Rejected(Rejection::CredentialsExpired)),
                PasswordMatch::Yes => {}
            }
            let stored = self.rehash(&id, &hash, checked.better).await;
            // Comparing took its time: what was true before must still be true. A hash that was
            // replaced meanwhile, for a better one or for another password, is compared in its
            // turn.
            let again = self.find(&id).await?;
            match again {
                Some(again) if again.hash == stored => return Ok(self.verdict(&again, attempt)),
                again => kept = again,
            }
        }
        Err(BackendError::unavailable(
            Phase::Login,
            "the password changed again and again while it was checked",
        ))
    }

    async fn find(&self, id: &UserId) -> Result<Option<StoredCredential>, BackendError> {
        self.accounts.passwords().find(id).await.map_err(unavailable)
    }

    async fn compare(
        &self,
        stored: Option<PasswordHash>,
        password: &LocalPassword,
        attempt: &Attempt<'_>,
    ) -> Result<CheckedPassword, BackendError> {
        let (deadline, is_proven) = (attempt.deadline, attempt.is_proven);
        let checked = self.hasher.check(stored, password, deadline, is_proven).await;
        checked.map_err(|error: PoolError| BackendError::unavailable(Phase::Login, error.to_string()))
    }

    /// Stores a better hash of the same password, unless the password changed meanwhile.
    ///
    /// Sends the hash that should be stored now; a store that cannot be written must not keep users
    /// from signing in.
    async fn rehash(&self, id: &UserId, old: &StoredHash, better: Option<PasswordHash>) -> StoredHash {
        let Some(better) = better else { return old.clone() };
        let better = StoredHash::new(better.expose());
        match self.accounts.passwords().rehash(id, old, &better).await {
            Ok(()) => better,
            Err(AccountsError::Stale { .. }) => old.clone(),
            Err(error) => {
                tracing::warn!(user = ?id, %error, "a better hash of a password could not be stored");
                old.clone()
            }
        }
    }

    /// The verdict for a right password.
    fn verdict(&self, kept: &StoredCredential, attempt: &Attempt<'_>) -> Verdict {
        if !kept.enabled {
            return Verdict::Rejected(Rejection::AccountDisabled);
        }
        if self.rules.is_expired(kept.changed, self.accounts.now()) {
            return Verdict::Rejected(Rejection::CredentialsExpired);
        }
        Verdict::Accepted(Identity::new(attempt.name.canonical().clone()))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UserBackend for LocalBackend {
    fn id(&self) -> &BackendId {
        &self.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        within(attempt.deadline, Phase::Login, self.decide(attempt)).await
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        let ask = async { self.accounts.credential_epoch().current().await.map_err(unavailable) };
        within(deadline, Phase::Connect, ask).await?;
        let cost = self.hasher.settings();
        let argon2 = format!("argon2id m={} t={} p={}", cost.memory_kib(), cost.passes(), cost.lanes());
        Ok(Probe::of(None).with_capabilities([argon2]))
    }
}

impl fmt::Debug for LocalBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalBackend").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Display for LocalBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalBackend({})", self.id)
    }
}

/// The stored hash, if it is usable.
fn parse(hash: &StoredHash, id: &UserId) -> Option<PasswordHash> {
    let parsed = PasswordHash::parse(hash.expose());
    if let Err(reason) = &parsed {
        tracing::warn!(user = ?id, %reason, "stored password hash is unusable, no sign-in is possible");
    }
    parsed.ok()
}

fn unavailable(error: AccountsError) -> BackendError {
    let fault = match &error {
        AccountsError::Foreign { .. } | AccountsError::NewerSchema { .. } => {
            BackendError::misconfigured(Phase::Login, error.to_string())
        }
        _ => BackendError::unavailable(Phase::Login, error.to_string()),
    };
    fault.with_source(error)
}
