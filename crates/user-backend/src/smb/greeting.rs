//! Hearing from a server that it is one.
//!
//! SMB2 NEGOTIATE (MS-SMB2 sections 2.2.3 and 2.2.4), without credentials and without any library.
//!
//! libsmbclient does not distinguish an unknown user, a broken server and a locked account (all are
//! `EINVAL`), and blocks its one thread meanwhile. So the server is greeted first, and only one
//! that answers as it should is given a name, a password, and the thread.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::secret::fill_random;
use crate::transport::within;

/// Longest answer that is taken; usual ones have a few hundred bytes.
const MAX_ANSWER: usize = 16 * 1024;

const MAGIC: &[u8; 4] = b"\xfeSMB";
const HEADER: usize = 64;

/// The dialects that are offered, newest last.
const DIALECTS: [(u16, &str); 5] = [
    (0x0202, "SMB 2.0.2"),
    (0x0210, "SMB 2.1"),
    (0x0300, "SMB 3.0"),
    (0x0302, "SMB 3.0.2"),
    (0x0311, "SMB 3.1.1"),
];

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    dialect: &'static str,
    signs: bool,
}

impl Greeting {
    /// The same in words.
    pub(super) fn capabilities(self) -> impl Iterator<Item = String> {
        let signing = self.signs.then(|| "signing required".to_owned());
        [Some(self.dialect.to_owned()), signing].into_iter().flatten()
    }
}

/// Greets the server and closes the connection.
///
/// # Errors
/// An unavailable [`BackendError`] when it says nothing or hangs up, a protocol fault when it is
/// something else.
///
/// # Cancellation
/// Safe: the connection is closed.
pub(super) async fn greet(mut stream: TcpStream, deadline: Instant) -> Result<Greeting, BackendError> {
    within(deadline, Phase::Greeting, async {
        stream.write_all(&request()?).await.map_err(broken)?;
        let [kind, high, middle, low] = stream.read_u32().await.map_err(broken)?.to_be_bytes();
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if kind != 0 || length > MAX_ANSWER {
            return Err(not_smb());
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).await.map_err(broken)?;
        understand(&answer)
    })
    .await
}

/// The request with its length in front.
///
/// The client's id is random: Samba hands connections with the same id to one process, where they
/// wait for each other.
fn request() -> Result<Vec<u8>, BackendError> {
    let mut random = [0; 48];
    fill_random(&mut random).map_err(|error| {
        BackendError::unavailable(Phase::Greeting, "the system has no randomness").with_source(error)
    })?;
    let (id, salt) = random.split_at(16);

    let mut message = Vec::with_capacity(160);
    message.extend_from_slice(MAGIC);
    message.extend_from_slice(&[64, 0]); // structure size
    message.extend_from_slice(&[0; 8]); // credit charge, status, command: negotiate
    message.extend_from_slice(&[1, 0]); // credits asked for
    message.resize(HEADER, 0);
    message.extend_from_slice(&[36, 0, 5, 0]); // structure size, number of dialects
    message.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]); // we can sign; no capabilities
    message.extend_from_slice(id);
    message.extend_from_slice(&[112, 0, 0, 0, 1, 0, 0, 0]); // where the contexts begin, and that there is one
    for (dialect, _) in DIALECTS {
        message.extend_from_slice(&dialect.to_le_bytes());
    }
    message.resize(112, 0);
    message.extend_from_slice(&[1, 0, 38, 0, 0, 0, 0, 0]); // pre-authentication integrity: 38 bytes
    message.extend_from_slice(&[1, 0, 32, 0, 1, 0]); // one algorithm, SHA-512, and 32 bytes of salt
    message.extend_from_slice(salt);

    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    Ok([length.to_be_bytes().as_slice(), &message].concat())
}

pub(super) fn understand(answer: &[u8]) -> Result<Greeting, BackendError> {
    let two = |at: usize| {
        let [low, high] = answer.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_le_bytes([low, high]))
    };
    let is_answer =
        answer.starts_with(MAGIC) && two(12) == Some(0) && two(16).is_some_and(|flags| flags & 1 == 1);
    let (true, Some(low), Some(high)) = (is_answer, two(8), two(10)) else { return Err(not_smb()) };
    let status = u32::from(high) << 16 | u32::from(low);
    if status != 0 {
        return Err(BackendError::protocol(
            Phase::Greeting,
            format!("the server agreed on no dialect (status 0x{status:08x})"),
        ));
    }
    let (Some(65), Some(mode), Some(agreed)) = (two(HEADER), two(HEADER + 2), two(HEADER + 4)) else {
        return Err(not_smb());
    };
    match DIALECTS.into_iter().find(|(dialect, _)| *dialect == agreed) {
        Some((_, dialect)) => Ok(Greeting { dialect, signs: mode & 2 == 2 }),
        None => Err(not_smb()),
    }
}

fn not_smb() -> BackendError {
    BackendError::protocol(Phase::Greeting, "the server does not speak SMB 2 or 3")
}

fn broken(error: io::Error) -> BackendError {
    let detail = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection",
        _ => "the connection broke",
    };
    BackendError::unavailable(Phase::Greeting, detail).with_source(error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer as a server gives it.
    fn answer(dialect: u16, mode: u8) -> Vec<u8> {
        let mut answer = vec![0; HEADER];
        answer[..4].copy_from_slice(MAGIC);
        answer[4] = 64;
        answer[16] = 1;
        answer.extend_from_slice(&[65, 0, mode, 0]);
        answer.extend_from_slice(&dialect.to_le_bytes());
        answer.resize(129, 0);
        answer
    }

    fn capabilities(answer: &[u8]) -> Option<Vec<String>> {
        understand(answer).ok().map(|greeting| greeting.capabilities().collect())
    }

    #[test]
    fn server_reports_its_dialect_and_signing() {
        assert_eq!(capabilities(&answer(0x0311, 3)).unwrap(), ["SMB 3.1.1", "signing required"]);
        assert_eq!(capabilities(&answer(0x0210, 1)).unwrap(), ["SMB 2.1"]);
    }

    #[test]
    fn other_answers_are_not_from_smb_servers() {
        // A wildcard, and a dialect that was not offered.
        assert_eq!(capabilities(&answer(0x02ff, 1)), None);
        assert_eq!(capabilities(&answer(0x0400, 1)), None);
        for (at, byte) in [(0, 0xff), (8, 1), (12, 1), (16, 0), (64, 0)] {
            let mut changed = answer(0x0311, 3);
            changed[at] = byte;
            assert_eq!(capabilities(&changed), None, "byte {at}");
        }
        for length in 0..HEADER + 6 {
            assert_eq!(capabilities(&answer(0x0311, 3)[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn two_requests_are_never_of_one_client() {
        let (one, two) = (request().unwrap(), request().unwrap());
        assert_eq!((one.len(), &one[..4]), (4 + 158, [0, 0, 0, 158].as_slice()));
        assert_ne!(one[4 + 76..4 + 92], two[4 + 76..4 + 92]);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = understand(&answer);
        }
    }
}
