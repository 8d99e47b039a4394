//! Medians and rows.

use std::fmt;

use serde_json::{Value, json};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    ours: f64,
    floor: Option<f64>,
    p50: Option<f64>,
    goal: Option<Goal>,
    runs: Vec<f64>,
}

/// What a figure, or its ratio to the floor, should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// This part of the floor.
    Share(f64),
    /// This many times the floor.
    Times(f64),
}

impl Row {
    /// The median of these runs.
    pub(crate) fn new(what: impl Into<String>, runs: &[f64]) -> Self {
        Self {
            what: what.into(),
            ours: median(runs),
            floor: None,
            p50: None,
            goal: None,
            runs: runs.to_vec(),
        }
    }

    /// Beside the median of what the least of all servers did in the same turns.
    pub(crate) fn floor(mut self, runs: &[f64]) -> Self {
        self.floor = Some(median(runs));
        self
    }

    /// With the median in milliseconds, beside another percentile.
    pub(crate) fn p50(mut self, runs: &[f64]) -> Self {
        self.p50 = Some(median(runs));
        self
    }

    /// Adds what it should be.
    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.ours / floor)
    }

    fn met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => self.ours >= least,
            Goal::AtMost(most) => self.ours <= most,
            Goal::Share(share) => self.ratio().is_some_and(|ratio| ratio >= share),
            Goal::Times(times) => self.ratio().is_some_and(|ratio| ratio <= times),
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let goal = self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => format!(">= {least}"),
            Goal::AtMost(most) => format!("<= {most}"),
            Goal::Share(share) => format!("ratio >= {share}"),
            Goal::Times(times) => format!("ratio <= {times}"),
        });
        let runs: Vec<f64> = self.runs.iter().map(|run| (run * 100.0).round() / 100.0).collect();
        let mut row = json!({
            "what": self.what, "ours": self.ours, "floor": self.floor, "ratio": self.ratio(),
            "goal": goal, "met": self.met(), "runs": runs,
        });
        if let Some(p50) = self.p50 {
            row["p50_ms"] = p50.into();
        }
        row
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:.2}", self.what, self.ours)?;
        if let (Some(floor), Some(ratio)) = (self.floor, self.ratio()) {
            write!(f, ", floor {floor:.2}, ratio {ratio:.3}")?;
        }
        if let Some(p50) = self.p50 {
            write!(f, ", p50 {p50:.2} ms")?;
        }
        match self.met() {
            Some(true) => write!(f, ", met"),
            Some(false) => write!(f, ", NOT met"),
            None => Ok(()),
        }
    }
}

/// The value that a share of all is not above, such as 0.99.
pub(crate) fn percentile(runs: &[f64], share: f64) -> f64 {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of runs")]
    let at = (runs.len() as f64 * share).ceil() as usize;
    runs.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// The middle one; nothing is measured without a run.
pub(crate) fn median(runs: &[f64]) -> f64 {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    runs.get(runs.len() / 2).copied().unwrap_or(f64::NAN)
}
