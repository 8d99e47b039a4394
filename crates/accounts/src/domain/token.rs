//! Random tokens: what is handed out once, and what is kept of it.
//!
//! A token has 256 random bits, so a plain hash of it can be kept and looked up: there is nothing
//! to guess, and a reader of the database cannot use what is in there.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::error::AccountsError;

/// A token that opens something: shown to its owner once, kept only as a [`TokenHash`].
///
/// `Debug` does not show it.
pub struct Token(String);

impl Token {
    /// Draws a new one.
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] when the operating system has no randomness to give.
    pub fn random() -> Result<Self, AccountsError> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)
            .map_err(|_| AccountsError::unavailable("the system gave no random bytes"))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The token: 43 characters that need no escaping in a URL.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its hash.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The hash of a token, under which it is stored and looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a text that claims to be a token.
    pub fn of(text: &str) -> Self {
        Self(blake3::derive_key("user-backend accounts 2026 token", text.as_bytes()))
    }

    /// A label for lists: 16 digits that distinguish a user's tokens and are no credential.
    pub fn label(&self) -> String {
        self.0.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// As stored.
    pub(crate) fn stored(bytes: &[u8]) -> Result<Self, AccountsError> {
        let bytes = bytes.try_into();
        bytes.map(Self).map_err(|_| AccountsError::unavailable("a stored token has another length"))
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_are_hidden_and_need_no_escaping() {
        let [one, other] = [Token::random().unwrap(), Token::random().unwrap()];
        assert_ne!(one.hash(), other.hash());
        assert_eq!(TokenHash::of(one.expose()), one.hash());
        assert_eq!(one.expose().len(), 43);
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(format!("{one:?} {:?}", one.hash()), "Token(..) TokenHash(..)");
    }
}
