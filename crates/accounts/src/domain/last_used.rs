//! How exact the times of the latest sign-in and the latest use are.

use std::time::Duration;

use crate::domain::clock::Timestamp;

/// The resolution of stored uses: a use so soon after the last one is not written.
///
/// So not every request is a write.
const RESOLUTION: Duration = Duration::from_secs(60);

/// Whether a use now is to be written down.
pub(crate) fn is_due(recorded: Option<Timestamp>, now: Timestamp) -> bool {
    // A use in the future was recorded before the clock was set back.
    !recorded.is_some_and(|at| at <= now && at.after(RESOLUTION) > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_due_once_a_minute_and_after_the_clock_was_set_back() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let ago = |seconds| Some(now.before(Duration::from_secs(seconds)));
        assert!(is_due(None, now));
        assert!(!is_due(ago(0), now));
        assert!(!is_due(ago(59), now));
        assert!(is_due(ago(60), now));
        assert!(is_due(Some(now.after(Duration::from_millis(1))), now));
    }
}
