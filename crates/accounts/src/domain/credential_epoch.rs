//! The counter of ended credentials.

use std::fmt;

use user_backend::CanonicalName;

/// A point in the history of ended credentials.
///
/// Later ones are larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialEpoch(i64);

impl CredentialEpoch {
    pub(crate) const fn stored(value: i64) -> Self {
        Self(value)
    }

    /// As a number, for metrics and logs.
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for CredentialEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whose credentials ended since an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndedCredentials {
    /// Too many or too old: the whole cache must be cleared.
    Everything {
        /// The epoch now.
        now: CredentialEpoch,
    },
    /// No one's.
    None {
        /// The epoch now.
        now: CredentialEpoch,
    },
    /// These users'.
    Users {
        /// The epoch now.
        now: CredentialEpoch,
        /// Who, each once.
        names: Vec<CanonicalName>,
    },
}

impl EndedCredentials {
    /// The epoch to ask from the next time.
    pub const fn now(&self) -> CredentialEpoch {
        match self {
            Self::Everything { now } | Self::None { now } | Self::Users { now, .. } => *now,
        }
    }
}
