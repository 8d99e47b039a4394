//! Pins: the library's [`PinStore`] on this store.

use async_trait::async_trait;
use user_backend::resolver::{PinError, PinOwner, PinStore};
use user_backend::{BackendId, CanonicalName};

use crate::domain::{AccountsError, Action, BANNED, LOCAL_BACKEND, Timestamp, UserId};
use crate::store::change::{Change, LockedUser};
use crate::store::credential_epoch;
use crate::store::credentials_end::{self, CredentialEnd, end_all};
use crate::store::engine::{Row, each, sql};
use crate::store::handle::{ActingStore, table};
use crate::store::rights::Right;

/// A name and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pin {
    /// Whose name it is.
    pub name: CanonicalName,
    /// The backend that alone may answer for it.
    pub backend: BackendId,
    /// Since when.
    pub since: Timestamp,
}

table! {
    /// The pins.
    ///
    /// [`Accounts::pin_store`] gives the resolver a handle that lasts.
    Pins, PinsMut
}

impl Pins<'_> {
    /// The owner of a name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn owner(self, name: &CanonicalName) -> Result<Option<PinOwner>, AccountsError> {
        let query = sql("SELECT backend, spelling FROM pins WHERE name = $1").bind(name.as_str());
        let row = self.0.db().row(query).await?;
        row.map(|row| Ok(PinOwner::new(backend(&row.text(0)?)?, row.text_or_null(1)?))).transpose()
    }
}

impl Pins<'_> {
    /// Whether the account of a name is in a group; `None` when there is no such account.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_member(self, name: &CanonicalName, group: &str) -> Result<Option<bool>, AccountsError> {
        let query = sql(
            "SELECT (SELECT COUNT(*) FROM members JOIN groups ON groups.key = members.group_key \
                         WHERE members.user_key = users.key AND groups.id = $2) FROM users WHERE users.name = $1",
        );
        let row = self.0.db().row(query.bind(name.as_str()).bind(group)).await?;
        row.map(|row| Ok(row.count(0)? > 0)).transpose()
    }
}

impl PinsMut<'_> {
    /// Makes `backend` the owner if there is none, atomically; returns the current owner.
    ///
    /// A spelling is stored unless one is stored already.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn bind(
        self,
        name: &CanonicalName,
        backend: &BackendId,
        spelling: Option<&str>,
    ) -> Result<PinOwner, AccountsError> {
        // Nearly every name has an owner already, and reading waits for no lock.
        let before = self.owner(name).await?;
        let is_new = before.is_none();
        let may_spell =
            |owner: &PinOwner| owner.backend == *backend && owner.spelling.is_none() && spelling.is_some();
        if let Some(owner) = before.filter(|owner| !may_spell(owner)) {
            return Ok(owner);
        }
        let mut change = self.0.change().await?;
        if is_new {
            let bind = sql("INSERT INTO pins (name, backend, since, spelling) VALUES ($1, $2, $3, $4) \
                            ON CONFLICT (name) DO NOTHING");
            let bind = bind.bind(name.as_str()).bind(backend.as_str()).bind(self.0.now().millis());
            if change.execute(bind.bind(spelling)).await? > 0 {
                take_over(&mut change, name, backend).await?;
            }
        } else {
            let spell = sql("UPDATE pins SET spelling = $3 WHERE name = $1 AND backend = $2 \
                             AND spelling IS NULL");
            change.execute(spell.bind(name.as_str()).bind(backend.as_str()).bind(spelling)).await?;
        }
        change.commit().await?;
        let owner = self.owner(name).await?;
        owner.ok_or_else(|| AccountsError::unavailable("a pin came and went at the same time"))
    }

    /// Binds a name to another backend, or to none, and returns the previous owner.
    ///
    /// Earlier proofs are invalid, and the user's record, if there is one, says the new
    /// backend. A user who leaves this store's own backend loses the local password.
    ///
    /// # Security
    /// The name may be another person's at the new owner, so everything that the account was
    /// opened with ends: sessions, app passwords, service tokens, links, and the confirmation of a
    /// mail address that no administrator set.
    ///
    /// A name without an owner goes to the first backend that accepts it, with everything the user
    /// has and may do. For an administrator, name the new owner instead.
    ///
    /// # Errors
    /// When it could not be written; nothing is changed then.
    pub async fn rebind(
        self,
        name: &CanonicalName,
        owner: Option<&BackendId>,
    ) -> Result<Option<BackendId>, AccountsError> {
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        let before = change.row(sql("SELECT backend FROM pins WHERE name = $1").bind(name.as_str())).await?;
        let before = before.map(|row| backend(&row.text(0)?)).transpose()?;
        if before.as_ref() == owner {
            return Ok(before);
        }
        match owner {
            Some(owner) => {
                let put = sql(
                    "INSERT INTO pins (name, backend, since) VALUES ($1, $2, $3) ON CONFLICT (name) \
                               DO UPDATE SET backend = excluded.backend, since = excluded.since, spelling = NULL",
                );
                let put = put.bind(name.as_str()).bind(owner.as_str()).bind(self.0.now().millis());
                change.execute(put).await?;
            }
            None => {
                change.execute(sql("DELETE FROM pins WHERE name = $1").bind(name.as_str())).await?;
            }
        }
        match change.lock_user(&UserId::from_canonical(name.clone())).await {
            Ok(locked) => {
                if let Some(owner) = owner {
                    give(&mut change, &locked, owner).await?;
                }
                end_all(&mut change, &locked, CredentialEnd::Rebound).await?;
            }
            Err(AccountsError::NotFound { .. }) => {
                credential_epoch::bump(&mut change, name).await?;
            }
            Err(error) => return Err(error),
        }
        let new_owner = owner.map_or("nobody", BackendId::as_str);
        change.note(Action::PinChanged, name.as_str(), Some(new_owner)).await?;
        change.commit().await?;
        Ok(before)
    }
}

impl Pins<'_> {
    /// The pins after `after` in the order of names, at most `limit`.
    ///
    /// Of one backend only when one is named.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(
        self,
        of: Option<&BackendId>,
        after: Option<&CanonicalName>,
        limit: u32,
    ) -> Result<Vec<Pin>, AccountsError> {
        let kind = self.0.db().kind();
        let mut query = sql("SELECT name, backend, since FROM pins WHERE name > ");
        query = query.push_bind(kind, after.map_or("", CanonicalName::as_str));
        if let Some(backend) = of {
            query = query.push(kind, " AND backend = ").push_bind(kind, backend.as_str());
        }
        query = query.push(kind, " ORDER BY name LIMIT ").push_bind(kind, i64::from(limit));
        let rows = self.0.db().rows(query).await?;
        rows.iter().map(|row| pin(row, 0)).collect()
    }

    /// The pin of a name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(self, name: &CanonicalName) -> Result<Option<Pin>, AccountsError> {
        let query = sql("SELECT name, backend, since FROM pins WHERE name = $1").bind(name.as_str());
        self.0.db().row(query).await?.map(|row| pin(&row, 0)).transpose()
    }

    /// Addresses whose local part is a name of another backend.
    ///
    /// Each with (pin of the address, pin of the bare name). After `after` in the order of
    /// addresses, at most `limit`.
    ///
    /// Typed without the domain, the name means the second one only.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn ambiguous(
        self,
        after: Option<&CanonicalName>,
        limit: u32,
    ) -> Result<Vec<(Pin, Pin)>, AccountsError> {
        let query = each(
            "SELECT a.name, a.backend, a.since, b.name, b.backend, b.since FROM pins a JOIN pins b \
             ON b.name = substr(a.name, 1, instr(a.name, '@') - 1) \
             WHERE a.name > $1 AND instr(a.name, '@') > 1 AND a.backend <> b.backend ORDER BY a.name LIMIT $2",
            "SELECT a.name, a.backend, a.since, b.name, b.backend, b.since FROM pins a JOIN pins b \
             ON b.name = split_part(a.name, '@', 1) \
             WHERE a.name > $1 AND strpos(a.name, '@') > 1 AND a.backend <> b.backend ORDER BY a.name LIMIT $2",
        );
        let query = query.bind(after.map_or("", CanonicalName::as_str)).bind(i64::from(limit));
        let rows = self.0.db().rows(query).await?;
        rows.iter().map(|row| Ok((pin(row, 0)?, pin(row, 3)?))).collect()
    }

    /// How many names have an owner.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn count(self) -> Result<u64, AccountsError> {
        let row = self.0.db().row(sql("SELECT COUNT(*) FROM pins")).await?;
        Ok(row.map(|row| row.count(0)).transpose()?.unwrap_or_default())
    }
}

/// Gives an account without a pin to the backend that accepted its name.
///
/// What was made since the pin was taken away is not the new owner's either.
async fn take_over(
    change: &mut Change<'_>,
    name: &CanonicalName,
    backend: &BackendId,
) -> Result<(), AccountsError> {
    let locked = match change.lock_user(&UserId::from_canonical(name.clone())).await {
        Ok(locked) if locked.user.backend != *backend => locked,
        Ok(_) | Err(AccountsError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    give(change, &locked, backend).await?;
    // An end of credentials would refuse the very sign-in that binds the name, so not without need.
    if credentials_end::are_left(change, &locked).await? {
        end_all(change, &locked, CredentialEnd::Rebound).await?;
    }
    Ok(())
}

/// Writes down the backend of an account; the local password is deleted.
///
/// The only place that changes the backend of an account.
async fn give(
    change: &mut Change<'_>,
    locked: &LockedUser,
    backend: &BackendId,
) -> Result<(), AccountsError> {
    let moved = sql("UPDATE users SET backend = $2 WHERE key = $1");
    change.execute(moved.bind(locked.key.0).bind(backend.as_str())).await?;
    let forget = sql("DELETE FROM passwords WHERE user_key = $1");
    change.execute(forget.bind(locked.key.0)).await.map(drop)
}

/// Makes a backend the owner of a name, which it spells in this way if that is known.
///
/// Returns whether it is the owner.
pub(crate) async fn claim(
    change: &mut Change<'_>,
    name: &CanonicalName,
    backend: &str,
    spelling: Option<&str>,
) -> Result<bool, AccountsError> {
    let pin = sql("INSERT INTO pins (name, backend, since, spelling) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (name) DO NOTHING");
    let now = change.now().millis();
    if change.execute(pin.bind(name.as_str()).bind(backend).bind(now).bind(spelling)).await? > 0 {
        return Ok(true);
    }
    let owner = change.row(sql("SELECT backend FROM pins WHERE name = $1").bind(name.as_str())).await?;
    let owner = owner.map(|row| row.text(0)).transpose()?;
    Ok(owner.as_deref() == Some(backend))
}

/// Whether a name is banned.
pub(crate) async fn is_banned(change: &mut Change<'_>, name: &CanonicalName) -> Result<bool, AccountsError> {
    let banned = sql("SELECT 1 FROM pins WHERE name = $1 AND backend = $2").bind(name.as_str()).bind(BANNED);
    Ok(change.row(banned).await?.is_some())
}

/// A pin from the columns name, backend and since, which begin at `at`.
fn pin(row: &Row, at: usize) -> Result<Pin, AccountsError> {
    let name = CanonicalName::parse(&row.text(at)?)
        .map_err(|_| AccountsError::unreadable("a pin has no valid name"))?;
    let since = Timestamp::from_millis(row.int(at + 2)?);
    Ok(Pin { name, backend: backend(&row.text(at + 1)?)?, since })
}

fn backend(id: &str) -> Result<BackendId, AccountsError> {
    BackendId::parse(id).map_err(|_| AccountsError::unreadable("a pin's backend has no valid id"))
}

/// A banned name belongs to this store, which has no such user.
///
/// It is refused as an unknown one is, and no other server is asked. The resolver takes a backend
/// that it does not have for an outage.
fn without_ban(owner: PinOwner) -> PinOwner {
    match BackendId::parse(LOCAL_BACKEND) {
        Ok(local) if owner.backend.as_str() == BANNED => PinOwner::new(local, None),
        _ => owner,
    }
}

/// The pins as the resolver reads them.
#[derive(Clone, Debug)]
pub struct StoredPins(pub(crate) ActingStore);

#[async_trait]
impl PinStore for StoredPins {
    async fn owner(&self, name: &CanonicalName) -> Result<Option<PinOwner>, PinError> {
        Pins(&self.0).owner(name).await.map(|owner| owner.map(without_ban)).map_err(PinError::new)
    }

    async fn bind(
        &self,
        name: &CanonicalName,
        backend: &BackendId,
        spelling: Option<&str>,
    ) -> Result<PinOwner, PinError> {
        PinsMut::new(&self.0).bind(name, backend, spelling).await.map(without_ban).map_err(PinError::new)
    }

    async fn is_member(&self, name: &CanonicalName, group: &str) -> Result<Option<bool>, PinError> {
        Pins(&self.0).is_member(name, group).await.map_err(PinError::new)
    }

    async fn rebind(
        &self,
        name: &CanonicalName,
        backend: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError> {
        PinsMut::new(&self.0).rebind(name, backend).await.map_err(PinError::new)
    }
}
