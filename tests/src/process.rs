//! Other processes as the system shows them.
//!
//! Parent, arguments, environment, descriptors, memory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process, held so that its number cannot become another's.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    handle: OwnedFd,
}

impl Process {
    /// The processes that `parent` has started and that are running.
    #[must_use]
    pub fn started_by(parent: u32) -> Vec<Self> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if state(pid).is_some_and(|(its, state)| its == parent && state != 'Z') {
                found.extend(Self::open(pid));
            }
        }
        found
    }

    /// The process of this number, if there is one.
    #[must_use]
    pub fn open(pid: i32) -> Option<Self> {
        let handle = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        Some(Self { pid, handle })
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it has ended already.
    pub fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.handle, signal).expect("a running process");
    }

    /// Lets it crash, and waits for its end.
    ///
    /// Rust's own handler of a bad access looks whether the stack has overflown and then lets the
    /// access happen again; one that was only sent does not come back by itself, and so it is sent
    /// again.
    ///
    /// # Panics
    /// As [`Self::ends`].
    pub fn crash(&self, signal: Signal) {
        for _ in 0..1000 {
            // It may have ended since.
            let _ = pidfd_send_signal(&self.handle, signal);
            if self.ends_within(Timespec { tv_sec: 0, tv_nsec: 20_000_000 }) {
                return;
            }
        }
        self.ends();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it has not ended after 20 seconds.
    pub fn ends(&self) {
        assert!(self.ends_within(Timespec { tv_sec: 20, tv_nsec: 0 }), "process {} has not ended", self.pid);
    }

    fn ends_within(&self, patience: Timespec) -> bool {
        poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&patience)) == Ok(1)
    }

    /// Its command line and its environment, as other processes see them.
    #[must_use]
    pub fn arguments_and_environment(&self) -> Vec<u8> {
        let read = |what| fs::read(format!("/proc/{}/{what}", self.pid)).unwrap_or_default();
        [read("cmdline"), read("environ")].concat()
    }

    /// The targets of its descriptors; `None` if the system does not say.
    #[must_use]
    pub fn descriptors(&self) -> Option<BTreeMap<i32, PathBuf>> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid)).ok()?;
        let open = entries.flatten().filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse().ok()?, fs::read_link(entry.path()).ok()?))
        });
        Some(open.collect())
    }

    /// The soft and the hard limit of core dumps.
    #[must_use]
    pub fn core_limits(&self) -> Option<(String, String)> {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.pid)).ok()?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size"))?;
        let mut words = line.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.next()?))
    }

    /// The hexadecimal capability sets of the process, except for the bounding set.
    #[must_use]
    pub fn capabilities(&self) -> Option<Vec<String>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let sets = ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"];
        let line = |set: &&str| status.lines().find_map(|line| line.strip_prefix(*set));
        sets.iter().map(|set| line(set).map(|bits| bits.trim().to_owned())).collect()
    }

    /// How often each of `forms` is in the memory that it can write to.
    ///
    /// `None` if the system does not allow it.
    #[must_use]
    pub fn remembers(&self, forms: &[(&'static str, Vec<u8>)]) -> Option<BTreeMap<&'static str, usize>> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.pid)).ok()?;
        let memory = fs::File::open(format!("/proc/{}/mem", self.pid)).ok()?;
        let mut found = BTreeMap::new();
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
            if !rights.starts_with("rw") {
                continue;
            }
            let (from, to) = range.split_once('-')?;
            let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
            search(&memory, from, to, forms, &mut found);
        }
        Some(found)
    }
}

/// Looks through one region.
///
/// What cannot be read (a device, a guard page) holds none of our data.
fn search(
    memory: &fs::File,
    mut from: u64,
    to: u64,
    forms: &[(&'static str, Vec<u8>)],
    found: &mut BTreeMap<&'static str, usize>,
) {
    const PIECE: usize = 1 << 20;
    let overlap = forms.iter().map(|(_, form)| form.len()).max().unwrap_or(0);
    let mut firsts = [false; 256];
    forms.iter().for_each(|(_, form)| firsts[usize::from(form[0])] = true);
    let mut piece = vec![0; PIECE + overlap];
    while from < to {
        let want = usize::try_from(to - from).unwrap_or(usize::MAX).min(piece.len());
        let Ok(()) = read(memory, &mut piece[..want], from) else {
            from += 4096;
            continue;
        };
        // What begins in the overlap is counted with the next piece.
        let mine = want.min(PIECE);
        for at in 0..mine {
            if firsts[usize::from(piece[at])] {
                for (name, form) in forms {
                    if piece[at..want].starts_with(form) {
                        *found.entry(*name).or_default() += 1;
                    }
                }
            }
        }
        from += mine as u64;
    }
}

fn read(memory: &fs::File, piece: &mut [u8], at: u64) -> io::Result<()> {
    memory.read_exact_at(piece, at)
}

/// The parent and the state of a process.
///
/// Its name, in brackets, may hold anything.
fn state(pid: i32) -> Option<(u32, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some((words.next()?.parse().ok()?, state))
}
