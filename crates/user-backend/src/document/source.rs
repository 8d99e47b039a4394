//! Getting at the file: what it is, how large it is, who else may read it.
//!
//! A configuration decides where passwords are sent, so a file that others may change is refused,
//! and a file that holds a secret and that others may read is refused too.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use super::error::Problem;
use crate::file_permissions::{self, UnsafePath};

/// Largest configuration that is read, in bytes.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024;

/// The format of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// TOML, the format to choose when you start afresh.
    Toml,
    /// JSON.
    Json,
    /// The `config.php` of the PHP app, read as data: nothing in it is executed.
    Php,
}

impl Format {
    /// The format of a file extension: `.toml`, `.json` or `.php`.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        match extension.to_ascii_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            "php" => Some(Self::Php),
            _ => None,
        }
    }

    /// The cargo feature that reads it.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::Toml => "config-toml",
            Self::Json => "config-json",
            Self::Php => "config-php",
        }
    }

    /// One line that sets a field, as this format writes it in front of another one.
    pub(crate) fn line(self, field: &str, value: &str) -> String {
        match self {
            Self::Toml => format!("{field} = {value}"),
            Self::Json => format!("\"{field}\": {value},"),
            Self::Php => format!("'{field}' => {value},"),
        }
    }

    /// A text in the quotes that this format prefers.
    pub(crate) fn text(self, text: &str) -> String {
        match self {
            Self::Php if !text.contains(['\'', '\\']) => format!("'{text}'"),
            _ => format!("{text:?}"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
            Self::Php => "PHP",
        })
    }
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) access: Access,
}

/// Permissions of a configuration file; unknown for a text without a file.
#[derive(Debug, Default)]
pub(crate) struct Access {
    mode: Option<u32>,
    unsafe_path: Option<UnsafePath>,
}

/// Reads a file, if it is one.
pub(crate) fn read(path: &Path) -> Result<Source, Problem> {
    let expected = "a configuration file that can be read";
    let failed = |error: std::io::Error| {
        let found = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file".to_owned(),
            std::io::ErrorKind::PermissionDenied => "a file that this program may not read".to_owned(),
            _ => error.to_string(),
        };
        Problem::new(found, expected)
    };
    // Checked before opening, because opening a pipe would wait for a writer.
    plain_file(&std::fs::metadata(path).map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    plain_file(&metadata)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let text = decode(bytes)?;
    let unsafe_path = file_permissions::check(path).err();
    Ok(Source { text, access: Access { mode: mode(&metadata), unsafe_path } })
}

/// Takes text that is not too large.
pub(crate) fn check_size(bytes: usize) -> Result<(), Problem> {
    if u64::try_from(bytes).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(Problem::new("a file that is too large", format!("at most {MAX_BYTES} bytes")));
    }
    Ok(())
}

fn plain_file(metadata: &Metadata) -> Result<(), Problem> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() { "a directory" } else { "something that is no file" };
    Err(Problem::new(found, "a configuration file"))
}

fn decode(bytes: Vec<u8>) -> Result<String, Problem> {
    check_size(bytes.len())?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let lines = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
        Problem::new(format!("a byte in line {lines} that is not UTF-8"), "a text in UTF-8")
            .hint("save the file as UTF-8")
    })
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u32> {
    None
}

impl Access {
    /// Refuses a file with a secret that others may read, and one that others may change.
    ///
    /// It decides where passwords go.
    pub(crate) fn check(self, secret: Option<&str>, file: &str) -> Vec<Problem> {
        let readable =
            self.mode.zip(secret).and_then(|(mode, secret)| closed_to_others(mode, secret, file).err());
        let writable = self.unsafe_path.map(|path| {
            Problem::new(path.found(), path.expected())
                .hint(format!("who can write it decides where passwords are sent: {}", path.command()))
        });
        readable.into_iter().chain(writable).collect()
    }
}

/// Refuses a file with a secret that is open to others.
fn closed_to_others(mode: u32, secret: &str, file: &str) -> Result<(), Problem> {
    let letters: String = [(0o4, 'r'), (0o2, 'w'), (0o1, 'x')]
        .iter()
        .filter(|(bit, _)| mode & bit != 0)
        .map(|(_, c)| c)
        .collect();
    if letters.is_empty() {
        return Ok(());
    }
    Err(Problem::new(
        format!(
            "mode {mode:04o}, which opens the file to everybody on this machine, and a secret in it (`{secret}`)"
        ),
        "a file that is closed to others",
    )
    .hint(format!("chmod o-{letters} {file}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_needs_a_private_file() {
        for (mode, secret, words) in [
            (0o640, Some("dbpassword"), None),
            (0o600, Some("secret"), None),
            (0o644, None, None),
            (0o644, Some("secret"), Some("mode 0644")),
            (0o641, Some("secret"), Some("mode 0641")),
        ] {
            let access = Access { mode: Some(mode), unsafe_path: None };
            let problems = access.check(secret, "config.php");
            match words {
                None => assert_eq!(problems, [], "{mode:o}"),
                Some(words) => assert!(problems[0].found.contains(words), "{mode:o}"),
            }
        }
        assert_eq!(Access::default().check(Some("secret"), "config.php"), []);
    }
}
