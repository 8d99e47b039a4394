//! Unix sockets: permissions, allowed programs, connection limits and shutdown.
//!
//! # Security
//! The socket is made in a folder that no other user can enter, gets its permissions there, and is
//! then moved to its path. So it is never open to more users than the settings say.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use accounts::SocketSettings;
use nix::unistd::{Group, User, geteuid};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::state::AppState;
use crate::warnings::WarningKind;

/// The delay after `accept` failed, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// An open socket.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    file: SocketFile,
    allowed: Option<Vec<u32>>,
    max_connections: usize,
}

/// The program at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// Whether the addresses that it sends for its clients are trusted.
    pub(super) is_trusted: bool,
}

/// Resolves when the server stops.
#[derive(Clone, Debug)]
pub(super) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    pub(super) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self(stopping)
    }

    /// Waits until the server stops.
    pub(super) async fn wait(&mut self) {
        // A sender that is gone stops nothing any more.
        let _ = self.0.wait_for(|is_stopping| *is_stopping).await;
    }
}

impl Socket {
    /// Makes the socket.
    ///
    /// One that no process serves is replaced.
    ///
    /// # Errors
    /// Another process serves it, something else is at its path, or the system refuses.
    pub(super) fn open(settings: &SocketSettings) -> io::Result<Self> {
        let allowed = if settings.allowed_users.is_empty() {
            None
        } else {
            let mut allowed = vec![0, geteuid().as_raw()];
            for name in &settings.allowed_users {
                allowed.push(user(name)?);
            }
            Some(allowed)
        };
        let group = settings.group.as_deref().map(group).transpose()?;
        let path = settings.path.clone();
        refuse_occupied(&path)?;
        let folder = PrivateFolder::beside(&path)?;
        let new = folder.0.join("s");
        let listener = UnixListener::bind(&new)?;
        if group.is_some() {
            chown(&new, None, group)?;
        }
        fs::set_permissions(&new, Permissions::from_mode(settings.mode.bits()))?;
        let found = fs::symlink_metadata(&new)?;
        fs::rename(&new, &path)?;
        let file = SocketFile { path, device: found.dev(), inode: found.ino() };
        listener.set_nonblocking(true)?;
        Ok(Self { listener, file, allowed, max_connections: settings.max_connections.get() as usize })
    }

    /// Serves connections until the server stops.
    ///
    /// Open connections then have as long as the settings give to requests.
    pub(super) async fn serve<F, Answered>(self, app: AppState, mut stopping: Stopping, answer: F)
    where
        F: Fn(AppState, UnixStream, Peer, Stopping) -> Answered,
        Answered: Future<Output = ()> + Send + 'static,
    {
        let Self { listener, file, allowed, max_connections } = self;
        let listener = match tokio::net::UnixListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(path = %file.path.display(), %error, "the socket cannot be served");
                return;
            }
        };
        let mut connections = JoinSet::new();
        let warn = |text: &str| {
            let path = file.path.display();
            app.warn_about(WarningKind::Socket, format_args!("closed a new connection at {path}: {text}"));
        };
        loop {
            // Ended connections are removed.
            while connections.try_join_next().is_some() {}
            tokio::select! {
                () = stopping.wait() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => match peer(&stream, allowed.as_deref()) {
                        Err(why) => warn(&why),
                        Ok(_) if connections.len() >= max_connections => warn("max_connections reached"),
                        Ok(peer) => {
                            connections.spawn(answer(app.clone(), stream, peer, stopping.clone()));
                        }
                    },
                    Err(error) => {
                        warn(&error.to_string());
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
        drop((listener, file));
        let grace = Duration::from_secs(app.settings().shutdown_grace_seconds);
        let _ = timeout(grace, async { while connections.join_next().await.is_some() {} }).await;
    }
}

/// Who connected, if they may.
fn peer(stream: &UnixStream, allowed: Option<&[u32]>) -> Result<Peer, String> {
    let uid = stream.peer_cred().map_err(|error| error.to_string())?.uid();
    let is_listed = allowed.is_some_and(|allowed| allowed.contains(&uid));
    if allowed.is_some() && !is_listed {
        return Err(format!("its program runs as the user {uid}, who is not in allowed_users"));
    }
    Ok(Peer { is_trusted: is_listed || uid == 0 || uid == geteuid().as_raw() })
}

/// The number of a user.
fn user(name: &str) -> io::Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found = User::from_name(name)?;
    found.map(|user| user.uid.as_raw()).ok_or_else(|| io::Error::other(format!("there is no user {name:?}")))
}

/// The number of a group.
fn group(name: &str) -> io::Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found = Group::from_name(name)?;
    found
        .map(|group| group.gid.as_raw())
        .ok_or_else(|| io::Error::other(format!("there is no group {name:?}")))
}

/// Refuses a path at which there is something else than a socket that no process serves.
fn refuse_occupied(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket is there"));
    }
    match StdUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process serves this socket")),
    }
}

/// A folder that no other user can enter; it ends with this value.
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn beside(path: &Path) -> io::Result<Self> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|_| io::Error::other("the system gives no randomness"))?;
        let name = format!(".{:08x}", u32::from_ne_bytes(random));
        let folder = path.parent().unwrap_or_else(|| Path::new("")).join(name);
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.0.join("s"));
        let _ = fs::remove_dir(&self.0);
    }
}

/// The file of a socket, removed with this value unless another one is there.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |found: fs::Metadata| found.dev() == self.device && found.ino() == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use accounts::SocketMode;
    use std::num::NonZeroU32;
    use tempfile::TempDir;

    use super::*;

    fn settings(path: PathBuf) -> SocketSettings {
        SocketSettings {
            path,
            mode: SocketMode::try_from("0640".to_owned()).unwrap(),
            group: None,
            allowed_users: Vec::new(),
            max_connections: NonZeroU32::MIN,
        }
    }

    #[test]
    fn socket_has_its_mode_and_replaces_a_stale_one_only() {
        let dir = TempDir::new().unwrap();
        let settings = settings(dir.path().join("mux"));
        let socket = Socket::open(&settings).unwrap();
        let mode = fs::symlink_metadata(&settings.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the private folder is still there");
        let error = Socket::open(&settings).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(socket);
        assert!(!settings.path.exists());
        // A stale socket of a killed process.
        drop(UnixListener::bind(&settings.path).unwrap());
        assert!(settings.path.exists());
        drop(Socket::open(&settings).unwrap());
        fs::write(&settings.path, "mine").unwrap();
        assert_eq!(Socket::open(&settings).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&settings.path).unwrap(), "mine");
    }

    #[test]
    fn end_leaves_the_socket_of_a_successor() {
        let dir = TempDir::new().unwrap();
        let settings = settings(dir.path().join("mux"));
        let old = Socket::open(&settings).unwrap();
        fs::remove_file(&settings.path).unwrap();
        let _new = Socket::open(&settings).unwrap();
        drop(old);
        assert!(settings.path.exists());
    }

    #[test]
    fn unknown_user_or_group_is_an_error() {
        let dir = TempDir::new().unwrap();
        let known = settings(dir.path().join("mux"));
        let user = SocketSettings { allowed_users: vec!["no such user".to_owned()], ..known.clone() };
        assert!(Socket::open(&user).unwrap_err().to_string().contains("there is no user"));
        let group = SocketSettings { group: Some("no such group".to_owned()), ..known };
        assert!(Socket::open(&group).unwrap_err().to_string().contains("there is no group"));
    }

    #[tokio::test]
    async fn peer_outside_the_list_is_refused() {
        let (stream, _other) = UnixStream::pair().unwrap();
        let uid = geteuid().as_raw();
        assert!(peer(&stream, None).unwrap().is_trusted);
        assert!(peer(&stream, Some(&[uid])).unwrap().is_trusted);
        assert!(peer(&stream, Some(&[uid + 1])).unwrap_err().contains("allowed_users"));
    }
}
