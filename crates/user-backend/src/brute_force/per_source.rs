//! Rate limit for guesses from one network: failed sign-ins per source and half an hour.
//!
//! A source is an IPv4 address (IPv4-mapped IPv6 addresses count as IPv4), or a /64 of IPv6, which
//! is what one household has. One customer may have up to a /48, so failures also count at the /56
//! and the /48, with four and sixteen times the allowance.
//!
//! - A permit is taken **before** the attempt: failures that still count and attempts under way are
//!   never more than [`SourceRateLimit::refuse_after`] together, so a burst of guesses cannot
//!   exceed the limit. An attempt that arrives when all permits are taken waits for one, in order,
//!   so that an office behind one address is served and not refused.
//! - Each failure is followed by a delay that doubles, from [`SourceRateLimit::first_delay`] to
//!   [`SourceRateLimit::longest_delay`]. Requests that arrive during the delay wait for its end,
//!   but no longer than `MAX_INLINE_WAIT`; others are refused with the time to come back.
//! - When failures alone have reached the limit, everything from that source is refused until the
//!   oldest no longer counts.
//! - A failure is a name or a password that a backend refused. Outages don't count as failures, nor
//!   do answers from memory. A right password clears nothing: otherwise an account of one's own
//!   would pay for guesses at all others.
//! - Repeating the same wrong name and password reveals nothing new. They cost nothing, so a phone
//!   with an old password does not block its household.
//! - Proven credentials need no permit.
//!
//! Order: after the cache, so that a right password in memory is not slowed down; before
//! single-flight. A permit belongs to the attempt and is not returned when the caller leaves;
//! otherwise abandoned guesses would be free.
//!
//! Bounded: the 100,000 networks that failed last. A source without failures takes no room, and one
//! source can fail too rarely to push others out.

use std::collections::VecDeque;
use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::Serialize;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep_until, timeout_at};

use super::bounded_table::BoundedTable;
use super::known_credentials::OfferedCredentials;
use super::window::{AttemptLimit, Certainty};
use super::{FailedLoginObserver, MAX_INLINE_WAIT};
use crate::clock::{Instant, later, now};
use crate::secret::OutcomeKey;

/// At most this many networks with failures are remembered.
const MAX_TRACKED_SOURCES: usize = 100_000;

/// Ratio of an IPv6 network's allowance to that of the next narrower network.
const WIDER: u32 = 4;

/// How failed sign-ins from one source are slowed down.
///
/// The delay doubles with each, then no backend is asked any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct SourceRateLimit {
    /// The delay after the first failure (`first_delay`, default 100 ms).
    pub first_delay: Duration,
    /// The longest delay (`longest_delay`, default 25 s).
    pub longest_delay: Duration,
    /// After this many failures (`refuse_after`, default 10; zero counts as one) …
    pub refuse_after: u32,
    /// … in this time (`per`, default 30 minutes) further attempts from there are refused.
    pub per: Duration,
}

impl Default for SourceRateLimit {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(100),
            longest_delay: Duration::from_secs(25),
            refuse_after: 10,
            per: Duration::from_secs(30 * 60),
        }
    }
}

impl SourceRateLimit {
    /// The delay after the `count`-th failure that still counts.
    pub fn delay(&self, count: usize) -> Duration {
        if count == 0 {
            return Duration::ZERO;
        }
        let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.first_delay.checked_mul(factor).unwrap_or(Duration::MAX).min(self.longest_delay)
    }

    /// How many failures a network may have: more than one household may be in a wide one.
    pub fn allowance(&self, network: SourceNet) -> u32 {
        self.refuse_after.max(1).saturating_mul(network.allowance_factor())
    }

    /// The same as a limit of attempts.
    pub(crate) fn as_attempts(&self) -> AttemptLimit {
        AttemptLimit { failures: self.refuse_after.max(1), per: self.per }
    }
}

/// See the [module](self).
///
/// Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct SourceRateLimiter {
    shared: Arc<SourceTable>,
}

#[derive(Debug)]
struct SourceTable {
    limit: SourceRateLimit,
    networks: BoundedTable<SourceNet, SourceRecord>,
    /// What was counted without having been judged, and until when.
    ///
    /// By source: a guess that costs another source nothing would reveal that the user has just
    /// typed this password.
    unjudged: Cache<(SourceNet, u64), Instant>,
    observer: Option<Arc<dyn FailedLoginObserver>>,
}

/// A network whose failures are counted together.
///
/// An IPv4 address, or an IPv6 /64, /56 or /48.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceNet {
    first: IpAddr,
    /// 128 means an IPv4 address.
    prefix: u8,
}

/// The networks of an IPv6 address, the narrowest first.
const IPV6_PREFIXES: [u8; 3] = [64, 56, 48];

impl SourceNet {
    /// The narrowest network of an address: what counts as one source.
    pub fn of(address: IpAddr) -> Self {
        Self::with_prefix(address, IPV6_PREFIXES[0])
    }

    fn with_prefix(address: IpAddr, prefix: u8) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self { first: address.into(), prefix: 128 },
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or_default();
                Self { first: Ipv6Addr::from_bits(address.to_bits() & mask).into(), prefix }
            }
        }
    }

    /// This network and the wider ones around it, the narrowest first.
    pub fn levels(self) -> impl Iterator<Item = Self> {
        let prefixes = IPV6_PREFIXES.into_iter().filter(move |prefix| *prefix <= self.prefix);
        let wider = prefixes.map(move |prefix| Self::with_prefix(self.first, prefix));
        let ipv4 = self.first.is_ipv4();
        wider.take(if ipv4 { 1 } else { IPV6_PREFIXES.len() })
    }

    /// Whether another network is this one or a part of it.
    pub fn contains(self, other: Self) -> bool {
        other.levels().any(|level| level == self)
    }

    /// How many times the allowance of one household this network has: 1, 4 or 16.
    pub fn allowance_factor(self) -> u32 {
        match self.prefix {
            48 => WIDER * WIDER,
            56 => WIDER,
            _ => 1,
        }
    }

    /// How much of a bound for all one network may have when `taken` of it is in use.
    ///
    /// Of the last quarter an eighth of what is left, so that a few networks do not take all, but at
    /// least 4: a source that has fewer gets one as long as there is any.
    pub fn share_of(all: usize, taken: usize) -> usize {
        const FEW: usize = 4;
        let free = all.saturating_sub(taken);
        if free > all / 4 { usize::MAX } else { (free / 8).max(FEW) }
    }

    /// The length of the prefix: 64, 56 or 48; 128 for an IPv4 address.
    pub fn prefix(self) -> u8 {
        self.prefix
    }
}

/// Reads an address, or a network as it is displayed.
impl FromStr for SourceNet {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        for prefix in IPV6_PREFIXES {
            let suffix = ["/64", "/56", "/48"][usize::from((64 - prefix) / 8)];
            if let Some(address) = text.strip_suffix(suffix) {
                return address.parse().map(|address| Self::with_prefix(address, prefix));
            }
        }
        text.parse().map(Self::of)
    }
}

impl fmt::Display for SourceNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/{}", self.prefix),
        }
    }
}

/// What is known about one network.
#[derive(Debug)]
struct SourceRecord {
    allowance: usize,
    /// One permit per failure that may still happen.
    ///
    /// Taken while an attempt is under way, gone while its failure counts.
    permits: Arc<Semaphore>,
    failures: Mutex<Failures>,
    /// Notifies attempts that wait for a permit that the limit is reached.
    closed: Notify,
}

#[derive(Debug, Default)]
struct Failures {
    /// The failures that still count, the oldest first.
    at: VecDeque<(Instant, Certainty)>,
    /// Failures without a permit: all were in use when another process reported them.
    without_turn: usize,
    /// Attempts in progress with a permit of this network.
    under_way: Vec<OutcomeKey>,
    offered: OfferedCredentials,
}

impl Failures {
    /// Whether all of them are wrong passwords for certain.
    fn is_answered(&self) -> bool {
        self.at.iter().all(|(_, certainty)| *certainty == Certainty::Wrong)
    }
}

/// Why an attempt is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceDenial {
    /// Too many failed sign-ins from this network.
    ///
    /// No backend is asked before this time is over.
    TooMany(SourceNet, Duration),
    /// The last failure was a moment ago: there is a delay.
    TooEarly(SourceNet, Duration),
    /// Failures and attempts in progress hold all permits until the deadline.
    NoPermit(SourceNet),
    /// The same, and none of them is known to be a wrong password.
    ///
    /// Reported as unavailable.
    Unanswered(SourceNet),
}

impl SourceRateLimiter {
    pub(crate) fn new(limit: SourceRateLimit, observer: Option<Arc<dyn FailedLoginObserver>>) -> Self {
        Self::with_bound(limit, observer, MAX_TRACKED_SOURCES)
    }

    fn with_bound(
        limit: SourceRateLimit,
        observer: Option<Arc<dyn FailedLoginObserver>>,
        max: usize,
    ) -> Self {
        let (networks, unjudged) = (BoundedTable::new(max), Cache::new(max));
        Self { shared: Arc::new(SourceTable { limit: normal(limit), networks, unjudged, observer }) }
    }

    /// Whether another limit has the same values.
    pub(crate) fn is_made_of(&self, limit: SourceRateLimit) -> bool {
        self.shared.limit == normal(limit)
    }

    /// How failures are slowed down.
    pub(crate) fn limit(&self) -> &SourceRateLimit {
        &self.shared.limit
    }

    /// Receives failures.
    pub(crate) fn observer(&self) -> Option<Arc<dyn FailedLoginObserver>> {
        self.shared.observer.clone()
    }

    /// Whether nothing is known about this source that could hold an attempt up.
    #[inline]
    pub(crate) fn is_quiet(&self, address: IpAddr) -> bool {
        SourceNet::of(address).levels().all(|network| self.shared.networks.has_none(&network))
    }

    /// Registers an attempt from `address`.
    ///
    /// From now on no attempt from there counts as quiet until it is dropped.
    pub(crate) fn arrive(&self, address: IpAddr) -> SourceArrival {
        let networks = SourceNet::of(address).levels().map(|network| self.hold(network)).collect();
        SourceArrival { networks }
    }

    /// Counts a failure that another process saw, or that was stored before a restart.
    ///
    /// `age` is how long ago it was.
    pub(crate) fn count(&self, source: SourceNet, certainty: Certainty, age: Duration) {
        let limit = &self.shared.limit;
        let at = now();
        // Before this machine was started: it is as old as can be.
        let Some(then) = at.checked_sub(age).filter(|_| age < limit.per) else { return };
        for network in source.levels() {
            let held = self.hold(network);
            let mut failures = held.record.lock();
            held.record.expire(&mut failures, limit.per, at);
            if failures.at.len() >= held.record.allowance {
                continue;
            }
            if held.record.permits.forget_permits(1) == 0 {
                failures.without_turn += 1;
            }
            let behind = failures.at.partition_point(|(other, _)| *other <= then);
            failures.at.insert(behind, (then, certainty));
        }
    }

    /// Clears the record of a source and of the wider networks around it.
    ///
    /// The next attempt from there is the first.
    pub(crate) fn reset(&self, source: SourceNet) {
        for network in source.levels() {
            let held = self.hold(network);
            let mut failures = held.record.lock();
            let gone = std::mem::take(&mut failures.at).len();
            let without_turn = std::mem::take(&mut failures.without_turn);
            failures.offered = OfferedCredentials::default();
            held.record.permits.add_permits(gone.saturating_sub(without_turn));
        }
        if let Some(observer) = &self.shared.observer {
            observer.source_reset(source);
        }
    }

    /// How many networks are remembered.
    pub(crate) fn sources(&self) -> usize {
        self.shared.networks.len()
    }

    fn hold(&self, network: SourceNet) -> SourceHolder {
        let allowance = self.shared.limit.allowance(network);
        let allowance = usize::try_from(allowance).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let record = self.shared.networks.get_or_insert(&network, || SourceRecord {
            allowance,
            permits: Arc::new(Semaphore::new(allowance)),
            failures: Mutex::default(),
            closed: Notify::new(),
        });
        SourceHolder { limiter: self.clone(), network, record }
    }
}

/// An attempt that has arrived from a source and may have to wait for its permit.
#[derive(Debug)]
pub(crate) struct SourceArrival {
    /// The narrowest first.
    networks: Vec<SourceHolder>,
}

impl SourceArrival {
    fn source(&self) -> Option<&SourceHolder> {
        self.networks.first()
    }

    /// Notes what this source offers, unless it is proven.
    ///
    /// See [`OfferedCredentials`].
    pub(crate) fn offer(&self, name: u32, tuple: &OutcomeKey) -> bool {
        self.source().is_none_or(|source| {
            source.record.lock().offered.add(name, tuple, source.limiter.limit().as_attempts())
        })
    }

    /// The opposite, for credentials that are proven.
    pub(crate) fn withdraw(&self, name: u32, tuple: &OutcomeKey) {
        if let Some(source) = self.source() {
            source.record.lock().offered.remove(name, tuple);
        }
    }

    /// Whether this source may still learn what is known about these credentials.
    pub(crate) fn has_room(&self, name: u32, tuple: &OutcomeKey) -> bool {
        self.source().is_none_or(|source| {
            let limit = source.limiter.limit().as_attempts();
            let mut failures = source.record.lock();
            failures.offered.expire(limit.per);
            failures.offered.has_room(name, tuple, limit)
        })
    }

    /// Whether this tuple is being checked with a permit of this source.
    ///
    /// Joining it is no new guess.
    pub(crate) fn is_under_way(&self, tuple: &OutcomeKey) -> bool {
        self.source().is_some_and(|source| source.record.lock().under_way.contains(tuple))
    }

    /// Takes a permit for an attempt, waiting until `deadline` if all are taken.
    ///
    /// After it there should be time to make the attempt.
    ///
    /// # Errors
    /// [`SourceDenial`] when the attempt must not be made.
    ///
    /// # Cancellation
    /// Cancel safe: a permit that is not taken goes to the next.
    pub(crate) async fn permit(
        self,
        tuple: &OutcomeKey,
        deadline: Instant,
    ) -> Result<SourcePermit, SourceDenial> {
        let latest = deadline.min(later(now(), MAX_INLINE_WAIT));
        let mut all = SourcePermit { taken: Vec::with_capacity(self.networks.len()), tuple: *tuple };
        for held in self.networks {
            let permit = match Arc::clone(&held.record.permits).try_acquire_owned() {
                Ok(permit) => {
                    held.sit_out(latest).await?;
                    permit
                }
                Err(_) => held.wait(deadline).await?,
            };
            held.record.lock().under_way.push(*tuple);
            all.taken.push((permit, held));
        }
        Ok(all)
    }
}

impl SourceRecord {
    fn lock(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns permits whose failure is too old to count.
    fn expire(&self, failures: &mut Failures, per: Duration, at: Instant) {
        while failures.at.front().is_some_and(|(oldest, _)| at.saturating_duration_since(*oldest) >= per) {
            failures.at.pop_front();
            match failures.without_turn.checked_sub(1) {
                Some(fewer) => failures.without_turn = fewer,
                None => self.permits.add_permits(1),
            }
        }
    }
}

/// Permit for one attempt.
///
/// Returned on drop, unless the attempt failed.
#[derive(Debug)]
#[must_use = "the attempt's failure must be counted"]
pub(crate) struct SourcePermit {
    taken: Vec<(OwnedSemaphorePermit, SourceHolder)>,
    tuple: OutcomeKey,
}

impl SourcePermit {
    /// Settles the permit: the password is right, so it was no guess.
    pub(crate) fn accepted(self, name: u32) {
        if let Some((_, source)) = self.taken.first() {
            source.record.lock().offered.remove(name, &self.tuple);
        }
    }

    /// Settles the permit: the attempt was refused.
    pub(crate) fn refused(self) {
        self.count(Certainty::Wrong);
    }

    /// Settles the permit: no backend was asked, because of a limit per user.
    ///
    /// It counts as a failure, once per tuple: otherwise a source could use the limit to test any
    /// number of passwords.
    pub(crate) fn unjudged(self) {
        self.count_once(Certainty::Wrong);
    }

    /// Settles the permit: the backend saw the password, but its answer is not recognised.
    pub(crate) fn unrecognised(self) {
        self.count_once(Certainty::Unanswered);
    }

    fn count_once(self, certainty: Certainty) {
        let Some((_, source)) = self.taken.first() else { return };
        let shared = Arc::clone(&source.limiter.shared);
        let (at, guess) = (now(), (source.network, self.tuple.short()));
        let is_known = shared.unjudged.get(&guess).is_some_and(|until| at < until);
        if let Some(until) = at.checked_add(shared.limit.per) {
            shared.unjudged.insert(guess, until);
        }
        if !is_known {
            self.count(certainty);
        }
    }

    fn count(mut self, certainty: Certainty) {
        let at = now();
        for (number, (permit, held)) in std::mem::take(&mut self.taken).into_iter().enumerate() {
            let mut failures = held.record.lock();
            permit.forget();
            failures.at.push_back((at, certainty));
            if failures.at.len() >= held.record.allowance {
                held.record.closed.notify_waiters();
            }
            done(&mut failures, &self.tuple);
            drop(failures);
            // Others count a wider network themselves.
            if let Some(observer) = held.limiter.shared.observer.as_ref().filter(|_| number == 0) {
                observer.source_failed(held.network, certainty);
            }
        }
    }
}

impl Drop for SourcePermit {
    fn drop(&mut self) {
        for (_, held) in &self.taken {
            done(&mut held.record.lock(), &self.tuple);
        }
    }
}

fn done(failures: &mut Failures, tuple: &OutcomeKey) {
    if let Some(place) = failures.under_way.iter().position(|other| other == tuple) {
        failures.under_way.swap_remove(place);
    }
}

fn normal(limit: SourceRateLimit) -> SourceRateLimit {
    SourceRateLimit { refuse_after: limit.refuse_after.max(1), ..limit }
}

/// Keeps the record of a network in the table, until it is dropped.
#[derive(Debug)]
struct SourceHolder {
    limiter: SourceRateLimiter,
    network: SourceNet,
    record: Arc<SourceRecord>,
}

impl SourceHolder {
    /// Waits for a permit, and then for the end of the delay, if any.
    async fn wait(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, SourceDenial> {
        let permit = loop {
            // Registered before the look, so that no closing is missed between the two.
            let mut closed = std::pin::pin!(self.record.closed.notified());
            closed.as_mut().enable();
            self.look()?;
            tokio::select! {
                biased;
                permit = timeout_at(deadline, Arc::clone(&self.record.permits).acquire_owned()) => break permit,
                () = closed => {}
            }
        };
        let Ok(Ok(permit)) = permit else {
            let is_wrong = |(_, certainty): &(Instant, Certainty)| *certainty == Certainty::Wrong;
            return Err(match self.record.lock().at.iter().any(is_wrong) {
                true => SourceDenial::NoPermit(self.network),
                false => SourceDenial::Unanswered(self.network),
            });
        };
        self.sit_out(deadline).await?;
        Ok(permit)
    }

    /// Waits for the end of the delay, if there is one, unless it ends after `latest`.
    async fn sit_out(&self, latest: Instant) -> Result<(), SourceDenial> {
        while let Some(delay) = self.look()? {
            let end = later(now(), delay);
            if end >= latest {
                let is_answered = self.record.lock().is_answered();
                return Err(match is_answered {
                    true => SourceDenial::TooEarly(self.network, delay),
                    false => SourceDenial::Unanswered(self.network),
                });
            }
            sleep_until(end).await;
        }
        Ok(())
    }

    /// Removes expired failures, and returns the remaining delay, if any.
    fn look(&self) -> Result<Option<Duration>, SourceDenial> {
        let limit = &self.limiter.shared.limit;
        let at = now();
        let mut failures = self.record.lock();
        self.record.expire(&mut failures, limit.per, at);
        let Some(((oldest, _), (newest, _))) = failures.at.front().zip(failures.at.back()) else {
            return Ok(None);
        };
        if failures.at.len() >= self.record.allowance {
            if !failures.is_answered() {
                return Err(SourceDenial::Unanswered(self.network));
            }
            let left = later(*oldest, limit.per).saturating_duration_since(at);
            return Err(SourceDenial::TooMany(self.network, left));
        }
        // In a wide network there may be many households: only its allowance counts.
        let delay = match self.network == SourceNet::with_prefix(self.network.first, IPV6_PREFIXES[0]) {
            true => limit.delay(failures.at.len()),
            false => Duration::ZERO,
        };
        let left = later(*newest, delay).saturating_duration_since(at);
        Ok((!left.is_zero()).then_some(left))
    }
}

impl Drop for SourceHolder {
    fn drop(&mut self) {
        let per = self.limiter.shared.limit.per;
        self.limiter.shared.networks.release(&self.network, &self.record, |record| {
            let mut failures = record.lock();
            failures.offered.expire(per);
            failures.at.is_empty() && failures.offered.is_empty()
        });
    }
}

#[cfg(test)]
mod tests;
