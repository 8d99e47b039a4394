//! One helper, seen from the process that started it: started, asked, ended.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::super::call::Ended;
use super::{NAME, WORD, frame};
use crate::clock::{Instant, now};

/// What a helper gets of our environment.
///
/// Where libsmbclient and the loader look for their files. Nothing else is its business, and the
/// environment of a program may hold passwords.
const ENVIRONMENT: [&str; 4] = ["HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "TZ"];

/// Lets glibc's allocator overwrite what is given back.
///
/// Libsmbclient and pavao free passwords as they are. Its cache for each thread does not do so, and
/// is switched off. Other allocators do not know these.
const WIPE: [(&str, &str); 2] =
    [("MALLOC_PERTURB_", "165"), ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0")];

/// A running helper.
///
/// Dropping it ends the process, whatever it is doing.
#[derive(Debug)]
pub(super) struct Helper {
    socket: Socket,
    child: Running,
    answered: usize,
    since: Instant,
}

/// The process, as long as it is one: afterwards its number may be another's.
type Running = Arc<Mutex<Option<Child>>>;

impl Helper {
    /// Starts a helper.
    ///
    /// Blocks for the moment that the system needs.
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        let (socket, its) = Socket::pair()?;
        socket.set_nonblocking(true)?;
        let mut command = Command::new(program);
        command.arg0(NAME).arg(WORD).env_clear();
        command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(WIPE);
        // A separate process group: Ctrl-C at the terminal is for the program, which may want to
        // finish what it has begun.
        command.current_dir("/").process_group(0);
        command.stdin(OwnedFd::from(its)).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn()?;
        let pid = child.id();
        let child = Arc::new(Mutex::new(Some(child)));
        reap(pid, Arc::clone(&child));
        Ok(Self { socket, child, answered: 0, since: now() })
    }

    /// Counts an answer, and returns how many there were.
    pub(super) fn rests(&mut self) -> usize {
        self.since = now();
        self.answered += 1;
        self.answered
    }

    /// How long ago it answered last.
    pub(super) fn has_rested(&self) -> Duration {
        now().saturating_duration_since(self.since)
    }

    /// Whether it is there and silent, as a helper that waits for a question is.
    pub(super) fn is_idle(&self) -> bool {
        let mut byte = [0];
        let received = io::Read::read(&mut &self.socket, &mut byte);
        received.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Waits for its greeting.
    ///
    /// `false` when it is something else than a helper of this version.
    pub(super) async fn greets(&self) -> io::Result<bool> {
        let mut greeting = [0; frame::GREETING.len()];
        self.stream()?.read_exact(&mut greeting).await?;
        Ok(greeting == *frame::GREETING)
    }

    /// Sends one question and waits for the answer; `None` if it is invalid.
    pub(super) async fn ask(&self, question: &[u8]) -> io::Result<Option<Ended>> {
        let mut stream = self.stream()?;
        stream.write_all(question).await?;
        let mut answer = [0; frame::ANSWER];
        stream.read_exact(&mut answer).await?;
        Ok(frame::read_answer(answer))
    }

    /// The socket, for the current runtime.
    ///
    /// The next question may come from another one.
    fn stream(&self) -> io::Result<UnixStream> {
        UnixStream::from_std(self.socket.try_clone()?)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It ends by itself when the socket is closed; this also ends one that is stopped.
        if let Some(child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let _ = child.kill();
        }
    }
}

/// Sees to it that the system forgets the process when it has ended.
fn reap(pid: u32, child: Running) {
    let Ok(pid) = i32::try_from(pid) else { return };
    let wait = move || {
        // Waits without the lock, and leaves the process to be waited for once more with it.
        let end = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(Pid::from_raw(pid)), end) == Err(nix::Error::EINTR) {}
        if let Some(mut child) = child.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = child.wait();
        }
    };
    // Without a thread the process stays listed as defunct until this one ends; it does not run.
    let _ = thread::Builder::new().name("smb-helper-wait".to_owned()).stack_size(64 * 1024).spawn(wait);
}
