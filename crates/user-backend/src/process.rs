//! Process hardening: no core dumps, and no access to memory by other processes.
//!
//! A crash writes the memory of a process into a core dump, and with it every password that is just
//! being checked. Another process of the same user can read the memory without a crash. Both are
//! switched off here, on Linux.

use std::io;

/// Disables core dumps and access to this process's memory by others of the same user.
///
/// The size of core dumps becomes 0, for good. On Linux the process becomes undumpable as well: a
/// program that collects core dumps gets none, a debugger of the same user does not attach, and
/// `/proc/PID/environ` and `/proc/PID/mem` are root's. Programs started from here decide for
/// themselves; they inherit the limit.
///
/// Call it first in `main`; the library does not do it by itself.
///
/// # Errors
/// The error of the system. Does nothing on systems without such limits.
///
/// # Security
/// Root can read all memory. What the kernel has swapped out is on the disk.
pub fn disable_core_dumps() -> io::Result<()> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, setrlimit};
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    }
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false)?;
    Ok(())
}

/// The limit of open files and connections of this process, if there is one.
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
        super::disable_core_dumps().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
        assert!(!nix::sys::prctl::get_dumpable().unwrap());
    }
}
