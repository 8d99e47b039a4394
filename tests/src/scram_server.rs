//! The server's side of SCRAM (RFC 5802) over XMPP, from all that it received.
//!
//! Written apart from the client: the arithmetic of PBKDF2 and of the proofs is here again.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::canary;

const SALT: &[u8] = b"zebra salt";
const ROUNDS: u32 = 4096;

/// The hash function of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScramHash {
    /// SCRAM-SHA-1.
    Sha1,
    /// SCRAM-SHA-256.
    Sha256,
}

impl ScramHash {
    fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => {
                let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(key).expect("a key");
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            }
            Self::Sha256 => {
                let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("a key");
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            }
        }
    }

    fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
        }
    }

    fn salted(self) -> &'static [u8] {
        static SHA1: LazyLock<Vec<u8>> = LazyLock::new(|| pbkdf2(ScramHash::Sha1));
        static SHA256: LazyLock<Vec<u8>> = LazyLock::new(|| pbkdf2(ScramHash::Sha256));
        if self == Self::Sha1 { &SHA1 } else { &SHA256 }
    }
}

fn pbkdf2(hash: ScramHash) -> Vec<u8> {
    let password = canary::PASSWORD.as_bytes();
    let mut last = hash.hmac(password, &[SALT, &[0, 0, 0, 1]].concat());
    let mut sum = last.clone();
    for _ in 1..ROUNDS {
        last = hash.hmac(password, &last);
        sum = xor(&sum, &last);
    }
    sum
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

/// The message in the last element of this name.
fn message(received: &str, name: &str) -> Option<String> {
    let element = received.rsplit_once(&format!("<{name} "))?.1;
    let text = element.split_once('>')?.1.split_once('<')?.0;
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// The client's first message, without what is bound.
fn first_bare(received: &str) -> Option<String> {
    message(received, "auth")?.splitn(3, ',').nth(2).map(str::to_owned)
}

/// The first message of the server.
///
/// # Panics
/// When the client did not begin.
#[must_use]
pub fn challenge(received: &str) -> String {
    let bare = first_bare(received).expect("the client's first message");
    let nonce = bare.rsplit_once("r=").expect("its nonce").1;
    format!("r={nonce}zebra,s={},i={ROUNDS}", STANDARD.encode(SALT))
}

/// The last message of the server, if the proof is right and bound to this.
///
/// # Panics
/// When the client did not answer.
#[must_use]
pub fn last(received: &str, hash: ScramHash, bound: &[u8]) -> Option<String> {
    let answer = message(received, "response").expect("the client's last message");
    let (without_proof, proof) = answer.rsplit_once(",p=").expect("its proof");
    let first = message(received, "auth").expect("the client's first message");
    let bare = first_bare(received).expect("the client's first message");
    let header = first.strip_suffix(&bare).expect("its header");
    let expected = STANDARD.encode([header.as_bytes(), bound].concat());
    let binding = without_proof.split(',').next().and_then(|attribute| attribute.strip_prefix("c="));
    let signed = format!("{bare},{},{without_proof}", challenge(received));
    let stored_key = hash.digest(&hash.hmac(hash.salted(), b"Client Key"));
    let client_key = xor(&STANDARD.decode(proof).ok()?, &hash.hmac(&stored_key, signed.as_bytes()));
    let is_right = hash.digest(&client_key) == stored_key && binding == Some(expected.as_str());
    let server_key = hash.hmac(hash.salted(), b"Server Key");
    is_right.then(|| format!("v={}", STANDARD.encode(hash.hmac(&server_key, signed.as_bytes()))))
}
