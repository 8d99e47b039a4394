//! Verdicts: what a backend decided about one attempt.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::clock::Instant;
use crate::identity::{BackendId, CanonicalName, LoginName};

/// A decision. Not being able to decide is a [`BackendError`](crate::BackendError), never a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server said yes to this name and this password.
    Accepted(Identity),
    /// The server, or a local rule, refused.
    Rejected(Rejection),
    /// The name belongs to another domain; the backend was not asked.
    NotMine,
}

/// Why an attempt was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rejection {
    /// Wrong name or password; most servers do not say which.
    BadCredentials,
    /// The server says that it has no such user.
    UnknownUser,
    /// The account exists and is switched off.
    AccountDisabled,
    /// The account exists and is locked, usually after too many wrong passwords.
    AccountLocked,
    /// The password was right once and must be changed.
    CredentialsExpired,
    /// A local rule forbids this name or password; no server was asked.
    PolicyDenied,
}

impl Rejection {
    /// The reason in one lower-case word, as JSON, traces and metrics show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadCredentials => "bad_credentials",
            Self::UnknownUser => "unknown_user",
            Self::AccountDisabled => "account_disabled",
            Self::AccountLocked => "account_locked",
            Self::CredentialsExpired => "credentials_expired",
            Self::PolicyDenied => "policy_denied",
        }
    }

    /// The reason as [`Display`](fmt::Display) prints it.
    pub(crate) fn as_text(self) -> &'static str {
        match self {
            Self::BadCredentials => "wrong name or password",
            Self::UnknownUser => "unknown user",
            Self::AccountDisabled => "account disabled",
            Self::AccountLocked => "account locked",
            Self::CredentialsExpired => "password expired",
            Self::PolicyDenied => "not allowed",
        }
    }

    /// Whether the same name and password may be answered from memory for a while. An account that an admin can
    /// unlock any moment is always asked for.
    pub fn is_cacheable(self) -> bool {
        matches!(self, Self::BadCredentials | Self::UnknownUser | Self::PolicyDenied)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_text())
    }
}

/// The identity that a backend accepted. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: CanonicalName,
    // No groups, no allocation: a shared empty one would be a counter that all threads fight over.
    groups: Option<Arc<Box<[Box<str>]>>>,
}

impl Identity {
    /// The identity of a login name, for backends that have nothing to add.
    pub fn of(login: &LoginName) -> Self {
        Self::new(login.canonical().clone())
    }

    /// A user without groups.
    pub fn new(name: CanonicalName) -> Self {
        Self { name, groups: None }
    }

    /// Adds a group that the backend reports for this user.
    #[must_use]
    pub fn with_group(mut self, group: &str) -> Self {
        self.groups = Some(Arc::new(self.groups().map(Into::into).chain([group.into()]).collect()));
        self
    }

    /// The canonical name.
    pub fn name(&self) -> &CanonicalName {
        &self.name
    }

    /// The groups that the backend names, in its order.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().flat_map(|groups| groups.iter()).map(AsRef::as_ref)
    }
}

/// How recent the acceptance of an [`Authenticated`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// The backend said yes in this very attempt.
    Live,
    /// The backend said yes a short while ago, within the lifetime set for accepted outcomes.
    Cached {
        /// When it said so.
        verified_at: Instant,
    },
    /// The backend cannot be asked now and said yes some time ago (grace): not good enough for sensitive acts.
    Stale {
        /// When it said so.
        verified_at: Instant,
    },
}

/// Proof of a sign-in. Only the resolver can make one, so every place that trusts a sign-in is a place
/// that takes this type.
///
/// ```compile_fail
/// # use user_backend::{Authenticated, Freshness};
/// // The fields are private and there is no public constructor.
/// let forged = Authenticated { freshness: Freshness::Live };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a proof of sign-in is there to be passed on"]
pub struct Authenticated {
    vouched: Vouched,
    freshness: Freshness,
}

/// The identity and the backend that asserts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub(crate) identity: Identity,
    pub(crate) backend: BackendId,
}

impl Authenticated {
    /// The only constructor. Grep for `Authenticated::assertion` to find all places that assert an identity.
    #[inline(always)]
    pub(crate) fn assertion(vouched: Vouched, freshness: Freshness) -> Self {
        Self { vouched, freshness }
    }

    /// The identity.
    pub fn identity(&self) -> &Identity {
        &self.vouched.identity
    }

    /// The canonical name.
    pub fn name(&self) -> &CanonicalName {
        self.vouched.identity.name()
    }

    /// The backend that vouches for it.
    pub fn backend(&self) -> &BackendId {
        &self.vouched.backend
    }

    /// How old its yes is.
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }
}
