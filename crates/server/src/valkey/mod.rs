//! Failed logins at backends, counted in Valkey (or Redis) beside PostgreSQL.
//!
//! The limit is split: Valkey grants at most half of it, PostgreSQL the rest. So no server needs to
//! know whether another one reaches Valkey, and the sum never exceeds the limit. Valkey is asked
//! first; PostgreSQL only when the half is used up, or when Valkey cannot be used. Then the limit
//! is stricter, never looser.
//!
//! Valkey may forget. See `docs/design/093-count-in-valkey.md` for the rules that keep that safe:
//! generations, and for how long a server relies on what it saw.

mod connection;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accounts::{StoredBudget, ValkeyAddress, ValkeySettings};
use async_trait::async_trait;
use tokio::time::sleep;
use user_backend::BackendError;
use user_backend::BackendId;
use user_backend::brute_force::{
    AttemptLimit, BudgetEntry, BudgetReply, BudgetResult, SharedBudget, SharedBudgetError, UserHash,
};
use user_backend::clock::{Instant, now};
use user_backend::transport::TlsClient;

use connection::{Connection, Granted, Unusable};

/// How often a server looks whether Valkey is still the one that it counts in.
const LOOK: Duration = Duration::from_secs(5);

/// How long it relies on what it saw.
///
/// A look takes at most the patience with Valkey and with PostgreSQL, so two may fail.
const LEASE: Duration = Duration::from_secs(20);

/// By how much a generation must be older than the window of a limit.
///
/// Longer than the lease of a server that still counts in an earlier one, with room for clocks that
/// run at different rates and for the time between a reservation and its answer. The schema has the
/// same number.
const MARGIN: Duration = Duration::from_secs(60);

/// The [`BudgetEntry::detail`] of an entry in Valkey.
///
/// For one in PostgreSQL, the time of Valkey when its share was used up, or 0.
const IN_VALKEY: i64 = -1;

/// See the [module](self).
pub(crate) struct ValkeyBudget {
    postgres: Arc<StoredBudget>,
    settings: ValkeySettings,
    tls: Option<TlsClient>,
    /// What all keys of this site begin with.
    prefix: String,
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
enum State {
    /// Since when, and why; no reason before the first look.
    Down(Instant, Option<Arc<str>>),
    Up(Arc<Session>),
}

/// A connection, and what was seen over it.
#[derive(Debug)]
struct Session {
    connection: Connection,
    /// The generation.
    marker: String,
    /// Its age at the time of `looked`.
    age: Duration,
    looked: Instant,
    /// Until when scripts may count, by the clock of Valkey, in ms.
    lease: i64,
}

impl Session {
    /// Whether the generation is old enough for a limit, and was seen recently enough.
    fn counts(&self, window: Duration) -> bool {
        let since = now().saturating_duration_since(self.looked);
        since < LEASE && self.age.saturating_add(since) >= window.saturating_add(MARGIN)
    }
}

impl ValkeyBudget {
    /// Begins to look for Valkey in the background, until the budget is dropped.
    ///
    /// `site` names the site among those that share a Valkey.
    ///
    /// # Errors
    /// The authorities of the certificate cannot be read.
    pub(crate) fn start(
        postgres: Arc<StoredBudget>,
        settings: ValkeySettings,
        site: &[u8; 32],
    ) -> Result<Arc<Self>, BackendError> {
        let budget = Arc::new(Self::new(postgres, settings, site)?);
        let looking = Arc::downgrade(&budget);
        tokio::spawn(async move {
            while let Some(budget) = looking.upgrade() {
                budget.look().await;
                drop(budget);
                sleep(LOOK).await;
            }
        });
        Ok(budget)
    }

    fn new(
        postgres: Arc<StoredBudget>,
        settings: ValkeySettings,
        site: &[u8; 32],
    ) -> Result<Self, BackendError> {
        let tls = match settings.address() {
            ValkeyAddress::Tcp { endpoint, .. } => TlsClient::if_encrypted(endpoint)?,
            ValkeyAddress::Unix(_) => None,
        };
        let site = blake3::derive_key("user-backend 2026-12-01 name of a site in Valkey", site);
        let prefix = format!("user-backend:{}", blake3::Hash::from(site).to_hex().split_at(16).0);
        let state = Mutex::new(State::Down(now(), None));
        Ok(Self { postgres, settings, tls, prefix, state })
    }

    /// Since when Valkey cannot be used, and why.
    pub(crate) fn outage(&self) -> Option<(Duration, Arc<str>)> {
        match &*self.state() {
            State::Up(_) => None,
            State::Down(since, why) => {
                let why = why.clone().unwrap_or_else(|| "it was not asked yet".into());
                Some((now().saturating_duration_since(*since), why))
            }
        }
    }

    /// Sets the gauge.
    pub(crate) fn report_metrics(&self) {
        let is_up = matches!(&*self.state(), State::Up(_));
        metrics::gauge!("user_backend_valkey_up").set(if is_up { 1.0 } else { 0.0 });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self) -> Option<Arc<Session>> {
        match &*self.state() {
            State::Up(session) => Some(Arc::clone(session)),
            State::Down(..) => None,
        }
    }

    /// Looks whether Valkey can be used.
    async fn look(&self) {
        let before = self.session();
        match self.renew(before.as_deref()).await {
            Ok(session) => {
                let mut state = self.state();
                if matches!(&*state, State::Down(..)) {
                    tracing::info!(address = %self.settings.address(), "Valkey counts failed logins at backends");
                }
                *state = State::Up(Arc::new(session));
            }
            Err(why) => self.lost(before.as_ref(), &why),
        }
    }

    /// A session over the same connection, or over a new one.
    async fn renew(&self, before: Option<&Session>) -> Result<Session, Unusable> {
        let connection = match before {
            Some(session) => session.connection.clone(),
            None => Connection::open(&self.settings, self.tls.as_ref(), &self.prefix).await?,
        };
        for _ in 0..2 {
            let looked = now();
            // Before the row is read: the lease begins at a time when the row was not changed yet.
            let seen = connection.look().await?;
            if seen.eviction != "noeviction" {
                // What it evicts is missing afterwards, so another generation begins then.
                connection.mark(&seen.marker, "").await?;
                let found = seen.eviction;
                return Err(Unusable(format!("found maxmemory-policy {found}, expected noeviction")));
            }
            if let Some(age) = self.postgres.renew_generation(&seen.marker, &seen.process).await? {
                let lease = seen.time.saturating_add(i64::try_from(LEASE.as_millis()).unwrap_or_default());
                return Ok(Session { connection, marker: seen.marker, age, looked, lease });
            }
            let next = blake3::Hash::from(random::<32>()?).to_hex();
            if connection.mark(&seen.marker, &next).await? {
                self.postgres.begin_generation(&next, &seen.process).await?;
                tracing::info!(
                    address = %self.settings.address(),
                    "Valkey begins to count: for the window of each limit and a minute, half of the limit holds"
                );
            }
        }
        Err(Unusable("another server is about to begin a new generation in it".to_owned()))
    }

    /// Valkey cannot be used, as this session has shown.
    fn lost(&self, session: Option<&Arc<Session>>, why: &Unusable) {
        let reason = Some(why.0.as_str().into());
        let mut state = self.state();
        match (&mut *state, session) {
            // A newer session goes on.
            (State::Up(current), Some(session)) if !Arc::ptr_eq(current, session) => return,
            (State::Up(_), None) => return,
            (State::Down(_, known @ Some(_)), _) => {
                *known = reason;
                return;
            }
            (State::Up(_), Some(_)) | (State::Down(_, None), _) => {}
        }
        *state = State::Down(now(), reason);
        drop(state);
        tracing::warn!(
            address = %self.settings.address(),
            reason = %why,
            "Valkey unavailable: PostgreSQL counts failed logins at backends, up to half of each limit"
        );
    }

    fn key(&self, backend: &BackendId, user: &UserHash) -> String {
        format!("{}:{backend}:{user}", self.prefix)
    }
}

#[async_trait]
impl SharedBudget for ValkeyBudget {
    async fn reserve(
        &self,
        backend: &BackendId,
        user: &UserHash,
        limit: AttemptLimit,
    ) -> Result<BudgetReply, SharedBudgetError> {
        // PostgreSQL has the other half, see `budget_share` in the schema.
        // An attempt that is exempt from the limit (`u32::MAX`) takes of what Valkey has for others
        // only where nothing counts there: its failure is within the limit of the others then.
        let share = if limit.failures == u32::MAX { 1 } else { limit.failures / 2 };
        let session = self.session().filter(|session| share > 0 && session.counts(limit.per));
        let mut full = None;
        if let Some(session) = session {
            let name = i64::from_le_bytes(random().map_err(|error| SharedBudgetError::new(error.0))?);
            let generation = (session.marker.as_str(), session.lease);
            let key = self.key(backend, user);
            match session.connection.reserve(&key, generation, limit.per, share, name).await {
                Ok(Granted::Reserved) => {
                    return Ok(BudgetReply::Reserved(BudgetEntry { number: name, detail: IN_VALKEY }));
                }
                Ok(Granted::Full(at, wait)) => full = Some((at, wait)),
                Ok(Granted::Lost) => {
                    self.lost(Some(&session), &Unusable("what it counted may be gone".to_owned()));
                }
                Err(why) => self.lost(Some(&session), &why),
            }
        }
        let reply = self.postgres.reserve(backend, user, limit).await?;
        let Some((at, wait)) = full else { return Ok(reply) };
        Ok(match (reply, wait) {
            (BudgetReply::Reserved(entry), _) => BudgetReply::Reserved(BudgetEntry { detail: at, ..entry }),
            // There is room as soon as there is at one of them.
            (BudgetReply::ReachedByFailures(rest), Some(wait)) => {
                BudgetReply::ReachedByFailures(rest.min(wait))
            }
            _ => BudgetReply::ReachedByUnanswered,
        })
    }

    async fn settle(
        &self,
        backend: &BackendId,
        user: &UserHash,
        entry: BudgetEntry,
        result: BudgetResult,
    ) -> Result<(), SharedBudgetError> {
        let in_valkey = match (entry.detail, result) {
            (IN_VALKEY, _) => Some(Ok(entry.number)),
            // Valkey had no room before the backend was asked: what it counted until then is cleared.
            (at, BudgetResult::Right(_)) if at > 0 => Some(Err(at)),
            _ => None,
        };
        if entry.detail != IN_VALKEY {
            self.postgres.settle(backend, user, entry, result).await?;
        }
        let (Some(entry), session) = (in_valkey, self.session()) else { return Ok(()) };
        let settled = match &session {
            Some(session) => session.connection.settle(&self.key(backend, user), entry, result).await,
            None => Err(Unusable("Valkey is unavailable".to_owned())),
        };
        settled.or_else(|why| {
            self.lost(session.as_ref(), &why);
            // What is not cleared counts until its time is over.
            if entry.is_err() { Ok(()) } else { Err(SharedBudgetError::new(why.0)) }
        })
    }
}

impl fmt::Debug for ValkeyBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValkeyBudget").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn random<const N: usize>() -> Result<[u8; N], Unusable> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Unusable("the system gives no randomness".to_owned()))?;
    Ok(bytes)
}
