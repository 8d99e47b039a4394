//! Figures for `cargo xtask adversarial`.
//!
//! Each test that has some leaves them in the directory that `ADVERSARIAL_REPORT` names.

use std::env;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// Writes `figures` under this name to the report, or prints them without one.
///
/// # Panics
/// When the report cannot be written.
pub fn leave(name: &str, figures: &Value) {
    println!("{name}: {figures}");
    let Some(directory) = env::var_os("ADVERSARIAL_REPORT").map(PathBuf::from) else { return };
    fs::create_dir_all(&directory).expect("a directory for the report");
    fs::write(directory.join(format!("{name}.json")), figures.to_string()).expect("the report");
}
