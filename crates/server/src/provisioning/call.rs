//! One call, as an endpoint sees it, and what endpoints look up for it.

use std::time::Duration;

use accounts::Details;
use accounts::{Accounts, AccountsError, Actor, GroupId, User, UserId};
use user_backend::Outcome;

use super::caller::Caller;
use super::docs::{Kind, Param, ResponseDoc};
use super::envelope::Failure;
use super::envelope::code::Code;
use super::params::{ParamError, Params};
use super::path::{Captures, decoded_again};
use super::scope::TokenScope;
use crate::auth::client_address::Origin;
use crate::auth::proof::Requirement;
use crate::request_body::BodyError;
use crate::state::AppState;

/// One call, as an endpoint sees it.
#[derive(Debug)]
pub struct Call<'a> {
    /// The shared state.
    pub app: &'a AppState,
    /// The caller; `None` at the few public routes.
    pub caller: Option<&'a Caller>,
    /// The client address.
    pub origin: Origin,
    /// The user agent.
    pub agent: &'a str,
    /// The parameters.
    pub params: &'a Params,
    /// The parts of the path that have a name.
    pub captures: &'a Captures<'a>,
}

impl Call<'_> {
    /// The caller.
    ///
    /// # Errors
    /// Not signed in. The role that the route requires prevents this.
    pub(crate) fn caller(&self) -> Result<&Caller, Failure> {
        self.caller.ok_or_else(Failure::unauthenticated)
    }

    /// Looks whether the caller's proof is enough for a value that needs more than its route.
    ///
    /// # Errors
    /// The answer that says what is missing.
    pub(crate) fn prove(&self, required: Requirement, scope: TokenScope) -> Result<(), Failure> {
        self.caller()?.prove(required, Some(scope), None)
    }

    /// Looks whether a service token may change what opens or closes this account. Its own owner's account it may not:
    /// otherwise it would outlive its scopes, networks and end. That of an administrator or sub-admin takes the scope `admin`.
    ///
    /// # Errors
    /// The answer that says what is missing.
    pub(crate) fn prove_over(&self, target: &Details) -> Result<(), Failure> {
        let caller = self.caller()?;
        if !caller.is_service_token() {
            return Ok(());
        }
        if target.user.id == *caller.id() {
            return Err(Failure::new(
                Code::FORBIDDEN,
                "A service token cannot change how its own owner signs in",
            ));
        }
        if target.groups.iter().any(GroupId::is_admin) || !target.subadmin_of.is_empty() {
            return self.prove(Requirement::RecentPassword, TokenScope::Admin);
        }
        Ok(())
    }

    /// The accounts, used on the caller's behalf.
    pub(crate) fn accounts(&self) -> Result<Accounts, Failure> {
        Ok(self.app.accounts().on_behalf_of(self.actor()?))
    }

    /// The caller as the audit log names them, with the service token if it was one.
    pub(crate) fn actor(&self) -> Result<Actor, Failure> {
        let caller = self.caller()?;
        let actor = Actor::user(caller.id().as_str(), Some(self.origin.address));
        Ok(match caller.proof().service_token() {
            Some(token) => actor.via(token),
            None => actor,
        })
    }

    /// The user that the path names, with everything about them.
    pub(crate) async fn named_details(&self) -> Result<Option<Details>, Failure> {
        let Ok(id) = UserId::parse(&self.captures.get("user")) else { return Ok(None) };
        match self.app.accounts().users().details(&id).await {
            Ok(details) => Ok(Some(details)),
            Err(AccountsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The user that the path names.
    pub(crate) async fn named_user(&self) -> Result<Option<User>, Failure> {
        let Ok(id) = UserId::parse(&self.captures.get("user")) else { return Ok(None) };
        Ok(self.app.accounts().users().find(&id).await?)
    }

    /// The user that the path names, if the caller is that user or over them.
    ///
    /// # Errors
    /// [`Failure::hidden`], which does not reveal whether there is such a user.
    pub(crate) async fn visible_details(&self) -> Result<Details, Failure> {
        let caller = self.caller()?;
        let details = self.named_details().await?;
        details.filter(|details| caller.may_see(details)).ok_or_else(Failure::hidden)
    }

    /// The user that the path names, if the caller is over them.
    ///
    /// # Errors
    /// [`Failure::hidden`], which does not reveal whether there is such a user.
    pub(crate) async fn user_below(&self) -> Result<User, Failure> {
        let user = self.named_user().await?.ok_or_else(Failure::hidden)?;
        if self.is_over(&user).await? { Ok(user) } else { Err(Failure::hidden()) }
    }

    /// Whether the caller administers a user.
    pub(crate) async fn is_over(&self, user: &User) -> Result<bool, Failure> {
        let caller = self.caller()?;
        if caller.is_admin() {
            return Ok(true);
        }
        match self.app.accounts().users().details(&user.id).await {
            Ok(details) => Ok(caller.is_over(&details)),
            Err(AccountsError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The group that the path names: as it is written, or, if there is none, decoded once more, as clients encode it.
    pub(crate) async fn named_group(&self) -> Result<Option<GroupId>, Failure> {
        let written = self.captures.get("group");
        for id in [Some(written.clone()), decoded_again(&written)].into_iter().flatten() {
            let Ok(id) = GroupId::parse(&id) else { continue };
            if self.app.accounts().groups().exists(&id).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Which part of a list is wanted: a negative limit is none, a negative offset is a mistake.
    pub(crate) fn range(&self) -> Result<Range, Failure> {
        let limit = self.params.number("limit")?.and_then(|limit| u64::try_from(limit).ok());
        let offset = self.params.number("offset")?.unwrap_or_default();
        let offset = u64::try_from(offset)
            .map_err(|_| Failure::new(Code::BAD_REQUEST, "The parameter offset must not be negative"))?;
        let search = self.params.text("search")?.unwrap_or_default().to_owned();
        Ok(Range { search, limit, offset })
    }
}

/// The parameters of [`Call::range`].
pub(crate) const RANGE: &[Param] = &[
    Param::text("search", "Only those with this in id, display name or mail address, in any letter case"),
    Param::new("limit", Kind::Number, "Maximum number; negative: all"),
    Param::new("offset", Kind::Count, "Number to skip"),
];

/// Documentation of [`Failure::hidden`].
pub(crate) const HIDDEN: ResponseDoc = (Code::NOT_FOUND, "unknown user, or not visible to you");

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) search: String,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

impl Failure {
    /// Not signed in.
    pub fn unauthenticated() -> Self {
        Self::new(Code::UNAUTHORISED, "Current user is not logged in")
    }

    /// The answer to a sign-in that was not accepted.
    pub(crate) fn not_signed_in(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Throttled { retry_after } => Self::throttled(*retry_after),
            Outcome::Unavailable { retry_after } => Self::unavailable(*retry_after),
            // Accepted without an account.
            Outcome::Refused(_) | Outcome::Authenticated(_) => Self::wrong_credentials(),
        }
    }

    /// There is no such user, or the caller may not know.
    pub(crate) fn hidden() -> Self {
        Self::new(Code::NOT_FOUND, "")
    }
}

impl From<AccountsError> for Failure {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::NotFound { .. } => Self::hidden(),
            error if error.is_for_admins() => Self::new(Code::FORBIDDEN, "Logged in user must be an admin"),
            AccountsError::Forbidden { .. } => Self::hidden(),
            error if error.is_transient() => {
                tracing::warn!(%error, "the store cannot be asked");
                Self::new(Code::UNAVAILABLE, "The accounts cannot be reached at the moment, try again later")
            }
            error => {
                tracing::error!(%error, "the store failed");
                Self::broken()
            }
        }
    }
}

impl From<ParamError> for Failure {
    fn from(error: ParamError) -> Self {
        let text = error.to_string();
        match error {
            ParamError::MediaType => Self::new(Code::MEDIA_TYPE, text),
            ParamError::Body(BodyError::Busy) => {
                Self::new(Code::UNAVAILABLE, text).after(Duration::from_secs(1))
            }
            ParamError::SameKey => Self::new(Code::BAD_REQUEST, text).with_hint(
                "programs disagree about which value counts, so nothing was changed; send each key once",
            ),
            _ => Self::new(Code::BAD_REQUEST, text),
        }
    }
}
