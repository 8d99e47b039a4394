//! Mail addresses of users: the one that was set last, and the one that is confirmed.
//!
//! Only a confirmed address is used for sign-in, for password resets and for notices. It is
//! confirmed by a link that was sent to it, or by an administrator, and is that of one user. An
//! address that is taken is stored unconfirmed, with the same answer.

use std::fmt;

use user_backend::CanonicalName;

use crate::domain::{AccountsError, Action, EmailAddress, User, UserId, search_text};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::{SqlDialect, Tx, sql};
use crate::store::outbox::{self, MailKind};
use crate::store::users::row::UserKey;

/// What [`AccountsError::AlreadyExists`] names where an address is another user's.
pub const CONFIRMED_ADDRESS: &str = "confirmed mail address";

/// Who set an address, which decides what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressSource {
    /// An administrator, the command line or the program.
    ///
    /// Nothing but another address ends it.
    Administrator,
    /// The user.
    ///
    /// A rise in privilege or another backend ends the confirmation.
    Owner,
    /// Someone else, or it is not known who.
    ///
    /// It ends also when someone else sets the password.
    Other,
}

impl AddressSource {
    const ALL: [Self; 3] = [Self::Administrator, Self::Owner, Self::Other];

    /// The actor of the change.
    async fn actor(change: &mut Change<'_>, target: &UserId) -> Result<Self, AccountsError> {
        if change.actor().is(target) {
            return Ok(Self::Owner);
        }
        Ok(if change.is_by_administrator().await? { Self::Administrator } else { Self::Other })
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Owner => "owner",
            Self::Other => "other",
        }
    }

    fn read(text: &str) -> Result<Self, AccountsError> {
        let found = Self::ALL.into_iter().find(|source| source.as_str() == text);
        found.ok_or_else(|| AccountsError::unreadable("an address was set by an unknown source"))
    }
}

/// Why the confirmation of an address ends without another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressEnd {
    /// The user may do more.
    RightsRaised,
    /// Someone else set the password.
    PasswordSetByOther,
    /// The account belongs to another backend.
    Rebound,
}

impl fmt::Display for AddressEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RightsRaised => "unconfirmed: the rights of the user were raised",
            Self::PasswordSetByOther => "unconfirmed: password set by another person",
            Self::Rebound => "unconfirmed: the account was given to another backend",
        })
    }
}

/// Sets the address of a user, or removes it.
///
/// `user` is the locked user, as it will be.
///
/// From the command line and the program itself it counts as confirmed, unless it is taken; from
/// everyone else it is pending until the link is followed that is sent to it.
pub(crate) async fn set(
    change: &mut Change<'_>,
    key: UserKey,
    user: &mut User,
    address: Option<&EmailAddress>,
) -> Result<(), AccountsError> {
    let Some(address) = address else { return remove(change, key, user).await };
    if user.confirmed_email.as_deref() == Some(address.as_str()) {
        end_links(change, key, user).await?;
        let by = sql("UPDATE users SET email_by = confirmed_by WHERE key = $1").bind(key.0);
        change.execute(by).await?;
        user.email = Some(address.as_str().to_owned());
        return Ok(());
    }
    if !change.actor().is_user() && !is_taken(change, key, address).await? {
        return confirm(change, key, user, address, AddressSource::Administrator).await;
    }
    let by = AddressSource::actor(change, &user.id).await?;
    put_pending(change, key, user, address, by).await?;
    request_confirmation(change, user).await
}

/// Sets the address of a user and confirms it without a link.
///
/// The caller has checked that the actor is an administrator.
pub(crate) async fn set_confirmed(
    change: &mut Change<'_>,
    key: UserKey,
    user: &mut User,
    address: &EmailAddress,
) -> Result<(), AccountsError> {
    if is_taken(change, key, address).await? {
        return Err(AccountsError::already(CONFIRMED_ADDRESS, address.as_str()));
    }
    confirm(change, key, user, address, AddressSource::Administrator).await
}

/// The address of a new user.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewAddress<'a> {
    /// As [`set`] does it.
    Set(&'a EmailAddress),
    /// As [`set_confirmed`] does it.
    Confirmed(&'a EmailAddress),
    /// It was in use elsewhere, and counts as confirmed unless it is taken.
    Known(&'a EmailAddress),
    /// A backend names it.
    ///
    /// It is pending for every actor.
    Named(&'a EmailAddress),
}

/// Sets the address of a user who was created in this transaction.
///
/// A mail with a link goes out only if `is_asked`: a welcome mail may do the same.
pub(crate) async fn set_first(
    change: &mut Change<'_>,
    key: UserKey,
    user: &mut User,
    address: NewAddress<'_>,
    is_asked: bool,
) -> Result<(), AccountsError> {
    let (address, by) = match address {
        NewAddress::Confirmed(address) => return set_confirmed(change, key, user, address).await,
        NewAddress::Known(address) => (address, Some(AddressSource::Other)),
        NewAddress::Named(address) => {
            put_pending(change, key, user, address, AddressSource::Other).await?;
            return if is_asked { request_confirmation(change, user).await } else { Ok(()) };
        }
        NewAddress::Set(address) if change.actor().is_user() => (address, None),
        NewAddress::Set(address) => (address, Some(AddressSource::Administrator)),
    };
    if let Some(by) = by
        && !is_taken(change, key, address).await?
    {
        return confirm(change, key, user, address, by).await;
    }
    let by = match by {
        Some(by) => by,
        None => AddressSource::actor(change, &user.id).await?,
    };
    put_pending(change, key, user, address, by).await?;
    if is_asked { request_confirmation(change, user).await } else { Ok(()) }
}

/// Queues the mail with the link for the pending address, where mail is set up.
pub(crate) async fn request_confirmation(change: &mut Change<'_>, user: &User) -> Result<(), AccountsError> {
    if let (true, Some(address)) = (change.notices(), user.pending_email()) {
        outbox::put(change, MailKind::ConfirmAddress, user.id.name().as_str(), Some(address)).await?;
    }
    Ok(())
}

async fn put_pending(
    change: &mut Change<'_>,
    key: UserKey,
    user: &mut User,
    address: &EmailAddress,
    by: AddressSource,
) -> Result<(), AccountsError> {
    end_links(change, key, user).await?;
    user.email = Some(address.as_str().to_owned());
    let put = sql("UPDATE users SET email = $2, email_by = $3, search = $4 WHERE key = $1");
    let put = put.bind(key.0).bind(address.as_str()).bind(by.as_str()).bind(search(user));
    change.execute(put).await.map(drop)
}

async fn remove(change: &mut Change<'_>, key: UserKey, user: &mut User) -> Result<(), AccountsError> {
    let before = user.confirmed_email.take();
    user.email = None;
    end_links(change, key, user).await?;
    let remove = sql("UPDATE users SET email = NULL, email_by = 'other', confirmed_email = NULL, \
                      confirmed_key = NULL, confirmed_by = NULL, search = $2 WHERE key = $1");
    change.execute(remove.bind(key.0).bind(search(user))).await?;
    notify_former(change, user, before.as_deref()).await
}

/// Makes an address the confirmed one, and notifies the owner of the previous one.
///
/// The caller has checked that it is not taken.
pub(crate) async fn confirm(
    change: &mut Change<'_>,
    key: UserKey,
    user: &mut User,
    address: &EmailAddress,
    by: AddressSource,
) -> Result<(), AccountsError> {
    let before = user.confirmed_email.replace(address.as_str().to_owned());
    user.email = Some(address.as_str().to_owned());
    end_links(change, key, user).await?;
    let put = sql("UPDATE users SET email = $2, email_by = $4, confirmed_email = $2, confirmed_key = $3, \
                   confirmed_by = $4, search = $5 WHERE key = $1")
    .bind(key.0)
    .bind(address.as_str())
    .bind(address.canonical().as_ref())
    .bind(by.as_str())
    .bind(search(user));
    change.execute(put).await?;
    change.note(Action::AddressConfirmed, user.id.name().as_str(), Some(by.as_str())).await?;
    let former = before.filter(|before| before != address.as_str());
    notify_former(change, user, former.as_deref()).await
}

async fn notify_former(
    change: &mut Change<'_>,
    user: &User,
    address: Option<&str>,
) -> Result<(), AccountsError> {
    if let (true, Some(address)) = (change.notices(), address) {
        outbox::put(change, MailKind::AddressChanged, user.id.name().as_str(), Some(address)).await?;
    }
    Ok(())
}

/// Ends links to other addresses than the confirmed one, sent or queued.
async fn end_links(change: &mut Change<'_>, key: UserKey, user: &User) -> Result<(), AccountsError> {
    let confirmed = user.confirmed_email.as_deref();
    let resets = sql("DELETE FROM resets WHERE user_key = $1 AND ($2 IS NULL OR email <> $2)");
    change.execute(resets.bind(key.0).bind(confirmed)).await?;
    end_confirmations(change, key, user).await
}

async fn end_confirmations(change: &mut Change<'_>, key: UserKey, user: &User) -> Result<(), AccountsError> {
    change.execute(sql("DELETE FROM address_confirmations WHERE user_key = $1").bind(key.0)).await?;
    outbox::forget_links(change, user.id.name().as_str()).await
}

/// Cancels a pending address and its links.
///
/// The pending address itself stays if there is no confirmed one.
pub(crate) async fn end_pending(change: &mut Change<'_>, locked: &LockedUser) -> Result<(), AccountsError> {
    end_confirmations(change, locked.key, &locked.user).await?;
    // Not from `locked`: the transaction may have confirmed an address.
    let end = sql("UPDATE users SET email = confirmed_email, email_by = confirmed_by, search = $2 \
                   WHERE key = $1 AND confirmed_email = $3 AND email <> confirmed_email");
    let user = &locked.user;
    let confirmed = user.confirmed_email.as_deref();
    let text = search_text::of_user(&user.id, user.display_name.as_deref(), confirmed);
    change.execute(end.bind(locked.key.0).bind(text).bind(confirmed)).await.map(drop)
}

/// Ends the confirmation of an address that was set by those whom the reason is about.
///
/// The address stays, unconfirmed.
pub(crate) async fn unconfirm(
    change: &mut Change<'_>,
    locked: &LockedUser,
    reason: AddressEnd,
) -> Result<(), AccountsError> {
    let end = match reason {
        AddressEnd::RightsRaised | AddressEnd::Rebound => {
            sql("UPDATE users SET confirmed_email = NULL, confirmed_key = NULL, confirmed_by = NULL \
             WHERE key = $1 AND confirmed_by IN ('owner', 'other')")
        }
        AddressEnd::PasswordSetByOther => {
            sql("UPDATE users SET confirmed_email = NULL, confirmed_key = NULL, confirmed_by = NULL \
             WHERE key = $1 AND confirmed_by = 'other'")
        }
    };
    if change.execute(end.bind(locked.key.0)).await? > 0 {
        change.note(Action::AddressUnconfirmed, locked.name(), Some(&reason.to_string())).await?;
    }
    Ok(())
}

/// Takes the confirmation from a user's address, by whichever source it was set.
pub(crate) async fn withdraw(
    change: &mut Change<'_>,
    locked: &LockedUser,
    why: &str,
) -> Result<bool, AccountsError> {
    end_links(change, locked.key, &User { confirmed_email: None, ..locked.user.clone() }).await?;
    let end = sql("UPDATE users SET confirmed_email = NULL, confirmed_key = NULL, confirmed_by = NULL \
                   WHERE key = $1 AND confirmed_email IS NOT NULL");
    let there = change.execute(end.bind(locked.key.0)).await? > 0;
    if there {
        change.note(Action::AddressUnconfirmed, locked.name(), Some(why)).await?;
    }
    Ok(there)
}

/// Who set the address that was set last.
pub(crate) async fn source(change: &mut Change<'_>, key: UserKey) -> Result<AddressSource, AccountsError> {
    let row = change.row(sql("SELECT email_by FROM users WHERE key = $1").bind(key.0)).await?;
    row.map_or(Ok(AddressSource::Other), |row| AddressSource::read(&row.text(0)?))
}

/// Whether an address cannot be confirmed for a user.
///
/// Another user has confirmed it, or has it as an id.
///
/// No other transaction confirms it, or creates a user who is called so, before this one ends.
pub(crate) async fn is_taken(
    change: &mut Change<'_>,
    key: UserKey,
    address: &EmailAddress,
) -> Result<bool, AccountsError> {
    let canonical = address.canonical();
    reserve(change, &canonical).await?;
    let name = |text: &str| CanonicalName::parse(text).ok().map(|name| name.as_str().to_owned());
    let taken = sql("SELECT 1 FROM users WHERE confirmed_key = $1 AND key <> $4 UNION ALL \
                     SELECT 1 FROM users WHERE name IN ($2, $3) AND key <> $4 LIMIT 1")
    .bind(canonical.as_ref())
    .bind(name(address.as_str()))
    .bind(name(&canonical))
    .bind(key.0);
    Ok(change.row(taken).await?.is_some())
}

/// Whether a name that is about to be created is the confirmed address of a user.
pub(crate) async fn is_confirmed_by_another(
    change: &mut Change<'_>,
    id: &UserId,
) -> Result<bool, AccountsError> {
    let Ok(address) = EmailAddress::parse(id.as_str()) else { return Ok(false) };
    let canonical = address.canonical();
    reserve(change, &canonical).await?;
    let taken = sql("SELECT 1 FROM users WHERE confirmed_key = $1").bind(canonical.as_ref());
    Ok(change.row(taken).await?.is_some())
}

/// Lets other transactions wait that want to confirm this address.
async fn reserve(change: &mut Change<'_>, canonical: &str) -> Result<(), AccountsError> {
    if change.kind() == SqlDialect::Postgres {
        // SQLite has one writer at a time as it is.
        let alone = sql("SELECT pg_advisory_xact_lock(hashtext('confirmed_email'), hashtext($1))");
        change.execute(alone.bind(canonical)).await?;
    }
    Ok(())
}

fn search(user: &User) -> String {
    search_text::of_user(&user.id, user.display_name.as_deref(), user.email.as_deref())
}

/// Confirms existing non-ASCII addresses at the upgrade.
///
/// Logs those that are not: of several users, or the id of another.
pub(crate) async fn confirm_known(tx: &mut Tx) -> Result<(), AccountsError> {
    let rows = sql("SELECT key, name, email FROM users WHERE email IS NOT NULL AND confirmed_key IS NULL");
    let mut left = Vec::new();
    for row in tx.rows(rows).await? {
        let (key, name, email) = (row.int(0)?, row.text(1)?, row.text(2)?);
        let canonical = EmailAddress::stored(&email).map(|address| address.canonical().into_owned());
        left.push((key, name, canonical.unwrap_or_else(|_| email.clone()), email));
    }
    let mut unconfirmed = Vec::new();
    for (key, name, canonical, email) in &left {
        let is_alone = left.iter().filter(|other| other.2 == *canonical).count() == 1;
        let taken =
            sql("SELECT 1 FROM users WHERE key <> $1 AND (confirmed_key = $2 OR name = $2 OR name = $3)");
        let taken = taken.bind(*key).bind(canonical.as_str()).bind(email.as_str());
        if !is_alone || tx.row(taken).await?.is_some() {
            unconfirmed.push(name.as_str());
            continue;
        }
        let put =
            sql("UPDATE users SET confirmed_email = email, confirmed_key = $2, confirmed_by = 'other' \
                       WHERE key = $1");
        tx.execute(put.bind(*key).bind(canonical.as_str())).await?;
    }
    if !unconfirmed.is_empty() {
        let shown = unconfirmed.iter().take(MOST_LOGGED).copied().collect::<Vec<_>>();
        tracing::warn!(
            count = unconfirmed.len(), users = ?shown,
            "these users share a mail address with others, or have one that is another user's id: it is not confirmed, and \
             neither signs in nor resets a password; occ user:list --unconfirmed lists them"
        );
    }
    Ok(())
}

/// Maximum number of users named in the log.
const MOST_LOGGED: usize = 100;
