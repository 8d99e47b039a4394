//! For fuzzing: what numbers mean, and the answer to our greeting.

use super::greeting::understand;
use super::reply::SmbAnswer;
use crate::error::BackendError;
use crate::fuzzing::Decided;

/// What an error number of libsmbclient means when a share was opened, or a pipe.
#[cfg(feature = "smb-helper")]
pub fn of_errno(number: i32, share: bool) -> Decided {
    use super::reply::{self, Proof};
    let proof = if share { Proof::Share("data".into()) } else { Proof::Pipe };
    decided(reply::of_errno(number, &proof))
}

/// What an NTSTATUS means.
#[cfg(feature = "smb-native")]
pub fn of_status(status: u32) -> Decided {
    decided(super::reply::of_status(status))
}

/// What a server reports about itself in answer to our greeting.
///
/// # Errors
/// It is no server.
pub fn greeting(answer: &[u8]) -> Result<Vec<String>, BackendError> {
    understand(answer).map(|greeting| greeting.capabilities().collect())
}

fn decided(answer: Result<SmbAnswer, BackendError>) -> Decided {
    answer.map(|answer| match answer {
        SmbAnswer::Yes => Ok(()),
        SmbAnswer::No(rejection) => Err(rejection),
    })
}
