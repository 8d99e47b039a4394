//! How processes notice that credentials ended elsewhere.
//!
//! One counter, the *generation*, goes up in the very transaction that ends somebody's credentials: a new password, a
//! disabled, deleted or re-pinned user. The names are kept beside it. A process that remembers outcomes does, before it
//! believes its memory:
//!
//! ```text
//! let changes = accounts.credential_epoch().since(seen).await?;   // one row is read; nearly always that is all
//! forget what `changes` names, or everything;  seen = changes.now();
//! believe the memory
//! ```
//! [`InvalidationWatcher`] does that for a resolver.
//!
//! # The guarantee
//! When the call that ended credentials has returned, in whatever process, every `since` that begins afterwards, in
//! whatever process, tells of it. So a process that asks before each use of its memory accepts no old credential after
//! that moment. Sessions and reset tokens need no asking: the same transaction deletes them.
//!
//! It holds because both engines make a commit visible to every read that begins after it. On PostgreSQL the counter is a
//! row, not a sequence: a sequence hands out numbers before the commit, and a reader could see the larger number first.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use user_backend::layer::Place;
use user_backend::{CanonicalName, Resolver};

use crate::Accounts;
use crate::domain::clock::Timestamp;
use crate::domain::error::AccountsError;
use crate::store::engine::{Tx, each, fault, sql};
use crate::store::failed_logins;
use crate::store::login_attempts;

/// A point in the history of ended credentials. Later ones are larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialEpoch(i64);

impl CredentialEpoch {
    pub(crate) const fn stored(value: i64) -> Self {
        Self(value)
    }

    /// As a number, for metrics and logs.
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for CredentialEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whose credentials ended since a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changes {
    /// So many, or so long ago, that everything remembered must go.
    Everything {
        /// The generation now.
        now: CredentialEpoch,
    },
    /// Nobody's.
    None {
        /// The generation now.
        now: CredentialEpoch,
    },
    /// These people's.
    Users {
        /// The generation now.
        now: CredentialEpoch,
        /// Who, each once.
        names: Vec<CanonicalName>,
    },
}

impl Changes {
    /// The generation to ask from the next time.
    pub const fn now(&self) -> CredentialEpoch {
        match self {
            Self::Everything { now } | Self::None { now } | Self::Users { now, .. } => *now,
        }
    }
}

/// Keeps the memory of resolvers true: forgets whose credentials ended in any process, and forgives the places that an
/// administrator forgave.
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
/// // At every sign-in: first the news, then the memory.
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
    forgetting: tokio::sync::Mutex<()>,
}

impl InvalidationWatcher {
    /// Begins to follow. The resolvers must not remember anything yet.
    ///
    /// # Errors
    /// When the store cannot tell the generation.
    pub async fn start(
        accounts: Accounts,
        resolvers: impl IntoIterator<Item = Resolver>,
    ) -> Result<Self, AccountsError> {
        let seen = AtomicI64::new(accounts.credential_epoch().current().await?.0);
        Ok(Self { accounts, resolvers: resolvers.into_iter().collect(), seen, forgetting: <_>::default() })
    }

    /// Makes the resolvers forget whose credentials ended since the last time; nearly always one row is read and that is
    /// all. Any number of tasks may call it at the same time.
    ///
    /// # Errors
    /// When the store cannot tell. The caller must not believe the resolvers' memory then, so it refuses as unavailable.
    ///
    /// # Cancellation
    /// Safe: what was not forgotten will be the next time.
    pub async fn catch_up(&self) -> Result<CredentialEpoch, AccountsError> {
        let now = self.accounts.credential_epoch().current().await?;
        self.catch_up_with(now).await
    }

    /// The same, for who has just read the generation with something else.
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
        // One at a time: forgetting twice would void what was proved in between.
        let _turn = self.forgetting.lock().await;
        let seen = self.seen();
        let room = self.accounts.credential_epoch();
        // Others may have heard of later ones in the meantime.
        let now = if now > seen { now } else { room.current().await? };
        let (changes, forgiven) = room.changes_between(seen, now).await?;
        for resolver in &self.resolvers {
            match &changes {
                Changes::None { .. } => {}
                Changes::Everything { .. } => resolver.invalidate_all(),
                // Whatever was guessed wrong before, the password it was is no more.
                Changes::Users { names, .. } => names.iter().for_each(|name| {
                    resolver.invalidate_user(name);
                    resolver.unlock(name);
                }),
            }
            forgiven.iter().for_each(|place| resolver.forgive(*place));
        }
        // Only now: whoever reads the new number must find the memory cleaned.
        self.seen.store(now.0, Ordering::Release);
        Ok(now)
    }

    fn seen(&self) -> CredentialEpoch {
        CredentialEpoch(self.seen.load(Ordering::Acquire))
    }
}

/// How many ended credentials are remembered by name.
const KEPT: i64 = 1000;

/// After so many generations what is no longer wanted is deleted.
const SWEEP: i64 = 64;

/// The room of generations; see the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct CredentialEpochs<'a>(pub(crate) &'a Accounts);

impl CredentialEpochs<'_> {
    /// The generation now: one row is read.
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] when the store cannot tell: nothing remembered may be believed then.
    pub async fn current(self) -> Result<CredentialEpoch, AccountsError> {
        let row = self.0.db().row(sql("SELECT value FROM generation WHERE one = 1")).await?;
        let value = row.map(|row| row.int(0)).transpose().map_err(fault)?;
        value.map(CredentialEpoch).ok_or_else(|| AccountsError::unreadable("the generation is missing"))
    }

    /// Whose credentials ended after `seen`.
    ///
    /// A `seen` from the future (a database was restored from a backup) is answered with [`Changes::Everything`].
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] when the store cannot tell: nothing remembered may be believed then.
    pub async fn since(self, seen: CredentialEpoch) -> Result<Changes, AccountsError> {
        let now = self.current().await?;
        self.changes_between(seen, now).await.map(|(changes, _)| changes)
    }

    /// Whose credentials ended after one generation, up to another, and which places were forgiven in between.
    async fn changes_between(
        self,
        seen: CredentialEpoch,
        now: CredentialEpoch,
    ) -> Result<(Changes, Vec<Place>), AccountsError> {
        if now == seen {
            return Ok((Changes::None { now }, Vec::new()));
        }
        if now < seen || now.0 - seen.0 > KEPT {
            return Ok((
                Changes::Everything { now },
                self.0.failed_logins().resets_between(seen, now).await?,
            ));
        }
        let news =
            sql("SELECT name, NULL FROM credential_events WHERE generation > $1 AND generation <= $2 UNION \
                        SELECT NULL, place FROM forgiven_places WHERE generation > $1 AND generation <= $2");
        let (mut names, mut places) = (Vec::new(), Vec::new());
        for row in self.0.db().rows(news.bind(seen.0).bind(now.0)).await? {
            if let Some(name) = row.text_or_null(0).map_err(fault)? {
                let nobody = |_| AccountsError::unreadable("an event names nobody");
                names.push(CanonicalName::parse(&name).map_err(nobody)?);
            }
            if let Some(place) = row.text_or_null(1).map_err(fault)? {
                places.push(failed_logins::source(&place)?);
            }
        }
        Ok((Changes::Users { now, names }, places))
    }

    /// Lets every process forget what it remembers of one name. No credential ends.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn forget(self, name: &CanonicalName) -> Result<CredentialEpoch, AccountsError> {
        let mut tx = self.0.db().begin().await?;
        let now = bump(&mut tx, name, self.0.now()).await?;
        tx.commit().await?;
        Ok(now)
    }

    /// Lets every process forget everything it remembers. No credential ends.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn forget_all(self) -> Result<CredentialEpoch, AccountsError> {
        let mut tx = self.0.db().begin().await?;
        // A reader that is so far behind is told to forget everything.
        let jump = sql("UPDATE generation SET value = value + $1 WHERE one = 1 RETURNING value");
        let row = tx.row(jump.bind(KEPT + 1)).await?;
        let value = row.map(|row| row.int(0)).transpose().map_err(fault)?;
        let value = value.ok_or_else(|| AccountsError::unreadable("the generation is missing"))?;
        tx.commit().await?;
        Ok(CredentialEpoch(value))
    }
}

/// Ends what was proved before now for one name, in the caller's transaction; tells the new generation.
pub(crate) async fn bump(
    tx: &mut Tx,
    name: &CanonicalName,
    now: Timestamp,
) -> Result<CredentialEpoch, AccountsError> {
    let CredentialEpoch(value) = next(tx).await?;
    // What was guessed wrong before was another password, or an administrator forgives.
    login_attempts::forget(tx, name).await?;
    let event = sql("INSERT INTO credential_events (generation, name, at) VALUES ($1, $2, $3)");
    tx.execute(event.bind(value).bind(name.as_str()).bind(now.millis())).await?;
    Ok(CredentialEpoch(value))
}

/// Raises the generation, in the caller's transaction.
pub(crate) async fn next(tx: &mut Tx) -> Result<CredentialEpoch, AccountsError> {
    let row = tx.row(sql("UPDATE generation SET value = value + 1 WHERE one = 1 RETURNING value")).await?;
    let value = row.map(|row| row.int(0)).transpose().map_err(fault)?;
    let value = value.ok_or_else(|| AccountsError::unreadable("the generation is missing"))?;
    if value % SWEEP == 0 {
        // The margin lets a reader finish that began when they were still wanted.
        let old = value - 2 * KEPT;
        tx.execute(sql("DELETE FROM credential_events WHERE generation <= $1").bind(old)).await?;
        tx.execute(sql("DELETE FROM forgiven_places WHERE generation <= $1").bind(old)).await?;
    }
    Ok(CredentialEpoch(value))
}

/// The generation, which nobody raises before the caller's transaction has ended.
pub(crate) async fn locked(tx: &mut Tx) -> Result<CredentialEpoch, AccountsError> {
    // SQLite has one writer at a time as it is.
    let look = each(
        "SELECT value FROM generation WHERE one = 1",
        "SELECT value FROM generation WHERE one = 1 FOR SHARE",
    );
    let row = tx.row(look).await?;
    let value = row.map(|row| row.int(0)).transpose().map_err(fault)?;
    value.map(CredentialEpoch).ok_or_else(|| AccountsError::unreadable("the generation is missing"))
}
