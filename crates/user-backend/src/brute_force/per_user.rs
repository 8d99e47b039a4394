//! Slows down guesses at one user, from any number of sources and at any backend.
//!
//! Two limits hold together. Over a short time there may be as many failures as the strictest
//! backend of the chain takes per user (4 in 15 minutes by default, 100 where only local passwords
//! are checked). And failures in a row are followed by a delay:
//!
//! | failures in a row | delay after the last one |
//! |---|---|
//! | 1 to 3 | 1 s |
//! | 4 to 9 | 3 s |
//! | 10 to 25 | 5 s |
//! | 26 to [`Lockout::failures`] (100) | 10 s |
//! | more | the rest of the day: until [`Lockout::per`] (24 hours) since the first of them is over |
//!
//! So there are no more than about a hundred wrong guesses at a user in a row and a day, as NIST SP
//! 800-63B-4 (section 3.2.2) asks for.
//!
//! A user is the canonical form of the typed name, and every name by which a backend of the chain
//! would know it. It makes no difference whether the user exists and which backend has the
//! password: neither the status of an answer nor the order of statuses distinguishes local,
//! external and unknown names.
//!
//! - A failure is reserved **before** the attempt: attempts under way count as failures until the
//!   opposite is known. Of a burst of guesses one is made at once, and the others wait for its end
//!   or for the delay that would follow.
//! - An attempt that would have to wait longer than `MAX_INLINE_WAIT` is refused with the time to
//!   come back.
//! - A failure is a name or a password that a backend refused. Outages and answers from memory do
//!   not count. An outage only ends what memory may be compared with (see
//!   `UserPermit::may_recall`).
//! - A right password clears what failed from its own network: that is what "in a row" means, and
//!   only the user has it. Guesses from elsewhere count on: otherwise each sign-in of the owner's
//!   programs would pay for some. (At the source it clears nothing: there an account of one's own
//!   would pay for guesses at all others.) A yes from memory or from grace is no news.
//! - The same wrong name and password as before is followed by no delay and is not one more in a
//!   row, so a phone with an old password locks no one out. It may use half of the short limit.
//! - Proven credentials never wait here.
//! - The day is counted on the monotonic clock from the first failure, so there is no midnight at
//!   which every user is open to a hundred new guesses.
//!
//! Order: after the limit per source, so that an attempt that waits there holds no permit of the
//! user.
//!
//! Bounded: the 100,000 users that failed last. A user without failures takes no room, and one
//! source can fail too rarely to push others out.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout_at};

use super::bounded_table::BoundedTable;
use super::failures_in_a_row::FailuresInARow;
use super::known_credentials::KnownCredentials;
use super::report_exchange::{RemoteReport, ReportExchange, UserHash, UserHashKey};
use super::source_hash::SourceHash;
use super::window::{AttemptLimit, Certainty, Reached, Window};
use super::{FailedLoginObserver, GuessKey, MAX_INLINE_WAIT};
use crate::clock::{Instant, later, now};
use crate::identity::CanonicalName;
use crate::secret::OutcomeKey;

/// At most this many users with failures are remembered.
const MAX_TRACKED_USERS: usize = 100_000;

/// The delays: up to this number of failures, this number of seconds.
///
/// The last one applies to all further failures.
const BACKOFF_STEPS: [(u32, u64); 4] = [(3, 1), (9, 3), (25, 5), (u32::MAX, 10)];

/// How failures in a row at one user are answered; see the [module](self) for the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Lockout {
    /// Failures in a row with only a short delay (`failures`, default 100).
    ///
    /// The next one locks the user for [`per`](Self::per).
    pub failures: u32,
    /// Time from the first failure to the end of a lockout (`per`, default 24 hours).
    pub per: Duration,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { failures: 100, per: Duration::from_secs(24 * 60 * 60) }
    }
}

/// How long no further attempt is made for a user.
///
/// Soft lock: never disables the account. Otherwise anyone who can type a name could disable its
/// user, the last administrator too, and only an administrator could repair it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Not at all.
    None,
    /// For this long since the last failure.
    For(Duration),
    /// Until the day is over.
    RestOfDay,
}

impl Lockout {
    /// What the number of failures in a row means.
    pub fn after(&self, failures: u32) -> Delay {
        if failures == 0 {
            return Delay::None;
        }
        if failures > self.failures {
            return Delay::RestOfDay;
        }
        let step = BACKOFF_STEPS.iter().find(|(up_to, _)| failures <= *up_to);
        step.map_or(Delay::RestOfDay, |(_, seconds)| Delay::For(Duration::from_secs(*seconds)))
    }
}

impl fmt::Display for Lockout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in a row in {} h", self.failures, self.per.as_secs() / 3600)
    }
}

/// See the [module](self).
///
/// Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct UserLimiter {
    lockout: Option<Lockout>,
    limit: AttemptLimit,
    shared: Arc<UserTable>,
}

/// What outlives a change of the settings.
#[derive(Debug)]
struct UserTable {
    users: BoundedTable<CanonicalName, UserRecord>,
    known: KnownCredentials,
    /// A smaller number of failures in a row than the settings say.
    rule: Mutex<Option<Arc<ConsecutiveFailures>>>,
    /// What other processes saw.
    reports: ReportExchange,
    observer: Option<Arc<dyn FailedLoginObserver>>,
}

/// The rule `maximumLoginAttempts` of the password policy, beside the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsecutiveFailures {
    /// Locks after this number of failures in a row.
    pub(crate) max: u32,
    /// A user whom the rule never locks.
    pub(crate) exempt: Option<CanonicalName>,
}

/// What is known about one user.
#[derive(Debug, Default)]
struct UserRecord {
    count: Mutex<FailureCount>,
    /// Attempts that wait, in order: the first of them alone watches the delay.
    queue: tokio::sync::Mutex<()>,
    /// Notifies that one that an attempt has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct FailureCount {
    in_a_row: FailuresInARow,
    /// Failures within the short time.
    window: Window,
    /// Passwords that no backend could judge.
    unjudged: Window,
    /// Attempts under way: each may become a failure.
    under_way: Vec<OutcomeKey>,
    /// When the last of them began.
    began: Option<Instant>,
}

/// Why an attempt is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserDenial {
    /// Too many failures in a row.
    ///
    /// No backend is asked about this user before this time is over.
    Locked(Duration),
    /// The failures at which only the password policy locks, as the settings do not.
    LockedByRule,
    /// Too many failures in a short time.
    ///
    /// No backend is asked about this user before this time is over.
    TooMany(Duration),
    /// The last failure was a moment ago.
    TooEarly(Duration),
    /// The outcome of some attempts is not known.
    ///
    /// Reported as unavailable: none of them need be a wrong password.
    Unanswered,
}

impl UserLimiter {
    pub(crate) fn new(
        lockout: Option<Lockout>,
        limit: AttemptLimit,
        known: KnownCredentials,
        observer: Option<Arc<dyn FailedLoginObserver>>,
        key: Option<UserHashKey>,
    ) -> Self {
        Self::with_bound(lockout, limit, known, observer, key, MAX_TRACKED_USERS)
    }

    fn with_bound(
        lockout: Option<Lockout>,
        limit: AttemptLimit,
        known: KnownCredentials,
        observer: Option<Arc<dyn FailedLoginObserver>>,
        key: Option<UserHashKey>,
        max: usize,
    ) -> Self {
        let (users, reports) = (BoundedTable::new(max), ReportExchange::new(key));
        let shared = UserTable { users, known, rule: Mutex::default(), reports, observer };
        Self { lockout, limit, shared: Arc::new(shared) }
    }

    /// The same records under other settings.
    pub(crate) fn with_settings(&self, lockout: Option<Lockout>, limit: AttemptLimit) -> Self {
        Self { lockout, limit, shared: Arc::clone(&self.shared) }
    }

    /// The lockout after consecutive failures that the settings define, if any.
    pub(crate) fn lockout(&self) -> Option<Lockout> {
        self.lockout
    }

    /// The same for one user, with the rule of the passwords.
    fn lockout_of(&self, name: &CanonicalName) -> Option<Lockout> {
        let rule = self.rule().filter(|rule| rule.exempt.as_ref() != Some(name));
        // The last failure that is allowed locks.
        match (self.lockout, rule.map(|rule| rule.max.saturating_sub(1))) {
            (Some(lockout), Some(max)) => Some(Lockout { failures: lockout.failures.min(max), ..lockout }),
            (None, Some(max)) => Some(Lockout { failures: max, ..Lockout::default() }),
            (lockout, None) => lockout,
        }
    }

    fn rule(&self) -> Option<Arc<ConsecutiveFailures>> {
        self.shared.rule.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The limit over a short time.
    pub(crate) fn limit(&self) -> AttemptLimit {
        self.limit
    }

    /// How long failures count and wrong credentials are remembered.
    pub(crate) fn remembers_for(&self) -> Duration {
        let rule = self.rule().map(|_| Lockout::default());
        let in_a_row = self.lockout.or(rule).map_or(Duration::ZERO, |lockout| lockout.per);
        in_a_row.max(self.limit.per)
    }

    /// Locks after fewer failures in a row than the settings say.
    pub(crate) fn set_in_a_row(&self, rule: Option<ConsecutiveFailures>) {
        let mut current = self.shared.rule.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_deref() != rule.as_ref() {
            *current = rule.map(Arc::new);
        }
    }

    /// Whether no known failure of this user can delay an attempt.
    #[inline]
    pub(crate) fn is_quiet(&self, canonical: &str) -> bool {
        self.shared.users.has_none(canonical) && self.shared.reports.has_none(canonical)
    }

    /// Registers an attempt at a user who is known by these names.
    ///
    /// Until it is dropped, no attempt at this user counts as quiet.
    pub(crate) fn arrive(&self, names: impl IntoIterator<Item = CanonicalName>) -> UserArrival {
        let mut names: Vec<CanonicalName> = names.into_iter().collect();
        // In one order for all, or two attempts could wait for each other.
        names.sort_unstable();
        names.dedup();
        let users = names.into_iter().map(|name| UserHolder::of(self, name));
        let users: Vec<UserHolder> = users.inspect(UserHolder::count_reports).collect();
        UserArrival { users }
    }

    /// Clears the record of a user: the next attempt is the first one.
    ///
    /// What other processes saw stays if it is younger than `age`.
    pub(crate) fn unlock(&self, name: &CanonicalName, age: Duration) {
        self.forget_reports(name, age);
        UserHolder::of(self, name.clone()).record.clear();
        self.notify(name, |observer, user| observer.user_reset(user, age));
    }

    /// Counts a failure of another process, or from before a restart, `age` ago.
    pub(crate) fn report_failure(&self, user: UserHash, source: SourceHash, age: Duration) {
        self.report(user, age, |then| RemoteReport::Failed(source, then));
    }

    /// Ends what another process counted for a user who signed in there from this network.
    pub(crate) fn report_sign_in(&self, user: UserHash, source: SourceHash, age: Duration) {
        self.report(user, age, |then| RemoteReport::SignedIn(source, then));
    }

    fn report(&self, user: UserHash, age: Duration, report: impl FnOnce(Instant) -> RemoteReport) {
        let keep = self.remembers_for();
        // Before this machine was started: it is as old as can be.
        if let Some(then) = now().checked_sub(age).filter(|_| age < keep) {
            self.shared.reports.add(user, report(then), keep);
        }
    }

    /// Forgets reports that are older than this.
    pub(crate) fn forget_reports(&self, name: &CanonicalName, age: Duration) {
        if let Some(before) = now().checked_sub(age) {
            self.shared.reports.forget_before(name, before);
        }
    }

    /// Reports a user to the observer, if names can be hashed for it.
    fn notify(&self, name: &CanonicalName, what: impl FnOnce(&dyn FailedLoginObserver, UserHash)) {
        if let (Some(observer), Some(user)) = (&self.shared.observer, self.shared.reports.hash(name)) {
            what(observer.as_ref(), user);
        }
    }

    /// The network of a source, under the key that other processes have, too.
    pub(crate) fn source(&self, source: Option<IpAddr>) -> SourceHash {
        self.shared.reports.source(source)
    }

    /// How many users are remembered.
    pub(crate) fn users(&self) -> usize {
        self.shared.users.len()
    }
}

impl UserRecord {
    fn count(&self) -> MutexGuard<'_, FailureCount> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clear(&self) {
        self.count().clear();
        self.ended.notify_waiters();
    }

    /// Ends what failed from one network; whether there was anything.
    fn end(&self, source: SourceHash) -> bool {
        let mut count = self.count();
        let failures = |count: &FailureCount| (count.in_a_row.count(), count.window.len());
        let before = failures(&count);
        count.end(source, now());
        let had_failures = failures(&count) != before;
        drop(count);
        self.ended.notify_waiters();
        had_failures
    }
}

impl FailureCount {
    fn clear(&mut self) {
        self.in_a_row.clear();
        self.window.clear();
        self.unjudged.clear();
    }

    /// Ends the failures from one network.
    ///
    /// Not what no backend could judge: the owner's own tries in an outage would make room for as
    /// many guesses that memory answers.
    fn end(&mut self, source: SourceHash, until: Instant) {
        self.in_a_row.end(source, until);
        self.window.end(source, until);
    }

    /// Reserves a failure, or returns until when none is free.
    ///
    /// `Ok(false)`: the same is under way, or known to be wrong.
    fn try_reserve(
        &mut self,
        lockout: Option<Lockout>,
        limit: AttemptLimit,
        key: &GuessKey,
        is_known_wrong: bool,
    ) -> Result<bool, Wait> {
        let at = now();
        if let Some(lockout) = lockout {
            self.in_a_row.expire(lockout.per, at);
            if let (Delay::RestOfDay, Some(first)) =
                (lockout.after(self.in_a_row.count()), self.in_a_row.first())
            {
                return match is_known_wrong {
                    true => Ok(false),
                    false => Err(Wait::Day(later(first, lockout.per).saturating_duration_since(at))),
                };
            }
        }
        // The same under way is no second guess.
        let others = self.under_way.iter().filter(|other| **other != key.credentials).count();
        self.window.check(limit, key, others, at).map_err(|reached| match reached {
            Reached::ByFailures(left) => Wait::Window(left),
            Reached::ByUnanswered => Wait::Answer,
        })?;
        if is_known_wrong || self.under_way.contains(&key.credentials) {
            return Ok(false);
        }
        if let Some(lockout) = lockout {
            let delay = |failures: u32| match lockout.after(failures) {
                Delay::None => Some(Duration::ZERO),
                Delay::For(delay) => Some(delay),
                Delay::RestOfDay => None,
            };
            let under_way = u32::try_from(self.under_way.len()).unwrap_or(u32::MAX);
            let end = |since: Option<Instant>, delay| since.map_or(at, |since| later(since, delay));
            let (in_a_row, last) = (self.in_a_row.count(), self.in_a_row.last());
            if let Some(end) = delay(in_a_row).map(|delay| end(last, delay)).filter(|end| *end > at) {
                return Err(Wait::Delay(end));
            }
            // Should those under way fail, the day is over, or there is a delay after them.
            let Some(delay) = delay(in_a_row.saturating_add(under_way)) else {
                return Err(Wait::Answer);
            };
            let end = end(last.max(self.began), delay);
            if under_way > 0 && end > at {
                return Err(Wait::AnswerOr(end));
            }
        }
        self.under_way.push(key.credentials);
        self.began = Some(at);
        Ok(true)
    }
}

/// What an attempt has to wait for.
enum Wait {
    /// The end of the lockout.
    Day(Duration),
    /// The time until a failure no longer counts.
    Window(Duration),
    /// The end of the delay after the last failure.
    Delay(Instant),
    /// An attempt under way to end.
    Answer,
    /// The same, at most until then.
    AnswerOr(Instant),
}

/// An attempt that has arrived and may have to wait for its permit.
#[derive(Debug)]
pub(crate) struct UserArrival {
    users: Vec<UserHolder>,
}

impl UserArrival {
    /// Takes a permit for the attempt, after a short delay, until `deadline` at the latest.
    ///
    /// # Errors
    /// [`UserDenial`] when the attempt must not be made.
    ///
    /// # Cancellation
    /// Cancel safe: a permit that is not taken goes to the next.
    pub(crate) async fn enter(
        mut self,
        key: &GuessKey,
        is_proven: bool,
        deadline: Instant,
    ) -> Result<UserPermit, UserDenial> {
        if !is_proven {
            let latest = deadline.min(later(now(), MAX_INLINE_WAIT));
            for user in &mut self.users {
                user.reserve(key, latest).await?;
            }
        }
        Ok(UserPermit { users: self.users, key: *key, is_proven })
    }
}

/// Permit for one attempt.
///
/// Returned on drop, unless the attempt failed.
#[derive(Debug)]
#[must_use = "the attempt's failure must be counted"]
pub(crate) struct UserPermit {
    users: Vec<UserHolder>,
    key: GuessKey,
    is_proven: bool,
}

impl UserPermit {
    /// Whether this attempt may be answered from memory.
    ///
    /// Not when several other passwords could not be judged before. An outage must not be the time
    /// to compare guesses with what is remembered.
    pub(crate) fn may_recall(&self) -> bool {
        self.is_proven
            || self.users.iter().all(|user| {
                let limit = user.limiter.limit;
                user.record.count().unjudged.check(limit, &self.key, 0, now()).is_ok()
            })
    }

    /// Settles the permit: a backend accepted the user just now.
    pub(crate) fn accepted(self) {
        for user in &self.users {
            let source = self.key.source;
            if user.record.end(source) {
                user.limiter.notify(&user.name, |observer, user| observer.user_signed_in(user, source));
            }
        }
    }

    /// Settles the permit: the attempt was refused.
    ///
    /// `is_known_wrong`: it had been before. Returns whether the user is locked for the rest of the
    /// day now, and was not before.
    pub(crate) fn refused(self, is_known_wrong: bool) -> bool {
        let locked: Vec<bool> = self.users.iter().map(|user| user.fail(&self.key, is_known_wrong)).collect();
        locked.contains(&true)
    }

    /// Settles the permit: no backend could judge the attempt.
    ///
    /// `is_guess`: one has seen the password, and gave an answer that is not recognised.
    pub(crate) fn unjudged(self, is_guess: bool) {
        let at = now();
        for user in &self.users {
            let limit = user.limiter.limit;
            let mut count = user.record.count();
            // At the limit nothing more is remembered, so the record stays small.
            if !self.is_proven && count.unjudged.check(limit, &self.key, 0, at).is_ok() {
                count.unjudged.fail(&self.key, Certainty::Unanswered, at);
            }
            if is_guess {
                count.window.fail(&self.key, Certainty::Unanswered, at);
            }
        }
    }
}

/// Keeps a user's record in the table, and a reserved failure, until it is dropped.
#[derive(Debug)]
struct UserHolder {
    limiter: UserLimiter,
    name: CanonicalName,
    record: Arc<UserRecord>,
    reserved: Option<OutcomeKey>,
}

impl UserHolder {
    fn of(limiter: &UserLimiter, name: CanonicalName) -> Self {
        let record = limiter.shared.users.get_or_insert(&name, UserRecord::default);
        Self { limiter: limiter.clone(), name, record, reserved: None }
    }

    /// Counts what other processes saw, before anything is asked of the record.
    fn count_reports(&self) {
        let UserLimiter { limit, ref shared, .. } = self.limiter;
        let reports = shared.reports.take(&self.name);
        if reports.is_empty() {
            return;
        }
        let (at, lockout) = (now(), self.limiter.lockout_of(&self.name));
        let mut count = self.record.count();
        for report in reports {
            match report {
                RemoteReport::SignedIn(source, then) => count.end(source, then),
                RemoteReport::Failed(source, then) => {
                    let age = at.saturating_duration_since(then);
                    if age < limit.per {
                        count.window.insert(source, then);
                    }
                    if lockout.is_some_and(|lockout| age < lockout.per) {
                        count.in_a_row.add(source, then);
                    }
                }
            }
        }
    }

    fn is_known_wrong(&self, key: &GuessKey) -> bool {
        self.limiter.shared.known.were_refused(&key.credentials, self.limiter.remembers_for())
    }

    fn try_reserve(&mut self, key: &GuessKey) -> Result<(), Wait> {
        let (lockout, limit) = (self.limiter.lockout_of(&self.name), self.limiter.limit);
        let is_known_wrong = self.is_known_wrong(key);
        let reserved = self.record.count().try_reserve(lockout, limit, key, is_known_wrong)?;
        self.reserved = reserved.then_some(key.credentials);
        Ok(())
    }

    async fn reserve(&mut self, key: &GuessKey, latest: Instant) -> Result<(), UserDenial> {
        let record = Arc::clone(&self.record);
        // What is no new guess waits for no other.
        if (self.is_known_wrong(key) || record.count().under_way.contains(&key.credentials))
            && self.try_reserve(key).is_ok()
        {
            return Ok(());
        }
        let Ok(_first) = timeout_at(latest, record.queue.lock()).await else {
            return Err(match record.count().in_a_row.count() {
                0 => UserDenial::Unanswered,
                _ => UserDenial::TooEarly(MAX_INLINE_WAIT),
            });
        };
        loop {
            // Registered before the look, so that no end is missed between the two.
            let mut ended = std::pin::pin!(record.ended.notified());
            ended.as_mut().enable();
            let (end, refusal) = match self.try_reserve(key) {
                Ok(()) => return Ok(()),
                Err(Wait::Day(left)) => return Err(self.locked(left)),
                Err(Wait::Window(left)) => (later(now(), left), UserDenial::TooMany(left)),
                Err(Wait::Delay(end)) => (end, UserDenial::TooEarly(end.saturating_duration_since(now()))),
                Err(Wait::Answer) => (later(latest, Duration::from_millis(1)), UserDenial::Unanswered),
                Err(Wait::AnswerOr(end)) => (end, UserDenial::Unanswered),
            };
            // An attempt under way may end early; a time does not.
            let may_end = refusal == UserDenial::Unanswered;
            if end >= latest && !may_end {
                return Err(refusal);
            }
            tokio::select! {
                biased;
                () = sleep_until(end.min(latest)) => {
                    if end > latest {
                        return Err(refusal);
                    }
                }
                () = ended => {}
            }
        }
    }

    /// The refusal of a locked user.
    fn locked(&self, left: Duration) -> UserDenial {
        let in_a_row = self.record.count().in_a_row.count();
        let by_settings = self.limiter.lockout.map(|lockout| lockout.after(in_a_row));
        match by_settings {
            Some(Delay::RestOfDay) => UserDenial::Locked(left),
            _ => UserDenial::LockedByRule,
        }
    }

    /// Counts a failure; returns whether this one locks the user for the rest of the day.
    fn fail(&self, key: &GuessKey, is_known_wrong: bool) -> bool {
        let at = now();
        let lockout = self.limiter.lockout_of(&self.name);
        let is_locked = |in_a_row| lockout.is_some_and(|lockout| lockout.after(in_a_row) == Delay::RestOfDay);
        let mut count = self.record.count();
        count.window.fail(key, Certainty::Wrong, at);
        if is_known_wrong {
            return false;
        }
        self.limiter.notify(&self.name, |observer, user| observer.user_failed(user, key.source));
        if lockout.is_none() {
            return false;
        }
        let was_locked = is_locked(count.in_a_row.count());
        count.in_a_row.add(key.source, at);
        !was_locked && is_locked(count.in_a_row.count())
    }
}

impl Drop for UserHolder {
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
        let (limit, lockout) = (self.limiter.limit, self.limiter.lockout_of(&self.name));
        let is_empty = |record: &UserRecord| {
            let mut count = record.count();
            let at = now();
            // The owner's sign-ins end no failures from elsewhere, and reserve none.
            if let Some(lockout) = lockout {
                count.in_a_row.expire(lockout.per, at);
            }
            count.window.expire(limit, at);
            count.unjudged.expire(limit, at);
            count.in_a_row.count() == 0
                && count.under_way.is_empty()
                && count.window.is_empty()
                && count.unjudged.is_empty()
        };
        self.limiter.shared.users.release(&self.name, &self.record, is_empty);
    }
}

#[cfg(test)]
mod tests;
