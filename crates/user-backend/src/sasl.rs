//! Messages of SASL that carry a name and a password, for the protocols that use SASL.
//!
//! Each is built once, in a buffer of exactly the right size that is wiped afterwards: a buffer
//! that grows would leave copies in memory. PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login)
//! carry every character in base64.

#![allow(dead_code, reason = "not every class needs all of it")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Bytes with a secret in them.
pub(crate) type SecretLine = Zeroizing<Vec<u8>>;

/// The message of PLAIN in base64, between what goes before and after it.
pub(crate) fn plain(before: &[&[u8]], name: &str, password: &str, after: &[u8]) -> SecretLine {
    // RFC 4616 section 2: [authzid] NUL authcid NUL passwd. Neither may hold NUL: `LoginName` and
    // `Password` see to it.
    encoded(before, &exact(&[b"\0", name.as_bytes(), b"\0", password.as_bytes()]), after)
}

/// The two messages of LOGIN, each after a challenge: the name, the password.
pub(crate) fn login_in_turns(name: &str, password: &str) -> [SecretLine; 2] {
    [name, password].map(|text| encoded(&[], text.as_bytes(), b"\r\n"))
}

/// `before`, the message in base64, and `after`.
pub(crate) fn encoded(before: &[&[u8]], message: &[u8], after: &[u8]) -> SecretLine {
    let encoded = message.len().div_ceil(3) * 4;
    let mut line = with_capacity(before.iter().map(|part| part.len()).sum::<usize>() + encoded + after.len());
    before.iter().for_each(|part| line.extend_from_slice(part));
    let start = line.len();
    line.resize(start + encoded, 0);
    // It cannot fail, the room is exactly what is needed; if it did, NUL would make the server
    // refuse the line.
    let _ = STANDARD.encode_slice(message, line.get_mut(start..).unwrap_or_default());
    line.extend_from_slice(after);
    line
}

/// The parts in one buffer of their size.
pub(crate) fn exact(parts: &[&[u8]]) -> SecretLine {
    let mut joined = with_capacity(parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| joined.extend_from_slice(part));
    joined
}

pub(crate) fn with_capacity(bytes: usize) -> SecretLine {
    Zeroizing::new(Vec::with_capacity(bytes))
}
