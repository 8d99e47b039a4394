//! The log of `--verbose`, on standard error.
//!
//! Only the crates of this workspace log, and the TLS library from `-vv` on: a protocol library may
//! log what it sends, and what it sends are passwords. For the same reason the environment
//! (`RUST_LOG`) has no say here.

use clap::ValueEnum;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// How log lines look: as those of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts logging if it is configured.
pub(crate) fn start(verbose: u8, format: LogFormat) {
    if verbose == 0 {
        return;
    }
    let level = if verbose == 1 { LevelFilter::DEBUG } else { LevelFilter::TRACE };
    let mut targets = Targets::new().with_target("occ", level).with_target("user_backend", level);
    if verbose > 1 {
        targets = targets.with_target("rustls", LevelFilter::DEBUG);
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // A reader that went away is no reason to end with a panic.
        .log_internal_errors(false);
    // Fails only if a logger is already installed.
    let registry = tracing_subscriber::registry();
    let _ = match format {
        LogFormat::Json => registry.with(lines.json().with_filter(targets)).try_init(),
        LogFormat::Text => registry.with(lines.with_filter(targets)).try_init(),
    };
}
