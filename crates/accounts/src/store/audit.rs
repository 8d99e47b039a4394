//! Who did what to whom, when, and from where. Lines are added and never changed: the database itself refuses that.
//!
//! Every change writes its line in its own transaction: no change without a line, no line without a change.

use std::fmt;
use std::net::IpAddr;

use crate::Accounts;
use crate::domain::clock::Timestamp;
use crate::domain::error::AccountsError;
use crate::store::engine::{Row, Tx, fault, sql};

/// On whose behalf the store is used; see [`Accounts::on_behalf_of`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    who: String,
    origin: Option<String>,
}

impl Actor {
    /// The program itself.
    pub fn system() -> Self {
        Self { who: "system".to_owned(), origin: None }
    }

    /// Somebody at the command line.
    pub fn command_line(who: &str) -> Self {
        Self { who: clean(who), origin: Some("command line".to_owned()) }
    }

    /// A user who signed in from that address.
    pub fn user(name: &str, from: Option<IpAddr>) -> Self {
        Self { who: clean(name), origin: from.map(|ip| ip.to_string()) }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Action {
            $($(#[$doc])* $variant,)*
        }

        impl Action {
            /// As it is stored.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

actions! {
    /// An app password was made.
    AppPasswordAdded = "app_password.added",
    /// An app password was revoked.
    AppPasswordRevoked = "app_password.revoked",
    /// An app was switched off.
    AppDisabled = "app.disabled",
    /// An app was switched on.
    AppEnabled = "app.enabled",
    /// A value of an app's configuration was set or deleted.
    ConfigChanged = "config.changed",
    /// A group was renamed.
    GroupChanged = "group.changed",
    /// A group was created.
    GroupCreated = "group.created",
    /// A group was deleted.
    GroupDeleted = "group.deleted",
    /// A user joined a group.
    MemberAdded = "group.member_added",
    /// A user left a group.
    MemberRemoved = "group.member_removed",
    /// A password was set.
    PasswordChanged = "password.changed",
    /// Failed sign-ins from a place were forgiven.
    PlaceForgiven = "place.forgiven",
    /// A name was given to another backend, or to none.
    PinChanged = "pin.changed",
    /// A password reset was asked for.
    ResetIssued = "reset.issued",
    /// A password reset was used.
    ResetUsed = "reset.used",
    /// Sessions were ended.
    SessionsEnded = "sessions.ended",
    /// A user may administer a group.
    SubadminAdded = "group.subadmin_added",
    /// A user may no longer administer a group.
    SubadminRemoved = "group.subadmin_removed",
    /// Fields of a user changed; which ones is the detail, what they hold is not told.
    UserChanged = "user.changed",
    /// A user was created; the detail is the backend.
    UserCreated = "user.created",
    /// A user was deleted; the detail is the backend.
    UserDeleted = "user.deleted",
    /// A user was disabled.
    UserDisabled = "user.disabled",
    /// A user was enabled.
    UserEnabled = "user.enabled",
    /// The devices of a user are to be wiped.
    WipeOrdered = "app_password.wipe",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
    /// To whom or what.
    pub target: String,
    /// More about it; never a password or a token.
    pub detail: Option<String>,
}

/// The room of the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a>(pub(crate) &'a Accounts);

impl Audit<'_> {
    /// Adds a line about something that the store does not do itself, such as a refused take-over.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn record(self, action: &str, target: &str, detail: Option<&str>) -> Result<(), AccountsError> {
        let mut tx = self.0.db().begin().await?;
        write(&mut tx, self.0, &clean(action), target, detail).await?;
        tx.commit().await
    }

    /// The lines after number `after`, oldest first, at most `limit`; of one target only when one is named.
    ///
    /// # Errors
    /// When the store cannot tell.
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

    /// The latest lines, oldest of them first, at most `limit`; of one target only when one is named.
    ///
    /// # Errors
    /// When the store cannot tell.
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
        read().map_err(fault)
    }
}

/// Adds a line in the caller's transaction.
pub(crate) async fn note(
    tx: &mut Tx,
    accounts: &Accounts,
    action: Action,
    target: &str,
    detail: Option<&str>,
) -> Result<(), AccountsError> {
    write(tx, accounts, action.as_str(), target, detail).await
}

async fn write(
    tx: &mut Tx,
    accounts: &Accounts,
    action: &str,
    target: &str,
    detail: Option<&str>,
) -> Result<(), AccountsError> {
    let actor = accounts.actor();
    let line =
        sql("INSERT INTO audit (at, actor, origin, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(accounts.now().millis())
            .bind(actor.who.as_str())
            .bind(actor.origin.as_deref())
            .bind(action)
            .bind(clean(target))
            .bind(detail.map(clean));
    tx.execute(line).await?;
    Ok(())
}

/// One line of moderate length, whatever somebody typed.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}
