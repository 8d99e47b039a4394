//! Limits all failed logins at one backend, which might otherwise ban this program.
//!
//! Servers with fail2ban, or with an authentication penalty of their own, ban or slow down the
//! address that failed logins come from. Here that is one address for all users, so a few guesses
//! at made-up names would keep every user out. The limit is off unless it is set (`budget_all`).
//!
//! A quarter of it, and at least one failure, is reserved for proven credentials: guesses cannot
//! use it up. A right password clears nothing, or an attacker with an account could go on without
//! end.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::window::{AttemptLimit, SOON};
use super::{Cost, cost};
use crate::clock::{Instant, now};
use crate::error::BackendError;
use crate::verdict::{Rejection, Verdict};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct BackendLimiter {
    limit: AttemptLimit,
    record: Mutex<BackendRecord>,
}

#[derive(Debug, Default)]
struct BackendRecord {
    /// The failures that still count, the oldest first.
    failures: VecDeque<Instant>,
    /// Attempts under way: each may become a failure.
    reserved: usize,
}

impl BackendLimiter {
    pub(crate) fn new(limit: AttemptLimit) -> Self {
        Self { limit, record: Mutex::default() }
    }

    pub(crate) fn limit(&self) -> AttemptLimit {
        self.limit
    }

    /// Reserves a failure for one attempt.
    ///
    /// # Errors
    /// The time until there is room for one more.
    pub(crate) fn reserve(&self, is_proven: bool) -> Result<BackendReservation<'_>, Duration> {
        let at = now();
        let mut record = self.lock();
        let age = |then: Instant| at.saturating_duration_since(then);
        while record.failures.front().is_some_and(|oldest| age(*oldest) >= self.limit.per) {
            record.failures.pop_front();
        }
        let all = usize::try_from(self.limit.failures).unwrap_or(usize::MAX);
        let max = if is_proven { all } else { all - all.saturating_sub(1).min((all / 4).max(1)) };
        if record.failures.len() + record.reserved < max {
            record.reserved += 1;
            return Ok(BackendReservation { limiter: self });
        }
        let surplus = record.failures.len().checked_sub(max);
        let last = surplus.and_then(|surplus| record.failures.get(surplus));
        Err(last.map_or(SOON, |last| self.limit.per.saturating_sub(age(*last))))
    }

    fn lock(&self) -> MutexGuard<'_, BackendRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure that may happen.
///
/// Given back on drop, unless it did.
#[derive(Debug)]
pub(crate) struct BackendReservation<'a> {
    limiter: &'a BackendLimiter,
}

impl BackendReservation<'_> {
    /// Settles the reservation: everything that the server may log as a failed login counts.
    pub(crate) fn settle(self, answer: &Result<Verdict, BackendError>) {
        let is_refused =
            matches!(answer, Ok(Verdict::Rejected(rejection)) if *rejection != Rejection::PolicyDenied);
        if is_refused || matches!(cost(answer), Cost::Silent | Cost::Unrecognised) {
            self.limiter.lock().failures.push_back(now());
        }
    }
}

impl Drop for BackendReservation<'_> {
    fn drop(&mut self) {
        let mut record = self.limiter.lock();
        record.reserved = record.reserved.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Phase;

    fn refused(rejection: Rejection) -> Result<Verdict, BackendError> {
        Ok(Verdict::Rejected(rejection))
    }

    fn limiter(failures: u32) -> BackendLimiter {
        BackendLimiter::new(AttemptLimit { failures, per: Duration::from_secs(600) })
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_leave_a_share_for_proven_credentials() {
        for (failures, guesses) in [(1, 1), (2, 1), (4, 3), (5, 4), (20, 15)] {
            let limiter = limiter(failures);
            for number in 0..failures {
                match limiter.reserve(false) {
                    Ok(reservation) => reservation.settle(&refused(Rejection::UnknownUser)),
                    Err(left) => assert!(number >= guesses && left == Duration::from_secs(600)),
                }
                assert_eq!(
                    limiter.lock().failures.len(),
                    usize::try_from((number + 1).min(guesses)).unwrap()
                );
            }
            for _ in guesses..failures {
                limiter.reserve(true).unwrap().settle(&refused(Rejection::BadCredentials));
            }
            assert!(limiter.reserve(true).is_err(), "{failures}: the limit is the limit");
            tokio::time::advance(Duration::from_secs(600)).await;
            assert!(limiter.reserve(false).is_ok());
        }
    }

    #[test]
    fn outages_and_right_passwords_cost_nothing() {
        let limiter = limiter(2);
        for _ in 0..10 {
            let outage = Err(BackendError::unavailable(Phase::Connect, "down"));
            limiter.reserve(false).unwrap().settle(&outage);
            limiter.reserve(false).unwrap().settle(&Ok(Verdict::NotMine));
            limiter.reserve(false).unwrap().settle(&refused(Rejection::PolicyDenied));
        }
        limiter.reserve(false).unwrap().settle(&Err(BackendError::timed_out(Phase::Login)));
        assert!(limiter.reserve(false).is_err(), "what may have reached the server counts");
    }

    #[test]
    fn burst_stays_within_the_limit() {
        let limiter = limiter(4);
        let burst: Vec<_> = (0..100).filter_map(|_| limiter.reserve(false).ok()).collect();
        assert_eq!(burst.len(), 3);
        assert_eq!(limiter.reserve(false).unwrap_err(), SOON);
    }
}
