//! Limits failed logins of one user at one backend, which might lock the account.
//!
//! Servers lock an account after a few wrong passwords. Without a limit here, anyone who knows a
//! login name could lock its owner out of mail and files. Each backend has a limit per user (4
//! failures in 15 minutes by default). When it is reached the backend is not asked.
//!
//! A failure is reserved **before** the attempt, so that a burst cannot exceed the limit. The
//! reservation is given back when it was none: the password was right, the server could not decide,
//! or it does not know the user. A right password clears the failures from its own network, as
//! servers do with all; failures that are still to come are not cleared.
//!
//! A server that is silent until the deadline may have been sent a password that it still counts.
//! That costs one failure per password: guesses are limited, and a user who tries the right one
//! again and again while a server hangs is not locked out when it is back. A limit that is reached
//! only in this way is reported as an outage.
//!
//! A server that answers a login with an outage ("try again later") may say that to wrong passwords
//! only. So such answers have a limit of their own, which is wider (16 different passwords in 15
//! minutes by default): real outages should be over before their users meet it.
//!
//! Bounded: a backend remembers the failures of the 100,000 names that failed last, and of all that
//! are being asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bounded_table::BoundedTable;
use super::shared_budget::SiteEntry;
use super::window::{AttemptLimit, Certainty, Reached, Window};
use super::{Cost, GuessKey, cost};
use crate::clock::{Instant, now};
use crate::error::BackendError;
use crate::identity::CanonicalName;
use crate::secret::OutcomeKey;
use crate::verdict::Verdict;

/// How many passwords may be answered with an outage for each failure that is allowed.
const OUTAGES_PER_FAILURE: u32 = 4;

/// At most this many names per backend.
pub(crate) const MAX_TRACKED_USERS: usize = 100_000;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct UpstreamLimiter {
    limit: AttemptLimit,
    users: BoundedTable<CanonicalName, Mutex<BackendUserRecord>>,
}

/// What one user has failed so far.
#[derive(Debug, Default)]
struct BackendUserRecord {
    window: Window,
    /// Passwords that were answered with an outage.
    outages: Window,
    /// Attempts under way: each may become a failure.
    reserved: usize,
    /// Passwords without an answer, whose entries in the shared record still count.
    unanswered: Vec<Unanswered>,
}

/// A password without an answer, whose failure is reserved for all servers.
#[derive(Clone, Copy, Debug)]
struct Unanswered {
    /// The name, the password and the network of the source.
    key: OutcomeKey,
    reserved: SiteEntry,
}

/// Maximum number of passwords without an answer whose entries are remembered.
///
/// Entries beyond that count until their time is over.
const MAX_UNANSWERED: usize = 8;

/// A limit is reached; the backend must not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) reached: Reached,
    /// The backend refused this very password a while ago, so its answer is known.
    pub(crate) was_refused: bool,
}

impl UpstreamLimiter {
    /// An empty record for every user.
    pub(crate) fn new(limit: AttemptLimit) -> Self {
        Self { limit, users: BoundedTable::new(MAX_TRACKED_USERS) }
    }

    /// How many passwords of a user may be answered with an outage.
    fn outage_limit(&self) -> AttemptLimit {
        AttemptLimit { failures: self.limit.failures.saturating_mul(OUTAGES_PER_FAILURE), ..self.limit }
    }

    /// Reserves one failure of a user for an attempt with these credentials.
    ///
    /// `is_proven`: they were accepted the last time. They are no guess, so they are let through when
    /// guesses have reached the limit; should they be refused now, that counts, and they are no
    /// longer proven.
    ///
    /// # Errors
    /// [`Denied`] when the limit is reached.
    pub(crate) fn reserve(
        &self,
        name: &CanonicalName,
        key: &GuessKey,
        is_proven: bool,
    ) -> Result<Reservation<'_>, Denied> {
        let record = self.users.get_or_insert(name, Mutex::default);
        let mut reservation = Reservation {
            limiter: self,
            name: name.clone(),
            record,
            key: *key,
            reserved_at: now(),
            is_reserved: false,
        };
        let denied = {
            let mut record = lock(&reservation.record);
            let (reserved, at) = (record.reserved, now());
            let within = record.window.check(self.limit, key, reserved, at);
            match within.and_then(|()| record.outages.check(self.outage_limit(), key, reserved, at)) {
                Err(reached) if !is_proven => {
                    Some(Denied { reached, was_refused: record.window.has_refused(key) })
                }
                Ok(()) | Err(_) => {
                    record.reserved += 1;
                    None
                }
            }
        };
        match denied {
            None => {
                reservation.is_reserved = true;
                Ok(reservation)
            }
            Some(denied) => Err(denied),
        }
    }
}

/// A reserved failure.
///
/// Released on drop, unless the failure occurred.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    limiter: &'a UpstreamLimiter,
    name: CanonicalName,
    record: Arc<Mutex<BackendUserRecord>>,
    key: GuessKey,
    reserved_at: Instant,
    is_reserved: bool,
}

impl Reservation<'_> {
    /// The entry in the shared record that an earlier attempt with this password left there.
    pub(crate) fn take_unanswered(&self) -> Option<SiteEntry> {
        let mut record = lock(&self.record);
        // The shared record may count by another clock, so an entry is not used up to its last
        // moment.
        let (half, now) = (self.limiter.limit.per / 2, now());
        record.unanswered.retain(|kept| now.saturating_duration_since(kept.reserved.at) < half);
        let place = record.unanswered.iter().position(|kept| kept.key == self.key.from_network)?;
        Some(record.unanswered.swap_remove(place).reserved)
    }

    /// Remembers an entry for the next attempt with this password.
    pub(crate) fn keep_unanswered(&self, reserved: SiteEntry) {
        let mut record = lock(&self.record);
        if record.unanswered.len() >= MAX_UNANSWERED {
            record.unanswered.remove(0);
        }
        record.unanswered.push(Unanswered { key: self.key.from_network, reserved });
    }

    /// How many failures there may be at all servers: half of the limit for a password that was
    /// refused before.
    pub(crate) fn shared_limit(&self) -> AttemptLimit {
        lock(&self.record).window.limit_for(self.limiter.limit, &self.key)
    }

    /// Settles the reservation by what became of the attempt.
    pub(crate) fn settle(self, answer: &Result<Verdict, BackendError>) {
        let mut record = lock(&self.record);
        match cost(answer) {
            // Servers clear their count themselves when the password was right. What failed after
            // this attempt began may have failed after that. Guesses from elsewhere count on: the
            // owner's sign-ins must not pay for them.
            Cost::Right => {
                record.window.end(self.key.source, self.reserved_at);
                record.outages.end(self.key.source, self.reserved_at);
            }
            Cost::Wrong => record.window.fail(&self.key, Certainty::Wrong, now()),
            Cost::Silent | Cost::Unrecognised => {
                record.window.fail(&self.key, Certainty::Unanswered, now());
            }
            Cost::Outage => record.outages.fail(&self.key, Certainty::Unanswered, now()),
            // There is no account that could be locked.
            Cost::UnknownUser | Cost::Nothing => {}
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.is_reserved {
            let mut record = lock(&self.record);
            record.reserved = record.reserved.saturating_sub(1);
        }
        self.limiter.users.release(&self.name, &self.record, |record| {
            let record = lock(record);
            record.window.is_empty() && record.outages.is_empty() && record.reserved == 0
        });
    }
}

fn lock(record: &Mutex<BackendUserRecord>) -> MutexGuard<'_, BackendUserRecord> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::brute_force::SourceHash;
    use crate::error::Phase;
    use crate::secret::OutcomeKeyer;
    use crate::verdict::{Identity, Rejection};

    fn alice() -> CanonicalName {
        CanonicalName::parse("alice").unwrap()
    }

    fn wrong() -> Result<Verdict, BackendError> {
        Ok(Verdict::Rejected(Rejection::BadCredentials))
    }

    fn right() -> Result<Verdict, BackendError> {
        Ok(Verdict::Accepted(Identity::new(alice())))
    }

    fn by_failures(seconds: u64) -> Denied {
        let reached = Reached::ByFailures(Duration::from_secs(seconds));
        Denied { reached, was_refused: false }
    }

    struct BudgetFixture {
        limiter: UpstreamLimiter,
        keyer: OutcomeKeyer,
        guesses: AtomicU32,
    }

    impl BudgetFixture {
        fn new() -> Self {
            Self {
                limiter: UpstreamLimiter::new(AttemptLimit::default()),
                keyer: OutcomeKeyer::random().unwrap(),
                guesses: AtomicU32::new(0),
            }
        }

        fn key(&self, password: &str) -> GuessKey {
            let credentials = self.keyer.key(b"", "alice", password);
            GuessKey { credentials, from_network: credentials, source: SourceHash::new(1) }
        }

        /// A reservation for a password that has not been tried yet.
        fn reserve(&self) -> Result<Reservation<'_>, Denied> {
            let number = self.guesses.fetch_add(1, Ordering::Relaxed);
            self.limiter.reserve(&alice(), &self.key(&number.to_string()), false)
        }

        fn reserve_for(&self, password: &str) -> Result<Reservation<'_>, Denied> {
            self.limiter.reserve(&alice(), &self.key(password), false)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn limit_of_four_failures_in_15_minutes_holds() {
        let bench = BudgetFixture::new();
        for _ in 0..4 {
            bench.reserve().unwrap().settle(&wrong());
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        assert_eq!(bench.reserve().unwrap_err(), by_failures(11 * 60));
        let bob = CanonicalName::parse("bob").unwrap();
        assert!(bench.limiter.reserve(&bob, &bench.key("x"), false).is_ok());
        tokio::time::advance(Duration::from_secs(11 * 60)).await;
        bench.reserve().unwrap().settle(&wrong());
        assert_eq!(bench.reserve().unwrap_err(), by_failures(60));
    }

    #[tokio::test(start_paused = true)]
    async fn proven_credentials_pass_a_reached_limit() {
        let bench = BudgetFixture::new();
        for _ in 0..4 {
            bench.reserve().unwrap().settle(&wrong());
        }
        assert!(bench.reserve_for("right").is_err(), "a guess");
        bench.limiter.reserve(&alice(), &bench.key("right"), true).unwrap().settle(&right());
        assert!(bench.reserve().is_ok(), "the server wiped its own count as well");
    }

    #[test]
    fn burst_stays_within_the_limit() {
        let bench = BudgetFixture::new();
        let burst: Vec<_> = (0..100).filter_map(|_| bench.reserve().ok()).collect();
        assert_eq!(burst.len(), 4);
        // Nothing has failed yet: it makes sense to come back soon.
        assert_eq!(bench.reserve().unwrap_err().reached, Reached::ByUnanswered);
    }

    #[test]
    fn outages_unknown_users_and_given_up_attempts_cost_nothing() {
        let bench = BudgetFixture::new();
        for _ in 0..100 {
            let outage = Err(BackendError::unavailable(Phase::Connect, "down"));
            bench.reserve().unwrap().settle(&outage);
            bench.reserve().unwrap().settle(&Ok(Verdict::NotMine));
            bench.reserve().unwrap().settle(&Ok(Verdict::Rejected(Rejection::UnknownUser)));
            bench.reserve().unwrap().settle(&Ok(Verdict::Rejected(Rejection::AccountDisabled)));
            drop(bench.reserve().unwrap());
        }
        assert_eq!(bench.limiter.users.len(), 0);
    }

    fn silence() -> Result<Verdict, BackendError> {
        Err(BackendError::timed_out(Phase::Login))
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_once_per_password_as_an_outage() {
        let bench = BudgetFixture::new();
        for _ in 0..4 {
            bench.reserve().unwrap().settle(&silence());
        }
        assert_eq!(bench.reserve().unwrap_err().reached, Reached::ByUnanswered);
    }

    /// An outage that the server tells in answer to a login.
    fn outage() -> Result<Verdict, BackendError> {
        Err(BackendError::unavailable(Phase::Login, "try again later"))
    }

    #[tokio::test(start_paused = true)]
    async fn answers_of_an_outage_have_a_wider_limit_of_their_own() {
        let bench = BudgetFixture::new();
        for _ in 0..15 {
            bench.reserve().unwrap().settle(&outage());
        }
        for _ in 0..100 {
            bench.reserve_for("right").unwrap().settle(&outage());
        }
        assert_eq!(bench.reserve().unwrap_err().reached, Reached::ByUnanswered);
        bench.reserve_for("right").unwrap().settle(&wrong());
        tokio::time::advance(Duration::from_secs(15 * 60)).await;
        bench.reserve().unwrap().settle(&outage());
    }

    #[test]
    fn right_password_keeps_failures_from_elsewhere() {
        for (failures, answer) in [(4, wrong as fn() -> _), (16, outage)] {
            let bench = BudgetFixture::new();
            let home = GuessKey { source: SourceHash::new(2), ..bench.key("right") };
            for _ in 0..failures {
                bench.reserve().unwrap().settle(&answer());
                bench.limiter.reserve(&alice(), &home, true).unwrap().settle(&right());
            }
            assert!(bench.reserve().is_err(), "{failures}");
        }
    }

    #[test]
    fn right_password_ends_the_limit_of_outages() {
        let bench = BudgetFixture::new();
        for _ in 0..16 {
            bench.reserve().unwrap().settle(&outage());
        }
        bench.limiter.reserve(&alice(), &bench.key("right"), true).unwrap().settle(&right());
        assert!(bench.reserve().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn right_password_repeated_at_a_hanging_server_costs_one() {
        let bench = BudgetFixture::new();
        for _ in 0..100 {
            bench.reserve_for("right").unwrap().settle(&silence());
        }
        bench.reserve_for("right").unwrap().settle(&right());
        // It has cost one failure and no more.
        bench.reserve_for("right").unwrap().settle(&silence());
        for _ in 0..3 {
            bench.reserve().unwrap().settle(&wrong());
        }
        assert!(bench.reserve().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn known_wrong_password_counts_during_an_outage() {
        let bench = BudgetFixture::new();
        bench.reserve_for("old").unwrap().settle(&wrong());
        bench.reserve_for("old").unwrap().settle(&silence());
        assert!(bench.reserve_for("old").is_err(), "half of the budget");
        assert!(bench.reserve_for("new").is_ok());
    }

    #[test]
    fn right_password_clears_the_record() {
        let bench = BudgetFixture::new();
        for _ in 0..10 {
            for _ in 0..3 {
                bench.reserve().unwrap().settle(&wrong());
            }
            bench.reserve().unwrap().settle(&right());
        }
    }

    #[test]
    fn right_password_keeps_failures_still_to_come() {
        let bench = BudgetFixture::new();
        let guesses: Vec<_> = (0..3).map(|_| bench.reserve().unwrap()).collect();
        bench.reserve().unwrap().settle(&right());
        for guess in guesses {
            guess.settle(&wrong());
        }
        bench.reserve().unwrap().settle(&wrong());
        assert!(bench.reserve().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn repeated_wrong_password_uses_half_of_the_limit() {
        let bench = BudgetFixture::new();
        for minute in 0..600 {
            match bench.reserve_for("old") {
                Ok(attempt) => attempt.settle(&wrong()),
                Err(_) => assert!(minute > 1),
            }
            assert!(bench.reserve_for("new").is_ok(), "{minute}");
            tokio::time::advance(Duration::from_secs(60)).await;
        }
    }

    #[test]
    fn flood_of_names_is_bounded() {
        let limiter = UpstreamLimiter {
            users: BoundedTable::new(1_000),
            ..UpstreamLimiter::new(AttemptLimit::default())
        };
        let key = BudgetFixture::new().key("x");
        let busy = limiter.reserve(&alice(), &key, false).unwrap();
        for number in 0..20_000 {
            let name = CanonicalName::parse(&format!("user{number}")).unwrap();
            limiter.reserve(&name, &key, false).unwrap().settle(&wrong());
        }
        assert!(limiter.users.len() <= 1_001);
        busy.settle(&wrong());
        assert!(lock(&limiter.users.get_or_insert(&alice(), Mutex::default)).window.len() == 1);
    }
}
