//! One change of the store: a transaction that knows who changes something.
//!
//! Everything that changes a user, a group or a setting goes through a [`Change`]. It has the
//! actor, locks the rows it is about, and writes the line of the audit log in the same transaction:
//! no change without a line, no line without a change.

use std::ops::{Deref, DerefMut};

use serde_json::json;

use crate::domain::actor::{Action, clean};
use crate::domain::{AccountsError, Actor, Timestamp, User, UserId};
use crate::store::engine::{Tx, each, sql};
use crate::store::handle::ActingStore;
use crate::store::users::row::{UserKey, columns};

/// A transaction that changes something on behalf of an actor.
///
/// Dropping it undoes everything.
pub(crate) struct Change<'a> {
    store: &'a ActingStore,
    tx: Tx,
}

/// A line of the audit log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note<'a> {
    pub(crate) action: Action,
    pub(crate) target: &'a str,
    pub(crate) detail: Option<&'a str>,
}

/// A user whose row no other transaction changes before this one has ended.
#[derive(Debug)]
pub(crate) struct LockedUser {
    pub(crate) key: UserKey,
    pub(crate) user: User,
}

impl LockedUser {
    /// The canonical name of this user.
    pub(crate) fn name(&self) -> &str {
        self.user.id.name().as_str()
    }
}

impl ActingStore {
    /// Begins a change.
    pub(crate) async fn change(&self) -> Result<Change<'_>, AccountsError> {
        Ok(Change { store: self, tx: self.db().begin().await? })
    }
}

impl Change<'_> {
    pub(crate) fn now(&self) -> Timestamp {
        self.store.now()
    }

    pub(crate) fn actor(&self) -> &Actor {
        self.store.actor()
    }

    /// Whether users are notified by mail of what ended.
    ///
    /// See [`Accounts::with_notices`](crate::Accounts::with_notices).
    pub(crate) fn notices(&self) -> bool {
        self.store.notices()
    }

    /// Locks a user until the transaction ends, without a check of rights.
    ///
    /// See [`Change::lock_target`].
    pub(crate) async fn lock_user(&mut self, id: &UserId) -> Result<LockedUser, AccountsError> {
        let query = each(
            concat!("SELECT ", columns!(), ", key FROM users WHERE name = $1"),
            concat!("SELECT ", columns!(), ", key FROM users WHERE name = $1 FOR UPDATE"),
        );
        let row = self.tx.row(query.bind(id.name().as_str())).await?;
        let row = row.ok_or_else(|| AccountsError::missing("user", id.as_str()))?;
        Ok(LockedUser { key: UserKey::read(&row)?, user: User::read(&row)? })
    }

    /// Adds a line to the audit log.
    pub(crate) async fn note(
        &mut self,
        action: Action,
        target: &str,
        detail: Option<&str>,
    ) -> Result<(), AccountsError> {
        self.note_other(action.as_str(), target, detail).await
    }

    /// Adds a line about something that has no [`Action`].
    pub(crate) async fn note_other(
        &mut self,
        action: &str,
        target: &str,
        detail: Option<&str>,
    ) -> Result<(), AccountsError> {
        let actor = self.store.actor();
        let line = sql(
            "INSERT INTO audit (at, actor, origin, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(self.store.now().millis())
        .bind(actor.name())
        .bind(actor.origin())
        .bind(action)
        .bind(clean(target))
        .bind(detail.map(clean));
        self.tx.execute(line).await.map(drop)
    }

    /// Adds several lines to the audit log, in their order.
    pub(crate) async fn note_all(&mut self, notes: &[Note<'_>]) -> Result<(), AccountsError> {
        let actor = self.store.actor();
        let lines = notes.iter().enumerate().map(|(place, note)| {
            json!({ "place": place, "action": note.action.as_str(), "target": clean(note.target),
                    "detail": note.detail.map(clean) })
        });
        let lines = serde_json::to_string(&lines.collect::<Vec<_>>())
            .map_err(|_| AccountsError::unreadable("a list cannot be written"))?;
        let lines = each(
            "INSERT INTO audit (at, actor, origin, action, target, detail) SELECT $1, $2, $3, value->>'action', \
             value->>'target', value->>'detail' FROM json_each($4) ORDER BY value->>'place'",
            "INSERT INTO audit (at, actor, origin, action, target, detail) SELECT $1, $2, $3, action, target, detail \
             FROM jsonb_to_recordset($4::jsonb) AS list (place bigint, action text, target text, detail text) ORDER BY place",
        )
        .bind(self.store.now().millis())
        .bind(actor.name())
        .bind(actor.origin())
        .bind(lines);
        self.tx.execute(lines).await.map(drop)
    }

    /// Begins a part that can be undone alone.
    pub(crate) async fn begin_part(&mut self) -> Result<(), AccountsError> {
        self.tx.execute(sql("SAVEPOINT part")).await.map(drop)
    }

    /// Ends the part, or undoes it.
    pub(crate) async fn end_part(&mut self, is_kept: bool) -> Result<(), AccountsError> {
        if !is_kept {
            self.tx.execute(sql("ROLLBACK TO SAVEPOINT part")).await?;
        }
        self.tx.execute(sql("RELEASE SAVEPOINT part")).await.map(drop)
    }

    /// Makes it last; see [`Tx::commit`].
    pub(crate) async fn commit(self) -> Result<(), AccountsError> {
        self.tx.commit().await
    }
}

impl Deref for Change<'_> {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.tx
    }
}

impl DerefMut for Change<'_> {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}
