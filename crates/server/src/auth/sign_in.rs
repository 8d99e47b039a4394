//! From a name and a password to a caller.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use accounts::{AccountsError, Details, EXTERNAL_APP, EmailAddress, Permissions, Snapshot, UserId};
use futures_util::FutureExt;
use user_backend::clock::{Instant, now};
use user_backend::{Authenticated, CanonicalName, Credentials, Freshness, LoginName, Outcome, Rejection};

use super::app_password::Lookup;
use super::login_delay::{delay_failure, least};
use super::proof::{Accepted, ActiveSession, Proof};
use super::sign_in_log::{Client, Failed, Frontend, Unanswered};
use crate::state::AppState;

/// What became of a sign-in: accepted, or the resolver's outcome.
///
/// An accepted password of an account that may not sign in is a refusal.
pub type SignIn = Result<Accepted, Outcome>;

/// Which secrets a sign-in takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// The user's password only: an app password is for programs and opens no page.
    Password,
    /// The user's password, or one of their app passwords.
    AppPassword,
    /// The same, or one of their service tokens.
    ///
    /// Only for callers that check the scopes afterwards.
    ServiceToken,
    /// As [`Accepts::ServiceToken`], for a proxy that asks.
    ForwardAuth,
}

impl Accepts {
    fn frontend(self) -> Frontend {
        match self {
            Self::Password => Frontend::Page,
            Self::AppPassword => Frontend::Check,
            Self::ServiceToken => Frontend::Basic,
            Self::ForwardAuth => Frontend::ForwardAuth,
        }
    }

    fn take(self, proof: &Proof) -> bool {
        match proof {
            Proof::AppPassword(_) => self != Self::Password,
            Proof::ServiceToken(..) => matches!(self, Self::ServiceToken | Self::ForwardAuth),
            Proof::Password(..) | Proof::Session(_) => true,
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
    /// What ended elsewhere (a password, an account) is forgotten before anything remembered is
    /// believed. A refusal takes as long as the setting `refusal_milliseconds` says, whatever was
    /// refused.
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
        self.sign_in_of(name, password, Client::at(from, accepts.frontend()), accepts).await
    }

    /// Decides a sign-in of a client that may have no address.
    ///
    /// # Errors
    /// When the store cannot tell.
    ///
    /// # Security
    /// As [`AppState::sign_in`]. Without an address there is no limit per source; those per user
    /// hold.
    ///
    /// # Cancellation
    /// Safe. What was begun goes on, and a failure counts.
    pub(crate) async fn sign_in_of(
        &self,
        name: &str,
        password: &str,
        client: Client<'_>,
        accepts: Accepts,
    ) -> Result<SignIn, AccountsError> {
        let began = now();
        let unanswered = Unanswered::new(self, Some(name), client);
        let decided = match self.look_up_app_password(Some(name), password, client.source).await? {
            Lookup::NotOurs => self.decide(name, password, client).await?,
            Lookup::Accepted(accepted) if accepts.take(&accepted.proof) => Ok(*accepted),
            Lookup::Ended => Err(self.refuse_uncounted(Some(name), client).await),
            Lookup::Accepted(_) | Lookup::Refused => Err(self.refuse_app_password(Some(name), client).await),
        };
        // From here on the log has what became of it.
        unanswered.answered();
        self.delay_refusal(began, &decided).await;
        Ok(decided)
    }

    /// Signs in with an app password or service token alone (`Authorization: Bearer`).
    ///
    /// # Errors
    /// When the store cannot tell.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn sign_in_with_token(
        &self,
        token: &str,
        from: IpAddr,
        accepts: Accepts,
    ) -> Result<SignIn, AccountsError> {
        let began = now();
        let frontend = if accepts == Accepts::ForwardAuth { Frontend::ForwardAuth } else { Frontend::Bearer };
        let client = Client::at(from, frontend);
        let unanswered = Unanswered::new(self, None, client);
        let decided = match self.look_up_app_password(None, token, client.source).await? {
            Lookup::Accepted(accepted) if accepts.take(&accepted.proof) => Ok(*accepted),
            Lookup::Ended => Err(self.refuse_uncounted(None, client).await),
            Lookup::Accepted(_) | Lookup::NotOurs | Lookup::Refused => {
                Err(self.refuse_app_password(None, client).await)
            }
        };
        // From here on the log has what became of it.
        unanswered.answered();
        self.delay_refusal(began, &decided).await;
        Ok(decided)
    }

    /// Checks again whether a sign-in still holds; `None` when it does not.
    ///
    /// The account is the current one. For a request of which a part came later than its
    /// credentials.
    ///
    /// # Errors
    /// When the store cannot tell.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn still_accepted(
        &self,
        accepted: Accepted,
        from: IpAddr,
    ) -> Result<Option<Accepted>, AccountsError> {
        let Accepted { proof, standing } = accepted;
        let (name, before) = match &proof {
            Proof::Session(session) => {
                return Ok(self.session_of(session.token()).await?.map(ActiveSession::accepted));
            }
            Proof::AppPassword(used) | Proof::ServiceToken(used, _) => {
                return self.still_valid_token(used, from).await;
            }
            Proof::Password(_, before) => (standing.user.id.name(), *before),
        };
        let look = self.accounts().snapshot(Some(name)).await?;
        let Some(standing) = look.permissions() else { return Ok(None) };
        let user = &standing.user;
        let holds = user.enabled && user.epoch <= before && self.is_served(user, &look);
        Ok(holds.then_some(Accepted { proof, standing }))
    }

    async fn refuse_app_password(&self, name: Option<&str>, client: Client<'_>) -> Outcome {
        if let Some(from) = client.source {
            self.count_refused_app_password(from);
        }
        self.refuse_uncounted(name, client).await
    }

    /// Refuses without counting a failure of the source.
    ///
    /// A device that goes on with a revoked app password must not keep its network out.
    async fn refuse_uncounted(&self, name: Option<&str>, client: Client<'_>) -> Outcome {
        self.log_failed_sign_in(name, client, Failed::app_password()).await;
        Outcome::Refused(Rejection::BadCredentials)
    }

    async fn delay_refusal(&self, began: Instant, decided: &SignIn) {
        if matches!(decided, Err(Outcome::Refused(_))) {
            let usual = || self.inner.resolver.usual_refusal();
            delay_failure(began, least(self.settings().refusal_milliseconds, usual)).await;
        }
    }

    async fn decide(&self, name: &str, password: &str, client: Client<'_>) -> Result<SignIn, AccountsError> {
        // The account of a user who knows the password, and of no other: the time must not reveal
        // which accounts exist.
        let expected = self.resolver().remembered_user(&Credentials::new(name, password));
        let look = self.accounts().snapshot(expected.as_ref()).await?;
        self.inner.follower.catch_up_with(look.epoch).await?;
        let by_address = self.owner_of_address(name).await?;
        let name = by_address.as_ref().map_or(name, UserId::as_str);
        let external = look.app(EXTERNAL_APP).unwrap_or(true);
        let credentials = Credentials::new(name, password);
        let credentials = match client.source {
            Some(from) => credentials.from_source(from),
            None => credentials.without_source(),
        };
        let (local, _) = &self.inner.local;
        let credentials = if external { credentials } else { credentials.only_backend(local.id()) };
        let mut asking = pin!(self.inner.resolver.authenticate(credentials));
        let (mut answer, mut known) = match asking.as_mut().now_or_never() {
            // It waited for nothing, so what was read a moment ago is read early enough.
            Some(answer) => (answer, expected.map(|name| (name, look.clone()))),
            None => (asking.await, None),
        };
        // What is remembered may be older than a change of groups, which `admit` may name.
        if let Some(name) = self.no_longer_admitted(&answer.outcome, known.as_ref()).await? {
            self.inner.resolver.invalidate_user(&name);
            answer = self.inner.resolver.authenticate(credentials).await;
            known = None;
        }
        let proof = match answer.outcome {
            Outcome::Authenticated(proof) => proof,
            outcome => {
                let failed = Failed::new(&outcome, &answer.trace);
                self.log_failed_sign_in(Some(name), client, failed).await;
                return Ok(Err(outcome));
            }
        };
        let rejection = match self.details_of(&proof, known).await? {
            Some(details) if details.user.enabled && details.user.backend == *proof.backend() => {
                self.note(&details).await;
                let standing = Permissions::of(&details);
                return Ok(Ok(Accepted { proof: Proof::Password(proof, look.epoch), standing }));
            }
            // Disabled, or an account of another backend.
            Some(_) => Rejection::AccountDisabled,
            None => Rejection::UnknownUser,
        };
        let failed = Failed::account(proof.backend().as_str(), rejection);
        self.log_failed_sign_in(Some(name), client, failed).await;
        Ok(Err(Outcome::Refused(rejection)))
    }

    /// The user of a remembered acceptance whom the backend no longer admits, if any.
    async fn no_longer_admitted(
        &self,
        outcome: &Outcome,
        known: Option<&(CanonicalName, Snapshot)>,
    ) -> Result<Option<CanonicalName>, AccountsError> {
        let Outcome::Authenticated(proof) = outcome else { return Ok(None) };
        if proof.freshness() == Freshness::Live || !self.admits_by_group(proof.backend()) {
            return Ok(None);
        }
        let look = match known.filter(|(name, _)| name == proof.name()) {
            Some((_, look)) => look.clone(),
            None => self.accounts().snapshot(Some(proof.name())).await?,
        };
        let is_out = look.permissions().is_some_and(|standing| !self.is_served(&standing.user, &look));
        Ok(is_out.then(|| proof.name().clone()))
    }

    /// The account of an accepted user; `known` is what was just read about a user.
    ///
    /// External users get theirs at the first sign-in.
    async fn details_of(
        &self,
        proof: &Authenticated,
        known: Option<(CanonicalName, Snapshot)>,
    ) -> Result<Option<Arc<Details>>, AccountsError> {
        let name = proof.name();
        let look = match known.filter(|(known, _)| known == name) {
            Some((_, look)) => look,
            None => self.accounts().snapshot(Some(name)).await?,
        };
        // Without an account, a local user was deleted a moment ago.
        if look.details.is_some() || proof.backend().as_str() == accounts::LOCAL_BACKEND {
            return Ok(look.details);
        }
        let system = self.accounts().as_system();
        let first = self.first_sign_in(proof.backend());
        match system.users().remember_identity(proof.identity(), proof.backend(), &first).await {
            Ok(_) => Ok(self.accounts().snapshot(Some(name)).await?.details),
            // The name is another account's, or no account can have it.
            Err(AccountsError::AlreadyExists { .. } | AccountsError::Invalid { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Records the time of the sign-in; a store that cannot be written refuses no user.
    async fn note(&self, details: &Details) {
        if let Err(error) = self.accounts().as_system().users().signed_in(details).await {
            tracing::warn!(%error, "a sign-in could not be noted");
        }
    }

    /// The user who is meant by a confirmed mail address that was typed instead of a name.
    ///
    /// It is the user's own backend that is asked then, under the user's own id.
    ///
    /// An id takes precedence: an existing one, and unless the settings say otherwise, one that an
    /// external backend may own. Its owner may not have signed in yet, and would be locked out.
    pub(super) async fn owner_of_address(&self, typed: &str) -> Result<Option<UserId>, AccountsError> {
        let wanted = self.settings().login_by_email;
        if wanted == Some(false) {
            return Ok(None);
        }
        let Ok(typed) = LoginName::parse(typed) else { return Ok(None) };
        let name = typed.with_escaped_at().unwrap_or_else(|| typed.clone());
        if !name.canonical().as_str().contains('@') {
            return Ok(None);
        }
        let Ok(address) = EmailAddress::parse(name.as_str()) else { return Ok(None) };
        if wanted.is_none() && self.may_be_external(name.canonical()) {
            return Ok(None);
        }
        for name in [&typed, &name] {
            let id = UserId::from_canonical(name.canonical().clone());
            if self.accounts().users().find(&id).await?.is_some() {
                return Ok(None);
            }
        }
        Ok(self.accounts().users().owner_of_address(&address).await?.map(|owner| owner.id))
    }

    /// Whether a mail address may be used to sign in as its owner.
    ///
    /// This concerns addresses that are not login names of a backend.
    pub fn takes_addresses(&self) -> bool {
        match self.settings().login_by_email {
            Some(wanted) => wanted,
            // A domain that cannot exist: a backend that may own this address may own every one.
            None => !CanonicalName::parse("a@b.invalid").is_ok_and(|name| self.may_be_external(&name)),
        }
    }

    /// Whether a name may be the login name of an external backend's user.
    fn may_be_external(&self, name: &CanonicalName) -> bool {
        let owners = self.resolver().possible_owners(name);
        owners.iter().any(|owner| owner.as_str() != accounts::LOCAL_BACKEND)
    }
}
