//! `cargo xtask ci`: all checks in one go, each once.

use crate::step::{Outcome, Steps};
use crate::{lint, soak, test};

/// Runs `cargo xtask test`, then a short soak and the lints that it leaves out.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run() -> Outcome {
    let mut steps = Steps::default();
    test::all(&mut steps);
    soak::short(&mut steps);
    lint::extras(&mut steps);
    steps.finish()
}
