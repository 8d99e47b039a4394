//! Notifies systemd, if it started this program (sd_notify(3)).
//!
//! It reports that the server is ready, reloads, stops, and is alive. Without systemd nothing
//! happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// The server takes requests.
pub(crate) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// The configuration is being read again; [`ready`] says when that is done.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "sd_notify failed"),
    }
}

/// The server takes no new requests.
pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Sends the watchdog notification, twice as often as systemd requires, if it does.
///
/// A server whose event loop hangs falls silent and is restarted; one whose database is unavailable
/// is not, because that would not help.
pub(crate) async fn keep_alive() {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut interval = tokio::time::interval((limit / 2).max(Duration::from_millis(10)));
    loop {
        interval.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "sd_notify failed");
    }
}
