//! Several programs that do the same thing, measured in turns.
//!
//! All of them run in each round, so that a busy machine slows all of them down alike. A ratio is
//! the median of the ratios of the rounds; that of processor times is the ratio of the sums.

use std::fmt;
use std::fs;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Outcome;
use crate::measure::median;
use crate::process::{TICKS_PER_SECOND, forget_peak, peak_of, ticks};

/// How long each turn takes.
const TURN: Duration = Duration::from_secs(1);

/// How long the turn before takes.
const FIRST_TURN: Duration = Duration::from_millis(300);

/// Answers of a turn.
#[derive(Debug, Default)]
pub(crate) struct AnswerTimes {
    /// How many milliseconds each took.
    pub(crate) times: Vec<f64>,
    /// Mebibytes that one of the processes took at most that ended meanwhile.
    pub(crate) peak_of_ended: f64,
}

impl From<Vec<f64>> for AnswerTimes {
    fn from(times: Vec<f64>) -> Self {
        Self { times, peak_of_ended: 0.0 }
    }
}

/// Lets this many callers sign in for a while.
type Ask = Box<dyn Fn(usize, Duration) -> Outcome<AnswerTimes>>;

/// A program that is measured.
pub(crate) struct Target {
    name: &'static str,
    ask: Ask,
    /// Fails unless a wrong password is refused.
    refuses: Box<dyn Fn() -> Outcome>,
    /// The processes whose time and memory count, with their children.
    processes: Vec<u32>,
    /// There is a process for each caller.
    is_process_per_caller: bool,
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
    /// `refuses` fails unless a wrong password is refused, so that nothing is measured that accepts
    /// every password.
    pub(crate) fn new(
        name: &'static str,
        ask: impl Fn(usize, Duration) -> Outcome<AnswerTimes> + 'static,
        refuses: impl Fn() -> Outcome + 'static,
    ) -> Self {
        Self {
            name,
            ask: Box::new(ask),
            refuses: Box::new(refuses),
            processes: Vec::new(),
            is_process_per_caller: false,
            most_callers: usize::MAX,
            is_ours: false,
        }
    }

    /// Counts the time and memory of these processes and their children.
    pub(crate) fn processes(mut self, processes: Vec<u32>) -> Self {
        self.processes = processes;
        self
    }

    /// Counts only as many of the processes as there are callers.
    pub(crate) fn process_per_caller(mut self) -> Self {
        self.is_process_per_caller = true;
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

    fn turn(&self, callers: usize, length: Duration) -> Outcome<TurnFigures> {
        let used = if self.is_process_per_caller { callers } else { self.processes.len() };
        let processes = self.processes.get(..used).unwrap_or(&self.processes);
        let before = usage(processes, true);
        let began = Instant::now();
        let AnswerTimes { mut times, peak_of_ended } = (self.ask)(callers, length)
            .map_err(|error| format!("{}, {callers} callers: {error}", self.name))?;
        let seconds = began.elapsed().as_secs_f64();
        if times.is_empty() {
            return Err(format!("{}, {callers} callers: no answer in {length:?}", self.name).into());
        }
        times.sort_by(f64::total_cmp);
        let after = usage(processes, false);
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
        Ok(TurnFigures {
            per_second: times.len() as f64 / seconds,
            p50: at(50),
            p99: at(99),
            answers: times.len() as f64,
            cpu: (after.seconds - before.seconds).max(0.0) * 1000.0,
            memory: if peak_of_ended > 0.0 { peak_of_ended * callers as f64 } else { after.peak },
        })
    }
}

/// Result of a turn.
#[derive(Clone, Copy, Debug)]
struct TurnFigures {
    per_second: f64,
    /// Milliseconds.
    p50: f64,
    /// Milliseconds.
    p99: f64,
    answers: f64,
    /// Milliseconds of processor for all answers.
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
    /// The figure of each turn; the kernel counts processor time in steps of 10 ms, so that of all
    /// turns is one figure.
    fn of(self, turns: &[TurnFigures]) -> Vec<f64> {
        match self {
            Self::PerSecond => turns.iter().map(|turn| turn.per_second).collect(),
            Self::P50 => turns.iter().map(|turn| turn.p50).collect(),
            Self::Cpu => vec![cpu(turns)],
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

/// Milliseconds of processor for an answer.
fn cpu(turns: &[TurnFigures]) -> f64 {
    let sum = |value: fn(&TurnFigures) -> f64| turns.iter().map(value).sum::<f64>();
    sum(|turn| turn.cpu) / sum(|turn| turn.answers)
}

/// What ours should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At least so many times the other one.
    TimesAtLeast(f64),
    /// At most so many times the other one.
    TimesAtMost(f64),
    /// At most so much more than the other one.
    MoreAtMost(f64),
    /// At most this, whatever the other one is.
    AtMost(f64),
    None,
}

/// Ours beside another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) ours: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) figure: Figure,
    pub(crate) goal: Goal,
    /// Only with these numbers of callers; empty for all.
    pub(crate) callers: &'static [usize],
}

impl Comparison {
    fn row(&self, callers: usize, ours: &[TurnFigures], peer: &[TurnFigures]) -> Value {
        let Self { ours: name, peer: other, figure, goal, .. } = *self;
        let (a, b) = (figure.of(ours), figure.of(peer));
        let ratio = median(&a.iter().zip(&b).map(|(a, b)| a / b).collect::<Vec<_>>());
        let more = median(&a.iter().zip(&b).map(|(a, b)| a - b).collect::<Vec<_>>());
        let (goal, is_met) = match goal {
            Goal::TimesAtLeast(least) => (Some(format!("ratio >= {least}")), ratio >= least),
            Goal::TimesAtMost(most) => (Some(format!("ratio <= {most}")), ratio <= most),
            Goal::MoreAtMost(most) => (Some(format!("<= {most} more")), more <= most),
            Goal::AtMost(most) => (Some(format!("<= {most}")), median(&a) <= most),
            Goal::None => (None, false),
        };
        json!({
            "what": format!("{name} beside {other}, {callers} at once, {}", figure.unit()),
            "ours": rounded(median(&a)), "peer": rounded(median(&b)), "ratio": ratio,
            "met": goal.as_ref().map(|_| is_met), "goal": goal, "runs": ours.len(),
        })
    }
}

/// Measures all targets, and makes the rows of the table: the comparisons first.
///
/// # Errors
/// A target failed, gave no answer or accepts a wrong password.
pub(crate) fn rows(
    title: &str,
    targets: &[Target],
    callers: &[usize],
    rounds: usize,
    comparisons: &[Comparison],
) -> Outcome<Vec<Value>> {
    let measured: usize =
        targets.iter().map(|target| callers.iter().filter(|n| **n <= target.most_callers).count()).sum();
    let mut progress = Progress::new(title, rounds, measured, TURN);
    let mut turns = vec![vec![Vec::new(); callers.len()]; targets.len()];
    for target in targets {
        progress.note(&format!("{}, a wrong password", target.name));
        (target.refuses)().map_err(|error| format!("{}: {error}", target.name))?;
        // First answers take longer; from now on memory answers where there is one.
        let most = callers.iter().filter(|n| **n <= target.most_callers).max();
        target.turn(most.copied().unwrap_or(1), FIRST_TURN)?;
    }
    for _ in 0..rounds {
        for (target, turns) in targets.iter().zip(&mut turns) {
            for (n, turns) in callers.iter().zip(turns).filter(|(n, _)| **n <= target.most_callers) {
                progress.next(&format!("{}, {n} callers", target.name));
                turns.push(target.turn(*n, TURN)?);
            }
        }
    }
    progress.end();
    let found = |name: &str, column: usize| {
        let at = targets.iter().position(|target| target.name == name)?;
        Some(&turns[at][column]).filter(|turns| !turns.is_empty())
    };
    let mut rows = Vec::new();
    for comparison in comparisons {
        let before = rows.len();
        for (column, n) in callers.iter().enumerate() {
            if !comparison.callers.is_empty() && !comparison.callers.contains(n) {
                continue;
            }
            let both = (found(comparison.ours, column), found(comparison.peer, column));
            if let (Some(ours), Some(peer)) = both {
                rows.push(comparison.row(*n, ours, peer));
            }
        }
        if rows.len() == before {
            return Err(format!("no figures for {comparison:?}").into());
        }
    }
    for target in targets {
        for (column, n) in callers.iter().enumerate() {
            let Some(turns) = found(target.name, column) else { continue };
            let of = |value: fn(&TurnFigures) -> f64| median(&turns.iter().map(value).collect::<Vec<_>>());
            let mut row = json!({
                "what": format!("{}, {n} at once", target.name), "is_ours": target.is_ours, "runs": rounds,
                "per_second": rounded(of(|turn| turn.per_second)),
                "p50_ms": rounded(of(|turn| turn.p50)), "p99_ms": rounded(of(|turn| turn.p99)),
            });
            if !target.processes.is_empty() {
                row["cpu_ms"] = rounded(cpu(turns)).into();
                row["peak_mib"] = rounded(of(|turn| turn.memory)).into();
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Three significant digits or more.
fn rounded(value: f64) -> f64 {
    let parts = 10_f64.powi(2 - value.abs().max(1e-9).log10().floor() as i32).max(1.0);
    (value * parts).round() / parts
}

/// Says what is measured and how long it will still take.
///
/// On a terminal in one line that changes, elsewhere in one line for each round.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    title: &'a str,
    in_round: usize,
    total: usize,
    /// How long a turn takes, if no turn has ended.
    length: Duration,
    done: usize,
    began: Option<Instant>,
    is_terminal: bool,
}

impl<'a> Progress<'a> {
    /// So many rounds of so many turns of this length.
    pub(crate) fn new(title: &'a str, rounds: usize, in_round: usize, length: Duration) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { title, in_round, total: rounds * in_round, length, done: 0, began: None, is_terminal }
    }

    /// Before the first turn.
    pub(crate) fn note(&self, what: &str) {
        if self.is_terminal {
            eprint!("\r\x1b[K    {}: {what}", self.title);
        }
    }

    /// A turn begins.
    pub(crate) fn next(&mut self, what: &str) {
        let began = *self.began.get_or_insert_with(Instant::now);
        let Self { title, in_round, total, done, .. } = *self;
        let each = began.elapsed().checked_div(done as u32).unwrap_or(self.length);
        let left = (each * (total - done) as u32).as_secs();
        if self.is_terminal {
            eprint!("\r\x1b[K    {title}: {done} of {total}, about {left} s left: {what}");
        } else if done.is_multiple_of(in_round) {
            let (round, rounds) = (done / in_round + 1, total / in_round);
            eprintln!("    {title}: round {round} of {rounds}, about {left} s left");
        }
        self.done += 1;
    }

    /// All turns are over.
    pub(crate) fn end(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
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

/// Reads it, of these processes and their children; `is_start` lets the peaks begin at what they
/// take now.
fn usage(roots: &[u32], is_start: bool) -> Usage {
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
        if is_start {
            // A process may have ended meanwhile.
            let _ = forget_peak(pid);
        } else {
            usage.peak += peak_of(pid).unwrap_or_default();
        }
        wanted.extend(stats.iter().filter(|(_, parent, _)| *parent == pid).map(|(child, ..)| *child));
    }
    usage
}
