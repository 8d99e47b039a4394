//! Secrets that a page shows once more, encrypted with the session cookie.
//!
//! The store has only a hash of that cookie.
//!
//! After a form has made an app password, the browser is sent to another page, which shows it.
//! Until then it waits in the row of the session, and a reader of the database cannot open it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// What the key is for (BLAKE3, `derive_key`).
const CONTEXT: &str = "user-backend 2026-11-30 secret that a page shows";

/// Seals a text; `None` without randomness.
pub(super) fn seal(cookie: &str, plain: &[u8]) -> Option<String> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).ok()?;
    let mut sealed = Zeroizing::new(plain.to_vec());
    key(cookie)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut *sealed)
        .ok()?;
    Some(BASE64.encode([nonce.as_slice(), sealed.as_slice()].concat()))
}

/// Opens what was sealed with this cookie.
pub(super) fn open(cookie: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = BASE64.decode(sealed).ok()?;
    let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let mut text = Zeroizing::new(text.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key(cookie)?.open_in_place(nonce, Aad::empty(), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

fn key(cookie: &str) -> Option<LessSafeKey> {
    let key = Zeroizing::new(blake3::derive_key(CONTEXT, cookie.as_bytes()));
    UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_cookie_opens_it() {
        let sealed = seal("cookie", b"secret").unwrap();
        assert_eq!(open("cookie", &sealed).unwrap().as_slice(), b"secret");
        assert!(open("cookie2", &sealed).is_none());
        assert_ne!(seal("cookie", b"secret").unwrap(), sealed);
        let mut other = BASE64.decode(&sealed).unwrap();
        *other.last_mut().unwrap() ^= 1;
        assert!(open("cookie", &BASE64.encode(other)).is_none());
        assert!(open("cookie", "").is_none() && open("cookie", "AAAA").is_none());
    }
}
