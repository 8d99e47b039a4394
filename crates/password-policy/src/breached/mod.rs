//! Checks for breached passwords by k-anonymity, without sending the password.
//!
//! A range server knows hundreds of millions of leaked passwords by their SHA-1. It gets the first
//! five of the forty digits, which more than a thousand leaked passwords share, and answers with
//! all that begin so; the comparison is made here. Fails open, as in the PHP application: an outage
//! of another server must not keep users from changing a password. It leaves a warning.

#[cfg(feature = "hibp")]
mod http;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use sha1::{Digest, Sha1};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::settings::{Settings, SettingsError};

#[cfg(feature = "hibp")]
pub use http::HttpRanges;

/// The largest range that is read.
///
/// Real ones have some 40 to 80 kilobytes.
const MAX_RANGE_BYTES: u64 = 1 << 20;

const PREFIX: usize = 5;
const DIGITS: usize = 40;

/// A source of ranges.
///
/// Called where blocking is allowed.
pub trait RangeSource: fmt::Debug + Send + Sync + 'static {
    /// The rows of one range: the other 35 digits, a colon, a count; one a line.
    ///
    /// A count of 0 is padding.
    ///
    /// # Errors
    /// [`RangeError`]: no range is available. The password then counts as not breached, with a warning.
    fn range(&self, prefix: RangePrefix) -> Result<String, RangeError>;
}

/// The first five hexadecimal digits of a SHA-1, in upper case: all that a source gets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RangePrefix([u8; PREFIX]);

impl fmt::Display for RangePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for RangePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RangePrefix(…)")
    }
}

/// Why a range could not be had.
///
/// Never contains a server's text.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RangeError {
    /// It cannot be reached, or broke off.
    #[error("it cannot be read: {0}")]
    Io(io::ErrorKind),
    /// It took too long.
    #[error("it took too long")]
    Timeout,
    /// It answered with something else than 200.
    #[error("it answered with status {0}")]
    Status(u16),
    /// It sent too much.
    #[error("it sent more than a range")]
    TooLarge,
    /// The response has no rows.
    #[error("what it sent is not a range")]
    NotARange,
    /// The connection is not what it should be: TLS, or not HTTP at all.
    #[error("the connection failed")]
    Connection,
}

impl From<io::Error> for RangeError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout,
            kind => Self::Io(kind),
        }
    }
}

/// Ranges in a folder, one file each, named by the five digits with or without `.txt`.
///
/// The format of the downloaders of the whole collection. Needs no network.
#[derive(Clone, Debug)]
pub struct FolderRanges {
    folder: PathBuf,
}

impl FolderRanges {
    /// Takes the folder, which is not read before it is needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl RangeSource for FolderRanges {
    fn range(&self, prefix: RangePrefix) -> Result<String, RangeError> {
        let named = |suffix: &str| File::open(self.folder.join(format!("{prefix}{suffix}")));
        read(named(".txt").or_else(|_| named(""))?, RangeError::from)
    }
}

/// The configured source, if any.
pub(crate) fn from_settings(settings: &Settings) -> Result<Option<Arc<dyn RangeSource>>, SettingsError> {
    let Some(source) = settings.have_i_been_pwned_source.as_deref() else { return Ok(None) };
    if PathBuf::from(source).is_absolute() {
        return Ok(Some(Arc::new(FolderRanges::new(source))));
    }
    let problem = |problem| SettingsError::Source { problem };
    if !source.starts_with("https://") && !source.starts_with("http://") {
        return Err(problem("expected an absolute path or an https address"));
    }
    #[cfg(feature = "hibp")]
    return Ok(Some(Arc::new(HttpRanges::new(source)?)));
    #[cfg(not(feature = "hibp"))]
    Err(problem("an address needs the cargo feature `hibp`"))
}

/// Whether a source lists a password.
///
/// A failing source lists nothing, with a warning.
pub(crate) fn breached(source: &dyn RangeSource, candidate: &str) -> bool {
    let digits = hex_digits(candidate);
    let (prefix, rest) = digits.split_at(PREFIX);
    let Ok(prefix) = prefix.try_into() else { return false };
    match source.range(RangePrefix(prefix)).and_then(|range| lists(&range, rest)) {
        Ok(listed) => listed,
        Err(error) => {
            tracing::warn!(%error, "the range source failed, so a password was not looked up among leaked ones");
            false
        }
    }
}

fn hex_digits(candidate: &str) -> Zeroizing<[u8; DIGITS]> {
    let hash: Zeroizing<[u8; 20]> = Zeroizing::new(Sha1::digest(candidate.as_bytes()).into());
    let digit = |nibble: u8| b"0123456789ABCDEF".get(usize::from(nibble)).copied().unwrap_or(b'0');
    let mut digits = Zeroizing::new([0; DIGITS]);
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hash.iter()) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    digits
}

/// Looks for 35 digits among the rows.
///
/// Lines that are no rows are passed over, unless there are no others.
fn lists(range: &str, wanted: &[u8]) -> Result<bool, RangeError> {
    let mut rows = range.lines().filter_map(row).peekable();
    rows.peek().ok_or(RangeError::NotARange)?;
    Ok(rows.any(|(digits, leaked)| leaked && digits.as_bytes().eq_ignore_ascii_case(wanted)))
}

/// The digits of a row, and whether it is more than padding.
fn row(line: &str) -> Option<(&str, bool)> {
    let (digits, count) = line.trim().split_once(':')?;
    let is_row = digits.len() == DIGITS - PREFIX
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && !count.is_empty()
        && count.bytes().all(|b| b.is_ascii_digit());
    is_row.then(|| (digits, count.bytes().any(|b| b != b'0')))
}

fn read(reader: impl Read, failed: impl FnOnce(io::Error) -> RangeError) -> Result<String, RangeError> {
    let mut range = Vec::new();
    let length = reader.take(MAX_RANGE_BYTES + 1).read_to_end(&mut range).map_err(failed)?;
    if length as u64 > MAX_RANGE_BYTES {
        return Err(RangeError::TooLarge);
    }
    String::from_utf8(range).map_err(|_| RangeError::NotARange)
}
