//! Open files and memory of this process, and what its helpers take: between two quiet moments, and as a slope over the second
//! half of the time in between, when every table that has a bound is full.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// More open files than at the beginning that are no leak: connections prepared ahead.
const FILES: i64 = 12;

/// More memory that is none: what allocators keep.
const MEMORY_KIB: i64 = 32 * 1024;

/// One look.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    files: i64,
    memory_kib: i64,
    helpers: i64,
    helpers_kib: i64,
}

/// All looks.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    samples: Vec<Look>,
    quiet: Option<(Look, Option<Look>)>,
}

impl Gauge {
    /// Looks once a second, once it has begun.
    pub(crate) fn sample(&mut self) {
        let due = self.samples.last().is_none_or(|last| last.at.elapsed() >= Duration::from_secs(1));
        if self.quiet.is_some() && due {
            self.samples.push(Look::now());
        }
    }

    /// The first quiet moment.
    pub(crate) fn begin(&mut self) {
        self.quiet = Some((Look::now(), None));
    }

    /// The last one.
    pub(crate) fn end(&mut self) {
        if let Some((_, last)) = &mut self.quiet {
            *last = Some(Look::now());
        }
    }

    fn ends(&self) -> (Look, Look) {
        let (first, last) = self.quiet.expect("it has begun");
        (first, last.expect("it has ended"))
    }

    /// Prints what was found and answers what leaks.
    pub(crate) fn print(&self) -> Vec<String> {
        let (first, last) = self.ends();
        let mut leaks = Vec::new();
        let files = self.slope(|look| look.files);
        let memory = self.slope(|look| look.memory_kib);
        println!(
            "{:<34} quiet {} -> {}, most {}, slope {files:+.2} a minute",
            "open files",
            first.files,
            last.files,
            self.samples.iter().map(|look| look.files).max().unwrap_or_default()
        );
        println!(
            "{:<34} quiet {} -> {} KiB, slope {memory:+.0} KiB a minute",
            "memory", first.memory_kib, last.memory_kib
        );
        println!(
            "{:<34} quiet {} -> {}, {} -> {} KiB",
            "helpers", first.helpers, last.helpers, first.helpers_kib, last.helpers_kib
        );
        if last.files > first.files + FILES {
            leaks.push(format!("open files: {} -> {}", first.files, last.files));
        }
        if last.memory_kib > first.memory_kib + MEMORY_KIB {
            leaks.push(format!("memory: {} -> {} KiB", first.memory_kib, last.memory_kib));
        }
        leaks
    }

    pub(crate) fn figures(&self) -> Value {
        let (first, last) = self.ends();
        json!({
            "files": [first.files, last.files], "files_a_minute": self.slope(|look| look.files),
            "memory_kib": [first.memory_kib, last.memory_kib], "kib_a_minute": self.slope(|look| look.memory_kib),
            "helpers": [first.helpers, last.helpers], "helpers_kib": [first.helpers_kib, last.helpers_kib],
        })
    }

    /// By least squares, a minute.
    fn slope(&self, what: impl Fn(&Look) -> i64) -> f64 {
        let half = self.samples.get(self.samples.len() / 2..).unwrap_or_default();
        let Some(start) = half.first().map(|look| look.at) else { return 0.0 };
        let number = |value: i64| f64::from(i32::try_from(value).unwrap_or(i32::MAX));
        let points: Vec<(f64, f64)> = half
            .iter()
            .map(|look| (look.at.duration_since(start).as_secs_f64() / 60.0, number(what(look))))
            .collect();
        let count = number(i64::try_from(points.len()).unwrap_or(i64::MAX));
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (x, y) = (x / count, y / count);
        let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let below: f64 = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum();
        if below > 0.0 { above / below } else { 0.0 }
    }
}

impl Look {
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
            memory_kib: memory("self"),
            helpers: i64::try_from(children.len()).unwrap_or(i64::MAX),
            helpers_kib: children.iter().map(|child| memory(child)).sum(),
        }
    }
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
