//! How long a backend usually takes to refuse a wrong password.
//!
//! A refusal that never reached a slow server would be faster than one that did, and reveal which
//! backend keeps a password. A program that hides this holds every refusal back for as long as the
//! slowest backend usually takes ([`Resolver::usual_refusal`](super::Resolver::usual_refusal)).
//!
//! The median of the last refusals counts: a few that an attacker made slow decide nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Number of refusals that are remembered.
const REMEMBERED: usize = 15;

/// Nothing is held back for longer than this.
const MAX: Duration = Duration::from_secs(10);

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct RefusalTime(Mutex<VecDeque<Duration>>);

impl RefusalTime {
    /// A refusal took this long, at the canary or at a guess.
    pub(super) fn learn(&self, took: Duration) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(took.min(MAX));
    }

    /// What is usual; zero as long as there was none.
    pub(super) fn usual(&self) -> Duration {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = seen.iter().copied().collect();
        drop(seen);
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_the_last_refusals_is_usual() {
        let times = RefusalTime::default();
        assert_eq!(times.usual(), Duration::ZERO);
        times.learn(Duration::from_secs(3));
        assert_eq!(times.usual(), Duration::from_secs(3));
        for millis in 0..14 {
            times.learn(Duration::from_millis(2_000 + millis));
        }
        for _ in 0..7 {
            times.learn(Duration::from_secs(60));
        }
        assert!(times.usual() < Duration::from_secs(3), "{:?}", times.usual());
        times.learn(Duration::from_secs(60));
        assert_eq!(times.usual(), MAX, "most of them are slow now");
    }
}
