//! The audit log.
//!
//! Entries are added and never changed: the database itself refuses that.
//!
//! Every change writes its line in its own transaction: no change without a line, no line without a
//! change.

use crate::domain::actor::clean;
use crate::domain::{AccountsError, Timestamp};
use crate::store::engine::{Row, sql};
use crate::store::handle::table;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditLine {
    /// Its number; later lines have larger ones.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// From where.
    pub origin: Option<String>,
    /// What.
    pub action: String,
    /// The subject.
    pub target: String,
    /// More about it; never a password or a token.
    pub detail: Option<String>,
}

/// Longer than every action.
const MAX_ACTION: i64 = 1000;

/// Which lines of the log; a field that is not set allows every line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// What this actor did.
    pub actor: Option<String>,
    /// Actions that begin with this.
    pub action: Option<String>,
    /// What was done to this target.
    pub target: Option<String>,
    /// Lines with a smaller number.
    pub before: Option<i64>,
}

table! {
    /// The audit log.
    Audit, AuditMut
}

impl AuditMut<'_> {
    /// Adds a line for an event outside of the store, such as a refused take-over.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn record(self, action: &str, target: &str, detail: Option<&str>) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        change.note_other(&clean(action), target, detail).await?;
        change.commit().await
    }
}

impl Audit<'_> {
    /// The lines after number `after`, oldest first, at most `limit`.
    ///
    /// Of one target only when one is named.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn after(
        self,
        after: i64,
        limit: u32,
        target: Option<&str>,
    ) -> Result<Vec<AuditLine>, AccountsError> {
        let all = "SELECT seq, at, actor, origin, action, target, detail FROM audit WHERE seq > $1 \
                   ORDER BY seq LIMIT $2";
        let some = "SELECT seq, at, actor, origin, action, target, detail FROM audit WHERE seq > $1 \
                    AND target = $3 ORDER BY seq LIMIT $2";
        let query = sql(if target.is_some() { some } else { all }).bind(after).bind(i64::from(limit));
        let query = match target {
            Some(target) => query.bind(target),
            None => query,
        };
        let rows = self.0.db().rows(query).await?;
        rows.iter().map(AuditLine::read).collect()
    }

    /// The latest lines of a filter, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn search(self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditLine>, AccountsError> {
        let kind = self.0.db().kind();
        let mut query = sql("SELECT seq, at, actor, origin, action, target, detail FROM audit WHERE seq < ");
        query = query.push_bind(kind, filter.before.unwrap_or(i64::MAX));
        if let Some(actor) = filter.actor.as_deref() {
            query = query.push(kind, " AND actor = ").push_bind(kind, actor);
        }
        if let Some(target) = filter.target.as_deref() {
            query = query.push(kind, " AND target = ").push_bind(kind, target);
        }
        if let Some(action) = filter.action.as_deref() {
            let length = i64::try_from(action.chars().count()).unwrap_or(MAX_ACTION).min(MAX_ACTION);
            query = query.push(kind, " AND substr(action, 1, CAST(").push_bind(kind, length);
            query = query.push(kind, " AS INTEGER)) = ").push_bind(kind, action);
        }
        query = query.push(kind, " ORDER BY seq DESC LIMIT ").push_bind(kind, i64::from(limit));
        let rows = self.0.db().rows(query).await?;
        rows.iter().map(AuditLine::read).collect()
    }

    /// The latest lines, oldest of them first, at most `limit`.
    ///
    /// Of one target only when one is named.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn latest(self, limit: u32, target: Option<&str>) -> Result<Vec<AuditLine>, AccountsError> {
        let all =
            "SELECT seq, at, actor, origin, action, target, detail FROM audit ORDER BY seq DESC LIMIT $1";
        let some = "SELECT seq, at, actor, origin, action, target, detail FROM audit WHERE target = $2 \
                    ORDER BY seq DESC LIMIT $1";
        let query = sql(if target.is_some() { some } else { all }).bind(i64::from(limit));
        let query = match target {
            Some(target) => query.bind(target),
            None => query,
        };
        let rows = self.0.db().rows(query).await?;
        rows.iter().rev().map(AuditLine::read).collect()
    }
}

impl AuditLine {
    fn read(row: &Row) -> Result<Self, AccountsError> {
        let read = || {
            Ok(Self {
                seq: row.int(0)?,
                at: Timestamp::from_millis(row.int(1)?),
                actor: row.text(2)?,
                origin: row.text_or_null(3)?,
                action: row.text(4)?,
                target: row.text(5)?,
                detail: row.text_or_null(6)?,
            })
        };
        read()
    }
}
