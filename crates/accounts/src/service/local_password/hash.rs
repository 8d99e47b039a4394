//! Stored password hashes, and matching a typed password.
//!
//! Pure: no store, no threads, no clock.
//!
//! New hashes are Argon2id (RFC 9106) in the PHC string format. Accounts brought from a PHP
//! installation come with older kinds, which are verified as that installation did and replaced at
//! the first sign-in:
//!
//! | stored | kind |
//! |---|---|
//! | `$argon2id$…` | ours |
//! | `3\|$argon2id$…`, `2\|$argon2i$…` | PHP's Argon2 |
//! | `1\|$2y$…` | PHP's bcrypt |
//! | `$2y$…` alone, 60 characters | older: bcrypt |
//! | `salted\|SALT\|$2y$…` | the same, over the password and the `passwordsalt` of the installation it came from, or without it |
//! | 40 hexadecimal digits | older still: SHA-1 without salt |

use std::fmt;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::random::{NoRandomness, random};
use crate::domain::{LocalPassword, StoredHash};
use crate::service::local_password::memory;
use crate::service::local_password::settings::{HashSettings, MOST_LANES, MOST_MEMORY_KIB, MOST_PASSES};

/// bcrypt ignores all bytes after these.
const BCRYPT_BYTES: usize = 72;

/// The most rounds (as a power of two) that a stored bcrypt hash may ask for.
///
/// About three seconds.
const MOST_BCRYPT_COST: u32 = 16;

/// Prefix of a hash that is stored with its installation's salt.
const SALTED: &str = "salted";

/// Length of new salts in bytes.
const SALT_BYTES: usize = 16;

/// Length of new hashes in bytes.
const OUTPUT_BYTES: usize = 32;

/// A stored hash that can be checked.
///
/// Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    kind: HashKind,
    text: Box<str>,
    salt: LegacySalt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HashKind {
    /// Argon2 in a PHC string.
    Argon2 { ours: bool },
    /// bcrypt of the password alone.
    Bcrypt,
    /// bcrypt of the password and the installation's salt, or of the password alone.
    SaltedBcrypt,
    /// SHA-1 of the password.
    Sha1,
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordMatch {
    /// The typed password is the stored one.
    Yes,
    /// It is not.
    No,
    /// The first 72 bytes match, and the stored hash covers no more.
    ///
    /// That is not enough to accept: a longer password counts in full.
    Truncated,
}

/// The secret `passwordsalt` of an installation that accounts were brought from.
///
/// Empty when it had none. Wiped on drop.
///
/// It is kept with each hash that needs it, not in a setting: so accounts of several installations
/// can live in one store, every program can check them, and the salt is gone when the last such
/// hash was replaced.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LegacySalt(Zeroizing<String>);

impl LegacySalt {
    /// Takes the value of `passwordsalt`.
    pub fn new(salt: impl Into<String>) -> Self {
        Self(Zeroizing::new(salt.into()))
    }

    /// The stored form of an imported hash, with the salt if its kind needs one.
    pub fn with(&self, stored: &str) -> StoredHash {
        if self.0.is_empty() || !is_bcrypt(stored) {
            return StoredHash::new(stored);
        }
        StoredHash::new(format!("{SALTED}|{}|{stored}", URL_SAFE_NO_PAD.encode(self.0.as_bytes())))
    }

    fn read(encoded: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        std::str::from_utf8(&bytes).ok().map(Self::new)
    }
}

impl fmt::Debug for LegacySalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LegacySalt(…)")
    }
}

/// The stored text is no usable hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnknownHash {
    /// Its cost is beyond what one sign-in may take.
    #[error("the stored hash asks for more memory or time than a sign-in may take")]
    TooExpensive,
    /// It is of no known kind.
    #[error("the stored hash is of no known kind")]
    Kind,
}

/// A password could not be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HashError {
    /// The hash function gave up: there was no memory for it.
    #[error("the password could not be hashed")]
    Failed,
    /// There was no salt.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl PasswordHash {
    /// Recognises a stored hash.
    ///
    /// # Errors
    /// [`UnknownHash`]: no password matches such a text.
    pub fn parse(stored: &str) -> Result<Self, UnknownHash> {
        let mut salt = LegacySalt::default();
        let (kind, text) = match stored.split_once('|') {
            Some((SALTED, rest)) => {
                let (encoded, hash) = rest.split_once('|').ok_or(UnknownHash::Kind)?;
                salt = LegacySalt::read(encoded).ok_or(UnknownHash::Kind)?;
                (HashKind::SaltedBcrypt, hash)
            }
            Some(("3" | "2", hash)) if hash.starts_with("$argon2") => {
                (HashKind::Argon2 { ours: false }, hash)
            }
            Some(("3" | "2" | "1", hash)) if is_bcrypt(hash) => (HashKind::Bcrypt, hash),
            Some(_) => return Err(UnknownHash::Kind),
            None if stored.starts_with("$argon2") => (HashKind::Argon2 { ours: true }, stored),
            None if is_bcrypt(stored) => (HashKind::Bcrypt, stored),
            None if stored.len() == 40 && stored.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                (HashKind::Sha1, stored)
            }
            None => return Err(UnknownHash::Kind),
        };
        match kind {
            HashKind::Argon2 { .. } => check_argon2(text)?,
            HashKind::Bcrypt | HashKind::SaltedBcrypt => check_bcrypt(text)?,
            HashKind::Sha1 => {}
        }
        Ok(Self { kind, text: text.into(), salt })
    }

    /// Hashes a password with Argon2id and a fresh salt.
    ///
    /// Slow: call it through the pool.
    ///
    /// # Errors
    /// [`HashError`] when the system has no randomness or no memory to give.
    pub fn new(password: &LocalPassword, settings: &HashSettings) -> Result<Self, HashError> {
        let salt = random::<SALT_BYTES>()?;
        let text = params(settings).and_then(|params| argon2id(password, salt.as_slice(), params));
        let text = text.ok_or(HashError::Failed)?.to_string();
        Ok(Self { kind: HashKind::Argon2 { ours: true }, text: text.into(), salt: LegacySalt::default() })
    }

    /// A hash without a password, as expensive to check as a new one.
    ///
    /// Unknown users are checked against it, so that the time does not reveal who exists.
    ///
    /// # Errors
    /// [`HashError`] when the system has no randomness to give.
    pub fn dummy(settings: &HashSettings) -> Result<Self, HashError> {
        let (salt, output) = (random::<SALT_BYTES>()?, random::<OUTPUT_BYTES>()?);
        let encode = |bytes: &[u8]| Salt::new(bytes).map(|salt| salt.to_salt_string().to_string());
        let (Ok(salt), Ok(output)) = (encode(salt.as_slice()), encode(output.as_slice())) else {
            return Err(HashError::Failed);
        };
        let text = format!(
            "$argon2id$v=19$m={},t={},p={}${salt}${output}",
            settings.memory_kib(),
            settings.passes(),
            settings.lanes()
        );
        Ok(Self { kind: HashKind::Argon2 { ours: true }, text: text.into(), salt: LegacySalt::default() })
    }

    /// Compares a typed password: composed, then as typed if that form differs.
    ///
    /// A wrong password is compared in all its forms, so the number depends on what was typed only.
    /// Slow: call it through the pool.
    pub fn matches(&self, password: &LocalPassword) -> PasswordMatch {
        let mut best = PasswordMatch::No;
        for form in password.forms() {
            match self.matches_form(form) {
                PasswordMatch::Yes => return PasswordMatch::Yes,
                PasswordMatch::Truncated => best = PasswordMatch::Truncated,
                PasswordMatch::No => {}
            }
        }
        best
    }

    fn matches_form(&self, typed: &str) -> PasswordMatch {
        match self.kind {
            HashKind::Argon2 { .. } => yes_if(argon2_matches(&self.text, typed.as_bytes()).unwrap_or(false)),
            HashKind::Bcrypt => self.bcrypt(typed.as_bytes()),
            HashKind::SaltedBcrypt => {
                let salted = Zeroizing::new([typed.as_bytes(), self.salt.0.as_bytes()].concat());
                // The whole password was hashed; of the salt, as much as fitted.
                match self.bcrypt(&salted) {
                    PasswordMatch::No => self.bcrypt(typed.as_bytes()),
                    _ if typed.len() > BCRYPT_BYTES => PasswordMatch::Truncated,
                    _ => PasswordMatch::Yes,
                }
            }
            HashKind::Sha1 => {
                let digest = Sha1::digest(typed.as_bytes());
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                let stored = self.text.to_ascii_lowercase();
                yes_if(hex.as_bytes().ct_eq(stored.as_bytes()).into())
            }
        }
    }

    /// Whether a new hash with these settings would be better.
    ///
    /// Of another kind, or cheaper than the current settings.
    pub fn is_outdated(&self, settings: &HashSettings) -> bool {
        if self.kind != (HashKind::Argon2 { ours: true }) {
            return true;
        }
        let Ok(hash) = phc::PasswordHash::new(&self.text) else { return true };
        let Ok(params) = Params::try_from(&hash) else { return true };
        hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || params.m_cost() < settings.memory_kib()
            || params.t_cost() < settings.passes()
    }

    /// The text to store of a hash that [`new`](Self::new) made.
    ///
    /// With it, passwords can be guessed offline: it goes nowhere else.
    pub fn expose(&self) -> &str {
        &self.text
    }

    fn bcrypt(&self, typed: &[u8]) -> PasswordMatch {
        let begin = typed.get(..BCRYPT_BYTES).unwrap_or(typed);
        match (bcrypt::verify(begin, &self.text), typed.len() > BCRYPT_BYTES) {
            (Ok(true), false) => PasswordMatch::Yes,
            (Ok(true), true) => PasswordMatch::Truncated,
            _ => PasswordMatch::No,
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({:?}, …)", self.kind)
    }
}

fn yes_if(right: bool) -> PasswordMatch {
    if right { PasswordMatch::Yes } else { PasswordMatch::No }
}

fn argon2id(password: &LocalPassword, salt: &[u8], params: Params) -> Option<phc::PasswordHash> {
    let shown = ParamsString::try_from(&params).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; OUTPUT_BYTES];
    memory::derive(&argon2, password.expose().as_bytes(), salt, &mut output)?;
    Some(phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: shown,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(&output).ok()?),
    })
}

/// Whether a password has a hash of any kind of Argon2.
///
/// `None` when that cannot be found out.
fn argon2_matches(text: &str, typed: &[u8]) -> Option<bool> {
    let hash = phc::PasswordHash::new(text).ok()?;
    let (salt, expected) = (hash.salt?, hash.hash?);
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = match hash.version {
        Some(version) => Version::try_from(version).ok()?,
        None => Version::default(),
    };
    let argon2 = Argon2::new(algorithm, version, Params::try_from(&hash).ok()?);
    let mut output = Zeroizing::new(vec![0; expected.len()]);
    memory::derive(&argon2, typed, salt.as_ref(), &mut output)?;
    Some(output.as_slice().ct_eq(expected.as_bytes()).into())
}

fn params(settings: &HashSettings) -> Option<Params> {
    Params::new(settings.memory_kib(), settings.passes(), settings.lanes(), Some(OUTPUT_BYTES)).ok()
}

fn is_bcrypt(hash: &str) -> bool {
    hash.len() == 60 && ["$2y$", "$2a$", "$2b$"].iter().any(|version| hash.starts_with(version))
}

fn check_argon2(text: &str) -> Result<(), UnknownHash> {
    let hash = phc::PasswordHash::new(text).map_err(|_| UnknownHash::Kind)?;
    let params = Params::try_from(&hash).map_err(|_| UnknownHash::Kind)?;
    if params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > MOST_PASSES || params.p_cost() > MOST_LANES {
        return Err(UnknownHash::TooExpensive);
    }
    let known = Algorithm::try_from(hash.algorithm.as_str()).is_ok();
    let version = hash.version.is_none_or(|version| Version::try_from(version).is_ok());
    if known && version && hash.salt.is_some() && hash.hash.is_some() {
        Ok(())
    } else {
        Err(UnknownHash::Kind)
    }
}

fn check_bcrypt(text: &str) -> Result<(), UnknownHash> {
    if !is_bcrypt(text) {
        return Err(UnknownHash::Kind);
    }
    let parts: bcrypt::HashParts = text.parse().map_err(|_| UnknownHash::Kind)?;
    if parts.get_cost() > MOST_BCRYPT_COST { Err(UnknownHash::TooExpensive) } else { Ok(()) }
}
