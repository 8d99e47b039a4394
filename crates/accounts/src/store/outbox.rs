//! Mails to be sent, kept in the store until a server took them.
//!
//! A row says what is queued, not what the mail says: the worker looks up the person and draws the token when it sends. So no
//! secret waits in the store, asking for a reset costs the same work for every name, and what is written in the
//! transaction of a change is mailed even if the process ends right after it.

use std::time::Duration;

use crate::domain::{AccountsError, SKEW, Timestamp, UserId};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::{each, sql};
use crate::store::handle::{ActingStore, table};
use crate::store::rights::Right;

/// How many reset requests may wait. More are dropped: the queue is being flooded.
const MAX_RESET_REQUESTS: u64 = 1000;

/// How long a worker has a mail for itself. Longer than handing it over may take.
const LEASE: Duration = Duration::from_secs(5 * 60);

/// The pause after the first failure; it doubles with each.
const INITIAL_BACKOFF: Duration = Duration::from_secs(30);

/// The longest pause.
const MAX_BACKOFF: Duration = Duration::from_secs(15 * 60);

/// No mail waits longer than this; one that seems to was put in before the clock was set back.
const MAX_WAIT: Duration = MAX_BACKOFF.saturating_add(SKEW);

table! {
    /// Mails to be sent.
    Outbox, OutboxMut
}

impl OutboxMut<'_> {
    /// Queues the welcome mail for a user, with a link to choose a password if the user's password is kept here.
    ///
    /// [`crate::MailWorker`] sends it.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user, or their mail address.
    pub async fn welcome(self, id: &UserId, with_link: bool) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { user, .. } = change.lock_target(id, Right::OneselfOrOver).await?;
        if user.email.is_none() {
            return Err(AccountsError::missing("mail address of", id.as_str()));
        }
        let kind = if with_link && user.is_local() { MailKind::WelcomeWithLink } else { MailKind::Welcome };
        put(&mut change, kind, user.id.name().as_str(), None).await?;
        change.commit().await
    }
}

impl Outbox<'_> {
    /// How many mails wait to be sent: for metrics.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn waiting(self) -> Result<u64, AccountsError> {
        let row = self.0.db().row(sql("SELECT COUNT(*) FROM outbox")).await?;
        Ok(row.map(|row| row.count(0)).transpose()?.unwrap_or_default())
    }
}

/// What mail is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailKind {
    /// A reset of the password of what was typed: the subject.
    ResetRequest,
    /// The notice that a user's password changed; goes to the address that was on record then.
    PasswordChanged,
    /// The same where app passwords ended too.
    PasswordChangedAll,
    /// The notice that a user may do more, and that their credentials ended for that.
    RightsRaised,
    /// The notice that an app password or service token was made.
    AppPasswordMade,
    /// The greeting to a new user.
    Welcome,
    /// The same with a link to choose a password.
    WelcomeWithLink,
}

impl MailKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::ResetRequest => "reset_request",
            Self::PasswordChanged => "password_changed",
            Self::PasswordChangedAll => "password_changed_all",
            Self::RightsRaised => "rights_raised",
            Self::AppPasswordMade => "app_password_made",
            Self::Welcome => "welcome",
            Self::WelcomeWithLink => "welcome_with_link",
        }
    }

    fn read(text: &str) -> Option<Self> {
        let kinds = [
            Self::ResetRequest,
            Self::PasswordChanged,
            Self::PasswordChangedAll,
            Self::RightsRaised,
            Self::AppPasswordMade,
            Self::Welcome,
            Self::WelcomeWithLink,
        ];
        kinds.into_iter().find(|kind| kind.as_str() == text)
    }

    /// How long it is worth trying.
    pub(crate) fn ttl(self) -> Duration {
        match self {
            // Who asked for a link sits and waits.
            Self::ResetRequest => Duration::from_secs(60 * 60),
            Self::PasswordChanged
            | Self::PasswordChangedAll
            | Self::RightsRaised
            | Self::AppPasswordMade
            | Self::Welcome
            | Self::WelcomeWithLink => Duration::from_secs(3 * 24 * 60 * 60),
        }
    }
}

/// A mail to be sent, claimed by one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueuedMail {
    pub(crate) key: i64,
    pub(crate) kind: MailKind,
    pub(crate) subject: String,
    pub(crate) address: Option<String>,
    pub(crate) created: Timestamp,
    /// Which attempt this is, from 1 on.
    pub(crate) attempt: i64,
}

/// Writes down a queued mail in the caller's transaction.
pub(crate) async fn put(
    change: &mut Change<'_>,
    kind: MailKind,
    subject: &str,
    address: Option<&str>,
) -> Result<(), AccountsError> {
    let put =
        sql("INSERT INTO outbox (kind, subject, address, created_at, due_at) VALUES ($1, $2, $3, $4, $4)");
    let put = put.bind(kind.as_str()).bind(subject).bind(address).bind(change.now().millis());
    change.execute(put).await?;
    Ok(())
}

/// Whether the queue takes no more requests of strangers.
pub(crate) async fn is_full(change: &mut Change<'_>) -> Result<bool, AccountsError> {
    let waiting = sql("SELECT COUNT(*) FROM outbox WHERE kind = $1").bind(MailKind::ResetRequest.as_str());
    let row = change.row(waiting).await?;
    let waiting = row.map(|row| row.count(0)).transpose()?.unwrap_or_default();
    Ok(waiting >= MAX_RESET_REQUESTS)
}

/// Claims the mail that has been due longest. Another worker gets it only when this one does not come back.
pub(crate) async fn claim(store: &ActingStore) -> Result<Option<QueuedMail>, AccountsError> {
    let claim = each(
        "UPDATE outbox SET attempts = attempts + 1, due_at = $2 \
         WHERE key = (SELECT key FROM outbox WHERE due_at <= $1 OR due_at > $3 ORDER BY due_at, key LIMIT 1) \
         RETURNING key, kind, subject, address, created_at, attempts",
        "UPDATE outbox SET attempts = attempts + 1, due_at = $2 \
         WHERE key = (SELECT key FROM outbox WHERE due_at <= $1 OR due_at > $3 ORDER BY due_at, key LIMIT 1 FOR UPDATE SKIP LOCKED) \
         RETURNING key, kind, subject, address, created_at, attempts",
    );
    let mut change = store.change().await?;
    let now = store.now();
    let claim = claim.bind(now.millis()).bind(now.after(LEASE).millis());
    let row = change.row(claim.bind(now.after(MAX_WAIT).millis())).await?;
    change.commit().await?;
    let Some(row) = row else { return Ok(None) };
    let kind = row.text(1)?;
    Ok(Some(QueuedMail {
        key: row.int(0)?,
        kind: MailKind::read(&kind)
            .ok_or_else(|| AccountsError::unreadable("a mail of an unknown kind is waiting"))?,
        subject: row.text(2)?,
        address: row.text_or_null(3)?,
        created: Timestamp::from_millis(row.int(4)?),
        attempt: row.int(5)?,
    }))
}

/// Removes a mail from the queue: it was sent or dropped.
pub(crate) async fn done(store: &ActingStore, queued: &QueuedMail) -> Result<(), AccountsError> {
    let mut change = store.change().await?;
    change.execute(sql("DELETE FROM outbox WHERE key = $1").bind(queued.key)).await?;
    change.commit().await
}

/// Puts a mail back that could not be sent now; returns whether it is still worth it.
pub(crate) async fn put_back(store: &ActingStore, queued: &QueuedMail) -> Result<bool, AccountsError> {
    let due = store.now().after(backoff(queued.attempt));
    if due > queued.created.after(queued.kind.ttl()) {
        done(store, queued).await?;
        return Ok(false);
    }
    let mut change = store.change().await?;
    change
        .execute(sql("UPDATE outbox SET due_at = $2 WHERE key = $1").bind(queued.key).bind(due.millis()))
        .await?;
    change.commit().await?;
    Ok(true)
}

fn backoff(attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 20)).unwrap_or(1) - 1;
    INITIAL_BACKOFF.saturating_mul(1 << doublings).min(MAX_BACKOFF)
}
