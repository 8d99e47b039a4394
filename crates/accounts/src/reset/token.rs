//! The secret in a reset link, and what is stored of it.
//!
//! 32 random bytes, 43 characters in base64url (RFC 4648, section 5). The store holds their SHA-256 only, so whoever reads the
//! store can reset nobody; a plain hash is enough for a secret that nobody can guess. Tokens are looked up by the hash, so no
//! comparison of secrets takes longer the more of one is right.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::random::{NoRandomness, random};

/// Length of a token in characters.
const CHARS: usize = 43;

/// The secret in a reset link. Wiped on drop, redacted in `Debug`.
pub struct ResetToken(Zeroizing<[u8; 32]>);

/// What is stored of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenDigest([u8; 32]);

/// The text is no token: it was cut, or made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is not a reset token")]
pub struct BadToken;

impl ResetToken {
    /// Draws a fresh one.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system has none to give.
    pub fn random() -> Result<Self, NoRandomness> {
        random().map(Self)
    }

    /// Reads the text of a link. There is exactly one text for each token.
    ///
    /// # Errors
    /// [`BadToken`] when it is of the wrong length or alphabet.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        if text.len() != CHARS {
            return Err(BadToken);
        }
        let mut bytes = Zeroizing::new([0; 32]);
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut()) {
            Ok(32) => Ok(Self(bytes)),
            _ => Err(BadToken),
        }
    }

    /// The text for the link: it goes into the mail and nowhere else.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// What is stored.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0.as_slice()).into())
    }
}

impl fmt::Debug for ResetToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetToken(…)")
    }
}

impl TokenDigest {
    /// The bytes to store and to look up by.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}
