//! Signals that stop the program: Ctrl-C, `kill`, a closed terminal.
//!
//! The prompt switches the terminal's echo off. A process that is killed there leaves a shell that
//! shows nothing of what is typed, so the signals that ask to stop are caught and the terminal is
//! put back first.

use std::process::ExitCode;

use crate::output::eprintln_line;
use crate::password;

/// Waits for a signal that stops the program, and returns its number.
pub(crate) async fn signalled() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        if let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) {
            return tokio::select! {
                _ = interrupt.recv() => 2,
                _ = terminate.recv() => 15,
                _ = hangup.recv() => 1,
            };
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        return 2;
    }
    std::future::pending().await
}

/// Restores the terminal; returns the exit code of a stopped program: 128 plus signal.
pub(crate) fn leave(signal: u8) -> ExitCode {
    password::restore_terminal();
    eprintln_line("");
    ExitCode::from(128 + signal)
}
