//! One API call, and the look-ups that endpoints make for it.

use std::time::Duration;

use accounts::{AccountsError, ActingAccounts, Actor, Details, GroupId, User, UserId};
use user_backend::Outcome;

use super::call_path::{Captures, decoded_again};
use super::caller::{Caller, TOKEN_MAY_NOT};
use super::docs::{ParamDoc, ParamKind, ResponseDoc};
use super::envelope::OcsFailure;
use super::envelope::code::Code;
use super::params::{ParamError, Params};
use super::scope::{TokenScope, hint};
use crate::auth::client_address::Origin;
use crate::auth::proof::Requirement;
use crate::request_body::BodyError;
use crate::state::AppState;

/// One API call, as passed to an endpoint.
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
    /// How far lists are counted: for pages, which say "more than" beyond that. Programs get the number.
    pub counted_up_to: Option<u64>,
}

impl Call<'_> {
    /// The caller.
    ///
    /// # Errors
    /// Not signed in. The role that the route requires prevents this.
    pub(crate) fn caller(&self) -> Result<&Caller, OcsFailure> {
        self.caller.ok_or_else(OcsFailure::unauthenticated)
    }

    /// Checks that the caller's proof suffices for a value that needs more than its route.
    ///
    /// # Errors
    /// The answer that says what is missing.
    pub(crate) fn prove(&self, required: Requirement, scope: TokenScope) -> Result<(), OcsFailure> {
        self.caller()?.prove(required, Some(scope), None)
    }

    /// The accounts, used on the caller's behalf.
    pub(crate) fn accounts(&self) -> Result<ActingAccounts, OcsFailure> {
        Ok(self.app.accounts().on_behalf_of(self.actor()?))
    }

    /// The caller as the store checks rights and the audit log names them.
    pub(crate) fn actor(&self) -> Result<Actor, OcsFailure> {
        Ok(self.caller()?.actor(self.origin.address))
    }

    /// The id in the path, if it can be one.
    pub(crate) fn named_id(&self) -> Option<UserId> {
        UserId::parse(&self.captures.get("user")).ok()
    }

    /// The user that the path names, with everything about them.
    pub(crate) async fn named_details(&self) -> Result<Option<Details>, OcsFailure> {
        let Some(id) = self.named_id() else { return Ok(None) };
        match self.app.accounts().users().details(&id).await {
            Ok(details) => Ok(Some(details)),
            Err(AccountsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The user that the path names.
    pub(crate) async fn named_user(&self) -> Result<Option<User>, OcsFailure> {
        let Some(id) = self.named_id() else { return Ok(None) };
        Ok(self.app.accounts().users().find(&id).await?)
    }

    /// The user that the path names, if the caller is that user or over them.
    ///
    /// # Errors
    /// [`OcsFailure::hidden`], which does not reveal whether there is such a user.
    pub(crate) async fn visible_details(&self) -> Result<Details, OcsFailure> {
        let caller = self.caller()?;
        let details = self.named_details().await?;
        details.filter(|details| caller.may_see(details)).ok_or_else(OcsFailure::hidden)
    }

    /// The user that the path names, if the caller is over them.
    ///
    /// # Errors
    /// [`OcsFailure::hidden`], which does not reveal whether there is such a user. An administrator
    /// gets `missing`.
    pub(crate) async fn user_below(&self, missing: OcsFailure) -> Result<Details, OcsFailure> {
        let caller = self.caller()?;
        match self.named_details().await? {
            Some(details) if caller.is_over(&details) => Ok(details),
            None if caller.is_admin() => Err(missing),
            _ => Err(OcsFailure::hidden()),
        }
    }

    /// The group in the path: as written, or, if there is no such group, decoded once more.
    ///
    /// Clients encode group names twice.
    pub(crate) async fn named_group(&self) -> Result<Option<GroupId>, OcsFailure> {
        let written = self.captures.get("group");
        for id in [Some(written.clone()), decoded_again(&written)].into_iter().flatten() {
            let Ok(id) = GroupId::parse(&id) else { continue };
            if self.app.accounts().groups().exists(&id).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The requested part of a list.
    ///
    /// A negative limit means no limit; a negative offset is an error.
    pub(crate) fn range(&self) -> Result<Range, OcsFailure> {
        let limit = self.params.number("limit")?.and_then(|limit| u64::try_from(limit).ok());
        let offset = self.params.number("offset")?.unwrap_or_default();
        let offset = u64::try_from(offset)
            .map_err(|_| OcsFailure::new(Code::BAD_REQUEST, "The parameter offset must not be negative"))?;
        let search = self.params.text("search")?.unwrap_or_default().to_owned();
        Ok(Range { search, limit, offset })
    }
}

/// The parameters of [`Call::range`].
pub(crate) const RANGE: &[ParamDoc] = &[
    ParamDoc::text("search", "Only those with this in id, display name or mail address, in any letter case"),
    ParamDoc::new("limit", ParamKind::Number, "Maximum number; negative: all"),
    ParamDoc::new("offset", ParamKind::Count, "Number to skip"),
];

/// Documentation of [`OcsFailure::hidden`].
pub(crate) const HIDDEN: ResponseDoc = (Code::NOT_FOUND, "unknown user, or not visible to you");

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) search: String,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

/// What a caller reads whose credential ended while the call was on its way.
pub(crate) const SIGN_IN_ENDED: &str = "the password was changed, or the app password, token or session was ended, while this call was \
                                        on its way; nothing was changed";

impl OcsFailure {
    /// A service token may not do this, whatever its owner may do.
    fn token_may_not(needs: Option<&str>) -> Self {
        let scope = needs.and_then(|needs| needs.parse().ok());
        match scope {
            Some(scope) => Self::new(Code::FORBIDDEN, TOKEN_MAY_NOT).with_hint(hint(scope)),
            None => Self::new(Code::FORBIDDEN, "A service token cannot change how its own owner signs in"),
        }
    }

    /// Not signed in.
    pub fn unauthenticated() -> Self {
        Self::new(Code::UNAUTHORISED, "Current user is not logged in")
    }

    /// The answer to a sign-in that was not accepted.
    pub(crate) fn not_signed_in(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Throttled { limit, retry_after } => Self::throttled(*limit, *retry_after),
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

impl From<AccountsError> for OcsFailure {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::NotFound { .. } => Self::hidden(),
            error if error.is_for_admins() => Self::new(Code::FORBIDDEN, "Logged in user must be an admin"),
            AccountsError::Forbidden { .. } => Self::hidden(),
            AccountsError::SignInEnded => Self::wrong_credentials().with_hint(SIGN_IN_ENDED),
            AccountsError::ScopeMissing { needs } => Self::token_may_not(needs),
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

impl From<ParamError> for OcsFailure {
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
