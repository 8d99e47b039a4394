//! App passwords: sign-in credentials of devices and programs.
//!
//! They replace the owner's password there.
//!
//! They are looked up before the resolver, so no backend, delay, lock, budget or circuit breaker is
//! involved: one works while the mail server is down and after a restart, and its use says nothing
//! about guesses at the password. A secret of this server's own that opens nothing (ended, wiped,
//! expired, of another user) is refused here and never sent to a backend.

use std::net::IpAddr;
use std::time::Duration;

use accounts::{AccountsError, AppPassword, CredentialEpoch, Permissions, Snapshot, TokenHash, UserId};
use user_backend::LoginName;
use user_backend::brute_force::{Certainty, FailedLoginObserver, SourceNet};

use super::app_password_memory::Remembered;
use super::proof::{Accepted, Proof, UsedAppPassword};
use super::token_shape::is_token_shaped;
use crate::state::AppState;

/// A use within this time after the recorded one is not recorded.
const USE_RESOLUTION: Duration = Duration::from_secs(60);

/// The result of looking up a secret.
pub(super) enum Lookup {
    /// No app password of this server: it may be a password.
    NotOurs,
    /// It was one and has ended, so it is no guess at anything.
    Ended,
    /// An app password that opens nothing here.
    Refused,
    /// A valid one, and the account of its owner.
    Accepted(Box<Accepted>),
}

/// An app password that exists, whether it is accepted or not.
struct FoundAppPassword {
    /// The epoch before it was read.
    epoch: CredentialEpoch,
    /// The owner, read with the epoch or after it.
    look: Snapshot,
    owner: UserId,
    row: AppPassword,
    /// Whether it came from the store and not from memory.
    is_new: bool,
}

fn proof(token: TokenHash, row: AppPassword) -> Proof {
    let service = row.service.clone();
    let used = UsedAppPassword { token, row };
    match service {
        Some(service) => Proof::ServiceToken(used, service),
        None => Proof::AppPassword(used),
    }
}

impl AppState {
    /// Looks an app password up.
    ///
    /// `name` is what was typed with it; a `Bearer` token comes without one.
    ///
    /// # Errors
    /// When the store cannot be read. The secret may be an app password then, so it must not go on.
    pub(super) async fn look_up_app_password(
        &self,
        name: Option<&str>,
        secret: &str,
        from: Option<IpAddr>,
    ) -> Result<Lookup, AccountsError> {
        if !is_token_shaped(secret) {
            return Ok(Lookup::NotOurs);
        }
        let token = TokenHash::of(secret);
        let Some(FoundAppPassword { epoch, look, owner, mut row, is_new }) =
            self.find_app_password(token).await?
        else {
            // In this order: one that ends in between is found here.
            let has_ended = self.accounts().app_passwords().has_ended(&token).await?;
            return Ok(if has_ended { Lookup::Ended } else { Lookup::NotOurs });
        };
        let now = self.accounts().now();
        let is_owner = match name {
            Some(name) => self.is_name_of(name, &owner).await?,
            None => true,
        };
        // Also for a remembered one: its end and its networks change nothing that memory would
        // notice.
        let Some(standing) = self.accepted_owner(&row, &look, from).filter(|_| is_owner) else {
            return Ok(Lookup::Refused);
        };
        // A store that cannot be written keeps no device out.
        if let Err(error) = self.accounts().as_system().app_passwords().used(&row, from).await {
            tracing::warn!(%error, "the use of an app password could not be noted");
        }
        // What automation does is no sign-in of its owner.
        if row.service.is_none()
            && let Err(error) =
                self.accounts().as_system().users().signed_in_without_password(&standing.user).await
        {
            tracing::warn!(%error, "a sign-in could not be noted");
        }
        let noted_before = row.last_used.filter(|at| *at <= now && at.after(USE_RESOLUTION) > now);
        row.last_used = noted_before.or(Some(now));
        if is_new || noted_before.is_none() {
            self.inner.app_passwords.put(token, Remembered { epoch, owner, row: row.clone() });
        }
        Ok(Lookup::Accepted(Box::new(Accepted { proof: proof(token, row), standing })))
    }

    /// Looks up a credential again after the request signed in; `None` when it has ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn still_valid_token(
        &self,
        used: &UsedAppPassword,
        from: IpAddr,
    ) -> Result<Option<Accepted>, AccountsError> {
        let Some(found) = self.find_app_password(used.token).await? else { return Ok(None) };
        let standing = self.accepted_owner(&found.row, &found.look, Some(from));
        Ok(standing.map(|standing| Accepted { proof: proof(used.token, found.row), standing }))
    }

    /// Finds an app password, in memory or in the store, and its owner as they are now.
    async fn find_app_password(&self, token: TokenHash) -> Result<Option<FoundAppPassword>, AccountsError> {
        let remembered = self.inner.app_passwords.get(&token);
        // Read before the row: what ends in between is not remembered under the new epoch.
        let look = self.accounts().snapshot(remembered.as_ref().map(|found| found.owner.name())).await?;
        let epoch = look.epoch;
        if let Some(Remembered { owner, row, .. }) = remembered.filter(|found| found.epoch == epoch) {
            return Ok(Some(FoundAppPassword { epoch, look, owner, row, is_new: false }));
        }
        let Some((user, row)) = self.accounts().app_passwords().find(&token).await? else { return Ok(None) };
        let look = self.accounts().snapshot(Some(user.id.name())).await?;
        Ok(Some(FoundAppPassword { epoch, look, owner: user.id, row, is_new: true }))
    }

    /// What the owner of an app password may do, if it is accepted from there now.
    fn accepted_owner(
        &self,
        row: &AppPassword,
        look: &Snapshot,
        from: Option<IpAddr>,
    ) -> Option<Permissions> {
        let standing = look.permissions()?;
        let refusal = row.refusal(&standing.user, from, self.accounts().now());
        (refusal.is_none() && self.is_served(&standing.user, look)).then_some(standing)
    }

    /// Whether a typed name is that of a user.
    async fn is_name_of(&self, typed: &str, owner: &UserId) -> Result<bool, AccountsError> {
        let Ok(name) = LoginName::parse(typed) else { return Ok(false) };
        if name.canonical() == owner.name() {
            return Ok(true);
        }
        // As the owner types it for the password, such as without the domain; but not the id of
        // another account.
        if self.resolver().names_of(typed).contains(owner.name()) {
            let id = UserId::from_canonical(name.canonical().clone());
            return Ok(self.accounts().users().find(&id).await?.is_none());
        }
        Ok(self.owner_of_address(typed).await?.is_some_and(|id| id == *owner))
    }

    /// Counts a refused app password against its source, like a refused password.
    pub(super) fn count_refused_app_password(&self, from: IpAddr) {
        let place = SourceNet::of(from);
        self.inner.resolver.count_failure(place, Certainty::Wrong, Duration::ZERO);
        self.inner.failed_logins.source_failed(place, Certainty::Wrong);
    }
}
