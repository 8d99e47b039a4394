//! The caller and their rights.
//!
//! A [`Caller`] is made from an accepted sign-in, and from nothing else, so an endpoint that takes
//! one cannot forget to ask.

use std::net::IpAddr;

use accounts::{AccountsError, Actor, Details, GroupId, Permissions, User, UserId};

use super::envelope::OcsFailure;
use super::envelope::code::Code;
use super::scope::{TokenScope, hint};
use crate::auth::proof::{Accepted, NotEnough, Proof, Requirement};
use crate::state::AppState;

/// The response to a caller who was accepted by grace.
pub(crate) const STALE: &str =
    "Nothing can be changed while the server that checks your password cannot be reached";

/// The refusal for a service token without the right.
pub(crate) const TOKEN_MAY_NOT: &str = "This service token may not do this";

const PASSWORD_ONLY: &str = "sign in with the password of the account";

const CONFIRM: &str = "the session is older than 15 minutes: send the password to /login/confirm with the header requesttoken \
                       (or open that page), then repeat the call";

/// The role that a route requires, checked before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredRole {
    /// None: also for requests without credentials.
    Anyone,
    /// Any account; the endpoint looks closer.
    SignedIn,
    /// An administrator, or a sub-admin of any group.
    SubAdmin,
    /// A member of the group `admin`.
    Admin,
}

/// A signed-in user.
#[derive(Clone, Debug)]
pub struct Caller {
    proof: Proof,
    standing: Permissions,
}

impl Caller {
    /// The caller of a request that was signed in.
    pub fn new(accepted: Accepted) -> Self {
        let Accepted { proof, standing } = accepted;
        Self { proof, standing }
    }

    /// The same caller with their current rights; `None` when their credential has ended.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn again(self, app: &AppState, from: IpAddr) -> Result<Option<Self>, AccountsError> {
        let Self { proof, standing } = self;
        Ok(app.still_accepted(Accepted { proof, standing }, from).await?.map(Self::new))
    }

    /// How the caller proved who they are.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The caller as the store checks rights and the audit log names them.
    pub fn actor(&self, from: IpAddr) -> Actor {
        self.proof.actor(self.user(), from)
    }

    /// The account.
    pub fn user(&self) -> &User {
        &self.standing.user
    }

    /// The id.
    pub fn id(&self) -> &UserId {
        &self.standing.user.id
    }

    /// Whether this is a member of the group `admin`.
    pub fn is_admin(&self) -> bool {
        self.standing.is_admin
    }

    /// The groups that the caller administers.
    pub fn administers(&self) -> &[GroupId] {
        &self.standing.subadmin_of
    }

    /// Whether the caller may administer the members of a group.
    pub fn may_administer(&self, group: &GroupId) -> bool {
        self.standing.may_administer(group)
    }

    /// Whether the caller administers this user; see [`Permissions::is_over`].
    pub fn is_over(&self, details: &Details) -> bool {
        self.standing.is_over(&details.groups, &details.subadmin_of)
    }

    /// Whether these details are the caller's own, or those of a user they administer.
    pub fn may_see(&self, details: &Details) -> bool {
        details.user.id == *self.id() || self.is_over(details)
    }

    /// Whether the caller's proof is enough.
    ///
    /// `scope` is what opens the call to a service token, and `app_password` the message for app
    /// passwords, where clients know another than the usual one.
    ///
    /// # Errors
    /// The answer that says what is missing, and how to do it.
    pub fn prove(
        &self,
        required: Requirement,
        scope: Option<TokenScope>,
        app_password: Option<&'static str>,
    ) -> Result<(), OcsFailure> {
        self.proof.satisfies(required, scope).map_err(|missing| match missing {
            NotEnough::Scope => {
                OcsFailure::new(Code::FORBIDDEN, TOKEN_MAY_NOT).with_hint(scope.map_or(PASSWORD_ONLY, hint))
            }
            NotEnough::AppPassword => {
                let text = app_password.unwrap_or("An app password cannot do this");
                OcsFailure::new(Code::FORBIDDEN, text).with_hint(scope.map_or(PASSWORD_ONLY, hint))
            }
            NotEnough::Unconfirmed => OcsFailure::unconfirmed(),
            NotEnough::Stale => OcsFailure::new(Code::UNAVAILABLE, STALE),
        })
    }

    /// Whether the caller has a role.
    ///
    /// # Errors
    /// The answer that says no, with `refusal` as its message if there is one.
    pub fn require(&self, role: RequiredRole, refusal: Option<&'static str>) -> Result<(), OcsFailure> {
        let usual = match role {
            RequiredRole::Anyone | RequiredRole::SignedIn => return Ok(()),
            RequiredRole::SubAdmin if self.is_admin() || !self.administers().is_empty() => return Ok(()),
            RequiredRole::Admin if self.is_admin() => return Ok(()),
            RequiredRole::SubAdmin => "Logged in user must be at least a sub admin",
            RequiredRole::Admin => "Logged in user must be an admin",
        };
        Err(OcsFailure::new(Code::FORBIDDEN, refusal.unwrap_or(usual)))
    }
}

impl OcsFailure {
    /// The session needs the password of its owner again.
    fn unconfirmed() -> Self {
        Self::new(Code::FORBIDDEN, "Password confirmation is required").with_hint(CONFIRM)
    }

    /// Whether the session needs the password of its owner again.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        *self == Self::unconfirmed()
    }
}
