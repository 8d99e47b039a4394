//! Protects accounts upstream from being locked: only so many failed logins of one user may reach one backend.
//!
//! Servers lock an account after a handful of wrong passwords. Whoever knows a login name could lock its owner out of mail
//! and files through our door. So each backend has a budget per user (4 failures in 15 minutes by default). When it
//! is spent the backend is not asked; the same right password as a while ago is still answered from memory.
//!
//! A failure is reserved **before** the attempt, in one step, so that a burst of attempts cannot slip through together. The
//! reservation is given back when it was no failure: the password was right, the server could not decide, or nobody was
//! asked. A right password wipes the slate, as it does upstream.
//!
//! Bounded: a backend remembers the failures of the [`PEOPLE`] names that failed last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::Serialize;

use crate::clock::{Instant, now};
use crate::error::BackendError;
use crate::identity::CanonicalName;
use crate::verdict::{Rejection, Verdict};

/// At most this many names per backend.
pub const PEOPLE: usize = 100_000;

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
pub struct Budgets {
    budget: Budget,
    people: Cache<CanonicalName, Slate>,
}

/// When the failures happened that still count, the oldest first.
type Slate = Arc<Mutex<VecDeque<Instant>>>;

impl Budgets {
    /// An empty slate for everybody.
    pub fn new(budget: Budget) -> Self {
        Self { budget, people: Cache::new(PEOPLE) }
    }

    /// Takes one failure out of a person's budget, or says how long until there is one again.
    ///
    /// # Errors
    /// The time until the oldest failure no longer counts.
    pub fn reserve(&self, name: &CanonicalName) -> Result<Reservation<'_>, Duration> {
        // The closure cannot fail.
        let slate = match self
            .people
            .get_or_insert_with(name, || Ok::<_, std::convert::Infallible>(Slate::default()))
        {
            Ok(slate) => slate,
            Err(never) => match never {},
        };
        let at = now();
        {
            let mut failures = lock(&slate);
            while failures
                .front()
                .is_some_and(|oldest| at.saturating_duration_since(*oldest) >= self.budget.per)
            {
                failures.pop_front();
            }
            if failures.len() >= usize::try_from(self.budget.failures).unwrap_or(usize::MAX) {
                let oldest = failures.front().copied().unwrap_or(at);
                return Err(self.budget.per.saturating_sub(at.saturating_duration_since(oldest)));
            }
            failures.push_back(at);
        }
        Ok(Reservation { budgets: self, name: name.clone(), slate, at, spent: false })
    }

    /// Forgets the failures of one person.
    pub fn forget(&self, name: &CanonicalName) {
        self.people.remove(name);
    }
}

/// A failure that may happen. Given back on drop, unless it did.
#[derive(Debug)]
pub struct Reservation<'a> {
    budgets: &'a Budgets,
    name: CanonicalName,
    slate: Slate,
    at: Instant,
    spent: bool,
}

impl Reservation<'_> {
    /// Settles the reservation by what became of the attempt.
    pub fn settle(mut self, answer: &Result<Verdict, BackendError>) {
        match answer {
            // Servers wipe the slate themselves when the password was right.
            Ok(Verdict::Accepted(_)) => self.budgets.forget(&self.name),
            Ok(Verdict::Rejected(
                Rejection::BadCredentials | Rejection::UnknownUser | Rejection::AccountLocked,
            )) => self.spent = true,
            Ok(Verdict::Rejected(_) | Verdict::NotMine) | Err(_) => {}
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.spent {
            return;
        }
        let mut failures = lock(&self.slate);
        if let Some(place) = failures.iter().rposition(|failure| *failure == self.at) {
            failures.remove(place);
        }
    }
}

fn lock(slate: &Slate) -> MutexGuard<'_, VecDeque<Instant>> {
    slate.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Fault, Phase};
    use crate::identity::BackendId;
    use crate::verdict::Identity;

    fn alice() -> CanonicalName {
        CanonicalName::parse("alice").unwrap()
    }

    fn wrong() -> Result<Verdict, BackendError> {
        Ok(Verdict::Rejected(Rejection::BadCredentials))
    }

    #[tokio::test(start_paused = true)]
    async fn four_failures_in_a_quarter_of_an_hour_and_not_one_more() {
        let budgets = Budgets::new(Budget::default());
        for _ in 0..4 {
            budgets.reserve(&alice()).unwrap().settle(&wrong());
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        assert_eq!(budgets.reserve(&alice()).unwrap_err(), Duration::from_secs(11 * 60));
        assert!(budgets.reserve(&CanonicalName::parse("bob").unwrap()).is_ok());
        tokio::time::advance(Duration::from_secs(11 * 60)).await;
        budgets.reserve(&alice()).unwrap().settle(&wrong());
        assert_eq!(budgets.reserve(&alice()).unwrap_err(), Duration::from_secs(60));
    }

    #[test]
    fn a_burst_does_not_slip_through_together() {
        let budgets = Budgets::new(Budget::default());
        let burst: Vec<_> = (0..100).filter_map(|_| budgets.reserve(&alice()).ok()).collect();
        assert_eq!(burst.len(), 4);
    }

    #[test]
    fn outages_and_given_up_attempts_cost_nothing() {
        let budgets = Budgets::new(Budget::default());
        let id = BackendId::parse("mail").unwrap();
        for _ in 0..100 {
            let outage = Err(Fault::unavailable(Phase::Connect, "down").of(&id));
            budgets.reserve(&alice()).unwrap().settle(&outage);
            budgets.reserve(&alice()).unwrap().settle(&Ok(Verdict::NotMine));
            budgets.reserve(&alice()).unwrap().settle(&Ok(Verdict::Rejected(Rejection::AccountDisabled)));
            drop(budgets.reserve(&alice()).unwrap());
        }
    }

    #[test]
    fn a_right_password_wipes_the_slate() {
        let budgets = Budgets::new(Budget::default());
        for _ in 0..10 {
            for _ in 0..3 {
                budgets.reserve(&alice()).unwrap().settle(&wrong());
            }
            budgets.reserve(&alice()).unwrap().settle(&Ok(Verdict::Accepted(Identity::new(alice()))));
        }
    }

    #[test]
    fn the_memory_has_a_bound() {
        let budgets = Budgets::new(Budget::default());
        for number in 0..PEOPLE + PEOPLE / 2 {
            let name = CanonicalName::parse(&format!("user{number}")).unwrap();
            budgets.reserve(&name).unwrap().settle(&wrong());
        }
        assert!(budgets.people.len() <= PEOPLE);
    }
}
