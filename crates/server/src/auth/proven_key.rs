//! The key of proven credentials, kept in a file outside the database.
//!
//! A copy of the database alone must not allow anyone to check guesses.
//!
//! Without the file, or with another key, the server forgets at its start which passwords were
//! right last. Nothing else depends on it.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use accounts::ServerSettings;
use user_backend::file_permissions;
use zeroize::Zeroizing;

const NAME: &str = "proven.key";

/// The key, which is created on first use.
///
/// `None`: proven credentials end with the process, and the log says why.
pub(crate) fn find(settings: &ServerSettings) -> Option<Zeroizing<[u8; 32]>> {
    let Some(path) = place(settings) else {
        tracing::warn!(
            "proven credentials end with this process: set [server] proven_key_file to a file that all servers share"
        );
        return None;
    };
    match read_or_create(&path) {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "proven credentials end with this process");
            None
        }
    }
}

fn place(settings: &ServerSettings) -> Option<PathBuf> {
    let beside = || settings.store.as_ref()?.path()?.parent().map(|folder| folder.join(NAME));
    // systemd separates several by colons.
    let state = || {
        let folders = std::env::var("STATE_DIRECTORY").ok()?;
        folders
            .split(':')
            .next()
            .filter(|folder| !folder.is_empty())
            .map(|folder| Path::new(folder).join(NAME))
    };
    settings.proven_key_file.clone().or_else(beside).or_else(state)
}

fn read_or_create(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            tracing::info!(file = %path.display(), "made a key for proven credentials; those of before are forgotten");
            read(path)
        }
        other => other,
    }
}

/// Largest file that is read.
const MAX_FILE: u64 = 1024;

/// 64 hexadecimal digits.
fn read(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    let mut text = Zeroizing::new(String::new());
    file_permissions::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    file_permissions::check_secret(path).map_err(io::Error::other)?;
    let wrong = || io::Error::other("expected 64 hexadecimal digits");
    let mut key = Zeroizing::new([0; 32]);
    let (pairs, rest) = text.trim_ascii_end().as_bytes().as_chunks::<2>();
    if pairs.len() != key.len() || !rest.is_empty() {
        return Err(wrong());
    }
    for (byte, [high, low]) in key.iter_mut().zip(pairs) {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low).ok_or_else(wrong)?;
    }
    Ok(key)
}

/// Writes a new key atomically.
///
/// Servers may start at the same time, and all use the first key.
fn create(path: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut()).map_err(io::Error::other)?;
    let mut text = Zeroizing::new(String::with_capacity(65));
    for byte in key.iter() {
        text.extend([byte >> 4, byte & 15].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0')));
    }
    text.push('\n');
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match placed {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path, mode: u32) {
        let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        assert!(set.is_ok(), "{set:?}");
    }

    #[test]
    fn key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let key = read_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*read_or_create(&path).unwrap(), *key);
        create(&path).unwrap();
        assert_eq!(*read_or_create(&path).unwrap(), *key, "the first one stays");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        fs::remove_file(&path).unwrap();
        assert_ne!(*read_or_create(&path).unwrap(), *key);
    }

    #[test]
    fn readable_or_invalid_key_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        read_or_create(&path).unwrap();
        mode(&path, 0o644);
        assert!(read_or_create(&path).is_err());
        mode(&path, 0o600);
        for wrong in ["", "secret", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
            fs::write(&path, wrong).unwrap();
            assert!(read_or_create(&path).is_err(), "{wrong:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), wrong, "not replaced");
        }
        assert!(read_or_create(&folder.path().join("missing/proven.key")).is_err());
    }
}
