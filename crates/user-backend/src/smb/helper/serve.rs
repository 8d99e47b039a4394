//! The main loop of a helper.
//!
//! Drops inherited resources, then serves one login after the other.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, close, dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use zeroize::Zeroizing;

use super::frame;

/// A helper that has been idle for this time is not needed.
const IDLE: Duration = Duration::from_secs(30);

/// The exit code of a helper that cannot be reached.
const NO_SOCKET: i32 = 2;

/// Serves the process at the other end of the standard input, then exits.
pub(super) fn serve() -> ! {
    process::exit(match settle().and_then(answer_all) {
        Ok(()) => 0,
        Err(_) => NO_SOCKET,
    })
}

/// Takes the socket from the standard input and leaves the rest of what was inherited.
fn settle() -> io::Result<UnixStream> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Fails if it is not a socket: the argument was typed at a terminal.
    socket.peer_addr()?;
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nowhere)?;
    dup2_stdout(&nowhere)?;
    dup2_stderr(&nowhere)?;
    drop(nowhere);
    close_all_but(socket.as_raw_fd())?;
    crate::process::disable_core_dumps()?;
    prctl::set_no_new_privs()?;
    drop_capabilities()?;
    prctl::set_name(c"ub-smb-helper")?;
    Ok(socket)
}

/// Drops all capabilities, including those for low ports (`AmbientCapabilities=`).
///
/// libsmbclient parses data of a file server, and needs none.
fn drop_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    // The ambient set is never larger than the permitted one.
    Ok(set_capabilities(None, sets)?)
}

/// Closes what other code in the starting process had left open.
///
/// Nothing is known about it, and nothing of it is ours.
fn close_all_but(socket: RawFd) -> io::Result<()> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for descriptor in open {
        if descriptor > 2 && descriptor != socket {
            // The one that the listing itself used is closed already.
            let _ = close(descriptor);
        }
    }
    Ok(())
}

fn answer_all(mut socket: UnixStream) -> io::Result<()> {
    end_with(&socket)?;
    socket.write_all(frame::GREETING)?;
    socket.set_read_timeout(Some(IDLE))?;
    loop {
        let mut length = [0; 4];
        if socket.read_exact(&mut length).is_err() {
            return Ok(());
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let mut question = Zeroizing::new([0; frame::MAX_QUESTION]);
        let question = question.get_mut(..length).ok_or(io::ErrorKind::InvalidData)?;
        socket.read_exact(question)?;
        let (call, request_timeout) = frame::read_question(question).ok_or(io::ErrorKind::InvalidData)?;
        let ended = call.make(request_timeout);
        drop(call);
        socket.write_all(&frame::answer(ended))?;
    }
}

/// Ends this process when the socket's peer closes it, even while libsmbclient waits.
fn end_with(socket: &UnixStream) -> io::Result<()> {
    let socket = socket.try_clone()?;
    std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
        // Without requested events, poll reports only the end.
        let mut watched = [PollFd::new(socket.as_fd(), PollFlags::empty())];
        while let Ok(0) | Err(nix::Error::EINTR) = poll(&mut watched, PollTimeout::NONE) {}
        // Nothing is flushed, freed or waited for: the other thread may be anywhere.
        let _ = kill(Pid::this(), Signal::SIGKILL);
    })?;
    Ok(())
}
