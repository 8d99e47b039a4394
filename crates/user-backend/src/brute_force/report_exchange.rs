//! Failed sign-ins of users that other processes saw, or this one before a restart.
//!
//! Processes exchange them under a keyed hash of the name. A password may have been typed into the
//! name field, and could be read wherever the reports are stored. A hash cannot be turned into a
//! name, so a report waits here until an attempt with the name arrives.
//!
//! Bounded: 100,000 names, and 128 reports of each, the newest.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use super::per_source::SourceNet;
use super::source_hash::SourceHash;
use crate::clock::{Instant, now};
use crate::identity::CanonicalName;
use crate::secret::OutcomeKeyer;

/// At most this many names.
const MAX_NAMES: usize = 100_000;

/// At most this many reports of one name.
///
/// More than there can be failures in a row before it is locked.
const MAX_PER_NAME: usize = 128;

/// A keyed hash of a name in canonical form.
///
/// Useless without the [`UserHashKey`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserHash([u8; 16]);

impl fmt::Display for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserHash({self})")
    }
}

/// A text that is no [`UserHash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected 32 hexadecimal digits")]
pub struct InvalidUserHash;

/// Reads a hash as it is displayed.
impl FromStr for UserHash {
    type Err = InvalidUserHash;

    fn from_str(text: &str) -> Result<Self, InvalidUserHash> {
        let number = u128::from_str_radix(text, 16).map_err(|_| InvalidUserHash)?;
        let hash = Self(number.to_be_bytes());
        // Nor a sign, nor fewer digits.
        if hash.to_string() == text { Ok(hash) } else { Err(InvalidUserHash) }
    }
}

/// The key of the hashes.
///
/// All processes that exchange failed sign-ins need the same. Wiped on drop.
pub struct UserHashKey(OutcomeKeyer);

impl UserHashKey {
    /// Takes a key: 32 random bytes.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(OutcomeKeyer::with_key(key))
    }

    /// The hash of a name in canonical form.
    pub(super) fn hash(&self, canonical: &str) -> UserHash {
        let mut hash = [0; 16];
        for (place, byte) in hash.iter_mut().zip(self.0.key(b"failed sign-ins", canonical, "").to_bytes()) {
            *place = byte;
        }
        UserHash(hash)
    }

    /// The hash of the network of a source.
    pub(super) fn source(&self, source: Option<IpAddr>) -> SourceHash {
        let network = source.map(|source| SourceNet::of(source).to_string());
        SourceHash::of(self.0.key(b"network", network.as_deref().unwrap_or("anywhere"), ""))
    }
}

impl fmt::Debug for UserHashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserHashKey(…)")
    }
}

/// What happened elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RemoteReport {
    /// A sign-in from this network failed.
    Failed(SourceHash, Instant),
    /// The user signed in, which ends what was counted before from this network.
    SignedIn(SourceHash, Instant),
}

impl RemoteReport {
    fn at(self) -> Instant {
        match self {
            Self::Failed(_, at) | Self::SignedIn(_, at) => at,
        }
    }

    fn source(self) -> SourceHash {
        match self {
            Self::Failed(source, _) | Self::SignedIn(source, _) => source,
        }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct ReportExchange {
    /// Without one, nothing is exchanged.
    key: Option<UserHashKey>,
    waiting: RwLock<WaitingReports>,
    /// Whether there is anything: what memory answers must not wait for a lock.
    is_empty: AtomicBool,
}

#[derive(Debug, Default)]
struct WaitingReports {
    names: HashMap<UserHash, Vec<RemoteReport>>,
    /// When what is too old was removed last.
    swept: Option<Instant>,
}

impl ReportExchange {
    pub(super) fn new(key: Option<UserHashKey>) -> Self {
        Self { key, waiting: RwLock::default(), is_empty: AtomicBool::new(true) }
    }

    /// What a name is reported as.
    pub(super) fn hash(&self, name: &CanonicalName) -> Option<UserHash> {
        self.key.as_ref().map(|key| key.hash(name.as_str()))
    }

    /// What the network of a source is reported as.
    ///
    /// Where nothing is exchanged, it stays in this process, and a fixed key will do.
    pub(super) fn source(&self, source: Option<IpAddr>) -> SourceHash {
        match &self.key {
            Some(key) => key.source(source),
            None => UserHashKey::new(Zeroizing::new([0; 32])).source(source),
        }
    }

    /// Whether nothing waits for this name.
    #[inline]
    pub(super) fn has_none(&self, canonical: &str) -> bool {
        self.is_empty.load(Ordering::Acquire) || !self.has(canonical)
    }

    #[cold]
    fn has(&self, canonical: &str) -> bool {
        let waiting = self.waiting.read().unwrap_or_else(PoisonError::into_inner);
        self.key.as_ref().is_some_and(|key| waiting.names.contains_key(&key.hash(canonical)))
    }

    /// Keeps a report for as long as failures count, oldest first.
    pub(super) fn add(&self, user: UserHash, report: RemoteReport, keep: Duration) {
        let at = now();
        let mut waiting = self.write();
        if waiting.swept.is_none_or(|swept| at.saturating_duration_since(swept) >= Duration::from_secs(60)) {
            waiting.swept = Some(at);
            waiting.names.retain(|_, reports| {
                reports.retain(|report| at.saturating_duration_since(report.at()) < keep);
                !reports.is_empty()
            });
        }
        if waiting.names.len() < MAX_NAMES || waiting.names.contains_key(&user) {
            let reports = waiting.names.entry(user).or_default();
            if matches!(report, RemoteReport::SignedIn(..)) {
                reports.retain(|before| before.source() != report.source() || before.at() > report.at());
            }
            let behind = reports.partition_point(|other| other.at() <= report.at());
            reports.insert(behind, report);
            if reports.len() > MAX_PER_NAME {
                reports.remove(0);
            }
        }
        self.update(&waiting);
    }

    /// Takes what waits for a name.
    pub(super) fn take(&self, name: &CanonicalName) -> Vec<RemoteReport> {
        if self.is_empty.load(Ordering::Acquire) {
            return Vec::new();
        }
        let Some(user) = self.hash(name) else { return Vec::new() };
        let mut waiting = self.write();
        let taken = waiting.names.remove(&user).unwrap_or_default();
        self.update(&waiting);
        taken
    }

    /// Forgets what happened before that time.
    pub(super) fn forget_before(&self, name: &CanonicalName, before: Instant) {
        let Some(user) = self.hash(name) else { return };
        let mut waiting = self.write();
        if let Some(reports) = waiting.names.get_mut(&user) {
            reports.retain(|report| report.at() >= before);
            if reports.is_empty() {
                waiting.names.remove(&user);
            }
        }
        self.update(&waiting);
    }

    fn write(&self) -> RwLockWriteGuard<'_, WaitingReports> {
        self.waiting.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, waiting: &WaitingReports) {
        self.is_empty.store(waiting.names.is_empty(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn reports(byte: u8) -> ReportExchange {
        ReportExchange::new(Some(UserHashKey::new(Zeroizing::new([byte; 32]))))
    }

    fn named(name: &str) -> CanonicalName {
        CanonicalName::parse(name).unwrap()
    }

    #[test]
    fn hash_is_read_as_it_is_displayed_and_depends_on_the_key() {
        let [one, other] = [reports(1), reports(2)];
        let hash = one.hash(&named("Alice")).unwrap();
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(Some(hash), reports(1).hash(&named("alice")));
        assert_ne!(Some(hash), other.hash(&named("alice")));
        assert_ne!(Some(hash), one.hash(&named("bob")));
        for wrong in ["", "alice", "+0", &"0".repeat(31), &"0".repeat(33), &"A".repeat(32)] {
            assert_eq!(wrong.parse::<UserHash>(), Err(InvalidUserHash), "{wrong}");
        }
        assert_eq!(ReportExchange::new(None).hash(&named("alice")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn reports_wait_for_their_name_and_expire() {
        let reports = reports(1);
        let (alice, bob) = (named("alice"), named("bob"));
        let start = now();
        let hash = reports.hash(&alice).unwrap();
        assert!(reports.has_none("alice"));
        let later = |seconds: u64| start + Duration::from_secs(seconds);
        tokio::time::advance(Duration::from_secs(10)).await;
        let [home, other] = [1, 2].map(SourceHash::new);
        for seconds in [3, 1, 5] {
            reports.add(hash, RemoteReport::Failed(home, later(seconds)), DAY);
        }
        reports.add(hash, RemoteReport::Failed(other, later(2)), DAY);
        assert!(!reports.has_none("alice") && reports.has_none("bob"));
        reports.add(hash, RemoteReport::SignedIn(home, later(3)), DAY);
        assert_eq!(reports.take(&bob), []);
        let left = [
            RemoteReport::Failed(other, later(2)),
            RemoteReport::SignedIn(home, later(3)),
            RemoteReport::Failed(home, later(5)),
        ];
        assert_eq!(reports.take(&alice), left);
        assert!(reports.has_none("alice"));
        reports.add(hash, RemoteReport::Failed(home, later(6)), DAY);
        reports.add(hash, RemoteReport::Failed(home, later(8)), DAY);
        reports.forget_before(&alice, later(8));
        assert_eq!(reports.take(&alice), [RemoteReport::Failed(home, later(8))]);
        reports.add(hash, RemoteReport::Failed(home, later(9)), DAY);
        tokio::time::advance(DAY).await;
        reports.add(reports.hash(&bob).unwrap(), RemoteReport::Failed(SourceHash::new(1), now()), DAY);
        assert!(reports.has_none("alice") && !reports.has_none("bob"));
    }

    #[tokio::test(start_paused = true)]
    async fn reports_are_bounded() {
        let reports = reports(1);
        let hash = reports.hash(&named("alice")).unwrap();
        for _ in 0..1_000 {
            reports.add(hash, RemoteReport::Failed(SourceHash::new(1), now()), DAY);
        }
        assert_eq!(reports.take(&named("alice")).len(), MAX_PER_NAME);
        for number in 0..MAX_NAMES + 1_000 {
            let hash = UserHash(u128::try_from(number).unwrap().to_be_bytes());
            reports.add(hash, RemoteReport::Failed(SourceHash::new(1), now()), DAY);
        }
        assert_eq!(reports.write().names.len(), MAX_NAMES);
    }
}
