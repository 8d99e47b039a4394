//! Slows down whoever guesses at one person, from however many places: each failure in a row is followed by a pause.
//!
//! | failures in a row | pause behind the last one |
//! |---|---|
//! | 1 to 3 | 1 s |
//! | 4 to 9 | 3 s |
//! | 10 to 25 | 5 s |
//! | 26 to [`Lock::failures`] (100) | 10 s |
//! | more | the rest of the day: until [`Lock::per`] (24 hours) since the first of them is over |
//!
//! So nobody gets more than about a hundred wrong guesses at a person in a row and a day, which is what NIST SP 800-63B-4 (section
//! 3.2.2) asks for. A person is a name as the backends know it, over all backends and sources: `Alice`, and `alice@example.com`
//! where a backend takes that for `alice`, are one. Whether there is such a person makes no difference.
//!
//! - A failure is reserved **before** the attempt: attempts under way count as failures until the opposite is known. Of a
//!   burst of guesses one is made at once, and the others wait for its end or for the pause that would follow.
//! - Who would have to wait longer than `PATIENCE` is told when to come back, as at the throttle. Those who wait are served
//!   in order.
//! - A failure is a name or a password that a backend refused. An outage is none, nor is what was answered from memory.
//! - A right password wipes the count: it is what "in a row" means, and nobody but the person can do it. (At the throttle it
//!   wipes nothing: there one account of one's own would pay for guessing at all others.) A yes from memory or from grace is no
//!   news, and wipes nothing.
//! - The same wrong name and password as before cost nothing for a day, so a phone with an old password locks nobody out. The same
//!   as one under way are no second guess.
//! - **The password that was right the last time never waits here.** Otherwise whoever knows a name could keep its
//!   owner out. It gives nothing away: it is one password, not a guess, and once refused it is as any other.
//! - The day is 24 hours on the monotonic clock from the first failure, not a date: no midnight at which everybody gets a hundred
//!   new guesses, and nobody gains by setting a clock.
//!
//! The steps say how fast guesses may follow each other; the [budget](super::per_backend_user) says how many may reach one server,
//! and is the narrower of the two (4 in 15 minutes, 100 for local passwords). A guess that the budget stops is none.
//!
//! Order: behind the cache, so that a right password in memory is never slowed down; behind the throttle, so that nobody
//! waits here for a turn there; in front of the flights, for the throttle's reasons.
//!
//! Bounded: the 100,000 people that failed last, and as many tuples of either kind. A person without failures takes no room,
//! and one place can fail too rarely to push others out.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout_at};

use super::bounded_table::Held;
use super::proven::ProvenCredentials;
use super::per_source::{PATIENCE, counts};
use crate::clock::{Instant, later, now};
use crate::identity::CanonicalName;
use crate::secret::OutcomeKey;
use crate::verdict::Rejection;

/// At most this many people with failures are remembered, and this many tuples.
const PEOPLE: usize = 100_000;

/// The pauses: up to so many failures, so many seconds. The last one goes on.
const STEPS: [(u32, u64); 4] = [(3, 1), (9, 3), (25, 5), (u32::MAX, 10)];

/// How guessing at one person is slowed down; see the [module](self) for the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Lock {
    /// So many failures in a row are followed by a short pause (`failures`, default 100); one more locks …
    pub failures: u32,
    /// … until this time since the first of them is over (`per`, default 24 hours).
    pub per: Duration,
}

impl Default for Lock {
    fn default() -> Self {
        Self { failures: 100, per: Duration::from_secs(24 * 60 * 60) }
    }
}

/// How long a person takes no further attempt.
///
/// A pause, never a disabled account: whoever can type a name could otherwise disable anybody, the last administrator
/// too, and only an administrator could mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Not at all.
    Open,
    /// For this long since the last failure.
    For(Duration),
    /// Until the day is over.
    RestOfDay,
}

impl Lock {
    /// What so many failures in a row mean.
    pub fn after(&self, failures: u32) -> Pause {
        if failures == 0 {
            return Pause::Open;
        }
        if failures > self.failures {
            return Pause::RestOfDay;
        }
        let step = STEPS.iter().find(|(up_to, _)| failures <= *up_to);
        step.map_or(Pause::RestOfDay, |(_, seconds)| Pause::For(Duration::from_secs(*seconds)))
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in a row in {} h", self.failures, self.per.as_secs() / 3600)
    }
}

/// See the [module](self). Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Locks {
    /// `None`: nobody is ever locked.
    shared: Option<Arc<Shared>>,
    proven: ProvenCredentials,
}

#[derive(Debug)]
struct Shared {
    lock: Lock,
    people: Held<CanonicalName, Record>,
    /// Tuples that were refused, and when they were for the last time.
    refused: Cache<OutcomeKey, Instant>,
    proven: ProvenCredentials,
}

/// What is known about one person.
#[derive(Debug, Default)]
struct Record {
    count: Mutex<Count>,
    /// Who waits, in order: the first of them alone looks after the pause.
    queue: tokio::sync::Mutex<()>,
    /// Tells that one an attempt has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Count {
    failures: u32,
    first: Option<Instant>,
    last: Option<Instant>,
    /// Attempts under way: each may become a failure.
    under_way: Vec<OutcomeKey>,
    /// When the last of them began.
    began: Option<Instant>,
}

/// Why an attempt is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// So many failures in a row that nobody is asked about this person before this time is over.
    RestOfDay(Duration),
    /// The last failure was a moment ago, or attempts are under way that may be failures: there is a pause.
    TooEarly(Duration),
}

impl Refusal {
    /// When it makes sense to come back.
    pub fn retry_after(self) -> Duration {
        match self {
            Self::RestOfDay(wait) | Self::TooEarly(wait) => wait,
        }
    }
}

impl Locks {
    /// Nobody has failed yet.
    pub fn new(lock: Option<Lock>, proven: ProvenCredentials) -> Self {
        Self::with_bound(lock, proven, PEOPLE)
    }

    fn with_bound(lock: Option<Lock>, proven: ProvenCredentials, people: usize) -> Self {
        let shared = lock.map(|lock| Shared {
            lock,
            people: Held::new(people),
            refused: Cache::new(people),
            proven: proven.clone(),
        });
        Self { shared: shared.map(Arc::new), proven }
    }

    /// The credentials that were accepted last; every attempt settles them through its [`Entry`].
    pub fn proven(&self) -> &ProvenCredentials {
        &self.proven
    }

    /// How guessing is slowed down, if it is.
    pub fn lock(&self) -> Option<&Lock> {
        self.shared.as_deref().map(|shared| &shared.lock)
    }

    /// Takes a place for an attempt at somebody who is known by these names, waiting for the end of a short pause, but not behind
    /// `deadline`.
    ///
    /// # Errors
    /// [`Refusal`] when the attempt must not be made.
    ///
    /// # Cancellation
    /// Safe: a place that nobody takes goes to the next.
    pub async fn enter(
        &self,
        names: impl IntoIterator<Item = CanonicalName>,
        tuple: &OutcomeKey,
        proven_as: &OutcomeKey,
        deadline: Instant,
    ) -> Result<Entry, Refusal> {
        let proven = self.proven.clone();
        let Some(shared) = &self.shared else {
            return Ok(Entry { people: None, proven, proven_as: *proven_as, tuple: *tuple });
        };
        let mut names: Vec<CanonicalName> = names.into_iter().collect();
        // In one order for everybody, or two attempts could wait for each other.
        names.sort_unstable();
        names.dedup();
        let mut people: Vec<Holding> = names.into_iter().map(|name| Holding::of(shared, name)).collect();
        let latest = deadline.min(later(now(), PATIENCE));
        for person in &mut people {
            person.reserve(tuple, proven_as, latest).await?;
        }
        Ok(Entry { people: Some((Arc::clone(shared), people)), proven, proven_as: *proven_as, tuple: *tuple })
    }

    /// Forgives a person: the next attempt is the first one.
    pub fn unlock(&self, name: &CanonicalName) {
        if let Some(shared) = &self.shared {
            Holding::of(shared, name.clone()).record.wipe();
        }
    }

    /// How many people are remembered.
    pub fn people(&self) -> usize {
        self.shared.as_ref().map_or(0, |shared| shared.people.len())
    }
}

impl Shared {
    /// Whether this is no guess: known to be wrong, or right the last time.
    fn is_exempt(&self, tuple: &OutcomeKey, proven_as: &OutcomeKey) -> bool {
        self.is_known_to_be_wrong(tuple) || self.proven.contains(proven_as)
    }

    fn is_known_to_be_wrong(&self, tuple: &OutcomeKey) -> bool {
        let age = |last| now().saturating_duration_since(last);
        self.refused.get(tuple).is_some_and(|last| age(last) < self.lock.per)
    }
}

impl Record {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wipe(&self) {
        let mut count = self.count();
        (count.failures, count.first, count.last) = (0, None, None);
        drop(count);
        self.ended.notify_waiters();
    }

    /// Reserves a failure, or tells until when there is a pause. `false`: the same is under way, and is one guess.
    fn try_reserve(&self, lock: &Lock, tuple: &OutcomeKey) -> Result<bool, Wait> {
        let at = now();
        let mut count = self.count();
        if count.under_way.contains(tuple) {
            return Ok(false);
        }
        if count.first.is_some_and(|first| at.saturating_duration_since(first) >= lock.per) {
            (count.failures, count.first, count.last) = (0, None, None);
        }
        if let (Pause::RestOfDay, Some(first)) = (lock.after(count.failures), count.first) {
            return Err(Wait::Day(later(first, lock.per).saturating_duration_since(at)));
        }
        let under_way = u32::try_from(count.under_way.len()).unwrap_or(u32::MAX);
        let pause = match lock.after(count.failures.saturating_add(under_way)) {
            Pause::Open => Duration::ZERO,
            Pause::For(pause) => pause,
            // Should those under way fail, the day is over.
            Pause::RestOfDay => return Err(Wait::Until(later(at, PATIENCE))),
        };
        let since = count.last.max(count.began);
        let end = since.map_or(at, |since| later(since, pause));
        if end > at {
            return Err(Wait::Until(end));
        }
        count.under_way.push(*tuple);
        count.began = Some(at);
        Ok(true)
    }
}

enum Wait {
    Day(Duration),
    Until(Instant),
}

/// A place: one attempt that may be made. Given back on drop, unless the attempt failed.
#[derive(Debug)]
#[must_use = "the attempt's failure must be counted"]
pub(crate) struct Entry {
    people: Option<(Arc<Shared>, Vec<Holding>)>,
    proven: ProvenCredentials,
    proven_as: OutcomeKey,
    tuple: OutcomeKey,
}

impl Entry {
    /// Settles the place: somebody vouched for the person just now.
    pub fn accepted(self) {
        self.proven.add(self.proven_as);
        let Some((shared, people)) = &self.people else { return };
        shared.refused.remove(&self.tuple);
        people.iter().for_each(|person| person.record.wipe());
    }

    /// Settles the place: the attempt was refused. Tells whether the person is locked for the rest of the day now, and was
    /// not before.
    pub fn refused(self, rejection: Rejection) -> bool {
        if !counts(rejection) {
            return false;
        }
        self.proven.remove(&self.proven_as);
        let Some((shared, people)) = &self.people else { return false };
        // Also when somebody else failed with the same tuple meanwhile: one failure is enough.
        let known = shared.is_known_to_be_wrong(&self.tuple);
        shared.refused.insert(self.tuple, now());
        if known {
            return false;
        }
        let locked: Vec<bool> = people.iter().map(|person| person.fail(&shared.lock)).collect();
        locked.contains(&true)
    }
}

/// Keeps the record of a person in the table, and perhaps a failure reserved, until it is dropped.
#[derive(Debug)]
struct Holding {
    shared: Arc<Shared>,
    name: CanonicalName,
    record: Arc<Record>,
    reserved: Option<OutcomeKey>,
}

impl Holding {
    fn of(shared: &Arc<Shared>, name: CanonicalName) -> Self {
        let record = shared.people.hold(&name, Record::default);
        Self { shared: Arc::clone(shared), name, record, reserved: None }
    }

    async fn reserve(
        &mut self,
        tuple: &OutcomeKey,
        proven_as: &OutcomeKey,
        latest: Instant,
    ) -> Result<(), Refusal> {
        if self.shared.is_exempt(tuple, proven_as) {
            return Ok(());
        }
        let record = Arc::clone(&self.record);
        let Ok(_first) = timeout_at(latest, record.queue.lock()).await else {
            return Err(Refusal::TooEarly(PATIENCE));
        };
        loop {
            // Registered before the look, so that no end is missed between the two.
            let mut ended = std::pin::pin!(record.ended.notified());
            ended.as_mut().enable();
            // The same may have been tried by somebody else meanwhile.
            if self.shared.is_exempt(tuple, proven_as) {
                return Ok(());
            }
            let end = match record.try_reserve(&self.shared.lock, tuple) {
                Ok(reserved) => {
                    self.reserved = reserved.then_some(*tuple);
                    return Ok(());
                }
                Err(Wait::Day(left)) => return Err(Refusal::RestOfDay(left)),
                Err(Wait::Until(end)) => end,
            };
            if end >= latest {
                return Err(Refusal::TooEarly(end.saturating_duration_since(now())));
            }
            tokio::select! {
                () = sleep_until(end) => {}
                () = ended => {}
            }
        }
    }

    /// Counts a failure; tells whether this one locks the person for the rest of the day.
    fn fail(&self, lock: &Lock) -> bool {
        let at = now();
        let mut count = self.record.count();
        let was_open = lock.after(count.failures) != Pause::RestOfDay;
        count.failures = count.failures.saturating_add(1);
        count.first.get_or_insert(at);
        count.last = Some(at);
        was_open && lock.after(count.failures) == Pause::RestOfDay
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(tuple) = self.reserved {
            let mut count = self.record.count();
            if let Some(place) = count.under_way.iter().position(|other| *other == tuple) {
                count.under_way.swap_remove(place);
            }
            if count.under_way.is_empty() {
                count.began = None;
            }
            drop(count);
            self.record.ended.notify_waiters();
        }
        let is_empty = |record: &Record| {
            let count = record.count();
            count.failures == 0 && count.under_way.is_empty()
        };
        self.shared.people.release(&self.name, &self.record, is_empty);
    }
}

#[cfg(test)]
mod tests;
