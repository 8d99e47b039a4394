//! Password generator: for new accounts, and on request.
//!
//! A candidate is drawn as a whole, each character uniformly and on its own, until one passes the
//! policy. So every password that passes is equally likely, no place in it prefers any character,
//! and nothing of a refused candidate is left in the next one. Randomness is the operating
//! system's.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// The shortest that is made; 16 of 56 characters are 92 bits.
pub(crate) const SHORTEST: usize = 16;

/// How many candidates are drawn.
///
/// With every rule on, a quarter of them fails: a thousand in a row never do.
const ROUNDS: usize = 1_000;

/// Letters and digits that are not easily confused: no 0 and O, no 1, I and l, no o.
///
/// This covers reading aloud, handwriting and print.
const PLAIN: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// The same with special characters that are safe in shells, URLs and settings.
const SPECIAL: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789+-.:=@_,";

/// A generated password.
///
/// Wiped on drop, redacted in `Debug`.
#[derive(Clone)]
pub struct Generated(Zeroizing<String>);

impl Generated {
    /// The password itself: to show it once, or to set it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Generated(…)")
    }
}

/// Why there is no generated password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// No candidate passed.
    ///
    /// The text is the PHP application's, which shows it to users.
    #[error("Could not generate a valid password")]
    NonePassed,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

/// Draws candidates of `length` characters until one passes.
pub(crate) fn generate(
    length: usize,
    special: bool,
    passes: impl Fn(&str) -> bool,
) -> Result<Generated, GenerateError> {
    let alphabet = if special { SPECIAL } else { PLAIN };
    let mut bytes = RandomBytes::new(|buffer: &mut [u8]| getrandom::fill(buffer).is_ok());
    for _ in 0..ROUNDS {
        let candidate = draw(length, alphabet, &mut bytes)?;
        if passes(&candidate) {
            return Ok(Generated(candidate));
        }
    }
    Err(GenerateError::NonePassed)
}

fn draw<F: FnMut(&mut [u8]) -> bool>(
    length: usize,
    alphabet: &[u8],
    bytes: &mut RandomBytes<F>,
) -> Result<Zeroizing<String>, GenerateError> {
    let mut candidate = Zeroizing::new(String::with_capacity(length));
    // The largest multiple of the alphabet that a byte holds: what is above would favour the first
    // characters.
    let fair = 256 - 256 % alphabet.len();
    while candidate.len() < length {
        let byte = usize::from(bytes.next()?);
        if byte < fair
            && let Some(&character) = alphabet.get(byte % alphabet.len())
        {
            candidate.push(char::from(character));
        }
    }
    Ok(candidate)
}

/// Random bytes, fetched many at a time and wiped.
struct RandomBytes<F> {
    fill: F,
    buffer: Zeroizing<[u8; 64]>,
    used: usize,
}

impl<F: FnMut(&mut [u8]) -> bool> RandomBytes<F> {
    fn new(fill: F) -> Self {
        Self { fill, buffer: Zeroizing::new([0; 64]), used: 64 }
    }

    fn next(&mut self) -> Result<u8, GenerateError> {
        if self.used >= self.buffer.len() {
            if !(self.fill)(self.buffer.as_mut()) {
                return Err(GenerateError::NoRandomness);
            }
            self.used = 0;
        }
        let byte = self.buffer.get(self.used).copied().ok_or(GenerateError::NoRandomness)?;
        self.used += 1;
        Ok(byte)
    }
}

#[cfg(test)]
mod tests;
