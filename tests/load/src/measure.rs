//! Medians and rows.

use std::fmt;

use serde_json::{Value, json};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    ours: f64,
    floor: Option<f64>,
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
}

impl Row {
    /// The median of these runs.
    pub(crate) fn new(what: impl Into<String>, runs: &[f64]) -> Self {
        Self { what: what.into(), ours: median(runs), floor: None, goal: None, runs: runs.to_vec() }
    }

    /// Beside the median of what the least of all servers did in the same turns.
    pub(crate) fn floor(mut self, runs: &[f64]) -> Self {
        self.floor = Some(median(runs));
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
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let goal = self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => format!(">= {least}"),
            Goal::AtMost(most) => format!("<= {most}"),
            Goal::Share(share) => format!("ratio >= {share}"),
        });
        let runs: Vec<f64> = self.runs.iter().map(|run| (run * 100.0).round() / 100.0).collect();
        json!({
            "what": self.what, "ours": self.ours, "floor": self.floor, "ratio": self.ratio(),
            "goal": goal, "met": self.met(), "runs": runs,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:.2}", self.what, self.ours)?;
        if let (Some(floor), Some(ratio)) = (self.floor, self.ratio()) {
            write!(f, ", floor {floor:.2}, ratio {ratio:.3}")?;
        }
        match self.met() {
            Some(true) => write!(f, ", met"),
            Some(false) => write!(f, ", NOT met"),
            None => Ok(()),
        }
    }
}

/// The middle one; nothing is measured without a run.
pub(crate) fn median(runs: &[f64]) -> f64 {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    runs.get(runs.len() / 2).copied().unwrap_or(f64::NAN)
}
