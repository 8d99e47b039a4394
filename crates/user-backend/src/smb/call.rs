//! One login through libsmbclient as request and response: plain data only.
//!
//! It does not need the library.

use std::net::SocketAddrV4;

use super::reply::{Proof, SmbAnswer, errno, of_errno};
use crate::error::{BackendError, Phase};
use crate::secret::Password;

/// What libsmbclient is asked.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) peer: SocketAddrV4,
    pub(super) name: String,
    pub(super) password: Password,
    pub(super) workgroup: String,
    pub(super) proof: Proof,
}

/// How the call ended: a number at most, never a text.
///
/// So it can be sent between processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The session is there and proved.
    Yes,
    /// libsmbclient gave this error number.
    Number(i32),
    /// Another client of this process uses other dialects.
    Conflict,
    /// A thread of this process panicked within the library.
    Poisoned,
    /// The library itself failed; perhaps the server was not asked.
    Failed,
}

impl Ended {
    /// Whether the server let a request time out.
    pub(super) fn is_timeout(self) -> bool {
        self == Self::Number(errno::ETIMEDOUT)
    }

    /// Whether this is the number of a refused account and of a server that broke off alike.
    pub(super) fn is_ambiguous(self) -> bool {
        self == Self::Number(errno::EINVAL)
    }

    /// What it means for the person.
    pub(super) fn meaning(self, proof: &Proof) -> Result<SmbAnswer, BackendError> {
        match self {
            Self::Yes => Ok(SmbAnswer::Yes),
            Self::Number(number) => of_errno(number, proof),
            Self::Conflict => Err(BackendError::misconfigured(
                Phase::Login,
                "another part of this program uses libsmbclient with other dialects",
            )),
            Self::Poisoned => Err(BackendError::unavailable(
                Phase::Login,
                "libsmbclient is out of order since a crash; restart the program",
            )),
            Self::Failed => Err(BackendError::unavailable(Phase::Login, "libsmbclient failed")),
        }
    }
}
