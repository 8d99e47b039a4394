//! Helper processes: run libsmbclient where it cannot delay or crash anything else.
//!
//! A helper is this very program or `user-backend-smb-helper`, started with one word on its command
//! line and one end of a socket pair as its standard input. Its greeting names the version of the
//! protocol. Requests arrive through the socket, so no password is in a command line, an
//! environment or a file, and libsmbclient's diagnostics on the standard output are not seen: as
//! soon as the helper has its socket, its standard streams lead nowhere.
//!
//! | module | contents |
//! |---|---|
//! | `frame` | question and answer as bytes (pure) |
//! | `serve` | what the helper does |
//! | `process` | one helper, seen from here: started, asked, ended |
//! | `pool` | the helpers of one backend, and the queue before them |

mod frame;
mod pool;
mod process;
#[cfg(feature = "smb")]
mod serve;

#[cfg(feature = "smb")]
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use pool::HelperPool;

/// The word that asks a program to be a helper.
const WORD: &str = "--user-backend-smb-helper";

/// The name of a helper where processes are listed, and of the program that is one.
const NAME: &str = "user-backend-smb-helper";

/// The image of this process, even if its file has been replaced since.
const OWN_IMAGE: &str = "/proc/self/exe";

static CAN_HELP: AtomicBool = AtomicBool::new(false);

/// Lets this program be its own helper for SMB logins.
///
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
#[cfg(feature = "smb")]
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

/// The helper program that is installed with this one.
pub(super) fn installed_program() -> Option<PathBuf> {
    installed_paths().into_iter().find(|path| path.is_file())
}

/// The paths that [`installed_program`] checks.
pub(super) fn installed_paths() -> Vec<PathBuf> {
    let system = Path::new("/usr/libexec/user-backend").join(NAME);
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent);
    let beside = own.map(|directory| directory.join(NAME));
    let libexec = own.and_then(Path::parent).map(|prefix| prefix.join("libexec/user-backend").join(NAME));
    let mut paths: Vec<PathBuf> = beside.into_iter().chain(libexec).collect();
    if !paths.contains(&system) {
        paths.push(system);
    }
    paths
}
