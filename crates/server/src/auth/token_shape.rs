//! The format of tokens.

/// How long a token is: 32 bytes in base64 without padding.
const LENGTH: usize = 43;

/// Whether a text could be a token: of an app password, or of a session.
pub(crate) fn is_token_shaped(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
