//! The commands `security:bruteforce:…`: failed sign-ins of a source, as stored.
//!
//! The servers count in memory and write every second, so what is shown may be a second old.
//! A reset counts before the next attempt.

use accounts::{Clock, NextAttempt};
use serde_json::{Value, json};
use user_backend::brute_force::SourceNet;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_an_address() {
        assert_eq!(place("203.0.113.7").unwrap().to_string(), "203.0.113.7");
        assert_eq!(place("::ffff:203.0.113.7").unwrap().to_string(), "203.0.113.7");
        assert_eq!(place("2001:db8:1:2:3::4").unwrap().to_string(), "2001:db8:1:2::/64");
        for wrong in ["", "localhost", "203.0.113", "203.0.113.7/32", "203.0.113.7:80", " 203.0.113.7"] {
            let refusal = place(wrong).unwrap_err();
            assert_eq!(refusal.to_string(), format!("\"{wrong}\" is not a valid IP address"));
        }
    }
}
