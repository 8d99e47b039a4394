//! What one remembered outcome takes: as little as it can, because there is one for everybody.
//!
//! A moment is a number, a backend is a number, and names are kept in place up to 23 bytes. What is not in place is counted by
//! [`Weigh`], so that the bound in bytes is one.

use std::sync::{Arc, OnceLock};

use quick_cache::Weighter;

use super::super::fence::{Epoch, Slot};
use crate::clock::Instant;
use crate::identity::BackendId;
use crate::secret::OutcomeKey;
use crate::verdict::{Identity, Rejection};

/// Nanoseconds since the cache was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

/// Counts from the time the cache was made: it lasts for 584 years, and a number is half of an [`Instant`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin(Instant);

impl Origin {
    pub(super) fn new(at: Instant) -> Self {
        Self(at)
    }

    pub(super) fn moment(self, at: Instant) -> Moment {
        Moment(u64::try_from(at.saturating_duration_since(self.0).as_nanos()).unwrap_or(u64::MAX))
    }

    pub(super) fn instant(self, at: Moment) -> Instant {
        self.0.checked_add(std::time::Duration::from_nanos(at.0)).unwrap_or(self.0)
    }
}

/// Somebody was accepted.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) identity: Identity,
    pub(super) verified_at: Moment,
    pub(super) expires: Moment,
    /// The end of the grace, never before `expires`.
    pub(super) gone: Moment,
    pub(super) began: Epoch,
    pub(super) depends: [Slot; 3],
    pub(super) backend: Number,
}

/// Somebody was refused.
#[derive(Clone, Debug)]
pub(super) struct Rejected {
    pub(super) rejection: Rejection,
    pub(super) expires: Moment,
    pub(super) began: Epoch,
    pub(super) depends: Arc<[Slot]>,
}

/// Stands for a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(u16);

/// How many different ids there can be as long as the process lives.
const IDS: usize = 1024;

/// Which number stands for which backend. Ids are added and never change, so they are read without a lock.
#[derive(Debug)]
pub(super) struct Backends(Box<[OnceLock<BackendId>]>);

impl Default for Backends {
    fn default() -> Self {
        Self(std::iter::repeat_with(OnceLock::new).take(IDS).collect())
    }
}

impl Backends {
    /// The number of a backend; a new one gets the next, and none when there is no number left.
    pub(super) fn number(&self, id: &BackendId) -> Option<Number> {
        let place = self.0.iter().position(|place| place.get_or_init(|| id.clone()) == id)?;
        u16::try_from(place).ok().map(Number)
    }

    pub(super) fn id(&self, number: Number) -> Option<&BackendId> {
        self.0.get(usize::from(number.0))?.get()
    }
}

/// About how many bytes an entry takes.
#[derive(Clone, Debug)]
pub(super) struct Weigh {
    /// Nobody weighs less.
    pub(super) floor: u64,
}

impl Weigh {
    fn entry<V>(&self, beside: usize) -> u64 {
        self.floor.max((size_of::<OutcomeKey>() + size_of::<V>() + LINKS + TABLE + beside) as u64)
    }
}

/// Beside key and value: what was used when, and what comes before and after.
const LINKS: usize = 16;
/// A place in the table, which has more places than entries.
const TABLE: usize = 12;
/// Names up to this length are part of the value.
const IN_PLACE: usize = 23;
/// The counters of something shared.
const COUNTERS: usize = 16;

impl Weighter<OutcomeKey, Accepted> for Weigh {
    fn weight(&self, _: &OutcomeKey, value: &Accepted) -> u64 {
        let name = value.identity.name().as_str().len();
        let name = if name > IN_PLACE { COUNTERS + name } else { 0 };
        let groups: usize = value.identity.groups().map(|group| COUNTERS + group.len()).sum();
        let groups = if groups > 0 { 2 * COUNTERS + groups } else { 0 };
        self.entry::<Accepted>(name + groups)
    }
}

impl Weighter<OutcomeKey, Rejected> for Weigh {
    fn weight(&self, _: &OutcomeKey, value: &Rejected) -> u64 {
        self.entry::<Rejected>(COUNTERS + size_of_val(value.depends.as_ref()))
    }
}

impl Weighter<OutcomeKey, OutcomeKey> for Weigh {
    fn weight(&self, _: &OutcomeKey, _: &OutcomeKey) -> u64 {
        self.entry::<OutcomeKey>(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::now;

    #[test]
    fn a_moment_is_as_exact_as_an_instant() {
        let start = now();
        let origin = Origin::new(start);
        for after in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(100 * 365 * 86_400)] {
            let at = start + after;
            assert_eq!(origin.instant(origin.moment(at)), at);
        }
    }

    #[test]
    fn a_backend_keeps_its_number_and_shares_it_with_nobody() {
        let backends = Backends::default();
        let ids: Vec<_> =
            (0..IDS).map(|number| BackendId::parse(&format!("backend-{number}")).unwrap()).collect();
        let numbers: Vec<_> = ids.iter().map(|id| backends.number(id).unwrap()).collect();
        for (id, number) in ids.iter().zip(numbers) {
            assert_eq!((backends.number(id), backends.id(number)), (Some(number), Some(id)));
        }
        assert_eq!(backends.number(&BackendId::parse("one-more").unwrap()), None);
    }

    #[test]
    fn an_outcome_is_small() {
        assert_eq!(size_of::<Accepted>(), 72);
    }
}
