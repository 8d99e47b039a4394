//! Protects accounts upstream from being locked: only so many failed logins of one user may reach one backend.
//!
//! Servers lock an account after a handful of wrong passwords. Whoever knows a login name could lock its owner out of mail
//! and files through our door. So each backend has a budget per user (4 failures in 15 minutes by default). When it
//! is spent the backend is not asked; the same right password as a while ago is still answered from memory.
//!
//! A failure is reserved **before** the attempt, in one step, so that a burst of attempts cannot slip through together. The
//! reservation is given back when it was no failure: the password was right, the server could not decide, or nobody was
//! asked. A right password wipes the slate, as it does upstream; failures that are still to come are not wiped.
//!
//! A server that is silent until time is up may have been given a password that it is still thinking about. That costs one
//! failure per password: guessing is limited, and whoever tries the right one again and again while a server hangs is not
//! locked out when it is back.
//!
//! A wrong password that comes again and again, from a phone that has an old one, may take half of the budget. The rest is for
//! the person who owns the phone.
//!
//! Bounded: a backend remembers the failures of the 100,000 names that failed last, and of all that are being asked for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::held::Held;
use crate::clock::{Instant, now};
use crate::error::{BackendError, Phase};
use crate::identity::CanonicalName;
use crate::secret::OutcomeKey;
use crate::verdict::{Rejection, Verdict};

/// At most this many names per backend.
pub(crate) const PEOPLE: usize = 100_000;

/// How long attempts under way may take to give back what they have reserved, for want of a better guess.
const A_MOMENT: Duration = Duration::from_secs(5);

/// How many failed logins of one user may reach one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Budget {
    /// This many failures …
    pub failures: u32,
    /// … in this time.
    pub per: Duration,
}

impl Default for Budget {
    /// 4 failures in 15 minutes: below the lock-out threshold of every common server.
    fn default() -> Self {
        Self { failures: 4, per: Duration::from_secs(15 * 60) }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Budgets {
    budget: Budget,
    people: Held<CanonicalName, Mutex<Slate>>,
}

/// What one person has failed so far.
#[derive(Debug, Default)]
struct Slate {
    /// The failures that still count, the oldest first.
    failures: VecDeque<Failure>,
    /// Attempts under way: each may become a failure.
    reserved: usize,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    at: Instant,
    /// What was wrong.
    tuple: OutcomeKey,
    /// The server said so; otherwise it said nothing, and may yet.
    is_certain: bool,
}

impl Slate {
    fn fail(&mut self, tuple: OutcomeKey, is_certain: bool) {
        self.failures.push_back(Failure { at: now(), tuple, is_certain });
    }

    /// The server did not answer.
    fn suspect(&mut self, tuple: OutcomeKey) {
        let known = self.failures.iter().rev().find(|failure| failure.tuple == tuple);
        match known {
            // Again nothing about the same password.
            Some(Failure { is_certain: false, .. }) => {}
            // It was wrong before, so it is wrong now.
            Some(_) => self.fail(tuple, true),
            None => self.fail(tuple, false),
        }
    }
}

impl Budgets {
    /// An empty slate for everybody.
    pub fn new(budget: Budget) -> Self {
        Self { budget, people: Held::new(PEOPLE) }
    }

    /// Takes one failure out of a person's budget, for an attempt with this tuple, or says how long until there is one again.
    ///
    /// `is_proven`: the tuple was accepted the last time. It is no guess, so it is let through when guesses have spent the
    /// budget; should it be refused now, it counts and is no longer proven.
    ///
    /// # Errors
    /// The time until enough failures no longer count.
    pub fn reserve(
        &self,
        name: &CanonicalName,
        tuple: &OutcomeKey,
        is_proven: bool,
    ) -> Result<Reservation<'_>, Duration> {
        let slate = self.people.hold(name, Mutex::default);
        let mut held = Reservation { budgets: self, name: name.clone(), slate, tuple: *tuple, taken: false };
        let at = now();
        let left = {
            let mut slate = lock(&held.slate);
            let Slate { failures, reserved } = &mut *slate;
            while failures.front().is_some_and(|oldest| self.age(oldest.at, at) >= self.budget.per) {
                failures.pop_front();
            }
            let most = usize::try_from(self.budget.failures).unwrap_or(usize::MAX);
            // Below half of the budget it does not matter which passwords failed.
            let mut allowed = (most / 2, failures.len() + *reserved);
            if allowed.1 >= allowed.0 {
                let repeated = failures.iter().any(|failure| failure.tuple == *tuple && failure.is_certain);
                // What nobody has said to be wrong does not stand in its own way.
                let others = failures.iter().filter(|failure| failure.is_certain || failure.tuple != *tuple);
                allowed = (if repeated { most / 2 } else { most }, others.count() + *reserved);
            }
            let (most, used) = allowed;
            if used < most || is_proven {
                *reserved += 1;
                None
            } else {
                // So many must be forgotten before there is room for one more.
                let last = failures.get(used.saturating_sub(most)).or_else(|| failures.back());
                Some(last.map_or(A_MOMENT, |last| self.budget.per.saturating_sub(self.age(last.at, at))))
            }
        };
        match left {
            None => {
                held.taken = true;
                Ok(held)
            }
            Some(left) => Err(left),
        }
    }

    /// Takes one failure out of a person's budget for a guess that was wrong without anybody having been asked.
    pub fn spend(&self, name: &CanonicalName, tuple: &OutcomeKey) {
        let slate = self.people.hold(name, Mutex::default);
        {
            let mut slate = lock(&slate);
            // The server was silent about it a moment ago, which was counted.
            slate.failures.retain(|failure| failure.tuple != *tuple || failure.is_certain);
            slate.fail(*tuple, true);
        }
        self.give_back(name, &slate);
    }

    fn age(&self, then: Instant, at: Instant) -> Duration {
        at.saturating_duration_since(then)
    }

    fn give_back(&self, name: &CanonicalName, slate: &Arc<Mutex<Slate>>) {
        self.people.release(name, slate, |slate| {
            let slate = lock(slate);
            slate.failures.is_empty() && slate.reserved == 0
        });
    }
}

/// A failure that may happen. Given back on drop, unless it did.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    budgets: &'a Budgets,
    name: CanonicalName,
    slate: Arc<Mutex<Slate>>,
    tuple: OutcomeKey,
    taken: bool,
}

impl Reservation<'_> {
    /// Settles the reservation by what became of the attempt.
    pub fn settle(self, answer: &Result<Verdict, BackendError>) {
        let mut slate = lock(&self.slate);
        match answer {
            // Servers wipe the slate themselves when the password was right.
            Ok(Verdict::Accepted(_)) => slate.failures.clear(),
            Ok(Verdict::Rejected(
                Rejection::BadCredentials | Rejection::UnknownUser | Rejection::AccountLocked,
            )) => slate.fail(self.tuple, true),
            Err(error) if error.is_timeout() && error.phase() == Phase::Login => slate.suspect(self.tuple),
            // The server answered the password, in a way that is not recognised: that costs what silence costs.
            Err(error) if error.counts_as_guess() => slate.suspect(self.tuple),
            Ok(Verdict::Rejected(_) | Verdict::NotMine) | Err(_) => {}
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.taken {
            let mut slate = lock(&self.slate);
            slate.reserved = slate.reserved.saturating_sub(1);
        }
        self.budgets.give_back(&self.name, &self.slate);
    }
}

fn lock(slate: &Mutex<Slate>) -> MutexGuard<'_, Slate> {
    slate.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::error::BackendError;
    use crate::secret::OutcomeKeyer;
    use crate::verdict::Identity;

    fn alice() -> CanonicalName {
        CanonicalName::parse("alice").unwrap()
    }

    fn wrong() -> Result<Verdict, BackendError> {
        Ok(Verdict::Rejected(Rejection::BadCredentials))
    }

    fn right() -> Result<Verdict, BackendError> {
        Ok(Verdict::Accepted(Identity::new(alice())))
    }

    struct Bench {
        budgets: Budgets,
        keyer: OutcomeKeyer,
        guesses: AtomicU32,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                budgets: Budgets::new(Budget::default()),
                keyer: OutcomeKeyer::random().unwrap(),
                guesses: AtomicU32::new(0),
            }
        }

        fn tuple(&self, password: &str) -> OutcomeKey {
            self.keyer.key(b"", "alice", password)
        }

        /// A reservation for a password that nobody has tried yet.
        fn reserve(&self) -> Result<Reservation<'_>, Duration> {
            let number = self.guesses.fetch_add(1, Ordering::Relaxed);
            self.budgets.reserve(&alice(), &self.tuple(&number.to_string()), false)
        }

        fn reserve_for(&self, password: &str) -> Result<Reservation<'_>, Duration> {
            self.budgets.reserve(&alice(), &self.tuple(password), false)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn four_failures_in_a_quarter_of_an_hour_and_not_one_more() {
        let bench = Bench::new();
        for _ in 0..4 {
            bench.reserve().unwrap().settle(&wrong());
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        assert_eq!(bench.reserve().unwrap_err(), Duration::from_secs(11 * 60));
        let bob = CanonicalName::parse("bob").unwrap();
        assert!(bench.budgets.reserve(&bob, &bench.tuple("x"), false).is_ok());
        tokio::time::advance(Duration::from_secs(11 * 60)).await;
        bench.reserve().unwrap().settle(&wrong());
        assert_eq!(bench.reserve().unwrap_err(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn proven_credentials_pass_a_spent_budget() {
        let bench = Bench::new();
        for _ in 0..4 {
            bench.reserve().unwrap().settle(&wrong());
        }
        assert!(bench.reserve_for("right").is_err(), "a guess");
        bench.budgets.reserve(&alice(), &bench.tuple("right"), true).unwrap().settle(&right());
        assert!(bench.reserve().is_ok(), "the server wiped its own count as well");
    }

    #[test]
    fn a_burst_does_not_slip_through_together() {
        let bench = Bench::new();
        let burst: Vec<_> = (0..100).filter_map(|_| bench.reserve().ok()).collect();
        assert_eq!(burst.len(), 4);
        // Nothing has failed yet: it makes sense to come back soon.
        assert_eq!(bench.reserve().unwrap_err(), A_MOMENT);
    }

    #[test]
    fn outages_and_given_up_attempts_cost_nothing() {
        let bench = Bench::new();
        for _ in 0..100 {
            let outage = Err(BackendError::unavailable(Phase::Connect, "down"));
            bench.reserve().unwrap().settle(&outage);
            bench.reserve().unwrap().settle(&Ok(Verdict::NotMine));
            bench.reserve().unwrap().settle(&Ok(Verdict::Rejected(Rejection::AccountDisabled)));
            drop(bench.reserve().unwrap());
        }
        assert_eq!(bench.budgets.people.len(), 0);
    }

    fn silence() -> Result<Verdict, BackendError> {
        Err(BackendError::timed_out(Phase::Login))
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_that_a_slow_server_has_not_answered_are_counted() {
        let bench = Bench::new();
        for _ in 0..4 {
            bench.reserve().unwrap().settle(&silence());
        }
        assert_eq!(bench.reserve().unwrap_err(), Duration::from_secs(15 * 60));
    }

    #[tokio::test(start_paused = true)]
    async fn the_right_password_tried_again_and_again_while_a_server_hangs_locks_nobody_out() {
        let bench = Bench::new();
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
    async fn a_password_known_to_be_wrong_does_not_hide_behind_silence() {
        let bench = Bench::new();
        bench.reserve_for("old").unwrap().settle(&wrong());
        bench.reserve_for("old").unwrap().settle(&silence());
        assert!(bench.reserve_for("old").is_err(), "half of the budget");
        assert!(bench.reserve_for("new").is_ok());
    }

    #[test]
    fn a_right_password_wipes_the_slate() {
        let bench = Bench::new();
        for _ in 0..10 {
            for _ in 0..3 {
                bench.reserve().unwrap().settle(&wrong());
            }
            bench.reserve().unwrap().settle(&right());
        }
    }

    #[test]
    fn a_right_password_does_not_wipe_failures_that_are_still_to_come() {
        let bench = Bench::new();
        let guesses: Vec<_> = (0..3).map(|_| bench.reserve().unwrap()).collect();
        bench.reserve().unwrap().settle(&right());
        for guess in guesses {
            guess.settle(&wrong());
        }
        bench.reserve().unwrap().settle(&wrong());
        assert!(bench.reserve().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_password_on_a_phone_leaves_its_owner_half_of_the_budget() {
        let bench = Bench::new();
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
    fn the_memory_has_a_bound() {
        let budgets = Budgets { people: Held::new(1_000), ..Budgets::new(Budget::default()) };
        let tuple = Bench::new().tuple("x");
        let busy = budgets.reserve(&alice(), &tuple, false).unwrap();
        for number in 0..20_000 {
            let name = CanonicalName::parse(&format!("user{number}")).unwrap();
            budgets.reserve(&name, &tuple, false).unwrap().settle(&wrong());
        }
        assert!(budgets.people.len() <= 1_001);
        busy.settle(&wrong());
        assert!(lock(&budgets.people.hold(&alice(), Mutex::default)).failures.len() == 1);
    }
}
