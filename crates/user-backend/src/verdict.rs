//! Verdicts: what a backend decided about one attempt.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::cache::epochs::Epoch;
use crate::clock::Instant;
use crate::identity::{BackendId, CanonicalName, LoginName};

/// A decision.
///
/// Not being able to decide is a [`BackendError`](crate::BackendError), never a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server accepted this name and password.
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
    /// Wrong name or password; most servers do not distinguish them.
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

    /// Whether the same name and password may be answered from memory for a while.
    ///
    /// An account that an administrator can unlock at any moment is always checked at the backend.
    pub fn is_cacheable(self) -> bool {
        matches!(self, Self::BadCredentials | Self::UnknownUser | Self::PolicyDenied)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_text())
    }
}

/// The identity that a backend accepted.
///
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: CanonicalName,
    // No details, no allocation: a shared empty one would be a counter that all threads fight over.
    details: Option<Arc<Details>>,
}

/// What a backend knows about a user beside the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Details {
    groups: Vec<Box<str>>,
    email: Option<Box<str>>,
    display_name: Option<Box<str>>,
    attributes: Vec<(Box<str>, Box<str>)>,
}

impl Identity {
    /// The identity of a login name, for backends that have nothing to add.
    pub fn of(login: &LoginName) -> Self {
        Self::new(login.canonical().clone())
    }

    /// A user for whom the backend has only the name.
    pub fn new(name: CanonicalName) -> Self {
        Self { name, details: None }
    }

    /// Adds a group that the backend reports for this user.
    #[must_use]
    pub fn with_group(mut self, group: &str) -> Self {
        push(&mut self.details_mut().groups, group.into());
        self
    }

    /// Adds the mail address that the backend has for this user.
    ///
    /// # Security
    /// It is what the backend says. Whether the user reads mail there was not checked, and two
    /// backends may name one address.
    #[must_use]
    pub fn with_email(mut self, email: &str) -> Self {
        self.details_mut().email = Some(email.into());
        self
    }

    /// Adds the display name of the user.
    #[must_use]
    pub fn with_display_name(mut self, name: &str) -> Self {
        self.details_mut().display_name = Some(name.into());
        self
    }

    /// Adds anything else, such as `("department", "sales")`.
    ///
    /// A name may be given several times.
    #[must_use]
    pub fn with_attribute(mut self, name: &str, value: &str) -> Self {
        push(&mut self.details_mut().attributes, (name.into(), value.into()));
        self
    }

    fn details_mut(&mut self) -> &mut Details {
        Arc::make_mut(self.details.get_or_insert_default())
    }

    /// The canonical name.
    pub fn name(&self) -> &CanonicalName {
        &self.name
    }

    /// The groups that the backend names, in its order.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.details.iter().flat_map(|details| &details.groups).map(AsRef::as_ref)
    }

    /// The mail address that the backend names.
    pub fn email(&self) -> Option<&str> {
        self.details.as_ref()?.email.as_deref()
    }

    /// The display name of the user, as the backend reports it.
    pub fn display_name(&self) -> Option<&str> {
        self.details.as_ref()?.display_name.as_deref()
    }

    /// The values of one attribute, in the order in which the backend names them.
    pub fn attribute<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.attributes().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All attributes: names and values.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.details.iter().flat_map(|details| &details.attributes);
        all.map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// How many texts the details hold, and how many bytes.
    pub(crate) fn details_size(&self) -> (usize, usize) {
        let attributes = self.attributes().flat_map(|(name, value)| [name, value]);
        let texts = self.groups().chain(self.email()).chain(self.display_name()).chain(attributes);
        texts.fold((0, 0), |(count, bytes), text| (count + 1, bytes + text.len()))
    }
}

/// Without room to spare: identities are kept in memory, which is bounded in bytes.
fn push<T>(list: &mut Vec<T>, element: T) {
    list.reserve_exact(1);
    list.push(element);
}

/// How recent the acceptance of an [`Authenticated`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// The backend accepted in this attempt.
    Live,
    /// The backend accepted recently, within the lifetime of accepted outcomes.
    Cached {
        /// When it accepted.
        verified_at: Instant,
    },
    /// The backend is down and accepted earlier (grace): not enough for sensitive actions.
    Stale {
        /// When it accepted.
        verified_at: Instant,
    },
}

/// Proof of a sign-in.
///
/// Only the resolver can make one, so every place that trusts a sign-in is a place that takes this
/// type.
///
/// ```compile_fail
/// # use user_backend::{Authenticated, Freshness};
/// // The fields are private and there is no public constructor.
/// let forged = Authenticated { freshness: Freshness::Live };
/// ```
///
/// A proof may be kept, such as in a session in memory: it does not expire, and
/// [`Resolver::still_counts`](crate::Resolver::still_counts) says whether anything has ended it.
/// Two proofs are equal if they have the same backend, identity and freshness.
#[derive(Clone, Debug)]
#[must_use = "a proof of sign-in is there to be passed on"]
#[doc(alias = "session")]
#[doc(alias = "login")]
pub struct Authenticated {
    verified: VerifiedIdentity,
    freshness: Freshness,
    began: CheckEpoch,
}

impl PartialEq for Authenticated {
    fn eq(&self, other: &Self) -> bool {
        self.verified == other.verified && self.freshness == other.freshness
    }
}

impl Eq for Authenticated {}

/// When the check behind a proof began, in the order of invalidations of one memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckEpoch {
    /// The memory.
    ///
    /// Epochs of another one mean nothing.
    pub(crate) memory: u64,
    pub(crate) epoch: Epoch,
}

/// The identity and the backend that asserts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifiedIdentity {
    pub(crate) identity: Identity,
    pub(crate) backend: BackendId,
}

impl Authenticated {
    /// The only constructor.
    ///
    /// Grep for `Authenticated::assertion` to find all places that assert an identity.
    #[inline(always)]
    pub(crate) fn assertion(verified: VerifiedIdentity, freshness: Freshness, began: CheckEpoch) -> Self {
        Self { verified, freshness, began }
    }

    pub(crate) fn began(&self) -> CheckEpoch {
        self.began
    }

    /// The identity.
    pub fn identity(&self) -> &Identity {
        &self.verified.identity
    }

    /// The canonical name.
    pub fn name(&self) -> &CanonicalName {
        self.verified.identity.name()
    }

    /// The backend that accepted.
    pub fn backend(&self) -> &BackendId {
        &self.verified.backend
    }

    /// How old its yes is.
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_has_what_the_backend_says() {
        let bare = Identity::new(CanonicalName::parse("alice").unwrap());
        assert_eq!((bare.email(), bare.display_name(), bare.attributes().count()), (None, None, 0));
        assert_eq!(bare.details_size(), (0, 0));
        let alice =
            bare.clone().with_group("staff").with_email("alice@example.com").with_display_name("Alice L.");
        let alice =
            alice.with_attribute("phone", "1").with_attribute("room", "7").with_attribute("phone", "2");
        assert_eq!(alice.groups().collect::<Vec<_>>(), ["staff"]);
        assert_eq!((alice.email(), alice.display_name()), (Some("alice@example.com"), Some("Alice L.")));
        assert_eq!(alice.attribute("phone").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(alice.attribute("fax").count(), 0);
        assert_eq!(alice.details_size(), (9, 5 + 17 + 8 + 6 + 5 + 6));
        assert_ne!(alice, bare);
    }
}
