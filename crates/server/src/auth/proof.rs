//! How the caller proved who they are, and whether that is enough for what they want.

use std::net::IpAddr;
use std::time::Duration;

use accounts::{
    Actor, AppPassword, CredentialEpoch, Permissions, SKEW, ServiceToken, Timestamp, TokenHash, TokenScope,
    UsedCredential, User,
};
use user_backend::{Authenticated, Freshness};

/// How the caller proved who they are.
///
/// Made by the sign-in, and carried to every endpoint and page.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The password came with this request, and a backend accepted it: now, or a while ago.
    ///
    /// The epoch was read before that.
    Password(Authenticated, CredentialEpoch),
    /// The app password of one device or program came with this request.
    AppPassword(UsedAppPassword),
    /// A service token: it opens what its scopes allow.
    ///
    /// It never opens more than its owner may do.
    ServiceToken(UsedAppPassword, ServiceToken),
    /// The cookie of a session.
    Session(Box<ActiveSession>),
}

/// The kind of proof that a call requires, beside the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// Every proof will do.
    Any,
    /// The password, or a session that began with it.
    Password,
    /// The password in this request, or a session confirmed with it in the last 15 minutes.
    RecentPassword,
}

/// Why a proof is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotEnough {
    /// An app password: its owner has to use the password.
    AppPassword,
    /// A service token without the scope of the call, or a call that no service token opens.
    Scope,
    /// A session in which the password was not typed for too long.
    Unconfirmed,
    /// The password was accepted from memory, because its backend cannot be asked.
    Stale,
}

impl Proof {
    /// Whether the password was accepted from memory alone, during an outage of its backend.
    ///
    /// Such a proof is not sufficient for changes.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Password(proof, _) => matches!(proof.freshness(), Freshness::Stale { .. }),
            Self::Session(session) => session.is_stale(),
            Self::AppPassword(_) | Self::ServiceToken(..) => false,
        }
    }

    /// Whether the password itself came with this request.
    pub fn is_password(&self) -> bool {
        matches!(self, Self::Password(..))
    }

    /// Whether this is the cookie of a session.
    pub fn is_session(&self) -> bool {
        matches!(self, Self::Session(_))
    }

    /// The app password that was used, if it was one.
    pub fn app_password(&self) -> Option<&UsedAppPassword> {
        match self {
            Self::AppPassword(used) => Some(used),
            Self::Password(..) | Self::ServiceToken(..) | Self::Session(_) => None,
        }
    }

    /// What the store checks again in the transaction of a change.
    fn credential(&self) -> UsedCredential {
        match self {
            Self::Password(_, before) => UsedCredential::Password { before: *before },
            Self::AppPassword(used) => UsedCredential::AppPassword(used.token),
            Self::ServiceToken(used, service) => UsedCredential::ServiceToken {
                token: used.token,
                name: used.row.name.clone(),
                scopes: service.scopes.clone(),
            },
            Self::Session(session) => UsedCredential::Session(session.token),
        }
    }

    /// The user who signed in, as the store checks rights and the audit log names them.
    ///
    /// `from` is the address of the client.
    pub fn actor(&self, user: &User, from: IpAddr) -> Actor {
        Actor::user(user.id.as_str(), Some(from)).signed_in(self.credential())
    }

    /// Whether the proof is enough.
    ///
    /// A service token needs `scope`, whatever is required of others.
    ///
    /// # Errors
    /// What is missing.
    pub fn satisfies(&self, required: Requirement, scope: Option<TokenScope>) -> Result<(), NotEnough> {
        match (required, self) {
            (_, Self::ServiceToken(_, service)) => {
                let is_open = scope.is_some_and(|scope| service.scopes.allow(scope));
                if is_open { Ok(()) } else { Err(NotEnough::Scope) }
            }
            (Requirement::Any, _) => Ok(()),
            (_, Self::AppPassword(_)) => Err(NotEnough::AppPassword),
            (Requirement::Password, Self::Password(..) | Self::Session(_)) => Ok(()),
            (Requirement::RecentPassword, _) if self.is_stale() => Err(NotEnough::Stale),
            (Requirement::RecentPassword, Self::Session(session)) if !session.is_confirmed() => {
                Err(NotEnough::Unconfirmed)
            }
            (Requirement::RecentPassword, Self::Password(..) | Self::Session(_)) => Ok(()),
        }
    }
}

/// A sign-in that was accepted: the proof, and the account as it is.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The proof.
    pub proof: Proof,
    /// The account.
    pub standing: Permissions,
}

/// How long a password that was typed counts as recent.
const CONFIRMED_FOR: Duration = Duration::from_secs(15 * 60);

/// The session of a request, and the account of its owner.
#[derive(Clone, Debug)]
pub struct ActiveSession {
    pub(super) standing: Permissions,
    pub(super) token: TokenHash,
    pub(super) stale: bool,
    pub(super) lasting: bool,
    pub(super) confirmed: Option<Timestamp>,
}

impl ActiveSession {
    /// The account, as it is now.
    pub fn standing(&self) -> &Permissions {
        &self.standing
    }

    /// The user.
    pub fn user(&self) -> &User {
        &self.standing.user
    }

    /// The key of the session in the store.
    pub fn token(&self) -> &TokenHash {
        &self.token
    }

    /// When the owner last typed the password.
    pub fn confirmed(&self) -> Option<Timestamp> {
        self.confirmed
    }

    /// Whether the password was accepted from memory alone, during an outage.
    ///
    /// Such a proof is not sufficient for changes.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether the owner chose to stay signed in.
    pub fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// Whether the owner typed the password in the last 15 minutes.
    pub fn is_confirmed(&self) -> bool {
        let now = accounts::Clock::system().now();
        // One from the future was before the clock was set back: how long ago it was is unknown.
        self.confirmed.is_some_and(|at| at <= now.after(SKEW) && at.after(CONFIRMED_FOR) > now)
    }

    /// Its owner, at that address, as the store checks rights and the audit log names them.
    pub fn actor(&self, from: IpAddr) -> Actor {
        Actor::user(self.user().id.as_str(), Some(from)).signed_in(UsedCredential::Session(self.token))
    }

    /// The proof that it is, and the account.
    pub fn accepted(self) -> Accepted {
        let standing = self.standing.clone();
        Accepted { proof: Proof::Session(Box::new(self)), standing }
    }
}

/// The app password that a request came with.
///
/// Made by looking it up, and in no other way.
#[derive(Clone, Debug)]
pub struct UsedAppPassword {
    pub(super) token: TokenHash,
    pub(super) row: AppPassword,
}

impl UsedAppPassword {
    /// What it is found by.
    pub fn token(&self) -> &TokenHash {
        &self.token
    }

    /// Its number.
    pub fn key(&self) -> i64 {
        self.row.key
    }
}
