//! Mails to be sent, kept in the store until a server took them.
//!
//! A row says what is queued, not what the mail says: the worker looks up the user and creates the
//! token when it sends. So no secret waits in the store, asking for a reset costs the same work for
//! every name, and what is written in the transaction of a change is mailed even if the process
//! ends right after it.
//!
//! [`put`] is the only way in. It bounds the rows, and counts each mail against its recipient and
//! the user who caused it, by class: a flood of one class delays or drops no mail of another. Reset
//! requests go out in a lane of their own.

use std::time::Duration;

use crate::domain::{AccountsError, EmailAddress, SKEW, Timestamp, UserId};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::{Row, each, sql};
use crate::store::handle::{ActingStore, table};
use crate::store::rate_limits::{self, RateLimit, RateLimitEvent};
use crate::store::rights::Right;
use crate::store::users::row::UserKey;

/// How long a worker has a mail for itself.
///
/// Longer than handing it over may take.
const LEASE: Duration = Duration::from_secs(5 * 60);

/// The pause after the first failure; it doubles with each.
const INITIAL_BACKOFF: Duration = Duration::from_secs(30);

/// The longest pause.
const MAX_BACKOFF: Duration = Duration::from_secs(15 * 60);

/// No mail waits longer than this.
///
/// One that seems to was put in before the clock was set back.
const MAX_WAIT: Duration = MAX_BACKOFF.saturating_add(SKEW);

table! {
    /// Mails to be sent.
    Outbox, OutboxMut
}

impl OutboxMut<'_> {
    /// Queues the welcome mail for a user.
    ///
    /// It has a link to choose a password if the user's password is stored here. It goes to the
    /// confirmed address, or else to the one that was set.
    ///
    /// A user with the rights of an administrator or a sub-admin gets a link only at an address
    /// that is confirmed or that an administrator set. [`crate::MailWorker`] sends the mail.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user, or their mail address. [`AccountsError::Full`]: too many of these mails were sent or
    /// wait to be.
    pub async fn welcome(self, id: &UserId, with_link: bool) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key, user } = change.lock_target(id, Right::OneselfOrOver).await?;
        let Some(address) = user.contact_email() else {
            return Err(AccountsError::missing("mail address of", id.as_str()));
        };
        let with_link = with_link && user.is_local();
        let with_link =
            with_link && (user.confirmed_email.is_some() || may_have_link(&mut change, key).await?);
        let kind = if with_link { MailKind::WelcomeWithLink } else { MailKind::Welcome };
        if !put(&mut change, kind, user.id.name().as_str(), Some(address)).await? {
            return Err(AccountsError::Full);
        }
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

/// A mail that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitingMail {
    /// What it is about.
    pub kind: String,
    /// When it was queued.
    pub created: Timestamp,
    /// When it is tried next.
    pub due: Timestamp,
    /// How often it was tried.
    pub attempts: u64,
}

impl Outbox<'_> {
    /// The mails that are tried next, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(self, limit: u32) -> Result<Vec<WaitingMail>, AccountsError> {
        let query =
            sql("SELECT kind, created_at, due_at, attempts FROM outbox ORDER BY due_at, key LIMIT $1");
        let rows = self.0.db().rows(query.bind(i64::from(limit))).await?;
        let mail = |row: &Row| {
            Ok(WaitingMail {
                kind: row.text(0)?,
                created: Timestamp::from_millis(row.int(1)?),
                due: Timestamp::from_millis(row.int(2)?),
                attempts: row.count(3)?,
            })
        };
        rows.iter().map(mail).collect()
    }
}

/// Whether a link may go to the unconfirmed address of a user.
///
/// The user has no rights over others, or an administrator set it.
async fn may_have_link(change: &mut Change<'_>, key: UserKey) -> Result<bool, AccountsError> {
    let query = sql("SELECT 1 FROM users WHERE key = $1 AND (email_by = 'administrator' OR NOT \
                     (EXISTS (SELECT 1 FROM subadmins WHERE user_key = users.key) OR EXISTS \
                     (SELECT 1 FROM members JOIN groups ON groups.key = members.group_key \
                     WHERE members.user_key = users.key AND groups.id = 'admin')))");
    Ok(change.row(query.bind(key.0)).await?.is_some())
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal ($class:ident),)*) => {
        /// What mail is queued.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum MailKind {
            $($(#[$doc])* $variant,)*
        }

        impl MailKind {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The class whose limits count.
            pub(crate) const fn class(self) -> MailClass {
                match self {
                    $(Self::$variant => MailClass::$class,)*
                }
            }
        }
    };
}

kinds! {
    /// A reset of the password of what was typed: the subject.
    ResetRequest = "reset_request" (Reset),
    /// The notice that a user's password changed.
    PasswordChanged = "password_changed" (Notice),
    /// The same where app passwords ended too.
    PasswordChangedAll = "password_changed_all" (Notice),
    /// The notice that a user may do more, and that their credentials ended for that.
    RightsRaised = "rights_raised" (Notice),
    /// The notice that another backend checks the password, and what ended.
    AccountMoved = "account_moved" (Notice),
    /// The notice that an app password or a service token was made.
    AppPasswordAdded = "app_password_added" (Notice),
    /// The notice to the former address that it was replaced or removed.
    AddressChanged = "address_changed" (Notice),
    /// The welcome mail of a new user.
    Welcome = "welcome" (Welcome),
    /// The same with a link to choose a password.
    WelcomeWithLink = "welcome_with_link" (Welcome),
    /// The link that confirms an address.
    ConfirmAddress = "confirm_address" (Confirmation),
}

impl MailKind {
    fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// How long it is worth trying.
    pub(crate) const fn ttl(self) -> Duration {
        match self.class() {
            // The user who requested a link waits for it.
            MailClass::Reset => Duration::from_secs(60 * 60),
            MailClass::Notice | MailClass::Welcome | MailClass::Confirmation => DAY.saturating_mul(3),
        }
    }
}

/// Mails that are limited together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailClass {
    /// Links that set a new password.
    Reset,
    /// What happened to an account.
    Notice,
    /// Greetings.
    Welcome,
    /// Links that confirm an address.
    Confirmation,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl MailClass {
    /// How many mails one address gets.
    const fn per_recipient(self) -> RateLimit {
        match self {
            Self::Reset => RateLimit { max: 5, window: Duration::from_secs(30 * 60) },
            Self::Notice => RateLimit { max: 20, window: DAY },
            Self::Welcome | Self::Confirmation => RateLimit { max: 5, window: DAY },
        }
    }

    /// How many mails one user causes who is no administrator.
    ///
    /// Reset requests are counted per source instead.
    const fn per_actor(self) -> RateLimit {
        match self {
            Self::Notice => RateLimit { max: 1000, window: DAY },
            Self::Reset | Self::Welcome => RateLimit { max: 200, window: DAY },
            Self::Confirmation => RateLimit { max: 20, window: DAY },
        }
    }

    /// How many mails may wait.
    const fn max_waiting(self) -> u64 {
        match self {
            Self::Reset => 1000,
            Self::Notice | Self::Welcome | Self::Confirmation => 10_000,
        }
    }

    const fn recipient_scope(self) -> &'static str {
        match self {
            Self::Reset => "mail.reset.to",
            Self::Notice => "mail.notice.to",
            Self::Welcome => "mail.welcome.to",
            Self::Confirmation => "mail.confirmation.to",
        }
    }

    const fn actor_scope(self) -> &'static str {
        match self {
            Self::Reset => "mail.reset.by",
            Self::Notice => "mail.notice.by",
            Self::Welcome => "mail.welcome.by",
            Self::Confirmation => "mail.confirmation.by",
        }
    }
}

/// Mails that do not wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Links that set a new password.
    Reset,
    /// Everything else.
    Other,
}

impl Lane {
    pub(crate) const ALL: [Self; 2] = [Self::Reset, Self::Other];
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

/// Queues a mail in the caller's transaction; returns whether it was.
///
/// It is not when one of the limits of its class is reached.
pub(crate) async fn put(
    change: &mut Change<'_>,
    kind: MailKind,
    subject: &str,
    address: Option<&str>,
) -> Result<bool, AccountsError> {
    let dropped = |why: &str| {
        tracing::warn!(kind = kind.as_str(), why, "a mail was not queued");
        Ok(false)
    };
    rate_limits::purge_expired(change).await?;
    if waiting(change, kind.class()).await? >= kind.class().max_waiting() {
        return dropped("too many mails of this class wait to be sent");
    }
    let Ok(counted) = count_actor(change, kind.class()).await? else {
        return dropped("the user has caused too many mails of this class");
    };
    if let Some(address) = address
        && !count_recipient(change, kind.class(), address).await?
    {
        // Nor does it count against the actor: a flood at one address uses up no notice to another.
        if let Some(event) = counted {
            rate_limits::release(change, event).await?;
        }
        return dropped("the recipient was sent too many mails of this class");
    }
    let put =
        sql("INSERT INTO outbox (kind, subject, address, created_at, due_at) VALUES ($1, $2, $3, $4, $4)");
    let put = put.bind(kind.as_str()).bind(subject).bind(address).bind(change.now().millis());
    change.execute(put).await?;
    Ok(true)
}

/// Counts a mail against its recipient; returns whether it may be sent.
///
/// [`put`] does it for every mail whose address is known when it is queued, the worker for the
/// others.
pub(crate) async fn count_recipient(
    change: &mut Change<'_>,
    class: MailClass,
    address: &str,
) -> Result<bool, AccountsError> {
    let parsed = EmailAddress::stored(address);
    let canonical = parsed.as_ref().map_or_else(|_| address.into(), EmailAddress::canonical);
    let scope = class.recipient_scope();
    Ok(rate_limits::acquire(change, class.per_recipient(), scope, &canonical).await?.is_ok())
}

/// Counts a mail against its sender, or returns the time until the next is allowed.
///
/// Administrators may cause any number: they set up whole installations.
async fn count_actor(
    change: &mut Change<'_>,
    class: MailClass,
) -> Result<Result<Option<RateLimitEvent>, Duration>, AccountsError> {
    if change.is_by_administrator().await? {
        return Ok(Ok(None));
    }
    let actor = change.actor().name().to_owned();
    let counted = rate_limits::acquire(change, class.per_actor(), class.actor_scope(), &actor).await?;
    Ok(counted.map(Some))
}

/// How many mails of a class wait to be sent.
async fn waiting(change: &mut Change<'_>, class: MailClass) -> Result<u64, AccountsError> {
    let mut waiting = 0;
    for kind in MailKind::ALL.iter().filter(|kind| kind.class() == class) {
        let count = sql("SELECT COUNT(*) FROM outbox WHERE kind = $1").bind(kind.as_str());
        waiting += change.row(count).await?.map(|row| row.count(0)).transpose()?.unwrap_or_default();
    }
    Ok(waiting)
}

/// Removes mails with links from the queue: for passwords and confirmations of a user.
pub(crate) async fn forget_links(change: &mut Change<'_>, subject: &str) -> Result<(), AccountsError> {
    let forget = sql("DELETE FROM outbox WHERE subject = $1 AND kind IN ($2, $3)")
        .bind(subject)
        .bind(MailKind::WelcomeWithLink.as_str())
        .bind(MailKind::ConfirmAddress.as_str());
    change.execute(forget).await.map(drop)
}

/// The same for several users, named by a list in JSON.
pub(crate) async fn forget_links_of(change: &mut Change<'_>, subjects: &str) -> Result<(), AccountsError> {
    let forget = each(
        "DELETE FROM outbox WHERE subject IN (SELECT value FROM json_each($1)) AND kind IN ($2, $3)",
        "DELETE FROM outbox WHERE subject IN (SELECT jsonb_array_elements_text($1::jsonb)) AND kind IN ($2, $3)",
    )
    .bind(subjects)
    .bind(MailKind::WelcomeWithLink.as_str())
    .bind(MailKind::ConfirmAddress.as_str());
    change.execute(forget).await.map(drop)
}

/// Claims the mail of a lane that has been due longest.
///
/// Another worker gets it only if this one does not finish.
pub(crate) async fn claim(store: &ActingStore, lane: Lane) -> Result<Option<QueuedMail>, AccountsError> {
    let claim = each(
        "UPDATE outbox SET attempts = attempts + 1, due_at = $2 WHERE key = \
         (SELECT key FROM outbox WHERE (due_at <= $1 OR due_at > $3) AND (kind = 'reset_request') = $4 \
         ORDER BY due_at, key LIMIT 1) \
         RETURNING key, kind, subject, address, created_at, attempts",
        "UPDATE outbox SET attempts = attempts + 1, due_at = $2 WHERE key = \
         (SELECT key FROM outbox WHERE (due_at <= $1 OR due_at > $3) AND (kind = 'reset_request') = $4 \
         ORDER BY due_at, key LIMIT 1 FOR UPDATE SKIP LOCKED) \
         RETURNING key, kind, subject, address, created_at, attempts",
    );
    let mut change = store.change().await?;
    let now = store.now();
    let claim = claim.bind(now.millis()).bind(now.after(LEASE).millis());
    let claim = claim.bind(now.after(MAX_WAIT).millis()).bind(lane == Lane::Reset);
    let row = change.row(claim).await?;
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
