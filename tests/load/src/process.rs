//! A server in its own process: its address, CPU time and memory.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;

/// A server that runs.
///
/// Ends with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

/// How often the kernel counts: `getconf CLK_TCK` says 100 on every Linux.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// The parent of a process, and the ticks of it and of its children that ended: from
/// `/proc/PID/stat` (proc(5)).
pub(crate) fn ticks(stat: &str) -> Option<(u32, f64)> {
    // The name of the program is in brackets and may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|ticks| ticks.parse::<f64>().ok()).sum::<Option<f64>>()?;
    Some((fields.get(1)?.parse().ok()?, ticks))
}

/// Mebibytes that a process took at most; `None` if it ended.
pub(crate) fn peak_of(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(kibibytes(&status, "VmHWM:")? / 1024.0)
}

/// Lets the peak of a process begin at what it takes now (proc(5), `clear_refs`).
pub(crate) fn forget_peak(pid: u32) -> std::io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

impl Process {
    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Starts a program that logs `listening` and `address=`.
    ///
    /// The log goes into a file, as in production.
    ///
    /// # Errors
    /// It ended, or printed nothing for 20 seconds.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Outcome<Self> {
        let file = File::create(log)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let mut child = command.spawn().map_err(|error| format!("{command:?} does not start: {error}"))?;
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(log)?;
            if let Some(address) = text.lines().find_map(address) {
                return Ok(Self { address: address.to_owned(), child });
            }
            if child.try_wait()?.is_some() || began.elapsed() > Duration::from_secs(20) {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("the server does not start: {text}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Seconds of processors that it took so far.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, ticks) = ticks(&stat).ok_or("/proc/PID/stat is not as proc(5) says")?;
        Ok(ticks / TICKS_PER_SECOND)
    }

    /// Mebibytes in memory now, and at the peak since the last [`Self::forget_peak`].
    pub(crate) fn memory(&self) -> Outcome<(f64, f64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let read = |key: &str| {
            kibibytes(&status, key)
                .map(|kib| kib / 1024.0)
                .ok_or_else(|| format!("no {key} in /proc/PID/status"))
        };
        Ok((read("VmRSS:")?, read("VmHWM:")?))
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// It says that something went wrong.
    pub(crate) fn end(&mut self) -> Outcome {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let ended = self.child.wait()?;
        if ended.success() { Ok(()) } else { Err(format!("the server ended with {ended}").into()) }
    }

    /// Lets the peak begin at what it takes now.
    pub(crate) fn forget_peak(&self) -> Outcome {
        Ok(forget_peak(self.child.id())?)
    }
}

/// Runs a program to its end and returns its peak memory in mebibytes.
///
/// Sampled repeatedly: the last millisecond may be missed.
///
/// # Errors
/// It does not start, or fails.
pub(crate) fn peak(command: &mut Command) -> Outcome<f64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    loop {
        if let Ok(text) = fs::read_to_string(&status) {
            peak = kibibytes(&text, "VmHWM:").map_or(peak, |kib| peak.max(kib / 1024.0));
        }
        match child.try_wait()? {
            Some(ended) if ended.success() => return Ok(peak),
            Some(ended) => return Err(format!("{command:?} ended with {ended}").into()),
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn kibibytes(status: &str, key: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(line: &str) -> Option<&str> {
    line.split_once("listening")?.1.split_once("address=")?.1.split_whitespace().next()
}
