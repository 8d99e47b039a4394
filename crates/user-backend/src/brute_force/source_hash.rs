//! Tells networks apart from which sign-ins with one name came.

use crate::secret::OutcomeKey;

/// A keyed hash of the network of a source (IPv4 address, IPv6 /64): 20 bits.
///
/// A right password clears only failures that came from its own network. Of a million networks one
/// has the hash of another: its failures are cleared, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceHash(u32);

impl SourceHash {
    /// How many bits it has.
    pub const BITS: u32 = 20;

    /// From its number, of which only the last 20 bits count.
    pub const fn new(number: u32) -> Self {
        Self(number & ((1 << Self::BITS) - 1))
    }

    /// From a hash that is longer.
    pub(super) fn of(hash: OutcomeKey) -> Self {
        let [one, two, three, four, ..] = hash.to_bytes();
        Self::new(u32::from_be_bytes([one, two, three, four]))
    }

    /// Its number, for a store.
    pub const fn number(self) -> u32 {
        self.0
    }
}
