//! Who calls, what they may do, and to whom.
//!
//! A [`Caller`] is made from a proof of sign-in, or from a session that one began, and from nothing else, so an endpoint
//! that takes one cannot forget to ask.

use accounts::{Details, GroupId, Permissions, TokenHash, User, UserId};

use super::envelope::Failure;
use super::envelope::code::Code;
use crate::auth::proof::Proof;
use crate::auth::session::ActiveSession;
use crate::auth::sign_in::Accepted;

/// The role that a route requires, before anything else is looked at.
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

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Caller {
    proof: Proof,
    standing: Permissions,
}

impl Caller {
    /// The caller of a request with credentials. `password` is the password or app password that was accepted.
    pub fn new(accepted: Accepted, password: &str) -> Self {
        let Accepted { proof, standing } = accepted;
        Self { proof: Proof::Password(proof, TokenHash::of(password)), standing }
    }

    /// Somebody who comes with the cookie of a page.
    pub fn of_session(session: ActiveSession) -> Self {
        let standing = session.standing().clone();
        Self { proof: Proof::Session(session), standing }
    }

    /// Whether the proof is [stale](Proof::is_stale).
    pub fn is_stale(&self) -> bool {
        self.proof.is_stale()
    }

    /// What an app password would be found by, if it was one that the caller signed in with; nothing in a session.
    pub fn password_hash(&self) -> Option<&TokenHash> {
        match &self.proof {
            Proof::Password(_, hash) => Some(hash),
            Proof::Session(_) => None,
        }
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

    /// Whether these are the caller's own details, or those of somebody under the caller.
    pub fn may_see(&self, details: &Details) -> bool {
        details.user.id == *self.id() || self.is_over(details)
    }

    /// Whether the caller has a role.
    ///
    /// # Errors
    /// The answer that says no, with `refusal` as its message if there is one.
    pub fn require(&self, role: RequiredRole, refusal: Option<&'static str>) -> Result<(), Failure> {
        let usual = match role {
            RequiredRole::Anyone | RequiredRole::SignedIn => return Ok(()),
            RequiredRole::SubAdmin if self.is_admin() || !self.administers().is_empty() => return Ok(()),
            RequiredRole::Admin if self.is_admin() => return Ok(()),
            RequiredRole::SubAdmin => "Logged in user must be at least a sub admin",
            RequiredRole::Admin => "Logged in user must be an admin",
        };
        Err(Failure::new(Code::FORBIDDEN, refusal.unwrap_or(usual)))
    }
}
