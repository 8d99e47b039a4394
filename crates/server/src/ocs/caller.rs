//! Who calls, what they may do, and to whom.
//!
//! A [`Caller`] is made from a proof of sign-in, or from a session that one began, and from nothing else, so an endpoint
//! that takes one cannot forget to ask.

use accounts::Details;
use accounts::{GroupId, Permissions, TokenHash, User, UserId};
use user_backend::{Authenticated, Freshness};

use super::code::Code;
use super::envelope::Failure;
use super::route::{Audience, Endpoint, Route};
use crate::app::SignedIn;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Caller {
    proof: Proof,
    standing: Permissions,
}

/// What says who calls.
#[derive(Clone, Debug)]
enum Proof {
    /// A password, or an app password, which is found by this.
    Password(Authenticated, TokenHash),
    /// The cookie of a page.
    Session(SignedIn),
}

impl Caller {
    /// Puts together what was proved and what the accounts know about that person.
    /// `password` is what was proved with.
    pub fn new(proof: Authenticated, standing: Permissions, password: &str) -> Self {
        Self { proof: Proof::Password(proof, TokenHash::of(password)), standing }
    }

    /// Somebody who comes with the cookie of a page.
    pub fn of_session(session: SignedIn) -> Self {
        let standing = session.standing().clone();
        Self { proof: Proof::Session(session), standing }
    }

    /// Whether the password was accepted by memory alone, while who could tell is away: not good enough for changes.
    pub fn is_stale(&self) -> bool {
        match &self.proof {
            Proof::Password(proof, _) => matches!(proof.freshness(), Freshness::Stale { .. }),
            Proof::Session(session) => session.is_stale(),
        }
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
        self.is_admin() || self.administers().contains(group)
    }

    /// Whether somebody in these groups is under the caller: everybody is for an administrator; for a sub-admin whoever
    /// shares a group with them that they administer, and is no administrator.
    pub fn is_over(&self, groups: &[GroupId]) -> bool {
        self.is_admin()
            || (!groups.iter().any(GroupId::is_admin)
                && groups.iter().any(|group| self.administers().contains(group)))
    }

    /// Whether these are the caller's own details, or those of somebody under the caller.
    pub fn may_see(&self, details: &Details) -> bool {
        details.user.id == *self.id() || self.is_over(&details.groups)
    }

    /// Whether the caller belongs to a route's audience at all.
    ///
    /// # Errors
    /// The answer that says no.
    pub fn belongs_to(&self, route: &Route) -> Result<(), Failure> {
        let text = match route.audience {
            Audience::Anybody | Audience::SignedIn => return Ok(()),
            Audience::SubAdmins if self.is_admin() || !self.administers().is_empty() => return Ok(()),
            Audience::Admins if self.is_admin() => return Ok(()),
            Audience::SubAdmins => "Logged in user must be at least a sub admin",
            Audience::Admins if route.endpoint == Endpoint::GroupDetails => {
                "Logged in user must be an admin, a sub admin or gotten special right to access this setting"
            }
            Audience::Admins => "Logged in user must be an admin",
        };
        Err(Failure::new(Code::FORBIDDEN, text))
    }
}
