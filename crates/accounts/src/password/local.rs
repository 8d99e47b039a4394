//! The backend `local`: people whose password this store keeps.
//!
//! | who and what | verdict |
//! |---|---|
//! | right password | accepted |
//! | right password, disabled user | `AccountDisabled` |
//! | right password, older than the policy allows | `CredentialsExpired` |
//! | wrong password, or a stored hash that nobody can have | `BadCredentials` |
//! | longer than what an old hash looked at, and right so far | `CredentialsExpired`: a reset helps |
//! | too many wrong ones in a row before, right or not | `AccountLocked` |
//! | nobody of that name, or somebody whose password is kept elsewhere | `UnknownUser` |
//! | more than 469 bytes | `PolicyDenied` |
//! | the store cannot tell, no turn or no time to hash | an error, never a rejection |
//!
//! That somebody is disabled or must change the password is told to nobody who has not typed the right one. Everybody else costs
//! exactly one comparison, with a hash that nobody has where there is none, so the time taken does not tell who exists.
//!
//! # What is remembered
//! A comparison costs 20 ms, reading the stored hash a tenth of one. An accepted password is therefore remembered for
//! five minutes, under a keyed hash of the name, the password *and the stored hash as it was read for this attempt*. Whoever
//! changes the password, in whatever process, changes that key: the old password is refused from that moment on.
//!
//! # Wrong passwords in a row
//! Where the policy limits them (`maximumLoginAttempts`), so many are compared, and then none for the rest of the day: 24 hours
//! from the first of them. It is a lock and never a disabled account: whoever can type a name could otherwise disable
//! anybody. The last administrator who may sign in is not locked by it at all, for only an administrator could mend it. The
//! same wrong password again costs nothing, and one that is remembered as right passes.
//!
//! # The resolver
//! Give the backend to the resolver with [`LocalBackend::policy`], which keeps the resolver from remembering a second time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use quick_cache::sync::Cache;
use user_backend::clock::{Instant, later, now};
use user_backend::layer::budget::Budget;
use user_backend::secret::{OutcomeKey, OutcomeKeyer};
use user_backend::transport::within;
use user_backend::{
    Attempt, BackendError, BackendId, CanonicalName, Identity, Phase, Policy, Probe, Rejection, UserBackend,
    Verdict,
};

use super::hash::{Match, PasswordHash};
use super::hasher::{Checked, Hasher};
use super::rules::PasswordRules;
use super::{LocalPassword, PoolError};
use crate::attempts::{Attempts, Begun};
use crate::passwords::KeptPassword;
use crate::{Accounts, AccountsError, LOCAL_BACKEND, NoRandomness, StoredHash, UserId};

/// How many accepted passwords are remembered.
const REMEMBERED: usize = 10_000;

/// How often a hash is compared that was replaced during the comparison before.
const ROUNDS: usize = 3;

/// Checks the passwords that this store keeps. Its id is `local`.
pub struct LocalBackend {
    id: BackendId,
    accounts: Accounts,
    hasher: Hasher,
    rules: Arc<dyn PasswordRules>,
    keyer: OutcomeKeyer,
    /// What is compared for people who do not exist.
    nobody: StoredHash,
    accepted: Cache<OutcomeKey, Instant>,
    /// Passwords that were wrong: the same again is no guess.
    refused: Cache<OutcomeKey, ()>,
    remember: Duration,
}

impl LocalBackend {
    /// A backend for this store. The rules tell when a password is too old.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system has none to give.
    pub fn new(
        accounts: Accounts,
        hasher: Hasher,
        rules: Arc<dyn PasswordRules>,
    ) -> Result<Self, NoRandomness> {
        Ok(Self {
            // The id is a constant of ours that every rule for ids allows.
            id: BackendId::parse(LOCAL_BACKEND).map_err(|_| NoRandomness)?,
            accounts,
            nobody: StoredHash::new(hasher.dummy().expose()),
            hasher,
            rules,
            keyer: OutcomeKeyer::random().map_err(|_| NoRandomness)?,
            accepted: Cache::new(REMEMBERED),
            refused: Cache::new(REMEMBERED),
            remember: Duration::from_secs(5 * 60),
        })
    }

    /// How long an accepted password is remembered (default 5 minutes; zero: not at all).
    #[must_use]
    pub fn with_memory(mut self, remember: Duration) -> Self {
        self.remember = remember;
        self
    }

    /// How a resolver should treat this backend.
    ///
    /// It remembers nothing of its own, because this backend does so itself in a way that every process keeps up with. It
    /// lets as many attempts in as the pool has places. And the budget is 100 failures in 15 minutes: there is no lock-out
    /// upstream to protect anybody from, and no more than 100 guesses is what NIST SP 800-63B-4 asks for.
    pub fn policy(&self) -> Policy {
        let settings = self.hasher.settings();
        let mut policy = Policy::default();
        policy.cache_accepted = Duration::ZERO;
        policy.cache_rejected = Duration::ZERO;
        policy.budget = Budget { failures: 100, per: Duration::from_secs(15 * 60) };
        policy.max_concurrent = settings.at_once().saturating_add(settings.waiting());
        policy
    }

    async fn decide(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let Ok(password) = LocalPassword::new(attempt.password) else {
            return Ok(Verdict::Rejected(Rejection::PolicyDenied));
        };
        let mut row = InARow::Uncounted;
        let verdict = self.compare_with_stored(attempt, &password, &mut row).await?;
        match (row, &verdict) {
            (InARow::TooMany, _) => return Ok(Verdict::Rejected(Rejection::AccountLocked)),
            (InARow::Counted(begun), Verdict::Accepted(_)) => begun.was_right().await,
            (
                InARow::Counted(begun),
                Verdict::Rejected(Rejection::BadCredentials | Rejection::UnknownUser),
            ) => begun.stands(),
            // Taken back: the password was right, whatever else was not.
            (InARow::Counted(_) | InARow::Uncounted, _) => {}
        }
        Ok(verdict)
    }

    /// Counts the attempt where that is wanted, before anything is compared.
    async fn count(&self, name: &CanonicalName, key: &OutcomeKey) -> Result<InARow, BackendError> {
        let Some(most) = self.rules.maximum_login_attempts() else { return Ok(InARow::Uncounted) };
        if self.refused.get(key).is_some() {
            return Ok(InARow::Uncounted);
        }
        let attempts = Attempts(&self.accounts);
        if attempts.begin(name, most).await.map_err(unavailable)? {
            return Ok(InARow::Counted(Begun::new(&self.accounts, name)));
        }
        let is_free = attempts.is_last_admin(name).await.map_err(unavailable)?;
        Ok(if is_free { InARow::Uncounted } else { InARow::TooMany })
    }

    async fn compare_with_stored(
        &self,
        attempt: &Attempt<'_>,
        password: &LocalPassword,
        row: &mut InARow,
    ) -> Result<Verdict, BackendError> {
        let id = UserId::from_canonical(attempt.name.canonical().clone());
        let mut kept = self.find(&id).await?;
        for round in 0..ROUNDS {
            // Nobody is looked up, parsed and compared like everybody.
            let hash = kept.as_ref().map_or(&self.nobody, |kept| &kept.hash).clone();
            let key = self.key(&hash, attempt);
            let remembered = self.accepted.get(&key).is_some_and(|until| now() < until);
            if let (true, Some(kept)) = (remembered, &kept) {
                return Ok(self.verdict(kept, attempt));
            }
            if round == 0 {
                *row = self.count(id.name(), &key).await?;
            }
            let checked = self.compare(parse(&hash, &id), password, attempt.deadline).await?;
            if kept.is_none() || checked.found == Match::No {
                self.refused.insert(key, ());
            }
            if kept.is_none() {
                return Ok(Verdict::Rejected(Rejection::UnknownUser));
            }
            match checked.found {
                Match::No => return Ok(Verdict::Rejected(Rejection::BadCredentials)),
                Match::BeginsRight => return Ok(Verdict::Rejected(Rejection::CredentialsExpired)),
                Match::Yes => {}
            }
            let stored = self.improve(&id, &hash, checked.better).await;
            // Comparing took its time: what was true before must still be true. A hash that somebody replaced meanwhile, for a
            // better one or for another password, is compared in its turn.
            let again = self.find(&id).await?;
            match again {
                Some(again) if again.hash == stored => {
                    // What is not let in is not let in from memory either.
                    if !self.remember.is_zero() && !matches!(row, InARow::TooMany) {
                        self.accepted.insert(self.key(&stored, attempt), later(now(), self.remember));
                    }
                    return Ok(self.verdict(&again, attempt));
                }
                again => kept = again,
            }
        }
        Err(BackendError::unavailable(
            Phase::Login,
            "the password changed again and again while it was checked",
        ))
    }

    async fn find(&self, id: &UserId) -> Result<Option<KeptPassword>, BackendError> {
        self.accounts.passwords().find(id).await.map_err(unavailable)
    }

    async fn compare(
        &self,
        stored: Option<PasswordHash>,
        password: &LocalPassword,
        deadline: Instant,
    ) -> Result<Checked, BackendError> {
        let checked = self.hasher.check(stored, password, deadline).await;
        checked.map_err(|error: PoolError| BackendError::unavailable(Phase::Login, error.to_string()))
    }

    /// Stores a better hash of the same password, unless the password changed meanwhile. Tells the hash that should be stored
    /// now; a store that cannot be written keeps nobody from signing in.
    async fn improve(&self, id: &UserId, old: &StoredHash, better: Option<PasswordHash>) -> StoredHash {
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

    /// What a right password is worth.
    fn verdict(&self, kept: &KeptPassword, attempt: &Attempt<'_>) -> Verdict {
        if !kept.enabled {
            return Verdict::Rejected(Rejection::AccountDisabled);
        }
        if self.rules.is_expired(kept.changed, self.accounts.now()) {
            return Verdict::Rejected(Rejection::CredentialsExpired);
        }
        Verdict::Accepted(Identity::new(attempt.name.canonical().clone()))
    }

    fn key(&self, stored: &StoredHash, attempt: &Attempt<'_>) -> OutcomeKey {
        let name = attempt.name.canonical().as_str();
        self.keyer.key(stored.expose().as_bytes(), name, attempt.password.expose())
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
        let ask = async { self.accounts.generations().current().await.map_err(unavailable) };
        within(deadline, Phase::Connect, ask).await?;
        let cost = self.hasher.settings();
        let argon2 = format!("argon2id m={} t={} p={}", cost.memory_kib(), cost.passes(), cost.lanes());
        Ok(Probe::of(None).with_capabilities([argon2]))
    }
}

/// What is known of the attempts in a row to which this one belongs.
#[derive(Debug)]
enum InARow {
    /// Nobody counts, or this is no guess.
    Uncounted,
    /// It is counted.
    Counted(Begun),
    /// Too many before.
    TooMany,
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

/// What is stored, if anybody can sign in with it.
fn parse(hash: &StoredHash, id: &UserId) -> Option<PasswordHash> {
    let parsed = PasswordHash::parse(hash.expose());
    if let Err(reason) = &parsed {
        tracing::warn!(user = ?id, %reason, "nobody can sign in with what is stored as this password");
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
