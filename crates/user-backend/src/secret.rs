//! Passwords and their keyed hashes.
//!
//! A password is wiped when it is dropped and never printed. What a cache remembers of it is a
//! BLAKE3 hash under a random key that ends with the process: useless for an attacker who
//! reads the memory of another process or a core dump of an earlier one, and compared in constant
//! time.
//!
//! ```
//! use user_backend::Password;
//!
//! let password = Password::parse("Wonderland-1")?;
//! assert!(!format!("{password:?}").contains("Wonderland"));
//! assert!(Password::parse("").is_err(), "an empty password is never sent");
//! # Ok::<(), user_backend::secret::PasswordError>(())
//! ```

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::ascii::is_printable;

/// Maximum length of a password, in bytes of UTF-8.
///
/// No backend ever truncates: some servers reset the connection beyond this, which would look like
/// an outage.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// A password as typed.
///
/// Wiped on drop, redacted in `Debug`.
///
/// Holding one means: not empty, at most [`MAX_PASSWORD_BYTES`] bytes, no control character.
#[derive(Clone)]
pub struct Password(Zeroizing<Box<str>>);

impl Password {
    /// Checks and takes a password.
    ///
    /// # Errors
    /// [`PasswordError`], without the password; such a password is refused before any backend is
    /// asked.
    pub fn parse(typed: impl Into<String>) -> Result<Self, PasswordError> {
        let typed = Zeroizing::new(typed.into());
        Self::check(&typed)?;
        Ok(Self(Zeroizing::new(typed.as_str().into())))
    }

    /// The rules of [`Self::parse`], for a password that need not be kept.
    #[inline]
    pub(crate) fn check(typed: &str) -> Result<(), PasswordError> {
        if typed.is_empty() {
            return Err(PasswordError::Empty);
        }
        if typed.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong { bytes: typed.len() });
        }
        // Nearly all are in printable ASCII, which is quickly seen.
        if !is_printable(typed) && typed.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        Ok(())
    }

    /// The password itself: for the one place that writes it to a server.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Why a text is not a valid password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Nothing was typed.
    ///
    /// Some servers take an empty password as an anonymous login.
    #[error("the password is empty")]
    Empty,
    /// More than [`MAX_PASSWORD_BYTES`] bytes.
    #[error("the password has {bytes} bytes, at most {MAX_PASSWORD_BYTES} are taken")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A control character.
    ///
    /// NUL would cut the password at some servers, and a line end would start a new command.
    #[error("the password has a control character")]
    Control,
}

#[doc(hidden)]
/// A keyed hash of one (scope, name, password) tuple.
///
/// Compared in constant time, redacted in `Debug`.
#[derive(Clone, Copy)]
pub struct OutcomeKey([u64; 4]);

impl PartialEq for OutcomeKey {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // All of it is compared before anything is decided.
        let differ = self.0.iter().zip(&other.0).fold(0, |differ, (one, other)| differ | (one ^ other));
        differ.ct_eq(&0).into()
    }
}

impl Eq for OutcomeKey {}

impl std::hash::Hash for OutcomeKey {
    #[inline]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // The key is uniform already and unknown to attackers: eight bytes of it are as good as
        // all.
        let [first, ..] = self.0;
        state.write_u64(first);
    }
}

impl From<blake3::Hash> for OutcomeKey {
    #[inline]
    fn from(hash: blake3::Hash) -> Self {
        let (words, _) = hash.as_bytes().as_chunks();
        let mut key = [0; 4];
        for (place, word) in key.iter_mut().zip(words) {
            *place = u64::from_le_bytes(*word);
        }
        Self(key)
    }
}

impl OutcomeKey {
    /// The beginning of it, where no one can look for two hashes that begin alike.
    pub(crate) fn short(self) -> u64 {
        let [first, ..] = self.0;
        first
    }

    /// The hash itself, to be stored.
    pub(crate) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.0) {
            *place = word.to_le_bytes();
        }
        bytes
    }
}

impl fmt::Debug for OutcomeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutcomeKey(…)")
    }
}

#[doc(hidden)]
/// Makes [`OutcomeKey`]s under one random key, which is never stored.
///
/// The key is drawn when the keyer is created.
pub struct OutcomeKeyer {
    key: Zeroizing<[u8; 32]>,
}

impl OutcomeKeyer {
    /// Draws a fresh key.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system has none to give.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(key.as_mut())?;
        Ok(Self { key })
    }

    /// Takes a key that outlives the process.
    pub(crate) const fn with_key(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key }
    }

    /// The key of one tuple.
    ///
    /// The fields follow their lengths, so ("ab", "c") and ("a", "bc") differ.
    #[inline]
    pub fn key(&self, scope: &[u8], name: &str, password: &str) -> OutcomeKey {
        // Lengths, scope, a usual name and a usual password fit here; hashing one buffer in one go
        // is the fast path.
        let mut buffer = Scratch([0; SCRATCH]);
        let parts = [scope, name.as_bytes(), password.as_bytes()];
        let (lengths, mut rest) = buffer.0.split_at_mut(HEADER);
        lengths.copy_from_slice(&header(parts));
        let mut used = HEADER;
        for part in parts {
            let Some((target, behind)) = rest.split_at_mut_checked(part.len()) else {
                return self.long_key(parts);
            };
            target.copy_from_slice(part);
            (rest, used) = (behind, used + part.len());
        }
        blake3::keyed_hash(&self.key, buffer.0.get(..used).unwrap_or_default()).into()
    }

    fn long_key(&self, parts: [&[u8]; 3]) -> OutcomeKey {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&header(parts));
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

/// The lengths of the fields, in four bytes each.
fn header(parts: [&[u8]; 3]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    for (place, part) in header.as_chunks_mut().0.iter_mut().zip(parts) {
        *place = u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes();
    }
    header
}

const HEADER: usize = 12;
const SCRATCH: usize = 128;

/// A place for a password that is wiped in one stroke.
///
/// Wiping byte by byte would take as long as hashing.
struct Scratch([u8; SCRATCH]);

impl Drop for Scratch {
    fn drop(&mut self) {
        self.0 = [0; SCRATCH];
        // It is not read again: without this the compiler would optimise the line above away.
        zeroize::optimization_barrier(&self.0);
    }
}

impl fmt::Debug for OutcomeKeyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutcomeKeyer(…)")
    }
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// Fills a buffer with bytes from the operating system's generator.
pub(crate) fn fill_random(buffer: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(buffer).map_err(|_| NoRandomness)
}

/// A random text of `2 * N` lower-case hexadecimal digits: tags, canary names.
pub(crate) fn random_hex<const N: usize>() -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; N];
    fill_random(&mut bytes)?;
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_never_printed() {
        let password = Password::parse("Wonderland-1").unwrap();
        assert_eq!(format!("{password:?} {password:#?}"), "Password(…) Password(…)");
    }

    #[test]
    fn t01_empty_long_and_control_characters_are_refused_before_io() {
        assert_eq!(Password::parse("").unwrap_err(), PasswordError::Empty);
        assert_eq!(Password::parse("x".repeat(1025)).unwrap_err(), PasswordError::TooLong { bytes: 1025 });
        assert!(Password::parse("x".repeat(1024)).is_ok());
        for control in (0..=0x1f_u32).chain(0x7f..=0x9f).filter_map(char::from_u32) {
            assert_eq!(
                Password::parse(format!("a{control}b")).unwrap_err(),
                PasswordError::Control,
                "{control:?}"
            );
        }
    }

    #[test]
    fn fields_stay_separate() {
        let keyer = OutcomeKeyer::random().unwrap();
        let key = |name: &str, password: &str| keyer.key(b"s", name, password);
        assert_ne!(key("ab", "c"), key("a", "bc"));
        assert_eq!(key("ab", "c"), key("ab", "c"));
        let long = "x".repeat(250);
        assert_ne!(key(&long, "ab"), key(&format!("{long}a"), "b"));
    }

    #[test]
    fn short_and_long_tuples_hash_by_one_rule() {
        let keyer = OutcomeKeyer::random().unwrap();
        let direct = keyer.key(b"s", "alice", "secret");
        assert_eq!(direct, keyer.long_key([b"s", b"alice", b"secret"]));
    }

    #[test]
    fn two_processes_never_agree_on_a_key() {
        let one = OutcomeKeyer::random().unwrap().key(b"s", "alice", "secret");
        assert_ne!(one, OutcomeKeyer::random().unwrap().key(b"s", "alice", "secret"));
    }
}
