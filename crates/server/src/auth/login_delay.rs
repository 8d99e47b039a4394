//! Constant-time failure responses, against username enumeration.
//!
//! The work before a refusal differs: an unknown user is looked up, a password is compared, a right
//! one belongs to a disabled account. The time would tell who exists. So a refusal is held back
//! until a fixed time after the question, and a bit longer at random, because neither timers nor
//! queues are exact. It holds no worker and no place in any queue meanwhile. A yes is never
//! delayed: it reveals nothing new.
//!
//! A server that takes longer to refuse wrong passwords can be noticed, unless the time
//! is `auto`: then it follows the slowest backend.

use std::time::Duration;

use accounts::RefusalTime;
use tokio::time::sleep_until;
use user_backend::clock::{Instant, later};

/// Up to this fraction of the minimum time is added at random.
const JITTER_DIVISOR: u32 = 3;

/// The least that `auto` means: comparing a local password takes its time, too.
const AUTO_LEAST: Duration = Duration::from_millis(250);

/// How long a refusal takes at least.
///
/// `usual`: how long the slowest backend usually takes.
pub(crate) fn least(setting: RefusalTime, usual: impl FnOnce() -> Duration) -> Duration {
    match setting {
        RefusalTime::Milliseconds(millis) => Duration::from_millis(millis),
        RefusalTime::Auto => usual().max(AUTO_LEAST),
    }
}

/// Waits until a refusal of a request from `began` may be sent.
pub(crate) async fn delay_failure(began: Instant, least: Duration) {
    sleep_until(later(
        began,
        least.saturating_add(least / JITTER_DIVISOR * random_u8() / u32::from(u8::MAX)),
    ))
    .await;
}

/// From 0 to 255; without randomness the fixed time must do.
fn random_u8() -> u32 {
    let mut random_u8 = [0];
    let _ = getrandom::fill(&mut random_u8);
    u32::from(random_u8[0])
}

#[cfg(test)]
mod tests {
    use user_backend::clock::now;

    use super::*;

    const LEAST: Duration = Duration::from_millis(250);

    #[tokio::test(start_paused = true)]
    async fn t49_quick_no_and_a_slow_no_take_as_long() {
        let mut took = Vec::new();
        for number in 0..200 {
            let began = now();
            tokio::time::advance(Duration::from_millis(number)).await;
            delay_failure(began, LEAST).await;
            took.push(began.elapsed());
        }
        let (shortest, longest) = (took.iter().min().unwrap(), took.iter().max().unwrap());
        assert!(*shortest >= LEAST && *longest <= LEAST * 4 / 3 + Duration::from_millis(2), "{took:?}");
        assert!(*longest - *shortest > LEAST / 10, "there is no chance in it: {took:?}");
    }

    #[test]
    fn auto_follows_the_slowest_backend() {
        let seconds = Duration::from_secs;
        assert_eq!(least(RefusalTime::Milliseconds(0), || seconds(3)), Duration::ZERO);
        assert_eq!(least(RefusalTime::default(), || seconds(3)), LEAST);
        assert_eq!(least(RefusalTime::Auto, || seconds(3)), seconds(3));
        assert_eq!(least(RefusalTime::Auto, || Duration::ZERO), LEAST);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_failure_is_not_delayed() {
        let began = now();
        tokio::time::advance(Duration::from_secs(2)).await;
        delay_failure(began, LEAST).await;
        assert!(began.elapsed() < Duration::from_millis(2_002));
    }
}
