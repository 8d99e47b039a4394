//! How processes notice that credentials ended elsewhere.
//!
//! One counter, the *credential epoch*, goes up in the very transaction that ends a user's
//! credentials: a new password, a disabled, deleted or re-pinned user. The names are kept beside
//! it. A process that remembers outcomes does, before it uses its cache:
//!
//! ```text
//! let changes = accounts.credential_epoch().since(seen).await?;   // one row is read; nearly always that is all
//! forget what `changes` names, or everything;  seen = changes.now();
//! believe the memory
//! ```
//! [`InvalidationWatcher`] does that for a resolver.
//!
//! # The guarantee
//! After the call that ended credentials has returned, every later `since` reports it, in all
//! processes. So a process that asks before each use of its memory accepts no old credential after
//! that moment. Sessions and reset tokens need no asking: the same transaction deletes them.
//!
//! It holds because both engines make a commit visible to every read that begins after it. On
//! PostgreSQL the counter is a row, not a sequence: a sequence hands out numbers before the commit,
//! and a reader could see the larger number first.

use std::sync::atomic::{AtomicI64, Ordering};

use user_backend::Resolver;

use crate::domain::{AccountsError, CredentialEpoch, EndedCredentials};
use crate::store::Accounts;

/// Invalidates resolver caches.
///
/// Drops users whose credentials ended in any process, and resets the sources that an administrator
/// forgave.
///
/// ```
/// # use accounts::{Accounts, StoreSettings};
/// # use accounts::InvalidationWatcher;
/// # use user_backend::{Credentials, Resolver, StaticBackend};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let accounts = Accounts::open(&StoreSettings::sqlite(folder.path().join("accounts.db"))).await?;
/// # let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
/// let resolver = Resolver::builder().backend(people).pins(accounts.pin_store()).build()?;
/// let follower = InvalidationWatcher::start(accounts.clone(), [resolver.clone()]).await?;
///
/// // At every sign-in: first the invalidations, then the cache.
/// follower.catch_up().await?;
/// let answer = resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
/// # assert!(answer.authenticated().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct InvalidationWatcher {
    accounts: Accounts,
    resolvers: Vec<Resolver>,
    seen: AtomicI64,
    invalidating: tokio::sync::Mutex<()>,
}

impl InvalidationWatcher {
    /// Begins to follow.
    ///
    /// The resolvers must not remember anything yet.
    ///
    /// # Errors
    /// When the epoch cannot be read.
    pub async fn start(
        accounts: impl Into<Accounts>,
        resolvers: impl IntoIterator<Item = Resolver>,
    ) -> Result<Self, AccountsError> {
        let accounts = accounts.into();
        let seen = AtomicI64::new(accounts.credential_epoch().current().await?.number());
        Ok(Self { accounts, resolvers: resolvers.into_iter().collect(), seen, invalidating: <_>::default() })
    }

    /// Makes the resolvers forget whose credentials ended since the last time.
    ///
    /// Nearly always one row is read and that is all. Any number of tasks may call it at the same
    /// time.
    ///
    /// # Errors
    /// When the store cannot be read. The caller must not believe the resolvers' memory then, so it
    /// refuses as unavailable.
    ///
    /// # Cancellation
    /// Safe: what was not invalidated will be the next time.
    pub async fn catch_up(&self) -> Result<CredentialEpoch, AccountsError> {
        let now = self.accounts.credential_epoch().current().await?;
        self.catch_up_with(now).await
    }

    /// The same, for a caller that has just read the epoch with another query.
    ///
    /// # Errors
    /// As [`Self::catch_up`].
    ///
    /// # Cancellation
    /// As [`Self::catch_up`].
    pub async fn catch_up_with(&self, now: CredentialEpoch) -> Result<CredentialEpoch, AccountsError> {
        if now == self.seen() {
            return Ok(now);
        }
        // One at a time: a second invalidation would drop outcomes proved in between.
        let _turn = self.invalidating.lock().await;
        let seen = self.seen();
        let epochs = self.accounts.credential_epoch();
        // Others may have seen later ones in the meantime.
        let now = if now > seen { now } else { epochs.current().await? };
        let events = epochs.changes_between(seen, now).await?;
        for resolver in &self.resolvers {
            match &events.changes {
                EndedCredentials::None { .. } => {}
                EndedCredentials::Everything { .. } => resolver.invalidate_all(),
                // Earlier wrong guesses do not matter, because the password has changed. A resolver
                // knows no app passwords, so a device that renews its own does not end the lock
                // that protects its owner's password.
                EndedCredentials::Users { .. } => events.passwords_ended.iter().for_each(|(name, at)| {
                    resolver.invalidate_user(name);
                    resolver.unlock_since(name, at.until(self.accounts.now()));
                }),
            }
            events.sources.iter().for_each(|place| resolver.forgive(*place));
        }
        // Only now: who reads the new number must find the memory cleaned.
        self.seen.store(now.number(), Ordering::Release);
        Ok(now)
    }

    fn seen(&self) -> CredentialEpoch {
        CredentialEpoch::stored(self.seen.load(Ordering::Acquire))
    }
}
