//! Helper processes: run libsmbclient where it cannot delay or crash anything else.
//!
//! A helper is this very program, started a second time with one word on its command line and one
//! end of a socket pair as its standard input. It needs no file that could be missing or of another
//! version. What it is asked arrives through the socket, so no password is in a command line, an
//! environment or a file, and libsmbclient's habit of printing to the standard output is not seen:
//! as soon as the helper has its socket, its standard streams lead nowhere.
//!
//! | room | what lives there |
//! |---|---|
//! | `frame` | question and answer as bytes (pure) |
//! | `serve` | what the helper does |
//! | `process` | one helper, seen from here: started, asked, ended |
//! | `pool` | the helpers of one backend, and the queue before them |

mod frame;
mod pool;
mod process;
mod serve;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use pool::Pool;

/// The word that asks a program to be a helper.
const WORD: &str = "--user-backend-smb-helper";

/// The name of a helper where processes are listed.
const NAME: &str = "user-backend-smb-helper";

/// The image of this process, also when its file has been replaced by a newer version since.
const OWN_IMAGE: &str = "/proc/self/exe";

static CAN_HELP: AtomicBool = AtomicBool::new(false);

/// Lets this program be its own helper for SMB logins.
/// To be called first in `main`.
///
/// In a process that was started as a helper this does not return. Everywhere else it returns at
/// once, and from then on backends with [`Isolation::Auto`](super::Isolation::Auto) start this
/// program once more, with the only argument `--user-backend-smb-helper`, to talk to libsmbclient.
/// A program that never calls it is never started again: there, libsmbclient runs in a thread.
///
/// # Security
/// What happens in `main` before this call happens in every helper. The helper closes all
/// descriptors that it inherits, lets no other process read its memory
/// ([`process::disable_core_dumps`](crate::process::disable_core_dumps)), can gain no privileges,
/// and ends as soon as the process that started it does.
///
/// # Example
/// ```no_run
/// // The first line of `main`. Arguments, threads, files: everything else comes after.
/// user_backend::smb::run_helper_if_requested();
/// ```
pub fn run_helper_if_requested() {
    let mut words = std::env::args_os().skip(1);
    if words.next().as_deref() == Some(OsStr::new(WORD)) && words.next().is_none() {
        serve::serve();
    }
    CAN_HELP.store(true, Ordering::Relaxed);
}

/// What a helper of this program is started from, if it can be one.
pub(super) fn own_program() -> Option<PathBuf> {
    // Not every system has a /proc.
    (CAN_HELP.load(Ordering::Relaxed) && Path::new(OWN_IMAGE).exists()).then(|| OWN_IMAGE.into())
}
