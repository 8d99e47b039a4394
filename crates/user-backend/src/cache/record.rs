//! A remembered outcome, as small as possible because there is one for each user.
//!
//! A backend is a number, and names are kept in place up to 23 bytes. What is not in place is
//! counted by [`EntryWeight`], so that the bound in bytes is one.

use std::sync::{Arc, OnceLock};

use quick_cache::Weighter;

use super::epochs::{Epoch, Label};
use crate::clock::Instant;
use crate::identity::BackendId;
use crate::secret::OutcomeKey;
use crate::verdict::{Identity, Rejection};

/// An accepted outcome.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) identity: Identity,
    pub(super) verified_at: Instant,
    pub(super) expires: Instant,
    pub(super) began: Epoch,
    pub(super) depends: [Label; 3],
    pub(super) backend: Number,
    /// A hash of the network from which it was verified.
    pub(super) network: u32,
}

/// A refused outcome.
#[derive(Clone, Debug)]
pub(super) struct Rejected {
    pub(super) rejection: Rejection,
    pub(super) expires: Instant,
    pub(super) began: Epoch,
    pub(super) depends: Arc<[Label]>,
}

/// The credentials that were accepted last, for users of a backend with grace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latest {
    pub(super) key: OutcomeKey,
    /// The end of the grace.
    pub(super) gone: Instant,
}

/// Stands for a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(u16);

/// Maximum number of different ids in one process.
const IDS: usize = 1024;

/// Which number stands for which backend.
///
/// Ids are added and never change, so they are read without a lock.
#[derive(Debug)]
pub(super) struct Backends(Box<[OnceLock<BackendId>]>);

impl Default for Backends {
    fn default() -> Self {
        Self(std::iter::repeat_with(OnceLock::new).take(IDS).collect())
    }
}

impl Backends {
    /// The number of a backend; `None` if it is new and no number is left.
    ///
    /// A new backend gets the next number.
    pub(super) fn number(&self, id: &BackendId) -> Option<Number> {
        let place = self.0.iter().position(|place| place.get_or_init(|| id.clone()) == id)?;
        u16::try_from(place).ok().map(Number)
    }

    #[inline]
    pub(super) fn id(&self, number: Number) -> Option<&BackendId> {
        self.0.get(usize::from(number.0))?.get()
    }
}

/// About how many bytes an entry takes.
#[derive(Clone, Debug)]
pub(super) struct EntryWeight {
    /// The minimum weight.
    pub(super) floor: u64,
}

impl EntryWeight {
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
/// The counters of something shared, or a text.
const COUNTERS: usize = 16;
/// Groups, address, name and attributes, without their texts.
const DETAILS: usize = 96;

impl Weighter<OutcomeKey, Accepted> for EntryWeight {
    fn weight(&self, _: &OutcomeKey, value: &Accepted) -> u64 {
        let name = value.identity.name().as_str().len();
        let name = if name > IN_PLACE { COUNTERS + name } else { 0 };
        let (texts, bytes) = value.identity.details_size();
        let details = if texts > 0 { DETAILS + texts * COUNTERS + bytes } else { 0 };
        self.entry::<Accepted>(name + details)
    }
}

impl Weighter<OutcomeKey, Rejected> for EntryWeight {
    fn weight(&self, _: &OutcomeKey, value: &Rejected) -> u64 {
        self.entry::<Rejected>(COUNTERS + size_of_val(value.depends.as_ref()))
    }
}

impl Weighter<OutcomeKey, Latest> for EntryWeight {
    fn weight(&self, _: &OutcomeKey, _: &Latest) -> u64 {
        self.entry::<Latest>(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backend_keeps_its_own_number() {
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
    fn outcome_is_small() {
        assert_eq!(size_of::<Accepted>(), 104);
    }
}
