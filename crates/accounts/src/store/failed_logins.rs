//! Failed sign-ins by source and by user, kept for the limits of all servers.
//!
//! So that a restart forgets nothing, one process knows what another has seen, and an administrator
//! can look and forgive.
//!
//! The limits themselves live in the memory of each server; nothing here is on the way of a
//! sign-in. A server writes what it has seen every second, in one transaction
//! ([`FailedLogins::record`]), and reads what the others have ([`FailedLogins::of_others`]). Rows
//! are deleted when they no longer count, and there are never more than [`MAX_FAILED_LOGINS`].
//!
//! A source is written as the network it is, a user as a keyed hash of the name: what was typed as
//! a name may be a password in the wrong field. Beside a user there is a keyed hash of the network,
//! because a right password ends only what failed from its own.
//!
//! A reset is seen before the next attempt: it deletes the rows and raises the
//! [epoch](crate::CredentialEpoch) in one transaction. A server that had failures of before still
//! to write finds the epoch changed inside its own transaction, and looks again first.

use std::time::Duration;

use user_backend::brute_force::{Certainty, SourceHash, SourceNet, UserHash};

use crate::domain::{AccountsError, Action, CredentialEpoch, Timestamp};
use crate::store::engine::{Row, sql};
use crate::store::handle::table;
use crate::store::rights::Right;
use crate::store::{backend_failures, credential_epoch};

/// How many rows are kept at most, the newest.
///
/// One failure is a row of its source, and one for each name of the user.
pub const MAX_FAILED_LOGINS: i64 = 200_000;

/// How far back a reader looks for rows that were committed late.
///
/// On PostgreSQL a smaller key may appear after a larger one.
const LATE_COMMITS: i64 = 1_000;

/// How many rows are read at a time.
const PAGE: i64 = 10_000;

/// What the limits of a server counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginEvent {
    /// A sign-in from this network failed.
    SourceFailed(SourceNet, Certainty),
    /// A sign-in with this name from this network failed.
    UserFailed(UserHash, SourceHash),
    /// This user signed in, which ends what was counted before from this network.
    UserSignedIn(UserHash, SourceHash),
    /// The record of this user was cleared.
    ///
    /// Not kept: it deletes what was written before.
    UserReset(UserHash),
}

/// An event that another server wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedLogin {
    /// Its number: larger ones were begun to be written later.
    pub key: i64,
    /// What happened.
    pub event: LoginEvent,
    /// When.
    pub at: Timestamp,
}

/// How long failures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepFailures {
    /// Those of sources.
    pub sources: Duration,
    /// Those of users.
    pub users: Duration,
}

table! {
    /// Failed sign-ins; see the [module](self).
    FailedLogins, FailedLoginsMut
}

impl FailedLoginsMut<'_> {
    /// Writes what a server has seen, and deletes what is older than `keep`.
    ///
    /// Whether it was written: not if the epoch is no longer `seen`, because these failures may
    /// have been reset.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn record(
        self,
        server: &str,
        seen: CredentialEpoch,
        events: &[(LoginEvent, Timestamp)],
        keep: KeepFailures,
    ) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        if credential_epoch::locked(&mut change).await? != seen {
            return Ok(false);
        }
        for (event, at) in events {
            let ended = match event {
                LoginEvent::UserSignedIn(user, source) => Some((user, Some(source.number()))),
                LoginEvent::UserReset(user) => Some((user, None)),
                LoginEvent::SourceFailed(..) | LoginEvent::UserFailed(..) => None,
            };
            if let Some((user, source)) = ended {
                let ended =
                    sql("DELETE FROM failed_logins WHERE kind = 'user' AND subject = $1 AND at <= $2 \
                                 AND (source_hash = $3 OR $4 = 1)");
                let ended = ended.bind(user.to_string()).bind(at.millis());
                let ended = ended.bind(source.map_or(0, i64::from)).bind(i64::from(source.is_none()));
                change.execute(ended).await?;
            }
            let Some((subject, kind, result, source)) = columns(event) else { continue };
            let put = sql("INSERT INTO failed_logins (subject, kind, result, at, server, source_hash) \
                           VALUES ($1, $2, $3, $4, $5, $6)");
            let put = put.bind(subject).bind(kind).bind(result).bind(at.millis()).bind(server);
            change.execute(put.bind(source.map_or(0, |source| i64::from(source.number())))).await?;
        }
        for (kind, keep) in [(SOURCE, keep.sources), (USER, keep.users)] {
            let old = sql("DELETE FROM failed_logins WHERE kind = $1 AND at < $2");
            change.execute(old.bind(kind).bind(self.0.now().before(keep).millis())).await?;
        }
        let surplus = sql("DELETE FROM failed_logins WHERE key <= (SELECT MAX(key) FROM failed_logins) - $1");
        change.execute(surplus.bind(MAX_FAILED_LOGINS)).await?;
        backend_failures::purge(&mut change).await?;
        change.commit().await?;
        Ok(true)
    }
}

const SOURCE: &str = "source";
const USER: &str = "user";

/// The columns `subject`, `kind`, `result` and `source_hash` of an event that is kept.
fn columns(event: &LoginEvent) -> Option<(String, &'static str, &'static str, Option<SourceHash>)> {
    Some(match event {
        LoginEvent::SourceFailed(source, Certainty::Wrong) => (source.to_string(), SOURCE, "wrong", None),
        LoginEvent::SourceFailed(source, Certainty::Unanswered) => {
            (source.to_string(), SOURCE, "unanswered", None)
        }
        LoginEvent::UserFailed(user, source) => (user.to_string(), USER, "wrong", Some(*source)),
        LoginEvent::UserSignedIn(user, source) => (user.to_string(), USER, "right", Some(*source)),
        LoginEvent::UserReset(_) => return None,
    })
}

/// The event of a row.
fn event(row: &Row) -> Result<LoginEvent, AccountsError> {
    let (subject, kind, result) = (row.text(1)?, row.text(2)?, row.text(3)?);
    let (subject, kind, result) = (subject.as_str(), kind.as_str(), result.as_str());
    let user = || subject.parse().map_err(|_| AccountsError::unreadable("a failed sign-in of no user"));
    let from = SourceHash::new(u32::try_from(row.int(5)?).unwrap_or_default());
    Ok(match (kind, result) {
        (SOURCE, "unanswered") => LoginEvent::SourceFailed(source(subject)?, Certainty::Unanswered),
        (SOURCE, _) => LoginEvent::SourceFailed(source(subject)?, Certainty::Wrong),
        (_, "right") => LoginEvent::UserSignedIn(user()?, from),
        (..) => LoginEvent::UserFailed(user()?, from),
    })
}

impl FailedLogins<'_> {
    /// What other servers have seen, oldest first.
    ///
    /// At most 10,000 events with keys above `after`, and again some that were there the last time.
    /// Their keys distinguish them. Those that are older than `keep` are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of_others(
        self,
        server: &str,
        after: i64,
        keep: KeepFailures,
    ) -> Result<Vec<FailedLogin>, AccountsError> {
        let query = sql(
            "SELECT key, subject, kind, result, at, source_hash FROM failed_logins WHERE key > $1 AND server <> $2 \
                         AND at >= CASE WHEN kind = 'source' THEN $3 ELSE $4 END ORDER BY key LIMIT $5",
        );
        let now = self.0.now();
        let query = query.bind(after.saturating_sub(LATE_COMMITS)).bind(server);
        let query = query.bind(now.before(keep.sources).millis()).bind(now.before(keep.users).millis());
        let rows = self.0.db().rows(query.bind(PAGE)).await?;
        let failure = |row: &Row| {
            Ok(FailedLogin { key: row.int(0)?, event: event(row)?, at: Timestamp::from_millis(row.int(4)?) })
        };
        rows.iter().map(failure).collect()
    }

    /// When sign-ins from a source failed since `not_before`, oldest first.
    ///
    /// For a wide network, those from all sources in it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of(self, source: SourceNet, not_before: Timestamp) -> Result<Vec<Timestamp>, AccountsError> {
        // Written are the narrowest networks.
        let query = match source.prefix() {
            64.. => sql("SELECT at, subject FROM failed_logins WHERE kind = 'source' AND subject = $1 AND at >= $2 ORDER BY at")
                .bind(source.to_string())
                .bind(not_before.millis()),
            _ => sql("SELECT at, subject FROM failed_logins WHERE kind = 'source' AND at >= $1 ORDER BY at")
                .bind(not_before.millis()),
        };
        let mut at = Vec::new();
        for row in self.0.db().rows(query).await? {
            if source.contains(self::source(&row.text(1)?)?) {
                at.push(Timestamp::from_millis(row.int(0)?));
            }
        }
        Ok(at)
    }
}

impl FailedLogins<'_> {
    /// Sources with failed sign-ins since `not_before`, and when they failed, oldest first.
    ///
    /// At most `limit` sources, those with the most failures first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sources(
        self,
        not_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<(SourceNet, Vec<Timestamp>)>, AccountsError> {
        let query = sql(
            "SELECT subject, at FROM failed_logins WHERE kind = 'source' AND at >= $1 AND subject IN \
                         (SELECT subject FROM failed_logins WHERE kind = 'source' AND at >= $1 GROUP BY subject \
                         ORDER BY COUNT(*) DESC, subject LIMIT $2) ORDER BY subject, at",
        );
        let rows = self.0.db().rows(query.bind(not_before.millis()).bind(i64::from(limit))).await?;
        let mut sources: Vec<(SourceNet, Vec<Timestamp>)> = Vec::new();
        for row in &rows {
            let (source, at) = (source(&row.text(0)?)?, Timestamp::from_millis(row.int(1)?));
            match sources.last_mut() {
                Some((last, times)) if *last == source => times.push(at),
                _ => sources.push((source, vec![at])),
            }
        }
        sources.sort_by_key(|(_, times)| std::cmp::Reverse(times.len()));
        Ok(sources)
    }
}

impl FailedLoginsMut<'_> {
    /// Resets a source: after this returns, new attempts see no failures, on every server.
    ///
    /// Returns how many failures were stored.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn reset(self, place: SourceNet) -> Result<u64, AccountsError> {
        let text = place.to_string();
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        let epoch = credential_epoch::next(&mut change).await?;
        let delete = sql("DELETE FROM failed_logins WHERE kind = 'source' AND subject = $1");
        let gone = change.execute(delete.bind(text.as_str())).await?;
        let note = sql("INSERT INTO unblocked_sources (epoch, source) VALUES ($1, $2)");
        change.execute(note.bind(epoch.number()).bind(text.as_str())).await?;
        change.note(Action::PlaceForgiven, &text, None).await?;
        change.commit().await?;
        Ok(gone)
    }
}

impl FailedLogins<'_> {
    /// The places that were forgiven after one epoch, up to another.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn resets_between(
        self,
        after: CredentialEpoch,
        up_to: CredentialEpoch,
    ) -> Result<Vec<SourceNet>, AccountsError> {
        let query = sql("SELECT DISTINCT source FROM unblocked_sources WHERE epoch > $1 AND epoch <= $2");
        let rows = self.0.db().rows(query.bind(after.number()).bind(up_to.number())).await?;
        rows.iter().map(|row| source(&row.text(0)?)).collect()
    }
}

/// A place as it is written down.
pub(crate) fn source(place: &str) -> Result<SourceNet, AccountsError> {
    place.parse().map_err(|_| AccountsError::unreadable("a failed sign-in comes from nowhere"))
}
