//! `cargo xtask image`: container images of the programs that `cargo xtask dist` built.

use crate::step::{self, Outcome, StepLog};
use crate::{dist, prerequisites};

/// Builds the images and starts them, alone and in the example; tries the package under systemd.
///
/// # Errors
///
/// No container engine answers, no root, or a step failed.
pub(crate) fn run() -> Outcome {
    if !engine_answers() {
        return Err("no container engine answers (docker/engine.sh up starts one)".into());
    }
    if !prerequisites::is_root()? {
        return Err("trying the images needs root: files of the example belong to other users".into());
    }
    prerequisites::install(&prerequisites::missing_for_images())?;
    let mut steps = StepLog::default();
    step(&mut steps);
    steps.finish()
}

/// The same as a part of `ci --full`, after `dist`.
pub(crate) fn step(steps: &mut StepLog) {
    if !engine_answers() {
        return steps.skip("image", "no container engine answers (docker/engine.sh up)");
    }
    let dist = dist::folder(&step::root());
    let test = |script: &str| -> Outcome {
        if !dist.join("stage").is_dir() {
            return Err("target/dist/stage is missing: run `cargo xtask dist` first".into());
        }
        step::run(step::program(script).arg(&dist))
    };
    steps.run("image", "built, measured, started alone and behind nginx with PostgreSQL", || {
        test("docker/image-test.sh")
    });
    steps.run("unit", "the package under systemd: start, reload, crash, upgrade, purge", || {
        test("docker/unit-test.sh")
    });
}

/// Whether a container engine answers.
pub(crate) fn engine_answers() -> bool {
    step::program("docker").arg("info").output().is_ok_and(|output| output.status.success())
}
