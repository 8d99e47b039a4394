//! Whether a backend's yes counts: one that accepts people who do not exist proves nothing by accepting anybody.
//!
//! A program that signs somebody in once takes the backend's word. One that runs on offers a stranger first
//! ([`Resolver::canary`](super::Resolver::canary), or a reload). When the server could not be asked at that time, its first yes
//! is not taken before a stranger was refused: whoever brings the server back may have brought back another one.

use std::sync::{Arc, Mutex, PoisonError};

use super::link::Link;
use crate::check::{Canary, Offered, offer_stranger};
use crate::clock::{Instant, later, now};
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;

/// What is known about one backend.
#[derive(Debug, Default)]
pub(super) struct Trust {
    known: Mutex<Known>,
    /// One stranger at a time.
    at_the_door: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    standing: Standing,
    /// How many strangers were offered.
    offered: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has wanted to know.
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

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, id: &BackendId, offered: &Offered) {
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

impl Link {
    /// Offers a person who does not exist, if the policy wants it, and draws the conclusion.
    pub(super) async fn prove(&self, deadline: Instant) -> Canary {
        if !self.policy.canary {
            return Canary::NotAsked;
        }
        let _one_at_a_time = self.trust.at_the_door.lock().await;
        let offered = offer_stranger(self.backend.as_ref(), &self.domain, deadline).await;
        self.trust.learn(&self.id, &offered);
        offered.into()
    }

    /// Makes sure that a yes of this backend counts, if need be by offering a stranger now. That costs those who come first after
    /// an outage the time of one more login, and nobody afterwards.
    pub(super) async fn vouch_for(self: &Arc<Self>, deadline: Instant) -> Result<(), BackendError> {
        let Known { standing, offered } = self.trust.known();
        if standing == Standing::Open {
            let link = Arc::clone(self);
            // In a task of its own: when it takes longer than this attempt may, the next one knows.
            let stranger = tokio::spawn(async move {
                let _one_at_a_time = link.trust.at_the_door.lock().await;
                if link.trust.known().offered == offered {
                    let deadline = later(now(), super::Resolver::DEFAULT_DEADLINE);
                    let found = offer_stranger(link.backend.as_ref(), &link.domain, deadline).await;
                    link.trust.learn(&link.id, &found);
                }
            });
            let _ = tokio::time::timeout_at(deadline, stranger).await;
        }
        match self.trust.standing() {
            Standing::Untried | Standing::Proven => Ok(()),
            Standing::Broken => Err(self.accepts_anybody()),
            Standing::Open => {
                let text = "it says yes, and whether it also says yes to people who do not exist could not be found out";
                Err(BackendError::unavailable(Phase::Login, text))
            }
        }
    }

    pub(super) fn accepts_anybody(&self) -> BackendError {
        let text = "it accepts people who do not exist, so its word is worth nothing";
        BackendError::misconfigured(Phase::Login, text)
    }
}
