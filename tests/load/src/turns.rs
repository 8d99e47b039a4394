//! Several programs that do the same thing, measured in turns.
//!
//! All of them run in each round, so that a busy machine slows all of them down alike. A ratio is
//! the median of the ratios of the rounds.

use std::fmt;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Outcome;
use crate::measure::median;
use crate::process::{TICKS_PER_SECOND, ticks};

/// Fewer rounds say little.
const MIN_ROUNDS: usize = 7;

/// How long each turn takes.
const TURN: Duration = Duration::from_secs(1);

/// Lets this many callers sign in for a while; returns how many milliseconds each answer took.
type Ask = Box<dyn Fn(usize, Duration) -> Outcome<Vec<f64>>>;

/// A program that is measured.
pub(crate) struct Target {
    name: &'static str,
    ask: Ask,
    /// The processes whose time and memory count, with their children.
    processes: Vec<u32>,
    /// More callers than this are not measured.
    most_callers: usize,
    is_ours: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Target {
    pub(crate) fn new(
        name: &'static str,
        ask: impl Fn(usize, Duration) -> Outcome<Vec<f64>> + 'static,
    ) -> Self {
        Self { name, ask: Box::new(ask), processes: Vec::new(), most_callers: usize::MAX, is_ours: false }
    }

    /// Counts the time and memory of these processes and their children.
    pub(crate) fn processes(mut self, processes: Vec<u32>) -> Self {
        self.processes = processes;
        self
    }

    /// Says that it is not a peer.
    pub(crate) fn ours(mut self) -> Self {
        self.is_ours = true;
        self
    }

    /// Measures it with at most this many callers.
    pub(crate) fn at_most(mut self, callers: usize) -> Self {
        self.most_callers = callers;
        self
    }

    fn turn(&self, callers: usize, length: Duration) -> Outcome<Turn> {
        let before = usage(&self.processes);
        let began = std::time::Instant::now();
        let mut times = (self.ask)(callers, length)
            .map_err(|error| format!("{}, {callers} callers: {error}", self.name))?;
        let seconds = began.elapsed().as_secs_f64();
        if times.is_empty() {
            return Err(format!("{}, {callers} callers: no answer in {length:?}", self.name).into());
        }
        times.sort_by(f64::total_cmp);
        let after = usage(&self.processes);
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
        Ok(Turn {
            per_second: times.len() as f64 / seconds,
            p50: at(50),
            p99: at(99),
            cpu: (after.seconds - before.seconds).max(0.0) * 1000.0 / times.len() as f64,
            memory: after.peak,
        })
    }
}

/// Result of a turn.
#[derive(Clone, Copy, Debug)]
struct Turn {
    per_second: f64,
    /// Milliseconds.
    p50: f64,
    /// Milliseconds.
    p99: f64,
    /// Milliseconds of processor for each answer.
    cpu: f64,
    /// Mebibytes at most.
    memory: f64,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Figure {
    PerSecond,
    P50,
    Cpu,
}

impl Figure {
    const fn of(self, turn: &Turn) -> f64 {
        match self {
            Self::PerSecond => turn.per_second,
            Self::P50 => turn.p50,
            Self::Cpu => turn.cpu,
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::PerSecond => "answers/s",
            Self::P50 => "p50 in ms",
            Self::Cpu => "processor time in ms",
        }
    }
}

/// What the ratio of ours to the other one should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ratio {
    AtLeast(f64),
    AtMost(f64),
    /// There is no goal.
    Any,
}

/// Ours beside another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) ours: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) figure: Figure,
    pub(crate) goal: Ratio,
    /// Only with these numbers of callers; empty for all.
    pub(crate) callers: &'static [usize],
}

/// Measures all targets, and makes the rows of the table: the comparisons first.
///
/// # Errors
/// A target failed or gave no answer.
pub(crate) fn rows(
    title: &str,
    targets: &[Target],
    callers: &[usize],
    runs: usize,
    comparisons: &[Comparison],
) -> Outcome<Vec<Value>> {
    let rounds = runs.max(MIN_ROUNDS);
    let measured: usize =
        targets.iter().map(|target| callers.iter().filter(|n| **n <= target.most_callers).count()).sum();
    let total = rounds * measured;
    let mut done = 0;
    let mut turns = vec![vec![Vec::new(); callers.len()]; targets.len()];
    for target in targets {
        // First answers take longer; from now on memory answers where there is one.
        target.turn(1, Duration::from_millis(300))?;
    }
    for _ in 0..rounds {
        for (target, turns) in targets.iter().zip(&mut turns) {
            for (n, turns) in callers.iter().zip(turns).filter(|(n, _)| **n <= target.most_callers) {
                progress(title, done, total, &format!("{}, {n} callers", target.name));
                turns.push(target.turn(*n, TURN)?);
                done += 1;
            }
        }
    }
    progress(title, done, total, "done");
    eprintln!();
    let found = |name: &str, column: usize| {
        let at = targets.iter().position(|target| target.name == name)?;
        Some(&turns[at][column]).filter(|turns| !turns.is_empty())
    };
    let mut rows = Vec::new();
    for Comparison { ours, peer, figure, goal, callers: only } in comparisons.iter().copied() {
        for (column, n) in callers.iter().enumerate() {
            if !only.is_empty() && !only.contains(n) {
                continue;
            }
            let (Some(a), Some(b)) = (found(ours, column), found(peer, column)) else { continue };
            let values = |turns: &[Turn]| turns.iter().map(|turn| figure.of(turn)).collect::<Vec<_>>();
            let (a, b) = (values(a), values(b));
            let ratio = median(&a.iter().zip(&b).map(|(a, b)| a / b).collect::<Vec<_>>());
            let (goal, met) = match goal {
                Ratio::AtLeast(least) => (Some(format!("ratio >= {least}")), Some(ratio >= least)),
                Ratio::AtMost(most) => (Some(format!("ratio <= {most}")), Some(ratio <= most)),
                Ratio::Any => (None, None),
            };
            rows.push(json!({
                "what": format!("{ours} beside {peer}, {n} at once, {}", figure.unit()),
                "ours": rounded(median(&a)), "peer": rounded(median(&b)), "ratio": ratio,
                "goal": goal, "met": met, "runs": rounds,
            }));
        }
    }
    for target in targets {
        for (column, n) in callers.iter().enumerate() {
            let Some(turns) = found(target.name, column) else { continue };
            let of = |value: fn(&Turn) -> f64| median(&turns.iter().map(value).collect::<Vec<_>>());
            let mut row = json!({
                "what": format!("{}, {n} at once", target.name), "is_ours": target.is_ours, "runs": rounds,
                "per_second": rounded(of(|turn| turn.per_second)),
                "p50_ms": rounded(of(|turn| turn.p50)), "p99_ms": rounded(of(|turn| turn.p99)),
            });
            if !target.processes.is_empty() {
                row["cpu_ms"] = rounded(of(|turn| turn.cpu)).into();
                row["peak_mib"] = rounded(of(|turn| turn.memory)).into();
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Three significant digits or more.
fn rounded(value: f64) -> f64 {
    let unit = 10_f64.powi(value.abs().max(1e-9).log10().floor() as i32 - 2).min(1.0);
    (value / unit).round() * unit
}

/// One line on a terminal, and nothing elsewhere.
fn progress(title: &str, done: usize, total: usize, what: &str) {
    use std::io::IsTerminal as _;
    if std::io::stderr().is_terminal() {
        let left = (total - done) as u64 * TURN.as_secs();
        eprint!("\r\x1b[K    {title}: {done}/{total}, about {left} s left: {what}");
    }
}

/// What some processes and their children used.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    /// Seconds of processor.
    seconds: f64,
    /// Mebibytes at most, of those that run.
    peak: f64,
}

fn usage(roots: &[u32]) -> Usage {
    let mut usage = Usage::default();
    if roots.is_empty() {
        return usage;
    }
    let stats: Vec<(u32, u32, f64)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (parent, ticks) = ticks(&stat)?;
            Some((pid, parent, ticks))
        })
        .collect();
    let mut wanted: Vec<u32> = roots.to_vec();
    while let Some(pid) = wanted.pop() {
        if let Some((_, _, ticks)) = stats.iter().find(|(found, ..)| *found == pid) {
            usage.seconds += ticks / TICKS_PER_SECOND;
        }
        usage.peak += crate::process::peak_of(pid).unwrap_or_default();
        wanted.extend(stats.iter().filter(|(_, parent, _)| *parent == pid).map(|(child, ..)| *child));
    }
    usage
}
