//! What this server tells others, and hears from them, about failed sign-ins; and what it tells of itself.
//!
//! The throttle counts in memory. So that a restart forgives nobody, one process knows what another has seen, and an
//! administrator can look and forgive, failures are written to the store and read from it: behind the sign-ins, once a
//! second, many at a time. A server that is killed loses what it has seen in the last second. When the store cannot be
//! written the throttle goes on as it is, and what was seen is written later.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accounts::{AccountsError, Clock, HEARTBEAT_INTERVAL, Timestamp};
use serde::Serialize;
use user_backend::layer::{FailureLog, Place};

use super::App;

/// How often the ledger is balanced.
const BALANCE: Duration = Duration::from_secs(1);

/// How many failures may wait to be written. One place can add ten in half an hour.
const WAITING: usize = 10_000;

/// So far behind the newest key a late row may be; older keys need not be known.
const LATE: i64 = 1_000;

/// Failures that are still to be written, and those of others that are known.
#[derive(Debug)]
pub(super) struct Ledger {
    id: String,
    started: Timestamp,
    clock: Clock,
    waiting: Mutex<Waiting>,
    heard: tokio::sync::Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Each with its number.
    failures: VecDeque<(u64, Place, Timestamp)>,
    next: u64,
}

#[derive(Debug, Default)]
struct Heard {
    newest: i64,
    known: HashSet<i64>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let clock = Clock::system();
        let started = clock.now();
        Self {
            id: format!("{}:{}:{}", host(), std::process::id(), started.millis()),
            started,
            clock,
            waiting: Mutex::default(),
            heard: tokio::sync::Mutex::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A server that has just been started has heard of nothing, whatever its name was before.
    fn age(&self, at: Timestamp) -> Duration {
        // A clock that was set back makes a failure as young as can be.
        let millis = self.clock.now().millis().saturating_sub(at.millis()).max(0);
        Duration::from_millis(u64::try_from(millis).unwrap_or_default())
    }
}

impl FailureLog for Ledger {
    fn failed(&self, place: Place) {
        let at = self.clock.now();
        let mut waiting = self.waiting();
        // A flood while the store cannot be written: what is known in memory counts on.
        if waiting.failures.len() < WAITING {
            let number = waiting.next;
            waiting.next += 1;
            waiting.failures.push_back((number, place, at));
        }
    }

    fn forgiven(&self, place: Place) {
        self.waiting().failures.retain(|(_, other, _)| *other != place);
    }
}

/// What a server tells of itself. Other programs read it: names stay.
#[derive(Debug, Serialize)]
struct Status {
    pid: u32,
    host: String,
    version: &'static str,
    listen: String,
    accepted: usize,
    rejected: usize,
    bytes: u64,
    most_entries: usize,
    most_bytes: usize,
    accepted_from_memory: u64,
    rejected_from_memory: u64,
    attempts_under_way: usize,
    throttled_places: usize,
    locked_users: usize,
}

impl App {
    /// Balances the ledger every second, and tells of this server every few, until the future is dropped.
    pub async fn keep_ledger(&self) {
        let mut fault = None;
        let mut beat: u32 = 0;
        let beats = u32::try_from(HEARTBEAT_INTERVAL.as_secs() / BALANCE.as_secs()).unwrap_or(1).max(1);
        loop {
            let told = async {
                self.balance(beat.is_multiple_of(6 * beats)).await?;
                // Sign-ins go by the rules as they are known.
                self.rules().await?;
                if beat.is_multiple_of(beats) { self.tell_of_itself().await } else { Ok(()) }
            };
            let now = told.await.err().map(|error| error.to_string());
            match (&fault, &now) {
                (None, Some(error)) => {
                    tracing::warn!(%error, "failed sign-ins are counted here and cannot be written down");
                }
                (Some(_), None) => tracing::info!("failed sign-ins are written down again"),
                _ => {}
            }
            fault = now;
            beat = beat.wrapping_add(1);
            tokio::time::sleep(BALANCE).await;
        }
    }

    /// Writes the last failures and strikes this server off the list: it ends.
    pub async fn leave_ledger(&self) {
        let left = async {
            self.balance(false).await?;
            self.accounts().instances().unregister(&self.inner.ledger.id).await
        };
        if let Err(error) = left.await {
            tracing::warn!(%error, "the last failed sign-ins could not be written down");
        }
    }

    /// Writes what this server has seen, and hears what others have. `tidy`: also when there is nothing to write, what no longer
    /// counts is deleted.
    ///
    /// # Errors
    /// When the store cannot be read or written; nothing is lost then.
    pub async fn balance(&self, tidy: bool) -> Result<(), AccountsError> {
        let (ledger, failures) = (&self.inner.ledger, self.accounts().failed_logins());
        let mut heard = ledger.heard.lock().await;
        let per = self.resolver().throttle().per;
        // What an administrator forgave is forgiven here before anything is written.
        let before = self.inner.follower.catch_up().await?;
        let waiting: Vec<_> = ledger.waiting().failures.iter().copied().collect();
        if tidy || !waiting.is_empty() {
            let seen: Vec<_> = waiting.iter().map(|(_, place, at)| (*place, *at)).collect();
            // Forgiven meanwhile, perhaps: the next time.
            if failures.record(&ledger.id, before, &seen, per).await?
                && let Some((last, ..)) = waiting.last()
            {
                ledger.waiting().failures.retain(|(number, ..)| number > last);
            }
        }
        let not_before = ledger.clock.now().before(per);
        loop {
            let told = failures.of_others(&ledger.id, heard.newest, not_before).await?;
            let mut fresh = 0_usize;
            for failure in told {
                heard.newest = heard.newest.max(failure.key);
                if heard.known.insert(failure.key) {
                    fresh += 1;
                    for resolver in self.resolvers() {
                        resolver.count_failure(failure.source, ledger.age(failure.at));
                    }
                }
            }
            if fresh == 0 {
                break;
            }
        }
        let newest = heard.newest;
        heard.known.retain(|key| *key > newest - LATE);
        // Somebody may have been forgiven between the reading and the counting.
        let now = self.inner.follower.catch_up().await?;
        if now != before {
            for place in failures.resets_between(before, now).await? {
                self.resolvers().into_iter().for_each(|resolver| resolver.forgive(place));
            }
        }
        Ok(())
    }

    async fn tell_of_itself(&self) -> Result<(), AccountsError> {
        let ledger = &self.inner.ledger;
        let mut status = Status {
            pid: std::process::id(),
            host: host(),
            version: env!("CARGO_PKG_VERSION"),
            listen: self.settings().listen.to_string(),
            accepted: 0,
            rejected: 0,
            bytes: 0,
            most_entries: self.resolver().cache_bounds().entries,
            most_bytes: self.resolver().cache_bounds().bytes,
            accepted_from_memory: 0,
            rejected_from_memory: 0,
            attempts_under_way: 0,
            throttled_places: 0,
            locked_users: 0,
        };
        for resolver in self.resolvers() {
            let (cache, pressure) = (resolver.cache_stats(), resolver.pressure());
            let [accepted, rejected] = resolver.answers_from_memory();
            status.accepted += cache.accepted;
            status.rejected += cache.rejected;
            status.bytes += cache.bytes;
            status.accepted_from_memory += accepted;
            status.rejected_from_memory += rejected;
            status.attempts_under_way += pressure.under_way;
            // Both hear of the same places.
            status.throttled_places = status.throttled_places.max(pressure.throttled_places);
            status.locked_users += pressure.locked_users;
        }
        let text = serde_json::to_string(&status).unwrap_or_default();
        self.accounts().instances().report(&ledger.id, ledger.started, &text).await
    }
}

/// What this machine is called.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok());
    name.map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "here".to_owned())
}
