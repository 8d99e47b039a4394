//! From a name and a password to a caller.

use std::net::IpAddr;
use std::time::Duration;

use accounts::EXTERNAL_APP;
use accounts::{AccountsError, EmailAddress, GroupId, Permissions, UserId};
use user_backend::clock::now;
use user_backend::{Authenticated, Credentials, LoginName, Outcome};

use super::{App, refusal};

/// What became of a sign-in.
#[derive(Debug)]
pub enum SignIn {
    /// It is this person.
    Welcome(Authenticated, Box<Permissions>),
    /// It is not, or the person may not sign in.
    Refused,
    /// Too many wrong ones before.
    Throttled(Duration),
    /// Who could tell cannot be asked.
    Unavailable(Duration),
}

impl App {
    /// Signs somebody in.
    ///
    /// # Errors
    /// When the store cannot tell.
    ///
    /// # Security
    /// What ended elsewhere (a password, an account) is forgotten before anything remembered is believed. A refusal takes as long as
    /// the setting `refusal_milliseconds` says, whoever was refused.
    ///
    /// # Cancellation
    /// Safe. What was begun goes on, and a failure counts.
    pub async fn sign_in(&self, name: &str, password: &str, from: IpAddr) -> Result<SignIn, AccountsError> {
        self.held_back(self.decide(name, password, from)).await
    }

    /// What became of a sign-in, when somebody may be told.
    pub(super) async fn held_back(
        &self,
        deciding: impl Future<Output = Result<SignIn, AccountsError>>,
    ) -> Result<SignIn, AccountsError> {
        let began = now();
        let answer = deciding.await?;
        if matches!(answer, SignIn::Refused) {
            refusal::hold_back(began, Duration::from_millis(self.settings().refusal_milliseconds)).await;
        }
        Ok(answer)
    }

    pub(super) async fn decide(
        &self,
        name: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<SignIn, AccountsError> {
        // Nobody is named here: how long it takes must not tell who has an account.
        let look = self.accounts().snapshot(None).await?;
        self.inner.follower.catch_up_with(look.epoch).await?;
        let by_email = self.owner_of_address(name).await?;
        let name = by_email.as_ref().map_or(name, UserId::as_str);
        let external = look.app(EXTERNAL_APP).unwrap_or(true);
        let resolver = if external { &self.inner.resolver } else { &self.inner.local_only };
        let answer = resolver.authenticate(Credentials::new(name, password).from_source(from)).await;
        let proof = match answer.outcome {
            Outcome::Authenticated(proof) => proof,
            Outcome::Refused(_) => return Ok(SignIn::Refused),
            Outcome::Throttled { retry_after } => return Ok(SignIn::Throttled(retry_after)),
            Outcome::Unavailable { retry_after } => return Ok(SignIn::Unavailable(retry_after)),
        };
        let Some(standing) = self.standing_of(&proof).await? else { return Ok(SignIn::Refused) };
        if !standing.user.enabled || standing.user.backend != *proof.backend() {
            tracing::info!(target: "audit", user = ?standing.user.id, "refused: disabled, or somebody else's account");
            return Ok(SignIn::Refused);
        }
        self.note(&standing).await;
        Ok(SignIn::Welcome(proof, Box::new(standing)))
    }

    /// The account of somebody who was accepted. People of other backends get theirs at their first sign-in.
    async fn standing_of(&self, proof: &Authenticated) -> Result<Option<Permissions>, AccountsError> {
        let users = self.accounts().users();
        let id = UserId::from_canonical(proof.name().clone());
        match users.permissions(&id).await {
            Err(AccountsError::NotFound { .. }) if proof.backend().as_str() != accounts::LOCAL_BACKEND => {}
            // Deleted a moment ago.
            Err(AccountsError::NotFound { .. }) => return Ok(None),
            other => return other.map(Some),
        }
        let groups = proof.identity().groups().filter_map(|group| GroupId::parse(group).ok());
        match users.remember(proof.name(), proof.backend(), groups.collect::<Vec<_>>()).await {
            Ok(_) => users.permissions(&id).await.map(Some),
            Err(AccountsError::AlreadyExists { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes when somebody signed in; a store that cannot be written keeps nobody out.
    async fn note(&self, standing: &Permissions) {
        let user = &standing.user;
        if let Err(error) = self.accounts().users().signed_in(user).await {
            tracing::warn!(%error, "a sign-in could not be noted");
        }
    }

    /// The local user to whom a mail address belongs that was typed instead of a name.
    async fn owner_of_address(&self, typed: &str) -> Result<Option<UserId>, AccountsError> {
        let wanted = self.settings().login_by_email.unwrap_or_else(|| !self.has_external());
        if !wanted || !typed.contains('@') {
            return Ok(None);
        }
        let (Ok(name), Ok(address)) = (LoginName::parse(typed), EmailAddress::parse(typed)) else {
            return Ok(None);
        };
        let id = UserId::from_canonical(name.canonical().clone());
        if self.accounts().users().find(&id).await?.is_some() {
            return Ok(None);
        }
        let owners = self.accounts().users().by_email(&address).await?;
        // An address of two people is nobody's.
        Ok(match owners.as_slice() {
            [owner] if owner.is_local() => Some(owner.id.clone()),
            _ => None,
        })
    }
}
