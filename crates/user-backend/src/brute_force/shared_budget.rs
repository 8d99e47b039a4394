//! Failed logins of each user at each backend, counted for all servers of a site.
//!
//! Each process limits on its own what reaches a backend. With several servers, guesses that are
//! spread over them would lock the account there all the same. A shared store counts them together:
//! a failure is reserved in one step before the backend is asked, so no burst exceeds the limit,
//! and no lock is held while the backend thinks. A reservation of a server that died counts as a
//! failure until its time is over.
//!
//! A store that does not answer ends the attempt as unavailable: without it, no one knows how many
//! guesses were made elsewhere.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use tokio::time::timeout_at;

use super::{AttemptLimit, Cost, Reached, SourceHash, UserHash, UserHashKey, cost};
use crate::clock::{Instant, now};
use crate::error::BackendError;
use crate::identity::{BackendId, CanonicalName};
use crate::verdict::Verdict;

/// Counts failed logins of users at backends for several processes.
///
/// The limit is the backend's `budget`. Implemented by the crate `accounts` on PostgreSQL.
#[async_trait]
pub trait SharedBudget: fmt::Debug + Send + Sync + 'static {
    /// Reserves one failure unless the limit is reached, in one atomic step.
    ///
    /// Count failures and reservations whose age is below `limit.per`. Times must be those of one
    /// clock for all processes.
    ///
    /// # Errors
    /// [`SharedBudgetError`]: the backend is not asked, and the attempt is unavailable.
    async fn reserve(
        &self,
        backend: &BackendId,
        user: &UserHash,
        limit: AttemptLimit,
    ) -> Result<BudgetReply, SharedBudgetError>;

    /// Settles a reservation.
    ///
    /// # Errors
    /// [`SharedBudgetError`]: the reservation then counts until its time is over.
    async fn settle(
        &self,
        backend: &BackendId,
        user: &UserHash,
        entry: BudgetEntry,
        result: BudgetResult,
    ) -> Result<(), SharedBudgetError>;
}

/// A reserved failure, as its store names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BudgetEntry {
    /// Its number.
    pub number: i64,
    /// What the store needs besides to find it again; 0 if nothing.
    pub detail: i64,
}

impl BudgetEntry {
    /// An entry that its number alone identifies.
    pub const fn new(number: i64) -> Self {
        Self { number, detail: 0 }
    }
}

/// The answer to a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetReply {
    /// The backend may be asked.
    Reserved(BudgetEntry),
    /// Wrong passwords have reached the limit, for this long.
    ReachedByFailures(Duration),
    /// The limit is reached, but partly by attempts without an answer.
    ReachedByUnanswered,
}

/// What became of a reserved failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetResult {
    /// The password is right.
    ///
    /// Wrong passwords from this network that were settled before this one was reserved count no
    /// more: the server clears its own count when it sees the right one. Later ones, those from
    /// elsewhere and other reservations count.
    Right(SourceHash),
    /// The password is wrong: it counts from now, for this network.
    Wrong(SourceHash),
    /// No failure: the backend was not asked, or does not know the user.
    Nothing,
}

/// The shared store of budgets could not be read or written.
#[derive(Debug, Error)]
#[error("the shared record of failed logins cannot be used: {0}")]
pub struct SharedBudgetError(#[source] Box<dyn std::error::Error + Send + Sync + 'static>);

impl SharedBudgetError {
    /// Wraps the error of the store.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>) -> Self {
        Self(source.into())
    }
}

const LATE: &str = "the shared record of failed logins did not answer in time";

/// A store, and the key under which it knows users.
#[derive(Clone, Debug)]
pub(crate) struct SiteBudget {
    store: Arc<dyn SharedBudget>,
    key: Arc<UserHashKey>,
}

/// A reservation, and when it was made by the clock of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SiteEntry {
    entry: BudgetEntry,
    pub(crate) at: Instant,
}

/// Why a backend must not be asked.
#[derive(Debug)]
pub(crate) enum SiteDenial {
    Reached(Reached),
    /// The store did not answer.
    Failed(String),
}

impl SiteBudget {
    pub(crate) fn new(store: Arc<dyn SharedBudget>, key: UserHashKey) -> Self {
        Self { store, key: Arc::new(key) }
    }

    /// Reserves a failure, or takes over the one that an earlier attempt with the same password
    /// left without an answer.
    pub(crate) async fn reserve<'a>(
        &'a self,
        backend: &'a BackendId,
        name: &CanonicalName,
        source: Option<IpAddr>,
        limit: AttemptLimit,
        unanswered: Option<SiteEntry>,
        deadline: Instant,
    ) -> Result<SiteReservation<'a>, SiteDenial> {
        let user = self.key.hash(name.as_str());
        let is_reused = unanswered.is_some();
        let at = now();
        let reserved = match unanswered {
            Some(earlier) => earlier,
            None => match timeout_at(deadline, self.store.reserve(backend, &user, limit)).await {
                Ok(Ok(BudgetReply::Reserved(entry))) => SiteEntry { entry, at },
                Ok(Ok(BudgetReply::ReachedByFailures(wait))) => {
                    return Err(SiteDenial::Reached(Reached::ByFailures(wait)));
                }
                Ok(Ok(BudgetReply::ReachedByUnanswered)) => {
                    return Err(SiteDenial::Reached(Reached::ByUnanswered));
                }
                Ok(Err(error)) => return Err(SiteDenial::Failed(error.to_string())),
                Err(_) => return Err(SiteDenial::Failed(LATE.to_owned())),
            },
        };
        let source = self.key.source(source);
        Ok(SiteReservation { store: self.store.as_ref(), backend, user, source, reserved, is_reused })
    }
}

/// A failure that may happen, reserved for all servers.
#[derive(Debug)]
pub(crate) struct SiteReservation<'a> {
    store: &'a dyn SharedBudget,
    backend: &'a BackendId,
    user: UserHash,
    source: SourceHash,
    reserved: SiteEntry,
    is_reused: bool,
}

impl SiteReservation<'_> {
    /// Settles it by what became of the attempt.
    ///
    /// Returns the entry if it still counts although the backend has not answered: the next attempt
    /// with the same password takes it over.
    pub(crate) async fn settle(
        self,
        answer: &Result<Verdict, BackendError>,
        deadline: Instant,
    ) -> Option<SiteEntry> {
        let kept = Some(self.reserved);
        let result = match cost(answer) {
            Cost::Right => BudgetResult::Right(self.source),
            Cost::Wrong => BudgetResult::Wrong(self.source),
            Cost::Silent | Cost::Unrecognised => return kept,
            // The backend may still count the earlier attempt.
            Cost::UnknownUser | Cost::Outage | Cost::Nothing if self.is_reused => return kept,
            Cost::UnknownUser | Cost::Outage | Cost::Nothing => BudgetResult::Nothing,
        };
        let settled = self.store.settle(self.backend, &self.user, self.reserved.entry, result);
        match timeout_at(deadline, settled).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(backend = %self.backend, %error, "an attempt counts as a failure");
            }
            Err(_) => tracing::warn!(backend = %self.backend, error = LATE, "an attempt counts as a failure"),
        }
        None
    }
}
