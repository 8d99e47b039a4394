//! How the caller proved who they are.

use accounts::TokenHash;
use user_backend::{Authenticated, Freshness};

use super::session::ActiveSession;

/// How the caller proved who they are.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password sent with the request, or an app password, which is found by this hash.
    Password(Authenticated, TokenHash),
    /// The cookie of a session.
    Session(ActiveSession),
}

impl Proof {
    /// Whether the password was accepted by memory alone, while its backend was away: not good enough for changes.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Password(proof, _) => matches!(proof.freshness(), Freshness::Stale { .. }),
            Self::Session(session) => session.is_stale(),
        }
    }
}
