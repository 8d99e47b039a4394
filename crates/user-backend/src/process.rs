//! What a program that holds passwords does first: it keeps its memory out of files.
//!
//! A crash writes the memory of a process into a core dump, and with it every password that is just being checked. Another
//! process of the same user can read the memory without a crash. Both are switched off here, in the words of Linux.

use std::io;

/// Keeps this process's memory out of core dumps and away from other processes of the same user.
///
/// The size of core dumps becomes 0, for good. On Linux the process becomes undumpable as well: a program that collects
/// core dumps gets none, a debugger of the same user does not attach, and `/proc/PID/environ` and `/proc/PID/mem` are
/// root's. Programs started from here decide for themselves; they inherit the limit.
///
/// A library has no business doing this to a program, so it is the program that calls it, first of all.
///
/// # Errors
/// What the system said. Where there is nothing of the kind, nothing is done.
///
/// # Security
/// Root can read all memory. What the kernel has swapped out is on the disk.
pub fn keep_memory_private() -> io::Result<()> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, setrlimit};
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    }
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false)?;
    Ok(())
}

/// How many files and connections this process may have open, if the system has such a limit.
pub fn open_file_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit};
        getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft)
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn t61_core_dumps_and_memory_access_are_off() {
        use nix::sys::resource::{Resource, getrlimit};
        super::keep_memory_private().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
        assert!(!nix::sys::prctl::get_dumpable().unwrap());
    }
}
