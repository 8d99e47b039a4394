//! Cost settings for password hashing.
//!
//! The defaults are the least that OWASP recommends for Argon2id (RFC 9106): 19 MiB, two passes,
//! about 20 ms on one core of 2026. Raise `memory_kib` first, then `passes`: each hash is replaced
//! at its user's next sign-in.

use serde::Deserialize;
use thiserror::Error;

/// The most memory that one hash may ask for: 1 GiB.
pub(super) const MOST_MEMORY_KIB: u32 = 1024 * 1024;

/// The most passes that one hash may ask for.
pub(super) const MOST_PASSES: u32 = 64;

/// The most lanes that one hash may ask for.
pub(super) const MOST_LANES: u32 = 64;

/// Minimum memory for new hashes.
const LEAST_MEMORY_KIB: u32 = 7 * 1024;

/// How expensive new hashes are, and how many may be under way: the table `[passwords]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, try_from = "RawPasswordSettings")]
pub struct HashSettings {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    at_once: usize,
    waiting: usize,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPasswordSettings {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    at_once: usize,
    waiting: usize,
}

impl Default for RawPasswordSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1, at_once: cores, waiting: 1024 }
    }
}

impl Default for HashSettings {
    fn default() -> Self {
        let RawPasswordSettings { memory_kib, passes, lanes, at_once, waiting } =
            RawPasswordSettings::default();
        Self { memory_kib, passes, lanes, at_once, waiting }
    }
}

impl HashSettings {
    /// Sets what one new hash costs.
    ///
    /// Memory in KiB (default 19456), passes over it (default 2), lanes (default 1).
    ///
    /// # Errors
    /// [`HashSettingsError`] names the setting, what was found and what is taken.
    pub fn with_cost(mut self, memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, HashSettingsError> {
        (self.memory_kib, self.passes, self.lanes) = (memory_kib, passes, lanes);
        self.checked()
    }

    /// Sets concurrent hashes (default: one per core) and waiting sign-ins (default 1024).
    ///
    /// More are refused as busy.
    ///
    /// # Errors
    /// [`HashSettingsError`] when no hash could ever be made.
    pub fn with_pool(mut self, at_once: usize, waiting: usize) -> Result<Self, HashSettingsError> {
        (self.at_once, self.waiting) = (at_once, waiting);
        self.checked()
    }

    /// Memory of one hash, in KiB.
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over that memory.
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// Lanes of one hash.
    pub fn lanes(&self) -> u32 {
        self.lanes
    }

    /// How many hashes are made at once.
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// How many may wait for their turn.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    fn checked(self) -> Result<Self, HashSettingsError> {
        within("memory_kib", self.memory_kib, LEAST_MEMORY_KIB, MOST_MEMORY_KIB)?;
        within("passes", self.passes, 1, MOST_PASSES)?;
        within("lanes", self.lanes, 1, MOST_LANES)?;
        within("at_once", as_u32(self.at_once), 1, 1024)?;
        within("waiting", as_u32(self.waiting), 0, 1_000_000)?;
        Ok(self)
    }

    /// Cheap hashes for tests only: real ones would make every test wait.
    #[cfg(test)]
    pub(crate) fn cheap() -> Self {
        Self { memory_kib: 64, passes: 1, ..Self::default() }
    }
}

impl TryFrom<RawPasswordSettings> for HashSettings {
    type Error = HashSettingsError;

    fn try_from(raw: RawPasswordSettings) -> Result<Self, HashSettingsError> {
        let RawPasswordSettings { memory_kib, passes, lanes, at_once, waiting } = raw;
        Self { memory_kib, passes, lanes, at_once, waiting }.checked()
    }
}

/// A setting is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{setting} must be between {least} and {most}, found {found}")]
pub struct HashSettingsError {
    setting: &'static str,
    least: u32,
    most: u32,
    found: u32,
}

fn within(setting: &'static str, found: u32, least: u32, most: u32) -> Result<(), HashSettingsError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(HashSettingsError { setting, least, most, found })
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
