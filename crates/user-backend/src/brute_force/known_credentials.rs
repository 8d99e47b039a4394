//! What is known about a name and password that were tried before.
//!
//! Accepted the last time, or refused.
//!
//! Proven credentials are those that were accepted last from a network. They are not guesses, so no
//! limit on guessing delays them. Otherwise anyone who knows a login name could keep its owner
//! out with a few wrong passwords. A refusal ends the exemption at once, so a password that was
//! changed upstream costs one failure there and is then limited like any other.
//!
//! Refused credentials reveal nothing new when they are repeated. They cost a source nothing, so a
//! phone with an old password does not keep its household out.
//!
//! # Security
//! The network (an IPv4 address, an IPv6 /64) is part of what is proven, and a network that offers
//! other passwords for the same name loses the exemption (see [`OfferedCredentials`]). Otherwise a
//! limit that has been reached would reveal the right password to anyone, with any number of
//! guesses.
//!
//! Bounded: 100,000 of each, and no more proven ones than there may be outcomes in memory. As many
//! refused ones as networks and users with failures are remembered: a device with an old password
//! has one. Of refused ones only eight bytes of the keyed hash and the time in tenths of a second
//! are kept: 5.5 MB when there are 100,000 (20 MB with whole hashes). They end with the process; a
//! [`ProvenStore`](crate::resolver::ProvenStore) brings proven ones back.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use super::window::AttemptLimit;
use crate::clock::{Instant, now};
use crate::secret::OutcomeKey;

/// At most this many pairs of name and password of each kind.
const MAX_TRACKED: usize = 100_000;

/// See the [module](self).
///
/// Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct KnownCredentials {
    proven: Arc<Cache<OutcomeKey, ()>>,
    /// Time of the last refusal in [`TICK`]s since `began`, by a prefix of the keyed hash.
    ///
    /// A collision of prefixes only makes one more guess look like one that was counted. Without
    /// the key, no one can find a collision.
    refused: Arc<Cache<u64, u32>>,
    began: Instant,
}

/// How exactly times of refusals are kept.
const TICK: Duration = Duration::from_millis(100);

impl KnownCredentials {
    /// Remembers at most this many that are proven.
    ///
    /// What was refused is needed by the limits, however little memory there is for outcomes.
    pub(crate) fn new(bound: usize) -> Self {
        let bound = bound.clamp(1, MAX_TRACKED);
        Self { proven: Arc::new(Cache::new(bound)), refused: Arc::new(refused()), began: now() }
    }

    /// The time since the beginning.
    fn ticks(&self) -> u32 {
        let ticks = now().saturating_duration_since(self.began).as_millis() / TICK.as_millis();
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    /// Whether these credentials were accepted the last time; the key holds the network.
    pub(crate) fn are_proven(&self, with_network: &OutcomeKey) -> bool {
        self.proven.get(with_network).is_some()
    }

    /// Whether they were refused within this time.
    pub(crate) fn were_refused(&self, credentials: &OutcomeKey, within: Duration) -> bool {
        let last = self.refused.get(&credentials.short());
        last.is_some_and(|last| TICK * self.ticks().saturating_sub(last) < within)
    }

    /// They were accepted when they were asked about last.
    pub(crate) fn prove(&self, with_network: OutcomeKey) {
        self.proven.insert(with_network, ());
    }

    /// A backend accepted them just now.
    pub(crate) fn accepted(&self, credentials: &OutcomeKey, with_network: OutcomeKey) {
        self.refused.remove(&credentials.short());
        self.prove(with_network);
    }

    /// A backend refused them just now.
    pub(crate) fn refused(&self, credentials: OutcomeKey, with_network: &OutcomeKey) {
        self.proven.remove(with_network);
        self.refused.insert(credentials.short(), self.ticks());
    }
}

/// Without places for hashes of what was pushed out: it is as good as never seen.
fn refused() -> Cache<u64, u32> {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(MAX_TRACKED)
        .weight_capacity(MAX_TRACKED as u64)
        .ghost_allocation(0.0)
        .build();
    match options {
        Ok(options) => Cache::with_options(
            options,
            UnitWeighter,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ),
        Err(_) => Cache::new(MAX_TRACKED),
    }
}

/// At most this many different credentials per network.
const MAX_OFFERED: usize = 64;

/// The unproven credentials that one network has tried.
///
/// They are counted on arrival, whatever the outcome, and limit how many guesses can be compared
/// with an exemption or a remembered password.
///
/// Without it, a network that has reached its limit could try one password after the other: the
/// right one would pass as proven, and wrong ones would cost nothing.
#[derive(Debug, Default)]
pub(super) struct OfferedCredentials {
    since: Option<Instant>,
    /// Hashes of name and of the whole tuple.
    pairs: Vec<(u32, u32)>,
}

impl OfferedCredentials {
    /// Notes credentials that are not proven.
    ///
    /// Whether there was room: fewer than the limit of others for this name, and fewer than 64 in
    /// all.
    pub(super) fn add(&mut self, name: u32, tuple: &OutcomeKey, limit: AttemptLimit) -> bool {
        let pair = (name, short(tuple));
        self.expire(limit.per);
        // Where there is no room nothing is noted: the guesses at one name take no room from other
        // names.
        let has_room = self.has_room(name, tuple, limit);
        if has_room && !self.pairs.contains(&pair) {
            self.since.get_or_insert_with(now);
            self.pairs.push(pair);
        }
        has_room
    }

    /// Whether this network may still learn what is known about these credentials.
    pub(super) fn has_room(&self, name: u32, tuple: &OutcomeKey, limit: AttemptLimit) -> bool {
        let pair = (name, short(tuple));
        let others = self.pairs.iter().filter(|other| **other != pair);
        let of_name = others.clone().filter(|(other, _)| *other == name).count();
        let max = usize::try_from(limit.failures).unwrap_or(usize::MAX);
        of_name < max && others.count() < MAX_OFFERED
    }

    /// They turned out to be right.
    pub(super) fn remove(&mut self, name: u32, tuple: &OutcomeKey) {
        let pair = (name, short(tuple));
        self.pairs.retain(|other| *other != pair);
        if self.pairs.is_empty() {
            self.since = None;
        }
    }

    pub(super) fn expire(&mut self, per: Duration) {
        if self.since.is_some_and(|since| now().saturating_duration_since(since) >= per) {
            *self = Self::default();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// A keyed hash may be cut short.
///
/// A collision only makes one guess more look like one that was counted.
fn short(tuple: &OutcomeKey) -> u32 {
    let [one, two, three, four, ..] = tuple.to_bytes();
    u32::from_le_bytes([one, two, three, four])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::OutcomeKeyer;

    #[test]
    fn both_kinds_are_bounded() {
        let keyer = OutcomeKeyer::random().unwrap();
        let known = KnownCredentials::new(100);
        for number in 0..MAX_TRACKED + 20_000 {
            let key = keyer.key(b"", "alice", &number.to_string());
            known.refused(key, &key);
            assert!(known.were_refused(&key, Duration::from_secs(60)), "{number}");
            if number < 1_000 {
                known.prove(key);
            }
        }
        // Each part of a table may hold one more.
        let (proven, refused) = (known.proven.len(), known.refused.len());
        assert!(proven > 50 && proven <= 110, "{proven}");
        assert!(refused > MAX_TRACKED / 2 && refused <= MAX_TRACKED + 100, "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn tried_credentials_count_once_each_per_name_and_in_all() {
        let keyer = OutcomeKeyer::random().unwrap();
        let tuple = |name: u32, number: u32| keyer.key(b"", &name.to_string(), &number.to_string());
        let limit = AttemptLimit::default();
        let mut offered = OfferedCredentials::default();
        for number in [0, 1, 1, 1, 2, 3, 3] {
            assert!(offered.add(1, &tuple(1, number), limit), "{number}");
        }
        for number in 4..200 {
            assert!(!offered.add(1, &tuple(1, number), limit), "a fifth one");
        }
        assert!(offered.add(2, &tuple(2, 0), limit), "another name");
        offered.remove(1, &tuple(1, 3));
        assert!(offered.has_room(1, &tuple(1, 9), limit));
        for name in 3..100 {
            offered.add(name, &tuple(name, 0), limit);
        }
        assert_eq!(offered.pairs.len(), MAX_OFFERED);
        assert!(!offered.has_room(200, &tuple(200, 0), limit), "64 in all");
        tokio::time::advance(limit.per).await;
        assert!(offered.add(1, &tuple(1, 5), limit));
        assert_eq!(offered.pairs.len(), 1);
    }
}
