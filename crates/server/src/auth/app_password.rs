//! App passwords: what a device or a program signs in with instead of its owner's password.
//!
//! They are looked up before the resolver, so no backend, delay, lock, budget or circuit breaker is involved: one works while
//! the mail server is down and after a restart, and its use says nothing about guesses at the password. A secret of this
//! server's own that opens nothing (wiped, expired, of another user) is refused here and never sent to a backend.

use std::net::IpAddr;
use std::time::Duration;

use accounts::{AccountsError, TokenHash, UserId};
use user_backend::LoginName;
use user_backend::brute_force::{FailedLoginObserver, SourceNet};

use super::app_password_memory::Remembered;
use super::proof::{Accepted, Proof, UsedAppPassword};
use super::token_shape::is_token_shaped;
use crate::state::AppState;

/// A use so soon after the one on record is not written down.
const USE_RESOLUTION: Duration = Duration::from_secs(60);

/// What a secret turned out to be.
pub(super) enum Lookup {
    /// No app password of this server: it may be a password.
    NotOurs,
    /// An app password that opens nothing here.
    Refused,
    /// A valid one, and the account of its owner.
    Accepted(Box<Accepted>),
}

impl AppState {
    /// Looks an app password up. `name` is what was typed with it; a `Bearer` token comes without one.
    ///
    /// # Errors
    /// When the store cannot be read. The secret may be an app password then, so it must not go on.
    pub(super) async fn look_up_app_password(
        &self,
        name: Option<&str>,
        secret: &str,
        from: IpAddr,
    ) -> Result<Lookup, AccountsError> {
        if !is_token_shaped(secret) {
            return Ok(Lookup::NotOurs);
        }
        let (token, memory) = (TokenHash::of(secret), &self.inner.app_passwords);
        // Read before the row: what ends in between is not remembered under the new epoch.
        let epoch = self.accounts().snapshot(None).await?.epoch;
        let remembered = memory.get(&token, epoch);
        let is_new = remembered.is_none();
        let found = match remembered {
            Some(found) => found,
            None => {
                let found = self.accounts().app_passwords().find(&token).await?;
                let Some((user, row)) = found else { return Ok(Lookup::NotOurs) };
                Remembered { epoch, owner: user.id, row }
            }
        };
        let Remembered { owner, mut row, .. } = found;
        let now = self.accounts().now();
        let is_owner = match name {
            Some(name) => self.is_name_of(name, &owner).await?,
            None => true,
        };
        if !is_owner {
            return Ok(Lookup::Refused);
        }
        let look = self.accounts().snapshot(Some(owner.name())).await?;
        let Some(standing) = look.permissions() else { return Ok(Lookup::Refused) };
        // Also for a remembered one: its end and its networks change nothing that memory would notice.
        let refusal = row.refusal(&standing.user, Some(from), now);
        if refusal.is_some() || !self.is_served(&standing.user, &look) {
            return Ok(Lookup::Refused);
        }
        // A store that cannot be written keeps no device out.
        if let Err(error) = self.accounts().app_passwords().used(&row, Some(from)).await {
            tracing::warn!(%error, "the use of an app password could not be noted");
        }
        // What automation does is no sign-in of its owner.
        if row.service.is_none()
            && let Err(error) = self.accounts().users().signed_in_without_password(&standing.user).await
        {
            tracing::warn!(%error, "a sign-in could not be noted");
        }
        let noted_before = row.last_used.filter(|at| *at <= now && at.after(USE_RESOLUTION) > now);
        row.last_used = noted_before.or(Some(now));
        if is_new || noted_before.is_none() {
            memory.put(token, Remembered { epoch, owner, row: row.clone() });
        }
        let service = row.service.clone();
        let used = UsedAppPassword { token, row };
        let proof = match service {
            Some(service) => Proof::ServiceToken(used, service),
            None => Proof::AppPassword(used),
        };
        Ok(Lookup::Accepted(Box::new(Accepted { proof, standing })))
    }

    /// Whether a typed name is that of a user.
    async fn is_name_of(&self, typed: &str, owner: &UserId) -> Result<bool, AccountsError> {
        if LoginName::parse(typed).is_ok_and(|name| name.canonical() == owner.name()) {
            return Ok(true);
        }
        Ok(self.owner_of_address(typed).await?.is_some_and(|id| id == *owner))
    }

    /// Counts the refusal of an app password against its source, as the resolver counts that of a password.
    pub(super) fn count_refused_app_password(&self, name: Option<&str>, from: IpAddr) {
        tracing::info!(
            target: "audit", user = ?name.unwrap_or("-"), source = %from, reason = "app_password",
            "failed sign-in: the app password or service token is wiped, expired, unknown, not of this user, or not for this address"
        );
        let place = SourceNet::of(from);
        self.inner.resolver.count_failure(place, Duration::ZERO);
        self.inner.failed_logins.source_failed(place);
    }
}
