//! Synchronises failed sign-ins between servers over the store.
//!
//! It also reports the status of this server.
//!
//! The limits per source and per user count in memory. So that counts survive a restart, are shared
//! between processes, and an administrator can look and forgive, failures are written to the store
//! and read from it: in the background, once a second, in batches. A server that is killed loses
//! what it has seen in the last second. When the store cannot be written the limits continue as
//! they are, and what was seen is written later.

use std::time::Duration;

use accounts::{AccountsError, HEARTBEAT_INTERVAL, KeepFailures, LoginEvent};
use serde::Serialize;

use super::failed_login_log::host;
use crate::state::AppState;

/// How often failed logins are exchanged with the store.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// How far a late row may be behind the newest key; older keys need not be known.
const LATE: i64 = 1_000;

/// The status report of a server.
///
/// Its names are public.
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

impl AppState {
    /// Synchronises failed logins every second, until the future is dropped.
    ///
    /// Every few seconds it also reports the status of this server.
    pub async fn run_failed_login_sync(&self) {
        let mut fault = None;
        let mut tick: u32 = 0;
        let ticks_per_report =
            u32::try_from(HEARTBEAT_INTERVAL.as_secs() / SYNC_INTERVAL.as_secs()).unwrap_or(1).max(1);
        loop {
            let round = async {
                self.sync_failed_logins(tick.is_multiple_of(6 * ticks_per_report)).await?;
                // Sign-ins go by the rules as they are known.
                self.rules().await?;
                if tick.is_multiple_of(ticks_per_report) { self.report_status().await } else { Ok(()) }
            };
            let now = round.await.err().map(|error| error.to_string());
            match (&fault, &now) {
                (None, Some(error)) => {
                    tracing::warn!(%error, "failed sign-ins are counted here and cannot be written down");
                }
                (Some(_), None) => tracing::info!("failed sign-ins are written down again"),
                _ => {}
            }
            fault = now;
            tick = tick.wrapping_add(1);
            tokio::time::sleep(SYNC_INTERVAL).await;
        }
    }

    /// Writes the last failures and takes this server off the list of running ones.
    pub async fn unregister(&self) {
        let left = async {
            self.sync_failed_logins(false).await?;
            self.accounts().as_system().instances().unregister(&self.inner.failed_logins.id).await
        };
        if let Err(error) = left.await {
            tracing::warn!(%error, "the last failed sign-ins could not be written down");
        }
    }

    /// Writes the failures that this server has seen, and reads those of others.
    ///
    /// `tidy`: also when there is nothing to write, what no longer counts is deleted.
    ///
    /// # Errors
    /// When the store cannot be read or written; nothing is lost then.
    pub async fn sync_failed_logins(&self, tidy: bool) -> Result<(), AccountsError> {
        let system = self.accounts().as_system();
        let (log, failures) = (&self.inner.failed_logins, system.failed_logins());
        let mut synced = log.synced.lock().await;
        let keep = self.keep_failures();
        // What an administrator forgave is forgiven here before anything is written.
        let before = self.inner.follower.catch_up().await?;
        let waiting: Vec<_> = log.waiting().events.iter().copied().collect();
        if tidy || !waiting.is_empty() {
            let seen: Vec<_> = waiting.iter().map(|(_, event, at)| (*event, *at)).collect();
            // Forgiven meanwhile, perhaps: the next time.
            if failures.record(&log.id, before, &seen, keep).await?
                && let Some((last, ..)) = waiting.last()
            {
                log.waiting().events.retain(|(number, ..)| number > last);
            }
        }
        loop {
            let new_failures = failures.of_others(&log.id, synced.newest, keep).await?;
            let mut fresh = 0_usize;
            for failure in new_failures {
                synced.newest = synced.newest.max(failure.key);
                if synced.known.insert(failure.key) {
                    fresh += 1;
                    self.count(failure.event, log.age(failure.at));
                }
            }
            if fresh == 0 {
                break;
            }
        }
        let newest = synced.newest;
        synced.known.retain(|key| *key > newest - LATE);
        // A source may have been reset between reading and counting.
        let now = self.inner.follower.catch_up().await?;
        if now != before {
            for place in failures.resets_between(before, now).await? {
                self.resolver().forgive(place);
            }
        }
        Ok(())
    }

    /// Reads what was counted before the start.
    ///
    /// What ended meanwhile, with a new password or `occ cache:flush`, does not count.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub(crate) async fn recall_failed_logins(&self) -> Result<(), AccountsError> {
        self.sync_failed_logins(true).await?;
        let log = &self.inner.failed_logins;
        let not_before = log.clock.now().before(self.keep_failures().users);
        for (name, at) in self.accounts().credential_epoch().passwords_ended_since(not_before).await? {
            self.resolver().forget_user_failures(&name, log.age(at));
        }
        Ok(())
    }

    fn keep_failures(&self) -> KeepFailures {
        let resolver = self.resolver();
        KeepFailures { sources: resolver.throttle().per, users: resolver.user_failures_count_for() }
    }

    /// Counts what another server saw that long ago.
    fn count(&self, event: LoginEvent, age: Duration) {
        let resolver = self.resolver();
        match event {
            LoginEvent::SourceFailed(source, certainty) => resolver.count_failure(source, certainty, age),
            LoginEvent::UserFailed(user, source) => resolver.count_user_failure(user, source, age),
            LoginEvent::UserSignedIn(user, source) => resolver.count_user_sign_in(user, source, age),
            _ => {}
        }
    }

    async fn report_status(&self) -> Result<(), AccountsError> {
        let log = &self.inner.failed_logins;
        let resolver = self.resolver();
        let (cache, pressure) = (resolver.cache_stats(), resolver.pressure());
        let [accepted_from_memory, rejected_from_memory] = resolver.answers_from_memory();
        let status = Status {
            pid: std::process::id(),
            host: host(),
            version: env!("CARGO_PKG_VERSION"),
            listen: self.settings().listen.to_string(),
            accepted: cache.accepted,
            rejected: cache.rejected,
            bytes: cache.bytes,
            most_entries: resolver.cache_bounds().entries,
            most_bytes: resolver.cache_bounds().bytes,
            accepted_from_memory,
            rejected_from_memory,
            attempts_under_way: pressure.under_way,
            throttled_places: pressure.throttled_places,
            locked_users: pressure.locked_users,
        };
        let text = serde_json::to_string(&status).unwrap_or_default();
        self.accounts().as_system().instances().report(&log.id, log.started, &text).await
    }
}
