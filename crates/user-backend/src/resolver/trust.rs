//! Whether a backend's yes counts: one that accepts people who do not exist proves nothing by accepting anybody.
//!
//! A program that signs in once trusts the backend. A long-running one runs a canary first
//! ([`Resolver::canary`](super::Resolver::canary), or a reload). When the server could not be asked at that time, its first yes
//! is not taken before a canary was refused: the server that returns may be another one.

use std::sync::{Mutex, PoisonError};

use super::canary::Offered;
use crate::identity::BackendId;

/// The trust state of one backend.
#[derive(Debug, Default)]
pub(super) struct Trust {
    known: Mutex<Known>,
    /// One stranger at a time.
    pub(super) at_the_door: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    pub(super) standing: Standing,
    /// How many strangers were offered.
    pub(super) offered: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// No canary has run yet.
    #[default]
    Untried,
    /// A stranger was refused.
    Proven,
    /// A stranger was to be offered, and the server could not be asked.
    Open,
    /// A stranger was accepted.
    Broken,
}

impl Standing {
    /// Whether a yes counts.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Untried | Self::Proven)
    }
}

impl Trust {
    pub(super) fn standing(&self) -> Standing {
        self.known().standing
    }

    pub(super) fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn(&self, id: &BackendId, offered: &Offered) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.offered += 1;
        known.standing = match (offered, known.standing) {
            (Offered::Refused, _) => Standing::Proven,
            (Offered::Accepted, _) => {
                tracing::error!(backend = %id, "accepts people who do not exist; it is not asked any more");
                Standing::Broken
            }
            (Offered::InVain(_), Standing::Untried) => Standing::Open,
            // What was proved stays proved while the server is away.
            (Offered::InVain(_) | Offered::ToNobody(_), before) => before,
        };
    }
}
