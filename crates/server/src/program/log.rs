//! The log: its level, its format, and who may write to it.
//!
//! Only the crates of this workspace log: a protocol library may log what it sends, and that is
//! passwords.

use std::str::FromStr;

use clap::ValueEnum;
use thiserror::Error;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// The parts that can be logged.
const PARTS: [&str; 5] = ["user_backend_server", "user_backend", "accounts", "password_policy", "audit"];

/// The variable that other programs know, too.
const VARIABLE: &str = "RUST_LOG";

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLevel {
    /// For the parts that are not named.
    usual: LevelFilter,
    parts: Vec<(&'static str, LevelFilter)>,
}

impl Default for LogLevel {
    fn default() -> Self {
        Self { usual: LevelFilter::INFO, parts: Vec::new() }
    }
}

/// An invalid log level.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadLevel {
    #[error("found {found:?}, expected error, warn, info, debug or trace")]
    Level { found: String },
    #[error("found {found:?}, expected one of {}: nothing else is logged", PARTS.join(", "))]
    Part { found: String },
}

impl FromStr for LogLevel {
    type Err = BadLevel;

    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let (level, unknown) = parse(text)?;
        match unknown.into_iter().next() {
            Some(found) => Err(BadLevel::Part { found }),
            None => Ok(level),
        }
    }
}

/// Reads levels; what they say about other programs' parts is returned.
fn parse(text: &str) -> Result<(LogLevel, Vec<String>), BadLevel> {
    let (mut level, mut unknown) = (LogLevel::default(), Vec::new());
    for directive in text.split(',').map(str::trim) {
        match directive.split_once('=') {
            None if PARTS.contains(&directive) => {
                return Err(BadLevel::Level { found: format!("{directive} without a level") });
            }
            None => level.usual = filter(directive)?,
            Some((part, value)) => match PARTS.iter().find(|known| **known == part.trim()) {
                Some(known) => level.parts.push((known, filter(value.trim())?)),
                None => unknown.push(part.to_owned()),
            },
        }
    }
    Ok((level, unknown))
}

fn filter(text: &str) -> Result<LevelFilter, BadLevel> {
    match text.to_ascii_lowercase().as_str() {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(BadLevel::Level { found: text.to_owned() }),
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line of text each
    Text,
    /// One JSON object each
    Json,
}

/// Starts to log. The option counts before the variable `RUST_LOG`.
///
/// # Errors
/// What is wrong with the variable.
pub(crate) fn start(level: Option<LogLevel>, format: LogFormat) -> Result<(), String> {
    let variable = std::env::var_os(VARIABLE).filter(|variable| !variable.is_empty());
    let (level, unknown) = match (level, variable) {
        (Some(level), _) => (level, Vec::new()),
        (None, Some(variable)) => {
            parse(&variable.to_string_lossy()).map_err(|error| format!("{VARIABLE}: {error}"))?
        }
        (None, None) => Default::default(),
    };
    let usual = Targets::new().with_targets(PARTS.map(|part| (part, level.usual)));
    let targets = usual.with_targets(level.parts);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false);
    let registry = tracing_subscriber::registry();
    // Fails only when something else logs already.
    let _ = match format {
        LogFormat::Json => registry.with(lines.json().with_filter(targets)).try_init(),
        LogFormat::Text => registry.with(lines.with_filter(targets)).try_init(),
    };
    if !unknown.is_empty() {
        tracing::warn!(parts = ?unknown, "{VARIABLE} names parts that are not logged here");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_for_all_and_for_parts() {
        let level = |text: &str| text.parse::<LogLevel>();
        assert_eq!(level("WARN").unwrap(), LogLevel { usual: LevelFilter::WARN, parts: Vec::new() });
        assert_eq!(
            level("warn, audit=info,accounts=debug").unwrap(),
            LogLevel {
                usual: LevelFilter::WARN,
                parts: vec![("audit", LevelFilter::INFO), ("accounts", LevelFilter::DEBUG)],
            }
        );
        assert_eq!(level("audit=trace").unwrap().usual, LevelFilter::INFO);
        for (text, expected) in [
            ("", "found \"\", expected error, warn, info, debug or trace"),
            ("verbose", "found \"verbose\", expected error, warn, info, debug or trace"),
            ("audit", "found \"audit without a level\", expected error, warn, info, debug or trace"),
            ("audit=loud", "found \"loud\", expected error, warn, info, debug or trace"),
            ("hyper=trace", "found \"hyper\", expected one of user_backend_server, user_backend, accounts,"),
        ] {
            let error = level(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        // The variable may be set for other programs.
        let (read, unknown) = parse("hyper=trace,user_backend=debug").unwrap();
        assert_eq!((read.parts.len(), unknown), (1, vec!["hyper".to_owned()]));
    }
}
