//! Checks owner and mode of configuration, certificate and key files.
//!
//! Like `StrictModes` of sshd: file and folders belong to root or to the user of this process, and
//! neither group nor others may write them, along the whole way from `/`, through symbolic links
//! too. A folder like `/tmp` is fine on the way: it is root's, and sticky, so that no user replaces
//! what another one put there. Where a system has no such permissions, nothing is checked.
//!
//! ```no_run
//! use std::path::Path;
//!
//! if let Err(unsafe_path) = user_backend::file_permissions::check(Path::new("/etc/mine/ca.pem")) {
//!     eprintln!("{unsafe_path}");
//! }
//! ```

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Another user may change the file, or read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsafePath {
    found: String,
    expected: &'static str,
    command: String,
}

impl UnsafePath {
    /// Which file or folder it is, with its mode and owner.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// The expected mode or owner.
    pub fn expected(&self) -> &'static str {
        self.expected
    }

    /// The command that puts it right.
    pub fn command(&self) -> &str {
        &self.command
    }
}

impl fmt::Display for UnsafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}, expected {}; mend it with: {}", self.found, self.expected, self.command)
    }
}

impl std::error::Error for UnsafePath {}

/// Opens a file that a setting names.
///
/// # Errors
/// Those of the system, and one for anything but a file: opening a pipe would wait for its writer,
/// and a device may have no end.
pub fn open(path: &Path) -> io::Result<File> {
    let no_file = || io::Error::other("it is no regular file");
    // Before and after: what is there may be replaced meanwhile.
    if !fs::metadata(path)?.is_file() {
        return Err(no_file());
    }
    let file = File::open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

/// Checks that only root and the user of this process may change a file.
///
/// # Errors
/// [`UnsafePath`]: the first file or folder of the path that others may change, or that cannot be checked.
pub fn check(path: &Path) -> Result<(), UnsafePath> {
    #[cfg(unix)]
    return unix::walk(path);
    #[cfg(not(unix))]
    Ok(())
}

/// The same for a file with a secret in it, which others must not read either.
///
/// Its group may.
///
/// # Errors
/// [`UnsafePath`]
pub fn check_secret(path: &Path) -> Result<(), UnsafePath> {
    #[cfg(unix)]
    unix::check_readers(path)?;
    check(path)
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsString;
    use std::fs::{self, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::{self, Component, Path, PathBuf};

    use super::UnsafePath;

    /// Longer chains of symbolic links are a circle.
    const MOST_LINKS: u32 = 40;

    /// The bits that let group and others write.
    const WRITABLE: u32 = 0o022;

    const STICKY: u32 = 0o1000;

    pub(super) fn walk(path: &Path) -> Result<(), UnsafePath> {
        let lost = |error: io::Error| unreadable(path, &error);
        let absolute = path::absolute(path).map_err(lost)?;
        let (mut at, mut links) = (PathBuf::from("/"), 0);
        let mut ahead: Vec<OsString> = parts(&absolute);
        judge_folder(&at, &fs::symlink_metadata(&at).map_err(lost)?)?;
        while let Some(part) = ahead.pop() {
            if part == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&part);
            let metadata = fs::symlink_metadata(&next).map_err(lost)?;
            if metadata.is_symlink() {
                // A link has no mode: a user who may write its folder may replace it.
                judge_owner(&next, &metadata)?;
                links += 1;
                if links > MOST_LINKS {
                    return Err(lost(io::Error::other("too many symbolic links")));
                }
                let target = fs::read_link(&next).map_err(lost)?;
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                ahead.extend(parts(&target));
                continue;
            }
            if metadata.is_dir() {
                judge_folder(&next, &metadata)?;
            } else {
                judge(&next, &metadata, "a file that only root or the user of this program may write")?;
            }
            at = next;
        }
        Ok(())
    }

    pub(super) fn check_readers(path: &Path) -> Result<(), UnsafePath> {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        if metadata.mode() & 0o004 == 0 {
            return Ok(());
        }
        let command = format!("chmod o-rwx {}", quoted(path));
        Err(UnsafePath { found: shown(path, &metadata), expected: "a file that others cannot read", command })
    }

    /// The names of a path, the last one first.
    fn parts(path: &Path) -> Vec<OsString> {
        let names = path.components().rev().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        });
        names.collect()
    }

    fn judge_folder(path: &Path, metadata: &Metadata) -> Result<(), UnsafePath> {
        if metadata.uid() == 0 && metadata.mode() & STICKY != 0 {
            return Ok(());
        }
        judge(path, metadata, "a folder that only root or the user of this program may write")
    }

    fn judge(path: &Path, metadata: &Metadata, expected: &'static str) -> Result<(), UnsafePath> {
        judge_owner(path, metadata)?;
        let who = match metadata.mode() & WRITABLE {
            0 => return Ok(()),
            0o020 => "g",
            0o002 => "o",
            _ => "go",
        };
        let command = format!("chmod {who}-w {}", quoted(path));
        Err(UnsafePath { found: shown(path, metadata), expected, command })
    }

    fn judge_owner(path: &Path, metadata: &Metadata) -> Result<(), UnsafePath> {
        if [0, nix::unistd::geteuid().as_raw()].contains(&metadata.uid()) {
            return Ok(());
        }
        let expected = "one that belongs to root or to the user of this program";
        let command =
            format!("chown -h root {}, or run this program as that user, not as another one", quoted(path));
        Err(UnsafePath { found: shown(path, metadata), expected, command })
    }

    fn unreadable(path: &Path, error: &io::Error) -> UnsafePath {
        UnsafePath {
            found: format!("{}, which cannot be checked ({error})", path.display()),
            expected: "a path whose folders and links can be read",
            command: format!("namei -l {}", quoted(path)),
        }
    }

    fn shown(path: &Path, metadata: &Metadata) -> String {
        format!("{} with mode {:04o} and owner {}", path.display(), metadata.mode() & 0o7777, metadata.uid())
    }

    fn quoted(path: &Path) -> String {
        let text = path.display().to_string();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
        if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
    }

    #[cfg(test)]
    mod tests {
        use std::os::unix::fs::{PermissionsExt, chown, symlink};

        use super::super::*;
        use super::*;

        fn mode(path: &Path, mode: u32) {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }

        /// `a/b/file`, closed.
        fn tree() -> (tempfile::TempDir, PathBuf) {
            let top = tempfile::tempdir().unwrap();
            let folder = top.path().join("a/b");
            fs::create_dir_all(&folder).unwrap();
            let file = folder.join("file");
            fs::write(&file, "x").unwrap();
            for path in [&top.path().join("a"), &folder] {
                mode(path, 0o755);
            }
            mode(&file, 0o644);
            (top, file)
        }

        #[test]
        fn file_or_folder_writable_by_others_is_refused() {
            let (top, file) = tree();
            assert_eq!(check(&file), Ok(()));
            let (folder, above) = (top.path().join("a/b"), top.path().join("a"));
            for (path, bits, back, command) in [
                (&file, 0o664, 0o644, "chmod g-w"),
                (&file, 0o646, 0o644, "chmod o-w"),
                (&file, 0o666, 0o644, "chmod go-w"),
                (&folder, 0o775, 0o755, "chmod g-w"),
                (&above, 0o777, 0o755, "chmod go-w"),
            ] {
                mode(path, bits);
                let refused = check(&file).unwrap_err();
                assert_eq!(refused.command(), format!("{command} {}", path.display()));
                let shown = format!("{} with mode {bits:04o} and owner ", path.display());
                assert!(refused.found().starts_with(&shown), "{refused}");
                mode(path, back);
            }
            assert_eq!(check(&file), Ok(()));
        }

        #[test]
        fn symbolic_links_are_judged_on_their_way() {
            let (top, file) = tree();
            let (other, _) = tree();
            let (open, link) = (other.path().join("a"), top.path().join("link"));
            symlink(open.join("b/indirect"), &link).unwrap();
            symlink(top.path().join("a/../a/b/file"), open.join("b/indirect")).unwrap();
            assert_eq!(check(&link), Ok(()));
            mode(&open, 0o777);
            assert!(check(&link).unwrap_err().found().starts_with(open.to_str().unwrap()));
            assert_eq!(check(&file), Ok(()));
            let circle = top.path().join("circle");
            symlink(&circle, &circle).unwrap();
            assert!(check(&circle).unwrap_err().found().contains("too many symbolic links"));
            assert!(check(&top.path().join("missing")).is_err());
        }

        #[test]
        fn file_of_another_user_is_refused() {
            let (top, file) = tree();
            if !nix::unistd::geteuid().is_root() {
                eprintln!("skipped: only root gives files away");
                return;
            }
            for path in [file.clone(), top.path().join("a")] {
                chown(&path, Some(65534), None).unwrap();
                let refused = check(&file).unwrap_err();
                let shown = format!("{} with mode", path.display());
                assert!(
                    refused.found().starts_with(&shown) && refused.found().ends_with("owner 65534"),
                    "{refused}"
                );
                assert!(refused.command().starts_with("chown -h root "), "{refused}");
                chown(&path, Some(0), None).unwrap();
            }
            // A sticky folder of another user protects nothing, nor does a link of another user in
            // it.
            let folder = top.path().join("a");
            mode(&folder, 0o1777);
            assert_eq!(check(&file), Ok(()));
            chown(&folder, Some(65534), None).unwrap();
            assert!(check(&file).is_err());
            chown(&folder, Some(0), None).unwrap();
            let link = folder.join("link");
            symlink(&file, &link).unwrap();
            assert_eq!(check(&link), Ok(()));
            std::os::unix::fs::lchown(&link, Some(65534), None).unwrap();
            assert!(check(&link).is_err());
        }

        #[test]
        fn secret_is_closed_to_others() {
            let (_top, file) = tree();
            assert_eq!(check_secret(&file).unwrap_err().command(), format!("chmod o-rwx {}", file.display()));
            for closed in [0o600, 0o640, 0o400] {
                mode(&file, closed);
                assert_eq!(check_secret(&file), Ok(()), "{closed:o}");
            }
            mode(&file, 0o660);
            assert!(check_secret(&file).is_err());
        }

        #[test]
        fn odd_names_are_quoted_for_the_shell() {
            assert_eq!(quoted(Path::new("/etc/a b'c;d")), "'/etc/a b'\\''c;d'");
            assert_eq!(quoted(Path::new("/etc/user-backend.toml")), "/etc/user-backend.toml");
        }
    }
}
