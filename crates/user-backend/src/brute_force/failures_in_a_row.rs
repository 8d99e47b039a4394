//! Failures in a row with one name, by the network that they came from.
//!
//! A right password ends those from its own network. All together are limited.

use std::time::Duration;

use super::source_hash::SourceHash;
use crate::clock::Instant;

/// At most this many networks are told apart.
///
/// Failures from further ones are counted together, and no right password ends them.
const MAX_SOURCES: usize = 16;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct FailuresInARow(Vec<FromSource>);

#[derive(Clone, Copy, Debug)]
struct FromSource {
    /// `None`: from further networks.
    source: Option<SourceHash>,
    failures: u32,
    first: Instant,
    last: Instant,
}

impl FailuresInARow {
    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        self.0.iter().fold(0, |sum, from| sum.saturating_add(from.failures))
    }

    /// When the first of them was.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.iter().map(|from| from.first).min()
    }

    /// When the last of them was.
    pub(super) fn last(&self) -> Option<Instant> {
        self.0.iter().map(|from| from.last).max()
    }

    /// Counts one.
    pub(super) fn add(&mut self, source: SourceHash, at: Instant) {
        let is_known = self.0.iter().any(|from| from.source == Some(source));
        let source = Some(source).filter(|_| is_known || self.0.len() < MAX_SOURCES);
        match self.0.iter_mut().find(|from| from.source == source) {
            Some(from) => {
                from.failures = from.failures.saturating_add(1);
                from.first = from.first.min(at);
                from.last = from.last.max(at);
            }
            None => self.0.push(FromSource { source, failures: 1, first: at, last: at }),
        }
    }

    /// Ends those from one network, unless one of them was after that time.
    pub(super) fn end(&mut self, source: SourceHash, until: Instant) {
        self.0.retain(|from| from.source != Some(source) || from.last > until);
    }

    /// Ends all when the first was that long ago.
    pub(super) fn expire(&mut self, per: Duration, at: Instant) {
        if self.first().is_some_and(|first| at.saturating_duration_since(first) >= per) {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    #[tokio::test(start_paused = true)]
    async fn failures_end_by_network_and_are_counted_together() {
        let mut failures = FailuresInARow::default();
        let (start, sources) = (now(), [1, 2].map(SourceHash::new));
        let at = |seconds| start + Duration::from_secs(seconds);
        for (source, seconds) in [(0, 1), (1, 2), (1, 4)] {
            failures.add(sources[source], at(seconds));
        }
        assert_eq!((failures.count(), failures.first(), failures.last()), (3, Some(at(1)), Some(at(4))));
        failures.end(sources[1], at(3));
        assert_eq!(failures.count(), 3, "one was later");
        failures.end(sources[0], at(3));
        assert_eq!((failures.count(), failures.first(), failures.last()), (2, Some(at(2)), Some(at(4))));
        failures.expire(Duration::from_secs(10), at(11));
        assert_eq!(failures.count(), 2);
        failures.expire(Duration::from_secs(10), at(12));
        assert_eq!((failures.count(), failures.first()), (0, None));
    }

    #[test]
    fn failures_from_many_networks_take_little_room() {
        let mut failures = FailuresInARow::default();
        let sources: Vec<_> = (0..100).map(SourceHash::new).collect();
        for source in &sources {
            failures.add(*source, now());
        }
        assert_eq!((failures.count(), failures.0.len()), (100, MAX_SOURCES + 1));
        for source in &sources {
            failures.end(*source, now());
        }
        assert_eq!(failures.count(), 100 - u32::try_from(MAX_SOURCES).unwrap());
        failures.clear();
        assert_eq!(failures.count(), 0);
    }
}
