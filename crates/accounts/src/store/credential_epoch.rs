//! A counter that increases with every end of credentials, in the same transaction.
//!
//! On PostgreSQL it is a row, not a sequence: a sequence hands out numbers before the commit, and a
//! reader could see the larger number first.

use user_backend::CanonicalName;

use crate::domain::{AccountsError, CredentialEpoch};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::{each, sql};
use crate::store::handle::table;
use crate::store::proven_credentials;
use crate::store::rights::Right;
use crate::store::users::addresses;
use crate::store::users::row::UserKey;

/// How many ended credentials are kept by name.
pub(crate) const KEPT: i64 = 1000;

/// Number of epochs after which old rows are deleted.
const SWEEP: i64 = 64;

table! {
    /// The credential epoch; see the [module](self).
    CredentialEpochs, CredentialEpochsMut
}

impl CredentialEpochs<'_> {
    /// The epoch now: one row is read.
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] when the store cannot be read: nothing remembered may be
    /// believed then.
    pub async fn current(self) -> Result<CredentialEpoch, AccountsError> {
        let row = self.0.db().row(sql("SELECT value FROM credential_epoch WHERE id = 1")).await?;
        let value = row.map(|row| row.int(0)).transpose()?;
        value
            .map(CredentialEpoch::stored)
            .ok_or_else(|| AccountsError::unreadable("the credential epoch is missing"))
    }
}

impl CredentialEpochsMut<'_> {
    /// Makes every process forget one name.
    ///
    /// No credential ends.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn forget(self, name: &CanonicalName) -> Result<CredentialEpoch, AccountsError> {
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        let now = bump(&mut change, name).await?;
        change.commit().await?;
        Ok(now)
    }

    /// Lets every process forget everything it remembers.
    ///
    /// No credential ends.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn forget_all(self) -> Result<CredentialEpoch, AccountsError> {
        let mut change = self.0.change().await?;
        // A reader that is further behind has to forget everything.
        let jump = sql("UPDATE credential_epoch SET value = value + $1 WHERE id = 1 RETURNING value");
        let row = change.row(jump.bind(KEPT + 1)).await?;
        let value = row.map(|row| row.int(0)).transpose()?;
        let value = value.ok_or_else(|| AccountsError::unreadable("the credential epoch is missing"))?;
        change.commit().await?;
        Ok(CredentialEpoch::stored(value))
    }
}

/// Ends what was proved before now for one name, in the caller's transaction.
///
/// Returns the new epoch.
pub(crate) async fn bump(
    change: &mut Change<'_>,
    name: &CanonicalName,
) -> Result<CredentialEpoch, AccountsError> {
    let (epoch, now) = (next(change).await?, change.now());
    proven_credentials::forget(change, name).await?;
    let event = sql("INSERT INTO credential_events (epoch, name, at, ends_password) VALUES ($1, $2, $3, 1)");
    change.execute(event.bind(epoch.number()).bind(name.as_str()).bind(now.millis())).await?;
    Ok(epoch)
}

/// Raises the epoch, in the caller's transaction.
pub(crate) async fn next(change: &mut Change<'_>) -> Result<CredentialEpoch, AccountsError> {
    let row =
        change.row(sql("UPDATE credential_epoch SET value = value + 1 WHERE id = 1 RETURNING value")).await?;
    let value = row.map(|row| row.int(0)).transpose()?;
    let value = value.ok_or_else(|| AccountsError::unreadable("the credential epoch is missing"))?;
    if value % SWEEP == 0 {
        purge(change, value).await?;
    }
    Ok(CredentialEpoch::stored(value))
}

/// Raises the epoch several times, in the caller's transaction; returns what it was before.
pub(crate) async fn next_many(change: &mut Change<'_>, number: i64) -> Result<i64, AccountsError> {
    let raise = sql("UPDATE credential_epoch SET value = value + $1 WHERE id = 1 RETURNING value");
    let row = change.row(raise.bind(number)).await?;
    let value = row.map(|row| row.int(0)).transpose()?;
    let value = value.ok_or_else(|| AccountsError::unreadable("the credential epoch is missing"))?;
    let last_sweep = value - value % SWEEP;
    if last_sweep > value - number {
        purge(change, last_sweep).await?;
    }
    Ok(value - number)
}

/// Deletes events that every reader is past.
///
/// The database raises the epoch by itself where app passwords end.
pub(crate) async fn purge_passed(change: &mut Change<'_>) -> Result<(), AccountsError> {
    let now = locked(change).await?;
    purge(change, now.number()).await
}

async fn purge(change: &mut Change<'_>, now: i64) -> Result<(), AccountsError> {
    // The margin lets a reader finish that began when they were still wanted.
    let old = now - 2 * KEPT;
    change.execute(sql("DELETE FROM credential_events WHERE epoch <= $1").bind(old)).await?;
    change.execute(sql("DELETE FROM unblocked_sources WHERE epoch <= $1").bind(old)).await?;
    Ok(())
}

/// The epoch, locked against other transactions until the caller's transaction ends.
pub(crate) async fn locked(change: &mut Change<'_>) -> Result<CredentialEpoch, AccountsError> {
    // SQLite has one writer at a time as it is.
    let look = each(
        "SELECT value FROM credential_epoch WHERE id = 1",
        "SELECT value FROM credential_epoch WHERE id = 1 FOR SHARE",
    );
    let row = change.row(look).await?;
    let value = row.map(|row| row.int(0)).transpose()?;
    value
        .map(CredentialEpoch::stored)
        .ok_or_else(|| AccountsError::unreadable("the credential epoch is missing"))
}

/// Ends the user's sessions, reset links, login flows and pending mail address.
///
/// All processes forget what they remember of the user's credentials.
pub(crate) async fn end_credentials(
    change: &mut Change<'_>,
    locked: &LockedUser,
) -> Result<(), AccountsError> {
    let key = locked.key.0;
    addresses::end_pending(change, locked).await?;
    change.execute(sql("DELETE FROM sessions WHERE user_key = $1").bind(key)).await?;
    change.execute(sql("DELETE FROM resets WHERE user_key = $1").bind(key)).await?;
    change.execute(sql("DELETE FROM login_flows WHERE user_key = $1").bind(key)).await?;
    let epoch = bump(change, locked.user.id.name()).await?;
    stamp(change, locked.key, epoch).await
}

/// Writes down when the user's credentials ended last.
pub(crate) async fn stamp(
    change: &mut Change<'_>,
    key: UserKey,
    epoch: CredentialEpoch,
) -> Result<(), AccountsError> {
    let stamp = sql("UPDATE users SET credential_epoch = $2 WHERE key = $1");
    change.execute(stamp.bind(key.0).bind(epoch.number())).await?;
    Ok(())
}
