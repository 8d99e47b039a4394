//! Everything that is logged, at the level `trace`, so that tests can search it.
//!
//! They search for passwords.
//!
//! `cargo xtask test` names a directory in `TRACE_TESTS` and looks through all that the tests have
//! written there. Not on standard error: what a test that fails has to say should stay readable.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Mutex;

/// Logs everything to a file of this process, in the directory `TRACE_TESTS`.
///
/// A subscriber that is there already stays.
///
/// # Panics
/// When there cannot be such a file.
pub fn on() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    let Some(directory) = std::env::var_os("TRACE_TESTS").map(PathBuf::from) else { return };
    ONCE.call_once(|| {
        fs::create_dir_all(&directory).expect("a directory for the log");
        let file = directory.join(format!("{}.log", std::process::id()));
        let file = File::options().create(true).append(true).open(file).expect("a file for the log");
        // A second one is refused, which is fine.
        let _ = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(Mutex::new(file))
            .with_ansi(false)
            .try_init();
    });
}
