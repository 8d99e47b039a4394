//! The protocol between a program and its helpers: greeting, requests, responses.
//!
//! No I/O.
//!
//! Both ends are the same program in the same version, as a rule; the greeting finds out when they
//! are not, before a password is sent to something that is no helper.

#[cfg(any(feature = "smb", test))]
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::call::{Call, Ended};
use super::super::reply::Proof;
#[cfg(any(feature = "smb", test))]
use crate::secret::Password;

/// The greeting of a helper.
///
/// Increase the number with every change to this file.
pub(super) const GREETING: &[u8; 16] = b"ub-smb-helper 1\n";

/// Longest question: four times the size of names, password and share.
pub(super) const MAX_QUESTION: usize = 4096;

/// Bytes of an answer.
pub(super) const ANSWER: usize = 5;

/// A question with its length in front, in memory that is wiped.
///
/// `None` when something in it is too long.
pub(super) fn question(call: &Call, request_timeout: Duration) -> Option<Zeroizing<Vec<u8>>> {
    // Full capacity at once: a buffer that grows leaves copies in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(4 + MAX_QUESTION));
    let share: &str = match &call.proof {
        Proof::Share(share) => share,
        Proof::Pipe => "",
    };
    let texts = [share, &call.workgroup, &call.name, call.password.expose()];
    let length = 4 + 4 + 2 + texts.iter().map(|text| 2 + text.len()).sum::<usize>();
    if length > MAX_QUESTION {
        return None;
    }
    bytes.extend_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
    bytes.extend_from_slice(&u32::try_from(request_timeout.as_millis()).ok()?.to_be_bytes());
    bytes.extend_from_slice(&call.peer.ip().octets());
    bytes.extend_from_slice(&call.peer.port().to_be_bytes());
    for text in texts {
        bytes.extend_from_slice(&u16::try_from(text.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Some(bytes)
}

/// Reads a request without its length; `None` when it is invalid.
#[cfg(any(feature = "smb", test))]
pub(super) fn read_question(bytes: &[u8]) -> Option<(Call, Duration)> {
    let mut rest = FrameReader(bytes);
    let timeout = Duration::from_millis(u32::from_be_bytes(rest.take()?).into());
    let peer = SocketAddrV4::new(Ipv4Addr::from(rest.take::<4>()?), u16::from_be_bytes(rest.take()?));
    let (share, workgroup, name, password) = (rest.text()?, rest.text()?, rest.text()?, rest.text()?);
    if !rest.0.is_empty() {
        return None;
    }
    let proof = if share.is_empty() { Proof::Pipe } else { Proof::Share(share.into()) };
    let password = Password::parse(password).ok()?;
    Some((Call { peer, name: name.into(), password, workgroup: workgroup.into(), proof }, timeout))
}

/// The unread rest.
#[cfg(any(feature = "smb", test))]
struct FrameReader<'a>(&'a [u8]);

#[cfg(any(feature = "smb", test))]
impl<'a> FrameReader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = u16::from_be_bytes(self.take()?).into();
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

/// An answer.
#[cfg(any(feature = "smb", test))]
pub(super) fn answer(ended: Ended) -> [u8; ANSWER] {
    let (kind, number) = match ended {
        Ended::Yes => (b'Y', 0),
        Ended::Number(number) => (b'N', number),
        Ended::Conflict => (b'C', 0),
        Ended::Poisoned => (b'P', 0),
        Ended::Failed => (b'F', 0),
    };
    let [a, b, c, d] = number.to_be_bytes();
    [kind, a, b, c, d]
}

/// Reads an answer; `None` if it is invalid.
pub(super) fn read_answer([kind, number @ ..]: [u8; ANSWER]) -> Option<Ended> {
    let number = i32::from_be_bytes(number);
    match (kind, number) {
        (b'Y', 0) => Some(Ended::Yes),
        (b'N', number) => Some(Ended::Number(number)),
        (b'C', 0) => Some(Ended::Conflict),
        (b'P', 0) => Some(Ended::Poisoned),
        (b'F', 0) => Some(Ended::Failed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(proof: Proof, name: &str, password: &str) -> Call {
        Call {
            peer: "127.0.0.2:1445".parse().unwrap(),
            name: name.to_owned(),
            password: Password::parse(password).unwrap(),
            workgroup: "WORKGROUP".to_owned(),
            proof,
        }
    }

    #[test]
    fn question_arrives_as_it_was_asked() {
        for proof in [Proof::Pipe, Proof::Share("Dätä".into())] {
            for (name, password) in [("alice", "p"), ("jürgen", "Pässwörd-日本"), ("a", &"x".repeat(255))]
            {
                let sent = call(proof.clone(), name, password);
                let bytes = question(&sent, Duration::from_millis(2999)).unwrap();
                let (length, body) = bytes.split_first_chunk().unwrap();
                assert_eq!(usize::try_from(u32::from_be_bytes(*length)).unwrap(), body.len());
                let (received, timeout) = read_question(body).unwrap();
                assert_eq!(timeout, Duration::from_millis(2999));
                assert_eq!(
                    (received.peer, &received.name, &received.proof),
                    (sent.peer, &sent.name, &sent.proof)
                );
                assert_eq!(received.workgroup, sent.workgroup);
                assert_eq!(received.password.expose(), password);
                // With anything cut off or added, it is no longer a question.
                for end in 0..body.len() {
                    assert!(read_question(&body[..end]).is_none(), "{end}");
                }
                assert!(read_question(&[body, b"\0"].concat()).is_none());
            }
        }
    }

    #[test]
    fn frame_length_limit_is_exact() {
        let long = call(Proof::Share("ä".repeat(80).into()), &"x".repeat(1100), &"x".repeat(1024));
        assert!(question(&long, Duration::from_secs(3)).is_some());
        assert!(question(&call(Proof::Pipe, &"x".repeat(4096), "p"), Duration::from_secs(3)).is_none());
    }

    #[test]
    fn answers_arrive_as_they_were_given_and_nothing_else_is_one() {
        for ended in [Ended::Yes, Ended::Conflict, Ended::Poisoned, Ended::Failed, Ended::Number(-1)] {
            assert_eq!(read_answer(answer(ended)), Some(ended));
        }
        for number in 0..200 {
            assert_eq!(read_answer(answer(Ended::Number(number))), Some(Ended::Number(number)));
        }
        let yes = answer(Ended::Yes);
        for kind in 0..=255 {
            for last in [0, 1] {
                let mut bytes = yes;
                (bytes[0], bytes[4]) = (kind, last);
                let is_yes = read_answer(bytes) == Some(Ended::Yes);
                assert_eq!(is_yes, bytes == yes, "{bytes:?}");
            }
        }
    }
}
