//! How long the next sign-in from a source has to wait.

use std::time::Duration;

use user_backend::brute_force::{SourceNet, SourceRateLimit};

use crate::domain::clock::Timestamp;

/// Delay of the next attempt, from the failures that still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextAttempt {
    /// The delay after the last one.
    pub pause: Duration,
    /// How long to wait from now on.
    pub left: Duration,
    /// Whether it is refused until then, instead of delayed.
    pub refused: bool,
}

impl NextAttempt {
    /// From the times of the failures, oldest first.
    pub fn of(throttle: &SourceRateLimit, place: SourceNet, at: &[Timestamp], now: Timestamp) -> Self {
        let until = |moment: Timestamp| {
            let millis = moment.millis().saturating_sub(now.millis()).max(0);
            Duration::from_millis(u64::try_from(millis).unwrap_or_default())
        };
        let pause = throttle.delay(at.len());
        let most = usize::try_from(throttle.allowance(place)).unwrap_or(usize::MAX);
        // Several servers together may have seen more than one alone lets through.
        let oldest = at.len().checked_sub(most).and_then(|behind| at.get(behind));
        let (left, refused) = match (oldest, at.last()) {
            (Some(oldest), _) => (until(oldest.after(throttle.per)), true),
            (None, Some(last)) => (until(last.after(pause)), false),
            (None, None) => (Duration::ZERO, false),
        };
        Self { pause, left, refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_attempt_follows_the_throttle() {
        let throttle = SourceRateLimit::default();
        let now = Timestamp::from_millis(10_000_000);
        let seconds = Duration::from_secs;
        let ago =
            |many: &[u64]| -> Vec<Timestamp> { many.iter().map(|ago| now.before(seconds(*ago))).collect() };
        let next_of = |many: &[u64]| {
            let next = NextAttempt::of(&throttle, SourceNet::of([203, 0, 113, 7].into()), &ago(many), now);
            (next.pause, next.left, next.refused)
        };
        assert_eq!(next_of(&[]), (Duration::ZERO, Duration::ZERO, false));
        assert_eq!(next_of(&[0]), (Duration::from_millis(100), Duration::from_millis(100), false));
        assert_eq!(next_of(&[60, 30, 0]), (Duration::from_millis(400), Duration::from_millis(400), false));
        assert_eq!(next_of(&[60, 30, 10]), (Duration::from_millis(400), Duration::ZERO, false));
        let ten = [900, 800, 700, 600, 500, 400, 300, 200, 100, 50];
        assert_eq!(next_of(&ten), (seconds(25), seconds(900), true));
        let eleven = [1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 50];
        assert_eq!(next_of(&eleven), (seconds(25), seconds(900), true), "until nine of them count");
    }
}
