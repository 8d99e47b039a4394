//! Password expiry: a pure function of the records that the caller keeps.
//!
//! Off by default: NIST SP 800-63B-4 forbids to ask for a new password only because time has
//! passed.

use std::time::{Duration, SystemTime};

/// The message for an expired password.
pub const EXPIRED: &str = "Password is expired, please use forgot password method to reset";

const DAY: u64 = 24 * 60 * 60;

/// How a password's age is judged.
///
/// # Security
/// Show it only after a right password: otherwise it reveals that the account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It has no end.
    Unlimited,
    /// The date is unknown: record the current time, and accept the sign-in.
    Unstamped,
    /// Good for now.
    Valid {
        /// When it will be no longer.
        until: SystemTime,
    },
    /// Too old: refuse the login with [`EXPIRED`].
    Expired {
        /// Since when.
        since: SystemTime,
    },
}

pub(crate) fn age(days: u64, changed: Option<SystemTime>, now: SystemTime) -> Age {
    if days == 0 {
        return Age::Unlimited;
    }
    let Some(changed) = changed else { return Age::Unstamped };
    let end = days.checked_mul(DAY).and_then(|seconds| changed.checked_add(Duration::from_secs(seconds)));
    match end {
        None => Age::Unlimited,
        Some(since) if since <= now => Age::Expired { since },
        Some(until) => Age::Valid { until },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn password_expires_at_the_end_of_its_last_day() {
        let end = at(1_000 + 30 * DAY);
        assert_eq!(age(30, Some(at(1_000)), at(1_000)), Age::Valid { until: end });
        assert_eq!(age(30, Some(at(1_000)), end - Duration::from_nanos(1)), Age::Valid { until: end });
        assert_eq!(age(30, Some(at(1_000)), end), Age::Expired { since: end });
    }

    #[test]
    fn missing_rule_or_date_locks_no_user() {
        assert_eq!(age(0, Some(at(0)), at(u32::MAX.into())), Age::Unlimited);
        assert_eq!(age(0, None, at(0)), Age::Unlimited);
        assert_eq!(age(1, None, at(0)), Age::Unstamped);
        assert_eq!(age(u64::MAX, Some(at(0)), at(1)), Age::Unlimited);
        assert_eq!(age(u64::MAX / DAY, Some(at(0)), at(1)), Age::Unlimited);
    }

    #[test]
    fn password_of_the_future_is_good() {
        assert_eq!(age(1, Some(at(10 * DAY)), at(0)), Age::Valid { until: at(11 * DAY) });
    }
}
