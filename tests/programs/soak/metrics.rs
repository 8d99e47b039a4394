//! Open files and memory of this process, and what its helpers take.
//!
//! Between two quiet moments, and as a trend over the second half of the time in between, when
//! every table that has a bound is full.
//!
//! Memory is counted twice: what the program holds, to the byte, by its allocator; and what the
//! system has given it, which allocators keep for later. The first cannot grow without a leak.

use std::fs;
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static HELD: PeakAlloc = PeakAlloc;

/// More open files than at the beginning that are no leak: connections prepared ahead.
const FILES: i64 = 12;

/// Memory that is no leak: what allocators keep.
const MEMORY_KIB: i64 = 32 * 1024;

/// What the program may hold more at the end.
///
/// Tables that were not yet full at the beginning, connections prepared ahead.
const HELD_KIB: i64 = 2048;

/// What it may hold more a minute: a mebibyte in an hour.
const KIB_A_MINUTE: f64 = 1024.0 / 60.0;

/// Of so much time the least counts.
///
/// Attempts come and go, and what stays is there in every quiet moment.
const WINDOW: Duration = Duration::from_secs(15);

/// A trend of fewer windows says nothing: runs of ten minutes and more are judged.
const WINDOWS: usize = 16;

/// One look.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    files: i64,
    held_kib: i64,
    memory_kib: i64,
    helpers: i64,
    helpers_kib: i64,
}

/// All looks.
#[derive(Debug, Default)]
pub(crate) struct ProcessMetrics {
    samples: Vec<Sample>,
    quiet: Option<(Sample, Option<Sample>)>,
}

/// How something grows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Trend {
    a_minute: f64,
    /// The standard error of that.
    doubt: f64,
    windows: usize,
}

impl Trend {
    /// Whether it grows by more than this, beyond doubt.
    fn is_more_than(&self, limit: f64) -> bool {
        self.windows >= WINDOWS && self.a_minute - 3.0 * self.doubt > limit
    }

    /// By least squares through points of minutes and figures.
    fn of(points: &[(f64, f64)]) -> Self {
        let count = number(points.len());
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (x, y) = (x / count, y / count);
        let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let below: f64 = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum();
        if points.len() < 3 || below <= 0.0 {
            return Self::default();
        }
        let a_minute = above / below;
        let rest: f64 = points.iter().map(|point| (point.1 - y - a_minute * (point.0 - x)).powi(2)).sum();
        let doubt = (rest / (count - 2.0) / below).sqrt();
        Self { a_minute, doubt, windows: points.len() }
    }
}

impl ProcessMetrics {
    /// Looks once a second, once it has begun.
    pub(crate) fn sample(&mut self) {
        let due = self.samples.last().is_none_or(|last| last.at.elapsed() >= Duration::from_secs(1));
        if self.quiet.is_some() && due {
            self.samples.push(Sample::now());
        }
    }

    /// The first quiet moment of a run of about this many seconds.
    pub(crate) fn begin(&mut self, seconds: u64) {
        // What it holds itself must not seem to leak.
        self.samples.reserve(usize::try_from(seconds).unwrap_or_default() + 1000);
        self.quiet = Some((Sample::now(), None));
    }

    /// The last one.
    pub(crate) fn end(&mut self) {
        if let Some((_, last)) = &mut self.quiet {
            *last = Some(Sample::now());
        }
    }

    fn ends(&self) -> (Sample, Sample) {
        let (first, last) = self.quiet.expect("it has begun");
        (first, last.expect("it has ended"))
    }

    /// Prints what was found and answers what leaks.
    pub(crate) fn print(&self) -> Vec<String> {
        let (first, last) = self.ends();
        let row = |what: &str, from: i64, to: i64, look: fn(&Sample) -> i64| {
            let [early, late] = [false, true].map(|late| self.trend(late, look));
            println!(
                "{what:<34} quiet {from} -> {to}, most {}, a minute {:+.1} in the first half, {:+.1} ± {:.1} in the second",
                self.samples.iter().map(look).max().unwrap_or_default(),
                early.a_minute,
                late.a_minute,
                late.doubt
            );
        };
        row("open files", first.files, last.files, |look| look.files);
        row("memory held, KiB", first.held_kib, last.held_kib, |look| look.held_kib);
        row("memory of the process, KiB", first.memory_kib, last.memory_kib, |look| look.memory_kib);
        println!(
            "{:<34} quiet {} -> {}, {} -> {} KiB",
            "helpers", first.helpers, last.helpers, first.helpers_kib, last.helpers_kib
        );
        let mut leaks = Vec::new();
        if last.files > first.files + FILES {
            leaks.push(format!("open files: {} -> {}", first.files, last.files));
        }
        if last.memory_kib > first.memory_kib + MEMORY_KIB {
            leaks.push(format!("memory: {} -> {} KiB", first.memory_kib, last.memory_kib));
        }
        if last.held_kib > first.held_kib + HELD_KIB {
            leaks.push(format!("memory held: {} -> {} KiB", first.held_kib, last.held_kib));
        }
        let held = self.trend(true, |look| look.held_kib);
        if held.is_more_than(KIB_A_MINUTE) {
            leaks.push(format!("memory held grows by {:.1} ± {:.1} KiB a minute", held.a_minute, held.doubt));
        }
        leaks
    }

    pub(crate) fn figures(&self) -> Value {
        let (first, last) = self.ends();
        let trends = |look: fn(&Sample) -> i64| [false, true].map(|late| self.trend(late, look).a_minute);
        json!({
            "files": [first.files, last.files], "files_a_minute": trends(|look| look.files),
            "held_kib": [first.held_kib, last.held_kib], "held_kib_a_minute": trends(|look| look.held_kib),
            "memory_kib": [first.memory_kib, last.memory_kib], "kib_a_minute": trends(|look| look.memory_kib),
            "helpers": [first.helpers, last.helpers], "helpers_kib": [first.helpers_kib, last.helpers_kib],
        })
    }

    /// Over the second half of the time, or the first.
    fn trend(&self, late: bool, what: impl Fn(&Sample) -> i64) -> Trend {
        let (early_half, late_half) = self.samples.split_at(self.samples.len() / 2);
        let half = if late { late_half } else { early_half };
        let Some(start) = half.first().map(|look| look.at) else { return Trend::default() };
        let mut points: Vec<(f64, f64)> = Vec::new();
        for look in half {
            let since = look.at.duration_since(start);
            let window = since.as_secs() / WINDOW.as_secs();
            let (minute, figure) = (number(window) * WINDOW.as_secs_f64() / 60.0, number(what(look)));
            match points.last_mut() {
                Some(last) if last.0 == minute => last.1 = last.1.min(figure),
                _ => points.push((minute, figure)),
            }
        }
        Trend::of(&points)
    }
}

impl Sample {
    fn now() -> Self {
        let children: Vec<String> = fs::read_dir("/proc/self/task")
            .expect("our threads")
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
            .flat_map(|children| children.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .filter(|child| is_helper(child))
            .collect();
        Self {
            at: Instant::now(),
            files: i64::try_from(fs::read_dir("/proc/self/fd").expect("our files").count())
                .unwrap_or(i64::MAX),
            held_kib: i64::try_from(HELD.current_usage() / 1024).unwrap_or(i64::MAX),
            memory_kib: memory("self"),
            helpers: i64::try_from(children.len()).unwrap_or(i64::MAX),
            helpers_kib: children.iter().map(|child| memory(child)).sum(),
        }
    }
}

fn number(value: impl TryInto<i32>) -> f64 {
    f64::from(value.try_into().unwrap_or(i32::MAX))
}

/// Whether a child runs this program, and not the rig's script.
fn is_helper(process: &str) -> bool {
    let program = |process: &str| fs::read_link(format!("/proc/{process}/exe")).ok();
    program(process).is_some_and(|theirs| Some(theirs) == program("self"))
}

/// What a process holds in memory.
fn memory(process: &str) -> i64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of this many minutes: attempts come and go, and something leaks.
    fn run(minutes: u64, forgotten_a_minute: i64) -> ProcessMetrics {
        let start = Instant::now();
        let look = |second: u64| {
            let at = start + Duration::from_secs(second);
            // Tables fill up the slower the fuller they are.
            let filling = (2000.0 * (1.0 - (-number(second) / 60.0).exp())) as i64;
            let second = i64::try_from(second).unwrap();
            // What is under way: another figure each second, often little.
            let under_way = second * 7919 % 997 * (second % 3);
            let held_kib = 3000 + under_way + filling + forgotten_a_minute * second / 60;
            Sample { at, files: 20, held_kib, memory_kib: 40_000, helpers: 0, helpers_kib: 0 }
        };
        let samples: Vec<_> = (0..minutes * 60).map(look).collect();
        let last = look(minutes * 60);
        let kept = forgotten_a_minute * i64::try_from(minutes).unwrap();
        // In the quiet moments nothing is under way, and what was prepared ahead has been given up.
        let quiet = [samples[0], Sample { held_kib: 2500 + kept, ..last }];
        ProcessMetrics { samples, quiet: Some((quiet[0], Some(quiet[1]))) }
    }

    #[test]
    fn t29_leak_of_a_mebibyte_an_hour_fails_the_soak() {
        // What the relay of an earlier soak forgot, and a twentieth of it.
        for (minutes, forgotten) in [(10, 900), (20, 100), (60, 45), (60, 30)] {
            let leaks = run(minutes, forgotten).print();
            assert!(leaks.last().is_some_and(|leak| leak.starts_with("memory held grows by ")), "{leaks:?}");
        }
    }

    #[test]
    fn t29_full_tables_and_attempts_in_flight_are_no_leak() {
        for minutes in [3, 10, 20, 60] {
            assert!(run(minutes, 0).print().is_empty(), "{minutes}");
        }
    }

    #[test]
    fn t29_three_minutes_compare_two_quiet_moments_only() {
        let leaks = run(3, 900).print();
        assert!(leaks.len() == 1 && leaks[0].starts_with("memory held: "), "{leaks:?}");
    }
}
