//! The commands `security:bruteforce:…`: failed sign-ins of a source, as stored.
//!
//! The servers count in memory and write every second, so what is shown may be a second old.
//! Forgiving is heard before the next attempt.

use std::time::Duration;

use accounts::{Clock, Timestamp};
use serde_json::{Value, json};
use user_backend::brute_force::{SourceNet, SourceRateLimit};

use crate::Call;
use crate::cli::{AddressArg, AttemptsArgs};
use crate::exit::{CliError, Exit};
use crate::output::{Output, nested};
use crate::store::{self, Missing};
use crate::time_format;

pub(crate) async fn attempts(call: Call<'_>, args: &AttemptsArgs) -> Result<Output, CliError> {
    let place = place(&args.address.address)?;
    let store = store::open(call.common, Missing::Refuse).await?;
    let throttle = store.config.resolver().throttle;
    let now = Clock::system().now();
    let failures = store.accounts.failed_logins();
    // Only sign-ins are counted here, so there are no attempts of another kind.
    let is_counted = args.action.as_deref().is_none_or(|action| matches!(action, "" | "login"));
    let at = if is_counted { failures.of(place, now.before(throttle.per)).await? } else { Vec::new() };
    let mut next = NextAttempt::of(&throttle, place, &at, now);
    // A limit of the network around it counts as well.
    for wider in place.levels().skip(1).filter(|_| is_counted) {
        let at = failures.of(wider, now.before(throttle.per)).await?;
        let around = NextAttempt::of(&throttle, wider, &at, now);
        if around.refused && around.left > next.left {
            next = NextAttempt { pause: next.pause, ..around };
        }
    }
    let delay = u64::try_from(next.pause.as_millis()).unwrap_or(u64::MAX);
    let tree = |delay: Value| {
        json!({
            "place": place.to_string(),
            // There is no list of places that may guess.
            "bypass-listed": false,
            "attempts": at.len(),
            "delay": delay,
            "refused": next.refused,
            "retry_after": next.left.as_millis().div_ceil(1000),
            "first": time_format::iso_or_never(at.first().copied()),
            "last": time_format::iso_or_never(at.last().copied()),
        })
    };
    // The unit is shown, as there.
    let plain = nested(&tree(format!("{delay} ms").into()), 0);
    Output::new(plain, &tree(delay.into()), Exit::Fine)
}

pub(crate) async fn reset(call: Call<'_>, args: &AddressArg) -> Result<Output, CliError> {
    let place = place(&args.address)?;
    let store = store::open(call.common, Missing::Refuse).await?;
    let gone = store.accounts.failed_logins().reset(place).await?;
    let text = match gone {
        0 => format!(
            "No failed sign-ins from {place} were written down; servers that run forgive it all the same"
        ),
        1 => format!("1 failed sign-in from {place} is forgiven"),
        gone => format!("{gone} failed sign-ins from {place} are forgiven"),
    };
    Ok(Output::done([text]))
}

fn place(address: &str) -> Result<SourceNet, CliError> {
    let parsed = address.parse().map(SourceNet::of);
    parsed.map_err(|_| CliError::refused(format!("\"{address}\" is not a valid IP address")))
}

/// Delay of the next attempt, from the failures that still count.
struct NextAttempt {
    /// The delay after the last one.
    pause: Duration,
    /// How long to wait from now on.
    left: Duration,
    refused: bool,
}

impl NextAttempt {
    fn of(throttle: &SourceRateLimit, place: SourceNet, at: &[Timestamp], now: Timestamp) -> Self {
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
    fn failure_status_matches_the_throttle() {
        let throttle = SourceRateLimit::default();
        let now = Timestamp::from_millis(10_000_000);
        let seconds = Duration::from_secs;
        let ago =
            |many: &[u64]| -> Vec<Timestamp> { many.iter().map(|ago| now.before(seconds(*ago))).collect() };
        let told = |many: &[u64]| {
            let next = NextAttempt::of(&throttle, SourceNet::of([203, 0, 113, 7].into()), &ago(many), now);
            (next.pause, next.left, next.refused)
        };
        assert_eq!(told(&[]), (Duration::ZERO, Duration::ZERO, false));
        assert_eq!(told(&[0]), (Duration::from_millis(100), Duration::from_millis(100), false));
        assert_eq!(told(&[60, 30, 0]), (Duration::from_millis(400), Duration::from_millis(400), false));
        assert_eq!(told(&[60, 30, 10]), (Duration::from_millis(400), Duration::ZERO, false));
        let ten = [900, 800, 700, 600, 500, 400, 300, 200, 100, 50];
        assert_eq!(told(&ten), (seconds(25), seconds(900), true));
        let eleven = [1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 50];
        assert_eq!(told(&eleven), (seconds(25), seconds(900), true), "until nine of them count");
    }

    #[test]
    fn a_place_is_an_address() {
        assert_eq!(place("203.0.113.7").unwrap().to_string(), "203.0.113.7");
        assert_eq!(place("::ffff:203.0.113.7").unwrap().to_string(), "203.0.113.7");
        assert_eq!(place("2001:db8:1:2:3::4").unwrap().to_string(), "2001:db8:1:2::/64");
        for wrong in ["", "localhost", "203.0.113", "203.0.113.7/32", "203.0.113.7:80", " 203.0.113.7"] {
            let refusal = place(wrong).unwrap_err();
            assert_eq!(refusal.to_string(), format!("\"{wrong}\" is not a valid IP address"));
        }
    }
}
