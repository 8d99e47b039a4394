//! Slows down whoever guesses from one place: only so many failed sign-ins per address and half an hour.
//!
//! A place is an IPv4 address or a /64 of IPv6, which is what one household has; IPv4 in the clothes of IPv6 counts as IPv4.
//!
//! - A turn is taken **before** the attempt: failures that still count and attempts under way are never more than
//!   [`Throttle::refuse_after`] together, so a burst of guesses cannot slip through. Who comes when all turns are taken waits
//!   for one, in order, so that an office behind one address is served and not refused.
//! - Each failure is followed by a pause that doubles, from [`Throttle::first_delay`] to [`Throttle::longest_delay`]. Who comes
//!   during a pause waits until it is over, but no longer than `PATIENCE`: else they are told when to come back. Somebody who
//!   mistypes and tries again at once should not have to know about pauses. Who has waited for a turn waits on.
//! - When failures alone have reached the limit, everything from that place is refused until the oldest no longer counts.
//! - A failure is a name or a password that a backend refused. An outage is none, nor is what was answered from memory. A right
//!   password wipes nothing: otherwise one account of one's own would pay for guessing at all others.
//! - The same wrong name and password as before tell nobody anything new. They are let through and cost nothing, so a phone
//!   with an old password does not lock its house out.
//!
//! Order: behind the cache, so that a right password in memory is never slowed down; in front of the
//! flights: who joins a flight asks nothing new. A turn belongs to the flight and is not given back when
//! the caller leaves, or else guesses that nobody waits for would be free.
//!
//! Bounded: the 100,000 that failed last, and as many refused tuples. A place without failures takes no room, and one place
//! can fail too rarely to push others out.

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

use super::bounded_table::Held;
use crate::clock::{Instant, later, now};
use crate::secret::OutcomeKey;
use crate::verdict::Rejection;

/// At most this many places with failures are remembered.
pub(crate) const PLACES: usize = 100_000;

/// The longest pause that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How failed sign-ins from one place are slowed down: the delay doubles with each, then nobody is asked any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Throttle {
    /// The pause behind the first failure (`first_delay`, default 100 ms).
    pub first_delay: Duration,
    /// The longest pause (`longest_delay`, default 25 s).
    pub longest_delay: Duration,
    /// After this many failures (`refuse_after`, default 10; zero counts as one) …
    pub refuse_after: u32,
    /// … in this time (`per`, default 30 minutes) everything from there is refused.
    pub per: Duration,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(100),
            longest_delay: Duration::from_secs(25),
            refuse_after: 10,
            per: Duration::from_secs(30 * 60),
        }
    }
}

impl Throttle {
    /// The pause behind the `count`-th failure that still counts.
    pub fn pause(&self, count: usize) -> Duration {
        if count == 0 {
            return Duration::ZERO;
        }
        let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.first_delay.checked_mul(factor).unwrap_or(Duration::MAX).min(self.longest_delay)
    }
}

/// See the [module](self). Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Throttles {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    throttle: Throttle,
    places: Held<Place, Record>,
    /// Tuples that were refused, and until when that is remembered.
    refused: Cache<OutcomeKey, Instant>,
    /// Tuples that were counted without having been judged, and until when.
    unjudged: Cache<OutcomeKey, Instant>,
    log: Option<Arc<dyn FailureLog>>,
}

/// Who wants to know of failures that count, for other processes and for the time behind a restart.
///
/// Both are called while somebody waits for an answer, so they should only take a note.
pub trait FailureLog: fmt::Debug + Send + Sync + 'static {
    /// A sign-in from this place failed a moment ago.
    fn failed(&self, place: Place);

    /// This place was forgiven: failures of before count no more.
    fn forgiven(&self, place: Place);
}

/// Where people sit who are slowed down together: an IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(IpAddr);

impl Place {
    /// The place of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        })
    }
}

/// Reads an address, or a place as it is displayed.
impl FromStr for Place {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.strip_suffix("/64").unwrap_or(text).parse().map(Self::of)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// What is known about one place.
#[derive(Debug)]
struct Record {
    /// One turn per failure that may still happen: taken while an attempt is under way, gone while its failure counts.
    turns: Arc<Semaphore>,
    failures: Mutex<Failures>,
    /// Tells those who wait for a turn that the limit is reached.
    closed: Notify,
}

/// The failures that still count, the oldest first.
#[derive(Debug, Default)]
struct Failures {
    at: VecDeque<Instant>,
    /// How many of them took no turn, because all were taken when another process told of them.
    without_turn: usize,
}

/// Why an attempt is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// So many failed sign-ins from this place that nobody is asked before this time is over.
    TooMany(Duration),
    /// The last failure was a moment ago: there is a pause.
    TooEarly(Duration),
    /// So many attempts from this place were under way that there was no turn before the deadline.
    NoTurn,
}

impl Throttles {
    /// Nobody has failed yet.
    pub fn new(throttle: Throttle, log: Option<Arc<dyn FailureLog>>) -> Self {
        Self::with_bound(throttle, log, PLACES)
    }

    fn with_bound(throttle: Throttle, log: Option<Arc<dyn FailureLog>>, places: usize) -> Self {
        let (places, refused, unjudged) = (Held::new(places), Cache::new(places), Cache::new(places));
        let shared = Shared { throttle: normal(throttle), places, refused, unjudged, log };
        Self { shared: Arc::new(shared) }
    }

    /// Whether failures are slowed down just like this.
    pub(crate) fn is_made_of(&self, throttle: Throttle) -> bool {
        self.shared.throttle == normal(throttle)
    }

    /// How failures are slowed down.
    pub fn throttle(&self) -> &Throttle {
        &self.shared.throttle
    }

    /// Whether this tuple was refused before, within the time that failures count.
    pub fn is_known_to_be_wrong(&self, tuple: &OutcomeKey) -> bool {
        self.shared.refused.get(tuple).is_some_and(|until| now() < until)
    }

    /// Takes a turn for an attempt from `address`, waiting until `deadline` when all are taken. Behind it there should be time to
    /// make the attempt.
    ///
    /// # Errors
    /// [`Refusal`] when the attempt must not be made.
    ///
    /// # Cancellation
    /// Safe: a turn that nobody takes goes to the next.
    pub async fn turn(&self, address: IpAddr, deadline: Instant) -> Result<Turn, Refusal> {
        let held = self.hold(Place::of(address));
        let permit = match Arc::clone(&held.record.turns).try_acquire_owned() {
            Ok(permit) => {
                self.sit_out(&held.record, deadline.min(later(now(), PATIENCE))).await?;
                permit
            }
            Err(_) => self.wait(&held.record, deadline).await?,
        };
        Ok(Turn { permit, held })
    }

    /// Waits for a turn, and for the end of the pause that there may be when it comes.
    async fn wait(&self, record: &Record, deadline: Instant) -> Result<OwnedSemaphorePermit, Refusal> {
        let permit = loop {
            // Registered before the look, so that no closing is missed between the two.
            let mut closed = std::pin::pin!(record.closed.notified());
            closed.as_mut().enable();
            self.look(record)?;
            tokio::select! {
                biased;
                permit = timeout_at(deadline, Arc::clone(&record.turns).acquire_owned()) => break permit,
                () = closed => {}
            }
        };
        let Ok(Ok(permit)) = permit else { return Err(Refusal::NoTurn) };
        self.sit_out(record, deadline).await?;
        Ok(permit)
    }

    /// Waits for the end of the pause, if there is one, unless it ends behind `latest`.
    async fn sit_out(&self, record: &Record, latest: Instant) -> Result<(), Refusal> {
        while let Some(pause) = self.look(record)? {
            let end = later(now(), pause);
            if end >= latest {
                return Err(Refusal::TooEarly(pause));
            }
            sleep_until(end).await;
        }
        Ok(())
    }

    /// Who wants to know of failures.
    pub fn log(&self) -> Option<Arc<dyn FailureLog>> {
        self.shared.log.clone()
    }

    /// Counts a failure of which another process told, or that was written down before a restart. `age` is how long ago it was.
    pub fn count(&self, place: Place, age: Duration) {
        let throttle = &self.shared.throttle;
        let at = now();
        // Before this machine was started: it is as old as can be.
        let Some(then) = at.checked_sub(age).filter(|_| age < throttle.per) else { return };
        let held = self.hold(place);
        let mut failures = held.record.lock();
        forgive(&held.record, &mut failures, throttle.per, at);
        if failures.at.len() >= usize::try_from(throttle.refuse_after).unwrap_or(usize::MAX) {
            return;
        }
        if held.record.turns.forget_permits(1) == 0 {
            failures.without_turn += 1;
        }
        let behind = failures.at.partition_point(|other| *other <= then);
        failures.at.insert(behind, then);
    }

    /// Forgives a place: the next attempt from there is the first.
    pub fn forgive(&self, place: Place) {
        let held = self.hold(place);
        let mut failures = held.record.lock();
        let Failures { at, without_turn } = std::mem::take(&mut *failures);
        held.record.turns.add_permits(at.len().saturating_sub(without_turn));
        drop(failures);
        if let Some(log) = &self.shared.log {
            log.forgiven(place);
        }
    }

    /// The password is right, whatever was known about it before.
    pub fn accepted(&self, tuple: &OutcomeKey) {
        self.shared.refused.remove(tuple);
    }

    /// How many places are remembered.
    pub fn places(&self) -> usize {
        self.shared.places.len()
    }

    fn hold(&self, place: Place) -> Holding {
        let turns = usize::try_from(self.shared.throttle.refuse_after).unwrap_or(usize::MAX);
        let record = self.shared.places.hold(&place, || Record {
            turns: Arc::new(Semaphore::new(turns.min(Semaphore::MAX_PERMITS))),
            failures: Mutex::default(),
            closed: Notify::new(),
        });
        Holding { throttles: self.clone(), place, record }
    }

    /// Forgives what is long ago, then tells how long the pause still is, if there is one.
    fn look(&self, record: &Record) -> Result<Option<Duration>, Refusal> {
        let throttle = &self.shared.throttle;
        let at = now();
        let mut failures = record.lock();
        forgive(record, &mut failures, throttle.per, at);
        let Some((oldest, newest)) = failures.at.front().zip(failures.at.back()) else { return Ok(None) };
        if failures.at.len() >= usize::try_from(throttle.refuse_after).unwrap_or(usize::MAX) {
            return Err(Refusal::TooMany(later(*oldest, throttle.per).saturating_duration_since(at)));
        }
        let left = later(*newest, throttle.pause(failures.at.len())).saturating_duration_since(at);
        Ok((!left.is_zero()).then_some(left))
    }
}

/// Gives turns back whose failure is so long ago that it no longer counts.
fn forgive(record: &Record, failures: &mut Failures, per: Duration, at: Instant) {
    while failures.at.front().is_some_and(|oldest| at.saturating_duration_since(*oldest) >= per) {
        failures.at.pop_front();
        match failures.without_turn.checked_sub(1) {
            Some(fewer) => failures.without_turn = fewer,
            None => record.turns.add_permits(1),
        }
    }
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn: one attempt that may be made. Given back on drop, unless the attempt failed.
#[derive(Debug)]
#[must_use = "the attempt's failure must be counted"]
pub(crate) struct Turn {
    permit: OwnedSemaphorePermit,
    held: Holding,
}

impl Turn {
    /// Settles the turn: the attempt was refused.
    pub fn refused(self, rejection: Rejection, tuple: &OutcomeKey) {
        if !counts(rejection) {
            return;
        }
        let shared = &self.held.throttles.shared;
        let at = now();
        // Also when somebody else failed with the same tuple meanwhile: one failure is enough.
        let known = self.held.throttles.is_known_to_be_wrong(tuple);
        if let Some(until) = at.checked_add(shared.throttle.per) {
            shared.refused.insert(*tuple, until);
        }
        if !known {
            self.count(at);
        }
    }

    /// Settles the turn: no backend was asked, because of a limit per user. It counts as a failure, once per tuple: a limit that
    /// costs a source nothing would tell right from wrong passwords without end.
    pub fn unjudged(self, tuple: &OutcomeKey) {
        let shared = &self.held.throttles.shared;
        let at = now();
        let is_known = shared.unjudged.get(tuple).is_some_and(|until| at < until);
        if let Some(until) = at.checked_add(shared.throttle.per) {
            shared.unjudged.insert(*tuple, until);
        }
        if !is_known {
            self.count(at);
        }
    }

    fn count(self, at: Instant) {
        let shared = &self.held.throttles.shared;
        let record = &self.held.record;
        let mut failures = record.lock();
        self.permit.forget();
        failures.at.push_back(at);
        if failures.at.len() >= usize::try_from(shared.throttle.refuse_after).unwrap_or(usize::MAX) {
            record.closed.notify_waiters();
        }
        drop(failures);
        if let Some(log) = &shared.log {
            log.failed(self.held.place);
        }
    }
}

fn normal(throttle: Throttle) -> Throttle {
    Throttle { refuse_after: throttle.refuse_after.max(1), ..throttle }
}

/// Whether a refusal is a failed guess. A locked account is one: the next guess there is as good as the last.
pub(super) fn counts(rejection: Rejection) -> bool {
    matches!(rejection, Rejection::BadCredentials | Rejection::UnknownUser | Rejection::AccountLocked)
}

/// Keeps the record of a place in the table, until it is dropped.
#[derive(Debug)]
struct Holding {
    throttles: Throttles,
    place: Place,
    record: Arc<Record>,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let places = &self.throttles.shared.places;
        places.release(&self.place, &self.record, |record| record.lock().at.is_empty());
    }
}

#[cfg(test)]
mod tests;
