//! From a name and a password to a caller.

use std::net::IpAddr;
use std::time::Duration;

use accounts::{AccountsError, EXTERNAL_APP, EmailAddress, GroupId, Permissions, UserId};
use user_backend::clock::{Instant, now};
use user_backend::{Authenticated, Credentials, LoginName, Outcome, Rejection};

use super::app_password::Lookup;
use super::login_delay::delay_failure;
use super::proof::{Accepted, Proof};
use super::sign_in_log::{Failed, Frontend, Unanswered};
use crate::state::AppState;

/// What became of a sign-in: accepted, or the resolver's outcome. An accepted password of an account that may not sign in
/// is a refusal.
pub type SignIn = Result<Accepted, Outcome>;

/// Which secrets a sign-in takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// The user's password only: an app password is for programs and opens no page.
    Password,
    /// The user's password, or one of their app passwords.
    AppPassword,
    /// The same, or one of their service tokens: only where the scopes are looked at afterwards.
    ServiceToken,
}

impl Accepts {
    fn frontend(self) -> Frontend {
        match self {
            Self::Password => Frontend::Page,
            Self::AppPassword => Frontend::Check,
            Self::ServiceToken => Frontend::Basic,
        }
    }

    fn take(self, proof: &Proof) -> bool {
        match proof {
            Proof::AppPassword(_) => self != Self::Password,
            Proof::ServiceToken(..) => self == Self::ServiceToken,
            Proof::Password(_) | Proof::Session(_) => true,
        }
    }
}

impl AppState {
    /// Decides a sign-in.
    ///
    /// # Errors
    /// When the store cannot tell.
    ///
    /// # Security
    /// What ended elsewhere (a password, an account) is forgotten before anything remembered is believed. A refusal takes as long as
    /// the setting `refusal_milliseconds` says, whatever was refused.
    ///
    /// # Cancellation
    /// Safe. What was begun goes on, and a failure counts.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        from: IpAddr,
        accepts: Accepts,
    ) -> Result<SignIn, AccountsError> {
        let began = now();
        let unanswered = Unanswered::new(self, Some(name), from, accepts.frontend());
        let decided = match self.look_up_app_password(Some(name), password, from).await? {
            Lookup::NotOurs => self.decide(name, password, from, accepts.frontend()).await?,
            Lookup::Accepted(accepted) if accepts.take(&accepted.proof) => Ok(*accepted),
            Lookup::Accepted(_) | Lookup::Refused => {
                Err(self.refuse_app_password(Some(name), from, accepts.frontend()).await)
            }
        };
        // From here on the log has what became of it.
        unanswered.answered();
        self.delay_refusal(began, &decided).await;
        Ok(decided)
    }

    /// Decides a sign-in with an app password alone, as `Authorization: Bearer` brings it.
    ///
    /// # Errors
    /// When the store cannot tell.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn sign_in_with_token(&self, token: &str, from: IpAddr) -> Result<SignIn, AccountsError> {
        let began = now();
        let unanswered = Unanswered::new(self, None, from, Frontend::Bearer);
        let decided = match self.look_up_app_password(None, token, from).await? {
            Lookup::Accepted(accepted) => Ok(*accepted),
            Lookup::NotOurs | Lookup::Refused => {
                Err(self.refuse_app_password(None, from, Frontend::Bearer).await)
            }
        };
        // From here on the log has what became of it.
        unanswered.answered();
        self.delay_refusal(began, &decided).await;
        Ok(decided)
    }

    async fn refuse_app_password(&self, name: Option<&str>, from: IpAddr, frontend: Frontend) -> Outcome {
        self.count_refused_app_password(from);
        self.log_failed_sign_in(name, from, frontend, Failed::app_password()).await;
        Outcome::Refused(Rejection::BadCredentials)
    }

    async fn delay_refusal(&self, began: Instant, decided: &SignIn) {
        if matches!(decided, Err(Outcome::Refused(_))) {
            delay_failure(began, Duration::from_millis(self.settings().refusal_milliseconds)).await;
        }
    }

    async fn decide(
        &self,
        name: &str,
        password: &str,
        from: IpAddr,
        frontend: Frontend,
    ) -> Result<SignIn, AccountsError> {
        // Nobody is named here: how long it takes must not tell who has an account.
        let look = self.accounts().snapshot(None).await?;
        self.inner.follower.catch_up_with(look.epoch).await?;
        let by_email = self.owner_of_address(name).await?;
        let name = by_email.as_ref().map_or(name, UserId::as_str);
        let external = look.app(EXTERNAL_APP).unwrap_or(true);
        let credentials = Credentials::new(name, password).from_source(from);
        let (local, _) = &self.inner.local;
        let credentials = if external { credentials } else { credentials.only_backend(local.id()) };
        let answer = self.inner.resolver.authenticate(credentials).await;
        let proof = match answer.outcome {
            Outcome::Authenticated(proof) => proof,
            outcome => {
                let failed = Failed::new(&outcome, &answer.trace);
                self.log_failed_sign_in(Some(name), from, frontend, failed).await;
                return Ok(Err(outcome));
            }
        };
        let rejection = match self.standing_of(&proof).await? {
            Some(standing) if standing.user.enabled && standing.user.backend == *proof.backend() => {
                self.note(&standing).await;
                return Ok(Ok(Accepted { proof: Proof::Password(proof), standing }));
            }
            // Disabled, or another backend's.
            Some(_) => Rejection::AccountDisabled,
            None => Rejection::UnknownUser,
        };
        let failed = Failed::account(proof.backend().as_str(), rejection);
        self.log_failed_sign_in(Some(name), from, frontend, failed).await;
        Ok(Err(Outcome::Refused(rejection)))
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
    pub(super) async fn owner_of_address(&self, typed: &str) -> Result<Option<UserId>, AccountsError> {
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
