//! Turns, medians, rows.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use user_backend_bench::{Result, runtime};

/// One line of the table.
pub(crate) struct Row {
    what: String,
    ours: f64,
    kind: &'static str,
    other: f64,
    ratio: f64,
    goal: Option<Goal>,
    runs: usize,
}

/// What the ratio should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    /// Ours beside the least it could be.
    pub(crate) fn floor(what: impl Into<String>, ours: f64, floor: f64, runs: usize) -> Self {
        Self { what: what.into(), ours, kind: "floor", other: floor, ratio: ours / floor, goal: None, runs }
    }

    /// Ours beside something else.
    pub(crate) fn peer(what: impl Into<String>, ours: f64, peer: f64, runs: usize) -> Self {
        Self { kind: "peer", ..Self::floor(what, ours, peer, runs) }
    }

    /// Adds what the ratio should be.
    pub(crate) fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    fn met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtMost(most) => self.ratio <= most,
            Goal::AtLeast(least) => self.ratio >= least,
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let goal = self.goal.map(|goal| match goal {
            Goal::AtMost(most) => format!("<= {most}"),
            Goal::AtLeast(least) => format!(">= {least}"),
        });
        json!({
            "what": self.what, "ours": self.ours, self.kind: self.other, "ratio": self.ratio,
            "goal": goal, "met": self.met(), "runs": self.runs,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, ours, kind, other, ratio, .. } = self;
        write!(f, "{what}: {ours:.2}, {kind} {other:.2}, ratio {ratio:.3}")
    }
}

/// The quantile `share`, or nothing without values.
pub(crate) fn quantile<T: PartialOrd + Copy>(values: &mut [T], share: f64) -> Option<T> {
    let last = values.len().checked_sub(1)?;
    let at = (last as f64 * share).round() as usize;
    let (_, value, _) =
        values.select_nth_unstable_by(at, |a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    Some(*value)
}

/// The middle one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5).unwrap_or(f64::NAN)
}

/// How many nanoseconds a round of `work` takes.
pub(crate) fn per_round(rounds: u32, mut work: impl FnMut(u32)) -> f64 {
    let start = Instant::now();
    for round in 0..rounds {
        work(round);
    }
    nanos(start.elapsed()) / f64::from(rounds)
}

/// Measures two things alternately; medians of both and of their ratio per turn.
pub(crate) fn in_turns(
    turns: usize,
    mut ours: impl FnMut() -> f64,
    mut other: impl FnMut() -> f64,
) -> (f64, f64, f64) {
    let mut figures = (Vec::with_capacity(turns), Vec::with_capacity(turns), Vec::with_capacity(turns));
    for turn in 0..turns {
        // Neither is always first.
        let (one, two) = if turn % 2 == 0 {
            let one = ours();
            (one, other())
        } else {
            let two = other();
            (ours(), two)
        };
        figures.0.push(one);
        figures.1.push(two);
        figures.2.push(one / two);
    }
    (median(&mut figures.0), median(&mut figures.1), median(&mut figures.2))
}

/// 99th percentile of a user's sign-ins in nanoseconds, with and without guesses.
pub(crate) struct UnderAttack {
    pub(crate) attacked: f64,
    pub(crate) quiet: f64,
    /// How many guesses there were a second.
    pub(crate) guesses: f64,
}

/// Measures `sign_in` with and without a thousand guesses a second, in turns.
///
/// `sign_in` returns whether it succeeded.
///
/// # Errors
/// When a sign-in did not succeed.
pub(crate) fn under_attack<G: Future<Output = ()> + Send + 'static>(
    (turn, turns): (Duration, usize),
    guess: impl Fn(u64) -> G + Sync,
    mut sign_in: impl FnMut() -> bool,
) -> Result<UnderAttack> {
    let (attack, over, guesses) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    let (mut under_attack, mut lost) = (Duration::ZERO, false);
    let guessing = runtime()?;
    let (attacked, quiet, _) = std::thread::scope(|scope| {
        scope.spawn(|| {
            guessing.block_on(async {
                // Behind schedule, it catches up. When it pauses it wakes as often.
                let mut due = tokio::time::Instant::now();
                while !over.load(Ordering::Relaxed) {
                    due += Duration::from_millis(1);
                    tokio::time::sleep_until(due).await;
                    if attack.load(Ordering::Relaxed) {
                        // Not awaited: after a wrong password the next attempt is delayed.
                        tokio::spawn(guess(guesses.fetch_add(1, Ordering::Relaxed)));
                    }
                }
            });
        });
        let measured = RefCell::new(|is_attacked: bool| {
            attack.store(is_attacked, Ordering::Relaxed);
            let start = Instant::now();
            let mut times = Vec::with_capacity(1_000_000);
            while start.elapsed() < turn {
                let before = Instant::now();
                lost |= !sign_in();
                times.push(nanos(before.elapsed()));
            }
            if is_attacked {
                under_attack += start.elapsed();
            }
            quantile(&mut times, 0.99).unwrap_or(f64::NAN)
        });
        let side = |is_attacked| (measured.borrow_mut())(is_attacked);
        in_turns(turns / 10, || side(true), || side(false));
        let figures = in_turns(turns, || side(true), || side(false));
        over.store(true, Ordering::Relaxed);
        figures
    });
    if lost {
        return Err("guesses kept the user out".into());
    }
    let guesses = guesses.into_inner() as f64 / under_attack.as_secs_f64();
    Ok(UnderAttack { attacked, quiet, guesses })
}

pub(crate) fn nanos(time: Duration) -> f64 {
    time.as_nanos() as f64
}
